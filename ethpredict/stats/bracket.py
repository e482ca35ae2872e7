"""The best trials once more: between the bounds of the fill rule, and at finer fidelities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from ethpredict.stats.reveal import RevealedRun, identify

# Coarse to fine, with the table that each needs and the fill rules that it knows.
LADDER = ("bars", "trades", "l2")
NEEDS = {"bars": (), "trades": ("trades",), "l2": ("trades", "book")}
BOUNDS = ("strict", "touch")
FILLS = {"bars": BOUNDS, "trades": BOUNDS, "l2": ("queue", *BOUNDS)}
LEAST_RANKED = 3
KEY = ["trial_id", "name", "run_id", "fidelity", "fill"]


def variants(
    runs: Sequence[RevealedRun], filled: Sequence[str], replay: Mapping[str, Any]
) -> tuple[list[dict[str, Any]], pd.DataFrame]:
    """Members for every fidelity from a run's own on, and every fill rule of it.

    Parameters
    ----------
    runs : sequence of RevealedRun
        Runs of one market; the first replicates of top trials on the order book are taken.
    filled : sequence of str
        Which of `trades` and `book` the market has.
    replay : mapping
        Settings below `sim.lob` that a run lacks where it was planned for bars.

    Returns
    -------
    members : list of dict
        For :func:`ethpredict.sim.simulate_pack`.
    table : DataFrame
        Their ids (`member`) with run_id, fidelity and fill. The first fill of a fidelity is
        what `auto` means there.
    """
    members, rows = [], []
    for run in runs:
        sim = run.member["settings"]["sim"]
        if run.baseline or not run.first or sim["venue"] != "lob":
            continue
        own = str(sim.get("fidelity", "bars"))
        for level in LADDER[LADDER.index(own) :]:
            if not set(NEEDS[level]) <= set(filled):
                continue
            for fill in FILLS[level]:
                key = f"{run.member['id']}-{level}-{fill}"
                lob = {**replay, **sim.get("lob", {}), "fill": fill}
                settings = run.member["settings"] | {"sim": sim | {"fidelity": level, "lob": lob}}
                members.append(run.member | {"id": key, "settings": settings})
                rows.append((key, run.member["id"], level, fill))
    return members, pd.DataFrame(rows, columns=["member", "run_id", "fidelity", "fill"])


def comparison(
    metrics: pd.DataFrame, table: pd.DataFrame, runs: Sequence[RevealedRun]
) -> pd.DataFrame:
    """Metrics of the variants, led by trial_id, name, run_id, fidelity and fill."""
    joined = table.merge(metrics.rename(columns={"run_id": "member"}), on="member")
    found = identify(joined.drop(columns="member"), runs).drop(columns="baseline")
    return found[[*KEY, *found.columns.difference(KEY, sort=False)]]


def _figure(row: Mapping[str, Any], objective: str) -> dict[str, Any]:
    """What one variant came to."""
    if row["status"] != "ok":
        return {"status": str(row["status"]), "error": str(row["error"])}
    value = float(row[objective])
    return {
        "status": "ok",
        "pnl": float(row["pnl"]),
        "objective": value if np.isfinite(value) else None,
        "n_fills": int(row["n_fills"]),
    }


def rank_correlation(
    first: Sequence[float] | np.ndarray, second: Sequence[float] | np.ndarray
) -> float | None:
    """Spearman's rank correlation with mean ranks for ties; None for fewer than 3 or a constant.

    Examples
    --------
    >>> rank_correlation([1.0, 2.0, 3.0], [10.0, 30.0, 20.0])
    0.5
    """
    if len(first) < LEAST_RANKED:
        return None
    a, b = (rankdata(values) - (len(first) + 1) / 2 for values in (first, second))
    norm = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / norm if norm > 0.0 else None


def bracket_board(table: pd.DataFrame, top: Sequence[str], objective: str) -> dict[str, Any]:
    """Brackets, sign flips and rank correlations of the best trials.

    Parameters
    ----------
    table : DataFrame
        Of :func:`comparison`; may be empty.
    top : sequence of str
        Trial ids, best first.
    objective : str
        Metric that ranks.

    Returns
    -------
    dict
        ``objective``; ``brackets``: per trial and fidelity the figures by fill rule and
        ``sign_flip`` (the P&L is a gain under one rule and a loss under another);
        ``sign_flips``: ids of trials with one; ``ranks``: Spearman's correlation of the
        objective between a fidelity and the next finer one under its own rule, with ``n``.
    """
    brackets, flipped = [], []
    for trial in top:
        own = table[table["trial_id"] == trial] if len(table) else table
        for level in LADDER:
            rows = own[own["fidelity"] == level].to_dict("records") if len(own) else []
            if not rows:
                continue
            fills = {str(row["fill"]): _figure(row, objective) for row in rows}
            known = [item["pnl"] for item in fills.values() if item["status"] == "ok"]
            flip = bool(known) and min(known) < 0.0 < max(known)
            brackets.append(
                {"trial_id": trial, "name": str(rows[0]["name"]), "fidelity": level}
                | {"fills": fills, "sign_flip": flip}
            )
            if flip and trial not in flipped:
                flipped.append(trial)
    return {
        "objective": objective,
        "brackets": brackets,
        "sign_flips": flipped,
        "ranks": [_ranks(brackets, LADDER[i], LADDER[i + 1]) for i in range(len(LADDER) - 1)],
    }


def _ranks(brackets: Sequence[Mapping[str, Any]], coarse: str, fine: str) -> dict[str, Any]:
    """Rank correlation of the trials that were played at both fidelities."""
    values: dict[str, dict[str, float]] = {coarse: {}, fine: {}}
    for item in brackets:
        level = item["fidelity"]
        figure = item["fills"].get(FILLS[level][0], {})
        if level in values and figure.get("objective") is not None:
            values[level][item["trial_id"]] = figure["objective"]
    both = [trial for trial in values[coarse] if trial in values[fine]]
    pairs = [[values[level][trial] for trial in both] for level in (coarse, fine)]
    return {
        "coarse": coarse,
        "fine": fine,
        "n": len(both),
        "spearman": rank_correlation(pairs[0], pairs[1]),
    }
