"""The smallest order of fractional differentiation that makes a series stationary."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ethpredict.features.fitted.adf import adf, critical_value
from ethpredict.features.fitted.base import (
    FitError,
    Flags,
    Floats,
    Rows,
    column_of,
    one_input,
    training_only,
)
from ethpredict.features.fractional import fracdiff_memory, fracdiff_weights, whole_fracdiff

logger = logging.getLogger(__name__)
KIND = "min_d"


@dataclass(frozen=True, slots=True)
class MinimumD:
    """Fractional difference of the order that the training rows call for.

    Parameters
    ----------
    name : str
        Column that is made.
    input : str
        Column that is read (log price).
    d : float
        Order.
    tau : float
        Cut-off of the weights.
    statistic, critical : float
        Dickey-Fuller statistic at `d` and the value it had to undercut.
    stationary : bool
        False where not even the largest order undercut it.

    Notes
    -----
    Orders 0, step, 2 step, … 1 are tried in rising order; the first whose
    augmented Dickey-Fuller statistic (constant, fixed lags) lies below
    MacKinnon's critical value is taken. Differences are taken over training
    rows alone, so neither the order nor the statistic sees another row. An
    order whose weights reach further than the training rows cannot be tested
    and is passed over.

    References
    ----------
    Lopez de Prado (2018), Advances in Financial Machine Learning, section 5.6.
    """

    name: str
    input: str
    d: float
    tau: float
    statistic: float
    critical: float
    stationary: bool

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the features."""
        return (self.name,)

    @property
    def memory(self) -> int:
        """Longest look-back in rows."""
        return fracdiff_memory(len(fracdiff_weights(self.d, self.tau)))

    @classmethod
    def fit(cls, item: Mapping[str, Any], inputs: pd.DataFrame, rows: Rows, gap: Flags) -> MinimumD:
        """Search the order; options ``tau``, ``level``, ``lags``, ``step``."""
        source, options = one_input(item["inputs"], KIND), item["options"]
        values = training_only(column_of(inputs, source), rows)
        tau, step = float(options["tau"]), float(options["step"])
        orders = np.round(np.arange(0.0, 1.0 + 0.5 * step, step), 12)
        reason, last = "", None
        for d in orders.tolist():
            try:
                found = cls._test(values, gap, d, tau, options)
            except FitError as error:
                reason = str(error)
                continue
            last = cls(item["name"], source, d, tau, *found)
            if last.stationary:
                return last
        if last is None:
            raise FitError(f"{item['name']}: no order can be tested: {reason}")
        logger.warning(
            "%s: no order up to %g is stationary (statistic %.3f, critical %.3f); it takes %g",
            *(item["name"], last.d, last.statistic, last.critical, last.d),
        )
        return last

    @staticmethod
    def _test(
        values: Floats, gap: Flags, d: float, tau: float, options: Mapping[str, Any]
    ) -> tuple[float, float, bool]:
        series = whole_fracdiff(values, gap, d, tau)
        # A hole at each gap, so that no difference spans one.
        pieces = np.split(series, np.flatnonzero(gap))
        holed = np.concatenate([part for piece in pieces for part in (piece, [np.nan])])
        statistic, rows = adf(holed, int(options["lags"]))
        critical = critical_value(float(options["level"]), rows)
        return statistic, critical, statistic < critical

    def transform(self, inputs: pd.DataFrame, gap: Flags) -> Floats:
        """Fractional difference of every row, shape (n, 1); nan until the width is whole."""
        return whole_fracdiff(column_of(inputs, self.input), gap, self.d, self.tau)[:, None]

    def state(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "kind": KIND,
            "name": self.name,
            "input": self.input,
            "d": self.d,
            "tau": self.tau,
            "statistic": self.statistic,
            "critical": self.critical,
            "stationary": self.stationary,
        }

    @classmethod
    def load(cls, state: Mapping[str, Any]) -> MinimumD:
        """Inverse of :meth:`state`."""
        return cls(
            *(state[key] for key in ("name", "input", "d", "tau")),
            *(state[key] for key in ("statistic", "critical", "stationary")),
        )
