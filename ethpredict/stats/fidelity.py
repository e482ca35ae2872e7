"""The same settings with fills found in several ways (fidelity of the simulator)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ethpredict.stats.bracket import rank_correlation

FILLS = ("sim.fidelity", "sim.lob.fill")


def _name(settings: Mapping[str, Any]) -> str:
    """How fills are found: fidelity and, where it has a choice, the fill rule."""
    return ", ".join(str(settings[key]) for key in FILLS if key in settings)


def fidelity_effects(
    trials: Sequence[Mapping[str, Any]], table: pd.DataFrame, objective: str = "pnl_1k"
) -> dict[str, Any] | None:
    """Compare several ways of finding fills on the order book at settings that are else equal.

    Parameters
    ----------
    trials : sequence of mapping
        Trials of the plan, each with ``id``, ``baseline`` and ``settings``.
    table : DataFrame
        Indexed by trial_id, with status, the objective, n_fills, markout_5m where known.
    objective : str
        Column to compare.

    Returns
    -------
    dict or None
        None unless completed trials on the order book have two fidelities or fill rules.
        ``levels``: per way, value, n, mean objective, fills, markout (bps) over all its completed
        trials. ``pairs``: per two ways, first, second, n (settings that both completed and that
        agree on every setting which both have), mean of either, flips (settings whose sign
        differs) and rank correlation (Spearman; nan below three settings or without spread).
    """
    chosen = [
        trial
        for trial in trials
        if not trial["baseline"]
        and trial["settings"].get("sim.venue", "lob") == "lob"
        and table.at[str(trial["id"]), "status"] == "ok"
    ]
    held: dict[str, list[Mapping[str, Any]]] = {}
    for trial in chosen:
        held.setdefault(_name(trial["settings"]), []).append(trial)
    if len(held) < 2:
        return None
    names = list(held)
    levels = []
    for name in names:
        rows = table.loc[[str(trial["id"]) for trial in held[name]]]
        levels.append(
            {
                "value": name,
                "n": len(rows),
                "mean": float(rows[objective].mean()),
                "fills": float(rows["n_fills"].mean()) if "n_fills" in rows else math.nan,
                "markout": float(rows["markout_5m"].mean()) if "markout_5m" in rows else math.nan,
            }
        )
    pairs = [
        _pair(first, second, held, table[objective])
        for place, first in enumerate(names)
        for second in names[place + 1 :]
    ]
    return {"levels": levels, "pairs": pairs}


def _pair(
    first: str, second: str, held: Mapping[str, list[Mapping[str, Any]]], scores: pd.Series
) -> dict[str, Any]:
    """Two ways at the settings that both have; what only one of them has must not be swept."""
    forms = [{key for trial in held[name] for key in trial["settings"]} for name in (first, second)]
    keys = sorted((forms[0] & forms[1]) - set(FILLS))
    places = [_places(held[name], keys) for name in (first, second)]
    shared = [key for key in places[0] if key in places[1]]
    ours, other = (
        scores.loc[[place[key] for key in shared]].to_numpy(dtype=np.float64) for place in places
    )
    known = np.isfinite(ours) & np.isfinite(other)
    ours, other = ours[known], other[known]
    correlation = rank_correlation(ours, other)
    return {
        "first": first,
        "second": second,
        "n": int(ours.size),
        "first_mean": float(ours.mean()) if ours.size else math.nan,
        "second_mean": float(other.mean()) if ours.size else math.nan,
        "flips": int((ours * other < 0.0).sum()),
        "correlation": math.nan if correlation is None else correlation,
    }


def _places(members: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> dict[str, str]:
    """Trial of each combination of shared settings; none where several trials have it."""
    found: dict[str, list[str]] = {}
    for trial in members:
        values = repr([trial["settings"].get(key) for key in keys])
        found.setdefault(values, []).append(str(trial["id"]))
    return {values: ids[0] for values, ids in found.items() if len(ids) == 1}
