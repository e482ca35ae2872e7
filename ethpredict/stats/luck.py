"""Is the best trial better than luck: deflated Sharpe per trial, PBO over its rivals."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ethpredict.stats.overfit import Statistic, effective_trials, pbo
from ethpredict.stats.sharpe import (
    deflated_sharpe,
    expected_max_sharpe,
    min_track_record,
    return_moments,
)

MIN_DAYS = 30
MAX_BLOCKS = 16
DAYS_PER_BLOCK = 5
MIN_TRIALS = 2
MAX_CLUSTERED = 2_000


@dataclass(frozen=True)
class Finding:
    """A figure of the study, or the reason why there is none.

    Attributes
    ----------
    value : float
        The figure; nan when not available.
    reason : str
        Empty, or why the figure is not available.
    blocks : int
        Blocks of the cross-validation (PBO only).
    days : int
        Days that it rests on.
    trials : int
        Trials that it rests on.
    """

    value: float
    reason: str = ""
    blocks: int = 0
    days: int = 0
    trials: int = 0


def _moments(runs: pd.DataFrame, matrix: pd.DataFrame, trial_ids: list[str]) -> pd.DataFrame:
    """Mean over replicates of each run's moments: one seed's risk, not the blend's."""
    rows = []
    place = {run: position for position, run in enumerate(matrix.columns)}
    series = np.ascontiguousarray(matrix.to_numpy(dtype=np.float64).T)
    members: dict[str, list[int]] = {}
    for trial, run in zip(runs["trial_id"], runs["run_id"], strict=True):
        if run in place:
            members.setdefault(trial, []).append(place[run])
    for trial in trial_ids:
        found = [return_moments(series[position]) for position in members.get(trial, [])]
        if not found:
            rows.append((0, math.nan, math.nan, math.nan))
            continue
        table = np.array([(m.n_obs, m.sharpe, m.skew, m.kurtosis) for m in found], dtype=float)
        rows.append((int(table[:, 0].min()), *table[:, 1:].mean(axis=0)))
    columns = ["n_days", "sharpe_daily", "skew", "kurtosis"]
    return pd.DataFrame(rows, columns=columns, index=trial_ids).astype({"n_days": "int32"})


def _no_ratio(table: pd.DataFrame) -> str:
    """Why no ranked trial has a Sharpe ratio."""
    if table.empty:
        return "no trial is ranked"
    longest = int(table["n_days"].max())
    if longest < MIN_DAYS:
        return f"there are only {longest} days; at least {MIN_DAYS} are needed"
    return "the daily returns do not vary"


def _deflated(table: pd.DataFrame, n_trials: int, variances: pd.Series) -> pd.Series:
    """Deflated Sharpe ratio of the trials that `variances` names; nan where V is not known."""
    known = variances.dropna()
    rows = table.loc[known.index, ["sharpe_daily", "n_days", "skew", "kurtosis"]]
    found = {
        trial: deflated_sharpe(sharpe, n_days, skew, kurtosis, n_trials, variance)
        for (trial, sharpe, n_days, skew, kurtosis), variance in zip(
            rows.itertuples(), known, strict=True
        )
    }
    return pd.Series(found, dtype=np.float64).reindex(table.index)


def luck_columns(
    runs: pd.DataFrame,
    matrix: pd.DataFrame,
    ranked: list[str],
    others: list[str],
    n_trials: int,
    markets: Mapping[str, str],
) -> tuple[pd.DataFrame, dict[str, float | str]]:
    """Deflated Sharpe ratio of every trial.

    Parameters
    ----------
    runs, matrix : DataFrame
        Runs of the plan, and daily returns (days, runs).
    ranked : list of str
        Completed trials that are no baseline: their Sharpe ratios make the variance V.
    others : list of str
        Trials that get the moments too (baselines).
    n_trials : int
        N: all distinct trials ever tried, failed ones too.
    markets : mapping
        Trial id to its market and venue.

    Returns
    -------
    DataFrame
        Index trial_id: n_days, sharpe_daily, skew, kurtosis, dsr (V over all ranked trials),
        dsr_venue and sharpe_variance_venue (V over those of the same market and venue, not
        known for fewer than 2 of them), min_track_record (days). The ratios are nan below
        30 days and for baselines.
    dict
        ``n_trials``, ``sharpe_variance``, ``benchmark`` (SR0 per day) and ``reason``: why no trial
        has a deflated Sharpe ratio, or empty.
    """
    table = _moments(runs, matrix, ranked + others)
    ratios = table.loc[ranked, "sharpe_daily"].where(table.loc[ranked, "n_days"] >= MIN_DAYS)
    ratios = ratios.dropna()
    variance = float(ratios.var(ddof=1)) if len(ratios) >= MIN_TRIALS else 0.0
    place = pd.Series([markets[trial] for trial in ratios.index], index=ratios.index, dtype=object)
    inside = ratios.groupby(place).transform("var").astype(np.float64)
    if n_trials == 1:  # no search, nothing to deflate
        inside = inside.fillna(0.0)
    needed = {
        trial: min_track_record(sharpe, skew, kurtosis)
        for trial, _, sharpe, skew, kurtosis in table.loc[ratios.index].itertuples()
    }
    pooled = pd.Series(variance, index=ratios.index, dtype=np.float64)
    table["dsr"] = _deflated(table, n_trials, pooled)
    table["dsr_venue"] = _deflated(table, n_trials, inside)
    table["sharpe_variance_venue"] = inside.reindex(table.index)
    table["min_track_record"] = pd.Series(needed, dtype=np.float64).reindex(table.index)
    summary: dict[str, float | str] = {
        "n_trials": float(n_trials),
        "sharpe_variance": variance,
        "benchmark": expected_max_sharpe(n_trials, variance),
        "reason": "" if len(ratios) else _no_ratio(table.loc[ranked]),
    }
    return table, summary


def overfitting(
    days: pd.DataFrame, candidates: list[str], statistic: Statistic = "mean"
) -> tuple[Finding, Finding]:
    """Probability of backtest overfitting and effective number of trials.

    Parameters
    ----------
    days : DataFrame, shape (days, trials)
        Daily returns on capital.
    candidates : list of str
        Trials that stood for choice.
    statistic : {"mean", "sharpe"}
        What the search maximised; the mean daily return is what ``pnl_1k`` measures.

    Returns
    -------
    pbo, effective : Finding
        Both over the days that all candidates share.
    """
    present = [trial for trial in candidates if trial in days.columns]
    if len(present) < MIN_TRIALS:
        text = f"only {len(present)} ranked trial(s) have daily results; at least 2 are needed"
        return Finding(math.nan, text), Finding(math.nan, text)
    shared = days[present].dropna(axis=0)
    n_days, n_trials = shared.shape
    if n_days < MIN_DAYS:
        text = f"only {n_days} days are shared by all ranked trials; at least {MIN_DAYS} are needed"
        short = Finding(math.nan, text, 0, n_days, n_trials)
        return short, short
    x = shared.to_numpy(dtype=np.float64)
    blocks = min(MAX_BLOCKS, 2 * (n_days // (2 * DAYS_PER_BLOCK)))
    chance = Finding(pbo(x, blocks, statistic), "", blocks, n_days, n_trials)
    if n_trials > MAX_CLUSTERED:
        text = f"{n_trials} trials are too many to cluster (limit {MAX_CLUSTERED})"
        return chance, Finding(math.nan, text, 0, n_days, n_trials)
    return chance, Finding(float(effective_trials(x)), "", 0, n_days, n_trials)
