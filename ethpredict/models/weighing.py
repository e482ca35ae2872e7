"""Label weights as one training set uses them: decayed by age, balanced between classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ethpredict.labels.balance import class_balance, time_decay
from ethpredict.models.base import Floats, Rows
from ethpredict.models.table import Target


def training_weights(y: Floats, weight: Floats, model: Mapping[str, Any]) -> Floats:
    """Weigh training rows by ``model.weights``.

    Parameters
    ----------
    y : ndarray of float64, shape (n,), log return
        Outcomes of the training rows, in time order.
    weight : ndarray of float64, shape (n,), > 0
        Their label weights.
    model : mapping
        The ``model`` section; without ``weights`` (the zero model) nothing changes.

    Returns
    -------
    ndarray of float64, shape (n,), >= 0
        First decayed by age, then balanced between rising and falling outcomes.
    """
    options = model.get("weights", {})
    found = weight
    if options.get("time_decay", 1.0) != 1.0:
        found = found * time_decay(weight, float(options["time_decay"]))
    if options.get("class_balance", False):
        found = found * class_balance(np.sign(y), found)
    return found


def weighted_rows(rows: Rows, target: Target, model: Mapping[str, Any]) -> tuple[Rows, Floats]:
    """Training rows of positive weight, and these weights; the decay may take the oldest out."""
    weight = training_weights(target.y[rows], target.weight[rows], model)
    used = weight > 0
    return rows[used], weight[used]
