"""Levels: out-of-sample chains, meta-labels, ensembles, calibration, saved hierarchies."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.random import default_rng
from scipy.stats import norm
from sklearn.metrics import log_loss

from ethpredict.config.load import load, nest
from ethpredict.config.schema import applicable
from ethpredict.models import PackResult, load_model, save_models, train_pack
from ethpredict.models.base import Sample, Spans
from ethpredict.models.blend import blend_weights
from ethpredict.models.calibrators import fit_calibrator
from ethpredict.models.confidence import ConfidenceGru

SMALL = {"hidden": 6, "layers": 1, "dropout": 0.0, "learning_rate": 0.01, "weight_decay": 0.1,
         "batch_rows": 128, "epochs": 8, "patience": 2}  # fmt: skip
FULL = {
    "scaler": "zscore",
    "seed": 11,
    "blocks": 4,
    "level1": {"algo": "mlp", "mlp": SMALL},
    "level2": {"algo": "gru", "cost_bps": 2.0, "gru": SMALL | {"bars": 4, "segment": 12}},
    "meta_labeling": True,
    "calibration": "platt",
}

LSTM = SMALL | {"bars": 4, "mode": "segments", "segment": 24, "learning_rate": 0.02}
CONFIDENCE = nest(applicable(load([], {"model__level2__algo": "gru"}).values))["model"]["level2"]
"""The confidence as the schema has it."""


def member(world: Any, id: str, algo: str = "ridge", **changes: Any) -> dict[str, Any]:
    made = world.member(id, algo, test_days=changes.pop("test_days", 15))
    made["settings"]["model"] |= FULL | changes
    return made


def planted_gap(skill: float) -> float:
    """How much more often the larger half of true signals has the right side (normal returns).

    The side is right with probability Phi(a |z|), a^2 = skill / (1 - skill), z normal.
    """
    z = norm.ppf(0.5 + (np.arange(100_000) + 0.5) / 200_000)
    right = norm.cdf(np.sqrt(skill / (1 - skill)) * z)
    return float(right[50_000:].mean() - right[:50_000].mean())


def metric(result: PackResult, name: str, model_id: str = "full") -> np.ndarray:
    scores = result.scores.query("scheme == 'walk_forward' and model_id == @model_id")
    return scores.loc[scores["metric"] == name, "value"].to_numpy()


def test_planted_skill_passes_through_all_levels(build_world: Any) -> None:
    """R2 = 0.3 is planted; the chain costs data, so the bounds are wider than ridge's alone.

    What p is on average, and how well it sorts, is that of three replicates: it
    scatters by 0.03 between the draws of one net of so few labels.
    """
    world = build_world(n=3000, skill=0.3)
    world.validation.update(train_days=60, locked_days=0, kfold=2)
    members = [member(world, name, test_days=30, level2=CONFIDENCE) for name in ("full", "b", "c")]
    for replicate, one in enumerate(members):
        one["replicate"] = replicate
    result = train_pack(*world.tables, members)
    assert result.status["error"].tolist() == [""] * 3
    assert 0.2 < metric(result, "r2").mean() < 0.36
    expected_ic = 6 / np.pi * np.arcsin(np.sqrt(0.3) / 2)
    assert metric(result, "ic").mean() == pytest.approx(expected_ic, abs=0.07)
    frame = result.predictions
    frame = frame[frame["row"] < frame["row"].max() - 1]
    ret = world.labels["ret"].to_numpy()[frame["row"]]
    paid = np.sign(frame["m"]) * ret > 1e-4 * CONFIDENCE["cost_bps"]
    sure = frame["p"] > frame.groupby("model_id")["p"].transform("median")
    # A large |m| pays more often; two small nets in a row keep at least half of it.
    assert paid[sure].mean() - paid[~sure].mean() > 0.5 * planted_gap(0.3)
    assert abs(frame["p"].mean() - paid.mean()) < 0.05
    assert ((frame["gain"] > 0) & (frame["loss"] > 0)).all()
    assert frame["base_rate"].between(0.5, 0.8).all()
    # the scores of p are those of the table's own p, against what following m gave
    scores = result.scores.query("scheme == 'confidence'")
    told = scores.query("model_id == 'full'").set_index("metric")["value"]
    mean = scores.groupby("metric")["value"].mean()
    every = result.predictions.query("model_id == 'full'")
    own = world.labels.iloc[every["row"]]
    seen = every["p"].notna().to_numpy() & own["ret"].notna().to_numpy()
    seen &= (own["weight"] > 0).to_numpy()
    pays = (np.sign(every["m"].to_numpy()) * own["ret"].to_numpy() > 1e-4 * CONFIDENCE["cost_bps"])[
        seen
    ]
    assert told["n_rows"] == seen.sum()
    wanted = log_loss(pays, every["p"][seen], sample_weight=own["weight"][seen])
    assert told["log_loss"] == pytest.approx(wanted, rel=1e-9)
    assert mean["log_loss"] < mean["prior_log_loss"]  # skill that the training share has not
    assert mean["ece"] < 0.1


def test_the_default_confidence_is_not_under_trained() -> None:
    """The 720 meta-labels of a 60-day hourly window are enough for most of what |m| tells."""
    n, gaps = 720, []
    chosen = {"scaler": "zscore", "level2": CONFIDENCE}
    for seed in range(4):
        rng = default_rng(seed)
        z, noise, x = rng.standard_normal(4720), rng.standard_normal(4720), rng.random((4720, 6))
        label = (z * (np.sqrt(0.3) * z + np.sqrt(0.7) * noise) > 0).astype(float)
        wide = np.column_stack([x, z, np.abs(z)])
        spans = Spans(np.arange(4720), np.ones(4720, dtype=bool), np.zeros(4720, dtype=bool))
        data = Sample(wide, np.arange(n), label[:n], np.ones(n), spans)
        net = ConfidenceGru().fit(ConfidenceGru().prepare(data, chosen), chosen, seed, "cpu")
        later = np.arange(n + 20, 4720)
        p = net.predict(wide, later)
        sure = p > np.median(p)
        gaps.append(label[later][sure].mean() - label[later][~sure].mean())
    assert np.mean(gaps) > 0.7 * planted_gap(0.3)


def test_nets_on_every_level_find_the_planted_skill(build_world: Any) -> None:
    """LSTM, MLP and GRU together; two thirds of the planted rank correlation."""
    world = build_world(n=2600, skill=0.3)
    world.validation.update(train_days=60, locked_days=0, kfold=2)
    level0 = {"algo": "lstm", "network": LSTM}
    made = member(world, "full", "lstm", test_days=45, level0=level0, level2=CONFIDENCE)
    result = train_pack(*world.tables, [made])
    assert result.status["error"].tolist() == [""]
    planted = 6 / np.pi * np.arcsin(np.sqrt(0.3) / 2)
    assert 0.6 * planted < metric(result, "ic").mean() < 1.2 * planted
    assert result.predictions["p"].notna().mean() > 0.95
    # every level's curve of every refit is in the table, as the saved models have it
    for number, item in enumerate(result.models["full"].windows):
        levels = item.regressor
        nets = {
            (0, "lstm"): levels.bases[0][1],
            (1, "mlp"): levels.level1,
            (2, "gru"): levels.level2,
        }
        mine = result.curves[result.curves["window"] == number]
        assert set(zip(mine["level"], mine["algo"], strict=True)) == set(nets)
        for (level, algo), net in nets.items():
            told = mine[(mine["level"] == level) & (mine["algo"] == algo)]
            assert told["epoch"].tolist() == list(range(1, len(net.curve) + 1))
            np.testing.assert_array_equal(told[["train", "check"]].to_numpy(), net.curve)


@pytest.mark.slow
def test_noise_shows_no_skill_through_nets_on_every_level(build_world: Any) -> None:
    """As below, with an LSTM at the bottom."""
    found = []
    for seed in range(6):
        world = build_world(n=1100, skill=0.0, seed=500 + seed)
        world.validation.update(test_days=20, locked_days=0, kfold=2)
        made = member(world, "full", "lstm", level0={"algo": "lstm", "network": LSTM})
        result = train_pack(*world.tables, [made])
        assert result.status["error"].tolist() == [""]
        found.append(metric(result, "ic").mean())
    error = np.std(found, ddof=1) / np.sqrt(len(found))
    assert abs(np.mean(found)) < 2.57 * error  # t(5), 95 %


def test_noise_shows_no_skill_through_all_levels(build_world: Any) -> None:
    """Level 1 and level 2 would find skill in level-0 output that has seen its own labels."""
    ic, sure = [], []
    for seed in range(8):
        world = build_world(n=1300, skill=0.0, seed=300 + seed)
        world.validation.update(test_days=20, locked_days=0, kfold=2)
        result = train_pack(*world.tables, [member(world, "full", alpha=10.0)])
        assert result.status["error"].tolist() == [""]
        ic.append(metric(result, "ic").mean())
        frame = result.predictions.dropna(subset=["p"]).iloc[:-2]
        paid = np.sign(frame["m"]) * world.labels["ret"].to_numpy()[frame["row"]] > 2e-4
        sure.append(np.corrcoef(frame["p"], paid)[0, 1])
    for values in (ic, sure):
        error = np.std(values, ddof=1) / np.sqrt(len(values))
        assert abs(np.mean(values)) < 2.36 * error  # t(7), 95 %


@pytest.mark.parametrize("kind", ["mean", "weighted", "stacking"])
def test_an_ensemble_weighs_its_models(world: Any, kind: str) -> None:
    changes = {"level1": {"algo": "none"}, "level2": {"algo": "none"}}
    made = member(world, "e", **changes, ensemble={"partners": "xgboost", "kind": kind})
    boosted = world.member("x", "xgboost", test_days=15)["settings"]["model"]["level0"]["xgboost"]
    made["settings"]["model"]["level0"]["xgboost"] = boosted
    plain = [world.member("r", test_days=15), world.member("x", "xgboost", test_days=15)]
    result = train_pack(*world.tables, [made, *plain])
    m = {key: part["m"].to_numpy() for key, part in result.predictions.groupby("model_id")}
    models = result.models["e"].windows
    for window, item in enumerate(models):
        rows = result.predictions.query("model_id == 'e'")["window"].to_numpy() == window
        assert item.regressor.blend.shape == (2,)
        if kind == "mean":
            ridge = item.regressor.bases[0][1].predict
            x = world.features.drop(columns="ts_close").to_numpy()
            np.testing.assert_allclose(
                m["r"][rows],
                ridge(x, np.flatnonzero(rows) + item.window.test_start - np.flatnonzero(rows)[0]),
            )
            assert item.regressor.blend.tolist() == [0.5, 0.5]
        if kind == "weighted":
            assert item.regressor.blend.sum() == pytest.approx(1.0)
            assert (item.regressor.blend >= 0).all()


def test_weighted_blend_is_the_least_square_on_the_simplex() -> None:
    rng = default_rng(1)
    m, weight = rng.standard_normal((200, 3)), rng.uniform(0.5, 1.0, 200)
    y = 0.8 * m[:, 0] - 0.5 * m[:, 1] + 0.3 * m[:, 2] + 0.1 * rng.standard_normal(200)
    best = blend_weights("weighted", m, y, weight)
    grid = np.array([[a, b, 100 - a - b] for a in range(101) for b in range(101 - a)]) / 100
    errors = ((y[:, None] - m @ grid.T) ** 2 * weight[:, None]).sum(axis=0)
    np.testing.assert_allclose(best, grid[errors.argmin()], atol=0.01)
    stacked = blend_weights("stacking", m, y, weight)
    np.testing.assert_allclose(stacked, [0.8, -0.5, 0.3], atol=0.05)


@pytest.mark.parametrize("kind", ["platt", "isotonic"])
def test_calibration_recovers_true_probabilities(kind: str) -> None:
    rng = default_rng(2)
    truth = rng.uniform(0.2, 0.8, 8000)
    label = (rng.random(8000) < truth).astype(float)
    odds = 2.5 * np.log(truth / (1 - truth)) + 0.4  # overconfident and shifted
    claimed = 1 / (1 + np.exp(-odds))
    fitted = fit_calibrator(kind, claimed[:6000], label[:6000], np.ones(6000))
    error = np.abs(fitted(claimed[6000:]) - truth[6000:])
    assert error.mean() < 0.03 < np.abs(claimed[6000:] - truth[6000:]).mean()
    steps = fitted(np.linspace(0.01, 0.99, 99))
    assert (np.diff(steps) >= 0).all()


def test_other_nets_hand_on_the_spread_of_their_odds_and_not_their_level() -> None:
    """Log-odds twice too wide about a share of 0.6, moved by 0.5 in the nets that are seen."""
    rng = default_rng(3)
    odds = np.log(0.6 / 0.4) + 0.6 * rng.standard_normal(40_000)
    truth = 1 / (1 + np.exp(-odds))
    label = (rng.random(40_000) < truth).astype(float)
    wide = np.log(0.6 / 0.4) + 2.0 * (odds - np.log(0.6 / 0.4))
    claimed, moved = (1 / (1 + np.exp(-(wide + level))) for level in (0.0, 0.5))
    fitted = fit_calibrator("platt", moved, label, np.ones(40_000), share=0.6)
    assert np.abs(fitted(claimed) - truth).mean() < 0.01  # its level was right and stays
    assert fitted(np.array([0.6]))[0] == pytest.approx(0.6)
    assert fitted.y[1] == pytest.approx(0.5, abs=0.03)
    few = fit_calibrator("platt", moved[:60], label[:60], np.ones(60), share=0.6)
    assert abs(few.y[1] - 1.0) < 0.5  # sixty labels say little against the prior


def test_a_hierarchy_is_the_same_in_any_pack_and_reloads(build_world: Any, tmp_path: Any) -> None:
    world = build_world(n=1300)
    world.validation.update(kfold=2)
    todo = [
        member(world, "a"),
        member(world, "b", alpha=3.0, calibration="isotonic"),
        member(world, "c", "xgboost", meta_labeling=False, calibration="none"),
    ]
    packed = train_pack(*world.tables, todo[::-1])
    assert packed.status["error"].tolist() == ["", "", ""]
    seen = packed.predictions.groupby("segment")["window"].unique()
    assert set(packed.curves["window"]) == set(seen[0])  # locked days teach the other refits
    assert set(seen[1]) - set(seen[0])
    save_models(packed.models, tmp_path / "packed")
    for one in todo[:2]:
        alone = train_pack(*world.tables, [one])
        part = packed.predictions.query("model_id == @one['id']").reset_index(drop=True)
        assert alone.predictions.equals(part)
        save_models(alone.models, tmp_path / one["id"])
        for file in (tmp_path / one["id"] / one["id"]).iterdir():
            assert file.read_bytes() == (tmp_path / "packed" / one["id"] / file.name).read_bytes()
    for key in "abc":
        part = packed.predictions.query("model_id == @key").reset_index(drop=True)
        model = load_model(tmp_path / "packed" / key)
        assert model.replay(world.features)["m"].equals(part["m"])
        last = part["window"] == part["window"].max()
        served = model.confidence(world.features)["p"].to_numpy()[part.loc[last, "row"]]
        assert np.array_equal(served, part.loc[last, "p"], equal_nan=True)


def test_nothing_after_a_row_moves_any_level(build_world: Any) -> None:
    """Scramble features and outcomes after a row: m and p up to it stay bit for bit."""
    world, other = build_world(n=1300, horizon=4), build_world(n=1300, horizon=4)
    row, rng = 1000, default_rng(9)
    columns = [name for name in other.features.columns if name != "ts_close"]
    other.features.loc[row + 1 :, columns] = rng.standard_normal((1300 - row - 1, len(columns)))
    touched = (other.labels["t1"] > row) & (other.labels["t1"] >= 0)
    for name in ("ret", "ret_horizon"):
        fresh = rng.standard_normal(1300)
        other.labels[name] = np.where(touched, fresh, other.labels[name])
    frames = []
    for one in (world, other):
        one.validation.update(kfold=2)
        frames.append(train_pack(*one.tables, [member(one, "full")]).predictions)
    seen = [frame[frame["row"] <= row].reset_index(drop=True) for frame in frames]
    assert len(seen[0]) > 200
    assert seen[0]["p"].notna().any()
    assert seen[0].equals(seen[1])


def test_one_sided_meta_labels_fail_the_model_alone(world: Any) -> None:
    cheap = member(world, "bad")
    cheap["settings"]["model"]["level2"] = FULL["level2"] | {"cost_bps": 100000.0}
    result = train_pack(*world.tables, [cheap, world.member("good", test_days=15)])
    assert result.status["status"].tolist() == ["failed", "ok"]
    assert "cost_bps" in result.status["error"][0]
