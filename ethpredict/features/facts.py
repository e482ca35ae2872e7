"""Published facts on the rows of the bars: growth on the facts' own clock, joined by arrival."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from ethpredict.data.arrival import DAY_NS, as_of
from ethpredict.features.block import Column, Floats, Market, Missing, Part

DAY_S = 86_400.0


def named(market: Market, name: str) -> pd.DataFrame:
    """Rows of one fact, by arrival."""
    rows = market.facts[market.facts["name"] == name]
    return rows.sort_values(["ts_known", "ts"], kind="stable")


def joined(market: Market, name: str, rows: pd.DataFrame) -> tuple[Floats, Floats]:
    """Value known at each bar's close, and its age in days; nan where none or too old."""
    found = as_of(market.ts_close, rows.assign(name=name), market.max_age)
    age = found[f"{name}_age"].to_numpy(np.float64) / DAY_S
    return found[name].to_numpy(np.float64), age


def growth(rows: pd.DataFrame, days: int) -> pd.DataFrame:
    """Change of ln(1 + value) over whole days, as facts of their own.

    Parameters
    ----------
    rows : DataFrame
        `FACT_COLUMNS` of one name, one row a day, values >= 0.
    days : int, >= 1
        Distance of the two days.

    Returns
    -------
    DataFrame
        `FACT_COLUMNS`: rows whose other day is there as well, known when both
        are. A missing day gives no row: nothing is filled, forward or backward.
    """
    old = rows.assign(ts=rows["ts"] + days * DAY_NS)
    pairs = rows.merge(old, on="ts", suffixes=("", "_old"))
    change = np.log1p(pairs["value"].to_numpy()) - np.log1p(pairs["value_old"].to_numpy())
    known = np.maximum(pairs["ts_known"], pairs["ts_known_old"])
    return pairs[list(rows)].assign(ts_known=known, value=change)


def bars_within(ts: npt.NDArray[np.int64], days: float) -> int:
    """Most bars that close within a span of days: the memory of a fact, in rows."""
    if not len(ts):
        return 0
    first = np.searchsorted(ts, ts - int(days * DAY_NS), side="left")
    return int((np.arange(len(ts)) - first).max())


def absent(market: Market, name: str, extra: str) -> str:
    """Why a fact counts as missing; empty where it does not."""
    if (market.facts["name"] == name).any():
        return ""
    return f"no fact {name} was fetched (data.extras: {extra})"


def columns_of(
    made: dict[str, Floats], memory: int, warmup: int = 0, known: Floats | None = None
) -> list[Part]:
    """Columns of joined facts; missing where no bar knows the fact.

    `known` is the joined fact that decides it, by default the column itself:
    a window that is not whole yet is no reason to leave a column out.
    """
    parts: list[Part] = []
    for name, values in made.items():
        fact = values if known is None else known
        if len(fact) and np.isnan(fact).all():
            parts.append(
                Missing(name, "no bar knows a value that is fresh (features.max_age_days)")
            )
        else:
            parts.append(Column(name, values, warmup, memory))
    return parts
