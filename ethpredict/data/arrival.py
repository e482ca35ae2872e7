"""Facts that arrive later than what they describe, joined by the moment of arrival."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ethpredict.data.market import FACT_COLUMNS, typed_table
from ethpredict.data.timestamps import NS_PER_SECOND, iso

DAY_NS = 86_400 * NS_PER_SECOND
# How far back before a period daily facts are fetched: a feature compares a day with one
# 7 days before it, and `features.max_age_days` may carry a value on for weeks.
LOOK_BACK_NS = 60 * DAY_NS


def daily_facts(source: str, name: str, ts: np.ndarray, value: np.ndarray) -> pd.DataFrame:
    """Lay out daily values: each describes its whole day and is known at the end of it.

    Parameters
    ----------
    source, name : str
        Who says so, and what.
    ts : int64 array of shape (n,)
        Any moment of the day, UTC ns; of one day the last row counts.
    value : float64 array of shape (n,)
        nan where the source has none: that is no fact and gets no row.

    Returns
    -------
    DataFrame
        `FACT_COLUMNS`; ``ts`` is the beginning of the day.

    Examples
    --------
    >>> table = daily_facts("x", "tvl", np.array([5 * DAY_NS]), np.array([7.0]))
    >>> int(table["ts_known"].iloc[0]) // DAY_NS
    6
    """
    day = np.asarray(ts, dtype=np.int64) // DAY_NS * DAY_NS
    table = pd.DataFrame({"ts": day, "moment": ts, "value": np.asarray(value, dtype=np.float64)})
    table = table.dropna(subset=["value"]).sort_values("moment", kind="stable")
    table = table.drop_duplicates("ts", keep="last")
    facts = table.assign(ts_known=table["ts"] + DAY_NS, source=source, name=name)
    return typed_table(FACT_COLUMNS, dict(facts))


def as_of(ts: np.ndarray, facts: pd.DataFrame, max_age: float) -> pd.DataFrame:
    """Look up what was known at each moment.

    Parameters
    ----------
    ts : int64 array of shape (n,)
        Moments, UTC ns, in any order.
    facts : DataFrame
        `FACT_COLUMNS`.
    max_age : float
        Seconds since its arrival after which a value is missing rather than
        carried on, >= 0.

    Returns
    -------
    DataFrame of shape (n, 2 x names)
        Per name, in alphabetic order: the value, nan where none is known or
        the newest is too old; and ``<name>_age``, seconds since that arrived,
        also where it is too old, nan where none ever did.

    Notes
    -----
    A row counts from ``ts_known`` on, inclusive. A late row about an earlier
    time than one that is known already changes nothing.

    Examples
    --------
    >>> facts = daily_facts("x", "tvl", np.array([0]), np.array([7.0]))
    >>> as_of(np.array([DAY_NS - 1, DAY_NS]), facts, 3600.0)["tvl"].tolist()
    [nan, 7.0]
    """
    joined: dict[str, np.ndarray] = {}
    for name, rows in sorted(facts.groupby("name"), key=lambda item: item[0]):
        ordered = rows.sort_values(["ts_known", "ts"], kind="stable")
        newest = ordered[ordered["ts"] >= ordered["ts"].cummax()]
        known = newest["ts_known"].to_numpy()
        at = np.searchsorted(known, ts, side="right") - 1
        some = at >= 0
        age = np.where(some, (ts - known[at]) / NS_PER_SECOND, np.nan)
        usable = some & (age <= max_age)
        joined[name] = np.where(usable, newest["value"].to_numpy()[at], np.nan)
        joined[f"{name}_age"] = age
    return pd.DataFrame(joined, index=range(len(ts)))


def fact_quality(ts: np.ndarray, facts: pd.DataFrame) -> dict[str, Any]:
    """Describe facts: rows, period, how many moments know none and how old they get.

    Parameters
    ----------
    ts : int64 array of shape (n,)
        Moments at which facts are looked up, UTC ns, n >= 1.
    facts : DataFrame
        `FACT_COLUMNS`.

    Returns
    -------
    dict
        Per name: ``source``, ``rows``, ``period``, ``missing_share`` (of the
        moments: nothing had arrived yet) and ``oldest_days`` (age of the newest
        known value, at its largest; None where there never is one).
    """
    joined = as_of(ts, facts, np.inf)
    told = {}
    for name, rows in facts.groupby("name"):
        age = joined[f"{name}_age"]
        told[name] = {
            "source": rows["source"].iloc[0],
            "rows": len(rows),
            "period": {"start": iso(rows["ts"].min()), "end": iso(rows["ts"].max())},
            "missing_share": float(age.isna().mean()),
            "oldest_days": None if age.isna().all() else float(age.max()) * NS_PER_SECOND / DAY_NS,
        }
    return told
