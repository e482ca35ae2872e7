"""Saved models: same bits back, same bytes again, no pickle, wrong columns refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ethpredict.errors import DataError
from ethpredict.models import load_model, save_models, train_pack
from ethpredict.models.store import library_versions

ALGOS = ["ridge", "xgboost", "zero"]


@pytest.fixture
def trained(world: Any) -> Any:
    world.features.loc[900:905, "f3"] = np.nan
    world.features["f5"] = 1.0
    return train_pack(*world.tables, [world.member(algo, algo) for algo in ALGOS])


@pytest.mark.parametrize("algo", ALGOS)
def test_a_loaded_model_predicts_the_same_bits(
    world: Any, trained: Any, tmp_path: Path, algo: str
) -> None:
    save_models(trained.models, tmp_path / "models")
    model = load_model(tmp_path / "models" / algo)
    again = model.replay(world.features)
    expected = trained.predictions[trained.predictions["model_id"] == algo]
    assert again["row"].tolist() == expected["row"].tolist()
    assert again["window"].tolist() == expected["window"].tolist()
    assert again["m"].to_numpy().tobytes() == expected["m"].to_numpy().tobytes()
    last = expected[expected["window"] == expected["window"].max()]
    served = model.predict(world.features.iloc[last["row"]])
    assert served.tobytes() == last["m"].to_numpy().tobytes()
    for mine, theirs in zip(model.windows, trained.models[algo].windows, strict=True):
        assert (mine.window, mine.n_rows) == (theirs.window, theirs.n_rows)
        assert np.array_equal([mine.m_se, mine.hold_s], [theirs.m_se, theirs.hold_s])
        assert mine.regressor.left_out == ((5,) if algo != "zero" else ())


def test_a_saved_model_says_what_it_is(trained: Any, tmp_path: Path) -> None:
    save_models(trained.models, tmp_path / "models")
    head = json.loads((tmp_path / "models/xgboost/model.json").read_text())
    assert head["feature_names"] == [f"f{j}" for j in range(6)]
    assert head["settings"]["model"]["level0"]["xgboost"]["rounds"] == 15
    assert head["versions"] == library_versions()
    assert {"numpy", "torch", "xgboost", "python", "ethpredict"} == set(head["versions"])
    body = json.loads((tmp_path / "models/ridge/window_00.json").read_text())
    assert body["left_out"] == ["f5"]
    kinds = {path.suffix for path in (tmp_path / "models").rglob("*") if path.is_file()}
    assert kinds == {".json", ".ubj"}


def test_saving_twice_gives_the_same_bytes(trained: Any, tmp_path: Path) -> None:
    for name in ("a", "b", "a"):
        save_models(trained.models, tmp_path / name)
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*.*"))
    assert len(files) == 3 * 6 + 5
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_other_columns_are_refused(world: Any, trained: Any) -> None:
    model = trained.models["ridge"]
    with pytest.raises(DataError, match=r"missing \['f2'\], not known \['g'\]"):
        model.predict(world.features.rename(columns={"f2": "g"}))
    with pytest.raises(DataError, match="another order"):
        model.predict(world.features[world.features.columns[::-1]])
    with pytest.raises(DataError, match="fewer than model ridge was tested on"):
        model.replay(world.features.iloc[:-1])


def test_a_folder_that_cannot_be_read_is_refused(trained: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        load_model(tmp_path / "nothing")
    save_models(trained.models, tmp_path / "models")
    head = tmp_path / "models/ridge/model.json"
    head.write_text(json.dumps({**json.loads(head.read_text()), "format": 99}))
    with pytest.raises(DataError, match="format 99"):
        load_model(tmp_path / "models/ridge")


@pytest.mark.parametrize("harm", ["missing", "cut"])
def test_trees_that_were_harmed_are_refused(trained: Any, tmp_path: Path, harm: str) -> None:
    save_models(trained.models, tmp_path / "models")
    trees = tmp_path / "models/xgboost/window_01.ubj"
    whole = trees.read_bytes()
    trees.unlink()
    if harm == "cut":
        trees.write_bytes(whole[:-100])
    with pytest.raises(DataError, match=r"window_01\.ubj: is missing or was changed"):
        load_model(tmp_path / "models/xgboost")
