"""Train a pack: many models on the same rows, in one process, features loaded once."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ethpredict.errors import ConfigError, DataError, TrialError
from ethpredict.models.base import ModelError
from ethpredict.models.curves import CURVES, curve_rows
from ethpredict.models.fit import Fit, fit_split
from ethpredict.models.hierarchy import NAME
from ethpredict.models.member import Member
from ethpredict.models.store import Model, WindowModel
from ethpredict.models.summaries import summaries
from ethpredict.models.table import Table, Target, align_tables
from ethpredict.models.uncertainty import prediction_errors
from ethpredict.models.walkforward import KFOLD, PLACEBO, Schedule, Split, make_schedule
from ethpredict.splits import VALIDATION, Window

logger = logging.getLogger(__name__)

PREDICTIONS = {
    "model_id": str,
    "row": np.int64,
    "ts": np.int64,
    "segment": np.int8,
    "window": np.int32,
    **dict.fromkeys(
        ("m", "m_se", "p", "gain", "loss", "hold_s", "horizon_s", "base_rate"), np.float64
    ),
}
SCORES = {
    "model_id": str,
    "scheme": str,
    "fold": np.int32,
    "metric": str,
    "value": np.float64,
}
STATUS = {
    "model_id": str,
    "status": str,
    "error": str,
    "n_windows": np.int32,
    "n_features": np.int32,
}


@dataclass(frozen=True, slots=True)
class PackResult:
    """What a training pack gives; every table is sorted by model id.

    Parameters
    ----------
    predictions : DataFrame
        ``model_id``, ``row`` (bar position), ``ts`` (UTC ns), ``segment`` (0
        validation, 1 locked), ``window``, ``m`` and ``m_se`` (log return over
        the horizon), ``p``, ``gain``, ``loss`` (nan: no second level),
        ``hold_s``, ``horizon_s`` (seconds), ``base_rate`` (share of signals
        that paid in training). One row for every bar from the
        first test row on, for every model that did not fail.
    scores : DataFrame
        ``model_id``, ``scheme``, ``fold``, ``metric``, ``value``; nothing
        about the locked test.
    models : dict of str to Model
        Fitted walk-forward models.
    status : DataFrame
        ``model_id``, ``status`` ("ok" or "failed"), ``error``, ``n_windows``,
        ``n_features`` (fewest used in a window).
    curves : DataFrame
        Learning curves of the refits for validation windows: ``model_id``,
        ``window``, ``level``, ``algo``, ``epoch`` (from 1), ``train`` and
        ``check`` (loss in training and on the inner validation). Nothing about
        the locked test: its refits learn from locked days.
    """

    predictions: pd.DataFrame
    scores: pd.DataFrame
    models: dict[str, Model]
    status: pd.DataFrame
    curves: pd.DataFrame


def train_pack(
    bars: pd.DataFrame,
    features: pd.DataFrame,
    feature_meta: dict[str, Any],
    labels: pd.DataFrame,
    members: Sequence[Mapping[str, Any]],
    device: str = "cpu",
    threads: int = 1,
) -> PackResult:
    """Train every member on walk-forward windows and score it on purged folds.

    A member's result depends on the tables, its own settings and its
    replicate only: not on its id, its pack-mates, their order or `threads`.

    Parameters
    ----------
    bars, features, labels : DataFrame, n rows each
        Row-aligned tables of the earlier stages.
    feature_meta : dict
        ``meta.json`` of the features stage.
    members : sequence of mapping
        ``{"id", "settings": {"model": ..., "validation": ...}, "replicate"}``.
    device : {"cpu", "cuda"}
        Where trees are grown.
    threads : int, >= 1
        Splits that are fitted at the same time; each model uses one thread.

    Returns
    -------
    PackResult
        Tables and models. A member that cannot be trained is a row with
        status "failed" and the reason; the others go on.

    Raises
    ------
    DataError
        If the tables do not belong together.
    MemoryError, OSError
        Never recorded as a member's failure.
    """
    table = align_tables(bars, features, feature_meta, labels)
    todo = [_member(member) for member in members]
    if len({member.id for member in todo}) != len(todo):
        raise DataError("members", None, "a model id stands twice in the pack; replan the study")
    outcomes: dict[str, _Trained | TrialError] = {}
    for group in _groups(todo):
        outcomes.update(_train_group(table, group, device, threads))
    trained = {key: value for key, value in sorted(outcomes.items()) if isinstance(value, _Trained)}
    for key, value in sorted(outcomes.items()):
        if isinstance(value, TrialError):
            logger.warning("model %s failed: %s", key, value.reason)
    logger.info(
        "trained %d of %d models on %d rows, device %s",
        len(trained),
        len(todo),
        len(table.ts),
        device,
    )
    return PackResult(
        predictions=_stack([_predictions(table, item) for item in trained.values()], PREDICTIONS),
        scores=_scores(trained),
        models={key: _model(table, item, device) for key, item in trained.items()},
        status=_status(table, outcomes),
        curves=_stack([part for item in trained.values() for part in _curves(item)], CURVES),
    )


@dataclass(frozen=True, slots=True)
class _Trained:
    """One member with its fits, in the schedule's order."""

    member: Member
    schedule: Schedule
    fits: tuple[Fit, ...]
    m_se: tuple[float, ...]
    summaries: tuple[tuple[str, int, str, float], ...]

    def windows(self) -> Iterator[tuple[Window, Fit, float]]:
        """Walk-forward windows, their fits and the standard error of their predictions."""
        pairs = zip(self.schedule.splits, self.fits, strict=True)
        own = [(split.window, fit) for split, fit in pairs if split.window is not None]
        for (window, fit), m_se in zip(own, self.m_se, strict=True):
            yield window, fit, m_se


