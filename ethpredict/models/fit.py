"""Fit all models of a group on one split, side by side on shared rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ethpredict.models.base import Floats, ModelError, Regressor, Rows
from ethpredict.models.hierarchy import Hierarchy, Payoff
from ethpredict.models.levels import MIN_ROWS, Levels, Task, fit_levels
from ethpredict.models.member import Member
from ethpredict.models.predicting import predict_rows
from ethpredict.models.scores import BASELINES, METRICS, baselines, score
from ethpredict.models.table import Table, Target
from ethpredict.models.transforms import NOTHING, Transforms, fit_window
from ethpredict.models.uncertainty import rms
from ethpredict.models.walkforward import PLACEBO, WALK_FORWARD, Schedule, Split, check_block


@dataclass(frozen=True, slots=True)
class Fit:
    """One model on one split.

    Parameters
    ----------
    m : ndarray of float64, shape (len(split.test),), log return
        Predictions; nan where the features are incomplete.
    p : ndarray of float64, shape (len(split.test),)
        Probability that following m pays; nan without a level 2.
    payoff : Payoff or None
        What following m gave out of sample; None without a level 2.
    check_error : float, log return
        Root mean squared error on the inner block of the first window; nan elsewhere.
    hold_s : float, seconds
        Weighted mean time to first touch of the training rows.
    n_rows : int
        Training rows.
    scores : dict
        Metric name to value; empty for the locked test.
    regressor : Regressor or None
        The fitted model, kept for walk-forward windows.
    transforms : Transforms
        Fitted features that the model reads behind the others.
    """

    m: Floats
    p: Floats
    payoff: Payoff | None
    check_error: float
    hold_s: float
    n_rows: int
    scores: dict[str, float]
    regressor: Regressor | None
    transforms: Transforms = NOTHING

    @property
    def left_out(self) -> tuple[int, ...]:
        """Positions of the features that were constant in training."""
        return self.regressor.left_out if self.regressor is not None else ()


def fit_split(
    table: Table,
    target: Target,
    schedule: Schedule,
    split: Split,
    members: Sequence[Member],
    device: str,
) -> dict[str, Fit | ModelError]:
    """Train and score every member on one split.

    Parameters
    ----------
    table, target, schedule, split
        Shared by the members.
    members : sequence of Member
        Models.
    device : {"cpu", "cuda"}
        Where to train.

    Returns
    -------
    dict
        By model id: its fit, or why there is none. Running out of memory or
        disk is not caught: it says nothing about a model.
    """
    try:
        table, split, transforms = fit_window(table, target, split)
    except ModelError as error:
        return {member.id: error for member in members}
    if split.scheme == PLACEBO:
        return {
            member.id: _fit_placebo(table, target, schedule, split, member, device)
            for member in members
        }
    base = _baseline_scores(table, target, schedule, split)
    hold_s = _hold(table, split.train)
    # A confidence moves quotes, and only walk-forward predictions are quoted.
    causal = split.scheme == WALK_FORWARD
    fitted = fit_levels(Task(table, target, split.train, device, confident=causal), members)
    checks = _check_errors(table, target, split, members, device)
    fits: dict[str, Fit | ModelError] = {}
    for member in members:
        found, check = fitted[member.id], checks.get(member.id, float("nan"))
        try:
            if isinstance(found, ModelError):
                raise found
            if isinstance(check, ModelError):
                raise check
            m = _predict(table, found.regressor, split.test, member)
        except ModelError as error:
            fits[member.id] = error
            continue
        p, payoff = _confidence(table, found.regressor, split.test)
        fits[member.id] = Fit(
            m=m,
            p=p,
            payoff=payoff,
            check_error=found.check_error if member.chained else check,
            hold_s=hold_s,
            n_rows=len(split.train),
            scores=_scores(table, target, schedule, split, m, base),
            regressor=found.regressor if causal else None,
            transforms=transforms,
        )
    return fits


def _fit_placebo(
    table: Table,
    target: Target,
    schedule: Schedule,
    split: Split,
    member: Member,
    device: str,
) -> Fit | ModelError:
    """Train one model on shuffled labels; what skill it then shows is luck or a leak.

    Every model draws its own shuffle. One shuffle's coefficients point in some
    direction, and where the features do predict, that direction has a skill of
    its own: a shared shuffle would give all models the same luck.
    """
    order = np.random.default_rng(member.seed).permutation(len(split.train))
    shuffled = target.y.copy()
    shuffled[split.train] = target.y[split.train][order]
    task = Task(table, replace(target, y=shuffled), split.train, device, confident=False)
    found = fit_levels(task, [member])[member.id]
    if isinstance(found, ModelError):
        return found
    try:
        m = _predict(table, found.regressor, split.test, member)
    except ModelError as error:
        return error
    own = _scores(table, target, schedule, split, m, {})
    nan, nothing = float("nan"), np.full(len(m), np.nan)
    scores = {"placebo_ic": own["ic"]}
    return Fit(m, nothing, None, nan, nan, len(split.train), scores, None)


def _check_errors(
    table: Table, target: Target, split: Split, members: Sequence[Member], device: str
) -> dict[str, float | ModelError]:
    """Root mean squared error on the inner block of models that never saw it.

    Only for the first window, only where the block is long enough, and only for
    models without blocks of their own.
    """
    plain = [member for member in members if not member.chained]
    if split.window is None or split.window.window != 0 or not plain:
        return {}
    rows, check = check_block(split.train, target.t1)
    needed = MIN_ROWS if any(member.uses_features for member in plain) else 1
    if not len(check) or len(rows) < needed:
        return {}
    errors: dict[str, float | ModelError] = {}
    fitted = fit_levels(Task(table, target, rows, device, confident=False), plain)
    for member in plain:
        found = fitted[member.id]
        try:
            if not isinstance(found, Levels):
                raise found
            error = target.y[check] - _predict(table, found.regressor, check, member)
        except ModelError as failure:
            errors[member.id] = failure
            continue
        seen = np.isfinite(error)
        errors[member.id] = rms(error[seen], target.weight[check][seen])
    return errors


def _predict(table: Table, regressor: Regressor, rows: Rows, member: Member) -> Floats:
    """Predictions, nan where bars are missing or incomplete; anything else must be finite."""
    m = predict_rows(regressor, table.x, table.lengths, rows, member.uses_features)
    asked = table.lengths[rows] >= (regressor.lookback if member.uses_features else 0)
    if not np.isfinite(m[asked]).all():
        bad = int(rows[asked][np.argmin(np.isfinite(m[asked]))])
        raise ModelError(f"the prediction at row {bad} is not finite")
    return m


def _confidence(table: Table, regressor: Regressor, rows: Rows) -> tuple[Floats, Payoff | None]:
    """Probability that following the prediction pays, and what it paid out of sample."""
    if not isinstance(regressor, Hierarchy):
        return np.full(len(rows), np.nan), None
    return regressor.confidence(table.x, table.lengths, rows), regressor.payoff


def _hold(table: Table, rows: Rows) -> float:
    """Weighted mean time to first touch, seconds; nan where no training row has one."""
    held = table.hold_s[rows]
    weight = np.where(np.isfinite(held), table.targets["touch"].weight[rows], 0.0)
    total = weight.sum()
    return float((weight * np.nan_to_num(held)).sum() / total) if total > 0 else float("nan")


def scored_rows(
    table: Table, target: Target, schedule: Schedule, split: Split
) -> tuple[Floats, Any] | None:
    """Outcomes of a split's test rows and which of them count; None for the locked test."""
    if split.window is not None and split.window.test_stop > schedule.first_locked:
        return None
    y = target.sealed(schedule.first_locked)[split.test]
    usable = np.isfinite(y) & table.complete[split.test] & (target.weight[split.test] > 0)
    return y, usable


def _baseline_scores(
    table: Table, target: Target, schedule: Schedule, split: Split
) -> dict[str, float]:
    """Scores of the forecasts that need no model; empty where nothing may be scored."""
    scored = scored_rows(table, target, schedule, split)
    if scored is None:
        return {}
    y, usable = scored
    open_target = Target(target.sealed(schedule.first_locked), target.t1, target.weight)
    weight = target.weight[split.test][usable]
    forecasts = baselines(table, open_target, split.train, split.test)
    return {
        f"baseline_{name}_{metric}": value
        for name in BASELINES
        for metric, value in score(y[usable], forecasts[name][usable], weight).items()
        if metric in (*METRICS, "sse")  # the other sums are the model's
    }


def _scores(
    table: Table,
    target: Target,
    schedule: Schedule,
    split: Split,
    m: Floats,
    base: dict[str, float],
) -> dict[str, float]:
    """Scores of one model on one split, with the baselines' beside them."""
    scored = scored_rows(table, target, schedule, split)
    if scored is None:
        return {}
    y, usable = scored
    usable = usable & np.isfinite(m)  # a sequence model has no prediction behind a gap
    own = score(y[usable], m[usable], target.weight[split.test][usable])
    return own | base
