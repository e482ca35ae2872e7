"""Blocks of one day: base fees by EIP-1559, tips, and which bids were included."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ethpredict.data.synthetic._kernels import base_fee_day, tip_day
from ethpredict.data.synthetic.keyed_random import stream
from ethpredict.data.synthetic.settings import (
    DAY_NS,
    DEMAND_NOISE,
    DENOMINATOR,
    ELASTICITY,
    GAS_LIMIT,
    TIP_BIDS,
    TIP_STEPS,
    TIP_STEPS_PER_MEAN,
    MarketSettings,
)
from ethpredict.data.synthetic.volatility import DayState

_TIP_LEVELS = np.array([0.1, 0.5, 0.9])


@dataclass(frozen=True)
class BlockDay:
    """Blocks of one day.

    Parameters
    ----------
    first : int
        Position of the first block since the market's start.
    offset_ns : int64 array of shape (n,)
        Nanoseconds since the day's start.
    base_fee_wei, gas_used : int64 array of shape (n,)
        Base fee and gas of each block.
    tips : float64 array of shape (n, 3)
        10th, 50th and 90th percentile of the included tips, gwei; nan where
        no bid was included.
    bids : float64 array of shape (n, tips_per_block)
        Tips of the transactions that the market shows, gwei.
    taken : bool array of shape (n, tips_per_block)
        Whether each of them was included.
    sent, included : int64 array of shape (TIP_STEPS,)
        Bids and included bids by tip step.
    next_base_fee : int
        Base fee of the block after the last one, wei.
    """

    first: int
    offset_ns: np.ndarray
    base_fee_wei: np.ndarray
    gas_used: np.ndarray
    tips: np.ndarray
    bids: np.ndarray
    taken: np.ndarray
    sent: np.ndarray
    included: np.ndarray
    next_base_fee: int


def tip_grid(market: MarketSettings) -> np.ndarray:
    """Return the tips that are bid, float64 array of shape (TIP_STEPS,), gwei."""
    return np.arange(TIP_STEPS) * market.tip_step


def inclusion_probability(market: MarketSettings) -> np.ndarray:
    """Return the planted chance of inclusion of each bid, float64 array of shape (TIP_STEPS,)."""
    logit = market.inclusion_a + market.inclusion_s * tip_grid(market)
    return 1.0 / (1.0 + np.exp(-np.clip(logit, -700.0, 700.0)))


def block_day(market: MarketSettings, day: int, state: DayState, base_fee: int) -> BlockDay:
    """Run the blocks of one day.

    Parameters
    ----------
    market : MarketSettings
        The market.
    day : int
        Day since the start.
    state : DayState
        Demand and activity by the minute.
    base_fee : int
        Base fee of the day's first block, wei, >= 1.

    Returns
    -------
    BlockDay
        The day's blocks.

    Notes
    -----
    Demand falls as the fee rises: gas wanted = target x level / base fee x
    noise, cut at the limit, with level = base_fee_gwei x demand x sqrt(activity),
    so the base fee returns to the level.

    References
    ----------
    EIP-1559, https://eips.ethereum.org/EIPS/eip-1559
    """
    step = market.block_step_ns
    first = -(-day * DAY_NS // step)
    stop = -(-(day + 1) * DAY_NS // step)
    offset = np.arange(first, stop, dtype=np.int64) * step - day * DAY_NS
    minute = offset // 60_000_000_000
    rng = stream(market.seed, "blocks", day)
    level = market.base_fee_gwei * 1e9 * state.demand * np.sqrt(state.activity)
    shocks = rng.standard_normal(len(offset))
    noise = np.exp(DEMAND_NOISE * shocks - 0.5 * DEMAND_NOISE**2)
    fees, used = np.empty(len(offset), np.int64), np.empty(len(offset), np.int64)
    after = base_fee_day(
        base_fee, level[minute], noise, GAS_LIMIT, ELASTICITY, DENOMINATOR, fees, used
    )
    tips, shown, taken, sent, included = _tips(market, day, len(offset))
    return BlockDay(
        first=first,
        offset_ns=offset,
        base_fee_wei=fees,
        gas_used=used,
        tips=tips,
        bids=shown,
        taken=taken,
        sent=sent,
        included=included,
        next_base_fee=int(after),
    )


def _tips(market: MarketSettings, day: int, blocks: int) -> tuple[np.ndarray, ...]:
    """Draw and settle the bids of a day's blocks; see the fields of `BlockDay`."""
    rng = stream(market.seed, "tips", day)
    shape = (blocks, TIP_BIDS)
    bids = rng.standard_exponential(shape, dtype=np.float32)
    bids *= np.float32(TIP_STEPS_PER_MEAN)
    luck = rng.random(shape, dtype=np.float32)
    steps, taken = np.empty(shape, np.int16), np.empty(shape, bool)
    tips = np.empty((blocks, len(_TIP_LEVELS)))
    sent, included = np.zeros(TIP_STEPS, np.int64), np.zeros(TIP_STEPS, np.int64)
    chance = inclusion_probability(market)
    tip_day(bids, luck, chance, _TIP_LEVELS, steps, taken, tips, sent, included)
    shown = steps[:, : market.tips_per_block] * market.tip_step
    return (tips * market.tip_step, shown, taken[:, : market.tips_per_block].copy(), sent, included)
