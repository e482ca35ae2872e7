"""From settings to the canonical tables of a synthetic market."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ethpredict.data.market import (
    BLOCK_COLUMNS,
    CANDLE_COLUMNS,
    POOL_EVENT_COLUMNS,
    TRADE_COLUMNS,
    Market,
    mark_gaps,
    typed_table,
)
from ethpredict.data.synthetic.settings import (
    DAY_NS,
    DAY_SECONDS,
    FIRST_BLOCK,
    GAS_LIMIT,
    MarketSettings,
    read_settings,
)
from ethpredict.data.synthetic.simulation import MarketDay, run_days
from ethpredict.data.synthetic.truth import describe
from ethpredict.data.synthetic.volatility import DayState
from ethpredict.data.timestamps import NS_PER_SECOND

logger = logging.getLogger(__name__)


def generate(settings: Mapping[str, Any]) -> Market:
    """Generate a seeded market: candles, trades, a pool and blocks, and the truths planted in them.

    Parameters
    ----------
    settings : mapping
        ``{"data": {...}}`` as config/schema.yaml describes it.

    Returns
    -------
    Market
        Canonical tables; ``truth`` is JSON-able. The same settings give the
        same bytes, and more days keep the earlier days as they are.

    Raises
    ------
    ConfigError
        If a key is missing, or settings that are legal alone do not fit together.
    """
    market = read_settings(settings)
    days = [_observed(day) for day in run_days(market)]
    candles = _candles(market, days)
    trades = _trades(market, days)
    pool_events = _pool_events(market, days)
    blocks = _blocks(market, days)
    sent = np.sum([d.blocks.sent for d in days], axis=0)
    included = np.sum([d.blocks.included for d in days], axis=0)
    arbitrages = int(sum(d.pool.arbitrage.sum() for d in days))
    logger.info(
        "synthetic market: %d days, %d candles, %d trades, %d blocks, %d pool events",
        market.days,
        len(candles),
        len(trades),
        len(blocks),
        len(pool_events),
    )
    return Market(
        candles=candles,
        trades=trades,
        pool_events=pool_events,
        blocks=blocks,
        truth=describe(market, sent, included, arbitrages, _realised_r2(market, days, candles)),
    )


def mid_path(settings: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return the mid that no table shows, for tests of recovery.

    Parameters
    ----------
    settings : mapping
        As for :func:`generate`; the same settings give the mid of that market.

    Returns
    -------
    ts : int64 array of shape (n,)
        Start of each second, UTC nanoseconds; the mid holds for that second.
    mid : float64 array of shape (n,)
        Mid, USD.

    Raises
    ------
    ConfigError
        As :func:`generate`.
    """
    market = read_settings(settings)
    mid = np.concatenate([day.mid for day in run_days(market)])
    return market.start_ns + np.arange(len(mid), dtype=np.int64) * NS_PER_SECOND, mid


def _observed(day: MarketDay) -> MarketDay:
    """Let go of what no table shows, which is most of a day's memory."""
    nothing = np.empty(0)
    state = DayState(nothing, nothing, nothing, nothing)
    draws = replace(
        day.draws, depth=nothing, sweep=nothing, side_draw=nothing, informed_draw=nothing
    )
    return replace(day, state=state, mid=nothing, draws=draws)


def _realised_r2(market: MarketSettings, days: list[MarketDay], candles: pd.DataFrame) -> float:
    """Share of the squared candle returns of this very market that the planted drift makes up."""
    drift = np.concatenate([d.drift for d in days])
    log_close = np.log(np.concatenate([[market.price], candles["close"].to_numpy()]))
    return float(np.sum(drift**2) / np.sum(np.diff(log_close) ** 2))


def _starts(market: MarketSettings, days: list[MarketDay], counts: list[int]) -> np.ndarray:
    """Return the start of each row's day, int64 array of shape (sum(counts),), nanoseconds."""
    first = np.array([market.start_ns + d.day * DAY_NS for d in days], dtype=np.int64)
    return np.repeat(first, counts)


def _candles(market: MarketSettings, days: list[MarketDay]) -> pd.DataFrame:
    """Stack the candles of all days."""
    rows = np.concatenate([d.candles for d in days])
    step = market.candle_seconds * NS_PER_SECOND
    count = market.days * DAY_SECONDS // market.candle_seconds
    ts_open = market.start_ns + np.arange(count, dtype=np.int64) * step
    values: dict[str, Any] = {"ts_open": ts_open, "ts_close": ts_open + step}
    names = list(CANDLE_COLUMNS)[2:-1]
    values.update({name: rows[:, j] for j, name in enumerate(names)})
    values["gap"] = mark_gaps(ts_open, ts_open + step, market.max_gap)
    return typed_table(CANDLE_COLUMNS, values)


def _trades(market: MarketSettings, days: list[MarketDay]) -> pd.DataFrame:
    """Stack the trades of all days."""
    offset = np.concatenate([d.draws.offset_ns for d in days])
    return typed_table(
        TRADE_COLUMNS,
        {
            "ts": _starts(market, days, [len(d.price) for d in days]) + offset,
            "price": np.concatenate([d.price for d in days]),
            "size": np.concatenate([d.draws.size for d in days]),
            "aggressor_side": np.concatenate([d.side for d in days]),
            "id": np.arange(1, len(offset) + 1, dtype=np.int64),
        },
    )


def _pool_events(market: MarketSettings, days: list[MarketDay]) -> pd.DataFrame:
    """Stack the pool events of all days."""
    offset = np.concatenate([d.pool.offset_ns for d in days])
    amounts = np.concatenate([d.pool.amounts for d in days])
    values: dict[str, Any] = {
        "block": FIRST_BLOCK + np.concatenate([d.pool.block for d in days]),
        "ts": _starts(market, days, [len(d.pool.block) for d in days]) + offset,
        "log_index": np.concatenate([d.pool.log_index for d in days]),
        "kind": np.full(len(offset), "swap"),
    }
    names = list(POOL_EVENT_COLUMNS)[4:]
    values.update({name: amounts[:, j] for j, name in enumerate(names)})
    return typed_table(POOL_EVENT_COLUMNS, values)


def _blocks(market: MarketSettings, days: list[MarketDay]) -> pd.DataFrame:
    """Stack the blocks of all days."""
    offset = np.concatenate([d.blocks.offset_ns for d in days])
    tips = np.concatenate([d.blocks.tips for d in days])
    return typed_table(
        BLOCK_COLUMNS,
        {
            "number": FIRST_BLOCK + np.arange(len(offset), dtype=np.int64),
            "ts": _starts(market, days, [len(d.blocks.offset_ns) for d in days]) + offset,
            "base_fee_wei": np.concatenate([d.blocks.base_fee_wei for d in days]),
            "gas_used": np.concatenate([d.blocks.gas_used for d in days]),
            "gas_limit": np.full(len(offset), GAS_LIMIT, dtype=np.int64),
            "tip_p10": tips[:, 0],
            "tip_p50": tips[:, 1],
            "tip_p90": tips[:, 2],
        },
    )
