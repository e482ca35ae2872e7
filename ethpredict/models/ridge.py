"""Ridge regression on scaled features.

All sums are taken column by column with elementwise products and pairwise
summation, and never by BLAS: its results change with the number of threads
and with the number of rows at hand. So a coefficient is the same on any
machine set-up, and a row's prediction is the same alone or in any table.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ethpredict.models.base import (
    Algorithm,
    Floats,
    ModelError,
    Regressor,
    Rows,
    Sample,
    Settings,
)
from ethpredict.models.scaler import Scaler, fit_scaler


@dataclass(frozen=True, slots=True)
class NormalEquations:
    """Weighted moments of one window; all penalties are solved from them.

    Parameters
    ----------
    scaler : Scaler
        Fitted on the window's training rows.
    z_mean : ndarray of float64, shape (k,)
        Weighted mean of the scaled features.
    y_mean : float, log return
        Weighted mean of the target.
    gram : ndarray of float64, shape (k, k)
        ``sum w (z - z_mean)(z - z_mean)'``.
    moment : ndarray of float64, shape (k,), log return
        ``sum w (z - z_mean)(y - y_mean)``.
    """

    scaler: Scaler
    z_mean: Floats
    y_mean: float
    gram: Floats
    moment: Floats


class RidgeRegressor(Regressor):
    """``m = intercept + sum_j coef_j (x_j - center_j) / scale_j``."""

    def __init__(self, scaler: Scaler, coef: Floats, intercept: float) -> None:
        self.scaler, self.coef, self.intercept = scaler, coef, intercept
        self.left_out = scaler.left_out

    def predict(self, features: Floats, rows: Rows) -> Floats:
        """Predicted log return, shape (len(rows),)."""
        m = np.full(len(rows), self.intercept)
        for row, coef in zip(self.scaler.transform(features[rows]), self.coef, strict=True):
            m += row * coef
        return m

    def state(self) -> dict[str, Any]:
        """Scaler, coefficients per scaled feature (log return) and intercept."""
        return {
            "scaler": self.scaler.state(),
            "coef": self.coef.tolist(),
            "intercept": self.intercept,
        }


class Ridge(Algorithm):
    """Weighted ridge regression with a free intercept.

    Minimises ``sum w_i (y_i - b - z_i'beta)^2 + alpha |beta|^2``. The weights
    are not rescaled: with uniqueness weights their sum is the number of
    independent labels, so ``alpha`` counts the independent observations of
    no effect that the prior is worth.
    """

    name = "ridge"

    def share(self, settings: Settings) -> tuple[Any, ...]:
        """The moments depend on the scaler, not on the penalty."""
        return (settings["scaler"],)

    def prepare(self, sample: Sample, settings: Settings) -> NormalEquations:
        """Scale the training rows and take their weighted moments."""
        scaler = fit_scaler(sample.x, settings["scaler"])
        z, w = scaler.transform(sample.x), sample.weight
        total = w.sum()
        z_mean = (z * w).sum(axis=1) / total
        y_mean = float((sample.y * w).sum() / total)
        z -= z_mean[:, None]
        gram = np.empty((len(z), len(z)))
        for j, row in enumerate(z):
            gram[j, : j + 1] = gram[: j + 1, j] = (z[: j + 1] * (row * w)).sum(axis=1)
        moment = (z * ((sample.y - y_mean) * w)).sum(axis=1)
        return NormalEquations(scaler, z_mean, y_mean, gram, moment)

    def fit(
        self, prepared: NormalEquations, settings: Settings, seed: int, device: str
    ) -> RidgeRegressor:
        """Solve for one penalty. Nothing is random and nothing runs on a GPU."""
        alpha = float(settings["level0"]["ridge"]["alpha"])
        coef = solve_positive(prepared.gram + alpha * np.eye(len(prepared.moment)), prepared.moment)
        intercept = prepared.y_mean - float((coef * prepared.z_mean).sum())
        if not (math.isfinite(intercept) and np.isfinite(coef).all()):
            raise ModelError(f"ridge with alpha = {alpha:g} gives coefficients that are not finite")
        return RidgeRegressor(prepared.scaler, coef, intercept)

    def load(self, state: dict[str, Any], blob: bytes | None) -> RidgeRegressor:
        """Rebuild from JSON."""
        coef = np.array(state["coef"], dtype=np.float64)
        return RidgeRegressor(Scaler.load(state["scaler"]), coef, float(state["intercept"]))


def solve_positive(matrix: Floats, right: Floats) -> Floats:
    """Solve ``matrix @ x = right`` for a positive definite matrix by Cholesky, without BLAS.

    Parameters
    ----------
    matrix : ndarray of float64, shape (k, k)
        Symmetric.
    right : ndarray of float64, shape (k,)
        Right-hand side.

    Returns
    -------
    ndarray of float64, shape (k,)
        The solution.

    Raises
    ------
    ModelError
        If the matrix is not positive definite in float64.

    Examples
    --------
    >>> solve_positive(np.array([[4.0, 2.0], [2.0, 2.0]]), np.array([2.0, 3.0])).tolist()
    [-0.5, 2.0]
    """
    size = len(right)
    lower = np.zeros((size, size))
    for j in range(size):
        column = matrix[j:, j] - (lower[j:, :j] * lower[j, :j]).sum(axis=1)
        # Below this the pivot is rounding of the sums, not information.
        if not column[0] > size * np.finfo(np.float64).eps * matrix[j, j]:
            raise ModelError(
                f"the normal equations are singular at feature {j} (pivot {column[0]:g}); "
                "raise model.level0.ridge.alpha"
            )
        lower[j:, j] = column / math.sqrt(column[0])
    x = np.array(right, dtype=np.float64)
    for j in range(size):
        x[j] = (x[j] - (lower[j, :j] * x[:j]).sum()) / lower[j, j]
    for j in reversed(range(size)):
        x[j] = (x[j] - (lower[j + 1 :, j] * x[j + 1 :]).sum()) / lower[j, j]
    return x
