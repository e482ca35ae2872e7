"""Gradient-boosted trees (XGBoost, histogram method) on raw features.

The quantised training rows of a window are built once and shared by all
models of the pack. One thread per model: histograms that several threads sum
differ in their last bits, so threads work on different windows instead.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np
import xgboost as xgb

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


def one_thread() -> AbstractContextManager[None]:
    """Keep XGBoost from waking a thread per core for its small loops.

    ``nthread`` of a matrix or booster does not reach all of them; on a busy
    machine the waits double the time of a model.
    """
    context: AbstractContextManager[None] = xgb.config_context(nthread=1)
    return context


@dataclass(frozen=True, slots=True)
class Quantised:
    """Training rows of one window in histogram form.

    Parameters
    ----------
    scaler : Scaler
        Only picks the columns that vary; trees need no scaling.
    matrix : xgboost.QuantileDMatrix
        Features, standardised target and weights.
    y_mean, y_scale : float, log return
        Weighted mean and standard deviation of the target.
    """

    scaler: Scaler
    matrix: xgb.QuantileDMatrix
    y_mean: float
    y_scale: float


class TreeRegressor(Regressor):
    """``m = y_mean + y_scale * trees(x)``."""

    def __init__(self, scaler: Scaler, booster: xgb.Booster, y_mean: float, y_scale: float) -> None:
        # Prediction always runs on one CPU thread: a model trained on a GPU
        # then gives the same bytes as its saved copy anywhere.
        booster.set_param({"device": "cpu", "nthread": 1})
        self.scaler, self.booster = scaler, booster
        self.y_mean, self.y_scale = y_mean, y_scale
        self.left_out = scaler.left_out

    def predict(self, features: Floats, rows: Rows) -> Floats:
        """Predicted log return, shape (len(rows),)."""
        if not len(rows):
            return np.empty(0)
        x = features[rows][:, self.scaler.columns]
        with one_thread():
            trees: Floats = self.booster.inplace_predict(x).astype(np.float64)
        return self.y_mean + self.y_scale * trees

    def state(self) -> dict[str, Any]:
        """Columns and the target's scale; the trees are in the blob."""
        return {"scaler": self.scaler.state(), "y_mean": self.y_mean, "y_scale": self.y_scale}

    def blob(self) -> bytes:
        """The trees in universal binary JSON."""
        return bytes(self.booster.save_raw("ubj"))


class Xgboost(Algorithm):
    """Squared error, histogram method, missing features not used."""

    name = "xgboost"
    suffix = ".ubj"

    def share(self, settings: Settings) -> tuple[Any, ...]:
        """Quantised rows serve all models with as many bins."""
        return (bins(settings),)

    def prepare(self, sample: Sample, settings: Settings) -> Quantised:
        """Standardise the target and quantise the training rows.

        A raw log return is so small that XGBoost's smallest split gain (1e-6)
        would stop every tree at its root.
        """
        x, w = sample.x, sample.weight
        scaler = fit_scaler(x, "none")
        total = w.sum()
        y_mean = float((sample.y * w).sum() / total)
        y_scale = float(np.sqrt((w * (sample.y - y_mean) ** 2).sum() / total))
        if not y_scale > 0:
            raise ModelError(f"the target is constant ({y_mean:g}) in the {len(x)} training rows")
        with one_thread():
            matrix = xgb.QuantileDMatrix(
                x[:, scaler.columns],
                label=(sample.y - y_mean) / y_scale,
                weight=w,
                max_bin=bins(settings),
                nthread=1,
            )
        return Quantised(scaler, matrix, y_mean, y_scale)

    def fit(self, prepared: Quantised, settings: Settings, seed: int, device: str) -> TreeRegressor:
        """Boost one model on the shared rows."""
        chosen = settings["level0"]["xgboost"]
        parameters = {
            "objective": "reg:squarederror",
            "base_score": 0.0,
            "tree_method": "hist",
            "max_bin": bins(settings),
            "nthread": 1,
            "device": device,
            "verbosity": 0,
            "seed": seed,
            "max_depth": int(chosen["max_depth"]),
            "eta": float(chosen["eta"]),
            "subsample": float(chosen["subsample"]),
            "colsample_bytree": float(chosen["colsample"]),
            "min_child_weight": float(chosen["min_child_weight"]),
            "reg_lambda": float(chosen["reg_lambda"]),
        }
        with one_thread():
            # As xgb.train does, without its callbacks: they cost a quarter of such small rounds.
            booster = xgb.Booster(parameters, [prepared.matrix])
            for number in range(int(chosen["rounds"])):
                booster.update(prepared.matrix, number)
        return TreeRegressor(prepared.scaler, booster, prepared.y_mean, prepared.y_scale)

    def load(self, state: dict[str, Any], blob: bytes | None) -> TreeRegressor:
        """Rebuild from JSON and the trees."""
        booster = xgb.Booster()
        booster.load_model(bytearray(blob or b""))
        scaler = Scaler.load(state["scaler"])
        return TreeRegressor(scaler, booster, float(state["y_mean"]), float(state["y_scale"]))


def bins(settings: Settings) -> int:
    """Histogram bins per feature; packs of a ledger from before the setting had 256."""
    return int(settings["level0"]["xgboost"].get("max_bin", 256))
