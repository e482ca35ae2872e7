"""What was planted comes back: from the tables alone where they can show it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ethpredict.data.synthetic import planted_drift, seasonality
from ethpredict.data.synthetic.settings import DAY_SECONDS, read_settings
from ethpredict.data.synthetic.volatility import day_jumps, day_state, initial_factors
from tests.unit.data.synthetic_markets import default_market, month, settings


def _returns(candles: pd.DataFrame) -> np.ndarray:
    return np.diff(np.log(candles["close"].to_numpy()))


def _r2(actual: np.ndarray, predicted: np.ndarray) -> float:
    return float(1 - np.sum((actual - predicted) ** 2) / np.sum(actual**2))


def test_ninety_days_begin_with_the_thirty_days() -> None:
    short, long = month()[0], default_market()
    for name in ("candles", "trades", "pool_events", "blocks"):
        first, whole = getattr(short, name), getattr(long, name)
        pd.testing.assert_frame_equal(first, whole.iloc[: len(first)], check_exact=True)


def test_planted_drift_is_the_expected_return() -> None:
    market = default_market()
    assert market.truth is not None
    drift, r = planted_drift(market.candles, market.truth)[1:], _returns(market.candles)
    slope = drift @ r / (drift @ drift)
    residual = r - slope * drift
    # White (1980): robust, because volatility is not constant.
    error = np.sqrt(np.sum(drift**2 * residual**2)) / (drift @ drift)
    assert error < 0.08
    assert abs(slope - 1) < 3 * error
    planted = market.truth["predictability"]
    # In this very sample; the settings' R2 holds for the unconditional variance.
    assert _r2(r, drift) == pytest.approx(planted["realised_r2"], abs=0.006)
    unconditional = np.mean(drift**2) / market.truth["volatility"]["candle_sigma"] ** 2
    assert unconditional == pytest.approx(planted["r2"], rel=0.05)


def test_a_linear_model_on_past_imbalance_earns_the_planted_r2() -> None:
    market = default_market()
    assert market.truth is not None
    candles, r = market.candles, _returns(market.candles)
    imbalance = (2 * candles["taker_buy_volume"] / candles["volume"] - 1).fillna(0).to_numpy()
    lags = 8
    x = np.column_stack([imbalance[lags - 1 - j : -1 - j] for j in range(lags)])
    y = r[lags - 1 :]
    split = 2 * len(y) // 3
    beta = np.linalg.lstsq(x[:split], y[:split], rcond=None)[0]
    drift = planted_drift(candles, market.truth)[lags:]
    oracle = np.sum(drift[split:] ** 2) / np.sum(y[split:] ** 2)
    r2 = _r2(y[split:], x[split:] @ beta)
    assert 0.5 * oracle < r2 < 1.6 * oracle
    assert np.corrcoef(x[split:] @ beta, drift[split:])[0, 1] > 0.9
    # Weights fall by the planted decay from lag to lag.
    ratio = (beta[1:4] / beta[:3]).mean()
    assert ratio == pytest.approx(market.truth["predictability"]["flow_decay"], abs=0.25)


def _depths() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distance from the mid, side and second of every trade of the month."""
    market, mid = month()
    trades = market.trades
    second = (trades["ts"].to_numpy() - market.candles["ts_open"].iloc[0]) // 10**9
    side = trades["aggressor_side"].to_numpy()
    return (trades["price"].to_numpy() - mid[second]) * side, side, second


@pytest.mark.parametrize("side", [1, -1])
def test_fill_intensity_by_depth_counts(side: int) -> None:
    market, mid = month()
    assert market.truth is not None
    truth = market.truth["fill"]
    depth, sides, _ = _depths()
    floor = 1.0  # USD, beyond the touch
    beyond = depth[(sides == side) & (depth > floor)] - floor
    n = len(beyond)
    k = 1 / beyond.mean()  # exponential maximum likelihood
    A = n / len(mid) * np.exp(truth["k"] * floor)
    assert n > 5_000
    assert abs(k - truth["k"]) < 4 * truth["k"] / np.sqrt(n)
    assert abs(A - truth["A"]) < 4 * truth["A"] / np.sqrt(n)


