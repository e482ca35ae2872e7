"""Raw trades to the canonical table: every row is used, refused by name, or set aside."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ethpredict.data.candles import to_numbers
from ethpredict.data.faults import Faults
from ethpredict.data.market import TRADE_COLUMNS, typed_table
from ethpredict.data.order import longest_increasing, longest_ordered
from ethpredict.data.set_aside import quarantined_rows
from ethpredict.data.timestamps import NO_TIME, to_nanoseconds
from ethpredict.errors import DataError
from ethpredict.io.raw_table import RawTable

logger = logging.getLogger(__name__)

# Position of each field in Binance's files.
AGGREGATED: dict[str, int] = {"id": 0, "price": 1, "size": 2, "ts": 5, "buyer_is_maker": 6}
UNKNOWN = "unknown"
SINGLE: dict[str, int] = {"id": 0, "price": 1, "size": 2, "ts": 4, "buyer_is_maker": 5}


@dataclass(frozen=True)
class TradePart:
    """Trades of one raw table: `trades` and `quarantined`, canonical."""

    trades: pd.DataFrame
    quarantined: pd.DataFrame


def trade_part(
    raw: RawTable,
    layout: Mapping[str, int],
    quarantine: bool,
    contract_size: float | None = None,
    by_id: bool = True,
) -> TradePart:
    """Convert one raw table of trades.

    Parameters
    ----------
    raw : RawTable
        Rows in the source's order.
    layout : mapping of str to int
        Position of ``id``, ``price``, ``size``, ``ts`` and ``buyer_is_maker``.
    quarantine : bool
        Whether bad rows are set aside; otherwise the first is an error.
    contract_size : float, optional
        USD per contract where sizes are numbers of contracts.
    by_id : bool
        Whether ids must increase from row to row. Otherwise times may not
        fall; ids need only differ.

    Raises
    ------
    DataError
        On too few fields or, unless `quarantine`, a bad row.
    """
    wanted = max(layout.values()) + 1
    if len(raw.columns) < wanted:
        raise DataError(
            raw.path, 1, f"field count: {len(raw.columns)} fields; trades have at least {wanted}"
        )
    column = {name: raw.columns[at] for name, at in layout.items()}
    faults = Faults(len(raw.rows))
    ts, _ = to_nanoseconds(column["ts"])
    faults.add(ts == NO_TIME, lambda i: f"timestamp: {column['ts'][i].as_py()!r} is no moment")
    price, size = to_numbers(column["price"])[0], to_numbers(column["size"])[0]
    faults.add(~(np.isfinite(price) & (price > 0)), lambda i: f"price: {price[i]}")
    faults.add(~(np.isfinite(size) & (size > 0)), lambda i: f"size: {size[i]}")
    side, known = _sides(column["buyer_is_maker"])
    faults.add(~known, lambda i: f"maker flag: {column['buyer_is_maker'][i].as_py()!r}")
    number, readable = _ids(column["id"])
    faults.add(~readable, lambda i: f"id: {column['id'][i].as_py()!r} is no whole number")
    good = np.flatnonzero(~faults.bad)
    moved = np.zeros(len(ts), dtype=bool)
    if by_id:
        moved[good[~longest_increasing(number[good])]] = True
        faults.add(moved, lambda i: f"id out of order: {number[i]}")
    else:
        moved[good[pd.Series(number[good]).duplicated()]] = True
        faults.add(moved, lambda i: f"duplicate id: {number[i]}")
        late = np.zeros(len(ts), dtype=bool)
        good = np.flatnonzero(~faults.bad)
        late[good[~longest_ordered(ts[good])]] = True
        faults.add(late, lambda i: f"timestamp out of order: {ts[i]} ns")
    keep = np.flatnonzero(~faults.bad)
    if contract_size is not None:
        size = size * contract_size / price
    values = {
        "ts": ts[keep],
        "price": price[keep],
        "size": size[keep],
        "aggressor_side": side[keep],
        "id": number[keep],
    }
    return TradePart(
        typed_table(TRADE_COLUMNS, values), quarantined_rows(raw, faults, "trade", quarantine)
    )


def _sides(column: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """-1 where the buyer was the maker (the taker sold), 0 where the source does not tell."""
    text = pc.utf8_lower(pc.cast(column, pa.string()))
    sold = np.asarray(pc.fill_null(pc.equal(text, "true"), False))
    bought = np.asarray(pc.fill_null(pc.equal(text, "false"), False))
    untold = np.asarray(pc.fill_null(pc.equal(text, UNKNOWN), False))
    return np.where(sold, -1, bought).astype(np.int8), sold | bought | untold


def _ids(column: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    text = pc.cast(column, pa.string())
    whole = pc.fill_null(pc.match_substring_regex(text, r"^\d{1,18}$"), False)
    numbers = pc.cast(pc.if_else(whole, text, "0"), pa.int64())
    return np.array(numbers), np.asarray(whole)
