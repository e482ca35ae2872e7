"""Compiled kernels against plain Python, bit for bit.

Covers ethpredict.sim._maker_kernels and _lob_kernels, _taker_kernels and _transaction_kernels
(choose_tip, execute, play_row, close_position), _pool_kernels (with inclusion_block and
play_blocks), _attack_kernels, _account_kernels, _path_kernels and _draw_kernels.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpredict.quoting._kernels import drift
from ethpredict.sim import _account_kernels as acc
from ethpredict.sim import _lob_kernels as lob
from ethpredict.sim import _path_kernels as paths
from ethpredict.sim import _pool_kernels as pools
from ethpredict.sim import reference, reference_lob, reference_pool
from ethpredict.sim._draw_kernels import draw_word, normal, scramble, uniform, word_to_uniform
from ethpredict.sim.bribes import base_fees, tip_rows
from ethpredict.sim.metrics import Outcome
from ethpredict.sim.pack import simulate_run
from ethpredict.sim.quotes import Lattices, quote_rows, size_rows
from ethpredict.sim.rows import MarketRows, PathRows, market_rows, path_rows
from ethpredict.sim.run import Run
from ethpredict.sim.settings import amm_settings, lob_settings

LOB = [
    {"quoting__strategy": "none"},
    {"quoting__strategy": "hold"},
    {"quoting__strategy": "fixed_spread", "quoting__half_spread_bps": 7.0},
    {"quoting__strategy": "fixed_spread", "quoting__half_spread_bps": 0.0},
    {},
    {"quoting__strategy": "glft"},
    {"quoting__alpha": "off", "sim__latency_ms": 299_000},
    {"quoting__strategy": "glft", "quoting__alpha": "shift", "quoting__zeta": 0.0},
    {"quoting__horizon": 900.0, "quoting__zeta": 0.05, "quoting__confidence": "payoff"},
    {"quoting__strategy": "avellaneda_stoikov", "quoting__confidence": "linear"},
    {"quoting__layers__count": 3, "quoting__layers__step_bps": 1.0, "quoting__gamma": 1e-4},
    {"quoting__layers__count": 2, "quoting__sizing__mode": "volatility_target"},
    {"quoting__sizing__mode": "kelly", "quoting__sizing__fraction": 1.0},
    {"quoting__strategy": "glft", "quoting__sizing__mode": "bet_size"},
    {"quoting__sizing__max_leverage": 0.3, "quoting__max_half_spread_bps": 4.0},
    {"quoting__inventory_target": -3.3, "quoting__inventory_timeout": 2000.0},
    {"quoting__gamma": 0.5, "quoting__order_size": 3.0, "sim__lob__maker_fee_bps": -1.0},
    {"quoting__gamma": 1e-6, "sim__lob__tick_size": 0.07, "sim__lob__participation": 0.002},
    {"quoting__max_inventory": 1.0, "sim__lob__penetration_ticks": 12},
]
AMM = [
    {"quoting__strategy": "none"},
    {"quoting__strategy": "hold"},
    {},
    {"quoting__alpha": "off", "sim__amm__arbitrage_probability": 0.0},
    {"sim__amm__arbitrage_probability": 1.0, "quoting__gamma": 1e-5},
    {"sim__amm__noise_turnover": 0.0, "sim__amm__fee_bps": 0, "quoting__gamma": 1e-4},
    {"sim__amm__liquidity": 9e6, "sim__amm__slippage_bps": 0.5, "quoting__gamma": 1e-5},
    {"sim__amm__block_time": 400.0, "sim__amm__min_trade": 0.0, "sim__amm__tip_gwei": 0.0},
    {"sim__amm__use_block_fees": False, "sim__amm__base_fee_gwei": 0.0, "sim__seed": 2**32 - 1},
    {"sim__amm__use_block_fees": False, "sim__amm__base_fee_gwei": 50.0, "quoting__gamma": 1e-5},
    {"sim__latency_ms": 100_000, "sim__amm__arbitrage_probability": 0.3, "quoting__gamma": 1e-5},
    {"sim__latency_ms": 3_600_000, "quoting__gamma": 1e-5},
    {"sim__amm__bribe__mode": "optimal", "quoting__gamma": 1e-5, "sim__amm__chain": "base"},
    {
        "sim__amm__bribe__mode": "optimal",
        "sim__amm__bribe__auction": "all_pay",
        "sim__amm__inclusion": "fitted",
        "sim__amm__bribe__window_days": 0.5,
        "quoting__gamma": 1e-5,
    },
    {"sim__amm__bribe__mode": "percentile", "sim__amm__bribe__auction": "all_pay"},
    {
        "sim__amm__bribe__mode": "optimal",
        "sim__amm__bribe__auction": "builder_tip",
        "sim__amm__revert_probability": 0.3,
        "sim__amm__slippage_bps": 0.2,
        "quoting__gamma": 1e-5,
    },
    {"sim__amm__bribe__mode": "off", "sim__amm__chain": "op", "sim__amm__data_fee_gwei": 900.0},
    {
        "sim__amm__frontrun_probability": 0.3,
        "sim__amm__sandwich_probability": 0.4,
        "sim__amm__slippage_bps": 2.0,
        "quoting__gamma": 1e-5,
    },
]


def same(first: np.ndarray, second: np.ndarray) -> bool:
    """Equal numbers; nan equals nan."""
    return np.array_equal(np.asarray(first), np.asarray(second), equal_nan=True)


def rows_of(market: Any) -> tuple[MarketRows, PathRows]:
    bars, blocks, path = market
    rows = market_rows(bars, blocks, 0, len(bars) - 1)
    return rows, path_rows(path, rows.close)


def plain(run: Run, rows: MarketRows, path: PathRows, tips: Any) -> Outcome:
    if run.venue == "lob":
        quotes, sizes = quote_rows(run, rows, path, Lattices()), size_rows(run, rows, path)
        return reference_lob.run_lob(rows, quotes, sizes, lob_settings(run, rows))
    mu = path.mu if run.uses_prediction else np.zeros(len(path.mu))
    paid = base_fees(run, rows), tip_rows(run, rows, tips)
    return reference.run_amm(rows, path, mu, *paid, amm_settings(run, rows))


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(
    "changes", [{"sim__venue": v, **c} for v, cases in (("lob", LOB), ("amm", AMM)) for c in cases]
)
def test_kernel_parity(
    seed: int, changes: dict, make_market: Any, make_member: Any, make_tips: Any
) -> None:
    """run_lob and run_amm (with all they call) give the reference's accounts and paths."""
    market = make_market(n=300, seed=seed)
    rows, path = rows_of(market)
    tips = make_tips(market[0])
    run = Run.from_member(make_member(replicate=seed, **changes))
    fast = simulate_run(run, rows, path, Lattices(), detail=True, tips=tips)
    slow = plain(run, rows, path, tips)
    assert same(fast.accounts, slow.accounts)
    assert same(fast.equity, slow.equity)
    assert same(fast.inventory, slow.inventory)
    assert same(fast.detail, slow.detail)
    if run.strategy != "none":
        assert fast.accounts[acc.NOTIONAL] > 0.0


