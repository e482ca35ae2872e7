"""Regimes by quantiles: which part of the training distribution a value falls in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ethpredict.features.fitted.base import (
    FitError,
    Flags,
    Floats,
    Rows,
    column_of,
    one_input,
)

KIND = "quantile_bins"
MIN_ROWS = 20


@dataclass(frozen=True, slots=True)
class QuantileBins:
    """Number of training quantiles that a value has reached: 0 .. bins - 1.

    Parameters
    ----------
    name : str
        Column that is made.
    input : str
        Column that is read.
    edges : ndarray of float64, shape (bins - 1,)
        Quantiles ``1/bins, 2/bins, …`` of the training rows, in the input's unit.

    Notes
    -----
    A value on an edge belongs to the upper bin. Thresholds from all data would
    tell every row of the past how calm or wild the future is; they come from
    training rows only. Equal edges (a rate that mostly stands still) leave a
    bin empty.
    """

    name: str
    input: str
    edges: Floats

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the features."""
        return (self.name,)

    @property
    def memory(self) -> int:
        """The input's own look-back is stated with the input."""
        return 0

    @classmethod
    def fit(
        cls, item: Mapping[str, Any], inputs: pd.DataFrame, rows: Rows, gap: Flags
    ) -> QuantileBins:
        """Fit the edges; option ``bins``, >= 2."""
        source, bins = one_input(item["inputs"], KIND), int(item["options"]["bins"])
        values = column_of(inputs, source)[rows]
        values = values[np.isfinite(values)]
        if len(values) < max(MIN_ROWS, bins):
            raise FitError(
                f"{item['name']}: {len(values)} training rows know {source}, at least "
                f"{max(MIN_ROWS, bins)} are needed; lengthen validation.train_days or leave the "
                "block out of features.include"
            )
        return cls(item["name"], source, np.quantile(values, np.arange(1, bins) / bins))

    def transform(self, inputs: pd.DataFrame, gap: Flags) -> Floats:
        """Bin of every row as float64, shape (n, 1); nan where the input is."""
        values = column_of(inputs, self.input)
        bins = np.searchsorted(self.edges, values, side="right").astype(np.float64)
        return np.where(np.isfinite(values), bins, np.nan)[:, None]

    def state(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "kind": KIND,
            "name": self.name,
            "input": self.input,
            "edges": self.edges.tolist(),
        }

    @classmethod
    def load(cls, state: Mapping[str, Any]) -> QuantileBins:
        """Inverse of :meth:`state`."""
        return cls(state["name"], state["input"], np.array(state["edges"], dtype=np.float64))
