"""Local files of facts: funding rates, daily or minute values, one column per name."""

from __future__ import annotations

import logging
import re

import numpy as np
import pandas as pd

from ethpredict.data.market import FACT_COLUMNS, typed_table
from ethpredict.data.named_columns import Column, names_of, read_columns
from ethpredict.errors import DataError
from ethpredict.io.raw_table import RawTable

logger = logging.getLogger(__name__)

_TIMES = (
    "timestamp_ms", "timestamp", "datetime", "date", "time", "block_timestamp", "ts", "calc_time",
    "snapshot_date", "",
)  # fmt: skip
_TS = Column(_TIMES, "ts")
_CANONICAL = {
    "ts": Column(("ts",), "ts"),
    "ts_known": Column(("ts_known",), "ts"),
    "source": Column(("source",), "text"),
    "name": Column(("name",), "text"),
    "value": Column(("value",)),
}
_NAME = re.compile("[^a-z0-9]+")
_NO_PROTOCOL = "cex"


def funding_part(raw: RawTable, quarantine: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read funding rates: each is known when it is paid.

    Parameters
    ----------
    raw : RawTable
        Canonical facts; Binance's ``fundingRate`` (``calc_time``,
        ``last_funding_rate``); Hyperliquid's (``time``, ``fundingRate``); or
        Lighter's (``timestamp``, ``rate`` in per cent, ``direction``: long
        pays a positive rate, short a negative one).
    quarantine : bool
        Whether bad rows are set aside.

    Returns
    -------
    facts : DataFrame
        `FACT_COLUMNS`, name ``funding_rate``, share of the position.
    quarantined : DataFrame
        `QUARANTINED_COLUMNS`.

    Raises
    ------
    DataError
        If there is no rate or, unless `quarantine`, a row is bad.
    """
    names = names_of(raw)
    if set(_CANONICAL) <= set(names):
        return _canonical(raw, quarantine)
    sided = "direction" in names
    columns = {"ts": _TS, "rate": Column(("last_funding_rate", "fundingrate", "rate"))}
    if sided:
        columns["direction"] = Column(("direction",), "text")
    values, aside = read_columns(raw, columns, "funding", quarantine)
    rate = values["rate"]
    if sided:
        words = pd.Series(values["direction"]).str.lower()
        sign = words.map({"long": 1.0, "short": -1.0})
        if sign.isna().any():
            raise DataError(
                raw.path, None, f"direction: {words[sign.isna()].iloc[0]!r}; long/short"
            )
        rate = rate / 100 * sign.to_numpy()
    ts = values["ts"]
    table = {"ts": ts, "ts_known": ts, "value": rate}
    text = {"source": [raw.path.name] * len(ts), "name": ["funding_rate"] * len(ts)}
    return typed_table(FACT_COLUMNS, table | text), aside


def fact_part(raw: RawTable, quarantine: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read facts: canonical ones, a snapshot of protocols, or a column per name.

    Parameters
    ----------
    raw : RawTable
        A time and numeric columns (DefiLlama's ``tvl_usd``, Santiment's
        ``…_value``, gas prices); or a snapshot of protocols (``slug``,
        ``category``, ``tvl``, ``snapshot_date``), whose exchanges are left out
        with a warning, because what they hold is not locked in any protocol.
    quarantine : bool
        Whether bad rows are set aside.

    Returns
    -------
    facts : DataFrame
        `FACT_COLUMNS`. A row stamped T is **known at T plus the usual step**
        of the file (a day for daily values): it describes the step that
        begins at T. A value that is missing is no fact and gets no row.
    quarantined : DataFrame
        `QUARANTINED_COLUMNS`.

    Raises
    ------
    DataError
        If there is no time, no numeric column, fewer than two rows to tell
        the step from, or, unless `quarantine`, a bad row.
    """
    names = names_of(raw)
    if set(_CANONICAL) <= set(names):
        return _canonical(raw, quarantine)
    if {"slug", "tvl", "snapshot_date"} <= set(names):
        return _protocols(raw, quarantine)
    at = next((names.index(name) for name in _TIMES if name in names), None)
    if at is None:
        raise DataError(raw.path, 1, "no column with a time (timestamp, datetime, date)")
    others = [name for i, name in enumerate(names) if i != at and name not in _TIMES]
    if not others:
        raise DataError(raw.path, 1, "no column with values beside the time")
    columns = {"ts": Column((names[at],), "ts")}
    columns |= {name: Column((name,), empty=True) for name in others}
    values, aside = read_columns(raw, columns, "fact", quarantine)
    ts = values.pop("ts")
    steps = np.diff(ts)
    if not (steps > 0).any():
        raise DataError(raw.path, None, "two rows at least: the step tells when a value is known")
    known = ts + int(np.median(steps[steps > 0]))
    tables = []
    for name, value in values.items():
        some = np.isfinite(value)
        if not some.any():
            logger.warning("%s: %s has no value", raw.path.name, name)
            continue
        tables.append(
            pd.DataFrame({"ts": ts[some], "ts_known": known[some], "value": value[some]}).assign(
                source=raw.path.name, name=_plain(name)
            )
        )
    return typed_table(FACT_COLUMNS, dict(pd.concat(tables, ignore_index=True))), aside


def _protocols(raw: RawTable, quarantine: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    """TVL of protocols at the moment of the snapshot, known from then on."""
    columns = {
        "ts": Column(("snapshot_date",), "ts"),
        "slug": Column(("slug",), "text"),
        "category": Column(("category",), "text", default=""),
        "value": Column(("tvl",), low=0.0),
    }
    values, aside = read_columns(raw, columns, "protocol", quarantine)
    table = pd.DataFrame(values)
    exchange = table["category"].str.lower() == _NO_PROTOCOL
    if exchange.any():
        left = ", ".join(table.loc[exchange, "slug"])
        logger.warning("%s: exchanges are no protocols; left out: %s", raw.path.name, left)
    table = table[~exchange].assign(source=raw.path.name)
    table["ts_known"] = table["ts"]
    table["name"] = [f"tvl_{_plain(slug)}" for slug in table["slug"]]
    return typed_table(FACT_COLUMNS, dict(table)), aside


def _canonical(raw: RawTable, quarantine: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    values, aside = read_columns(raw, _CANONICAL, "fact", quarantine, None)
    early = values["ts_known"] < values["ts"]
    if early.any():
        row = int(np.argmax(early)) + 1
        raise DataError(raw.path, row, "ts_known before ts: nothing is known before it is")
    return typed_table(FACT_COLUMNS, values), aside


def _plain(name: str) -> str:
    """Name of a fact: lower case words; the suffixes of units and values go.

    Examples
    --------
    >>> _plain("daily_active_addresses_value"), _plain("TVL_USD")
    ('daily_active_addresses', 'tvl')
    """
    text = _NAME.sub("_", name.lower()).strip("_")
    return text.removesuffix("_value") if text.endswith("_value") else text.removesuffix("_usd")
