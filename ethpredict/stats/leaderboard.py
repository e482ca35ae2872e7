"""The study's outcome: one row per trial, ranks, baselines, and the test of luck."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from ethpredict.errors import ConfigError
from ethpredict.io.artefact import newest
from ethpredict.stats.effects import axis_effects
from ethpredict.stats.fidelity import fidelity_effects
from ethpredict.stats.inclusion import inclusion_fits
from ethpredict.stats.luck import luck_columns, overfitting
from ethpredict.stats.paired import BaselineIndex, market, mean_error, paired_difference
from ethpredict.stats.runs import (
    axis_column,
    daily_matrix,
    model_scores,
    run_table,
    trial_days,
    trial_metrics,
)
from ethpredict.stats.signal import signal_gains

COMPARED = ("no_signal", "do_nothing")
PER_THOUSAND = 1000.0


@dataclass(frozen=True)
class Summary:
    """Tables of a study.

    Attributes
    ----------
    trials : DataFrame
        One row per trial, sorted by trial_id.
    leaderboard : dict
        Counts, the best trial, the baselines, axis effects, PBO and the like; for JSON.
    top : list of str
        Ids of the best trials on validation, best first.
    """

    trials: pd.DataFrame
    leaderboard: dict[str, Any]
    top: list[str]


def rank_trials(table: pd.DataFrame, objective: str) -> pd.Series:
    """Rank the completed trials that are no baseline, 1 = best; ties go to the lower id.

    Parameters
    ----------
    table : DataFrame
        Indexed by trial_id with baseline, status and the objective.
    objective : str
        Column, more is better.

    Returns
    -------
    Series of Int32
        <NA> for baselines, for trials that are not complete and for nan objectives.
    """
    stands = (table["baseline"] == "") & (table["status"] == "ok") & table[objective].notna()
    order = (
        table[stands].reset_index().sort_values([objective, "trial_id"], ascending=[False, True])
    )
    ranks = pd.Series(pd.NA, index=table.index, dtype="Int32")
    ranks[order["trial_id"].to_numpy()] = np.arange(1, len(order) + 1)
    return ranks


def _comparisons(trials: Sequence[Mapping[str, Any]], days: pd.DataFrame) -> pd.DataFrame:
    """Mean daily difference to the baselines at equal settings, USD per 1,000 USD and day."""
    kinds = {
        kind: BaselineIndex([trial for trial in trials if trial["baseline"] == kind])
        for kind in COMPARED
    }
    series = dict(zip(days.columns, days.to_numpy(dtype=np.float64).T, strict=True))
    rows = []
    for trial in trials:
        row: dict[str, Any] = {"trial_id": trial["id"]}
        for kind, index in kinds.items():
            partner = index.match(trial["settings"])
            row[f"{kind}_trial"] = str(partner["id"]) if partner else ""
            known = partner and partner["id"] in series and trial["id"] in series
            gap = paired_difference([], [])
            if partner and known and partner["id"] != trial["id"]:
                gap = paired_difference(series[trial["id"]], series[partner["id"]])
            row[f"vs_{kind}"] = PER_THOUSAND * gap.mean
            row[f"vs_{kind}_se"] = PER_THOUSAND * gap.error
        rows.append(row)
    return pd.DataFrame(rows).set_index("trial_id")


def _chance(
    days: pd.DataFrame, ranked: list[str], chosen: list[str], markets: Mapping[str, str]
) -> dict[str, Any]:
    """Overfitting among the rivals of the best trial in its market and venue, and over all."""
    rivals = [trial for trial in ranked if chosen and markets[trial] == markets[chosen[0]]]
    pooled, effective = overfitting(days, ranked)
    inside = pooled if len(rivals) == len(ranked) else overfitting(days, rivals)[0]
    return {
        "pbo": asdict(inside),
        "pbo_pooled": asdict(pooled),
        "effective_trials": asdict(effective),
        "n_markets": len({markets[trial] for trial in ranked}),
    }


def _plan_columns(
    trials: Sequence[Mapping[str, Any]], axes: Sequence[Mapping[str, Any]]
) -> pd.DataFrame:
    """Columns that the plan knows: name, baseline, axis values."""
    table = pd.DataFrame(
        {
            "trial_id": [trial["id"] for trial in trials],
            "name": [trial.get("name", trial["id"]) for trial in trials],
            "baseline": [trial.get("baseline") or "" for trial in trials],
        }
    )
    for axis in axes:
        key = axis["key"]
        column = axis_column([trial["settings"].get(key) for trial in trials])
        table[f"axis:{key}"] = column.to_numpy()
    return table.set_index("trial_id")


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain dictionaries (numpy and pandas missing values become None)."""
    records = table.reset_index().astype(object)
    return records.where(records.notna(), None).to_dict("records")


