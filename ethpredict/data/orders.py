"""Order by order: created, changed and deleted events of single resting orders."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
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
# Words of exchanges for one event; in lower case, what joins words written as "_".
_KINDS = {
    **dict.fromkeys(("created", "create", "add", "added", "new", "open", "insert", "placed"), 0),
    **dict.fromkeys(
        ("changed", "change", "update", "updated", "modify", "modified", "amend", "reduced"), 1
    ),
    **dict.fromkeys(
        ("deleted", "delete", "remove", "removed", "cancel", "canceled", "cancelled", "done"), 2
    ),
}
_ALIASES = {
    "ts": (
        "exchange_timestamp", "microtimestamp", "exchange_time", "ts", "timestamp", "time",
        "datetime",
    ),
    "kind": ("action", "kind", "event", "event_type", "type"),
    "order_id": ("id", "order_id", "orderid"),
    "side": ("direction", "side", "order_type"),
    "price": ("price", "limit_price", "order_price"),
    "size": ("volume", "size", "amount", "quantity", "qty", "order_qty"),
}  # fmt: skip
_SIDES = {"bid": 1, "buy": 1, "b": 1, "1": 1, "ask": -1, "sell": -1, "a": -1, "s": -1, "-1": -1}
# Bitstamp's own numbers of `order_type`.
_ORDER_TYPES = {"0": 1, "1": -1}


def read_orders(path: str | Path, quarantine: bool = False) -> pd.DataFrame:
    """Read the order events of one market, for example of Bitstamp's ``live_orders``.

    Parameters
    ----------
    path : path-like
        csv, csv.gz, zip or parquet with a header: time (``exchange_timestamp``,
        else ``timestamp``), ``action`` (created, changed, deleted), ``id``,
        ``direction`` (bid, ask), ``price``, ``volume``; other exchanges' names and words for
        them are known (docs/data.md).
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
        are printed so. Ids that are text, or longer than 18 digits, in the whole
        file are numbered from 1 in the order in which they appear. A row that
        deletes an order may leave side, price and size empty: it has those of
        the row before it of the same order.

    Raises
    ------
    DataError
        If a column is missing or, unless `quarantine`, a row is bad.
    """
    names = [re.sub(r"[ .\-]+", "_", name.strip().lower()) for name in raw.names or ()]
    column, told = {}, {}
    for wanted, known in _ALIASES.items():
        found = [name for name in known if name in names]
        if not found:
            raise DataError(raw.path, 1, f"no column {' or '.join(known)}; order events need it")
        column[wanted] = raw.columns[names.index(found[0])]
        told[wanted] = found[0]
    faults = Faults(len(raw.rows))
    ts, _ = to_nanoseconds(column["ts"])
    faults.add(ts == NO_TIME, lambda i: f"timestamp: {column['ts'][i].as_py()!r} is no moment")
    good = np.flatnonzero(~faults.bad)
    late = np.zeros(len(ts), dtype=bool)
    late[good] = ~longest_ordered(ts[good])
    faults.add(late, lambda i: f"timestamp out of order: {ts[i]} ns")
    said = column["kind"].to_pandas().astype(str).str.strip().str.lower()
    kind = said.map(_KINDS).fillna(-1).to_numpy(np.int64)
    faults.add(kind < 0, lambda i: f"kind: {said[i]!r} is none of {tuple(_KINDS)}")
    numbers, named = _order_numbers(column["order_id"])
    faults.add(~named, lambda i: f"id: {column['order_id'][i].as_py()!r} is no whole number")
    sides = _ORDER_TYPES if told["side"] == "order_type" else {}
    words = column["side"].to_pandas().astype(str).str.strip().str.lower()
    table = pd.DataFrame({"side": words.map(_SIDES | sides).to_numpy(np.float64)})
    for name in ("price", "size"):
        table[name] = to_numbers(column[name])[0]
    empty = pd.DataFrame({n: column[n].to_pandas() for n in table})
    empty = empty.isna() | (empty.astype(str).apply(lambda x: x.str.strip()) == "")
    known = table.mask(np.repeat(faults.bad[:, None], table.shape[1], axis=1))
    gone = (kind == KINDS.index("deleted"))[:, None]
    table = table.mask(empty.to_numpy() & gone, known.groupby(numbers, sort=False).ffill())
    side = table["side"].fillna(0).to_numpy(np.int64)
    faults.add(side == 0, lambda i: f"side: {words[i]!r} is none of {tuple(_SIDES)}")
    price, size = table["price"].to_numpy(np.float64), table["size"].to_numpy(np.float64)
    for name, value in (("price", price), ("size", size)):
        faults.add(~(np.isfinite(value) & (value >= 0)), _negative(name, value))
    keep = np.flatnonzero(~faults.bad)
    kinds = np.array(KINDS, dtype=object)[kind]
    values = {
        "ts": ts, "kind": kinds, "order_id": numbers, "side": side, "price": price, "size": size,
    }  # fmt: skip
    events = typed_table(ORDER_COLUMNS, {name: value[keep] for name, value in values.items()})
    return events, quarantined_rows(raw, faults, "order", quarantine)


def _order_numbers(ids: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Ids as whole numbers, and where there is one; a file of text ids is numbered."""
    text = pc.cast(ids, "string")
    whole = np.asarray(pc.fill_null(pc.match_substring_regex(text, r"^\d{1,18}$"), False))
    given = np.asarray(pc.fill_null(pc.match_substring_regex(text, r"^\S+$"), False))
    digits = np.asarray(pc.fill_null(pc.match_substring_regex(text, r"^\d+$"), False))
    if given.any() and (not whole.any() or (digits[given].all() and not whole[given].all())):
        places, _ = pd.factorize(text.to_pandas().where(given))
        return places.astype(np.int64) + 1, given
    return np.asarray(pc.cast(pc.if_else(pa.array(whole), text, "0"), "int64")), whole


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
        Their ids, in the order in which they are found out; none where every deleted order
        has size 0, because then the size does not tell a fill from a cancel.
    """
    deleted = orders["kind"] == "deleted"
    if not (deleted & (orders["size"] > 0)).any():
        return []
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
