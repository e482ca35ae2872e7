"""What following a return model's sign gave: meta-labels, net returns, and their scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ethpredict.bootstrap import block_length, resampled_sums
from ethpredict.labels.meta import meta_labels
from ethpredict.models.base import Floats
from ethpredict.models.intervals import DRAWS, LEVEL
from ethpredict.models.reliability import log_losses, probability_scores, reliability
from ethpredict.models.table import Table, Target

Row = tuple[str, int, str, float]
CONFIDENCE, CURVE = "confidence", "confidence_curve"
PRIOR = ("log_loss", "brier")


def signal_outcome(table: Table, target: Target, model: Mapping[str, Any]) -> tuple[Target, float]:
    """Outcome that decides whether a signal paid, and its cost (log return).

    Parameters
    ----------
    table, target : Table, Target
        Rows, and what the model predicts.
    model : mapping
        The ``model`` section.

    Returns
    -------
    outcome : Target
        The first touch with ``meta_labeling``, else the model's own target.
    cost : float
        ``level2.cost_bps`` of the round trip with ``meta_labeling``, else 0.
    """
    if model["meta_labeling"]:
        return table.targets["touch"], float(model["level2"]["cost_bps"]) * 1e-4
    return target, 0.0


def confidence_scores(
    parts: Sequence[tuple[Floats, Floats, Floats, Floats]], rng: np.random.Generator
) -> list[Row]:
    """Scores of the probabilities that level 2 gave out of sample.

    Parameters
    ----------
    parts : sequence of (label, p, weight, prior)
        Per walk-forward window, each of shape (n,): meta-label (nan: none),
        probability (nan: none), sample weight, and the share of signals that
        paid in the window's training span; in time order.
    rng : numpy.random.Generator
        Source of the bootstrap's draws.

    Returns
    -------
    list of (scheme, fold, metric, value)
        ``confidence``, fold -1: those of
        :func:`ethpredict.models.reliability.probability_scores` over all rows
        with both, ``prior_log_loss`` and ``prior_brier`` of the forecast
        that always gives the training share, and ``log_loss_gain``, how much
        lower the log-loss is than that one's (nats), with the 5 % and 95 %
        points ``_low`` and ``_high`` of a stationary block bootstrap of the
        rows. ``confidence_curve``: per bin of
        the probability, in rising order, ``predicted``, ``observed`` and
        ``weight``. Nothing without rows.
    """
    if not parts:
        return []
    label, p, weight, prior = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    seen = np.isfinite(label) & np.isfinite(p) & (weight > 0)
    if not seen.any():
        return []
    label, p, weight, prior = label[seen], p[seen], weight[seen], prior[seen]
    found = [
        (CONFIDENCE, -1, name, value)
        for name, value in probability_scores(label, p, weight).items()
    ]
    base = probability_scores(label, prior, weight)
    found += [(CONFIDENCE, -1, f"prior_{name}", base[name]) for name in PRIOR]
    gain = log_losses(label, prior) - log_losses(label, p)
    found += [(CONFIDENCE, -1, name, value) for name, value in _gain(gain, weight, rng).items()]
    curve = reliability(label, p, weight)
    for place, values in enumerate(
        zip(curve.predicted.tolist(), curve.observed.tolist(), curve.weight.tolist(), strict=True)
    ):
        names = ("predicted", "observed", "weight")
        found += [(CURVE, place, name, v) for name, v in zip(names, values, strict=True)]
    return found


def _gain(gain: Floats, weight: Floats, rng: np.random.Generator) -> dict[str, float]:
    """Weighted mean of a gain per row with its interval; blocks as long as the rows demand."""
    found = {"log_loss_gain": float((weight * gain).sum() / weight.sum())}
    terms = np.column_stack([weight * gain, weight])
    sums = resampled_sums(terms, block_length(terms[:, 0]), DRAWS, rng)
    ends = np.quantile(sums[:, 0] / sums[:, 1], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return found | {
        f"log_loss_gain_{end}": float(v) for end, v in zip(("low", "high"), ends, strict=True)
    }


def window_signals(
    outcome: Floats, weight: Floats, m: Floats, p: Floats, cost: float, prior: float
) -> tuple[Floats, Floats, Floats, Floats]:
    """One window's part for :func:`confidence_scores`; the side is the sign of `m`."""
    return meta_labels(m, outcome, cost), p, weight, np.full(len(p), prior)
