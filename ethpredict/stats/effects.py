"""Mean objective by value of each axis: what mattered in the search."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

MAX_VALUES = 10
BINS = 5
MIN_OBSERVATIONS = 2


def _labels(column: pd.Series) -> tuple[pd.Series, list[str]]:
    """Text of each value and the order to show them in; long numeric axes are binned."""
    known = column.dropna()
    if pd.api.types.is_numeric_dtype(column) and known.nunique() > MAX_VALUES:
        binned = pd.qcut(column, BINS, duplicates="drop")
        categories = list(binned.cat.categories)
        names = {item: f"{item.left:.4g} to {item.right:.4g}" for item in categories}
        return binned.map(names).astype("object"), [names[item] for item in categories]
    order = sorted(known.unique().tolist(), key=lambda item: (isinstance(item, str), item))
    text = {item: f"{item:.6g}" if isinstance(item, float) else str(item) for item in order}
    return column.map(text).astype("object"), [text[item] for item in order]


def axis_effects(trials: pd.DataFrame, objective: str = "pnl_1k") -> list[dict[str, Any]]:
    """Average the objective over all ranked trials that share a value of an axis.

    Parameters
    ----------
    trials : DataFrame
        Trial table with ``baseline``, ``status``, columns ``axis:<key>`` and the objective.
    objective : str
        Column to average.

    Returns
    -------
    list of dict
        One entry per axis: ``key`` and ``levels``, each with ``value``, ``n``, ``mean``, ``error``
        (standard deviation over trials / sqrt(n)), ``best`` and ``gain`` (mean of
        ``vs_no_signal``, the difference to the no-signal baseline at equal settings, over the
        trials that have one; nan where there is none). The spread over the other
        axes is part of the error: a small effect can be real and still lie within it.
    """
    ranked = trials[(trials["baseline"] == "") & (trials["status"] == "ok")]
    effects = []
    for name in [column for column in trials.columns if column.startswith("axis:")]:
        labels, order = _labels(ranked[name])
        levels = []
        for value in order:
            members = ranked[labels == value]
            scores = members[objective].to_numpy(dtype=np.float64)
            scores = scores[np.isfinite(scores)]
            if not scores.size:
                continue
            spread = float(scores.std(ddof=1)) if scores.size >= MIN_OBSERVATIONS else math.nan
            levels.append(
                {
                    "value": value,
                    "n": int(scores.size),
                    "mean": float(scores.mean()),
                    "error": spread / math.sqrt(scores.size),
                    "best": float(scores.max()),
                    "gain": float(members["vs_no_signal"].mean())
                    if "vs_no_signal" in members
                    else math.nan,
                }
            )
        effects.append({"key": name.removeprefix("axis:"), "levels": levels})
    return effects
