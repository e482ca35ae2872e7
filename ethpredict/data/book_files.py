"""Local files of books: captures, snapshots of levels, best quotes, single resting orders."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ethpredict.data.book_check import agreement
from ethpredict.data.captures import read_capture
from ethpredict.data.market import BOOK_COLUMNS, typed_table
from ethpredict.data.named_columns import Column, names_of, read_columns
from ethpredict.data.trade_files import is_capture
from ethpredict.errors import DataError
from ethpredict.io.raw_table import RawTable, read_raw_table

_LEVEL = re.compile(r"(asks|bids)\[(\d+)\]\.(price|amount)")
_LOCAL = Column(("ts_local", "local_timestamp"), "ts", default=0)
_STAMP = Column(("ts", "timestamp_ms", "timestamp", "time", "datetime"), "ts")
_SIDES = {"bids": 1, "asks": -1}


def read_book(
    path: str | Path, quarantine: bool = False, contract_size: float | None = None
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """Read a book from whatever the file holds of it.

    Parameters
    ----------
    path : path-like
        A raw capture; a table in the canonical layout; snapshots with columns
        ``asks[0].price``, ``asks[0].amount``, ``bids[0].price``…; or best
        quotes (``bid``, ``bid_size``, ``ask``, ``ask_size``), which make a
        book of one level a side.
    quarantine : bool
        Whether bad rows are set aside.
    contract_size : float, optional
        USD per contract where a capture counts contracts.

    Returns
    -------
    book : DataFrame
        `BOOK_COLUMNS`.
    quarantined : DataFrame
        `QUARANTINED_COLUMNS`.
    told : dict
        Of a capture its ``messages``, ``sequence_gaps`` and ``best_quotes``
        (checks against the exchange's own); empty for a table.

    Raises
    ------
    DataError
        If the file cannot be used or, unless `quarantine`, a row is bad.
    """
    if is_capture(path):
        found = read_capture(path, contract_size, quarantine)
        if not len(found.book):
            raise DataError(path, None, "the capture holds no depth updates and no snapshot")
        told = {
            "messages": found.counts,
            "sequence_gaps": len(found.gaps),
            "best_quotes": agreement(found.book, found.quotes),
        }
        return found.book, found.quarantined, told
    raw = read_raw_table(path)
    names = names_of(raw)
    if set(BOOK_COLUMNS) - {"id", "ts_local"} <= set(names):
        return (*_canonical(raw, quarantine), {})
    if any(_LEVEL.fullmatch(name) for name in names):
        return (*_snapshots(raw, quarantine), {})
    if {"bid", "ask"} <= set(names):
        return (*_quotes(raw, quarantine), {})
    raise DataError(
        raw.path, 1, "no book: a capture, canonical levels, asks[0].price… or bid/ask wanted"
    )


def _canonical(raw: RawTable, quarantine: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    columns = {
        "ts": _STAMP,
        "ts_local": _LOCAL,
        "side": Column(("side",), "side"),
        "price": Column(("price",), low=0.0),
        "size": Column(("size",), low=0.0),
        "snapshot": Column(("snapshot",), "flag"),
        "id": Column(("id",), "whole", default=0),
    }
    values, aside = read_columns(raw, columns, "book level", quarantine)
    return _table(values), aside


def _snapshots(raw: RawTable, quarantine: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One row per snapshot to one row per level, bids first, best first."""
    columns = {"ts": _STAMP, "ts_local": _LOCAL}
    found = [match for match in map(_LEVEL.fullmatch, names_of(raw)) if match]
    columns |= {match[0]: Column((match[0],), low=0.0, empty=True) for match in found}
    values, aside = read_columns(raw, columns, "snapshot", quarantine)
    depths = sorted({int(match[2]) for match in found})
    sides, prices, sizes = [], [], []
    for side in ("bids", "asks"):
        for depth in depths:
            sides.append(_SIDES[side])
            prices.append(values[f"{side}[{depth}].price"])
            sizes.append(values[f"{side}[{depth}].amount"])
    n, k = len(values["ts"]), len(sides)
    price, size = np.stack(prices, axis=1).ravel(), np.stack(sizes, axis=1).ravel()
    some = np.isfinite(price) & np.isfinite(size)
    table = {
        "ts": np.repeat(values["ts"], k),
        "ts_local": np.repeat(values["ts_local"], k),
        "side": np.tile(sides, n),
        "price": price,
        "size": size,
        "snapshot": np.ones(n * k, dtype=bool),
        "id": np.zeros(n * k, dtype=np.int64),
    }
    return _table({name: column[some] for name, column in table.items()}), aside


def _quotes(raw: RawTable, quarantine: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    columns = {"ts": _STAMP, "ts_local": _LOCAL}
    columns |= {name: Column((name,), low=0.0) for name in ("bid", "ask")}
    columns |= {name: Column((name,), low=0.0) for name in ("bid_size", "ask_size")}
    values, aside = read_columns(raw, columns, "quote", quarantine)
    n = len(values["ts"])
    table = {
        "ts": np.repeat(values["ts"], 2),
        "ts_local": np.repeat(values["ts_local"], 2),
        "side": np.tile([1, -1], n),
        "price": np.stack([values["bid"], values["ask"]], axis=1).ravel(),
        "size": np.stack([values["bid_size"], values["ask_size"]], axis=1).ravel(),
        "snapshot": np.ones(2 * n, dtype=bool),
        "id": np.zeros(2 * n, dtype=np.int64),
    }
    return _table(table), aside


def _table(values: dict[str, np.ndarray]) -> pd.DataFrame:
    table = typed_table(BOOK_COLUMNS, values)
    table["ts_local"] = table["ts_local"].where(table["ts_local"] != 0, table["ts"])
    return table
