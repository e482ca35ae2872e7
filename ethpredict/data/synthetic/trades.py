"""The draws behind one day's trades: when, how deep, how large, and who knows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ethpredict.data.synthetic.keyed_random import stream
from ethpredict.data.synthetic.settings import (
    DAY_NS,
    DAY_SECONDS,
    SIZE_LOG_SD,
    MarketSettings,
)
from ethpredict.data.synthetic.volatility import DayState

_MINUTE_NS = 60_000_000_000


@dataclass(frozen=True)
class TradeDraws:
    """Draws of one day's n trades, in the order of time.

    Parameters
    ----------
    offset_ns : int64 array of shape (n,)
        Nanoseconds since the day's start, strictly increasing.
    depth : float64 array of shape (n,)
        Distance from the mid that a sweep reaches, USD; 0 for a trade at the touch.
    sweep : bool array of shape (n,)
        True for a sweep.
    side_draw, informed_draw : float64 array of shape (n,)
        Uniform on [0, 1).
    size : float64 array of shape (n,)
        Size, ETH, whole lots.
    """

    offset_ns: np.ndarray
    depth: np.ndarray
    sweep: np.ndarray
    side_draw: np.ndarray
    informed_draw: np.ndarray
    size: np.ndarray


def draw_day(market: MarketSettings, day: int, state: DayState) -> TradeDraws:
    """Draw the trades of one day before the price is known.

    Parameters
    ----------
    market : MarketSettings
        The market.
    day : int
        Day since the start.
    state : DayState
        Activity by the minute.

    Returns
    -------
    TradeDraws
        The day's draws.

    Notes
    -----
    Trades at the touch are Poisson with a rate that follows the activity;
    sweeps are Poisson with the constant rate A on each side, independent of
    everything else, so that A exp(-k delta) holds exactly beyond the touch.
    """
    rng = stream(market.seed, "trades", day)
    counts = rng.poisson(market.touch_rate * 60 * state.activity)
    n_touch = int(counts.sum())
    n_sweep = int(rng.poisson(2 * market.fill_A * DAY_SECONDS))
    n = n_touch + n_sweep
    offset = np.empty(n, dtype=np.int64)
    minute = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
    offset[:n_touch] = minute * _MINUTE_NS + rng.integers(0, _MINUTE_NS, n_touch)
    offset[n_touch:] = rng.integers(0, DAY_NS, n_sweep)
    depth = np.zeros(n)
    depth[n_touch:] = rng.standard_exponential(n_sweep) / market.fill_decay
    order = np.argsort(offset, kind="stable")
    rank = np.arange(n, dtype=np.int64)
    # Two draws may share a nanosecond; stamps must be unique and stay inside the day.
    offset = np.maximum.accumulate(offset[order] - rank) + rank
    offset = np.minimum(offset, DAY_NS - n + rank)
    mean = market.daily_volume / market.trades_per_day
    log_size = np.log(mean) - 0.5 * SIZE_LOG_SD**2 + SIZE_LOG_SD * rng.standard_normal(n)
    lots = np.maximum(1.0, np.rint(np.exp(log_size) * market.size_scale))
    return TradeDraws(
        offset_ns=offset,
        depth=depth[order],
        sweep=order >= n_touch,
        side_draw=rng.random(n),
        informed_draw=rng.random(n),
        size=lots / market.size_scale,
    )
