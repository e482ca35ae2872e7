"""Moments and intervals: every source's stamps become UTC int64 nanoseconds."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ethpredict.errors import ConfigError

NS_PER_SECOND = 1_000_000_000
INTERVAL_SECONDS: dict[str, int] = {
    "1m": 60,
    "5m": 300,
    "15m": 900,
    "30m": 1800,
    "1h": 3600,
    "4h": 14_400,
    "1d": 86_400,
}
# Factor to nanoseconds. The bands of 1990..2100 do not touch, so magnitude alone decides.
UNIT_NS: dict[str, int] = {
    "seconds": 1_000_000_000,
    "milliseconds": 1_000_000,
    "microseconds": 1_000,
    "nanoseconds": 1,
}
_EARLIEST_NS = 631_152_000 * NS_PER_SECOND
_LATEST_NS = 4_102_444_800 * NS_PER_SECOND
UNKNOWN_UNIT = -1
ISO_UNIT = len(UNIT_NS)
NO_TIME = np.iinfo(np.int64).min
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"


def interval_ns(interval: str) -> int:
    """Length of an interval name in nanoseconds.

    Parameters
    ----------
    interval : str
        One of `INTERVAL_SECONDS`, for example ``"5m"``.

    Returns
    -------
    int
        Nanoseconds, > 0.

    Raises
    ------
    ConfigError
        If the name is not known.

    Examples
    --------
    >>> interval_ns("5m")
    300000000000
    """
    if interval not in INTERVAL_SECONDS:
        raise ConfigError("data.interval", interval, f"one of {', '.join(INTERVAL_SECONDS)}")
    return INTERVAL_SECONDS[interval] * NS_PER_SECOND


def duration_name(nanoseconds: int) -> str:
    """Name a duration as an interval where there is one, else in seconds.

    Examples
    --------
    >>> duration_name(3_600_000_000_000), duration_name(7_000_000_000)
    ('1h', '7 s')
    """
    for name, seconds in INTERVAL_SECONDS.items():
        if nanoseconds == seconds * NS_PER_SECOND:
            return name
    return f"{nanoseconds / NS_PER_SECOND:g} s"


def parse_moment(text: str, key: str = "data.start") -> int:
    """Read a configured moment.

    Parameters
    ----------
    text : str
        ``2024-12-01``, ``2024-12-01 06:00`` or ``2024-12-01T06:00:00Z``; UTC.
    key : str
        Setting to name in an error.

    Returns
    -------
    int
        UTC nanoseconds.

    Raises
    ------
    ConfigError
        If the text is no date.

    Examples
    --------
    >>> parse_moment("1970-01-02")
    86400000000000
    """
    try:
        moment = pd.Timestamp(text)
    except ValueError as error:
        raise ConfigError(key, text, "a date such as 2024-12-01 or 2024-12-01T06:00:00Z") from error
    moment = moment.tz_localize("UTC") if moment.tzinfo is None else moment.tz_convert("UTC")
    return int(moment.as_unit("ns").value)


def iso(ts: int) -> str:
    """Write UTC nanoseconds as ISO 8601 without needless digits.

    Examples
    --------
    >>> iso(86_400_000_000_000)
    '1970-01-02T00:00:00Z'
    """
    return f"{pd.Timestamp(int(ts), unit='ns').isoformat()}Z"


def detect_units(number: np.ndarray) -> np.ndarray:
    """Tell the unit of every stamp by its magnitude.

    Parameters
    ----------
    number : float64 or int64 array of shape (n,)
        Stamps since 1970-01-01 UTC.

    Returns
    -------
    int8 array of shape (n,)
        Position in `UNIT_NS`, or `UNKNOWN_UNIT` for a stamp that lies in
        1990..2100 under no unit.

    Examples
    --------
    >>> detect_units(np.array([1743465600, 1743465600000000, 12])).tolist()
    [0, 2, -1]
    """
    units = np.full(len(number), UNKNOWN_UNIT, dtype=np.int8)
    for code, factor in enumerate(UNIT_NS.values()):
        inside = (number >= _EARLIEST_NS / factor) & (number < _LATEST_NS / factor)
        units[inside] = code
    return units


def to_nanoseconds(column: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Convert a column of stamps to UTC nanoseconds, each by its own unit.

    Parameters
    ----------
    column : pyarrow.Array of shape (n,)
        Text, numbers, dates or timestamps. Text is ISO 8601 (UTC where it
        names no zone) or a number; numbers tell their unit by magnitude.

    Returns
    -------
    ts : int64 array of shape (n,)
        UTC nanoseconds; `NO_TIME` where a stamp cannot be read.
    units : int8 array of shape (n,)
        Position in `UNIT_NS`, `ISO_UNIT` or `UNKNOWN_UNIT`.

    Examples
    --------
    >>> ts, units = to_nanoseconds(pa.array(["1743465600000000", "2025-04-01 00:00:00+0000"]))
    >>> ts[0] == ts[1], units.tolist()
    (np.True_, [2, 4])
    """
    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        moments = pc.cast(column, pa.timestamp("ns"), safe=False)
        ts = np.asarray(pc.fill_null(pc.cast(moments, pa.int64()), int(NO_TIME)))
        return _bounded(ts, np.full(len(ts), ISO_UNIT, dtype=np.int8))
    if pa.types.is_integer(kind):
        return _from_integers(np.asarray(pc.fill_null(column, 0)).astype(np.int64))
    if pa.types.is_floating(kind):
        return _from_floats(np.asarray(pc.fill_null(column, 0.0), dtype=np.float64))
    return _from_text(pc.cast(column, pa.string()))


