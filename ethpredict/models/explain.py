"""Importances of the features of one model's level 0, on its own purged folds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np
import pandas as pd

from ethpredict.models.base import Floats, Regressor, Rows, Sample
from ethpredict.models.fit import Fit
from ethpredict.models.gbt import TreeRegressor
from ethpredict.models.hierarchy import Hierarchy
from ethpredict.models.importance import (
    Learner,
    Predictor,
    feature_clusters,
    gain_importance,
    over_folds,
    permutation_importance,
    single_importance,
)
from ethpredict.models.levels import Task, derived_seed
from ethpredict.models.member import Member
from ethpredict.models.predicting import predict_rows
from ethpredict.models.registry import LEVEL0
from ethpredict.models.table import Table, Target
from ethpredict.models.transforms import fit_window
from ethpredict.models.walkforward import KFOLD, Schedule, Split
from ethpredict.models.weighing import weighted_rows

Row = tuple[str, int, str, float]
Groups = list[list[int]]
SCHEME = "importance_"


def importances(
    table: Table,
    target: Target,
    schedule: Schedule,
    member: Member,
    fits: Sequence[Fit],
    device: str,
) -> list[Row]:
    """Rows for the score table, for every kind in ``validation.importance``.

    Parameters
    ----------
    table, target, schedule, member
        What was trained.
    fits : sequence of Fit
        In the schedule's order; MDI reads their trees.
    device : {"cpu", "cuda"}
        Where to train.

    Returns
    -------
    list of (scheme, fold, metric, value)
        Scheme ``importance_mdi``, ``…_mda``, ``…_clustered_mda``, ``…_sfi``,
        fold -1; the metric is the feature, the members of a cluster joined by
        " + "; the value is the mean over folds (of MDI: over the validation
        windows). ``…_error``: its standard error over these. No MDI where
        level 0 holds no trees.

    Raises
    ------
    ModelError
        If a model cannot be fitted.

    Notes
    -----
    Of an ensemble the first algorithm is measured. Shuffling takes a feature's
    values at the test rows; what a sequence model reads before its test block
    stays. All outcomes are of the folds' rows, so none reads the locked test.
    """
    kinds = list(member.settings["validation"].get("importance", ()))
    if not kinds or not member.uses_features:
        return []
    found: list[Row] = []
    if "mdi" in kinds:
        found += _gain(table, schedule, fits)
    folds = [
        fit_window(table, target, split, member.reach)[:2]
        for split in schedule.splits
        if split.scheme == KFOLD and set(kinds) != {"mdi"}
    ]
    if not folds:
        return found
    wide, first = folds[0]
    alone = [[column] for column in range(len(wide.names))]
    for kind in (kind for kind in kinds if kind != "mdi"):
        rows = np.union1d(first.train, first.test)
        rows = rows[wide.complete[rows]]
        groups = feature_clusters(wide.x[rows]) if kind == "clustered_mda" else alone
        values = [_on_fold(kind, *fold, target, member, groups, device) for fold in folds]
        names = [" + ".join(wide.names[column] for column in group) for group in groups]
        found += _rows(kind, names, over_folds(values))
    return found


def _on_fold(
    kind: str,
    table: Table,
    split: Split,
    target: Target,
    member: Member,
    groups: Groups,
    device: str,
) -> list[float]:
    """One kind of importance on one fold."""
    test = split.test[table.complete[split.test] & (target.weight[split.test] > 0)]
    fold = [(split.train, test)]
    learner = _learner(table, target, member, f"{kind} {split.fold}", device)
    if kind == "sfi":
        made = single_importance(learner, table.x, target.y, target.weight, fold, groups)
    else:
        rng = np.random.default_rng(derived_seed(member.seed, "importance", kind, split.label))
        made = permutation_importance(learner, table.x, target.y, target.weight, fold, groups, rng)
    return made["mean"].tolist()


def _learner(table: Table, target: Target, member: Member, stage: str, device: str) -> Learner:
    """Level 0 of a member, as the measures want it."""
    algorithm = LEVEL0[member.algo]

    def learn(x: Floats, train: Rows) -> Predictor:
        seed = derived_seed(member.seed, "importance", stage)
        spans = Task(table, target, train, device).spans()
        if not np.ptp(x[train], axis=0).any():  # a feature that stands still predicts nothing
            return lambda other, asked: np.zeros(len(asked))
        rows, weight = weighted_rows(train, target, member.model, seed)
        sample = Sample(x, rows, target.y[rows], weight, spans)
        prepared = algorithm.prepare(sample, member.model)
        regressor = algorithm.fit(prepared, member.model, seed, device)
        return lambda other, asked: predict_rows(regressor, other, table.lengths, asked, True)

    return learn


def _gain(table: Table, schedule: Schedule, fits: Sequence[Fit]) -> list[Row]:
    """Share of the gain in the trees of the validation windows."""
    shares = []
    for split, fit in zip(schedule.splits, fits, strict=True):
        window = split.window
        if window is None or window.test_stop > schedule.first_locked or fit.regressor is None:
            continue
        names = (*table.names, *fit.transforms.names)
        for trees in _trees(fit.regressor):
            kept = [names[column] for column in trees.scaler.columns]
            score = trees.booster.get_score(importance_type="total_gain")
            gain = {kept[int(key[1:])]: float(np.sum(value)) for key, value in score.items()}
            shares.append(gain_importance(gain, names))
    if not shares:
        return []
    joined = pd.concat(shares, axis=1).fillna(0.0)
    return _rows("mdi", list(joined.index), over_folds(joined.T.to_numpy().tolist()))


def _trees(regressor: Regressor) -> Iterator[TreeRegressor]:
    """Trees of level 0; none where another algorithm made it."""
    bases = (base for _, base in regressor.bases) if isinstance(regressor, Hierarchy) else ()
    return (part for part in chain([regressor], bases) if isinstance(part, TreeRegressor))


def _rows(kind: str, names: Sequence[str], values: pd.DataFrame) -> list[Row]:
    return [
        (f"{SCHEME}{kind}{suffix}", -1, name, float(value))
        for suffix, column in (("", "mean"), ("_error", "error"))
        for name, value in zip(names, values[column], strict=True)
    ]
