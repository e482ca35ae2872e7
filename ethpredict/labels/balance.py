"""Weights that depend on the training rows: time decay and class balance.

Both look at a whole training set, so they belong to the fit of a window, not
to the label stage: computed over all data they would carry later rows into
earlier weights.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ethpredict.errors import ConfigError

Floats = npt.NDArray[np.float64]


def time_decay(uniqueness: npt.ArrayLike, oldest: float) -> Floats:
    """Piecewise-linear decay over cumulated uniqueness; the newest label has 1.

    With ``x = cumulated uniqueness / its total``, in (0, 1]: for ``oldest`` in
    [0, 1] the factor is ``oldest + (1 - oldest) x``; for ``oldest`` in (-1, 0)
    it is ``max(0, (x + oldest) / (1 + oldest))``, so that the oldest share
    ``-oldest`` of the labels counts nothing.

    Parameters
    ----------
    uniqueness : array_like of float, shape (n,), >= 0
        Of the training rows in time order: labels that overlap much age
        slowly, because they say little that is new.
    oldest : float, -1 < oldest <= 1
        Factor of the oldest label; 1 is no decay.

    Returns
    -------
    ndarray of float64, shape (n,), in [0, 1]
        Factors for the weights.

    Raises
    ------
    ConfigError
        If `oldest` is out of range (``model.weights.time_decay``).

    References
    ----------
    Lopez de Prado (2018), snippet 4.11.

    Examples
    --------
    >>> time_decay([1.0, 1.0, 1.0, 1.0], 0.5)
    array([0.625, 0.75 , 0.875, 1.   ])
    >>> time_decay([1.0, 1.0, 1.0, 1.0], -0.5)
    array([0. , 0. , 0.5, 1. ])
    """
    if not -1.0 < oldest <= 1.0:
        raise ConfigError("model.weights.time_decay", oldest, "above -1 and at most 1")
    age = np.cumsum(np.asarray(uniqueness, dtype=np.float64))
    if not len(age) or age[-1] <= 0.0:
        return np.ones(len(age))
    share = age / age[-1]
    if oldest >= 0.0:
        return oldest + (1.0 - oldest) * share
    return np.maximum((share + oldest) / (1.0 + oldest), 0.0)


def class_balance(classes: npt.ArrayLike, weight: npt.ArrayLike) -> Floats:
    """Factors that give every class the same total weight and leave the sum as it is.

    Parameters
    ----------
    classes : array_like of float, shape (n,)
        Class of each training row.
    weight : array_like of float, shape (n,), >= 0
        Weights of the rows.

    Returns
    -------
    ndarray of float64, shape (n,)
        ``total / (K x total of the row's class)`` with K the number of classes
        of positive total; 0 for a class without weight.

    Examples
    --------
    >>> class_balance([1, 1, 1, -1], [1.0, 1.0, 1.0, 1.0]).round(3).tolist()
    [0.667, 0.667, 0.667, 2.0]
    """
    given = np.asarray(weight, dtype=np.float64)
    _, member = np.unique(np.asarray(classes), return_inverse=True)
    totals = np.bincount(member, weights=given)
    positive = totals > 0
    factors = np.divide(
        totals.sum(), positive.sum() * totals, out=np.zeros(len(totals)), where=positive
    )
    return factors[member]
