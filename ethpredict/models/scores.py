"""Scores of predictions against outcomes, and of the baselines beside them.

No number here tells anything about the locked test: callers pass outcomes
from :meth:`ethpredict.models.table.Target.sealed`.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from ethpredict.models.base import Floats, Rows
from ethpredict.models.table import Table, Target

METRICS = ("mae", "rmse", "r2", "ic", "hit_rate")
SUMS = ("n_rows", "weight", "sse", "sse_zero")
BASELINES = ("zero", "mean_24h", "drift")
DAY_NS = 86_400_000_000_000


def score(y: Floats, m: Floats, weight: Floats) -> dict[str, float]:
    """Errors and skill of predictions.

    Parameters
    ----------
    y : ndarray of float64, shape (n,), log return
        Outcomes, finite.
    m : ndarray of float64, shape (n,), log return
        Predictions, finite.
    weight : ndarray of float64, shape (n,), > 0
        Sample weights.

    Returns
    -------
    dict
        ``mae``, ``rmse``: weighted, log return. ``r2``: out of sample, against
        the zero forecast: 1 - sse / sse_zero; a forecast is not credited with
        the mean of outcomes that nobody knew. ``ic``: Spearman correlation
        (ranks are not weighted). ``hit_rate``: weighted share of equal signs
        among rows where neither is zero. nan where a score is not defined (no
        rows, or a constant). The sums that pool folds: ``n_rows``, ``weight``
        (sum of weights), ``sse`` and ``sse_zero`` (weighted squared error of
        the predictions and of zero); 0 without rows.

    References
    ----------
    Gu, S., Kelly, B. and Xiu, D. (2020). Empirical asset pricing via machine learning. Review of
    Financial Studies 33(5): out-of-sample R2 against zero. doi:10.1093/rfs/hhaa009

    Examples
    --------
    >>> found = score(np.array([3.0, -1.0]), np.array([1.0, 1.0]), np.ones(2))
    >>> found["rmse"], found["hit_rate"], found["r2"]
    (2.0, 0.5, 0.19999999999999996)
    """
    if not len(y):
        return {**dict.fromkeys(METRICS, float("nan")), **dict.fromkeys(SUMS, 0.0)}
    total = weight.sum()
    error = y - m
    squared = (weight * error**2).sum()
    zero = (weight * y**2).sum()
    signed = weight * ((y != 0) & (m != 0))
    hits = (signed * (np.sign(y) == np.sign(m))).sum()
    return {
        "mae": float((weight * np.abs(error)).sum() / total),
        "rmse": float(np.sqrt(squared / total)),
        "r2": float(1.0 - squared / zero) if zero > 0 else float("nan"),
        "ic": spearman(y, m),
        "hit_rate": float(hits / signed.sum()) if signed.sum() > 0 else float("nan"),
        "n_rows": float(len(y)),
        "weight": float(total),
        "sse": float(squared),
        "sse_zero": float(zero),
    }


def spearman(a: Floats, b: Floats) -> float:
    """Rank correlation with mean ranks for ties; nan for a constant or fewer than three rows."""
    if len(a) < 3:
        return float("nan")
    ranks_a, ranks_b = (rankdata(values) - (len(a) + 1) / 2 for values in (a, b))
    norm = np.sqrt((ranks_a**2).sum() * (ranks_b**2).sum())
    return float((ranks_a * ranks_b).sum() / norm) if norm > 0 else float("nan")


def baselines(table: Table, target: Target, train: Rows, test: Rows) -> dict[str, Floats]:
    """Forecasts that need no model.

    Parameters
    ----------
    table, target : Table, Target
        Rows and outcomes.
    train, test : ndarray of int64, bar positions
        The split.

    Returns
    -------
    dict
        ``zero`` (a random walk has no expected return), ``drift`` (weighted
        mean of the training outcomes) and ``mean_24h`` (weighted mean of the
        outcomes that became known in the 24 hours up to the row, the drift
        where there were none), each of shape (len(test),), log return.
    """
    weight = target.weight[train]
    total = weight.sum()
    drift = float((weight * target.y[train]).sum() / total) if total > 0 else 0.0
    return {
        "zero": np.zeros(len(test)),
        "mean_24h": _recent_mean(table, target, test, drift),
        "drift": np.full(len(test), drift),
    }


def _recent_mean(table: Table, target: Target, test: Rows, fallback: float) -> Floats:
    """Weighted mean of the outcomes whose label closed in the last 24 hours."""
    known = np.flatnonzero((target.t1 >= 0) & (target.weight > 0))
    known = known[np.argsort(target.t1[known], kind="stable")]
    ends = target.t1[known]
    oldest = np.searchsorted(table.ts, table.ts[test] - DAY_NS, side="right")
    first = np.searchsorted(ends, oldest, side="left")
    last = np.searchsorted(ends, test, side="right")
    weight = np.concatenate([[0.0], target.weight[known].cumsum()])
    value = np.concatenate([[0.0], (target.weight[known] * target.y[known]).cumsum()])
    some = last > first
    mean = (value[last] - value[first]) / np.where(some, weight[last] - weight[first], 1.0)
    return np.where(some, mean, fallback)
