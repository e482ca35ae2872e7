"""The compiled loops against their plain twins and against exact integers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpredict.data.synthetic import _kernels, reference
from ethpredict.data.synthetic.keyed_random import stream
from ethpredict.data.synthetic.settings import (
    SCALE_MEMORY,
    SCALE_PRIOR,
    SCALE_PRIOR_COUNT,
    MarketSettings,
    read_settings,
)
from ethpredict.data.synthetic.signal import FLOW_DECAY
from ethpredict.data.synthetic.trades import TradeDraws, draw_day
from ethpredict.data.synthetic.volatility import DayState, day_state, initial_factors
from tests.unit.data.synthetic_markets import settings

HOURS = 4


def _day(market: MarketSettings) -> tuple[DayState, TradeDraws, np.ndarray, np.ndarray]:
    """One day's drivers, with a jump in the first hour."""
    state = day_state(market, 0, initial_factors(market.seed))
    shocks = stream(market.seed, "price").standard_normal(86_400)
    jumps = np.zeros(86_400)
    jumps[1234] = 0.02
    return state, draw_day(market, 0, state), shocks, jumps


@pytest.mark.parametrize(
    ("interval", "trades_per_day"), [("5m", 20_000.0), ("1m", 400.0)], ids=["busy", "empty candles"]
)
def test_trade_day_parity(interval: str, trades_per_day: float) -> None:
    given_settings = settings(
        interval=interval, trades_per_day=trades_per_day, informed_fraction=0.5, predictability=0.2
    )
    market = read_settings(given_settings)
    state, draws, shocks, jumps = _day(market)
    seconds = HOURS * 3600
    n = int(np.searchsorted(draws.offset_ns, seconds * 10**9))
    carried = np.array([np.log(market.price), 0.0, SCALE_PRIOR**2, market.price])
    rows = seconds // market.candle_seconds
    mid, drift, candles = np.empty(seconds), np.empty(rows), np.empty((rows, 8))
    price, side = np.empty(n), np.empty(n, dtype=np.int8)
    _kernels.trade_day(
        carried,
        0,
        market.candle_seconds,
        state.sigma,
        state.tilt,
        shocks,
        jumps,
        draws.offset_ns[:n],
        draws.depth[:n],
        draws.side_draw[:n],
        draws.informed_draw[:n],
        draws.size[:n],
        market.informed_fraction,
        market.half_spread_bps * 1e-4,
        market.price_scale,
        market.drift_per_unit,
        FLOW_DECAY,
        SCALE_MEMORY,
        SCALE_PRIOR_COUNT,
        mid,
        price,
        side,
        candles,
        drift,
    )
    traders = [
        reference.Trader(int(t), float(d), float(u), float(v), float(s))
        for t, d, u, v, s in zip(
            draws.offset_ns[:n],
            draws.depth[:n],
            draws.side_draw[:n],
            draws.informed_draw[:n],
            draws.size[:n],
            strict=True,
        )
    ]
    plain = reference.trade_day(
        float(np.log(market.price)),
        market.price,
        reference.Signal(),
        market.candle_seconds,
        seconds,
        state.sigma.tolist(),
        state.tilt.tolist(),
        shocks.tolist(),
        jumps.tolist(),
        traders,
        market.informed_fraction,
        market.half_spread_bps * 1e-4,
        market.price_scale,
        market.drift_per_unit,
    )
    np.testing.assert_allclose(mid, plain.mid, rtol=1e-13)
    np.testing.assert_allclose(drift, plain.drift, rtol=1e-12)
    np.testing.assert_array_equal(side, plain.side)
    np.testing.assert_allclose(price, plain.price, rtol=1e-15)
    np.testing.assert_allclose(candles, plain.candles, rtol=1e-14)
    if interval == "1m":
        assert (candles[:, _kernels.TRADES] == 0).any()


def test_ornstein_uhlenbeck_parity() -> None:
    shocks = np.random.default_rng(1).standard_normal((50, 3))
    decay, sd = np.array([0.9, 0.5, 0.999]), np.array([1.0, 0.2, 3.0])
    state = np.array([0.1, -2.0, 0.0])
    plain = reference.ornstein_uhlenbeck(state.tolist(), decay, sd, shocks.tolist())
    path = _kernels.ornstein_uhlenbeck(state, decay, sd, shocks)
    np.testing.assert_allclose(path, plain, rtol=1e-14)
    np.testing.assert_array_equal(state, path[-1])


def test_signal_path_parity() -> None:
    imbalance = np.random.default_rng(2).uniform(-1, 1, 3_000)
    out = np.empty(3_000)
    _kernels.signal_path(
        imbalance, FLOW_DECAY, SCALE_MEMORY, SCALE_PRIOR_COUNT, SCALE_PRIOR**2, out
    )
    plain = reference.Signal()
    expected = []
    for now in imbalance:
        expected.append(plain.value())
        plain.update(float(now))
    np.testing.assert_allclose(out, expected, rtol=1e-13)


@given(
    base_fee=st.integers(0, 10**15),
    limit=st.integers(10_000, 10**9),
    share=st.floats(0, 1),
    elasticity=st.integers(2, 10),
    denominator=st.integers(2, 250),
)
def test_next_base_fee_parity_in_64_bits(
    base_fee: int, limit: int, share: float, elasticity: int, denominator: int
) -> None:
    used = int(share * limit)
    expected = reference.next_base_fee(base_fee, used, limit, elasticity, denominator)
    assert _kernels.next_base_fee(base_fee, used, limit, elasticity, denominator) == expected


