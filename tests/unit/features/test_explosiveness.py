"""Suprema over nested windows: SADF and Chu-Stinchcombe-White."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ethpredict import features
from ethpredict.features import (
    _sadf_kernels,
    chu_stinchcombe_white,
    reference,
    sadf,
)


def walk(seed, n, drift=0.0):
    return 8.0 + np.cumsum(np.random.default_rng(seed).standard_t(4, n) * 0.004 + drift)


def published():
    rng = np.random.default_rng(42)
    return np.log(3000.0 * np.exp(np.cumsum(rng.standard_t(4, 600) * 0.004)))


@pytest.mark.parametrize("lags", [0, 1])
def test_sadf_of_the_vectors(shared_vectors, lags):
    vectors = json.loads((shared_vectors / "features.json").read_text())["sadf_const"]
    case = vectors[f"lag{lags}"]
    found = sadf(published()[:160], case["min_prices"], lags)
    for row, value in case["values"].items():
        assert found[int(row)] == pytest.approx(value, rel=1e-12)
    assert np.isnan(found[: case["min_prices"] - 1]).all()
    assert np.isfinite(found[case["min_prices"] - 1 :]).all()


@given(st.integers(0, 2**32 - 1), st.integers(10, 90), st.integers(0, 3))
@settings(max_examples=15)
def test_sadf_is_the_plain_reference(seed, n, lags):
    y = walk(seed, n)
    shortest = 2 * lags + 8
    np.testing.assert_allclose(
        sadf(y, shortest, lags), reference.sup_adf(y, n, shortest, lags), rtol=1e-8, atol=1e-9
    )


@given(st.integers(0, 2**32 - 1), st.integers(70, 150), st.integers(8, 40))
@settings(max_examples=10)
def test_rolling_kernels_are_the_plain_reference(seed, n, longest):
    y, run = walk(seed, n), np.arange(1, n + 1)
    for lags, found in (
        (0, _sadf_kernels.sup_adf(y, run, longest, 8)),
        (1, _sadf_kernels.sup_adf_lags(y, run, longest, 8, 1)),
    ):
        np.testing.assert_allclose(
            found, reference.sup_adf(y, longest, 8, lags), rtol=1e-8, atol=1e-9
        )
    both = zip(
        _sadf_kernels.sup_departure(y, run, longest), reference.sup_departure(y, longest),
        strict=True,
    )  # fmt: skip
    for found, expected in both:
        np.testing.assert_allclose(found, expected, rtol=1e-12)


@given(st.integers(0, 2**32 - 1), st.integers(1, 199))
@settings(max_examples=15)
def test_sadf_is_causal_bit_for_bit_across_lanes(seed, t):
    y = walk(seed, 200)
    other = y.copy()
    other[t:] = np.nan
    for lags in (0, 1):
        whole = sadf(y, 20, lags)[:t].tobytes()
        assert sadf(y[:t], 20, lags).tobytes() == whole
        assert sadf(other, 20, lags)[:t].tobytes() == whole


def test_sadf_tells_a_bubble_from_a_walk():
    y = walk(3, 300)
    bubble = y.copy()
    bubble[200:] += 0.001 * 1.06 ** np.arange(100)
    assert sadf(y, 40)[-1] < 1.0
    assert sadf(bubble, 40)[-1] > 3.0  # 95 % of walks stay below 1.5


def test_prices_that_stand_still_have_no_statistic():
    assert np.isnan(sadf(np.full(50, 8.0), 10)).all()
    jump = np.r_[np.full(49, 8.0), 8.1]
    assert np.isnan(sadf(jump, 10)).all()


def test_windows_too_short_are_refused():
    with pytest.raises(ValueError, match="min_window >= lags"):
        sadf(walk(1, 50), 4, 1)


def test_departure_of_the_vectors_divides_by_sigma(shared_vectors):
    """Fails on the well-known division by the variance."""
    vectors = json.loads((shared_vectors / "features.json").read_text())["csw"]
    y = published()[:60]
    up, down = chu_stinchcombe_white(y)
    assert up == pytest.approx(vectors["stat_one_sided"], rel=1e-12)
    # In units of the deviation the statistic has no unit: prices in other units give the same.
    assert chu_stinchcombe_white(10.0 * y) == pytest.approx((up, down), rel=1e-9)
    variance = np.sum(np.diff(y) ** 2) / 58
    assert up != pytest.approx(vectors["stat_one_sided"] / np.sqrt(variance), rel=0.5)


def test_columns_are_the_public_functions_on_each_window(make_bars, make_settings):
    bars = make_bars(6, 90)
    found = features.build(bars, make_settings(include=["breaks"])).frame
    y = np.log(bars["close"].to_numpy())
    for row in (20, 55, 89):
        part = y[row - 20 : row + 1]
        up, down = chu_stinchcombe_white(part)
        assert found["csw_up"][row] == pytest.approx(up, rel=1e-9)
        assert found["csw_down"][row] == pytest.approx(down, rel=1e-9)
        assert found["sadf"][row] == pytest.approx(sadf(part, 7)[-1], rel=1e-9)
