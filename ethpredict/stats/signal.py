"""What the forecast adds: each setting against itself with the forecast off."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from ethpredict.stats.paired import mean_error

PER_THOUSAND = 1000.0
# Errors away from 0 that count as distinguishable.
CLEAR = 2.0
GROUP = ("quoting.strategy", "sim.venue", "sim.fidelity", "quoting.alpha")


@dataclass(frozen=True)
class Gain:
    """Paired result of all settings that share a strategy, venue, fidelity and use of the signal.

    Attributes
    ----------
    strategy, venue, fidelity, alpha : str
        What they share; empty where a trial has no such setting.
    n_settings, n_days : int
        Settings with a baseline at equal settings; days that all of them and their baselines have.
    with_signal, without, difference : float
        Mean over settings and days, USD per 1,000 USD and day.
    with_error, without_error, error : float
        Newey-West standard errors over days, of the daily mean over settings: settings that
        trade the same days share their luck and do not count as independent.
    n_better : int
        Settings whose own mean difference is above 0.
    n_clear_better, n_clear_worse : int
        Settings whose own difference is more than two of its standard errors above, below 0.
    """

    strategy: str
    venue: str
    fidelity: str
    alpha: str
    n_settings: int
    n_days: int
    with_signal: float
    with_error: float
    without: float
    without_error: float
    difference: float
    error: float
    n_better: int
    n_clear_better: int
    n_clear_worse: int


def _group(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Values that name a group."""
    return tuple(str(settings.get(key, "")) for key in GROUP)


def signal_gains(
    trials: Sequence[Mapping[str, Any]], table: pd.DataFrame, days: pd.DataFrame
) -> list[dict[str, Any]]:
    """Compare with and without the signal, by strategy, venue, fidelity and use of the signal.

    Parameters
    ----------
    trials : sequence of mapping
        Trials of the plan, each with ``id``, ``baseline`` and ``settings``.
    table : DataFrame
        Indexed by trial_id, with status, no_signal_trial, vs_no_signal, vs_no_signal_se.
    days : DataFrame, shape (days, trials)
        Daily P&L on capital; nan where a trial has no such day.

    Returns
    -------
    list of dict
        Fields of :class:`Gain`, sorted by group. Trials that ignore the signal (alpha off),
        that failed, or that have no baseline at equal settings are left out.
    """
    members: dict[tuple[str, ...], list[str]] = {}
    for trial in trials:
        name, settings = str(trial["id"]), trial["settings"]
        if trial["baseline"] or settings.get("quoting.alpha", "off") == "off":
            continue
        partner = table.at[name, "no_signal_trial"]
        whole = table.at[name, "status"] == "ok" and name in days and partner in days
        if whole and table.at[partner, "status"] == "ok":
            members.setdefault(_group(settings), []).append(name)
    gains = []
    for group in sorted(members):
        names = members[group]
        partners = table.loc[names, "no_signal_trial"].tolist()
        own = days[names].to_numpy(dtype=np.float64)
        off = days[partners].to_numpy(dtype=np.float64)
        shared = np.isfinite(own).all(axis=1) & np.isfinite(off).all(axis=1)
        sides = [PER_THOUSAND * side[shared].mean(axis=1) for side in (own, off)]
        gap = sides[0] - sides[1]
        each = table.loc[names, "vs_no_signal"].to_numpy(dtype=np.float64)
        noise = CLEAR * table.loc[names, "vs_no_signal_se"].to_numpy(dtype=np.float64)
        means = [float(x.mean()) if x.size else math.nan for x in (*sides, gap)]
        gain = Gain(
            strategy=group[0],
            venue=group[1],
            fidelity=group[2],
            alpha=group[3],
            n_settings=len(names),
            n_days=int(shared.sum()),
            with_signal=means[0],
            with_error=mean_error(sides[0]),
            without=means[1],
            without_error=mean_error(sides[1]),
            difference=means[2],
            error=mean_error(gap),
            n_better=int((each > 0.0).sum()),
            n_clear_better=int((each > noise).sum()),
            n_clear_worse=int((each < -noise).sum()),
        )
        gains.append(asdict(gain))
    return gains
