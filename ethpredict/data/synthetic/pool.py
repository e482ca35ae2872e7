"""A constant-product pool beside the market: noise swaps, then an arbitrageur, block by block."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ethpredict.data.synthetic._kernels import pool_day
from ethpredict.data.synthetic.blocks import BlockDay
from ethpredict.data.synthetic.keyed_random import stream
from ethpredict.data.synthetic.settings import (
    DAY_SECONDS,
    NOISE_SWAP_SHARE,
    SWAP_GAS,
    MarketSettings,
)
from ethpredict.data.synthetic.volatility import DayState


@dataclass(frozen=True)
class PoolDay:
    """Pool events of one day.

    Parameters
    ----------
    block : int64 array of shape (n,)
        Position of the block since the market's start.
    offset_ns : int64 array of shape (n,)
        Nanoseconds since the day's start.
    log_index : int64 array of shape (n,)
        Position inside the block.
    amounts : float64 array of shape (n, 6)
        amount0_in, amount1_in, amount0_out, amount1_out, reserve0, reserve1.
    arbitrage : bool array of shape (n,)
        True for the arbitrageur's swaps.
    """

    block: np.ndarray
    offset_ns: np.ndarray
    log_index: np.ndarray
    amounts: np.ndarray
    arbitrage: np.ndarray


def initial_reserves(market: MarketSettings) -> np.ndarray:
    """Return the reserves at the start, float64 array of shape (2,): ETH and USD of equal value."""
    return np.array([market.pool_liquidity / 2 / market.price, market.pool_liquidity / 2])


def run_pool_day(
    market: MarketSettings,
    day: int,
    state: DayState,
    blocks: BlockDay,
    mid: np.ndarray,
    reserves: np.ndarray,
) -> PoolDay:
    """Run one day of the pool.

    Parameters
    ----------
    market : MarketSettings
        The market.
    day : int
        Day since the start.
    state : DayState
        Activity by the minute, which noise swaps follow.
    blocks : BlockDay
        The day's blocks.
    mid : float64 array of shape (86400,)
        Market mid in each second, USD.
    reserves : float64 array of shape (2,)
        Reserves before the day; changed in place.

    Returns
    -------
    PoolDay
        The day's swaps.

    Notes
    -----
    With g = 1 - fee the arbitrageur acts iff the closed-form profit exceeds
    the gas of one swap at the block's base fee and median tip; the pool's
    price R1/R0 then lies in [g P, P/g].
    """
    rng = stream(market.seed, "pool", day)
    minute = blocks.offset_ns // 60_000_000_000
    per_day = market.pool_turnover / NOISE_SWAP_SHARE
    rate = per_day * market.block_time / DAY_SECONDS
    counts = rng.poisson(rate * state.activity[minute])
    total = int(counts.sum())
    value = market.pool_liquidity * NOISE_SWAP_SHARE * rng.standard_exponential(total)
    buys = rng.random(total) < 0.5
    here = mid[blocks.offset_ns // 1_000_000_000]
    fee_gwei = blocks.base_fee_wei * 1e-9 + np.nan_to_num(blocks.tips[:, 1])
    size = total + len(here)
    events = np.empty((size, 6))
    block, log_index = np.empty(size, np.int64), np.empty(size, np.int64)
    arbitrage = np.empty(size, bool)
    n = pool_day(
        reserves,
        here,
        SWAP_GAS * fee_gwei * 1e-9 * here,
        counts,
        value,
        buys,
        1.0 - market.pool_fee_bps * 1e-4,
        events,
        block,
        log_index,
        arbitrage,
    )
    return PoolDay(
        block=block[:n] + blocks.first,
        offset_ns=blocks.offset_ns[block[:n]],
        log_index=log_index[:n],
        amounts=events[:n],
        arbitrage=arbitrage[:n],
    )