@given(st.floats(1.0, 1e5), st.sampled_from([0.01, 0.05, 0.1, 0.25, 1.0]), st.integers(-3, 3))
def test_tick_parity(price: float, tick: float, offset: int) -> None:
    """floor_tick and ceil_tick agree with exact arithmetic; on-grid prices stay on the grid."""
    whole = round(price / tick) + offset
    assert lob.floor_tick(whole * tick, tick) == lob.ceil_tick(whole * tick, tick) == whole
    assert lob.floor_tick((whole + 0.5) * tick, tick) == whole
    assert lob.ceil_tick((whole + 0.5) * tick, tick) == whole + 1


@given(
    st.integers(2000, 3 * 10**7),
    st.integers(1, 999),
    st.sampled_from([Fraction(1, 100), Fraction(1, 20), Fraction(1, 3), Fraction(7, 100)]),
    st.sampled_from([Fraction(0), Fraction(1, 3), Fraction(999, 1000)]),
)
def test_quote_ticks_parity_with_exact_arithmetic(
    whole: int, away: int, tick: Fraction, part: Fraction
) -> None:
    """layer_ticks (guarded_ticks) against fractions: on the grid it stays, off it moves outward."""
    mid, delta = float(whole * tick), float((away + part) * tick)
    bid, ask = lob.layer_ticks(mid, mid, delta, delta, float(tick))
    assert bid == math.floor(whole - away - part)
    assert ask == math.ceil(whole + away + part)


@given(st.integers(0, 2**62), st.integers(0, 10**6), st.integers(0, 10**9), st.integers(0, 9))
def test_draw_parity(seed: int, replicate: int, row: int, purpose: int) -> None:
    """scramble, draw_word, word_to_uniform, uniform and normal against Python integers."""
    key = seed, replicate, row, purpose
    word = reference_pool.draw_word(*key)
    assert int(scramble(np.uint64(seed))) == reference_pool.scramble(seed)
    assert int(draw_word(*key)) == word
    assert word_to_uniform(np.uint64(word)) == uniform(*key) == reference_pool.draw_uniform(*key)
    assert 0.0 < uniform(*key) < 1.0
    assert normal(*key) == reference_pool.draw_normal(*key)


