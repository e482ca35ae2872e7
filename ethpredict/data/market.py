"""The canonical market: what every data source returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from ethpredict.io.chunks import Chunks

CANDLE_COLUMNS: dict[str, str] = {
    "ts_open": "int64",
    "ts_close": "int64",
    "open": "float64",
    "high": "float64",
    "low": "float64",
    "close": "float64",
    "volume": "float64",
    "quote_volume": "float64",
    "trades": "float64",
    "taker_buy_volume": "float64",
    "gap": "bool",
}
TRADE_COLUMNS: dict[str, str] = {
    "ts": "int64",
    "price": "float64",
    "size": "float64",
    "aggressor_side": "int8",
    "id": "int64",
}
# Sizes of price levels: side +1 bid, -1 ask; size is what the level now holds, 0 = gone.
# Rows of a snapshot replace their whole side; id 0 = unknown; ts_local = arrival, ts if unknown.
BOOK_COLUMNS: dict[str, str] = {
    "ts": "int64",
    "side": "int8",
    "price": "float64",
    "size": "float64",
    "snapshot": "bool",
    "id": "int64",
    "ts_local": "int64",
}
# Single resting orders; kind is created, changed (size = what is left) or deleted.
ORDER_COLUMNS: dict[str, str] = {
    "ts": "int64",
    "kind": "str",
    "order_id": "int64",
    "side": "int8",
    "price": "float64",
    "size": "float64",
}
POOL_EVENT_COLUMNS: dict[str, str] = {
    "block": "int64",
    "ts": "int64",
    "log_index": "int64",
    "kind": "str",
    "amount0_in": "float64",
    "amount1_in": "float64",
    "amount0_out": "float64",
    "amount1_out": "float64",
    "reserve0": "float64",
    "reserve1": "float64",
}
BLOCK_COLUMNS: dict[str, str] = {
    "number": "int64",
    "ts": "int64",
    "base_fee_wei": "int64",
    "gas_used": "int64",
    "gas_limit": "int64",
    "tip_p10": "float64",
    "tip_p50": "float64",
    "tip_p90": "float64",
}
# One transaction each: what it offered above the base fee, and whether the block took it.
TIP_COLUMNS: dict[str, str] = {
    "ts": "int64",
    "block": "int64",
    "tip_gwei": "float64",
    "included": "bool",
}
# One row per published number: what it describes, when it became known, what it says.
FACT_COLUMNS: dict[str, str] = {
    "ts": "int64",
    "ts_known": "int64",
    "source": "str",
    "name": "str",
    "value": "float64",
}
QUARANTINED_COLUMNS: dict[str, str] = {"row": "int64", "reason": "str", "raw": "str"}
# The tables of a `Market`, by the names under which the fetch stage writes them.
TABLES = (
    "candles",
    "trades",
    "book",
    "orders",
    "pool_events",
    "blocks",
    "tips",
    "funding",
    "onchain_daily",
    "quarantined",
)


def typed_table(
    columns: Mapping[str, str], values: Mapping[str, Any] | None = None
) -> pd.DataFrame:
    """Build a table with exactly these columns, in this order, with these dtypes.

    Parameters
    ----------
    columns : mapping of str to str
        Column name to dtype, for example `CANDLE_COLUMNS`.
    values : mapping of str to array of shape (n,), optional
        Values per column. An empty table when missing.

    Returns
    -------
    DataFrame of shape (n, len(columns))
        Index 0..n-1. An empty table keeps its columns and dtypes.

    Raises
    ------
    KeyError
        If a column has no values.

    Examples
    --------
    >>> typed_table(TRADE_COLUMNS).dtypes["aggressor_side"]
    dtype('int8')
    """
    given: Mapping[str, Any] = {name: [] for name in columns} if values is None else values
    series = {name: pd.Series(given[name]).reset_index(drop=True) for name in columns}
    return pd.DataFrame(series).astype(dict(columns))


def empty_candles() -> pd.DataFrame:
    """Return a candle table (`bars` layout) without rows."""
    return typed_table(CANDLE_COLUMNS)


def empty_trades() -> pd.DataFrame:
    """Return a trade table without rows."""
    return typed_table(TRADE_COLUMNS)


def empty_book() -> pd.DataFrame:
    """Return a table of book updates without rows."""
    return typed_table(BOOK_COLUMNS)


def empty_orders() -> pd.DataFrame:
    """Return a table of order events without rows."""
    return typed_table(ORDER_COLUMNS)


def empty_pool_events() -> pd.DataFrame:
    """Return a table of pool events without rows."""
    return typed_table(POOL_EVENT_COLUMNS)


def empty_blocks() -> pd.DataFrame:
    """Return a table of blocks without rows."""
    return typed_table(BLOCK_COLUMNS)


def empty_tips() -> pd.DataFrame:
    """Return a table of transactions and their tips without rows."""
    return typed_table(TIP_COLUMNS)


def empty_facts() -> pd.DataFrame:
    """Return a table of facts without rows."""
    return typed_table(FACT_COLUMNS)


def empty_quarantined() -> pd.DataFrame:
    """Return a table of quarantined rows without rows."""
    return typed_table(QUARANTINED_COLUMNS)


def mark_gaps(ts_open: np.ndarray, ts_close: np.ndarray, max_gap: float) -> np.ndarray:
    """Mark the rows before which the market paused for too long.

    Parameters
    ----------
    ts_open, ts_close : int64 array of shape (n,)
        Bar borders, UTC nanoseconds; `ts_close` is exclusive.
    max_gap : float
        Longest pause that may be spanned, seconds, > 0.

    Returns
    -------
    bool array of shape (n,)
        True where ``ts_open[i] - ts_close[i-1]`` exceeds `max_gap`. The first
        row is False: nothing stands before it.

    Examples
    --------
    >>> ns = 10**9
    >>> mark_gaps(np.array([0, 5, 30]) * ns, np.array([5, 10, 35]) * ns, 10.0).tolist()
    [False, False, True]
    """
    gap = np.zeros(len(ts_open), dtype=bool)
    limit = round(max_gap * 1e9)
    gap[1:] = (np.asarray(ts_open)[1:] - np.asarray(ts_close)[:-1]) > limit
    return gap


@dataclass(frozen=True)
class Market:
    """One market over one period, in canonical tables.

    Long tables may be `Chunks`, made in pieces; :meth:`whole` collects them.

    Parameters
    ----------
    candles : DataFrame
        `CANDLE_COLUMNS`; sorted by ``ts_open``, unique. Times are UTC int64
        nanoseconds, prices USD, volumes ETH, quote volumes USD; ``trades``
        and ``taker_buy_volume`` are nan where unknown.
    trades : DataFrame or Chunks
        `TRADE_COLUMNS`; sorted by ``ts``, the source's order within one ``ts``.
    book : DataFrame or Chunks
        `BOOK_COLUMNS`; level updates in the source's order, `ts` sorted.
    orders : DataFrame or Chunks
        `ORDER_COLUMNS`; events of single resting orders in the source's order.
    pool_events : DataFrame or Chunks
        `POOL_EVENT_COLUMNS`; token 0 is ETH, token 1 USD; reserves after the
        event.
    blocks : DataFrame or Chunks
        `BLOCK_COLUMNS`; tips in gwei.
    tips : DataFrame or Chunks
        `TIP_COLUMNS`; transactions that were sent, in the order of blocks.
    funding : DataFrame
        `FACT_COLUMNS`; funding rates of a perpetual as a share of the
        position; longs pay where positive.
    onchain_daily : DataFrame
        `FACT_COLUMNS`; one value per day and name, known at the end of it.
    quarantined : DataFrame
        `QUARANTINED_COLUMNS`; rows of the input that were set aside.
    quality : dict
        The quality report (see :mod:`ethpredict.data.quality`).
    truth : dict or None
        Planted truths of a synthetic market; None for real data.
    """

    candles: pd.DataFrame
    trades: pd.DataFrame | Chunks = field(default_factory=empty_trades)
    book: pd.DataFrame | Chunks = field(default_factory=empty_book)
    orders: pd.DataFrame | Chunks = field(default_factory=empty_orders)
    pool_events: pd.DataFrame | Chunks = field(default_factory=empty_pool_events)
    blocks: pd.DataFrame | Chunks = field(default_factory=empty_blocks)
    tips: pd.DataFrame | Chunks = field(default_factory=empty_tips)
    funding: pd.DataFrame = field(default_factory=empty_facts)
    onchain_daily: pd.DataFrame = field(default_factory=empty_facts)
    quarantined: pd.DataFrame | Chunks = field(default_factory=empty_quarantined)
    quality: dict[str, Any] = field(default_factory=dict)
    truth: dict[str, Any] | None = None

    def whole(self) -> Market:
        """Return this market with every table in memory."""
        tables = {name: getattr(self, name) for name in TABLES}
        made = {name: table for name, table in tables.items() if isinstance(table, Chunks)}
        pieces: dict[str, list[pd.DataFrame]] = {name: [] for name in made}
        sources = {id(table.source): table.source for table in made.values() if table.source}
        for key, source in sources.items():
            names = [name for name, table in made.items() if id(table.source) == key]
            for step in source.make():
                for name in names:
                    pieces[name].append(step[made[name].name or name])
        for name, table in made.items():
            if table.source is None:
                pieces[name].extend(table)
        return replace(
            self, **{name: pd.concat(parts, ignore_index=True) for name, parts in pieces.items()}
        )
