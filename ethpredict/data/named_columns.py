"""Columns of a raw table by name, checked row by row: what most local tables need."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ethpredict.data.candles import to_numbers
from ethpredict.data.faults import Faults
from ethpredict.data.order import longest_ordered
from ethpredict.data.set_aside import quarantined_rows
from ethpredict.data.timestamps import NO_TIME, to_nanoseconds
from ethpredict.errors import DataError
from ethpredict.io.raw_table import RawTable

_SIDES = {"bid": 1, "buy": 1, "b": 1, "1": 1, "ask": -1, "sell": -1, "a": -1, "s": -1, "-1": -1}
_FLAGS = {"true": 1, "1": 1, "false": 0, "0": 0}


@dataclass(frozen=True)
class Column:
    """What a column is called and what may stand in it.

    Parameters
    ----------
    names : tuple of str
        Names in order of preference, lower case.
    kind : str
        ``ts`` (a moment), ``number``, ``whole`` (integer), ``side`` (bid/ask,
        buy/sell, 1/-1), ``flag`` (true/false) or ``text``.
    low : float, optional
        Least legal number.
    empty : bool
        Whether a number may be missing (nan).
    default : object
        Value of every row where the table has no such column; None = the
        column is required.
    """

    names: tuple[str, ...]
    kind: str = "number"
    low: float | None = None
    empty: bool = False
    default: Any = None


def names_of(raw: RawTable) -> list[str]:
    """Column names as they are compared: lower case, stripped; none without a header."""
    return [name.strip().lower() for name in raw.names or ()]


def read_columns(
    raw: RawTable,
    columns: Mapping[str, Column],
    what: str,
    quarantine: bool,
    in_order: str | None = "ts",
) -> tuple[dict[str, np.ndarray], pd.DataFrame]:
    """Convert the named columns of a raw table.

    Parameters
    ----------
    raw : RawTable
        With a header.
    columns : mapping of str to Column
        Canonical names to what they are called in the table.
    what : str
        What a row is, for messages.
    quarantine : bool
        Whether bad rows are set aside; otherwise the first is an error.
    in_order : str, optional
        Column whose values may not fall from one row to the next.

    Returns
    -------
    values : dict of str to array of shape (n,)
        The good rows in their order.
    quarantined : DataFrame
        `QUARANTINED_COLUMNS`.

    Raises
    ------
    DataError
        If a required column is missing or, unless `quarantine`, a row is bad.
    """
    names = names_of(raw)
    faults = Faults(len(raw.rows))
    values: dict[str, np.ndarray] = {}
    for name, column in columns.items():
        at = next((names.index(known) for known in column.names if known in names), None)
        if at is not None:
            values[name] = _converted(raw.columns[at], column, name, faults)
        elif column.default is None:
            raise DataError(
                raw.path, 1, f"no column {' or '.join(column.names)}; a {what} file needs one"
            )
        else:
            values[name] = np.full(len(raw.rows), column.default)
    if in_order is not None:
        ts = values[in_order]
        moved = np.zeros(len(ts), dtype=bool)
        good = np.flatnonzero(~faults.bad)
        moved[good] = ~longest_ordered(ts[good])
        faults.add(moved, lambda i: f"timestamp out of order: {ts[i]}")
    aside = quarantined_rows(raw, faults, what, quarantine)
    keep = np.flatnonzero(~faults.bad)
    return {name: column[keep] for name, column in values.items()}, aside


def _converted(array: pa.Array, column: Column, name: str, faults: Faults) -> np.ndarray:
    """Values of one column; rows that hold none are marked."""

    def told(kind: str) -> Callable[[int], str]:
        return lambda i: f"{name}: {array[i].as_py()!r} is no {kind}"

    if column.kind == "ts":
        ts, _ = to_nanoseconds(array)
        faults.add(ts == NO_TIME, told("moment of 1990..2100"))
        return ts
    if column.kind == "number":
        value, missing = to_numbers(array)
        bad = ~np.isfinite(value) & ~(missing & column.empty)
        if column.low is not None:
            bad |= value < column.low
        faults.add(bad, told("number" if column.low is None else f"number from {column.low:g} on"))
        return value
    text = pc.fill_null(pc.utf8_trim_whitespace(pc.cast(array, pa.string())), "")
    if column.kind == "whole":
        whole = pc.match_substring_regex(text, r"^-?\d{1,18}$")
        faults.add(~np.asarray(whole), told("whole number"))
        return np.asarray(pc.cast(pc.if_else(whole, text, "0"), pa.int64()))
    words = text.to_pandas().astype(str)
    if column.kind == "text":
        return words.to_numpy()
    legal = _SIDES if column.kind == "side" else _FLAGS
    found = words.str.lower().map(legal)
    faults.add(found.isna().to_numpy(), told(f"{column.kind} ({', '.join(legal)})"))
    return found.fillna(0).to_numpy().astype(np.int64)
