"""The training script: tables in, tables and models out."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from ethpredict.io.artefact import read_table, write_json, write_table
from ethpredict.models import load_model


def script(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("train", root / "scripts/train_models.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_writes_every_output(world: Any, root: Path, tmp_path: Path) -> None:
    names = ("bars", "features", "labels")
    inputs = SimpleNamespace(**{name: tmp_path / f"{name}.parquet" for name in names})
    inputs.meta = tmp_path / "meta.json"
    for name in names:
        write_table(getattr(world, name), getattr(inputs, name))
    write_json(world.meta, inputs.meta)
    spec = {
        "stage": "train",
        "id": "pack",
        "members": [world.member("a"), world.member("b", train_days=9999)],
    }
    for folder in ("one", "two"):
        out = tmp_path / folder
        outputs = SimpleNamespace(
            **{
                name: out / f"{name}.parquet"
                for name in ("predictions", "scores", "status", "curves")
            },
            models=out / "models",
            spec=out / "spec.json",
        )
        script(root).main(inputs, outputs, spec)
    one, two = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*")}
        for folder in (tmp_path / "one", tmp_path / "two")
    )
    assert one == two
    assert read_table(tmp_path / "one/status.parquet")["status"].tolist() == ["ok", "failed"]
    assert json.loads((tmp_path / "one/spec.json").read_text())["id"] == "pack"
    assert read_table(tmp_path / "one/curves.parquet").empty  # ridge learns at once
    assert load_model(tmp_path / "one/models/a").id == "a"
    assert read_table(tmp_path / "one/predictions.parquet").dtypes["segment"] == "int8"
