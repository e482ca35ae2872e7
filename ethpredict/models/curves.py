"""Learning curves of fitted models: what the nets of every level lost, epoch by epoch."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from ethpredict.models.base import Floats, Regressor
from ethpredict.models.hierarchy import Hierarchy

CURVES = {
    "model_id": str,
    "window": np.int32,
    "level": np.int8,
    "algo": str,
    "epoch": np.int32,
    "train": np.float64,
    "check": np.float64,
}


def learning_curves(regressor: Regressor, algo: str) -> Iterator[tuple[int, str, Floats]]:
    """Curves of one refit, lowest level first.

    Parameters
    ----------
    regressor : Regressor
        A fitted model of one or several levels.
    algo : str
        Its level-0 algorithm.

    Yields
    ------
    level : int
        0, 1 or 2.
    algo : str
        What was trained.
    curve : ndarray of float64, shape (epochs, 2)
        Training and inner validation loss; models that do not learn in epochs are left out.
    """
    parts: list[tuple[int, str, Regressor | None]] = [(0, algo, regressor)]
    if isinstance(regressor, Hierarchy):
        parts = [(0, name, base) for name, base in regressor.bases]
        parts += [(1, "mlp", regressor.level1), (2, "gru", regressor.level2)]
    for level, name, part in parts:
        if part is not None and len(part.curve):
            yield level, name, part.curve


def curve_rows(model_id: str, window: int, regressor: Regressor, algo: str) -> list[pd.DataFrame]:
    """Tables of :func:`learning_curves` with the columns of :data:`CURVES`; epochs count from 1."""
    return [
        pd.DataFrame(
            {
                "model_id": model_id,
                "window": window,
                "level": level,
                "algo": name,
                "epoch": np.arange(1, len(curve) + 1),
                "train": curve[:, 0],
                "check": curve[:, 1],
            }
        ).astype(CURVES)
        for level, name, curve in learning_curves(regressor, algo)
    ]
