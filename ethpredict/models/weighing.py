"""Label weights as one training set uses them: decayed by age, balanced between classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ethpredict.labels.balance import class_balance, time_decay
from ethpredict.labels.bootstrap import sequential_bootstrap
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


def bootstrapped(model: Mapping[str, Any]) -> bool:
    """Whether every fit of level 0 learns from its own bootstrapped sample."""
    return str(model.get("weights", {}).get("bootstrap", "none")) == "sequential"


def weighted_rows(
    rows: Rows, target: Target, model: Mapping[str, Any], seed: int = 0
) -> tuple[Rows, Floats]:
    """Training rows of positive weight, and these weights.

    Parameters
    ----------
    rows : ndarray of int64, bar positions
        Training rows in time order.
    target : Target
        Their outcomes, label intervals and weights.
    model : mapping
        The ``model`` section.
    seed : int
        Of the bootstrap; not used without.

    Returns
    -------
    rows : ndarray of int64
        Those that count: the decay may take the oldest out, the bootstrap
        leaves out what was not drawn.
    weight : ndarray of float64, > 0
        :func:`training_weights`, times how often
        :func:`ethpredict.labels.sequential_bootstrap` drew the row where
        ``weights.bootstrap`` is ``sequential``.
    """
    weight = training_weights(target.y[rows], target.weight[rows], model)
    if bootstrapped(model):
        ends = target.t1[rows]
        drawn = sequential_bootstrap(rows, ends, np.random.default_rng(seed))
        weight = weight * np.bincount(drawn, minlength=len(rows))
    used = weight > 0
    return rows[used], weight[used]