def _board(table: pd.DataFrame, top: list[str], objective: str) -> dict[str, Any]:
    """Part of the board that is read off the trial table."""
    counts = table["status"].value_counts()
    broken = table[table["status"] != "ok"]
    return {
        "objective": objective,
        "n_trials": len(table),
        "n_ranked": int(table["rank"].notna().sum()),
        "counts": {str(key): int(counts[key]) for key in sorted(counts.index)},
        "best": _records(table.loc[top[:1]])[0] if top else None,
        "top": _records(table.loc[top]),
        "baselines": _records(table[table["baseline"] != ""]),
        "failed": _records(broken[["name", "baseline", "status", "error"]]),
        "effects": axis_effects(table, objective),
    }


def summarise(
    plan_trials: Sequence[Mapping[str, Any]],
    metrics: Iterable[pd.DataFrame],
    scores: Iterable[pd.DataFrame] = (),
    daily: Iterable[pd.DataFrame] = (),
    *,
    axes: Sequence[Mapping[str, Any]] = (),
    n_trials_ever: int | None = None,
    objective: str = "pnl_1k",
    top: int = 5,
    tips: Callable[[str], pd.DataFrame | None] = lambda _: None,
) -> Summary:
    """Make the trial table and the leaderboard of a study.

    Parameters
    ----------
    plan_trials : sequence of mapping
        Trials of the plan: id, name, baseline, settings (flat, dotted), runs.
    metrics, scores, daily : iterable of DataFrame
        Tables of the simulate, train and simulate packs, oldest pack first: of what two packs
        hold, the later counts.
    axes : sequence of mapping
        Axes of the plan, each with ``key``.
    n_trials_ever : int, optional
        Distinct trials ever tried in the study, baselines not counted; by default those of the
        plan.
    objective : str
        Metric to rank by, averaged over replicates, more is better.
    top : int
        How many trials make the top; at least 1.
    tips : callable
        Gives the single transactions of a fetch id; see :func:`inclusion_fits`.

    Returns
    -------
    Summary
        Trial table, leaderboard and the top trials. Trials with a failed replicate are
        not ranked: the mean over the survivors would flatter them.

    Raises
    ------
    ConfigError
        If `top` is below 1, the plan has no trial, or no pack knows the objective.
    """
    if top < 1:
        raise ConfigError("sweep.top", top, "at least 1")
    if not plan_trials:
        raise ConfigError("trials", 0, "at least one trial", "The plan is empty.")
    runs, results = run_table(plan_trials), newest(metrics, "run_id")
    if results.empty:
        results = pd.DataFrame({"run_id": [], "status": [], "error": []}, dtype=object)
        results[objective] = pd.Series(dtype=np.float64)
    elif objective not in results.columns:
        raise ConfigError("objective", objective, f"one of {sorted(results.columns)}")
    table = _plan_columns(plan_trials, axes)
    table = table.join(trial_metrics(runs, results, objective))
    table = table.join(model_scores(runs, scores))
    table.insert(0, "rank", rank_trials(table, objective))

    good = results.loc[results["status"] == "ok", "run_id"]
    matrix = daily_matrix(runs[runs["run_id"].isin(good)], daily)
    days = trial_days(runs, matrix)
    ranked = [str(trial) for trial in table.index[table["rank"].notna()]]
    baselines = [str(trial) for trial in table.index[table["baseline"] != ""]]
    ever = max(int(n_trials_ever or 0), int((table["baseline"] == "").sum()), 1)
    markets = {str(trial["id"]): market(trial["settings"]) for trial in plan_trials}
    luck, deflation = luck_columns(runs, matrix, ranked, baselines, ever, markets)
    table = table.join(luck)
    errors = {trial: mean_error(days[trial].to_numpy()) for trial in days.columns}
    table[f"{objective}_day_se"] = [PER_THOUSAND * errors.get(t, math.nan) for t in table.index]
    table = table.join(_comparisons(plan_trials, days))

    best = table[table["rank"].notna()].sort_values("rank").index[:top]
    chosen = [str(trial) for trial in best]
    board = _board(table, chosen, objective)
    board |= {"n_trials_ever": ever, "deflation": deflation}
    board |= _chance(days, ranked, chosen, markets)
    board["signal"] = signal_gains(plan_trials, table, days)
    board["fidelity"] = fidelity_effects(plan_trials, table, objective)
    known = {str(run): matrix.index[matrix[run].notna()].tolist() for run in matrix.columns}
    board["inclusion"] = inclusion_fits(plan_trials, known, tips)
    return Summary(table.sort_index().reset_index(), board, chosen)