def _member(member: Mapping[str, Any]) -> Member:
    """Read a pack member; settings as they stand in the specification."""
    settings = {key: member["settings"][key] for key in ("model", "validation")}
    return Member(str(member["id"]), settings, int(member.get("replicate", 0)))


def _groups(members: Sequence[Member]) -> list[list[Member]]:
    """Members that share an algorithm and splits, in an order of their own settings."""
    groups: dict[str, list[Member]] = {}
    for member in sorted(members, key=lambda item: item.id):
        key = [member.algo, member.target, member.settings["validation"], member.reach]
        groups.setdefault(json.dumps(key, sort_keys=True), []).append(member)
    return [groups[key] for key in sorted(groups)]


def _train_group(
    table: Table, group: list[Member], device: str, threads: int
) -> dict[str, _Trained | TrialError]:
    """Fit a group on every split of its schedule."""
    first = group[0]
    target = table.targets[first.target]
    try:
        schedule = make_schedule(table, target, first.settings["validation"], first.reach)
    except ConfigError as error:
        return {member.id: TrialError(member.id, str(error)) for member in group}

    def one(split: Split) -> dict[str, Fit | ModelError]:
        return fit_split(table, target, schedule, split, group, device)

    if threads > 1:
        with ThreadPoolExecutor(threads) as pool:
            fitted = list(pool.map(one, schedule.splits))
    else:
        fitted = [one(split) for split in schedule.splits]
    return {
        member.id: _collect(
            table, target, schedule, member, [fits[member.id] for fits in fitted], device
        )
        for member in group
    }


def _collect(
    table: Table,
    target: Target,
    schedule: Schedule,
    member: Member,
    fits: Sequence[Fit | ModelError],
    device: str,
) -> _Trained | TrialError:
    """One member's fits, or the first reason why there are none."""
    good: list[Fit] = []
    for split, fit in zip(schedule.splits, fits, strict=True):
        if isinstance(fit, ModelError):
            return TrialError(member.id, f"{split.label}: {fit}")
        good.append(fit)
    pairs = zip(schedule.splits, good, strict=True)
    own = [(split.window, fit) for split, fit in pairs if split.window is not None]
    m_se = prediction_errors(
        table,
        target,
        [window for window, _ in own],
        [fit.m for _, fit in own],
        own[0][1].check_error,
    )
    try:
        pooled = summaries(table, target, schedule, member, good, device)
    except ModelError as error:
        return TrialError(member.id, f"validation.importance: {error}")
    return _Trained(member, schedule, tuple(good), tuple(m_se), tuple(pooled))


