"""Intervals of scores cover what they should; reliability by definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, log_loss

from ethpredict.models.intervals import _statistics, _terms, score_intervals
from ethpredict.models.reliability import probability_scores, reliability
from ethpredict.models.scores import score


def overlapping(rng, n, horizon, skill):
    """Outcomes over overlapping horizons and a forecast of the given strength."""
    steps = rng.normal(0, 1, n + horizon)
    signal = rng.normal(0, 1, n + horizon)
    moved = np.convolve(steps + skill * signal, np.ones(horizon), "valid")[:n]
    return moved, skill * np.convolve(signal, np.ones(horizon), "valid")[:n]


@given(st.integers(0, 2**32 - 1), st.integers(10, 60))
def test_without_resampling_the_sums_give_the_scores(seed, n):
    rng = np.random.default_rng(seed)
    y, m, w = rng.normal(size=n), rng.normal(size=n), rng.uniform(0.1, 1, n)
    y[rng.random(n) < 0.1] = 0.0
    sums = _terms(y, m, w, np.zeros(n, dtype=np.int64)).sum(axis=0)[None]
    expected = score(y, m, w)
    for name, value in _statistics(sums).items():
        assert value[0] == pytest.approx(expected[name], rel=1e-9, abs=1e-12)


def test_intervals_cover_the_true_r2_about_as_often_as_they_claim():
    rng, n, horizon, skill = np.random.default_rng(8), 1500, 6, 0.3
    truth = skill**2 / (1 + skill**2)
    inside, outside_rows = 0, 0
    for _ in range(60):
        y, m = overlapping(rng, n, horizon, skill)
        found = score_intervals(y, m, np.ones(n), np.zeros(n, dtype=np.int64), rng)
        inside += found["r2_low"] <= truth <= found["r2_high"]
        assert found["block_length"] > horizon / 2
        # single rows: the interval that a naive bootstrap would give
        error, zero = (y - m) ** 2, y**2
        index = rng.integers(0, n, (60, n))
        naive = np.quantile(1 - error[index].sum(1) / zero[index].sum(1), [0.05, 0.95])
        outside_rows += not naive[0] <= truth <= naive[1]
    assert 0.78 <= inside / 60 <= 0.99
    assert outside_rows / 60 > 0.3


def test_intervals_are_in_order_repeatable_and_none_for_a_handful():
    rng = np.random.default_rng(9)
    y, m = overlapping(rng, 400, 3, 0.2)
    fold = np.repeat([0, 1], 200)
    one = score_intervals(y, m, np.ones(400), fold, np.random.default_rng(1))
    assert one == score_intervals(y, m, np.ones(400), fold, np.random.default_rng(1))
    for name in ("rmse", "mae", "r2", "ic", "hit_rate"):
        assert one[f"{name}_low"] < one[f"{name}_high"]
    assert score_intervals(y[:9], m[:9], np.ones(9), fold[:9], rng) == {}
    zero = score_intervals(y, np.zeros(400), np.ones(400), fold, np.random.default_rng(1))
    assert zero["r2_low"] == zero["r2_high"] == 0.0
    assert np.isnan(zero["ic_low"])


@given(st.integers(0, 2**32 - 1), st.booleans())
def test_reliability_is_that_of_scikit_learn(seed, equal_counts):
    rng = np.random.default_rng(seed)
    p = rng.random(200)
    y = (rng.random(200) < p**2).astype(float)
    curve = reliability(y, p, bins=7, equal_counts=equal_counts)
    strategy = "quantile" if equal_counts else "uniform"
    observed, predicted = calibration_curve(y, p, n_bins=7, strategy=strategy)
    np.testing.assert_allclose(curve.predicted, predicted)
    np.testing.assert_allclose(curve.observed, observed)
    assert curve.weight.sum() == 200
    gaps = np.abs(curve.observed - curve.predicted)
    assert curve.ece == pytest.approx((gaps * curve.weight).sum() / 200)


@given(st.integers(0, 2**32 - 1))
def test_probability_scores_are_those_of_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    p, w = rng.random(50), rng.uniform(0.1, 2, 50)
    y = np.append((rng.random(48) < p[:48]).astype(float), [0.0, 1.0])
    found = probability_scores(y, p, w)
    assert found["log_loss"] == pytest.approx(log_loss(y, p, sample_weight=w))
    assert found["brier"] == pytest.approx(brier_score_loss(y, p, sample_weight=w))
    rate = np.average(y, weights=w)
    assert found["baseline_brier"] == pytest.approx(rate * (1 - rate))


def test_a_calibrated_forecast_has_no_calibration_error_and_an_overconfident_one_has():
    rng = np.random.default_rng(10)
    p = rng.uniform(0.2, 0.8, 40_000)
    y = (rng.random(40_000) < p).astype(float)
    assert reliability(y, p).ece < 0.01
    assert reliability(y, np.clip(2 * p - 0.5, 0, 1)).ece > 0.1


def test_probabilities_that_are_none_are_refused():
    with pytest.raises(ValueError, match=r"in \[0, 1\]"):
        reliability([0, 1], [0.5, 1.5])
    with pytest.raises(ValueError, match="must be 0 or 1"):
        reliability([0, 2], [0.5, 0.5])
    with pytest.raises(ValueError, match="must be one"):
        probability_scores([0, 1], [0.5])
    assert np.isnan(probability_scores([], [])["brier"])
    assert len(reliability([], []).predicted) == 0
