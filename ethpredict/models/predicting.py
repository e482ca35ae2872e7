"""Predictions of rows: which rows a model can predict, and their values."""

from __future__ import annotations

import numpy as np

from ethpredict.models.base import Floats, Regressor, Rows
from ethpredict.models.segments import Bools, run_lengths


def readable_lengths(x: Floats, gap: Bools) -> Rows:
    """Bars with finite features and without a gap up to each bar, the bar included.

    Parameters
    ----------
    x : ndarray of float64, shape (n_bars, p)
        Features.
    gap : ndarray of bool, shape (n_bars,)
        Whether data is missing between a bar and the one before it.

    Returns
    -------
    ndarray of int64, shape (n_bars,)
    """
    return run_lengths(np.asarray(np.isfinite(x).all(axis=1)), gap)


def predict_rows(
    regressor: Regressor, x: Floats, lengths: Rows, rows: Rows, uses_features: bool
) -> Floats:
    """Predict rows; those without enough unbroken bars up to them give nan.

    Parameters
    ----------
    regressor : Regressor
        Fitted model.
    x : ndarray of float64, shape (n_bars, p)
        Features.
    lengths : ndarray of int64, shape (n_bars,)
        From :func:`readable_lengths`.
    rows : ndarray of int64, bar positions
        Rows to predict.
    uses_features : bool
        False for a model that predicts without features.

    Returns
    -------
    ndarray of float64, shape (len(rows),), log return
    """
    if not uses_features:
        return regressor.predict(x, rows)
    m = np.full(len(rows), np.nan)
    usable = lengths[rows] >= regressor.lookback
    m[usable] = regressor.predict(x, rows[usable])
    return m


def window_bars(rows: Rows, length: int) -> Rows:
    """Bars of all windows of `length` bars that end in the rows, rising, each once.

    Examples
    --------
    >>> window_bars(np.array([4, 5, 9]), 2).tolist()
    [3, 4, 5, 8, 9]
    """
    return np.unique(rows[:, None] - np.arange(length))
