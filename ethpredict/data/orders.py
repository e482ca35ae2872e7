"""Order by order: created, changed and deleted events of single resting orders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from ethpredict.data.candles import to_numbers
from ethpredict.data.faults import Faults
from ethpredict.data.market import ORDER_COLUMNS, typed_table
from ethpredict.data.order import longest_ordered
from ethpredict.data.set_aside import quarantined_rows
from ethpredict.data.timestamps import NO_TIME, to_nanoseconds
from ethpredict.errors import DataError
from ethpredict.io.raw_table import RawTable, read_raw_table

KINDS = ("created", "changed", "deleted")
_ALIASES = {
    "ts": ("exchange_timestamp", "ts", "timestamp"),
    "kind": ("action", "kind"),
    "order_id": ("id", "order_id"),
    "side": ("direction", "side"),
    "price": ("price",),
    "size": ("volume", "size", "amount"),
}
_SIDES = {"bid": 1, "buy": 1, "1": 1, "ask": -1, "sell": -1, "-1": -1}


def read_orders(path: str | Path, quarantine: bool = False) -> pd.DataFrame:
    """Read the order events of one market, for example of Bitstamp's ``live_orders``.

    Parameters
    ----------
    path : path-like
        csv, csv.gz, zip or parquet with a header: time (``exchange_timestamp``,
        else ``timestamp``), ``action`` (created, changed, deleted), ``id``,
        ``direction`` (bid, ask), ``price``, ``volume``.
    quarantine : bool
        Leave bad rows out, with a warning that counts them; see :func:`order_part`.

    Returns
    -------
    DataFrame
        `ORDER_COLUMNS`, in the order of the file, which is the exchange's.

    Raises
    ------
    DataError
        If the file cannot be used or, unless `quarantine`, a row is bad.
    """
    return order_part(read_raw_table(path), quarantine)[0]


def order_part(raw: RawTable, quarantine: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Convert raw order events.

    Parameters
    ----------
    raw : RawTable
        With a header.
    quarantine : bool
        Whether bad rows are set aside; otherwise the first is an error.

    Returns
    -------
    events : DataFrame
        `ORDER_COLUMNS`.
    quarantined : DataFrame
        `QUARANTINED_COLUMNS`. Bad are: no moment, a kind or side that is
        unknown, an id that is no whole number, a negative price or size, and a
        time before the one of the row above. A price of 0 stays: far orders
        are printed so.

    Raises
    ------
    DataError
        If a column is missing or, unless `quarantine`, a row is bad.
    """
    names = [name.strip().lower() for name in raw.names or ()]
    column = {}
    for wanted, known in _ALIASES.items():
        found = [name for name in known if name in names]
        if not found:
            raise DataError(raw.path, 1, f"no column {' or '.join(known)}; order events need it")
        column[wanted] = raw.columns[names.index(found[0])]
    faults = Faults(len(raw.rows))
    ts, _ = to_nanoseconds(column["ts"])
    faults.add(ts == NO_TIME, lambda i: f"timestamp: {column['ts'][i].as_py()!r} is no moment")
    good = np.flatnonzero(~faults.bad)
    late = np.zeros(len(ts), dtype=bool)
    late[good] = ~longest_ordered(ts[good])
    faults.add(late, lambda i: f"timestamp out of order: {ts[i]} ns")
    kinds = np.asarray(column["kind"].to_pandas().astype(str).str.lower())
    faults.add(~np.isin(kinds, KINDS), lambda i: f"kind: {kinds[i]!r} is none of {KINDS}")
    words = column["side"].to_pandas().astype(str).str.lower()
    side = words.map(_SIDES).fillna(0).to_numpy()
    faults.add(side == 0, lambda i: f"side: {words[i]!r} is none of {tuple(_SIDES)}")
    text = pc.cast(column["order_id"], "string")
    whole = pc.fill_null(pc.match_substring_regex(text, r"^\d{1,18}$"), False)
    faults.add(~np.asarray(whole), lambda i: f"id: {text[i].as_py()!r} is no whole number")
    numbers = np.asarray(pc.cast(pc.if_else(whole, text, "0"), "int64"))
    price, size = to_numbers(column["price"])[0], to_numbers(column["size"])[0]
    for name, value in (("price", price), ("size", size)):
        faults.add(~(np.isfinite(value) & (value >= 0)), _negative(name, value))
    keep = np.flatnonzero(~faults.bad)
    values = {
        "ts": ts, "kind": kinds, "order_id": numbers, "side": side, "price": price, "size": size,
    }  # fmt: skip
    events = typed_table(ORDER_COLUMNS, {name: value[keep] for name, value in values.items()})
    return events, quarantined_rows(raw, faults, "order", quarantine)


def ghost_orders(orders: pd.DataFrame) -> list[int]:
    """Orders that stand in the events but cannot have stood in the exchange's book.

    A fill at a price behind a better one of the same side shows that the
    better order was not there: a snapshot that is older than the stream names
    orders that had gone already, and nothing deletes them.

    Parameters
    ----------
    orders : DataFrame
        `ORDER_COLUMNS`, in the exchange's order; a fill leaves size 0.

    Returns
    -------
    list of int
        Their ids, in the order in which they are found out.
    """
    alive: dict[int, dict[int, float]] = {1: {}, -1: {}}
    ghosts: list[int] = []
    names = ("kind", "order_id", "side", "price", "size")
    for kind, number, side, price, size in zip(*(orders[n].tolist() for n in names), strict=True):
        book = alive[side]
        if kind == "created":
            book[number] = price
            continue
        if kind == "deleted":
            book.pop(number, None)
        if kind == "deleted" and size == 0:
            passed = [other for other, at in book.items() if (at - price) * side > 0]
            for other in passed:
                del book[other]
            ghosts += passed
    return ghosts


def _negative(name: str, value: np.ndarray) -> Callable[[int], str]:
    return lambda i: f"{name}: {value[i]}"
