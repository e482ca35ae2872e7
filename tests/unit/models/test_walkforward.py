"""Splits of a model: purged, and blind to the locked test."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ethpredict.errors import ConfigError, DataError
from ethpredict.models.table import Table, align_tables
from ethpredict.models.walkforward import KFOLD, PLACEBO, Schedule, check_block, make_schedule

HORIZON = 12


@pytest.fixture
def table(build_world: Any) -> Table:
    return align_tables(*build_world(horizon=HORIZON).tables)


@pytest.fixture
def schedule(table: Table, world: Any) -> Schedule:
    return make_schedule(table, table.targets["horizon"], {**world.validation, "embargo": 7})


def test_windows_train_on_labels_that_are_over(table: Table, schedule: Schedule) -> None:
    target = table.targets["horizon"]
    windows = [split for split in schedule.splits if split.window is not None]
    assert len(windows) == 5
    for split in windows:
        assert (target.t1[split.train] < split.test[0]).all()
        # Everything else in the window is used: only the last HORIZON rows are purged.
        assert split.train.max() == split.test[0] - HORIZON - 1
        assert np.isin(split.train, np.flatnonzero(table.complete)).all()
    spans = np.concatenate([split.test for split in windows])
    assert np.array_equal(spans, np.arange(spans[0], len(table.ts)))


def test_folds_are_purged_embargoed_and_end_before_the_locked_test(
    table: Table, schedule: Schedule
) -> None:
    target = table.targets["horizon"]
    folds = [split for split in schedule.splits if split.scheme == KFOLD]
    assert len(folds) == 3
    for split in folds:
        first, last = split.test.min(), target.t1[split.test].max()
        for row in split.train:
            assert target.t1[row] < first or row > last + 7
        rows = np.concatenate([split.train, split.test])
        assert (target.t1[rows] < schedule.first_locked).all()
    tested = np.concatenate([split.test for split in folds])
    everything = table.samples(target)
    assert np.array_equal(tested, everything[target.t1[everything] < schedule.first_locked])


def test_embargo_is_at_least_the_longest_feature_memory(build_world: Any) -> None:
    world = build_world(horizon=HORIZON)
    world.meta["columns"][2]["memory"] = 60
    table = align_tables(*world.tables)
    target = table.targets["horizon"]
    made = make_schedule(table, target, world.validation)
    middle = next(split for split in made.splits if split.scheme == KFOLD and split.fold == 1)
    last = target.t1[middle.test].max()
    after = middle.train[middle.train > last]
    assert after.min() == last + 61


def test_placebo_repeats_the_last_fold(schedule: Schedule) -> None:
    placebo, last = schedule.splits[-1], schedule.splits[-2]
    assert (placebo.scheme, last.scheme) == (PLACEBO, KFOLD)
    assert np.array_equal(placebo.train, last.train)


def test_sealed_target_holds_no_locked_outcome(table: Table, schedule: Schedule) -> None:
    target = table.targets["horizon"]
    sealed = target.sealed(schedule.first_locked)
    assert np.isfinite(sealed[schedule.first_locked - HORIZON - 1])
    assert np.isnan(sealed[schedule.first_locked - HORIZON :]).all()


def test_check_block_is_purged(table: Table) -> None:
    t1 = table.targets["horizon"].t1
    fit, check = check_block(np.arange(100, 200), t1)
    assert np.array_equal(check, np.arange(180, 200))
    assert np.array_equal(fit, np.arange(100, 180 - HORIZON))
    assert [len(part) for part in check_block(np.arange(4), t1)] == [0, 0]


def test_more_folds_than_rows_is_a_setting_error(table: Table, world: Any) -> None:
    with pytest.raises(ConfigError, match=r"validation\.kfold"):
        make_schedule(table, table.targets["horizon"], {**world.validation, "kfold": 5000})


@pytest.mark.parametrize("broken", ["features", "labels", "empty"])
def test_tables_of_other_rows_are_refused(world: Any, broken: str) -> None:
    if broken == "features":
        world.features["ts_close"] += 1
    elif broken == "labels":
        world.labels = world.labels.iloc[:-1]
    else:
        world.features = world.features[["ts_close"]]
    with pytest.raises(DataError, match=r"feature|labels"):
        align_tables(*world.tables)
