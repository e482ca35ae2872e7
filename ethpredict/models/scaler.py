"""Scaling of feature columns, fitted on the training rows of one window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ethpredict.models.base import Floats, ModelError, Rows

IQR_OF_A_NORMAL = 1.3489795003921634
"""Distance of the quartiles of a standard normal; makes the robust scale a standard deviation."""


@dataclass(frozen=True, slots=True)
class Scaler:
    """Which columns are used, and how they are centred and scaled.

    Parameters
    ----------
    kind : {"zscore", "robust", "none"}
        How it was fitted.
    columns : ndarray of int64, shape (k,)
        Positions of the columns that vary in training.
    center, scale : ndarray of float64, shape (k,)
        In the features' own units; ``scale > 0``.
    n_columns : int
        Columns of the table it was fitted on.
    """

    kind: str
    columns: Rows
    center: Floats
    scale: Floats
    n_columns: int

    @property
    def left_out(self) -> tuple[int, ...]:
        """Positions of the columns that were constant in training."""
        kept = set(self.columns.tolist())
        return tuple(column for column in range(self.n_columns) if column not in kept)

    def transform(self, x: Floats) -> Floats:
        """Scaled columns as rows, shape (k, n): one contiguous row per feature."""
        return np.ascontiguousarray(
            (x[:, self.columns].T - self.center[:, None]) / self.scale[:, None]
        )

    def state(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "kind": self.kind,
            "columns": self.columns.tolist(),
            "center": self.center.tolist(),
            "scale": self.scale.tolist(),
            "n_columns": self.n_columns,
        }

    @classmethod
    def load(cls, state: dict[str, Any]) -> Scaler:
        """Inverse of :meth:`state`."""
        return cls(
            state["kind"],
            np.array(state["columns"], dtype=np.int64),
            np.array(state["center"], dtype=np.float64),
            np.array(state["scale"], dtype=np.float64),
            int(state["n_columns"]),
        )


def fit_scaler(x: Floats, kind: str) -> Scaler:
    """Fit a scaler on training rows; constant columns are left out.

    Parameters
    ----------
    x : ndarray of float64, shape (n, p)
        Finite training rows.
    kind : {"zscore", "robust", "none"}
        ``zscore``: mean and standard deviation (ddof 0). ``robust``: median
        and interquartile range over 1.349; a column whose quartiles agree but
        which varies (a rare flag, say) takes its standard deviation. ``none``:
        only picks the columns. Rows count equally: the scale describes the
        inputs, the weights describe the labels.

    Raises
    ------
    ModelError
        If all columns are constant.
    """
    columns = np.flatnonzero(x.max(axis=0) > x.min(axis=0))
    if not len(columns):
        raise ModelError(f"all {x.shape[1]} features are constant in the {len(x)} training rows")
    used = np.ascontiguousarray(x[:, columns].T)
    if kind == "none":
        center, scale = np.zeros(len(columns)), np.ones(len(columns))
    elif kind == "zscore":
        center, scale = used.mean(axis=1), used.std(axis=1)
    elif kind == "robust":
        low, center, high = np.quantile(used, [0.25, 0.5, 0.75], axis=1)
        spread = (high - low) / IQR_OF_A_NORMAL
        scale = np.where(spread > 0, spread, used.std(axis=1))
    else:
        raise ValueError(f"kind = {kind!r}: must be zscore, robust or none")
    # Values that differ only in their last bits can have a standard deviation of zero.
    varies = scale > 0
    if not varies.any():
        raise ModelError(f"all {x.shape[1]} features are constant in the {len(x)} training rows")
    return Scaler(kind, columns[varies], center[varies], scale[varies], x.shape[1])
