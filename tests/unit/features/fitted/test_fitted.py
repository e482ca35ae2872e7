"""Fitted transforms: nothing outside the training rows is learned, nothing ahead is read."""

from __future__ import annotations

import json
import logging

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.tsa.adfvalues import mackinnoncrit
from statsmodels.tsa.stattools import adfuller

from ethpredict.features import fitted, fracdiff
from ethpredict.features.fitted import _hmm_kernels, reference
from ethpredict.features.fitted.adf import MACKINNON_2010, adf, critical_value

ITEMS = {
    "min_d": {"tau": 1e-3, "level": 0.05, "lags": 1, "step": 0.1},
    "quantile_bins": {"bins": 3},
    "hmm": {"states": 2, "block": 40, "steps": 60},
}
N = 900


def item(kind, **options):
    return {"name": kind, "kind": kind, "inputs": ["x"], "options": ITEMS[kind] | options}


def series(kind, seed=0, n=N):
    """A random walk of returns whose volatility jumps between two levels."""
    rng = np.random.default_rng(seed)
    calm = np.repeat(rng.random(n // 50 + 1) < 0.6, 50)[:n]
    moves = rng.normal(0.0, np.where(calm, 0.001, 0.004))
    x = 8.0 + np.cumsum(moves) if kind == "min_d" else moves
    return pd.DataFrame({"x": x})


def fitted_on(kind, inputs, rows, gap=None):
    gap = np.zeros(len(inputs), bool) if gap is None else gap
    return fitted.fit(item(kind), inputs, np.asarray(rows, dtype=np.int64), gap)


@pytest.mark.parametrize("kind", ITEMS)
def test_fit_reads_training_rows_only(kind):
    """Fails on a regime, minimum-d or model that is fitted on all data."""
    inputs, rows = series(kind), np.r_[100:350, 400:700]
    other = inputs.copy()
    outside = np.setdiff1d(np.arange(N), rows)
    other.loc[outside, "x"] = np.random.default_rng(9).normal(50.0, 20.0, len(outside))
    state = fitted_on(kind, inputs, rows).state()
    assert fitted_on(kind, other, rows).state() == state
    assert fitted_on(kind, inputs, np.arange(N)).state() != state


@pytest.mark.parametrize("kind", ITEMS)
@given(seed=st.integers(0, 2**32 - 1), cut=st.integers(1, N - 1), gaps=st.sampled_from([0, 3]))
@settings(max_examples=15)
def test_transform_is_causal_bit_for_bit_and_forgets(kind, seed, cut, gaps):
    """Fails on smoothed probabilities, whose every row reads the future."""
    rng = np.random.default_rng(seed)
    inputs, gap = series(kind, seed), np.zeros(N, bool)
    gap[rng.integers(0, N, gaps)] = True
    learned = TRAINED[kind]
    whole = learned.transform(inputs, gap)
    ahead, before = inputs.copy(), inputs.copy()
    ahead.loc[cut:, "x"] = rng.normal(0.0, 3.0, N - cut)
    assert learned.transform(ahead, gap)[:cut].tobytes() == whole[:cut].tobytes()
    assert learned.transform(inputs[:cut], gap[:cut]).tobytes() == whole[:cut].tobytes()
    first = max(cut - learned.memory, 0)
    before.loc[: first - 1, "x"] = rng.normal(0.0, 3.0, first)
    assert learned.transform(before, gap)[cut].tobytes() == whole[cut].tobytes()


TRAINED = {kind: fitted_on(kind, series(kind), np.arange(100, 700)) for kind in ITEMS}


@pytest.mark.parametrize("kind", ITEMS)
def test_nothing_spans_a_gap(kind):
    inputs, gap = series(kind, 4), np.zeros(N, bool)
    gap[500] = True
    other = inputs.copy()
    other.loc[:499, "x"] *= 3.0
    a, b = (TRAINED[kind].transform(x, gap)[500:] for x in (inputs, other))
    assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize("kind", ITEMS)
def test_state_is_json_and_makes_the_transform_again(kind):
    state = json.loads(json.dumps(TRAINED[kind].state()))
    again = fitted.load(state)
    inputs, gap = series(kind, 3), np.zeros(N, bool)
    expected = TRAINED[kind].transform(inputs, gap)
    assert again.transform(inputs, gap).tobytes() == expected.tobytes()
    assert again.columns == TRAINED[kind].columns
    assert (again.memory, again.state()) == (TRAINED[kind].memory, state)
    assert expected.shape == (N, len(again.columns))


@pytest.mark.parametrize("kind", ITEMS)
def test_too_few_rows_are_refused(kind):
    with pytest.raises(fitted.FitError, match=r"needed|needs"):
        fitted_on(kind, series(kind), np.arange(15))


@pytest.mark.parametrize("level", MACKINNON_2010)
@pytest.mark.parametrize("rows", [40, 500, 100_000])
def test_critical_values_are_mackinnons(level, rows):
    published = dict(zip((0.01, 0.05, 0.10), mackinnoncrit(1, "c", rows), strict=True))
    assert critical_value(level, rows) == pytest.approx(published[level], abs=1e-9)


@pytest.mark.parametrize("lags", [0, 1, 4])
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_adf_is_statsmodels(lags):
    x = series("min_d", 5)["x"].to_numpy()
    expected = adfuller(x, maxlag=lags, regression="c", autolag=None)
    found, rows = adf(x, lags)
    assert found == pytest.approx(expected[0], rel=1e-9)
    assert rows == expected[3]


def test_minimum_d_is_the_first_order_that_passes():
    inputs = series("min_d")
    learned = fitted_on("min_d", inputs, np.arange(N))
    passes = {}
    for d in np.round(np.arange(0, 1.01, 0.1), 12).tolist():
        y = fracdiff(inputs["x"], d, 1e-3)
        statistic, rows = adf(y[np.isfinite(y)], 1)
        passes[d] = statistic < mackinnoncrit(1, "c", rows)[1]
    assert learned.d == min(d for d, ok in passes.items() if ok)
    assert 0.0 < learned.d < 1.0
    assert learned.stationary
    gap = np.zeros(N, bool)
    expected = fracdiff(inputs["x"], learned.d, 1e-3)
    np.testing.assert_array_equal(learned.transform(inputs, gap)[:, 0], expected)


def test_minimum_d_of_noise_is_zero_and_of_a_double_walk_is_flagged(caplog):
    rng = np.random.default_rng(3)
    noise = pd.DataFrame({"x": rng.normal(size=N)})
    assert fitted_on("min_d", noise, np.arange(N)).d == 0.0
    double = pd.DataFrame({"x": np.cumsum(np.cumsum(rng.normal(size=N)))})
    with caplog.at_level(logging.WARNING):
        learned = fitted_on("min_d", double, np.arange(N))
    assert not learned.stationary
    assert "no order up to 1 is stationary" in caplog.text


def test_quantile_bins_are_pandas_cut_of_the_training_rows():
    inputs = series("quantile_bins")
    learned = TRAINED["quantile_bins"]
    edges = np.quantile(inputs["x"][100:700], [1 / 3, 2 / 3])
    expected = pd.cut(inputs["x"], [-np.inf, *edges, np.inf], labels=False, right=False)
    found = learned.transform(inputs, np.zeros(N, bool))[:, 0]
    np.testing.assert_array_equal(found, expected)
    assert np.isnan(learned.transform(pd.DataFrame({"x": [np.nan]}), np.zeros(1, bool))[0, 0])


LAW = (
    np.array([0.0, 0.3, -0.5]),
    np.array([0.5, 1.0, 2.0]),
    np.array([[0.8, 0.15, 0.05], [0.2, 0.7, 0.1], [0.1, 0.3, 0.6]]),
    np.array([0.5, 0.3, 0.2]),
)


def test_filter_parity_with_the_sum_over_all_paths():
    x = np.random.default_rng(1).normal(size=7)
    found = _hmm_kernels.filtered(x, np.arange(1, 8), *LAW, 100)
    for t in range(7):
        np.testing.assert_allclose(found[t], reference.filtered_last(x[: t + 1], *LAW), rtol=1e-12)


def test_expectations_parity_with_the_sum_over_all_paths():
    rng = np.random.default_rng(2)
    x = np.r_[rng.normal(size=6), np.nan, rng.normal(size=5)]
    run = np.r_[1:7, 0, 1:6]
    gamma, counts, loglik = _hmm_kernels.expectations(x, run, *LAW)
    first = reference.expectations(x[:6], *LAW)
    second = reference.expectations(x[7:], *LAW)
    np.testing.assert_allclose(gamma[:6], first[0], rtol=1e-10)
    np.testing.assert_allclose(gamma[7:], second[0], rtol=1e-10)
    np.testing.assert_allclose(counts, first[1] + second[1], rtol=1e-10)
    assert loglik == pytest.approx(first[2] + second[2], rel=1e-12)


def test_density_parity_with_the_normal_law():
    out = np.empty(3)
    top = _hmm_kernels.densities(0.4, LAW[0], LAW[1], out)
    plain = np.exp(-0.5 * ((0.4 - LAW[0]) / LAW[1]) ** 2) / (LAW[1] * np.sqrt(2 * np.pi))
    np.testing.assert_allclose(np.exp(top) * out, plain, rtol=1e-13)


def test_em_recovers_a_planted_model():
    rng = np.random.default_rng(7)
    moves = np.array([[0.98, 0.02], [0.05, 0.95]])
    states = [0]
    for u in rng.random(19_999):
        states.append(int(u < moves[states[-1], 1]))
    states = np.array(states)
    x = rng.normal(0.0, np.array([0.001, 0.003])[states])
    learned = fitted.fit(
        item("hmm", block=256, steps=200),
        pd.DataFrame({"x": x}),
        np.arange(len(x)),
        np.zeros(len(x), bool),
    )
    np.testing.assert_allclose(learned.sds, [0.001, 0.003], rtol=0.05)
    np.testing.assert_allclose(learned.moves, moves, atol=0.015)
    np.testing.assert_allclose(learned.start, [5 / 7, 2 / 7], atol=0.06)
    wild = learned.transform(pd.DataFrame({"x": x}), np.zeros(len(x), bool))[:, 0] > 0.5
    start, sds = np.array([5 / 7, 2 / 7]), np.array([0.001, 0.003])
    best = _hmm_kernels.filtered(
        x, np.arange(1, len(x) + 1), np.zeros(2), sds, moves, start, len(x)
    )
    hits = [(guess == states).mean() for guess in (wild, best[:, 1] > 0.5)]
    assert hits[0] > hits[1] - 0.005 > 0.9


def test_each_em_step_raises_the_likelihood():
    inputs, values = series("hmm", 2), []
    for steps in (1, 3, 9, 27):
        learned = fitted.fit(
            item("hmm", states=3, steps=steps), inputs, np.arange(N), np.zeros(N, bool)
        )
        values.append(learned.loglik)
    assert values == sorted(values)
    assert values[-1] > values[0]