@pytest.mark.parametrize("side", [1, -1])
def test_fill_intensity_by_waiting_times(side: int) -> None:
    """Quotes at mid +- delta, re-quoted every second, filled by trade-through."""
    market, mid = month()
    assert market.truth is not None
    truth = market.truth["fill"]
    depth, sides, second = _depths()
    within = (market.trades["ts"].to_numpy() % 10**9) / 1e9
    deltas = np.array([0.6, 1.2, 1.8, 2.4, 3.0, 3.6])
    rates, fills = np.empty(len(deltas)), np.empty(len(deltas))
    for j, delta in enumerate(deltas):
        hit = (sides == side) & (depth > delta)
        first = np.ones(len(mid))
        np.minimum.at(first, second[hit], within[hit])
        fills[j] = np.sum(first < 1)
        rates[j] = fills[j] / first.sum()
    expected = truth["A"] * np.exp(-truth["k"] * deltas)
    np.testing.assert_allclose(rates, expected, atol=0, rtol=4 / np.sqrt(fills.min()))
    slope, level = np.polyfit(deltas, np.log(rates), 1, w=np.sqrt(fills))
    assert -slope == pytest.approx(truth["k"], rel=0.05)
    assert np.exp(level) == pytest.approx(truth["A"], rel=0.06)


def test_inclusion_by_grouped_logistic_likelihood() -> None:
    market, _ = month()
    assert market.truth is not None
    truth = market.truth["inclusion"]
    tip, sent, included = (np.array(truth["bids"][n]) for n in ("tip_gwei", "sent", "included"))
    assert sent.sum() == 16 * len(market.blocks)
    beta = np.zeros(2)
    x = np.column_stack([np.ones_like(tip), tip])
    for _ in range(50):
        p = 1 / (1 + np.exp(-x @ beta))
        information = x.T @ (x * (sent * p * (1 - p))[:, None])
        beta = beta + np.linalg.solve(information, x.T @ (included - sent * p))
    error = np.sqrt(np.diag(np.linalg.inv(information)))
    assert (error < 0.01).all()
    assert abs(beta[0] - truth["a"]) < 4 * error[0]
    assert abs(beta[1] - truth["s"]) < 4 * error[1]


def test_informed_trades_know_the_rest_of_their_minute() -> None:
    _, mid = month()
    depth, side, second = _depths()
    here, end = mid[second], mid[second // 60 * 60 + 59]
    touch = (depth < 0.3) & (end != here)
    right = np.mean(np.sign(end - here)[touch] == side[touch])
    # Informed trades are all right, the others half of the time.
    assert right == pytest.approx(0.5 + 0.2 / 2, abs=0.01)
    after = mid[np.minimum(second // 60 * 60 + 119, len(mid) - 1)]
    moved = touch & (after != end)
    beyond = np.mean(np.sign(after - end)[moved] == side[moved])
    # What is left is the planted signal: flow leads the next candles.
    assert beyond == pytest.approx(0.5, abs=0.015)


def test_volatility_has_the_planted_mean_square() -> None:
    market = read_settings(settings())
    factors = initial_factors(market.seed)
    states = [day_state(market, day, factors) for day in range(1_500)]
    square = np.array([np.mean(s.sigma**2) for s in states])
    log_square = np.log(square)
    # Days are correlated through the slow factor (half-life 4 d): about 11 d per free draw.
    error = square.std() / np.sqrt(len(square) / 11)
    assert abs(square.mean() - market.sigma**2) < 4 * error < 0.4 * market.sigma**2
    lag = np.corrcoef(log_square[4:], log_square[:-4])[0, 1]
    assert 0.25 < lag < 0.55
    activity = np.mean([s.activity.mean() for s in states])
    assert activity == pytest.approx(1, abs=0.15)


def test_jumps_have_the_planted_rate_and_size() -> None:
    market = read_settings(settings())
    jumps = np.concatenate([day_jumps(market, day) for day in range(400)])
    hit = jumps[jumps != 0]
    assert abs(len(hit) - 400) < 4 * np.sqrt(400)
    assert hit.std() == pytest.approx(market.jump_sd, rel=4 / np.sqrt(2 * len(hit)))
    total = market.jump_sd**2 * market.jumps_per_day + market.sigma**2 * DAY_SECONDS
    assert total == pytest.approx(0.6**2 / 365 * (1 - 0.03), rel=1e-12)


def test_seasons_leave_the_means_and_follow_the_start() -> None:
    assert np.mean(seasonality.volatility_shape() ** 2) == pytest.approx(1, rel=1e-12)
    assert np.mean(seasonality.volume_shape(77)) == pytest.approx(1, rel=1e-12)
    shifted = seasonality.volume_shape(720)
    np.testing.assert_array_equal(shifted[:720], seasonality.volume_shape()[720:])