def test_draw_distribution() -> None:
    """Draws over rows are uniform and normal, and purposes are not correlated."""
    rows = range(20_000)
    u = np.array([uniform(23, 0, row, 1) for row in rows])
    z = np.array([normal(23, 0, row, 0) for row in rows])
    assert abs(u.mean() - 0.5) < 4 * math.sqrt(1 / 12 / len(u))
    assert abs(z.mean()) < 4 / math.sqrt(len(z))
    assert abs(z.std() - 1.0) < 4 / math.sqrt(2 * len(z))
    assert abs(np.corrcoef(u, z)[0, 1]) < 4 / math.sqrt(len(z))


@given(
    st.floats(100.0, 1e5),
    st.floats(100.0, 1e8),
    st.floats(0.0, 0.03),
    st.floats(0.2, 5.0),
    st.floats(-0.2, 0.2),
    st.floats(0.0, 1e4),
)
def test_pool_parity(
    reserve0: float, reserve1: float, fee: float, ratio: float, share: float, cost: float
) -> None:
    """trade_cost, noise_trade and compete against the plain pool."""
    pool = reference_pool.Pool(reserve0, reserve1, fee)
    for size in (0.3 * reserve0, -0.3 * reserve0, 0.0, reserve0):
        assert pools.trade_cost(size, reserve0, reserve1, fee) == pool.cost(size)
    pool.noise(share)
    assert pools.noise_trade(share, reserve0, reserve1, fee) == (pool.reserve0, pool.reserve1)
    price = ratio * pool.reserve1 / pool.reserve0
    expected = reference_pool.Pool(pool.reserve0, pool.reserve1, fee)
    expected.arbitrage(price, cost)
    after = pools.compete(pool.reserve0, pool.reserve1, price, fee, cost)
    assert after == (expected.reserve0, expected.reserve1)


@given(
    st.floats(0.97, 1.03),
    st.floats(-10.0, 10.0),
    st.floats(-20.0, 20.0),
    st.floats(0.0, 5.0),
    st.floats(0.0, 6e4),
)
def test_best_trade_parity(
    ratio: float, held: float, tilt: float, curvature: float, balance: float
) -> None:
    """best_trade, marginal_gain and gain against the plain search."""
    pool = reference_pool.Pool(1000.0, 3e6, 0.0005)
    mid = 3000.0 * ratio
    size, value = reference_pool.best_trade(pool, mid, held, tilt, curvature, 10.0, balance)
    net = balance * 0.9995
    most = min(10.0 - held, net * 1000.0 / (3e6 + net))
    args = mid, 1000.0, 3e6, 0.0005, held, tilt, curvature
    assert pools.best_trade(*args, most, 10.0 + held) == size
    assert pools.gain(size, *args) == value
    step = 1e-6
    slope = (pools.gain(0.5 + step, *args) - pools.gain(0.5 - step, *args)) / (2 * step)
    assert pools.marginal_gain(0.5, True, *args) == pytest.approx(slope, abs=1e-2)


def test_path_parity() -> None:
    """drift_path is drift per row; drawdown_path is the running peak minus the equity."""
    rng = np.random.default_rng(4)
    mid, m = rng.uniform(1e3, 2e3, 50), rng.normal(0, 1e-3, 50)
    sigma, horizon = rng.uniform(0.1, 1.0, 50), np.full(50, 600.0)
    wanted = [drift(a, b, c / a, d) for a, b, c, d in zip(mid, m, sigma, horizon, strict=True)]
    assert same(paths.drift_path(mid, m, sigma, horizon), np.array(wanted))
    equity, seconds, below = np.cumsum(rng.normal(0, 1, 50)), np.full(50, 2.0), np.empty(50)
    largest, wet = paths.drawdown_path(equity, equity[-1] - 5.0, seconds, below)
    peak = np.maximum.accumulate(np.maximum(equity, 0.0))
    plain_below = peak - equity
    plain_below[-1] = peak[-1] - (equity[-1] - 5.0)
    assert same(below, plain_below)
    assert largest == plain_below.max()
    assert wet == 2.0 * np.count_nonzero(plain_below)


def test_record_fill_parity() -> None:
    """record_fill against the reference's book over random fills (flips included)."""
    rng = np.random.default_rng(5)
    book, accounts, position = reference.Book(1), np.zeros(acc.N_ACCOUNTS), 0.0
    for _ in range(300):
        signed = float(rng.choice([-2.0, -1.0, 1.0, 3.0]))
        numbers = rng.uniform([90, -1, 90, 90, 90], [110, 1, 110, 110, 110])
        if rng.random() < 0.2:
            numbers[4] = np.nan
        book.fill(position, signed, *map(float, numbers))
        acc.record_fill(accounts, position, signed, *numbers)
        position += signed
    assert same(accounts, np.array(book.accounts))
    assert accounts[acc.CLOSES] > accounts[acc.WINS] > 0
