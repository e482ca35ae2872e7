"""Boosted trees: the shared rows stay as they are, and returns are large enough to learn."""

from __future__ import annotations

import numpy as np
import pytest
import xgboost as xgb

from ethpredict.models.base import ModelError, Sample
from ethpredict.models.gbt import Xgboost

BASE = {
    "rounds": 20,
    "max_depth": 3,
    "eta": 0.3,
    "subsample": 0.7,
    "colsample": 0.5,
    "min_child_weight": 1.0,
    "reg_lambda": 1.0,
    "max_bin": 256,
}


def settings(**changes: float) -> dict:
    return {"level0": {"algo": "xgboost", "xgboost": {**BASE, **changes}}}


def sample(scale: float = 1.0, shift: float = 0.0) -> Sample:
    rng = np.random.default_rng(2)
    x = rng.standard_normal((600, 4))
    y = np.sign(x[:, 0]) + 0.1 * rng.standard_normal(600)
    rows = np.arange(500)
    return Sample(x, rows, scale * y[rows] + shift, rng.uniform(0.5, 1.0, 500))


def fitted(data: Sample, seed: int = 1, **changes: float):
    algorithm = Xgboost()
    return algorithm.fit(algorithm.prepare(data, settings()), settings(**changes), seed, "cpu")


@pytest.mark.parametrize("scale", [1.0, 1e-5])
def test_learns_returns_of_any_size(scale: float) -> None:
    """Without a standardised target XGBoost's least gain stops every tree at its root."""
    data = sample(scale)
    m = fitted(data).predict(data.features, np.arange(500, 600))
    truth = scale * np.sign(data.features[500:, 0])
    assert np.corrcoef(m, truth)[0, 1] > 0.95
    assert np.std(m) == pytest.approx(scale, rel=0.25)


def test_units_of_the_target_do_not_matter() -> None:
    rows = np.arange(600)
    plain, moved = sample(), sample(0.001, 0.25)
    m = fitted(plain).predict(plain.features, rows)
    np.testing.assert_allclose(
        fitted(moved).predict(moved.features, rows), 0.001 * m + 0.25, atol=1e-7
    )


def test_shared_rows_serve_models_in_any_order() -> None:
    algorithm, data = Xgboost(), sample()
    jobs = [(settings(max_depth=depth), depth) for depth in (1, 2, 3, 4)]
    alone = [
        algorithm.fit(algorithm.prepare(data, chosen), chosen, seed, "cpu").blob()
        for chosen, seed in jobs
    ]
    shared = algorithm.prepare(data, settings())
    forward = [algorithm.fit(shared, chosen, seed, "cpu").blob() for chosen, seed in jobs]
    backward = [algorithm.fit(shared, chosen, seed, "cpu").blob() for chosen, seed in jobs[::-1]]
    assert alone == forward == backward[::-1]
    assert len(set(alone)) == 4


def test_seed_decides_the_rows_and_columns_drawn() -> None:
    assert fitted(sample(), seed=1).blob() == fitted(sample(), seed=1).blob()
    assert fitted(sample(), seed=1).blob() != fitted(sample(), seed=2).blob()


def test_a_row_is_predicted_alike_alone_and_in_any_table() -> None:
    data, rows = sample(), np.arange(600)
    model = fitted(data)
    together = model.predict(data.features, rows)
    alone = np.array([model.predict(data.features, rows[k : k + 1])[0] for k in rows])
    assert together.tobytes() == alone.tobytes()
    assert model.predict(data.features, rows[:0]).shape == (0,)


def test_constant_columns_are_left_out_and_a_constant_target_refused() -> None:
    data = sample()
    x = data.features.copy()
    x[:, 2] = 7.0
    assert fitted(Sample(x, data.rows, data.y, data.weight)).left_out == (2,)
    with pytest.raises(ModelError, match="target is constant"):
        fitted(Sample(data.features, data.rows, np.full(500, 0.01), np.ones(500)))


def test_rounds_are_those_of_xgboosts_own_loop() -> None:
    algorithm, data = Xgboost(), sample()
    found = algorithm.fit(algorithm.prepare(data, settings()), settings(), 3, "cpu")
    shared = algorithm.prepare(data, settings())
    parameters = {
        "tree_method": "hist", "base_score": 0.0, "nthread": 1, "seed": 3, "max_bin": 256,
        "max_depth": 3, "eta": 0.3, "subsample": 0.7, "colsample_bytree": 0.5,
        "min_child_weight": 1.0, "reg_lambda": 1.0, "objective": "reg:squarederror",
    }  # fmt: skip
    expected = xgb.train(parameters, shared.matrix, num_boost_round=20)
    assert found.booster.get_dump(with_stats=True) == expected.get_dump(with_stats=True)


def test_bins_are_a_setting_that_rows_are_shared_by() -> None:
    algorithm, data = Xgboost(), sample()
    coarse = settings(max_bin=4)
    assert algorithm.share(coarse) != algorithm.share(settings())
    assert algorithm.share(coarse) == algorithm.share(settings(max_bin=4, eta=0.1))
    model = algorithm.fit(algorithm.prepare(data, coarse), coarse, 1, "cpu")
    splits = model.booster.trees_to_dataframe().query("Feature != 'Leaf'")
    fine = fitted(data).booster.trees_to_dataframe().query("Feature != 'Leaf'")
    assert splits.groupby("Feature")["Split"].nunique().max() <= 4
    assert fine.groupby("Feature")["Split"].nunique().max() > 4
