"""Raw columns to candle values, with the reason why a row is unusable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ethpredict.data.columns import OPTIONAL, PRICES
from ethpredict.data.faults import Faults
from ethpredict.data.timestamps import (
    ISO_UNIT,
    NO_TIME,
    UNIT_NS,
    UNKNOWN_UNIT,
    to_nanoseconds,
)

_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
_MISSING = r"^(|null|none|nan|na|n/a|-)$"
_INFINITE = r"^[+-]?inf(inity)?$"
_UNIT_NAMES = {
    **dict(enumerate(UNIT_NS)),
    ISO_UNIT: "text",
    UNKNOWN_UNIT: "no known unit",
}
# A share of rounding that separately printed volumes may differ by.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class CandleValues:
    """Converted columns of a candle file, bad rows included.

    Parameters
    ----------
    ts_open : int64 array of shape (n,)
        UTC nanoseconds; `NO_TIME` where unreadable.
    values : dict of str to float64 array of shape (n,)
        Canonical name to values; nan where unreadable or, in an optional
        column, missing.
    faults : Faults
        Reasons per row.
    """

    ts_open: np.ndarray
    values: dict[str, np.ndarray]
    faults: Faults


def to_numbers(column: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Convert a column to floats.

    Parameters
    ----------
    column : pyarrow.Array of shape (n,)
        Text or numbers.

    Returns
    -------
    values : float64 array of shape (n,)
        nan where the text is no number, inf where it says so.
    missing : bool array of shape (n,)
        True where nothing stands: empty, null or a nan word.

    Examples
    --------
    >>> values, missing = to_numbers(pa.array(["1.5", "", "abc"]))
    >>> values.tolist(), missing.tolist()
    ([1.5, nan, nan], [False, True, False])
    """
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        values = np.asarray(pc.cast(column, pa.float64(), safe=False).fill_null(np.nan))
        return values, np.isnan(values)
    text = pc.fill_null(pc.utf8_trim_whitespace(column), "")
    numeric = pc.match_substring_regex(text, _NUMBER)
    missing = pc.match_substring_regex(text, _MISSING, ignore_case=True)
    known = pc.if_else(numeric, text, pa.scalar(None, text.type))
    values = np.array(pc.cast(known, pa.float64()).fill_null(np.nan))
    values[np.asarray(pc.match_substring_regex(text, _INFINITE, ignore_case=True))] = np.inf
    return values, np.asarray(missing)


def convert(columns: dict[str, pa.Array], ts: pa.Array) -> CandleValues:
    """Convert the columns of a candle file and check every row by itself.

    Parameters
    ----------
    columns : dict of str to pyarrow.Array of shape (n,)
        Canonical name to raw column: the prices, volume and any of `OPTIONAL`.
    ts : pyarrow.Array of shape (n,)
        Raw opening times.

    Returns
    -------
    CandleValues
        Values and faults; the order of the rows is not looked at here.
    """
    faults = Faults(len(ts))
    ts_open = _times(ts, faults)
    values = {name: _values(name, column, faults) for name, column in columns.items()}
    _check_prices(values, faults)
    _check_volumes(values, faults)
    return CandleValues(ts_open, values, faults)


def _times(column: pa.Array, faults: Faults) -> np.ndarray:
    ts, units = to_nanoseconds(column)
    faults.add(
        ts == NO_TIME, lambda i: f"timestamp: {column[i].as_py()!r} is no moment in 1990..2100"
    )
    seen = units[ts != NO_TIME]
    if len(seen):
        # The unit of most rows; of equals, the one that comes first in the file.
        counts = np.bincount(seen, minlength=ISO_UNIT + 1)
        usual = int(seen[np.argmax(counts[seen])])
        faults.add(
            units != usual,
            lambda i: (
                f"timestamp unit: {column[i].as_py()} is in {_UNIT_NAMES[int(units[i])]}, "
                f"the other rows are in {_UNIT_NAMES[usual]}"
            ),
        )
    return ts


def _values(name: str, column: pa.Array, faults: Faults) -> np.ndarray:
    values, missing = to_numbers(column)
    if name not in OPTIONAL:
        faults.add(missing, _telling("missing value: ", name, column))
    faults.add(np.isinf(values), _telling("not finite: ", name, column))
    faults.add(np.isnan(values) & ~missing, _telling("not a number: ", name, column))
    return values


def _check_prices(values: dict[str, np.ndarray], faults: Faults) -> None:
    high, low = values["high"], values["low"]
    for name in PRICES:
        faults.add(values[name] <= 0, _telling("price not positive: ", name, values[name]))
    faults.add(high < low, lambda i: f"high below low: high {high[i]}, low {low[i]}")
    for name in ("open", "close"):
        price = values[name]
        faults.add(
            (price > high) | (price < low),
            _telling("price outside high and low: ", name, price),
        )


def _check_volumes(values: dict[str, np.ndarray], faults: Faults) -> None:
    for name in ("volume", *OPTIONAL):
        if name in values:
            faults.add(values[name] < 0, _telling("negative volume: ", name, values[name]))
    if "taker_buy_volume" in values:
        taker, volume = values["taker_buy_volume"], values["volume"]
        faults.add(
            taker > volume * (1 + _ROUNDING),
            lambda i: f"taker volume above volume: {taker[i]} of {volume[i]}",
        )


def _telling(kind: str, name: str, shown: np.ndarray | pa.Array) -> Callable[[int], str]:
    """Reason that shows the value, as the file has it where `shown` is the raw column."""

    def reason(i: int) -> str:
        value = repr(shown[i].as_py()) if isinstance(shown, pa.Array) else shown[i]
        return f"{kind}{name} is {value}"

    return reason
