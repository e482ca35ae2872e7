"""The zero model: no change is ever predicted. The random walk's forecast of a return."""

from __future__ import annotations

from typing import Any

import numpy as np

from ethpredict.models.base import Algorithm, Floats, Regressor, Rows, Sample, Settings


class ZeroRegressor(Regressor):
    """Predicts 0 everywhere, also where features are missing."""

    def predict(self, features: Floats, rows: Rows) -> Floats:
        """Zeros, shape (len(rows),)."""
        return np.zeros(len(rows))

    def state(self) -> dict[str, Any]:
        """Nothing is fitted."""
        return {}


class Zero(Algorithm):
    """The zero model."""

    name = "zero"
    uses_features = False

    def share(self, settings: Settings) -> tuple[Any, ...]:
        """Nothing is prepared."""
        return ()

    def prepare(self, sample: Sample, settings: Settings) -> None:
        """Nothing to prepare."""

    def fit(self, prepared: Any, settings: Settings, seed: int, device: str) -> ZeroRegressor:
        """Nothing to fit."""
        return ZeroRegressor()

    def load(self, state: dict[str, Any], blob: bytes | None) -> ZeroRegressor:
        """Nothing to load."""
        return ZeroRegressor()
