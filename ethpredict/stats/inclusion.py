"""Inclusion of transactions by tip, fitted walk-forward on the market of each pool study."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ethpredict.quoting.inclusion import walk_forward_inclusion

WINDOW = "sim.amm.bribe.window_days"
DAY_S = 86_400.0
DAY_NS = 86_400 * 10**9


def inclusion_fits(
    trials: Sequence[Mapping[str, Any]],
    days: Mapping[str, Sequence[int]],
    tips: Callable[[str], pd.DataFrame | None],
) -> list[dict[str, Any]]:
    """Fit the inclusion curve at the start of every simulated day of every pool market.

    Parameters
    ----------
    trials : sequence of mapping
        Trials of the plan, each with ``settings`` and ``runs`` (id, fetch).
    days : mapping
        Run id to its simulated UTC days since 1970.
    tips : callable
        Gives the table of single transactions (ts, tip_gwei, included) of a fetch id, or None.

    Returns
    -------
    list of dict
        Per market and look-back: fetch, window_days, believed (whether any trial trades on the
        fits, ``sim.amm.inclusion: fitted``), and the lists ts (UTC ns), a, a_se, s, s_se
        (1/gwei), n, n_included, reason, one entry per day. They are the fits that the simulator
        makes: each day knows the transactions strictly before it.
    """
    wanted: dict[tuple[str, float], dict[str, Any]] = {}
    for trial in trials:
        settings = trial["settings"]
        if settings.get("sim.venue") == "lob" or WINDOW not in settings:
            continue
        for run in trial["runs"]:
            entry = wanted.setdefault(
                (str(run["fetch"]), float(settings[WINDOW])), {"days": set(), "believed": False}
            )
            entry["days"] |= {int(day) for day in days.get(run["id"], ())}
            entry["believed"] |= settings.get("sim.amm.inclusion") == "fitted"
    found = []
    for (fetch, window), entry in sorted(wanted.items()):
        sent = tips(fetch)
        if sent is None or not len(sent) or not entry["days"]:
            continue
        sent = sent.sort_values("ts", kind="stable")
        moments = np.array(sorted(entry["days"]), dtype=np.int64) * DAY_NS
        fits = walk_forward_inclusion(
            sent["ts"], sent["tip_gwei"], sent["included"], moments, window * DAY_S
        )
        head = {"fetch": fetch, "window_days": window, "believed": entry["believed"]}
        found.append(head | {name: fits[name].tolist() for name in fits.columns})
    return found
