"""Confidence intervals of scores over dependent rows, and of calibration."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from ethpredict.bootstrap import block_length, resampled_sums
from ethpredict.models.base import Floats, Rows

LEVEL = 0.9
DRAWS = 500


def score_intervals(
    y: Floats, m: Floats, weight: Floats, fold: Rows, rng: np.random.Generator
) -> dict[str, float]:
    """Stationary block-bootstrap intervals of the pooled scores.

    Parameters
    ----------
    y, m : ndarray of float64, shape (n,), log return
        Outcomes and predictions of all folds in time order, finite.
    weight : ndarray of float64, shape (n,), > 0
        Sample weights.
    fold : ndarray of int64, shape (n,)
        Fold of each row: ranks are taken within folds.
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    dict
        ``{metric}_low`` and ``{metric}_high`` for rmse, mae, r2, ic, hit_rate:
        the 5 % and 95 % points of 500 samples (nan where a score is not
        defined); ``block_length``: mean block, in rows. Empty for fewer than
        10 rows.

    Notes
    -----
    The block length is the longest that Politis and White's rule gives for the
    weighted squared error, its difference from the zero forecast's, and the
    product of the ranks. The rank correlation resamples the ranks, as they
    stand within the folds, not the values.
    """
    if len(y) < 10:
        return {}
    terms = _terms(y, m, weight, fold)
    series = (terms[:, 0], terms[:, 0] - terms[:, 1], terms[:, 6])
    length = max(block_length(values) for values in series)
    sums = resampled_sums(terms, length, DRAWS, rng)
    found = {"block_length": length}
    for name, values in _statistics(sums).items():
        known = values[np.isfinite(values)]
        low, high = (
            np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
            if len(known) == len(values)
            else (np.nan, np.nan)
        )
        found[f"{name}_low"], found[f"{name}_high"] = float(low), float(high)
    return found


def _terms(y: Floats, m: Floats, weight: Floats, fold: Rows) -> Floats:
    """Per row, everything whose sums make the scores."""
    ranks = np.zeros((2, len(y)))
    for one in np.unique(fold):
        mine = fold == one
        for row, values in enumerate((y, m)):
            ranks[row, mine] = rankdata(values[mine]) - (mine.sum() + 1) / 2
        ranks[:, mine] /= mine.sum()
    signed = weight * ((y != 0) & (m != 0))
    return np.column_stack(
        [
            weight * (y - m) ** 2,
            weight * y**2,
            weight * np.abs(y - m),
            weight,
            signed * (np.sign(y) == np.sign(m)),
            signed,
            ranks[0] * ranks[1],
            ranks[0] ** 2,
            ranks[1] ** 2,
        ]
    )


def _statistics(sums: Floats) -> dict[str, Floats]:
    """Scores from sums of the terms, one per sample."""
    sse, zero, absolute, total, hits, signed, product, left, right = sums.T
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "rmse": np.sqrt(sse / total),
            "mae": absolute / total,
            "r2": 1.0 - sse / zero,
            "ic": product / np.sqrt(left * right),
            "hit_rate": hits / signed,
        }
