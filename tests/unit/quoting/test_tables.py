"""Many exact tables at once against one at a time, and the cache of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ethpredict.errors import ConfigError
from ethpredict.quoting._exact_kernels import stationary_log_ratios, twist_lots
from ethpredict.quoting._table_kernels import LANES, table_log_ratios
from ethpredict.quoting.glft import exact_quotes
from ethpredict.quoting.tables import TableCache, exact_tables


@settings(max_examples=60)
@given(
    st.integers(1, 40),
    st.lists(
        st.tuples(
            st.one_of(st.just(0.0), st.floats(1e-9, 1e3)),
            st.one_of(st.just(0.0), st.floats(-1e3, 1e3), st.floats(-1e-3, 1e-3)),
            st.floats(1e-3, 1e2),
        ),
        min_size=1,
        max_size=2 * LANES + 3,
    ),
)
def test_lanes_equal_the_scalar_reference(Q, problems):
    alpha, beta, eta = (np.array(column) for column in zip(*problems, strict=True))
    out = np.empty((len(alpha), 2 * Q))
    assert table_log_ratios(Q, alpha, beta, eta, out) < 60 * math.ceil(len(alpha) / LANES)
    for got, problem in zip(out, problems, strict=True):
        np.testing.assert_allclose(got, stationary_log_ratios(Q, *problem), rtol=0, atol=1e-11)


@pytest.mark.parametrize(
    ("a", "b"),
    [(0.0, 0.0), (2e-7, -2.6e-5), (1e-6, 1.2e-3), (0.0, 1e-3), (1e-4, 0.12), (3.0, 70.0)],
)
def test_sweeps_meet_near_the_peak(a, b):
    Q = 200
    logs = stationary_log_ratios(Q, a, b, 1.0)
    height = np.concatenate(([0.0], np.cumsum(logs)))
    met = int(twist_lots(Q, a, b)) + Q
    assert height.max() - height[met] < 0.7


def test_tables_equal_exact_quotes_in_every_dimension():
    gamma, sigma, mu = np.array([0.002, 0.1]), np.array([0.0, 0.2, 2.0]), np.array([-1e-3, 0.0])
    tables = exact_tables(
        gamma[:, None, None], sigma[None, :, None], 0.9, 0.3, 7, mu[None, None, :], 0.02
    )
    assert tables.log_ratio.shape == (12, 14)
    q = np.arange(-7, 8)
    for row, (i, j, m) in enumerate(np.ndindex(2, 3, 2)):
        expected = exact_quotes(gamma[i], sigma[j], 0.9, 0.3, 7, mu[m], 0.02)
        for got, known in zip(tables.quotes(row, q), expected, strict=True):
            np.testing.assert_allclose(got, known, rtol=1e-10, atol=1e-12)


def test_a_drift_that_ends():
    left = np.array([0.0, 30.0, 600.0, math.inf])
    tables = exact_tables(0.01, 0.3, 0.9, 0.3, 6, 2e-3, 0.0, left)
    for row, horizon in enumerate(left):
        known = exact_quotes(0.01, 0.3, 0.9, 0.3, 6, 2e-3, 0.0, horizon, "stationary")
        np.testing.assert_allclose(tables.quotes(row, np.arange(-6, 7))[0], known[0], rtol=1e-9)


def test_between_whole_lots_ln_v_is_interpolated():
    tables = exact_tables(0.01, 0.3, 0.9, 0.3, 5, 1e-3)
    log_v = np.concatenate(([0.0], np.cumsum(tables.log_ratio[0])))
    q = np.array([-4.6, -0.3, 0.0, 0.9, 4.0])
    lots = np.arange(-5, 6)
    here, more = np.interp(q, lots, log_v), np.interp(q + 1, lots, log_v)
    bid, _ = tables.quotes(0, q)
    np.testing.assert_allclose(bid, tables.centre[0] + (here - more) / 0.3, rtol=1e-12)
    bid, ask = tables.quotes(0, [4.2, -4.2, np.nan, 5.0, -5.0])
    assert np.isnan(bid).tolist() == [True, False, True, True, False]
    assert np.isnan(ask).tolist() == [False, True, True, False, True]


def test_cache_solves_each_bucket_once():
    cache = TableCache(Q=6, sigma_step=0.1, mu_step=1e-3, max_tables=8)
    sigma = np.array([0.305, 0.31, 0.6, 0.0, np.nan])
    q = np.arange(5.0) - 2
    bid, ask = cache.quotes(0.01, sigma, 0.9, 0.3, 1.1e-3, q)
    assert len(cache) == 3
    assert np.isnan(bid).tolist() == [False] * 4 + [True]
    centres = 1.1 ** np.rint(np.log(sigma[:3]) / math.log(1.1))
    for i, centre in enumerate([*centres, 0.0]):
        known = exact_quotes(0.01, centre, 0.9, 0.3, 6, 1e-3)
        assert bid[i] == pytest.approx(known[0][6 + int(q[i])], rel=1e-10)
        assert ask[i] == pytest.approx(known[1][6 + int(q[i])], rel=1e-10)
    again = cache.quotes(0.01, sigma, 0.9, 0.3, 1.1e-3, q)
    np.testing.assert_array_equal(again[0], bid)
    assert len(cache) == 3
    # Other risk aversions are other tables; past its size the cache starts anew.
    cache.quotes(np.arange(1, 7) * 1e-3, 0.3, 0.9, 0.3, 0.0, 0.0)
    assert len(cache) == 6
    with pytest.raises(ConfigError, match="max_tables"):
        cache.quotes(np.arange(1, 11) * 1e-3, 0.3, 0.9, 0.3, 0.0, 0.0)


def test_illegal_values():
    for changes in ({"Q": 0}, {"gamma": 0.0}, {"horizon": -1.0}, {"mu": math.nan}):
        arguments = {"gamma": 0.01, "sigma": 0.3, "A": 0.9, "k": 0.3, "Q": 5, **changes}
        with pytest.raises(ConfigError):
            exact_tables(**arguments)
    with pytest.raises(ConfigError, match="horizon"):
        exact_tables(0.01, 0.3, 0.9, 0.3, 5, 0.0, 0.0, math.nan)
