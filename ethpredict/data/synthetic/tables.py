"""One simulated day as pieces of the canonical tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from ethpredict.data.market import (
    BLOCK_COLUMNS,
    BOOK_COLUMNS,
    CANDLE_COLUMNS,
    ORDER_COLUMNS,
    POOL_EVENT_COLUMNS,
    TIP_COLUMNS,
    TRADE_COLUMNS,
    mark_gaps,
    typed_table,
)
from ethpredict.data.synthetic.settings import (
    DAY_NS,
    DAY_SECONDS,
    FIRST_BLOCK,
    GAS_LIMIT,
    MarketSettings,
)
from ethpredict.data.synthetic.simulation import MarketDay
from ethpredict.data.timestamps import NS_PER_SECOND

# Most rows of the book that become a table at once.
PIECE = 1 << 17
_ORDER_KINDS = np.array(["created", "changed", "deleted"], dtype=object)


def day_tables(market: MarketSettings, day: MarketDay) -> Iterator[dict[str, pd.DataFrame]]:
    """Yield a day's rows of every long table that the market shows, in pieces.

    Parameters
    ----------
    market : MarketSettings
        The market.
    day : MarketDay
        One of its days.

    Yields
    ------
    dict of str to DataFrame
        ``trades``, ``pool_events``, ``blocks`` and ``tips``; with an order book
        also ``book`` and, at its level orders, ``orders``: those two at most
        `PIECE` rows at a time, the others whole in the first piece.
    """
    start = market.start_ns + day.day * DAY_NS
    made = {
        "trades": _trades(start, day),
        "pool_events": _pool_events(start, day),
        "blocks": _blocks(start, day),
        "tips": _tips(start, day),
    }
    if day.book is None:
        yield made
        return
    updates, orders = day.book.updates, day.book.orders
    for first in range(0, max(len(updates), len(orders), 1), PIECE):
        made["book"] = _book(start, market, updates[first : first + PIECE])
        if market.book == "orders":
            made["orders"] = _orders(start, market, orders[first : first + PIECE])
        yield dict(made)
        if first == 0:
            made = {name: table.iloc[:0] for name, table in made.items()}


def candle_table(market: MarketSettings, rows: np.ndarray) -> pd.DataFrame:
    """Return the candles of the whole market from their numbers, shape (n, 8)."""
    step = market.candle_seconds * NS_PER_SECOND
    count = market.days * DAY_SECONDS // market.candle_seconds
    ts_open = market.start_ns + np.arange(count, dtype=np.int64) * step
    values: dict[str, Any] = {"ts_open": ts_open, "ts_close": ts_open + step}
    names = list(CANDLE_COLUMNS)[2:-1]
    values.update({name: rows[:, j] for j, name in enumerate(names)})
    values["gap"] = mark_gaps(ts_open, ts_open + step, market.max_gap)
    return typed_table(CANDLE_COLUMNS, values)


def _trades(start: int, day: MarketDay) -> pd.DataFrame:
    first = day.trades_before + 1
    return typed_table(
        TRADE_COLUMNS,
        {
            "ts": start + day.offset_ns,
            "price": day.price,
            "size": day.size,
            "aggressor_side": day.side,
            "id": np.arange(first, first + len(day.price), dtype=np.int64),
        },
    )


def _pool_events(start: int, day: MarketDay) -> pd.DataFrame:
    values: dict[str, Any] = {
        "block": FIRST_BLOCK + day.pool.block,
        "ts": start + day.pool.offset_ns,
        "log_index": day.pool.log_index,
        "kind": np.full(len(day.pool.block), "swap"),
    }
    names = list(POOL_EVENT_COLUMNS)[4:]
    values.update({name: day.pool.amounts[:, j] for j, name in enumerate(names)})
    return typed_table(POOL_EVENT_COLUMNS, values)


def _blocks(start: int, day: MarketDay) -> pd.DataFrame:
    blocks = day.blocks
    count = len(blocks.offset_ns)
    return typed_table(
        BLOCK_COLUMNS,
        {
            "number": FIRST_BLOCK + blocks.first + np.arange(count, dtype=np.int64),
            "ts": start + blocks.offset_ns,
            "base_fee_wei": blocks.base_fee_wei,
            "gas_used": blocks.gas_used,
            "gas_limit": np.full(count, GAS_LIMIT, dtype=np.int64),
            "tip_p10": blocks.tips[:, 0],
            "tip_p50": blocks.tips[:, 1],
            "tip_p90": blocks.tips[:, 2],
        },
    )


def _tips(start: int, day: MarketDay) -> pd.DataFrame:
    blocks = day.blocks
    count, each = blocks.bids.shape
    position = np.arange(count, dtype=np.int64)
    return typed_table(
        TIP_COLUMNS,
        {
            "ts": np.repeat(start + blocks.offset_ns, each),
            "block": np.repeat(FIRST_BLOCK + blocks.first + position, each),
            "tip_gwei": blocks.bids.ravel(),
            "included": blocks.taken.ravel(),
        },
    )


def _book(start: int, market: MarketSettings, updates: np.ndarray) -> pd.DataFrame:
    ns, side, tick, lots, event, snapshot = updates.T
    return typed_table(
        BOOK_COLUMNS,
        {
            "ts": start + ns,
            "side": side,
            "price": tick / market.book_scale,
            "size": lots / market.size_scale,
            "snapshot": snapshot.astype(bool),
            "id": event,
            "ts_local": start + ns,
        },
    )


def _orders(start: int, market: MarketSettings, orders: np.ndarray) -> pd.DataFrame:
    ns, kind, order, side, tick, lots = orders.T
    return typed_table(
        ORDER_COLUMNS,
        {
            "ts": start + ns,
            "kind": _ORDER_KINDS[kind],
            "order_id": order,
            "side": side,
            "price": tick / market.book_scale,
            "size": lots / market.size_scale,
        },
    )
