"""Paths, intervals and training weights inside a pack."""

from __future__ import annotations

from math import comb
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ethpredict.errors import ConfigError
from ethpredict.labels import class_balance, time_decay
from ethpredict.models import train_pack
from ethpredict.models.table import align_tables
from ethpredict.models.walkforward import make_schedule
from ethpredict.models.weighing import training_weights


@pytest.fixture
def scores(build_world: Any) -> pd.DataFrame:
    """Scores of a ridge with planted skill, combinatorial splits on."""
    world = build_world(n=1300, skill=0.3)
    member = world.member("r", cpcv={"groups": 4, "test": 2})
    return train_pack(*world.tables, [member]).scores


def of(scores: pd.DataFrame, scheme: str, metric: str) -> pd.Series:
    chosen = (scores["scheme"] == scheme) & (scores["metric"] == metric)
    return scores[chosen].set_index("fold")["value"]


def test_paths_are_whole_and_made_of_the_splits(scores: pd.DataFrame) -> None:
    paths, groups = of(scores, "cpcv_path", "n_rows"), of(scores, "cpcv", "n_rows")
    assert len(groups) == comb(4, 2)
    assert len(paths) == comb(3, 1)
    assert paths.nunique() == 1  # every path tests every row
    assert paths.sum() == groups.sum()  # every prediction stands on one path
    # sums over paths are sums over splits, so the pooled skill is the same
    sse = of(scores, "cpcv_path", "sse").sum()
    assert sse == pytest.approx(of(scores, "cpcv", "sse").sum(), rel=1e-12)
    assert of(scores, "cpcv_path", "r2").to_numpy() == pytest.approx([0.3] * 3, abs=0.06)


def test_interval_holds_the_pooled_score_and_the_planted_skill(scores: pd.DataFrame) -> None:
    found = scores[scores["scheme"] == "walk_forward_interval"]
    assert set(found["fold"]) == {-1}
    value = found.set_index("metric")["value"]
    sse, zero = (of(scores, "walk_forward", name).sum() for name in ("sse", "sse_zero"))
    assert value["r2_low"] < 1 - sse / zero < value["r2_high"]
    assert value["r2_low"] < 0.35
    assert value["r2_high"] > 0.25
    assert value["r2_low"] > 0  # skill of this size is seen
    assert value["block_length"] >= 1


def test_combinatorial_folds_keep_out_of_the_locked_test_and_are_embargoed(
    build_world: Any,
) -> None:
    world = build_world(horizon=3)
    world.validation["cpcv"] = {"groups": 4, "test": 1}
    table = align_tables(*world.tables[:2], world.meta, world.labels)
    target = table.targets["horizon"]
    schedule = make_schedule(table, target, {**world.validation, "embargo": 17})
    for split in (one for one in schedule.splits if one.scheme == "cpcv"):
        assert target.t1[np.concatenate([split.train, split.test])].max() < schedule.first_locked
        after = split.train[split.train > split.test[-1]]
        if len(after):
            assert after[0] == target.t1[split.test].max() + 17 + 1


def test_no_choice_of_groups_left_is_refused(build_world: Any) -> None:
    world = build_world()
    table = align_tables(*world.tables[:2], world.meta, world.labels)
    for cpcv in ({"groups": 3, "test": 3}, {"groups": 1, "test": 1}):
        with pytest.raises(ConfigError, match=r"validation\.cpcv\.test"):
            make_schedule(table, table.targets["horizon"], {**world.validation, "cpcv": cpcv})


def test_training_weights_by_definition() -> None:
    rng = np.random.default_rng(1)
    y, weight = rng.normal(0.3, 1, 50), rng.uniform(0.1, 1, 50)
    assert training_weights(y, weight, {}) is weight
    plain = {"weights": {"time_decay": 1.0, "class_balance": False}}
    assert training_weights(y, weight, plain) is weight
    found = training_weights(y, weight, {"weights": {"time_decay": 0.25, "class_balance": True}})
    decayed = weight * time_decay(weight, 0.25)
    np.testing.assert_allclose(found, decayed * class_balance(np.sign(y), decayed))
    assert found[y > 0].sum() == pytest.approx(found[y < 0].sum())
    assert found.sum() == pytest.approx(decayed.sum())


def test_a_window_forgets_its_oldest_rows_and_only_these(build_world: Any) -> None:
    """With decay -0.5 the older half counts nothing: scrambling it changes nothing."""
    kept = {"time_decay": -0.5, "class_balance": False}
    results = []
    for scramble in (False, True):
        world = build_world(n=1100)
        world.validation.update(test_days=60, locked_days=0)
        if scramble:
            first = world.features.columns[1:]
            world.features.loc[24:200, first] *= -3.0
        members = [world.member("plain"), world.member("kept", weights=kept)]
        results.append(train_pack(*world.tables, members).predictions)
    plain, other = (
        [table[table["model_id"] == key]["m"].to_numpy() for table in results]
        for key in ("plain", "kept")
    )
    assert not np.array_equal(plain[0], plain[1])
    np.testing.assert_array_equal(other[0], other[1])


def test_models_with_other_weights_do_not_share_rows(build_world: Any) -> None:
    world = build_world(n=1100)
    world.validation.update(test_days=60, locked_days=0)
    kept = {"time_decay": 0.0, "class_balance": False}
    both = train_pack(*world.tables, [world.member("a"), world.member("b", weights=kept)])
    alone = train_pack(*world.tables, [world.member("b", weights=kept)])
    pair = both.predictions[both.predictions["model_id"] == "b"].reset_index(drop=True)
    pd.testing.assert_frame_equal(pair, alone.predictions, check_exact=True)
