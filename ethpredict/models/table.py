"""The row arrays that all models of a pack share: times, features, targets, weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ethpredict.errors import DataError
from ethpredict.models.base import Floats, Rows
from ethpredict.models.predicting import readable_lengths

COLUMNS = {
    "horizon": ("ret_horizon", "t1_horizon", "weight_horizon"),
    "touch": ("ret", "t1", "weight"),
}
"""Target setting -> (log return, last bar of its label interval, sample weight)."""


@dataclass(frozen=True, slots=True)
class Target:
    """What is predicted, per bar row.

    Parameters
    ----------
    y : ndarray of float64, shape (n,), log return
        nan where there is no label.
    t1 : ndarray of int64, shape (n,), bar positions
        Last bar of the closed label interval ``[row, t1]``; -1 where there is none.
    weight : ndarray of float64, shape (n,)
        Sample weights over that interval; 0 where there is none.
    """

    y: Floats
    t1: Rows
    weight: Floats

    def sealed(self, first_locked: int) -> Floats:
        """Target with every label that reads a bar of the locked test blanked.

        Scores are computed from this array only, so nothing that a search can
        see depends on the locked test. A label that starts before the locked
        test and ends in it is blanked as well.

        Parameters
        ----------
        first_locked : int
            First bar row of the locked test; the number of bars where there is none.
        """
        return np.where(self.t1 < first_locked, self.y, np.nan)


@dataclass(frozen=True, slots=True)
class Table:
    """One array per bar row.

    Parameters
    ----------
    ts : ndarray of int64, shape (n,), UTC nanoseconds
        When the row is known.
    x : ndarray of float64, shape (n, p)
        Features.
    names : tuple of str, length p
        Feature names.
    complete : ndarray of bool, shape (n,)
        Rows whose features are all finite.
    targets : dict of str to Target
        By the setting ``model.target``.
    hold_s : ndarray of float64, shape (n,), seconds
        From the row to its first touch; nan where the label is missing.
    horizon_s : ndarray of float64, shape (n,), seconds
        Expected length of the label horizon, known at the row.
    memory : int, bars
        Longest look-back of a feature.
    gap : ndarray of bool, shape (n,)
        Whether data is missing between a row's bar and the one before it.
    lengths : ndarray of int64, shape (n,), bars
        Complete rows without a gap up to each row, the row included.
    inputs : DataFrame, n rows
        Columns that only fitted transforms read.
    items : tuple of dict
        Transforms to be fitted per window: name, kind, inputs, options.
    """

    ts: Rows
    x: Floats
    names: tuple[str, ...]
    complete: npt.NDArray[np.bool_]
    targets: dict[str, Target]
    hold_s: Floats
    horizon_s: Floats
    memory: int
    gap: npt.NDArray[np.bool_]
    lengths: Rows
    inputs: pd.DataFrame
    items: tuple[dict[str, Any], ...]

    def samples(self, target: Target) -> Rows:
        """Rows that can train: features complete, label present, weight above zero."""
        return np.flatnonzero(self.complete & (target.t1 >= 0) & (target.weight > 0))


def align_tables(
    bars: pd.DataFrame, features: pd.DataFrame, meta: dict[str, Any], labels: pd.DataFrame
) -> Table:
    """Check that the three tables describe the same rows and take their arrays.

    Parameters
    ----------
    bars, features, labels : DataFrame, n rows each
        Row-aligned tables of the bars, features and labels stages.
    meta : dict
        Feature metadata; ``columns`` and ``inputs`` are lists of ``{"name",
        "memory", ...}``, ``fitted`` one of transforms.

    Raises
    ------
    DataError
        If the rows of the tables do not agree or there is no feature column.
    """
    ts = bars["ts_close"].to_numpy(np.int64)
    hidden = [str(item["name"]) for item in meta.get("inputs", [])]
    items = tuple(meta.get("fitted", []))
    names = tuple(name for name in features.columns if name != "ts_close" and name not in hidden)
    if len(features) != len(ts) or not np.array_equal(features["ts_close"].to_numpy(), ts):
        raise DataError("features", None, "rows do not match the bars; rebuild the features")
    if not np.array_equal(labels["t0"].to_numpy(), np.arange(len(ts))):
        raise DataError("labels", None, "rows do not match the bars; rebuild the labels")
    if not names and not items:
        raise DataError("features", None, "holds no feature column; extend features.include")
    x = np.ascontiguousarray(features[list(names)].to_numpy(np.float64))
    targets = {
        key: _target(
            labels[value].to_numpy(np.float64),
            labels[end].to_numpy(np.int64),
            labels[weight].to_numpy(np.float64),
        )
        for key, (value, end, weight) in COLUMNS.items()
    }
    touched = targets["touch"].t1
    gap = np.ascontiguousarray(bars["gap"], dtype=np.bool_)
    hold = (ts[np.maximum(touched, 0)] - ts) / 1e9
    return Table(
        ts=ts,
        x=x,
        names=names,
        complete=np.isfinite(x).all(axis=1),
        targets=targets,
        hold_s=np.where(touched >= 0, hold, np.nan),
        horizon_s=labels["horizon_s"].to_numpy(np.float64),
        memory=max(
            (
                int(column["memory"])
                for column in (*meta.get("columns", []), *meta.get("inputs", []))
            ),
            default=0,
        ),
        gap=gap,
        lengths=readable_lengths(x, gap),
        inputs=features[hidden],
        items=items,
    )


def _target(y: Floats, t1: Rows, weight: Floats) -> Target:
    """Blank whatever is not whole: a value without an interval, or the reverse."""
    whole = np.isfinite(y) & (t1 >= np.arange(len(t1)))
    sound = np.where(np.isfinite(weight), np.maximum(weight, 0.0), 0.0)
    return Target(np.where(whole, y, np.nan), np.where(whole, t1, -1), sound)
