"""Scores of many folds as one: pooled sums, not means of ratios."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

SUMS = ("n_rows", "weight", "sse", "sse_zero")
WEIGHTED = {"mae": "weight", "ic": "n_rows", "hit_rate": "n_rows"}


def pool_folds(folds: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Pool the scores of folds.

    Parameters
    ----------
    folds : DataFrame
        One row per group and fold: the columns of `by`, and any of ``n_rows``, ``weight``,
        ``sse``, ``sse_zero``, ``mae``, ``ic``, ``hit_rate`` (see :mod:`ethpredict.models.scores`).
    by : sequence of str
        Columns that make a group.

    Returns
    -------
    DataFrame
        Index `by`, columns ``rmse r2 mae ic hit_rate``; nan where a sum was not recorded.

    Notes
    -----
    rmse = sqrt(sum sse / sum weight) and r2 = 1 - sum sse / sum sse_zero are those of all folds'
    rows taken together, and so is mae (mean over folds with weight ``weight``). ic and hit_rate
    are means over folds weighted by their rows: ranks of different windows are not comparable,
    and a fold without a correlation does not count.

    Examples
    --------
    >>> folds = pd.DataFrame({"m": ["a", "a"], "sse": [1.0, 5.0], "sse_zero": [2.0, 4.0],
    ...                       "ic": [0.1, 0.4], "n_rows": [100.0, 200.0]})
    >>> pool_folds(folds, ["m"])[["r2", "ic"]].round(6).to_numpy().tolist()
    [[0.0, 0.3]]
    """
    names = [*SUMS, *WEIGHTED]
    table = folds.reindex(columns=[*by, *names]).astype(dict.fromkeys(names, "float64"))
    columns = {}
    for name, weight in WEIGHTED.items():
        counts = table[weight].where(table[name].notna())
        columns[f"{name}_above"], columns[f"{name}_below"] = table[name] * counts, counts
    grouped = pd.concat([table[[*by, *SUMS]], pd.DataFrame(columns)], axis=1).groupby(list(by))
    sums = grouped.sum(min_count=1)
    found = pd.DataFrame(
        {
            "rmse": np.sqrt(sums["sse"] / sums["weight"].where(sums["weight"] > 0)),
            "r2": 1.0 - sums["sse"] / sums["sse_zero"].where(sums["sse_zero"] > 0),
        }
    )
    for name in WEIGHTED:
        below = sums[f"{name}_below"]
        found[name] = sums[f"{name}_above"] / below.where(below > 0)
    return found


def jackknife_error(folds: pd.DataFrame) -> pd.Series:
    """Standard error of the pooled scores over the folds of one model.

    Parameters
    ----------
    folds : DataFrame
        One row per fold, as :func:`pool_folds` without `by`.

    Returns
    -------
    Series
        By score: sqrt((K - 1)/K sum (x_k - mean)^2) over the K results that leave one fold out;
        for a mean over equal folds sd / sqrt(K). nan for one fold.

    References
    ----------
    Efron, B. (1982). The Jackknife, the Bootstrap and Other Resampling Plans, ch. 3.
    """
    k = len(folds)
    positions = np.arange(k)
    left = pd.concat(
        [folds[positions != one].assign(left=one) for one in positions], ignore_index=True
    )
    pooled = pool_folds(left, ["left"])
    if k < 2:
        return pd.Series(np.nan, index=pooled.columns)
    return pooled.std(ddof=0, skipna=False) * np.sqrt(k - 1)