def _predictions(table: Table, item: _Trained) -> pd.DataFrame:
    """Predictions of one model for every bar of its walk-forward span."""
    parts = []
    for window, fit, m_se in item.windows():
        rows = np.arange(window.test_start, window.test_stop)
        values = {
            "model_id": item.member.id,
            "row": rows,
            "ts": table.ts[rows],
            "segment": window.segment,
            "window": window.window,
            "m": fit.m,
            "m_se": m_se,
            "p": fit.p,
            "gain": fit.payoff.gain if fit.payoff else np.nan,
            "loss": fit.payoff.loss if fit.payoff else np.nan,
            "hold_s": fit.hold_s,
            "horizon_s": table.horizon_s[rows],
            "base_rate": fit.payoff.base_rate if fit.payoff else np.nan,
        }
        parts.append(pd.DataFrame(values).astype(PREDICTIONS))
    return pd.concat(parts, ignore_index=True)


def _curves(item: _Trained) -> list[pd.DataFrame]:
    """Learning curves of one model, in time order."""
    return [
        part
        for window, fit, _ in item.windows()
        if window.segment == VALIDATION and fit.regressor is not None
        for part in curve_rows(item.member.id, window.window, fit.regressor, item.member.algo)
    ]


def _stack(parts: list[pd.DataFrame], columns: Mapping[str, Any]) -> pd.DataFrame:
    """One table of many; empty, with its columns, where there is none."""
    if not parts:
        return pd.DataFrame({name: [] for name in columns}).astype(columns)
    return pd.concat(parts, ignore_index=True)


def _scores(trained: Mapping[str, _Trained]) -> pd.DataFrame:
    """Long table of scores, sorted by model, scheme, fold and metric."""
    rows = [
        (key, KFOLD if split.scheme == PLACEBO else split.scheme, split.fold, metric, value)
        for key, item in trained.items()
        for split, fit in zip(item.schedule.splits, item.fits, strict=True)
        for metric, value in fit.scores.items()
    ]
    rows += [(key, *row) for key, item in trained.items() for row in item.summaries]
    rows.sort(key=lambda row: row[:4])
    columns = list(zip(*rows, strict=True)) or [()] * len(SCORES)
    return pd.DataFrame(dict(zip(SCORES, columns, strict=True))).astype(SCORES)


def _model(table: Table, item: _Trained, device: str) -> Model:
    """The model to save: every walk-forward refit."""
    windows = tuple(
        WindowModel(window, fit.regressor, m_se, fit.hold_s, fit.n_rows, fit.transforms)
        for window, fit, m_se in item.windows()
        if fit.regressor is not None
    )
    member = item.member
    return Model(
        id=member.id,
        kind=NAME if member.chained else member.algo,
        settings=member.settings,
        replicate=member.replicate,
        seed=member.seed,
        device=device,
        feature_names=table.names,
        input_names=tuple(table.inputs.columns),
        windows=windows,
    )


def _status(table: Table, outcomes: Mapping[str, _Trained | TrialError]) -> pd.DataFrame:
    """One row per member."""
    rows = []
    for key, outcome in sorted(outcomes.items()):
        if isinstance(outcome, TrialError):
            rows.append((key, "failed", outcome.reason, 0, 0))
            continue
        used = [
            len(table.names) + len(fit.transforms.names) - len(fit.left_out)
            for _, fit, _ in outcome.windows()
        ]
        fewest = min(used) if outcome.member.uses_features else 0
        rows.append((key, "ok", "", len(used), fewest))
    columns = list(zip(*rows, strict=True)) or [()] * len(STATUS)
    return pd.DataFrame(dict(zip(STATUS, columns, strict=True))).astype(STATUS)
