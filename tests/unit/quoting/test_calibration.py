"""Recovery, maximum likelihood and causality of the calibration from bars."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

from ethpredict.errors import TrialError
from ethpredict.quoting.calibration import (
    DAY_NS,
    Calibration,
    WalkForward,
    excursions,
    fit_intensity,
    would_be_fills,
)
from ethpredict.quoting.volatility import price_sigma


def deepest_prints(rng, A, k, seconds):
    """Deepest of the prints of each bar, drawn print by print; -1 where there is none."""
    counts = rng.poisson(A * seconds)
    owner = np.repeat(np.arange(len(seconds)), counts)
    deepest = np.full(len(seconds), -1.0)
    np.maximum.at(deepest, owner, rng.exponential(1 / k, len(owner)))
    return deepest


def log_likelihood(parameters, depth, seconds):
    """Written from the distribution: density beyond the censor, mass below it."""
    A, k = np.exp(parameters)
    _, _, censor, _ = would_be_fills(depth, seconds)
    tail = A * seconds * np.exp(-k * np.maximum(depth, censor))
    beyond = depth > censor
    return np.sum(-tail[~beyond]) + np.sum((np.log(tail * k) - tail)[beyond])


def make_bars(rng, n=1500, step=300, price=3000.0, gaps=()):
    close = price * np.exp(np.cumsum(rng.normal(0, 1e-3, n)))
    previous = np.concatenate(([price], close[:-1]))
    depth = rng.exponential(2.0, (2, n))
    ts = np.arange(1, n + 1, dtype=np.int64) * step * 10**9
    gap = np.zeros(n, bool)
    for row in gaps:
        ts[row:] += 10 * DAY_NS // 24
        gap[row] = True
    return pd.DataFrame(
        {
            "ts_open": ts - step * 10**9,
            "ts_close": ts,
            "open": previous,
            "high": np.maximum(close, previous) + depth[0],
            "low": np.minimum(close, previous) - depth[1],
            "close": close,
            "gap": gap,
        }
    )


@pytest.mark.parametrize(
    ("A", "k", "dt"), [(0.01, 0.5, 300.0), (2.0, 0.3, 1.0), (0.0006, 0.08, 3600.0)]
)
def test_recovery_within_the_standard_errors(A, k, dt):
    """Estimates of many seeds scatter as their standard errors say, without bias."""
    scores = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        seconds = dt * rng.uniform(0.5, 1.5, 3000)
        fit = fit_intensity(deepest_prints(rng, A, k, seconds), seconds)
        scores.append(((fit.A - A) / fit.A_se, (fit.k - k) / fit.k_se))
    scores = np.array(scores)
    assert (np.abs(scores) < 4).all()
    assert (np.abs(scores) < 3).mean() > 0.95
    assert (np.abs(scores.mean(axis=0)) < 3 / np.sqrt(30)).all()
    np.testing.assert_allclose(scores.std(axis=0), 1.0, atol=0.4)


def test_estimates_maximise_the_likelihood_and_errors_are_its_curvature():
    rng = np.random.default_rng(3)
    seconds = np.full(800, 300.0)
    depth = deepest_prints(rng, 0.01, 0.4, seconds)
    fit = fit_intensity(depth, seconds)
    start = np.log([0.02, 0.2])
    found = minimize(
        lambda p: -log_likelihood(p, depth, seconds),
        start,
        method="Nelder-Mead",
        options={"xatol": 1e-10, "fatol": 1e-10, "maxiter": 2000},
    )
    np.testing.assert_allclose([fit.A, fit.k], np.exp(found.x), rtol=1e-6)
    at, h = np.log([fit.A, fit.k]), 1e-4
    hessian = np.empty((2, 2))
    for i in range(2):
        for j in range(2):
            e_i, e_j = np.eye(2)[i] * h, np.eye(2)[j] * h
            hessian[i, j] = (
                log_likelihood(at + e_i + e_j, depth, seconds)
                - log_likelihood(at + e_i - e_j, depth, seconds)
                - log_likelihood(at - e_i + e_j, depth, seconds)
                + log_likelihood(at - e_i - e_j, depth, seconds)
            ) / (4 * h * h)
    errors = np.sqrt(np.diag(np.linalg.inv(-hessian)))
    np.testing.assert_allclose([fit.A_se / fit.A, fit.k_se / fit.k], errors, rtol=1e-3)


def test_price_scale():
    rng = np.random.default_rng(5)
    seconds = np.full(500, 60.0)
    depth = deepest_prints(rng, 0.05, 0.4, seconds)
    here, there = fit_intensity(depth, seconds), fit_intensity(100 * depth, seconds)
    assert there.k * 100 == pytest.approx(here.k, rel=1e-10)
    np.testing.assert_allclose(there.A, here.A, rtol=1e-10)
    assert there.k_se * 100 == pytest.approx(here.k_se, rel=1e-9)


def test_too_few_fills_are_refused_with_the_counts():
    depth = np.concatenate((np.full(20, -1.0), np.arange(1.0, 6.0)))
    with pytest.raises(TrialError, match=r"5 would-be fills in 25 bars are .*min_fills = 50"):
        fit_intensity(depth, np.ones(25), min_fills=50, member="q1")
    with pytest.raises(TrialError, match="0 would-be fills"):
        fit_intensity(np.full(10, 2.0), np.ones(10))
    with pytest.raises(TrialError, match="0 would-be fills in 0 bars"):
        fit_intensity(np.array([np.nan]), np.array([np.nan]))


def test_excursions_are_measured_from_the_previous_close_and_not_across_a_gap():
    bars = make_bars(np.random.default_rng(0), 6, gaps=(3,))
    below, above, seconds = excursions(bars)
    assert np.isnan(below[[0, 3]]).all()
    assert np.isnan(seconds[[0, 3]]).all()
    for row in (1, 2, 4, 5):
        assert below[row] == bars["close"][row - 1] - bars["low"][row]
        assert above[row] == bars["high"][row] - bars["close"][row - 1]
        assert seconds[row] == 300.0


def test_sigma_is_the_root_of_mean_squares_over_time_and_whole_windows_only():
    bars = make_bars(np.random.default_rng(1), 60, gaps=(30,))
    sigma = price_sigma(bars, 8)
    close, ts = bars["close"].to_numpy(), bars["ts_close"].to_numpy()
    for row in range(60):
        border = 30 if row >= 30 else 0
        if row - border < 8:
            assert np.isnan(sigma[row])
            continue
        returns = np.diff(np.log(close[row - 8 : row + 1]))
        expected = close[row] * np.sqrt((returns**2).sum() / (ts[row] - ts[row - 8]) * 1e9)
        assert sigma[row] == pytest.approx(expected, rel=1e-10)
    assert np.isnan(price_sigma(bars.iloc[:1], 2)).all()


def test_walk_forward_uses_only_bars_that_have_closed():
    bars = make_bars(np.random.default_rng(2), 1500)
    settings = Calibration(10, 2.0, 1.0, 10)
    moment = 4 * DAY_NS
    walk = WalkForward(bars, settings)
    fit = walk.at(moment)["bid"]
    inside = (bars["ts_close"] > moment - 2 * DAY_NS) & (bars["ts_close"] <= moment)
    below, _, seconds = excursions(bars)
    assert fit == fit_intensity(below[inside], seconds[inside], 10)
    later = bars["ts_close"] > moment
    scrambled = bars.copy()
    scrambled.loc[later, ["high", "low", "close"]] *= 3.0
    assert WalkForward(scrambled, settings).at(moment) == walk.at(moment)
    assert WalkForward(bars[~later], settings).at(moment) == walk.at(moment)
    assert list(walk.moments(np.array([moment - 1, moment, moment + 5]))) == [
        3 * DAY_NS,
        moment,
        moment,
    ]


def test_refused_fit_keeps_its_count():
    bars = make_bars(np.random.default_rng(2), 50)
    fit = WalkForward(bars, Calibration(5, 1.0, 1.0, 1000)).at(DAY_NS)["both"]
    assert np.isnan(fit.A)
    assert 0 < fit.n_fills < 1000


def test_fills_on_real_bars_are_as_likely_as_fitted(shared_data):
    """One week of 5-minute ETH bars predicts the fill share of the next within 10 points."""
    frame = pd.read_csv(shared_data / "klines" / "ETHUSDT-5m-2024-12.csv")
    bars = pd.DataFrame(
        {
            "ts_close": (np.arange(len(frame), dtype=np.int64) + 1) * 300 * 10**9,
            "gap": False,
            **{name: frame[name] for name in ("high", "low", "close")},
        }
    )
    below, above, seconds = excursions(bars)
    depth, duration = np.concatenate((below, above)), np.concatenate((seconds, seconds))
    week = np.concatenate([np.arange(1, 2017), len(frame) + np.arange(1, 2017)])
    fit = fit_intensity(depth[week], duration[week], 50)
    after = depth[week + 2016]
    assert 0.1 < fit.k < 1.0
    assert fit.k_se / fit.k < 0.05
    for share in (0.4, 0.6, 0.8, 0.9):
        delta = np.quantile(depth[week], share)
        fitted = -np.expm1(-fit.A * 300.0 * np.exp(-fit.k * delta))
        assert fitted == pytest.approx(1 - share, abs=0.06)
        assert fitted == pytest.approx((after > delta).mean(), abs=0.15)
