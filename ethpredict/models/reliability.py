"""Whether probabilities mean what they say: log-loss, Brier score, reliability."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ethpredict.models.base import Floats

EDGE = 1e-15
"""Probabilities are kept this far from 0 and 1 in the log-loss."""


@dataclass(frozen=True, slots=True)
class Reliability:
    """Predicted against observed frequency, by bins of the prediction.

    Parameters
    ----------
    predicted, observed, weight : ndarray of float64, shape (bins,)
        Weighted mean prediction, weighted share of ones, and sum of weights of
        each bin that holds something, in rising order.
    ece : float
        Expected calibration error: weighted mean of abs(observed - predicted).
    """

    predicted: Floats
    observed: Floats
    weight: Floats
    ece: float


def reliability(
    outcome: npt.ArrayLike,
    p: npt.ArrayLike,
    weight: npt.ArrayLike | None = None,
    bins: int = 10,
    equal_counts: bool = False,
) -> Reliability:
    """Reliability curve of probabilities.

    Parameters
    ----------
    outcome : array_like of float, shape (n,)
        0 or 1.
    p : array_like of float, shape (n,), in [0, 1]
        Predicted probability of a 1.
    weight : array_like of float, shape (n,), >= 0, optional
        Sample weights; by default 1.
    bins : int, >= 1
        Number of bins.
    equal_counts : bool
        Cut at quantiles of `p` instead of at equal steps of [0, 1].

    Returns
    -------
    Reliability
        nan as calibration error where there are no rows.

    References
    ----------
    Murphy, A. H. and Winkler, R. L. (1977). Reliability of subjective probability forecasts of
    precipitation and temperature. doi:10.2307/2346866. Naeini, Cooper and Hauskrecht (2015),
    Obtaining well calibrated probabilities using Bayesian binning (expected calibration error).

    Examples
    --------
    >>> curve = reliability([0, 1, 1, 1], [0.2, 0.2, 0.9, 0.9], bins=2)
    >>> curve.predicted.tolist(), curve.observed.tolist(), round(curve.ece, 12)
    ([0.2, 0.9], [0.5, 1.0], 0.2)
    """
    y, given, w = _checked(outcome, p, weight)
    if not len(y) or w.sum() <= 0.0:
        empty = np.zeros(0)
        return Reliability(empty, empty, empty, float("nan"))
    inner = np.arange(1, bins) / bins
    cuts = np.unique(np.quantile(given, inner)) if equal_counts else inner
    member = np.searchsorted(cuts, given, side="right")
    total: Floats = np.bincount(member, weights=w).astype(np.float64)
    some = total > 0
    predicted = np.bincount(member, weights=w * given)[some] / total[some]
    observed = np.bincount(member, weights=w * y)[some] / total[some]
    ece = float((total[some] * np.abs(observed - predicted)).sum() / total.sum())
    return Reliability(predicted, observed, total[some], ece)


def probability_scores(
    outcome: npt.ArrayLike, p: npt.ArrayLike, weight: npt.ArrayLike | None = None
) -> dict[str, float]:
    """Proper scores and calibration of probabilities, with their baseline.

    Parameters
    ----------
    outcome, p, weight
        As in :func:`reliability`.

    Returns
    -------
    dict
        ``log_loss`` (nats) and ``brier``: weighted means; ``ece``: of ten
        equal bins; ``baseline_log_loss``, ``baseline_brier``: those of the
        constant forecast that knows the base rate of these rows, which no
        forecaster does: to beat it is hard; ``n_rows``. nan without rows.

    References
    ----------
    Brier, G. W. (1950), doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2.

    Examples
    --------
    >>> found = probability_scores([1, 0], [0.75, 0.25])
    >>> found["brier"], found["baseline_brier"], round(found["log_loss"], 6)
    (0.0625, 0.25, 0.287682)
    """
    y, given, w = _checked(outcome, p, weight)
    names = ("log_loss", "brier", "ece", "baseline_log_loss", "baseline_brier")
    if not len(y) or w.sum() <= 0.0:
        return {**dict.fromkeys(names, float("nan")), "n_rows": float(len(y))}
    rate = np.full(len(y), (w * y).sum() / w.sum())
    values = (
        _log_loss(y, given, w),
        _brier(y, given, w),
        reliability(y, given, w).ece,
        _log_loss(y, rate, w),
        _brier(y, rate, w),
    )
    return {**dict(zip(names, values, strict=True)), "n_rows": float(len(y))}


def _checked(
    outcome: npt.ArrayLike, p: npt.ArrayLike, weight: npt.ArrayLike | None
) -> tuple[Floats, Floats, Floats]:
    y, given = np.asarray(outcome, dtype=np.float64), np.asarray(p, dtype=np.float64)
    w = np.ones(len(y)) if weight is None else np.asarray(weight, dtype=np.float64)
    if not (y.shape == given.shape == w.shape) or y.ndim != 1:
        raise ValueError(f"shapes {y.shape}, {given.shape}, {w.shape}: must be one (n,)")
    if not (np.isin(y, (0.0, 1.0)).all() and ((given >= 0) & (given <= 1)).all()):
        raise ValueError("outcomes must be 0 or 1 and probabilities in [0, 1]")
    return y, given, w


def log_losses(y: Floats, p: Floats) -> Floats:
    """Log-loss of each row, nats, shape (n,); probabilities kept off 0 and 1.

    Examples
    --------
    >>> log_losses(np.array([1.0, 0.0]), np.array([0.5, 0.25])).round(4).tolist()
    [0.6931, 0.2877]
    """
    kept = np.clip(p, EDGE, 1.0 - EDGE)
    return np.asarray(-(y * np.log(kept) + (1.0 - y) * np.log1p(-kept)))


def _log_loss(y: Floats, p: Floats, w: Floats) -> float:
    return float((w * log_losses(y, p)).sum() / w.sum())


def _brier(y: Floats, p: Floats, w: Floats) -> float:
    return float((w * (y - p) ** 2).sum() / w.sum())
