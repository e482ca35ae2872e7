"""Which features a model's skill rests on: permutation (MDA), single features (SFI), gain (MDI).

MDA and SFI are measured on purged folds, never on training rows. Features that
stand in for each other hide each other's importance, so groups of correlated
features can be permuted together (clustered MDA).

References
----------
Lopez de Prado (2018), chapter 8; (2020), Machine Learning for Asset Managers, chapter 6
(clusters), doi:10.1017/9781108883658.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from ethpredict.models.base import Floats, Rows

Predictor = Callable[[Floats], Floats]
Learner = Callable[[Floats, Floats, Floats], Predictor]
"""From features (n, p), outcomes and weights to a predictor of features (k, p)."""
Folds = Iterable[tuple[Rows, Rows]]


def permutation_importance(
    learner: Learner,
    x: Floats,
    y: Floats,
    weight: Floats,
    folds: Folds,
    groups: Sequence[Sequence[int]],
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Out-of-sample R2 that is lost when a group of features is shuffled (MDA).

    Parameters
    ----------
    learner : callable
        Fits one model.
    x : ndarray of float64, shape (n, p)
        Features, finite.
    y, weight : ndarray of float64, shape (n,)
        Outcomes and sample weights.
    folds : iterable of (train, test)
        Purged, as :func:`ethpredict.splits.purged_kfold` gives them.
    groups : sequence of sequence of int
        Columns that are shuffled together, by one permutation of the test rows;
        ``[[0], [1], ...]`` is the plain MDA, :func:`feature_clusters` the clustered one.
    rng : numpy.random.Generator
        Source of the permutations.

    Returns
    -------
    DataFrame
        One row per group: ``mean`` and ``error`` (standard error over folds) of
        ``(sse shuffled - sse) / sse of zero``.
    """
    lost = []
    for train, test in folds:
        predict = learner(x[train], y[train], weight[train])
        outcome, w = y[test], weight[test]
        zero = (w * outcome**2).sum()
        whole = (w * (outcome - predict(x[test])) ** 2).sum()
        row = []
        for group in groups:
            shuffled = x[test].copy()
            shuffled[:, group] = shuffled[rng.permutation(len(test))][:, group]
            row.append(((w * (outcome - predict(shuffled)) ** 2).sum() - whole) / zero)
        lost.append(row)
    return _over_folds(lost)


def single_importance(
    learner: Learner,
    x: Floats,
    y: Floats,
    weight: Floats,
    folds: Folds,
    groups: Sequence[Sequence[int]],
) -> pd.DataFrame:
    """Out-of-sample R2 of models that see one group of features only (SFI).

    Parameters
    ----------
    learner, x, y, weight, folds, groups
        As in :func:`permutation_importance`.

    Returns
    -------
    DataFrame
        One row per group: ``mean`` and ``error`` of ``1 - sse / sse of zero``.
    """
    found = []
    for train, test in folds:
        outcome, w = y[test], weight[test]
        zero = (w * outcome**2).sum()
        row = []
        for group in groups:
            columns = list(group)
            predict = learner(x[train][:, columns], y[train], weight[train])
            row.append(1.0 - (w * (outcome - predict(x[test][:, columns])) ** 2).sum() / zero)
        found.append(row)
    return _over_folds(found)


def gain_importance(gain: Mapping[str, float], names: Sequence[str]) -> pd.Series:
    """Share of the trees' total gain by feature (MDI).

    In sample and biased towards features with many values: read it beside MDA.

    Parameters
    ----------
    gain : mapping of str to float
        Total gain, as ``booster.get_score(importance_type="total_gain")``;
        features that were never split on are left out there.
    names : sequence of str
        All features.

    Returns
    -------
    Series
        Index `names`, adding up to 1; 0 throughout for a model without a split.

    Examples
    --------
    >>> gain_importance({"a": 3.0, "c": 1.0}, ["a", "b", "c"]).tolist()
    [0.75, 0.0, 0.25]
    """
    found = pd.Series({name: float(gain.get(name, 0.0)) for name in names})
    return found / found.sum() if found.sum() > 0 else found


def feature_clusters(x: Floats, correlation: float = 0.5) -> list[list[int]]:
    """Group features that move together.

    Parameters
    ----------
    x : ndarray of float64, shape (n, p)
        Features of training rows, none constant.
    correlation : float, 0 < correlation < 1
        Mean absolute correlation above which two clusters are one.

    Returns
    -------
    list of list of int
        Rising column numbers, by average linkage on ``1 - |rho|``; in the order of
        their first columns.
    """
    if x.shape[1] < 2:
        return [[column] for column in range(x.shape[1])]
    distance = 1.0 - np.abs(np.corrcoef(x, rowvar=False))
    np.fill_diagonal(distance, 0.0)
    tree = linkage(squareform(np.clip(distance, 0.0, 1.0), checks=False), method="average")
    member = fcluster(tree, 1.0 - correlation, criterion="distance")
    clusters: dict[int, list[int]] = {}
    for column, number in enumerate(member):
        clusters.setdefault(int(number), []).append(column)
    return list(clusters.values())


def _over_folds(rows: Sequence[Sequence[float]]) -> pd.DataFrame:
    values: npt.NDArray[np.float64] = np.array(rows, dtype=np.float64)
    error = np.full(values.shape[1], np.nan)
    if len(values) > 1:
        error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    return pd.DataFrame({"mean": values.mean(axis=0), "error": error})
