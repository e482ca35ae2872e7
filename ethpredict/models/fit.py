"""Fit all models of a group on one split, side by side on shared rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ethpredict.labels.balance import class_balance, time_decay
from ethpredict.models.base import Algorithm, Floats, ModelError, Regressor, Rows, Sample
from ethpredict.models.scores import BASELINES, METRICS, baselines, score
from ethpredict.models.seed import model_seed
from ethpredict.models.table import Table, Target
from ethpredict.models.uncertainty import rms
from ethpredict.models.walkforward import PLACEBO, WALK_FORWARD, Schedule, Split, check_block

MIN_ROWS = 50
"""Fewest training rows of a window or fold."""


@dataclass(frozen=True, slots=True)
class Member:
    """One model to train.

    Parameters
    ----------
    id : str
        Model id.
    settings : mapping
        ``model`` and ``validation`` sections.
    replicate : int
        Which of the trial's seeds.
    """

    id: str
    settings: Mapping[str, Any]
    replicate: int = 0

    @property
    def model(self) -> Mapping[str, Any]:
        """The ``model`` section."""
        section: Mapping[str, Any] = self.settings["model"]
        return section

    @property
    def algo(self) -> str:
        """Name of the algorithm."""
        return str(self.model["level0"]["algo"])

    @property
    def target(self) -> str:
        """Name of the target; the zero model has none and is scored against the horizon."""
        return str(self.model.get("target", "horizon"))

    @property
    def seed(self) -> int:
        """Seed of this model."""
        return model_seed(self.settings, self.replicate)


@dataclass(frozen=True, slots=True)
class Fit:
    """One model on one split.

    Parameters
    ----------
    m : ndarray of float64, shape (len(split.test),), log return
        Predictions; nan where the features are incomplete.
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
    """

    m: Floats
    check_error: float
    hold_s: float
    n_rows: int
    scores: dict[str, float]
    regressor: Regressor | None

    @property
    def left_out(self) -> tuple[int, ...]:
        """Positions of the features that were constant in training."""
        return self.regressor.left_out if self.regressor is not None else ()


def fit_split(
    table: Table,
    target: Target,
    schedule: Schedule,
    split: Split,
    algorithm: Algorithm,
    members: Sequence[Member],
    device: str,
) -> dict[str, Fit | ModelError]:
    """Train and score every member on one split.

    Parameters
    ----------
    table, target, schedule, split
        Shared by the members.
    algorithm : Algorithm
        Shared by the members, with equal :meth:`Algorithm.share`.
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
    if split.scheme == PLACEBO:
        return {
            member.id: _fit_placebo(table, target, schedule, split, algorithm, member, device)
            for member in members
        }
    base = _baseline_scores(table, target, schedule, split)
    hold_s = _hold(table, split.train)
    try:
        prepared = _prepare(table, target.y, target.weight, split.train, algorithm, members[0])
        checks = _prepare_check(table, target, split, algorithm, members[0])
    except ModelError as error:
        return {member.id: error for member in members}
    fits: dict[str, Fit | ModelError] = {}
    for member in members:
        try:
            regressor = algorithm.fit(prepared, member.model, member.seed, device)
            m = _predict(table, regressor, split.test, algorithm)
            check_error = _check_error(table, target, algorithm, checks, member, device)
        except ModelError as error:
            fits[member.id] = error
            continue
        fits[member.id] = Fit(
            m=m,
            check_error=check_error,
            hold_s=hold_s,
            n_rows=len(split.train),
            scores=_scores(table, target, schedule, split, m, base),
            regressor=regressor if split.scheme == WALK_FORWARD else None,
        )
    return fits