def test_base_fee_meets_the_published_vectors(shared_vectors: Path) -> None:
    vectors = json.loads((shared_vectors / "eip1559.json").read_text())
    assert vectors["cases"]
    for case in vectors["cases"]:
        arguments = (case["base_fee"], case["gas_used"], case["gas_limit"])
        assert _kernels.next_base_fee(*arguments, 2, 8) == case["next"]
        assert reference.next_base_fee(*arguments) == case["next"]


def test_base_fee_day_parity() -> None:
    rng = np.random.default_rng(3)
    n, limit = 500, 36_000_000
    level, noise = rng.uniform(1e8, 5e9, n), rng.lognormal(0, 0.5, n)
    fees, used = np.empty(n, np.int64), np.empty(n, np.int64)
    after = _kernels.base_fee_day(10**9, level, noise, limit, 2, 8, fees, used)
    fee = 10**9
    for b in range(n):
        assert fees[b] == fee
        assert used[b] == int(min(limit, limit // 2 * (level[b] / fee) * noise[b]))
        fee = reference.next_base_fee(fee, int(used[b]), limit)
    assert after == fee


@pytest.mark.parametrize("fee_bps", [0, 5, 30, 300])
def test_pool_day_parity(fee_bps: int) -> None:
    rng = np.random.default_rng(fee_bps)
    blocks = 300
    mid = 3000 * np.exp(np.cumsum(0.002 * rng.standard_normal(blocks)))
    gas = rng.uniform(0, 5, blocks)
    counts = rng.poisson(0.3, blocks)
    total = int(counts.sum())
    value, buys = rng.exponential(2e4, total), rng.random(total) < 0.5
    keep = 1 - fee_bps * 1e-4
    events = np.empty((total + blocks, 6))
    block = np.empty(total + blocks, np.int64)
    log_index = np.empty_like(block)
    arbitrage = np.empty(total + blocks, bool)
    reserves = np.array([3300.0, 1e7])
    n = _kernels.pool_day(
        reserves, mid, gas, counts, value, buys, keep, events, block, log_index, arbitrage
    )
    ends = np.cumsum(counts)
    noise = [
        list(zip(value[e - c : e].tolist(), buys[e - c : e].tolist(), strict=True))
        for c, e in zip(counts, ends, strict=True)
    ]
    plain = reference.pool_day((3300.0, 1e7), mid.tolist(), gas.tolist(), noise, keep)
    assert n == len(plain) > total
    assert block[:n].tolist() == [e[0] for e in plain]
    assert log_index[:n].tolist() == [e[1] for e in plain]
    assert arbitrage[:n].tolist() == [e[2] for e in plain]
    np.testing.assert_allclose(events[:n], [e[3] for e in plain], rtol=1e-12)


@given(
    price=st.floats(100, 10_000), ratio=st.floats(0.7, 1.4), fee=st.sampled_from([0.0, 5e-4, 0.003])
)
def test_arbitrage_has_no_better_neighbour(price: float, ratio: float, fee: float) -> None:
    reserves, keep = (1000.0, 1000.0 * price * ratio), 1 - fee
    amount0, amount1, profit = reference.arbitrage(reserves, price, keep)

    def gain(scale: float) -> float:
        made = reference.swap(reserves, amount0 * scale, amount1 * scale, keep)
        return made[3] - made[1] + price * (made[2] - made[0])

    if amount0 + amount1 == 0:
        assert keep <= ratio <= 1 / keep or ratio == pytest.approx(1, abs=fee + 1e-12)
        return
    assert gain(1.0) == pytest.approx(profit, rel=1e-6, abs=1e-4)
    assert gain(1.0) >= max(gain(0.99), gain(1.01)) - 1e-6


def test_tip_day_parity() -> None:
    rng = np.random.default_rng(4)
    n, m, steps = 400, 16, 30
    bids = (rng.standard_exponential((n, m)) * 10).astype(np.float32)
    luck = rng.random((n, m), dtype=np.float32)
    chance = np.linspace(0.0, 0.6, steps)
    levels = np.array([0.1, 0.5, 0.9])
    step, taken = np.empty((n, m), np.int16), np.empty((n, m), bool)
    tips = np.empty((n, 3))
    sent, included = np.zeros(steps, np.int64), np.zeros(steps, np.int64)
    _kernels.tip_day(bids, luck, chance, levels, step, taken, tips, sent, included)
    plain = reference.tip_day(bids.tolist(), luck.tolist(), chance.tolist(), levels.tolist())
    assert step.tolist() == [row[0] for row in plain]
    assert taken.tolist() == [row[1] for row in plain]
    np.testing.assert_array_equal(tips, [row[2] for row in plain])
    assert 0 < np.isnan(tips[:, 0]).sum() < n
    some = ~np.isnan(tips[:, 0])
    expected = [
        np.percentile(s[t], 100 * levels) for s, t in zip(step[some], taken[some], strict=True)
    ]
    np.testing.assert_allclose(tips[some], expected, rtol=1e-12)
    assert sent.sum() == n * m
    np.testing.assert_array_equal(included, np.bincount(step[taken], minlength=steps))
