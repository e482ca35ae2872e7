"""Calibration of probabilities, fitted on out-of-sample probabilities only.

References
----------
Platt (1999), Probabilistic outputs for support vector machines.
Zadrozny and Elkan (2002), Transforming classifier scores into accurate multiclass probability
estimates. doi:10.1145/775047.775151
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ethpredict.models.base import Floats, ModelError

KINDS = ("none", "platt", "isotonic")
MIN_ROWS = 50
"""Fewest out-of-sample probabilities that a calibrator is fitted on."""
EDGE = 1e-6
ALIKE = 30.0
"""Precision of the prior N(1, 1/30) on the slope that other nets hand on: nets of one setting,
trained on the blocks of one window, differ in their slope by 0.2 to 0.6."""


@dataclass(frozen=True, slots=True)
class Calibrator:
    """A rising map from probability to probability.

    Parameters
    ----------
    kind : {"platt", "isotonic"}
        ``platt``: ``sigmoid(y[0] + y[1] logit(p))``. ``isotonic``: linear
        between the points (x, y).
    x, y : ndarray of float64
        Parameters of the kind.
    """

    kind: str
    x: Floats
    y: Floats

    def __call__(self, p: Floats) -> Floats:
        """Calibrated probabilities; nan stays nan."""
        if self.kind == "platt":
            return _sigmoid(self.y[0] + self.y[1] * _logit(p))
        out = np.interp(p, self.x, self.y)
        return np.where(np.isnan(p), np.nan, out)

    def state(self) -> dict[str, Any]:
        """JSON form."""
        return {"kind": self.kind, "x": self.x.tolist(), "y": self.y.tolist()}

    @classmethod
    def load(cls, state: dict[str, Any]) -> Calibrator:
        """Inverse of :meth:`state`."""
        return cls(state["kind"], np.array(state["x"], float), np.array(state["y"], float))


def fit_calibrator(
    kind: str, p: Floats, label: Floats, weight: Floats, share: float | None = None
) -> Calibrator:
    """Fit a calibrator.

    Parameters
    ----------
    kind : {"platt", "isotonic"}
        Two parameters in log-odds, with a prior worth one observation that
        nothing has to be changed; or any rising map (pool adjacent violators).
    p : ndarray of float64, shape (n,)
        Out-of-sample probabilities.
    label : ndarray of float64, shape (n,)
        0 or 1.
    weight : ndarray of float64, shape (n,), > 0
        Sample weights.
    share : float in (0, 1), optional
        For `p` of other nets than the one to be calibrated: ``platt`` then
        corrects only how far the log-odds spread about those of this share. The
        level of a net is its own luck: carried over it costs more than it mends.

    Raises
    ------
    ModelError
        If there are fewer than 50 rows, or only one outcome.

    Examples
    --------
    >>> p = np.tile([0.4, 0.6], 500)
    >>> label = np.tile([0.0, 1.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0], 100)
    >>> fit_calibrator("isotonic", p, label, np.ones(1000))(np.array([0.4, 0.6])).round(3).tolist()
    [0.201, 0.799]
    """
    if len(p) < MIN_ROWS or label.min() == label.max():
        raise ModelError(
            f"{len(p)} out-of-sample probabilities with outcomes {sorted(set(label.tolist()))}: "
            f"calibration needs {MIN_ROWS} and both outcomes; lengthen validation.train_days or "
            "take model.calibration none"
        )
    if kind == "platt" and share is None:
        return Calibrator(kind, np.empty(0), _platt(_logit(p), label, weight))
    if kind == "platt":
        slope = _platt(_logit(p), label, weight, ALIKE)[1]
        centre = float(_logit(np.array([share], dtype=np.float64))[0])
        return Calibrator(kind, np.empty(0), np.array([(1.0 - slope) * centre, slope]))
    if kind == "isotonic":
        return _isotonic(p, label, weight)
    raise ValueError(f"kind = {kind!r}: must be one of {', '.join(KINDS)}")


def _platt(z: Floats, label: Floats, weight: Floats, alike: float = 1.0) -> Floats:
    """Intercept and slope by Newton's method; priors N(0, 1), N(1, 1/alike) keep them finite."""
    prior, precision = np.array([0.0, 1.0]), np.array([1.0, alike])
    beta = prior.copy()
    for _ in range(50):
        fitted = _sigmoid(beta[0] + beta[1] * z)
        error, bend = weight * (fitted - label), weight * fitted * (1.0 - fitted)
        slope = np.array([error.sum(), (error * z).sum()]) + precision * (beta - prior)
        mixed = (bend * z).sum()
        curvature = np.array([[bend.sum() + 1.0, mixed], [mixed, (bend * z * z).sum() + alike]])
        step = np.linalg.solve(curvature, slope)
        beta = beta - step
        if np.abs(step).max() < 1e-10:
            break
    # A falling map would turn the order of the signals round on one block's luck.
    return np.array([beta[0], max(beta[1], 0.0)])


def _isotonic(p: Floats, label: Floats, weight: Floats) -> Calibrator:
    """Pool adjacent violators; every pool is drawn to 1/2 by one observation."""
    values, place = np.unique(p, return_inverse=True)
    mass = np.bincount(place, weight)
    mean = np.bincount(place, weight * label) / mass
    pools: list[list[float]] = []  # mean, mass, first and last value
    for value, level, heavy in zip(values, mean, mass, strict=True):
        pools.append([level, heavy, value, value])
        while len(pools) > 1 and pools[-2][0] >= pools[-1][0]:
            above, extra, _, last = pools.pop()
            total = pools[-1][1] + extra
            pools[-1][0] = (pools[-1][0] * pools[-1][1] + above * extra) / total
            pools[-1][1], pools[-1][3] = total, last
    found = np.array(pools)
    drawn = (found[:, 0] * found[:, 1] + 0.5) / (found[:, 1] + 1.0)
    rising = np.maximum.accumulate(drawn)
    x = found[:, 2:].ravel()
    return Calibrator("isotonic", x, np.repeat(rising, 2))


def _logit(p: Floats) -> Floats:
    clipped = np.clip(p, EDGE, 1.0 - EDGE)
    return np.asarray(np.log(clipped) - np.log1p(-clipped))


def _sigmoid(z: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-z)))