def _fit_placebo(
    table: Table,
    target: Target,
    schedule: Schedule,
    split: Split,
    algorithm: Algorithm,
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
    try:
        prepared = _prepare(table, shuffled, target.weight, split.train, algorithm, member)
        regressor = algorithm.fit(prepared, member.model, member.seed, device)
        m = _predict(table, regressor, split.test, algorithm)
    except ModelError as error:
        return error
    own = _scores(table, target, schedule, split, m, {})
    return Fit(m, float("nan"), float("nan"), len(split.train), {"placebo_ic": own["ic"]}, None)


def _prepare(
    table: Table, y: Floats, weight: Floats, rows: Rows, algorithm: Algorithm, first: Member
) -> Any:
    """Shared work on training rows."""
    if algorithm.uses_features and len(rows) < MIN_ROWS:
        raise ModelError(
            f"{len(rows)} training rows are left, at least {MIN_ROWS} are needed; lengthen "
            "validation.train_days or shorten features.windows and labels.horizon"
        )
    weights = training_weights(y[rows], weight[rows], first.model)
    used = weights > 0  # the decay may take the oldest rows out
    return algorithm.prepare(Sample(table.x, rows[used], y[rows][used], weights[used]), first.model)


def training_weights(y: Floats, weight: Floats, model: Mapping[str, Any]) -> Floats:
    """Label weights as one training set uses them, by ``model.weights``.

    Parameters
    ----------
    y : ndarray of float64, shape (n,), log return
        Outcomes of the training rows, in time order.
    weight : ndarray of float64, shape (n,), > 0
        Their label weights.
    model : mapping
        The ``model`` section; without ``weights`` (the zero model) nothing changes.

    Returns
    -------
    ndarray of float64, shape (n,), >= 0
        First decayed by age, then balanced between rising and falling outcomes.
    """
    options = model.get("weights", {})
    found = weight
    if options.get("time_decay", 1.0) != 1.0:
        found = found * time_decay(weight, float(options["time_decay"]))
    if options.get("class_balance", False):
        found = found * class_balance(np.sign(y), found)
    return found


def _prepare_check(
    table: Table, target: Target, split: Split, algorithm: Algorithm, first: Member
) -> tuple[Any, Rows] | None:
    """Shared work for the inner block of the first window; None elsewhere, or if too short."""
    if split.window is None or split.window.window != 0:
        return None
    rows, check = check_block(split.train, target.t1)
    if not len(check) or (algorithm.uses_features and len(rows) < MIN_ROWS):
        return None
    return _prepare(table, target.y, target.weight, rows, algorithm, first), check


def _check_error(
    table: Table,
    target: Target,
    algorithm: Algorithm,
    checks: tuple[Any, Rows] | None,
    member: Member,
    device: str,
) -> float:
    """Root mean squared error on the inner block of a model that never saw it."""
    if checks is None:
        return float("nan")
    prepared, rows = checks
    regressor = algorithm.fit(prepared, member.model, member.seed, device)
    error = target.y[rows] - _predict(table, regressor, rows, algorithm)
    return rms(error, target.weight[rows])


def _predict(table: Table, regressor: Regressor, rows: Rows, algorithm: Algorithm) -> Floats:
    """Predictions, nan where features are incomplete; anything else must be finite."""
    m = predict_rows(regressor, table.x, rows, algorithm.uses_features)
    asked = table.complete[rows] if algorithm.uses_features else np.ones(len(rows), dtype=bool)
    if not np.isfinite(m[asked]).all():
        bad = int(rows[asked][np.argmin(np.isfinite(m[asked]))])
        raise ModelError(f"the prediction at row {bad} is not finite")
    return m


def predict_rows(regressor: Regressor, x: Floats, rows: Rows, uses_features: bool) -> Floats:
    """Predict rows; those with a feature that is not finite give nan.

    Parameters
    ----------
    regressor : Regressor
        Fitted model.
    x : ndarray of float64, shape (n_bars, p)
        Features.
    rows : ndarray of int64, bar positions
        Rows to predict.
    uses_features : bool
        False for a model that predicts without features.

    Returns
    -------
    ndarray of float64, shape (len(rows),), log return
    """
    if not uses_features:
        return regressor.predict(x, rows)
    m = np.full(len(rows), np.nan)
    complete = np.isfinite(x[rows]).all(axis=1)
    m[complete] = regressor.predict(x, rows[complete])
    return m


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
    own = score(y[usable], m[usable], target.weight[split.test][usable])
    return own | base
