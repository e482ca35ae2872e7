"""Ensembles of level-0 predictions: equal, weighted or stacked.

Weights are fitted on out-of-sample predictions only, those of the blocks
before; see :mod:`ethpredict.models.levels`.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

from ethpredict.models.base import Floats

KINDS = ("none", "mean", "weighted", "stacking")
SHRINKAGE = 0.01
"""Ridge penalty of stacking, as a share of the mean square of the predictions."""


def blend_weights(kind: str, m: Floats, y: Floats, weight: Floats) -> Floats:
    """Weights of the models of an ensemble.

    Parameters
    ----------
    kind : {"none", "mean", "weighted", "stacking"}
        ``none``: only the first. ``mean``: equal. ``weighted``: not negative,
        sum 1, least weighted squared error. ``stacking``: ridge regression of
        the outcome on the predictions, without intercept (each model has its
        own); weights may be negative and shrink a forecast that overreaches.
    m : ndarray of float64, shape (n, k), log return
        Out-of-sample predictions.
    y, weight : ndarray of float64, shape (n,)
        Outcomes and sample weights; with n = 0 every kind but ``none`` gives
        equal weights.

    Returns
    -------
    ndarray of float64, shape (k,)

    Raises
    ------
    ValueError
        If the kind is unknown.

    Examples
    --------
    >>> y = np.array([1.0, -2.0, 3.0, -1.0])
    >>> blend_weights("weighted", np.stack([y, -y], axis=1), y, np.ones(4))
    array([1., 0.])
    """
    count = m.shape[1]
    if kind == "none":
        return np.eye(count)[0]
    if kind not in KINDS:
        raise ValueError(f"kind = {kind!r}: must be one of {', '.join(KINDS)}")
    if kind == "mean" or not len(m):
        return np.full(count, 1.0 / count)
    # Elementwise sums: a product by BLAS would change its bits with the machine.
    gram = np.array([[(weight * a * b).sum() for a in m.T] for b in m.T])
    moment = np.array([(weight * a * y).sum() for a in m.T])
    if kind == "stacking":
        penalty = SHRINKAGE * np.trace(gram) / count
        if not penalty > 0:  # every model predicts zero
            return np.full(count, 1.0 / count)
        return np.asarray(np.linalg.solve(gram + penalty * np.eye(count), moment))
    return _on_simplex(gram, moment)


def _on_simplex(gram: Floats, moment: Floats) -> Floats:
    """Least squares with weights >= 0 that sum to 1, by trying every support."""
    count = len(moment)
    best, least = np.full(count, 1.0 / count), np.inf
    for size in range(1, count + 1):
        for support in map(list, combinations(range(count), size)):
            system = np.zeros((size + 1, size + 1))
            system[:size, :size] = gram[np.ix_(support, support)]
            system[size, :size] = system[:size, size] = 1.0
            right = np.append(moment[support], 1.0)
            found = np.linalg.lstsq(system, right, rcond=None)[0][:size]
            weights = np.zeros(count)
            weights[support] = found
            error = float(weights @ gram @ weights - 2.0 * weights @ moment)
            if found.min() >= 0.0 and abs(found.sum() - 1.0) < 1e-9 and error < least - 1e-15:
                best, least = weights, error
    return best
