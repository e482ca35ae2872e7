"""How far predictions have been off: the standard error beside each m.

``m_se`` of a window is the weighted root mean squared error ``y - m`` of the
model's **own earlier walk-forward predictions**: rows of earlier test spans
that lie in the window's training range and whose labels ended before its test
span. Those predictions were made by the same settings on data before them, so
this is an honest forecast error of one outcome (not of its mean), known when
the window starts. It costs no extra fit.

The first window has no predecessor: one extra fit on the earlier part of its
training rows predicts the last 20 %, purged between. A window with fewer than
50 such rows (a short test span, a gap) keeps its predecessor's value.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ethpredict.models.base import Floats, Rows
from ethpredict.models.table import Table, Target
from ethpredict.splits import Window, purged_train_rows

MIN_ERRORS = 50
"""Fewest errors that a window's own m_se is taken from."""


def rms(error: Floats, weight: Floats) -> float:
    """Weighted root mean square; nan where the weights are empty.

    Examples
    --------
    >>> rms(np.array([3.0, -5.0]), np.array([1.0, 0.0]))
    3.0
    """
    total = weight.sum()
    return float(np.sqrt((weight * error**2).sum() / total)) if total > 0 else float("nan")


def prediction_errors(
    table: Table, target: Target, windows: Sequence[Window], m: Sequence[Floats], first: float
) -> list[float]:
    """Standard error of the predictions of each window.

    Parameters
    ----------
    table, target : Table, Target
        Rows and outcomes.
    windows : sequence of Window
        In time order.
    m : sequence of ndarray of float64, one per window, log return
        Predictions of each test span.
    first : float, log return
        From the inner block of the first window; may be nan.

    Returns
    -------
    list of float, log return
        One per window.
    """
    made = np.full(len(table.ts), np.nan)
    rows = np.arange(len(table.ts))
    errors: list[float] = []
    last = first
    for window, values in zip(windows, m, strict=True):
        known: Rows = purged_train_rows(rows, target.t1, window)
        known = known[np.isfinite(made[known]) & (target.weight[known] > 0)]
        if len(known) >= MIN_ERRORS:
            last = rms(target.y[known] - made[known], target.weight[known])
        errors.append(last)
        made[window.test_start : window.test_stop] = values
    return errors
