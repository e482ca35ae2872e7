"""The pipeline as functions: the whole way once, and served models."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ethpredict import adaptor
from ethpredict.errors import DataError
from ethpredict.models import save_models
from ethpredict.sweep.single import load_specs

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow  # the simulator compiles
def test_the_pipeline_runs_and_serves_its_models(tmp_path: Path) -> None:
    specs = load_specs(ROOT / "config/test.yaml", model__level0__algo="ridge")
    data = adaptor.load_data(specs)
    features = adaptor.make_features(data, specs)
    models = adaptor.train_models(data, features, specs)
    seen = adaptor.walk_forward(models)
    assert (seen["segment"] == 0).all()
    assert 0 < len(seen) < len(models.predictions)
    result = adaptor.simulate(data, models, specs)
    assert result.metrics["status"].eq("ok").all()

    save_models(models.models, tmp_path / "models")
    folder = tmp_path / "models" / specs["train"]["id"]
    served = adaptor.predict(folder, features, data.bars)
    last = models.predictions[models.predictions["window"] == models.predictions["window"].max()]
    assert np.array_equal(served["m"].to_numpy()[last["row"]], last["m"], equal_nan=True)
    frame = features.frame.drop(columns=features.frame.columns[2])
    other: Any = replace(features, frame=frame)
    with pytest.raises(DataError, match="columns are not those"):
        adaptor.predict(folder, other, data.bars)
    with pytest.raises(DataError, match="rows do not match"):
        adaptor.predict(folder, features, data.bars.iloc[1:])
