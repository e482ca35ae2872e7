"""Fill intensity from trades: planted ones come back, by formulas and ledgers written apart."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad

from ethpredict.errors import ConfigError, TrialError
from ethpredict.quoting.impact import fill_impact, mid_sigma
from ethpredict.quoting.trade_calibration import (
    bernoulli_intensity,
    fit_trades,
    mean_exposure,
    walk_forward_trades,
)
from ethpredict.quoting.trade_windows import TradeWindows, observe_trades
from tests.unit.data.synthetic_markets import month
from tests.unit.quoting.trade_paths import SECOND, planted_path

DELTAS = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0])


def watch(path, deltas=DELTAS, window_s=1.0, **options):
    return observe_trades(
        path.ts,
        path.price,
        path.side,
        path.mid_ts,
        path.mid,
        deltas,
        window_s,
        0,
        path.stop,
        **options,
    )


def pooled(path, deltas=DELTAS, window_s=1.0):
    sides = watch(path, deltas, window_s)
    return sides["bid"].with_side(sides["ask"])


def naive_fit(windows):
    """The estimator of many tutorials: log of the share of windows whose deepest print passed."""
    share = windows.fills / windows.windows
    slope, level = np.polyfit(windows.deltas, np.log(share / windows.seconds), 1)
    return np.exp(level), -slope


def test_windows_equal_a_loop_over_trades():
    path = planted_path(3, 1.5, 0.4, 0.3, 0.5, 200)
    deltas = np.array([0.5, 1.5, 3.0])
    for name, sign in (("bid", -1), ("ask", 1)):
        windows = watch(path, deltas, 0.5, through=0.1)[name]
        first = np.full((400, 3), 0.5)
        counts = np.zeros((400, 3), int)
        for ts, price, side in zip(path.ts, path.price, path.side, strict=True):
            w = ts // (SECOND // 2)
            for j, delta in enumerate(deltas):
                order = path.mid[w] + sign * delta
                if side == sign and (price - order) * sign > 0.1:
                    counts[w, j] += 1
                    first[w, j] = min(first[w, j], (ts - w * (SECOND // 2)) / SECOND)
        np.testing.assert_array_equal(windows.fills, (counts > 0).sum(axis=0))
        np.testing.assert_allclose(windows.waited, first.sum(axis=0), rtol=1e-12)
        np.testing.assert_array_equal(windows.counts.sum(axis=0), counts.sum(axis=0))
        assert windows.windows == 400
        rate, error = windows.rates()
        np.testing.assert_allclose(rate, windows.fills / first.sum(axis=0))
        np.testing.assert_allclose(error, rate / np.sqrt(windows.fills))


def test_touch_does_not_fill():
    arguments = ([1], [101.0], [1], [0], [100.0])
    for delta, fills in ((1.0, 0), (0.99, 1)):
        sides = observe_trades(*arguments, [delta], 1.0, 0, SECOND)
        assert sides["ask"].fills.tolist() == [fills]
        assert sides["bid"].fills.tolist() == [0]


def test_windows_without_a_fresh_mid_are_left_out():
    mid_ts, mid = np.array([2 * SECOND, 7 * SECOND]), np.array([100.0, 100.0])
    ts = np.arange(10) * SECOND + 5
    trades = (ts, np.full(10, 102.0), np.ones(10))
    assert observe_trades(*trades, mid_ts, mid, [1.0], 1.0, 0, 10 * SECOND)["ask"].windows == 8
    short = observe_trades(*trades, mid_ts, mid, [1.0], 1.0, 0, 10 * SECOND, max_age_s=1.0)["ask"]
    assert (short.windows, short.fills[0]) == (4, 4)
    assert observe_trades(*trades, [], [], [1.0], 1.0, 0, 10 * SECOND)["ask"].windows == 0


@pytest.mark.parametrize("method", ["waiting", "counts"])
def test_planted_intensity_with_honest_errors(method):
    fits = [
        fit_trades(pooled(planted_path(seed, 0.8, 0.5, 0.0, 1.0, 4000)), method)
        for seed in range(80)
    ]
    for name, planted in (("A", 0.8), ("k", 0.5)):
        estimates = np.array([getattr(f, name) for f in fits])
        stated = np.mean([getattr(f, f"{name}_se") for f in fits])
        assert estimates.std(ddof=1) == pytest.approx(stated, rel=0.25)
        assert abs(estimates.mean() - planted) < 4 * stated / np.sqrt(len(fits))
    # Under the law itself p-values are uniform.
    p = np.array([f.p_value for f in fits])
    assert {f.dof for f in fits} == {6}
    assert 0.35 < p.mean() < 0.65
    assert (p < 0.05).mean() < 0.15


def test_another_law_does_not_fit():
    path = planted_path(5, 0.8, 0.5, 0.0, 1.0, 20_000)
    rng = np.random.default_rng(6)
    bent = np.abs(rng.normal(0, 2.0, len(path.ts)))
    price = path.mid[path.ts // SECOND] + path.side * bent
    sides = observe_trades(
        path.ts, price, path.side, path.mid_ts, path.mid, DELTAS[:6], 1.0, 0, path.stop
    )
    assert fit_trades(sides["ask"]).p_value < 1e-6


def test_formulas_of_the_vectors(shared_vectors):
    data = json.loads((shared_vectors / "calibration.json").read_text())
    true = data["true"]
    phi = mean_exposure(true["k"], true["sigma"], true["dT"])
    expected = true["A"] * np.exp(-true["k"] * np.array(data["delta"])) * phi
    np.testing.assert_allclose(expected, data["Lambda_counts_per_window"], rtol=1e-12)
    at_least_one = np.array(data["P_at_least_one"])
    np.testing.assert_allclose(bernoulli_intensity(at_least_one, 1.0), expected, rtol=1e-12)


def test_mean_exposure_is_an_integral(shared_vectors):
    """Also with a drift, whose rule the vectors file states."""
    rules = json.loads((shared_vectors / "calibration.json").read_text())["rules"]
    assert any("exp((k mu + k^2 s^2/2)dT)-1)/(k mu + k^2 s^2/2)" in rule for rule in rules)
    k, sigma, length = 0.4, 0.7, 5.0
    for mu in (0.0, 0.3, -0.2, -0.5 * k * sigma**2):
        rate = k * mu + 0.5 * (k * sigma) ** 2
        integral = quad(lambda t, rate=rate: np.exp(rate * t), 0, length)[0]
        assert float(mean_exposure(k, sigma, length, mu)) == pytest.approx(integral, rel=1e-12)
    assert mean_exposure([k, 0.0], [0.0, 1.0], length).tolist() == [length, length]


def test_a_drift_towards_the_orders_brings_fills():
    """Counts of prints beyond an order, the mid drifting up: asks more, bids fewer."""
    A, k, mu, seconds = 2.0, 0.5, 0.8, 40_000
    rng = np.random.default_rng(4)
    ts = np.sort(rng.integers(0, seconds * SECOND, rng.poisson(2 * A * seconds)))
    side = np.where(rng.random(len(ts)) < 0.5, 1, -1)
    elapsed = ts % SECOND / SECOND
    price = 3000 + mu * elapsed + side * rng.exponential(1 / k, len(ts))
    deltas = np.array([1.0, 2.0, 3.0])
    opening = np.arange(seconds) * SECOND
    sides = observe_trades(
        ts, price, side, opening, np.full(seconds, 3000.0), deltas, 1.0, 0, seconds * SECOND
    )
    for name, towards in (("ask", mu), ("bid", -mu)):
        expected = A * np.exp(-k * deltas) * mean_exposure(k, 0.0, 1.0, towards) * seconds
        got = sides[name].counts.sum(axis=0)
        np.testing.assert_array_less(np.abs(got - expected), 4 * np.sqrt(expected))


# sigma, dT, and what the vectors file measured: deepest print, -ln(1-P), waiting times.
MEASURED = [
    (0.3, 0.1, (1.848, 0.290), (1.948, 0.294), (1.947, 0.294)),
    (0.3, 1.0, (1.212, 0.260), (1.971, 0.299), (1.975, 0.299)),
    (1.0, 5.0, (0.339, 0.157), (1.643, 0.276), (1.886, 0.288)),
]


@pytest.mark.parametrize(("sigma", "window_s", "deepest", "logs", "waiting"), MEASURED)
def test_naive_estimator_fails_where_the_likelihood_holds(sigma, window_s, deepest, logs, waiting):
    path = planted_path(11, 2.0, 0.3, sigma, window_s, 20_000)
    windows = pooled(path, window_s=window_s)
    fit = fit_trades(windows)
    naive = naive_fit(windows)
    if window_s <= 1.0:
        assert naive == pytest.approx(deepest, rel=0.1)
    else:  # Its bend makes it depend on the distances, which the file does not name.
        assert naive[0] < 1.2 * deepest[0]
    share = windows.fills / windows.windows
    slope, level = np.polyfit(DELTAS, np.log(bernoulli_intensity(share, window_s)), 1)
    assert (np.exp(level), -slope) == pytest.approx(logs, rel=0.08)
    assert (fit.A, fit.k) == pytest.approx(waiting, rel=0.08)
    # Phi supposes that the mid does not pass an order: from beyond its reach on.
    far = np.arange(1.0, 9.0) + np.ceil(2.5 * sigma * np.sqrt(window_s))
    counts = fit_trades(pooled(path, far, window_s), "counts", sigma)
    assert abs(counts.A - 2.0) < 4.5 * counts.A_se
    assert abs(counts.k - 0.3) < 4.5 * counts.k_se
    if window_s == 1.0:
        assert abs(naive[0] / 2.0 - 1) > 0.35
        assert abs(fit.A / 2.0 - 1) < 0.05
        assert abs(fit.k / 0.3 - 1) < 0.05


def test_the_synthetic_market_gives_back_what_was_planted():
    """Within 5 %, each side, A dT = 0.012, quotes at the mid path renewed every second."""
    market, mid = month()
    truth = market.truth["fill"]
    start = int(market.candles["ts_open"].iloc[0])
    mid_ts = start + np.arange(len(mid)) * SECOND
    trades = market.trades
    sides = observe_trades(
        trades["ts"],
        trades["price"],
        trades["aggressor_side"],
        mid_ts,
        mid,
        np.arange(0.6, 4.3, 0.6),
        1.0,
        start,
        start + len(mid) * SECOND,
    )
    for windows in sides.values():
        for method in ("waiting", "counts"):
            fit = fit_trades(windows, method)
            assert abs(fit.A / truth["A"] - 1) < 0.05
            assert abs(fit.k / truth["k"] - 1) < 0.05
            assert abs(fit.A - truth["A"]) < 4 * fit.A_se
            assert abs(fit.k - truth["k"]) < 4 * fit.k_se
            assert fit.k_se < 0.03 * fit.k
            assert fit.p_value > 1e-3


def test_walk_forward_uses_the_past_only_and_names_refusals():
    path = planted_path(8, 0.8, 0.5, 0.2, 1.0, 6000)
    trades = pd.DataFrame({"ts": path.ts, "price": path.price, "aggressor_side": path.side})
    at, days = np.array([20, 3000, 5000]) * SECOND, 2000 / 86_400
    table = walk_forward_trades(trades, path.mid_ts, path.mid, at, days, DELTAS, 1.0)
    assert table["side"].tolist() == ["bid", "ask", "both"] * 3
    assert table["reason"][0].startswith(f"{table['n_fills'][0]} fills of the nearest order in 20")
    assert table["A"][:3].isna().all()
    assert (abs(table["k"][3:] - 0.5) < 4 * table["k_se"][3:]).all()
    assert not table["approximate"].any()
    past = trades["ts"] < at[1]
    spoilt = trades.where(past, trades.assign(price=1.0))
    mid = np.where(path.mid_ts < at[1], path.mid, 9999.0)
    again = walk_forward_trades(spoilt, path.mid_ts, mid, at[:2], days, DELTAS, 1.0)
    pd.testing.assert_frame_equal(again, table[:6])


def test_refusals():
    path = planted_path(8, 0.8, 0.5, 0.2, 1.0, 300)
    windows = watch(path)["bid"]
    with pytest.raises(TrialError, match=r"fills of the nearest order in 300 windows"):
        fit_trades(windows, min_fills=1000)
    near = watch(path, np.array([0.1, 0.2]))["bid"]
    with pytest.raises(TrialError, match="2 of 2 distances"):
        fit_trades(near)
    flat = TradeWindows(
        np.array([1.0, 2.0, 3.0]), 1.0, 100, np.full((60, 3), 0.5), np.ones((60, 3), dtype=int)
    )
    with pytest.raises(TrialError, match="does not fall"):
        fit_trades(flat)
    with pytest.raises(ConfigError, match="method"):
        fit_trades(windows, "deepest")
    with pytest.raises(ConfigError, match="sigma"):
        fit_trades(windows, "counts", -1.0)
    with pytest.raises(ConfigError, match="deltas"):
        windows.with_side(near)
    for changes, message in (
        ({"deltas": np.array([2.0, 1.0])}, "strictly rising"),
        ({"window_s": 0.0}, "window_s"),
        ({"through": -1.0}, "through"),
    ):
        with pytest.raises(ConfigError, match=message):
            watch(path, **changes)
    with pytest.raises(ConfigError, match="sorted"):
        observe_trades([2, 1], [1, 1], [1, 1], [0], [1], [0.0], 1.0, 0, SECOND)
    with pytest.raises(ConfigError, match="one length"):
        observe_trades([1, 2], [1], [1, 1], [0], [1], [0.0], 1.0, 0, SECOND)


def test_sigma_of_the_mid():
    path = planted_path(9, 0.5, 0.5, 0.4, 1.0, 20_000)
    for step in (1.0, 10.0):
        found = mid_sigma(path.mid_ts, path.mid, step)
        assert abs(found.value - 0.4) < 4 * found.se
        assert found.se == pytest.approx(0.4 / np.sqrt(2 * found.n), rel=0.1)
    gap = np.concatenate((path.mid_ts[:1000], path.mid_ts[1000:] + 10**6 * SECOND))
    moved = np.concatenate((path.mid[:1000], path.mid[1000:] + 500.0))
    assert mid_sigma(gap, moved, 1.0, max_gap_s=5.0).value == pytest.approx(0.4, rel=0.03)
    with pytest.raises(TrialError, match="1 steps"):
        mid_sigma([0, SECOND], [1.0, 2.0], 1.0)
    with pytest.raises(ConfigError, match="step_s"):
        mid_sigma([0, SECOND], [1.0, 2.0], 0.0)


@pytest.mark.parametrize("by_size", [False, True])
def test_planted_impact_is_recovered(by_size):
    estimates = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        n = 2000
        ts = np.sort(rng.integers(10, 4000 * SECOND, n))
        side, size = rng.choice([-1, 1], n), rng.lognormal(0, 0.5, n)
        jump = 0.05 * side * (size / 2.0 if by_size else 1.0)
        mid = 3000 + np.cumsum(np.concatenate(([0.0], jump + rng.normal(0, 0.02, n))))
        mid_ts = np.concatenate(([0], ts))
        found = fill_impact(
            ts, side, mid_ts, mid, 0.2, size if by_size else None, 2.0 if by_size else 1.0
        )
        estimates.append((found.value, found.se))
    value, error = np.array(estimates).T
    assert abs(value.mean() - 0.05) < 4 * error.mean() / np.sqrt(40)
    assert value.std() == pytest.approx(error.mean(), rel=0.35)


def test_impact_refuses():
    with pytest.raises(TrialError, match="0 of 2 trades"):
        fill_impact([5, 6], [1, 1], [0], [1.0], 1.0)
    with pytest.raises(ConfigError, match="horizon_s"):
        fill_impact([5, 6], [1, 1], [0], [1.0], 0.0)
    with pytest.raises(ConfigError, match="size"):
        fill_impact([5, 6], [1, 1], [0], [1.0], 1.0, [1.0, 0.0])


def test_real_capture_gives_standard_errors(shared_data):
    """Six minutes of Binance spot: bookTicker mids, trades; arrival times."""
    path = shared_data / "l2_capture" / "binance_spot_ethusdt_20240808.gz"
    mid_ts, mid, ts, price, side = [], [], [], [], []
    with gzip.open(path, "rt", encoding="utf-8") as handle:
        for line in handle:
            arrived, _, text = line.partition(" ")
            if "@bookTicker" in text:
                data = json.loads(text)["data"]
                mid_ts.append(int(arrived))
                mid.append(0.5 * (float(data["b"]) + float(data["a"])))
            elif "@trade" in text:
                data = json.loads(text)["data"]
                ts.append(int(arrived))
                price.append(float(data["p"]))
                side.append(-1 if data["m"] else 1)
    sigma = mid_sigma(mid_ts, mid, 1.0)
    assert 0.05 < sigma.value < 1.0
    sides = observe_trades(
        ts, price, side, mid_ts, mid, np.arange(0.02, 0.5, 0.06), 1.0, mid_ts[0], mid_ts[-1]
    )
    fit = fit_trades(sides["bid"].with_side(sides["ask"]))
    assert 0.01 < fit.A < 10
    assert 0.5 < fit.k < 50
    assert 0 < fit.A_se < 0.3 * fit.A
    assert 0 < fit.k_se < 0.3 * fit.k
    xi = fill_impact(ts, side, mid_ts, mid, 1.0)
    assert 0 < xi.se < 0.1
    assert xi.value > 2 * xi.se
