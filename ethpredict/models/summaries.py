"""What one model's predictions of many splits say together: intervals, and whole paths."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ethpredict import splits
from ethpredict.models.fit import Fit, scored_rows
from ethpredict.models.intervals import score_intervals
from ethpredict.models.member import Member
from ethpredict.models.scores import score
from ethpredict.models.table import Table, Target
from ethpredict.models.walkforward import CPCV, CPCV_PATH, INTERVAL, Schedule

Row = tuple[str, int, str, float]


def summaries(
    table: Table, target: Target, schedule: Schedule, member: Member, fits: Sequence[Fit]
) -> list[Row]:
    """Rows for the score table that no single split gives.

    Parameters
    ----------
    table, target, schedule, member
        What was trained.
    fits : sequence of Fit
        In the schedule's order.

    Returns
    -------
    list of (scheme, fold, metric, value)
        ``walk_forward_interval`` (fold -1): bootstrap intervals of the scores
        pooled over the validation windows, see
        :func:`ethpredict.models.intervals.score_intervals`. ``cpcv_path``:
        the scores of each reconstructed path. Nothing of the locked test.
    """
    return [
        *_intervals(table, target, schedule, member, fits),
        *_paths(table, target, schedule, member, fits),
    ]


def _intervals(
    table: Table, target: Target, schedule: Schedule, member: Member, fits: Sequence[Fit]
) -> list[Row]:
    """Block-bootstrap intervals over all scored walk-forward rows."""
    parts = []
    for split, fit in zip(schedule.splits, fits, strict=True):
        scored = scored_rows(table, target, schedule, split) if split.window else None
        if scored is not None:
            y, usable = scored
            usable = usable & np.isfinite(fit.m)  # a sequence may reach back too far
            weight = target.weight[split.test][usable]
            parts.append((y[usable], fit.m[usable], weight, np.full(len(weight), split.fold)))
    if not parts:
        return []
    y, m, weight, fold = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    rng = np.random.default_rng(member.seed)
    found = score_intervals(y, m, weight, fold, rng)
    return [(INTERVAL, -1, metric, value) for metric, value in found.items()]


def _paths(
    table: Table, target: Target, schedule: Schedule, member: Member, fits: Sequence[Fit]
) -> list[Row]:
    """Scores of the combinatorial paths; none where there are no such splits."""
    own = [
        (split.test, fit.m)
        for split, fit in zip(schedule.splits, fits, strict=True)
        if split.scheme == CPCV
    ]
    if not own:
        return []
    settings = member.settings["validation"]["cpcv"]
    rows = np.unique(np.concatenate([test for test, _ in own]))
    tests = [np.searchsorted(rows, test) for test, _ in own]
    paths = splits.combine_paths(
        tests, [m for _, m in own], int(settings["groups"]), int(settings["test"])
    )
    y = target.sealed(schedule.first_locked)[rows]
    weight = target.weight[rows]
    found: list[Row] = []
    for number, m in enumerate(paths):
        usable = np.isfinite(y) & np.isfinite(m) & (weight > 0)
        scores = score(y[usable], m[usable], weight[usable])
        found += [(CPCV_PATH, number, metric, value) for metric, value in scores.items()]
    return found
