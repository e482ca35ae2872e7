"""Fitted features: per window, from training rows only, saved with the model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ethpredict.models import load_model, save_models, train_pack
from ethpredict.models.table import align_tables
from ethpredict.models.transforms import fit_window
from ethpredict.models.walkforward import make_schedule

ITEM = {
    "name": "level_bin", "block": "regime", "kind": "quantile_bins", "inputs": ["level"],
    "options": {"bins": 3},
}  # fmt: skip


def with_item(world: Any) -> Any:
    rng = np.random.default_rng(6)
    world.features["level"] = np.exp(np.cumsum(0.05 * rng.standard_normal(len(world.features))))
    world.meta |= {"inputs": [{"name": "level", "memory": 3}], "fitted": [ITEM]}
    return world


def test_a_window_learns_from_its_training_rows_only(build_world: Any) -> None:
    world = with_item(build_world())
    table = align_tables(*world.tables)
    assert table.names == tuple(f"f{j}" for j in range(6))
    target = table.targets["horizon"]
    split = make_schedule(table, target, world.validation).splits[1]
    wide, cut, found = fit_window(table, target, split)
    assert wide.x.shape[1] == 6 + len(found.names)
    assert (cut.train == split.train[wide.complete[split.train]]).all()
    level = table.inputs["level"].to_numpy().copy()
    outside = np.ones(len(level), dtype=bool)
    outside[split.train[0] : split.train[-1] + 1] = False
    level[outside] = 1e6
    moved = align_tables(world.bars, world.features.assign(level=level), world.meta, world.labels)
    _, _, same = fit_window(moved, moved.targets["horizon"], split)
    assert same.state() == found.state()


def test_models_carry_their_transforms(build_world: Any, tmp_path: Any) -> None:
    world = with_item(build_world())
    result = train_pack(*world.tables, [world.member("r")])
    assert result.status["error"].tolist() == [""]
    save_models(result.models, tmp_path / "models")
    model = load_model(tmp_path / "models" / "r")
    assert model.input_names == ("level",)
    assert pd.Series(model.replay(world.features)["m"]).equals(result.predictions["m"])
    assert result.status["n_features"].tolist()[0] > 6


def test_a_transform_that_cannot_be_fitted_fails_the_models(build_world: Any) -> None:
    world = with_item(build_world())
    world.features["level"] = np.nan
    result = train_pack(*world.tables, [world.member("r")])
    assert result.status["status"].tolist() == ["failed"]
