"""From the packs' tables to one row per run and one row per trial."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ethpredict.io.artefact import newest
from ethpredict.stats.pooled import SUMS, WEIGHTED, pool_folds

MODEL_SCORES = ("ic", "rmse", "r2", "hit_rate")
CAUSAL_SCHEME = "walk_forward"
SCORES = ("scheme", "fold", "metric", "value")
INTERVAL_SCHEME, BOUNDS = "walk_forward_interval", ("ic_low", "ic_high")
NOT_METRICS = ("run_id", "status", "error")


def run_table(trials: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """List the runs of the plan.

    Parameters
    ----------
    trials : sequence of mapping
        Trials of the plan, each with ``id`` and ``runs``.

    Returns
    -------
    DataFrame
        Columns trial_id, run_id, replicate, model; in the order of the plan.
    """
    rows = [
        (trial["id"], run["id"], int(run.get("replicate", 0)), run.get("model") or "")
        for trial in trials
        for run in trial["runs"]
    ]
    return pd.DataFrame(rows, columns=["trial_id", "run_id", "replicate", "model"])


def _states(joined: pd.DataFrame) -> pd.DataFrame:
    """Status, error and number of good runs of every trial, in the order of the plan."""
    joined = joined.assign(
        good=joined["status"].eq("ok"),
        absent=joined["status"].eq("missing"),
        reason=joined["error"].where(joined["status"].ne("ok")).replace("", None),
    )
    grouped = joined.groupby("trial_id", sort=False)
    table = grouped.agg(
        runs=("good", "size"),
        good=("good", "sum"),
        absent=("absent", "sum"),
        error=("reason", "first"),
    )
    rows = []
    for runs, good, absent, error in table.itertuples(index=False):
        reason = error if isinstance(error, str) else ""
        if good == runs:
            rows.append(("ok", ""))
        elif good:
            rows.append(("partial", reason or f"{runs - good} of {runs} replicates have no result"))
        elif absent == runs:
            rows.append(("missing", "not simulated yet"))
        else:
            rows.append(("failed", reason or "no reason recorded"))
    states = pd.DataFrame(rows, columns=["status", "error"], index=table.index)
    return states.assign(n_replicates=table["good"].astype("int32"))


def trial_metrics(
    runs: pd.DataFrame, metrics: pd.DataFrame, objective: str = "pnl_1k"
) -> pd.DataFrame:
    """Average the metrics over the replicates of each trial.

    Parameters
    ----------
    runs : DataFrame
        As :func:`run_table`.
    metrics : DataFrame
        One row per run: ``run_id``, ``status``, ``error`` and float metrics.
    objective : str
        Column that also gets a standard error.

    Returns
    -------
    DataFrame
        Indexed by trial_id: status (``ok``, ``partial``: some replicates failed, ``failed``,
        ``missing``), error, n_replicates (good ones), the mean of every metric over the good
        replicates and ``<objective>_se`` = sd / sqrt(n) over replicates, nan for one.
    """
    joined = runs.merge(metrics, on="run_id", how="left")
    joined["status"] = joined["status"].where(joined["status"].notna(), "missing")
    names = [
        column
        for column in metrics.columns
        if column not in NOT_METRICS and pd.api.types.is_numeric_dtype(metrics[column])
    ]
    table = _states(joined)
    good = joined[joined["status"] == "ok"].groupby("trial_id", sort=False)
    means = good[names].mean().reindex(table.index)
    if objective in names:
        spread = good[objective].std(ddof=1).reindex(table.index)
        means.insert(
            names.index(objective) + 1, f"{objective}_se", spread / np.sqrt(table["n_replicates"])
        )
    return table.join(means)


def daily_matrix(runs: pd.DataFrame, daily: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Daily returns of every run.

    Parameters
    ----------
    runs : DataFrame
        As :func:`run_table`.
    daily : iterable of DataFrame
        Tables with run_id, day (days since 1970-01-01) and per_capital.

    Returns
    -------
    DataFrame, shape (days, runs)
        Index day, columns run_id; nan where a run has no such day.
    """
    wanted = set(runs["run_id"])
    joined = newest((table[table["run_id"].isin(wanted)] for table in daily), "run_id")
    if joined.empty:
        return pd.DataFrame()
    return joined.pivot(index="day", columns="run_id", values="per_capital").sort_index()


def trial_days(runs: pd.DataFrame, matrix: pd.DataFrame) -> pd.DataFrame:
    """Average the daily returns over the replicates of each trial, shape (days, trials)."""
    if matrix.empty:
        return pd.DataFrame()
    owner = runs.drop_duplicates(["trial_id", "run_id"])
    owner = owner[owner["run_id"].isin(matrix.columns)]
    wide = matrix[owner["run_id"]].T.set_axis(owner["trial_id"].to_numpy())
    return wide.groupby(level=0, sort=False).mean().T


def model_scores(runs: pd.DataFrame, scores: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Pool the walk-forward scores over folds; average them over each trial's replicates.

    Parameters
    ----------
    runs : DataFrame
        As :func:`run_table`.
    scores : iterable of DataFrame
        Tables with model_id, scheme, fold, metric, value.

    Returns
    -------
    DataFrame
        Index trial_id, columns ic, rmse, r2, hit_rate (nan where not scored), pooled by
        :func:`ethpredict.stats.pooled.pool_folds`, and ic_low, ic_high: the bounds of the
        block-bootstrap interval of 90 % (means over replicates, too).
    """
    joined = newest(scores, "model_id").reindex(columns=["model_id", *SCORES])
    causal = joined[joined["scheme"] == CAUSAL_SCHEME]
    if causal.empty:
        return pd.DataFrame(columns=[*MODEL_SCORES, *BOUNDS], dtype=np.float64)
    parts = causal[causal["metric"].isin((*SUMS, *WEIGHTED))]
    folds = parts.pivot_table(index=["model_id", "fold"], columns="metric", values="value")
    models = pool_folds(folds.reset_index(), ["model_id"])[list(MODEL_SCORES)]
    found = joined[joined["scheme"] == INTERVAL_SCHEME]
    bounds = found.pivot_table(index="model_id", columns="metric", values="value")
    models = models.join(bounds.reindex(columns=list(BOUNDS)))
    paired = runs[["trial_id", "model"]].merge(models, left_on="model", right_index=True)
    return paired.groupby("trial_id", sort=False)[[*MODEL_SCORES, *BOUNDS]].mean()


def axis_column(values: Sequence[Any]) -> pd.Series:
    """Column of one axis for the trial table: numbers stay numbers, the rest becomes text.

    Examples
    --------
    >>> axis_column([0.1, None, 2]).tolist()
    [0.1, nan, 2.0]
    >>> axis_column(["glft", True]).tolist()
    ['glft', 'true']
    """
    known = [value for value in values if value is not None]
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in known):
        return pd.Series([math.nan if value is None else float(value) for value in values])
    return pd.Series(
        [
            value if value is None or isinstance(value, str) else json.dumps(value)
            for value in values
        ],
        dtype=object,
    )
