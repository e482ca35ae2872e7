"""The splits that one model is fitted on, in the order they are fitted.

Walk-forward windows give the predictions that are simulated; purged K-fold
gives scores only, because its models train on the future. A placebo repeats
the last fold with shuffled training labels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ethpredict import splits
from ethpredict.errors import ConfigError
from ethpredict.models.base import Rows
from ethpredict.models.table import Table, Target

WALK_FORWARD, KFOLD, PLACEBO = "walk_forward", "purged_kfold", "placebo"
CPCV, CPCV_PATH, INTERVAL = "cpcv", "cpcv_path", "walk_forward_interval"
CHECK_SHARE = 0.2
"""Share of a window's training rows, the latest, that measures the error of a prediction."""


@dataclass(frozen=True, slots=True)
class Split:
    """One fit.

    Parameters
    ----------
    scheme : {"walk_forward", "purged_kfold", "placebo", "cpcv"}
        Where it belongs.
    fold : int
        Window or fold number.
    train : ndarray of int64
        Bar rows to train on, purged.
    test : ndarray of int64
        Bar rows to predict.
    window : Window or None
        For walk-forward only.
    """

    scheme: str
    fold: int
    train: Rows
    test: Rows
    window: splits.Window | None = None

    @property
    def label(self) -> str:
        """For messages."""
        return f"{self.scheme} {'window' if self.window else 'fold'} {self.fold}"


@dataclass(frozen=True, slots=True)
class Schedule:
    """All fits of the models that share validation settings and target.

    Parameters
    ----------
    splits : tuple of Split
        In order of fitting.
    first_locked : int
        First bar row of the locked test; the number of bars where there is none.
    """

    splits: tuple[Split, ...]
    first_locked: int


def make_schedule(
    table: Table, target: Target, validation: dict[str, Any], reach: int = 1
) -> Schedule:
    """Cut the rows into purged splits.

    Parameters
    ----------
    table : Table
        Rows.
    target : Target
        Whose label intervals are purged.
    validation : dict
        The ``validation`` section of the settings.
    reach : int, bars
        Longest training sequence of the models.

    Returns
    -------
    Schedule
        Every walk-forward window, then every fold, then the placebo, then the
        combinatorial splits where they are asked for. Folds
        hold no row whose label reads the locked test, neither for training
        nor for testing.

    Raises
    ------
    ConfigError
        If the data is too short for the settings.
    """
    windows = splits.walk_forward(
        table.ts,
        validation["train_days"],
        validation["test_days"],
        validation["locked_days"],
        validation["scheme"],
    )
    locked = [window.test_start for window in windows if window.segment == splits.LOCKED]
    first_locked = min(locked, default=len(table.ts))
    rows = table.samples(target)
    ends = target.t1[rows]
    made = [
        Split(
            WALK_FORWARD,
            window.window,
            rows[splits.purged_train_rows(rows, ends, window)],
            np.arange(window.test_start, window.test_stop),
            window,
        )
        for window in windows
    ]
    open_rows = rows[ends < first_locked]
    embargo = splits.embargo_bars(int(validation["embargo"]), table.memory, reach)
    folds = splits.purged_kfold(
        open_rows, target.t1[open_rows], int(validation["kfold"]), embargo=embargo
    )
    for fold, (train, test) in enumerate(folds):
        made.append(Split(KFOLD, fold, open_rows[train], open_rows[test]))
    last = made[-1]
    made.append(Split(PLACEBO, last.fold, last.train, last.test))
    made += _combinatorial(open_rows, target.t1[open_rows], validation["cpcv"], embargo)
    return Schedule(tuple(made), first_locked)


def _combinatorial(rows: Rows, ends: Rows, settings: dict[str, Any], embargo: int) -> list[Split]:
    """Combinatorial purged splits; none where they are off."""
    groups = int(settings["groups"])
    if groups == 0:
        return []
    if groups == 1 or int(settings["test"]) >= groups:
        raise ConfigError(
            "validation.cpcv.test",
            settings["test"],
            f"less than validation.cpcv.groups = {groups}, which must be 0 (off) or at least 2",
        )
    found = splits.combinatorial_purged(rows, ends, groups, int(settings["test"]), embargo)
    return [
        Split(CPCV, number, rows[train], rows[test]) for number, (train, test) in enumerate(found)
    ]


def check_block(train: Rows, t1: Rows) -> tuple[Rows, Rows]:
    """Cut a window's training rows into an earlier part and a later block, purged between.

    Parameters
    ----------
    train : ndarray of int64, shape (n,), bar positions
        Rising training rows.
    t1 : ndarray of int64, shape (n_bars,), bar positions
        Ends of the label intervals.

    Returns
    -------
    fit, check : ndarray of int64
        The last 20 % of the rows, and the rows before whose labels end before
        the block starts.
    """
    size = int(len(train) * CHECK_SHARE)
    check = train[len(train) - size :]
    if not size:
        return train[:0], check
    before = train[: len(train) - size]
    return before[t1[before] < check[0]], check
