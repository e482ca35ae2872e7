"""Saved models of every kind, served on bars through the adaptor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ethpredict import adaptor
from ethpredict.errors import DataError
from ethpredict.features.stage import FeatureSet
from ethpredict.models import save_models, train_pack

NET = {"hidden": 4, "layers": 1, "dropout": 0.1, "learning_rate": 0.01, "weight_decay": 0.1,
       "batch_rows": 256, "epochs": 2, "patience": 1}  # fmt: skip
RECURRENT = NET | {"bars": 4, "mode": "segments", "segment": 24}
UP = {
    "blocks": 4,
    "level1": {"algo": "mlp", "mlp": NET},
    "level2": {"algo": "gru", "cost_bps": 2.0, "gru": NET | {"bars": 4, "segment": 12}},
    "meta_labeling": True,
    "calibration": "platt",
}


def members(world: Any) -> list[dict[str, Any]]:
    """One model of every kind."""
    made = [world.member(algo, algo, test_days=20) for algo in ("zero", "ridge", "xgboost")]
    for algo in ("lstm", "gru"):
        net = world.member(algo, algo, test_days=20)
        level0 = {"algo": algo, "network": RECURRENT}
        net["settings"]["model"] |= {"level0": level0, "scaler": "zscore", "seed": 3}
        made.append(net)
    stack = world.member("stack", "ridge", test_days=20)
    trees = world.member("x", "xgboost")["settings"]["model"]["level0"]["xgboost"]
    stack["settings"]["model"]["level0"] |= {"network": RECURRENT, "xgboost": trees}
    blend = {"ensemble": {"partners": "xgboost+lstm", "kind": "weighted"}, "seed": 3}
    stack["settings"]["model"] |= UP | blend
    return [*made, stack]


def test_every_kind_reloads_serves_its_own_bits_and_refuses_other_features(
    build_world: Any, tmp_path: Path
) -> None:
    world = build_world(n=1300)
    world.validation.update(kfold=2)
    result = train_pack(*world.tables, members(world))
    assert result.status["error"].tolist() == [""] * 6
    save_models(result.models, tmp_path / "models")
    features = FeatureSet(world.features, world.meta)
    for key in result.status["model_id"]:
        own = result.predictions[result.predictions["model_id"] == key]
        last = own[own["window"] == own["window"].max()]
        served = adaptor.predict(tmp_path / "models" / key, features, world.bars)
        at = served.iloc[last["row"]]
        for name in ("m", "p", "gain", "loss", "base_rate"):
            np.testing.assert_array_equal(at[name].to_numpy(), last[name].to_numpy(), err_msg=key)
        assert at["m"].notna().all()
        assert at["p"].notna().any() == (key == "stack")
        names = [name for name in world.features.columns if name != "ts_close"]
        swapped = ["ts_close", names[1], names[0], *names[2:]]
        for other in (
            world.features.drop(columns=names[-1]),
            world.features.assign(extra=1.0),
            world.features[swapped],
            world.features.rename(columns={names[0]: "another"}),
        ):
            with pytest.raises(DataError, match="columns are not those"):
                adaptor.predict(
                    tmp_path / "models" / key, FeatureSet(other, world.meta), world.bars
                )
