"""What one model's predictions of many splits say together: intervals, and whole paths."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ethpredict import splits
from ethpredict.models.explain import importances
from ethpredict.models.fit import Fit, scored_rows
from ethpredict.models.intervals import score_intervals
from ethpredict.models.member import Member
from ethpredict.models.scores import score
from ethpredict.models.signals import confidence_scores, signal_outcome, window_signals
from ethpredict.models.table import Table, Target
from ethpredict.models.walkforward import CPCV, CPCV_PATH, INTERVAL, Schedule

Row = tuple[str, int, str, float]


def summaries(
    table: Table,
    target: Target,
    schedule: Schedule,
    member: Member,
    fits: Sequence[Fit],
    device: str = "cpu",
) -> list[Row]:
    """Rows for the score table that no single split gives.

    Parameters
    ----------
    table, target, schedule, member
        What was trained.
    fits : sequence of Fit
        In the schedule's order.
    device : {"cpu", "cuda"}
        Where models are trained that importances ask for.

    Returns
    -------
    list of (scheme, fold, metric, value)
        ``walk_forward_interval`` (fold -1): bootstrap intervals of the scores
        pooled over the validation windows, see
        :func:`ethpredict.models.intervals.score_intervals`. ``cpcv_path``:
        the scores of each reconstructed path. ``confidence`` and
        ``confidence_curve``: log-loss, Brier score and calibration of level
        2's probabilities on the validation windows, see
        :func:`ethpredict.models.signals.confidence_scores`.
        ``importance_…``: see :func:`ethpredict.models.explain.importances`.
        Nothing of the locked test.
    """
    return [
        *_intervals(table, target, schedule, member, fits),
        *_paths(table, target, schedule, member, fits),
        *_confidence(table, target, schedule, member, fits),
        *importances(table, target, schedule, member, fits, device),
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


def _confidence(
    table: Table, target: Target, schedule: Schedule, member: Member, fits: Sequence[Fit]
) -> list[Row]:
    """Scores of level 2 over all validation windows; none without a level 2."""
    parts = []
    for split, fit in zip(schedule.splits, fits, strict=True):
        window = split.window
        if window is None or window.test_stop > schedule.first_locked or fit.payoff is None:
            continue
        outcome, cost = signal_outcome(table, target, member.model)
        y = outcome.sealed(schedule.first_locked)[split.test]
        weight = outcome.weight[split.test]
        parts.append(window_signals(y, weight, fit.m, fit.p, cost, fit.payoff.base_rate))
    return confidence_scores(parts, np.random.default_rng(member.seed))