def _bounded(ts: np.ndarray, units: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    outside = (ts < _EARLIEST_NS) | (ts >= _LATEST_NS)
    return np.where(outside, NO_TIME, ts), np.where(outside, UNKNOWN_UNIT, units).astype(np.int8)


def _factors() -> np.ndarray:
    """Nanoseconds per unit; the last place answers for `UNKNOWN_UNIT`."""
    return np.array([*UNIT_NS.values(), 0], dtype=np.int64)


def _from_integers(number: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    units = detect_units(number)
    return np.where(units == UNKNOWN_UNIT, NO_TIME, number * _factors()[units]), units


def _from_floats(number: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    units = detect_units(number)
    whole = np.floor(np.where(units == UNKNOWN_UNIT, 0.0, number))
    fraction = np.where(units == UNKNOWN_UNIT, 0.0, number - whole)
    factors = _factors()[units]
    ts = whole.astype(np.int64) * factors + np.rint(fraction * factors).astype(np.int64)
    return np.where(units == UNKNOWN_UNIT, NO_TIME, ts), units


def _from_decimal(text: str) -> tuple[int, int]:
    """Read a stamp with a fraction exactly: 1743465600.123456789 s keeps its last digit."""
    value = Decimal(text)
    code = int(detect_units(np.array([float(value)]))[0])
    if code == UNKNOWN_UNIT:
        return int(NO_TIME), code
    return int(value * list(UNIT_NS.values())[code]), code


def _from_iso(texts: pd.Series) -> np.ndarray:
    plain = texts.str.replace(r"\s*(?:UTC|GMT)$", "Z", regex=True)
    parsed = pd.to_datetime(plain, format="ISO8601", utc=True, errors="coerce")
    # Nanoseconds reach to 2262 only, so that what is out of range must go before the conversion.
    inside = parsed.between(
        pd.Timestamp(_EARLIEST_NS, tz="UTC"), pd.Timestamp(_LATEST_NS, tz="UTC")
    )
    ts = parsed.where(inside).dt.as_unit("ns").astype("int64").to_numpy()
    return np.where(inside.to_numpy(), ts, NO_TIME)


def _from_text(column: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    text = pc.fill_null(pc.utf8_trim_whitespace(column), "")
    is_whole = np.asarray(pc.match_substring_regex(text, r"^\d{1,19}$"))
    is_decimal = np.asarray(pc.match_substring_regex(text, _NUMBER)) & ~is_whole
    ts = np.full(len(text), NO_TIME, dtype=np.int64)
    units = np.full(len(text), UNKNOWN_UNIT, dtype=np.int8)
    if is_whole.any():
        digits = np.asarray(pc.cast(text.filter(pa.array(is_whole)), pa.uint64()))
        fits = np.where(digits > np.uint64(_LATEST_NS), np.uint64(0), digits).astype(np.int64)
        ts[is_whole], units[is_whole] = _from_integers(fits)
    for i in np.flatnonzero(is_decimal):
        ts[i], units[i] = _from_decimal(text[int(i)].as_py())
    is_other = ~(is_whole | is_decimal)
    if is_other.any():
        named = _from_iso(pd.Series(text.filter(pa.array(is_other)).to_pylist(), dtype="str"))
        ts[is_other], units[is_other] = _bounded(named, np.full(len(named), ISO_UNIT, np.int8))
    return ts, units
