"""A fitted model of several levels, and how it is saved.

Level 0 is one model or an ensemble; level 1 refines its prediction with the
last features; level 2 gives the probability that following it pays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ethpredict.models.base import Algorithm, Floats, Regressor, Rows
from ethpredict.models.calibrators import Calibrator
from ethpredict.models.confidence import ConfidenceGru
from ethpredict.models.mlp import MetaMlp
from ethpredict.models.predicting import predict_rows, window_bars
from ethpredict.models.registry import LEVEL0
from ethpredict.models.tensors import pack_tensors, unpack_tensors

LEVELS: dict[str, Algorithm] = {"level1": MetaMlp(), "level2": ConfidenceGru()}
NAME = "hierarchy"


@dataclass(frozen=True, slots=True)
class Payoff:
    """What following the signal gave, out of sample and at first touch.

    Parameters
    ----------
    gain, loss : float, log return, >= 0
        Mean net gain of the signals that paid, mean net loss of the others.
    base_rate : float
        Share of the signals that paid.
    """

    gain: float
    loss: float
    base_rate: float


class Hierarchy(Regressor):
    """Levels in a row; every level reads the features and the level below."""

    def __init__(
        self,
        bases: tuple[tuple[str, Regressor], ...],
        blend: Floats,
        level1: Regressor | None = None,
        level2: Regressor | None = None,
        calibrator: Calibrator | None = None,
        payoff: Payoff | None = None,
    ) -> None:
        self.bases, self.blend, self.level1, self.level2 = bases, blend, level1, level2
        self.calibrator, self.payoff = calibrator, payoff
        self.left_out = bases[0][1].left_out
        self.curve = bases[0][1].curve
        self.lookback = max(base.lookback for _, base in bases)

    def predict(self, features: Floats, rows: Rows) -> Floats:
        """Log return of the highest return level, shape (len(rows),)."""
        parts = [base.predict(features, rows) for _, base in self.bases]
        m = blended(np.stack(parts, axis=1), self.blend)
        if self.level1 is None:
            return m
        return self.level1.predict(beside(features, rows, m), rows)

    def confidence(self, features: Floats, lengths: Rows, rows: Rows) -> Floats:
        """Probability that following the prediction pays, shape (len(rows),).

        Parameters
        ----------
        features : ndarray of float64, shape (n_bars, p)
            All bars.
        lengths : ndarray of int64, shape (n_bars,)
            Unbroken bars up to each bar.
        rows : ndarray of int64
            Rows asked; nan where the windows of both levels do not fit.
        """
        p = np.full(len(rows), np.nan)
        if self.level2 is None:
            return p
        fits = lengths[rows] >= self.lookback + self.level2.lookback - 1
        if fits.any():
            bars = window_bars(rows[fits], self.level2.lookback)
            m = predict_rows(self, features, lengths, bars, True)
            p[fits] = self.level2.predict(beside(features, bars, m, np.abs(m)), rows[fits])
        return self.calibrator(p) if self.calibrator is not None else p

    def state(self) -> dict[str, Any]:
        """Every level's own state."""
        return {
            "bases": [[name, base.state()] for name, base in self.bases],
            "blend": self.blend.tolist(),
            "level1": self.level1.state() if self.level1 else None,
            "level2": self.level2.state() if self.level2 else None,
            "calibrator": self.calibrator.state() if self.calibrator else None,
            "payoff": [self.payoff.gain, self.payoff.loss, self.payoff.base_rate]
            if self.payoff
            else None,
        }

    def blob(self) -> bytes:
        """Every level's own bytes, by its place."""
        parts = {f"base_{k}": base.blob() for k, (_, base) in enumerate(self.bases)}
        parts |= {
            name: level.blob()
            for name, level in (("level1", self.level1), ("level2", self.level2))
            if level is not None
        }
        arrays = {name: np.frombuffer(raw, np.uint8) for name, raw in parts.items() if raw}
        return pack_tensors(arrays)

    @classmethod
    def load(cls, state: Mapping[str, Any], blob: bytes | None) -> Hierarchy:
        """Inverse of :meth:`state` and :meth:`blob`."""
        raw = {name: array.tobytes() for name, array in unpack_tensors(blob or b"").items()}
        bases = tuple(
            (name, LEVEL0[name].load(part, raw.get(f"base_{k}")))
            for k, (name, part) in enumerate(state["bases"])
        )
        upper = {
            name: algorithm.load(state[name], raw[name]) if state[name] else None
            for name, algorithm in LEVELS.items()
        }
        return cls(
            bases,
            np.array(state["blend"], dtype=np.float64),
            upper["level1"],
            upper["level2"],
            Calibrator.load(state["calibrator"]) if state["calibrator"] else None,
            Payoff(*state["payoff"]) if state["payoff"] else None,
        )


def load_regressor(kind: str, state: dict[str, Any], blob: bytes | None) -> Regressor:
    """Rebuild a saved model of one or several levels; see :data:`NAME`."""
    return Hierarchy.load(state, blob) if kind == NAME else LEVEL0[kind].load(state, blob)


def blob_suffix(kind: str) -> str:
    """Ending of the file that holds a saved model's bytes."""
    return ".safetensors" if kind == NAME else LEVEL0[kind].suffix


def blended(parts: Floats, weights: Floats) -> Floats:
    """Weighted sum of the columns of (n, k), column by column, so that rows do not meet."""
    m = np.zeros(len(parts))
    for column, weight in zip(parts.T, weights, strict=True):
        # A model without weight is left out even where it has no value.
        if weight:
            m += weight * column
    return m


def beside(features: Floats, rows: Rows, *columns: Floats) -> Floats:
    """Features with values of some rows as last columns, nan elsewhere."""
    width = features.shape[1]
    wide = np.full((len(features), width + len(columns)), np.nan)
    wide[:, :width] = features
    for k, column in enumerate(columns):
        wide[rows, width + k] = column
    return wide
