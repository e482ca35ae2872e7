"""Raw tables to one candle table: every row is used, refused by name, or set aside."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ethpredict.data.candles import CandleValues, convert
from ethpredict.data.columns import OPTIONAL, column_names, match_columns
from ethpredict.data.faults import kind_of
from ethpredict.data.market import (
    CANDLE_COLUMNS,
    QUARANTINED_COLUMNS,
    Market,
    mark_gaps,
    typed_table,
)
from ethpredict.data.order import longest_increasing
from ethpredict.data.quality import candle_quality
from ethpredict.data.timestamps import NO_TIME, duration_name, interval_ns, iso, parse_moment
from ethpredict.errors import ConfigError, DataError
from ethpredict.io.raw_table import RawTable

logger = logging.getLogger(__name__)

# With fewer rows, equal values are no sign of an unfilled column.
_CONSTANT_MIN_ROWS = 10
_IGNORED = ("ignore",)


@dataclass(frozen=True)
class CandlePart:
    """Candles of one raw table.

    Parameters
    ----------
    path : Path
        Where they come from, for errors.
    candles : DataFrame
        `CANDLE_COLUMNS`; nan where the table has no such column.
    quarantined : DataFrame
        `QUARANTINED_COLUMNS`.
    constant : dict of str to str
        Columns that hold one value only, as the table names them, with that value.
    sources : dict of str to str
        Optional canonical column to the table's name of it.
    input : dict
        Name and digest of the raw table.
    """

    path: Path
    candles: pd.DataFrame
    quarantined: pd.DataFrame
    constant: dict[str, str]
    sources: dict[str, str]
    input: dict[str, Any]


def candle_part(
    raw: RawTable, data: dict[str, Any], moved: dict[str, int] | None = None
) -> CandlePart:
    """Convert one raw table.

    Parameters
    ----------
    raw : RawTable
        Rows as they stand.
    data : dict
        Settings: interval and on_bad_rows.
    moved : dict of str to int, optional
        Canonical columns that stand elsewhere than their names say.

    Raises
    ------
    DataError
        If the table cannot be used as a whole or, under ``strict``, holds a bad row.
    """
    step = interval_ns(data["interval"])
    names = column_names(raw.path, raw.names, len(raw.columns))
    positions = match_columns(raw.path, names) | (moved or {})
    values = _checked_values(raw, positions, step)
    quarantined = _set_aside(raw, values, data["on_bad_rows"] == "quarantine")
    keep = np.flatnonzero(~values.faults.bad)
    return CandlePart(
        path=raw.path,
        candles=_candles(values, keep, step),
        quarantined=quarantined,
        constant=_constant_columns(raw, names, keep),
        sources={name: names[at] for name, at in positions.items() if name in OPTIONAL},
        input=raw.origin.record(),
    )


def market_of(parts: Sequence[CandlePart], data: dict[str, Any]) -> Market:
    """Join parts, oldest first, to one market.

    Parameters
    ----------
    parts : sequence of CandlePart
        At least one; they follow each other in time.
    data : dict
        Settings: interval, start, end, max_gap.

    Returns
    -------
    Market
        Candles, the rows set aside, and the quality report.

    Raises
    ------
    ConfigError
        If `max_gap` is shorter than one candle or `start` is not before `end`.
    DataError
        If parts overlap or no candle lies within the period.
    """
    max_gap = checked_gap(data)
    for before, after in itertools.pairwise(parts):
        first, last = after.candles["ts_open"].iloc[0], before.candles["ts_open"].iloc[-1]
        if first <= last:
            raise DataError(
                after.path,
                None,
                f"begins at {iso(first)}, before {before.path.name} ends; remove both from the "
                "download store and run again",
            )
    constant = _shared_constants(parts)
    candles = pd.concat([part.candles for part in parts], ignore_index=True)
    for name in {
        c for part in parts for c, as_named in part.sources.items() if as_named in constant
    }:
        candles[name] = np.nan
    candles = _period(parts[0].path, candles, data)
    candles["gap"] = mark_gaps(
        candles["ts_open"].to_numpy(), candles["ts_close"].to_numpy(), max_gap
    )
    quarantined = parts[0].quarantined
    if len(parts) > 1:
        quarantined = pd.concat([_named(part) for part in parts], ignore_index=True)
        quarantined = typed_table(QUARANTINED_COLUMNS, dict(quarantined))
    quality = candle_quality(candles, quarantined, max_gap) | {
        "constant_columns": constant,
        "inputs": [part.input for part in parts],
    }
    logger.info("%s: %d candles of %s", parts[0].path.name, len(candles), data["interval"])
    return Market(candles=candles, quarantined=quarantined, quality=quality)


def checked_gap(data: dict[str, Any]) -> float:
    """Longest pause that may be spanned, seconds; at least one candle."""
    max_gap = float(data["max_gap"])
    step = interval_ns(data["interval"])
    if max_gap * 1e9 < step:
        raise ConfigError(
            "data.max_gap", max_gap, f"at least one candle ({data['interval']} = {step / 1e9:g} s)"
        )
    return max_gap


def _named(part: CandlePart) -> pd.DataFrame:
    """Rows set aside, each with the name of its file: row numbers alone would not tell."""
    return part.quarantined.assign(
        reason=[f"{reason} [{part.path.name}]" for reason in part.quarantined["reason"]]
    )


def _shared_constants(parts: Sequence[CandlePart]) -> list[str]:
    """Columns that hold the same one value in every part."""
    first = parts[0].constant
    found = [
        name
        for name, value in first.items()
        if all(part.constant.get(name) == value for part in parts)
    ]
    if found:
        logger.warning(
            "%s: the same value in every row of %s; unknown where a candle can do without",
            parts[0].path.name,
            ", ".join(found),
        )
    return found


def _checked_values(raw: RawTable, positions: dict[str, int], step: int) -> CandleValues:
    """Convert the columns and find every bad row, whatever becomes of it."""
    columns = {name: raw.columns[at] for name, at in positions.items() if name != "ts_open"}
    values = convert(columns, raw.columns[positions["ts_open"]])
    _check_step(raw, values.ts_open, step)
    _check_order(raw, values, step)
    return values


def _check_step(raw: RawTable, ts: np.ndarray, step: int) -> None:
    """Refuse a file of another interval as a whole, before its rows are blamed."""
    steps = np.diff(ts[ts != NO_TIME])
    steps = steps[steps > 0]
    if not len(steps):
        return
    usual = int(np.sort(steps)[(len(steps) - 1) // 2])
    if usual != step:
        raise DataError(
            raw.path,
            None,
            f"candles are {duration_name(usual)} long (median), data.interval is "
            f"{duration_name(step)}; set data.interval to the file's",
        )


def _check_order(raw: RawTable, values: CandleValues, step: int) -> None:
    """Mark rows that are off the grid, repeat a time or go back in time."""
    ts, faults = values.ts_open, values.faults
    faults.add(
        ts % step != 0,
        lambda i: (
            f"off the grid: {iso(ts[i])} is no multiple of {duration_name(step)}; candles carry "
            "their opening time"
        ),
    )
    good = np.flatnonzero(~faults.bad)
    keep = np.ones(len(ts), dtype=bool)
    keep[good] = longest_increasing(ts[good])
    moved = good[~keep[good]]
    if not len(moved):
        return
    if len(moved) * 2 > len(good):
        raise DataError(
            raw.path,
            int(raw.rows[moved[0]]),
            f"{len(moved)} of {len(good)} rows are out of order; sort the file by time, oldest "
            "first",
        )
    kept = dict(
        zip(ts[good[keep[good]]].tolist(), raw.rows[good[keep[good]]].tolist(), strict=True)
    )
    faults.add(
        ~keep,
        lambda i: (
            f"duplicate timestamp: {iso(ts[i])} stands in row {kept[int(ts[i])]} already"
            if int(ts[i]) in kept
            else f"timestamp out of order: {iso(ts[i])}"
        ),
    )


def _set_aside(raw: RawTable, values: CandleValues, quarantine: bool) -> pd.DataFrame:
    """Bad rows in file order; under ``strict`` the first one is an error."""
    found = list(raw.malformed)
    found += [(int(raw.rows[i]), why, raw.raw(i)) for i, why in values.faults.reasons.items()]
    found.sort()
    if found and not quarantine:
        row, reason, _ = found[0]
        more = f" ({len(found)} bad rows in all)" if len(found) > 1 else ""
        raise DataError(
            raw.path, row, f"{reason}{more}; mend it or set data.on_bad_rows: quarantine"
        )
    if values.faults.bad.all():
        kinds = sorted({kind_of(reason) for _, reason, _ in found})
        raise DataError(raw.path, found[0][0], f"no usable row ({', '.join(kinds)})")
    if found:
        logger.warning("%s: %d bad rows set aside", raw.path.name, len(found))
    columns = list(zip(*found, strict=True)) or [(), (), ()]
    return typed_table(
        QUARANTINED_COLUMNS, dict(zip(QUARANTINED_COLUMNS, map(list, columns), strict=True))
    )


def _constant_columns(raw: RawTable, names: tuple[str, ...], keep: np.ndarray) -> dict[str, str]:
    """Columns, in file order, that hold one value only: sources fill what they don't know."""
    if len(keep) < _CONSTANT_MIN_ROWS:
        return {}
    found = {}
    for name, column in zip(names, raw.columns, strict=True):
        # Most columns differ within a few rows; only the others are looked at whole.
        some = column.take(pa.array(keep[:_CONSTANT_MIN_ROWS]))
        if name in _IGNORED or len(some.unique()) > 1:
            continue
        values = column.take(pa.array(keep)).unique()
        if len(values) == 1:
            found[name] = str(values[0].as_py())
    return found


