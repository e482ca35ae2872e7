"""Candles from a local file: every row is used, refused by name, or set aside and counted."""

from __future__ import annotations

import logging
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
from ethpredict.io.raw_table import RawTable, read_raw_table

logger = logging.getLogger(__name__)

# With fewer rows, equal values are no sign of an unfilled column.
_CONSTANT_MIN_ROWS = 10
_IGNORED = ("ignore",)


def read_market(settings: dict[str, Any]) -> Market:
    """Read the candles that `data.files.candles` names.

    Parameters
    ----------
    settings : dict
        ``{"data": {...}}``: symbol, interval, start, end, max_gap,
        on_bad_rows and files.candles.

    Returns
    -------
    Market
        Candles, the rows set aside, and the quality report. Trades, pool
        events and blocks are empty.

    Raises
    ------
    ConfigError
        If no path is given, `max_gap` is shorter than one candle, or `start`
        is not before `end`.
    DataError
        If the file cannot be used as a whole, holds no rows of the period or
        candles of another length, or (under ``strict``) holds a bad row.
    """
    data = settings["data"]
    path = _path(data)
    step = interval_ns(data["interval"])
    max_gap = float(data["max_gap"])
    if max_gap * 1e9 < step:
        raise ConfigError(
            "data.max_gap", max_gap, f"at least one candle ({data['interval']} = {step / 1e9:g} s)"
        )
    raw = read_raw_table(path)
    names = column_names(path, raw.names, len(raw.columns))
    positions = match_columns(path, names)
    values = _checked_values(raw, positions, step)
    quarantined = _set_aside(raw, values, data["on_bad_rows"] == "quarantine")
    keep = np.flatnonzero(~values.faults.bad)
    constant = _constant_columns(raw, names, keep)
    unknown = {name for name, at in positions.items() if name in OPTIONAL and names[at] in constant}
    candles = _period(path, _candles(values, keep, step, unknown), data)
    candles["gap"] = mark_gaps(
        candles["ts_open"].to_numpy(), candles["ts_close"].to_numpy(), max_gap
    )
    quality = candle_quality(candles, quarantined, max_gap) | {
        "constant_columns": constant,
        "inputs": [raw.origin.record()],
    }
    logger.info("%s: %d candles of %s", path.name, len(candles), data["interval"])
    return Market(candles=candles, quarantined=quarantined, quality=quality)


def _checked_values(raw: RawTable, positions: dict[str, int], step: int) -> CandleValues:
    """Convert the columns and find every bad row, whatever becomes of it."""
    columns = {name: raw.columns[at] for name, at in positions.items() if name != "ts_open"}
    values = convert(columns, raw.columns[positions["ts_open"]])
    _check_step(raw, values.ts_open, step)
    _check_order(raw, values, step)
    return values


def _path(data: dict[str, Any]) -> Path:
    template = data.get("files", {}).get("candles")
    if not template:
        raise ConfigError("data.files.candles", template, "the path of a candle file")
    return Path(template.replace("{symbol}", data["symbol"]))


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


def _constant_columns(raw: RawTable, names: tuple[str, ...], keep: np.ndarray) -> list[str]:
    """Columns, in file order, that hold one value only: sources fill what they don't know."""
    if len(keep) < _CONSTANT_MIN_ROWS:
        return []
    found = []
    for name, column in zip(names, raw.columns, strict=True):
        # Most columns differ within a few rows; only the others are looked at whole.
        some = column.take(pa.array(keep[:_CONSTANT_MIN_ROWS]))
        if name in _IGNORED or len(some.unique()) > 1:
            continue
        if len(column.take(pa.array(keep)).unique()) == 1:
            found.append(name)
    if found:
        logger.warning(
            "%s: the same value in every row of %s; unknown where a candle can do without",
            raw.path.name,
            ", ".join(found),
        )
    return found


def _candles(values: CandleValues, keep: np.ndarray, step: int, unknown: set[str]) -> pd.DataFrame:
    ts_open = values.ts_open[keep]
    table: dict[str, np.ndarray] = {
        "ts_open": ts_open,
        "ts_close": ts_open + step,
        "gap": np.zeros(len(keep), dtype=bool),
    }
    for name in ("open", "high", "low", "close", "volume", *OPTIONAL):
        known = name in values.values and name not in unknown
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
