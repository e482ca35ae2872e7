"""The kinds of fitted transforms by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ethpredict.features.fitted.base import Fitted
from ethpredict.features.fitted.hmm import GaussianHmm
from ethpredict.features.fitted.min_d import MinimumD
from ethpredict.features.fitted.quantiles import QuantileBins

KINDS: dict[str, type[GaussianHmm] | type[MinimumD] | type[QuantileBins]] = {
    "min_d": MinimumD,
    "quantile_bins": QuantileBins,
    "hmm": GaussianHmm,
}


def fit(
    item: Mapping[str, Any],
    inputs: pd.DataFrame,
    rows: npt.NDArray[np.int64],
    gap: npt.NDArray[np.bool_],
) -> Fitted:
    """Fit one transform on training rows.

    Parameters
    ----------
    item : mapping
        ``{name, kind, inputs, options}``: an entry of ``fitted`` in the
        features' ``meta.json``.
    inputs : DataFrame of n rows
        At least the item's input columns, for every bar.
    rows : ndarray of int64
        Rising bar positions of the training span, purged ones left out. All
        of its bars, not only those with a label: series models need
        neighbours. Nothing outside these rows is read.
    gap : ndarray of bool, shape (n,)
        True where nothing may span the border before the bar.

    Returns
    -------
    Fitted

    Raises
    ------
    FitError
        If the training rows are too few or hold no values.
    """
    return KINDS[item["kind"]].fit(item, inputs, rows, gap)


def load(state: Mapping[str, Any]) -> Fitted:
    """Inverse of :meth:`Fitted.state`."""
    return KINDS[state["kind"]].load(state)