def _candles(values: CandleValues, keep: np.ndarray, step: int) -> pd.DataFrame:
    ts_open = values.ts_open[keep]
    table: dict[str, np.ndarray] = {
        "ts_open": ts_open,
        "ts_close": ts_open + step,
        "gap": np.zeros(len(keep), dtype=bool),
    }
    for name in ("open", "high", "low", "close", "volume", *OPTIONAL):
        known = name in values.values
        table[name] = values.values[name][keep] if known else np.full(len(keep), np.nan)
    return typed_table(CANDLE_COLUMNS, table)


def _period(path: Path, candles: pd.DataFrame, data: dict[str, Any]) -> pd.DataFrame:
    """Keep candles that lie within [start, end) as a whole."""
    start, end = data.get("start"), data.get("end")
    first = parse_moment(start, "data.start") if start else None
    last = parse_moment(end, "data.end") if end else None
    if first is not None and last is not None and first >= last:
        raise ConfigError("data.end", end, f"after data.start = {start}")
    inside = np.ones(len(candles), dtype=bool)
    if first is not None:
        inside &= (candles["ts_open"] >= first).to_numpy()
    if last is not None:
        inside &= (candles["ts_close"] <= last).to_numpy()
    if not inside.any():
        raise DataError(
            path,
            None,
            f"no candles from {start or 'the first row'} to {end or 'the last row'}; the file has "
            f"{iso(candles['ts_open'].iloc[0])} to {iso(candles['ts_close'].iloc[-1])}",
        )
    return candles[inside].reset_index(drop=True)
