"""Packs: what a model learns, what it may not see, and that mates do not matter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.random import default_rng
from sklearn.linear_model import Ridge as Oracle
from sklearn.preprocessing import StandardScaler

from ethpredict import splits
from ethpredict.models import PackResult, save_models, train_pack
from ethpredict.models.base import Floats, Rows
from ethpredict.models.registry import LEVEL0
from ethpredict.models.zero import Zero, ZeroRegressor

ALGOS = ["ridge", "xgboost", "zero"]


def of(result: PackResult, model_id: str) -> pd.DataFrame:
    return result.predictions[result.predictions["model_id"] == model_id].reset_index(drop=True)


def metric(result: PackResult, model_id: str, name: str, scheme: str) -> np.ndarray:
    scores = result.scores
    chosen = (scores.model_id == model_id) & (scores.metric == name) & (scores.scheme == scheme)
    return scores.loc[chosen, "value"].to_numpy()


def test_planted_skill_is_recovered(build_world: Any) -> None:
    """R2 = 0.3 is planted in x0 - x1; the rank correlation of a normal pair is known."""
    world = build_world(n=3000, skill=0.3)
    result = train_pack(*world.tables, [world.member("r"), world.member("x", "xgboost", rounds=40)])
    expected_ic = 6 / np.pi * np.arcsin(np.sqrt(0.3) / 2)
    for scheme in ("walk_forward", "purged_kfold"):
        assert metric(result, "r", "r2", scheme).mean() == pytest.approx(0.3, abs=0.04)
        assert metric(result, "r", "ic", scheme).mean() == pytest.approx(expected_ic, abs=0.04)
        assert 0.2 < metric(result, "x", "r2", scheme).mean() < 0.31
        assert metric(result, "r", "baseline_zero_r2", scheme).mean() < 0.01


def test_shuffled_labels_have_no_skill_on_average(build_world: Any) -> None:
    """Where the features do predict, one shuffle has a chance skill; the mean of many has none."""
    world = build_world(n=1200, skill=0.3)
    members = [world.member(f"r{k:02d}", alpha=1 + k / 1000, test_days=20) for k in range(40)]
    result = train_pack(*world.tables, members)
    found = result.scores.query("metric == 'placebo_ic'")["value"]
    assert len(found) == 40
    assert found.nunique() == 40
    assert abs(found.mean()) < 2.7 * found.std() / np.sqrt(40)
    assert abs(found.mean()) < 0.25 * metric(result, "r00", "ic", "purged_kfold").mean()


def test_a_window_is_ridge_on_its_purged_rows(build_world: Any) -> None:
    world = build_world(horizon=6)
    frame = of(train_pack(*world.tables, [world.member("r", alpha=7.0)]), "r")
    for number, part in frame.groupby("window"):
        start = part["row"].iloc[0]
        first = world.bars["ts_close"].iloc[0] + (30 + 7 * int(number)) * 86_400_000_000_000
        if part["segment"].iloc[0] == 1:
            locked = world.bars["ts_close"].iloc[-1] - 10 * 86_400_000_000_000
            first = locked + (int(number) - 3) * 7 * 86_400_000_000_000
        oldest = first - 30 * 86_400_000_000_000
        x = world.features.drop(columns="ts_close").to_numpy()
        ts = world.bars["ts_close"]
        rows = [r for r in range(start - 6) if ts[r] > oldest and np.isfinite(x[r]).all()]
        scaler = StandardScaler().fit(x[rows])
        oracle = Oracle(alpha=7.0).fit(
            scaler.transform(x[rows]),
            world.labels["ret_horizon"][rows],
            sample_weight=world.labels["weight"][rows],
        )
        expected = oracle.predict(scaler.transform(x[part["row"]]))
        np.testing.assert_allclose(part["m"], expected, rtol=1e-9, atol=1e-14)


def test_noise_shows_no_skill(build_world: Any) -> None:
    """The interval of the mean over independent markets covers zero, for scores and placebo."""
    found: dict[str, list[float]] = {"ridge": [], "xgboost": [], "placebo": []}
    r2: list[float] = []
    for seed in range(10):
        world = build_world(n=1100, skill=0.0, seed=100 + seed)
        world.validation.update(test_days=20, locked_days=0)
        members = [world.member("ridge", alpha=10.0), world.member("xgboost", "xgboost", rounds=8)]
        result = train_pack(*world.tables, members)
        for algo in ("ridge", "xgboost"):
            schemes = ("walk_forward", "purged_kfold")
            values = [metric(result, algo, "ic", scheme).mean() for scheme in schemes]
            found[algo].append(float(np.mean(values)))
            r2.append(float(metric(result, algo, "r2", "purged_kfold").mean()))
            found["placebo"].append(metric(result, algo, "placebo_ic", "purged_kfold")[0])
    for name, values in found.items():
        error = np.std(values, ddof=1) / np.sqrt(len(values))
        assert abs(np.mean(values)) < 2.26 * error, name  # t(9), 95 %
    assert np.mean(r2) < 0.01


def scrambled(build_world: Any, row: int, horizon: int) -> tuple[Any, Any]:
    """A world, and the same one with another market after the close of `row`."""
    world, other = build_world(horizon=horizon), build_world(horizon=horizon)
    rng = default_rng(99)
    after = slice(row + 1, None)
    columns = [name for name in other.features.columns if name != "ts_close"]
    shape = other.features[columns].iloc[after].shape
    other.features.loc[row + 1 :, columns] = 5 * rng.standard_normal(shape)
    ended = other.labels["t1"].to_numpy()
    touched = (ended > row) | (ended < 0)
    for name in ("ret", "ret_horizon"):
        fresh = rng.standard_normal(len(ended))
        other.labels[name] = np.where(touched & (ended >= 0), fresh, other.labels[name])
    other.labels.loc[touched & (ended >= 0), ["weight", "weight_horizon"]] = 0.7
    return world, other


def predictions_until(world: Any, row: int) -> pd.DataFrame:
    few = {"ridge": {}, "zero": {}, "xgboost": {"rounds": 3}}
    members = [world.member(algo, algo, **changes) for algo, changes in few.items()]
    frame = train_pack(*world.tables, members).predictions
    return frame[frame["row"] <= row].reset_index(drop=True)


@pytest.mark.parametrize("row", [721, 889, 1160])
def test_nothing_after_a_row_moves_its_predictions(build_world: Any, row: int) -> None:
    """Each row starts a window (1160 the locked test): labels that end later must not train it."""
    world, other = scrambled(build_world, row, horizon=12)
    mine, others = predictions_until(world, row), predictions_until(other, row)
    assert len(mine) == 3 * (row - 720)
    pd.testing.assert_frame_equal(mine, others, check_exact=True)


def test_the_test_above_notices_a_missing_purge(
    build_world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unpurged(t0: Any, t1: Any, window: splits.Window, embargo: int = 0) -> np.ndarray:
        t0, t1 = np.asarray(t0), np.asarray(t1)
        inside = (t0 >= window.train_start) & (t0 < window.train_stop) & (t1 >= t0)
        return np.flatnonzero(inside)

    monkeypatch.setattr(splits, "purged_train_rows", unpurged)
    world, other = scrambled(build_world, 889, horizon=12)
    mine, others = predictions_until(world, 889), predictions_until(other, 889)
    assert not mine["m"].equals(others["m"])


def unpurged_kfold(t0: Any, t1: Any, n_splits: int, embargo: int = 0) -> Any:
    for block in np.array_split(np.arange(len(t0)), n_splits):
        yield np.setdiff1d(np.arange(len(t0)), block), block


def test_memory_of_overlapping_labels_is_no_skill(
    build_world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The target is noise over 48 bars, the only features are the bar's position.

    A tree knows the outcomes next to a block by heart. Where rows whose labels reach into the
    block may train, that scores; where they are purged, it does not.
    """
    world = build_world(n=600, skill=0.0, horizon=48)
    for name in world.features.columns[1:]:
        world.features[name] = np.arange(600.0)
    world.validation.update(train_days=15, test_days=30, locked_days=0, kfold=10)
    member = world.member("x", "xgboost", rounds=40, max_depth=6, eta=0.3, min_child_weight=0.0)
    honest = train_pack(*world.tables, [member])
    monkeypatch.setattr(splits, "purged_kfold", unpurged_kfold)
    leaky = train_pack(*world.tables, [member])
    sizes = [metric(result, "x", "rmse", "purged_kfold").mean() for result in (honest, leaky)]
    drift = metric(honest, "x", "baseline_drift_rmse", "purged_kfold").mean()
    assert sizes[0] > drift
    assert sizes[1] < 0.8 * drift


@pytest.mark.parametrize("algo", ALGOS)
def test_scores_do_not_read_the_locked_test(build_world: Any, algo: str) -> None:
    world = build_world(horizon=12)
    locked = 1400 - 240
    row = locked - 1
    first, other = scrambled(build_world, row, horizon=12)
    cpcv = {"groups": 3, "test": 2}
    before = train_pack(*first.tables, [first.member("a", algo, cpcv=cpcv)])
    after = train_pack(*other.tables, [other.member("a", algo, cpcv=cpcv)])
    assert before.predictions["segment"].eq(1).sum() == 240
    assert not before.predictions["m_se"].equals(after.predictions["m_se"])
    pd.testing.assert_frame_equal(before.scores, after.scores, check_exact=True)
    n_validation = before.predictions.query("segment == 0")["window"].nunique()
    walk = before.scores[before.scores["scheme"] == "walk_forward"]
    assert sorted(walk["fold"].unique()) == list(range(n_validation))
    causal = {"walk_forward", "walk_forward_interval"}
    assert set(before.scores["scheme"]) == causal | {"purged_kfold", "cpcv", "cpcv_path"}
    assert world.validation["locked_days"] == 10


def members_of(world: Any) -> list[dict[str, Any]]:
    return [
        world.member("a"),
        world.member("b", alpha=50.0),
        world.member("c", scaler="robust"),
        world.member("d", "xgboost", rounds=4),
        world.member("e", "xgboost", rounds=4, max_depth=2),
        world.member("f", "xgboost", replicate=1, rounds=4),
        world.member("g", "zero"),
        world.member("h", target="touch"),
        world.member("i", train_days=20),
    ]


def saved(result: PackResult, folder: Any) -> dict[str, bytes]:
    save_models(result.models, folder)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_a_model_is_the_same_alone_and_in_any_pack(build_world: Any, tmp_path: Any) -> None:
    world = build_world(n=1100, horizon=3)
    world.validation.update(test_days=14, kfold=2)
    members = members_of(world)
    pack = train_pack(*world.tables, members)
    turned = train_pack(*world.tables, members[::-1], threads=3)
    for name in ("predictions", "scores", "status"):
        pd.testing.assert_frame_equal(getattr(pack, name), getattr(turned, name), check_exact=True)
    files = saved(pack, tmp_path / "pack")
    assert files == saved(turned, tmp_path / "turned")
    for member in members:
        alone = train_pack(*world.tables, [member])
        for name in ("predictions", "scores", "status"):
            whole = getattr(pack, name)
            part = whole[whole["model_id"] == member["id"]].reset_index(drop=True)
            pd.testing.assert_frame_equal(part, getattr(alone, name), check_exact=True)
        own = {k: v for k, v in files.items() if k.startswith(member["id"] + "/")}
        assert own == saved(alone, tmp_path / member["id"])
    assert not of(pack, "d")["m"].equals(of(pack, "f")["m"])  # another replicate, another seed
    assert not of(pack, "a")["m"].equals(of(pack, "c")["m"])


def test_the_id_is_only_a_name(world: Any) -> None:
    result = train_pack(*world.tables, [world.member("x", "xgboost")])
    renamed = train_pack(*world.tables, [world.member("y", "xgboost")])
    assert of(result, "x")["m"].equals(of(renamed, "y")["m"])


def test_every_model_predicts_the_same_rows(world: Any) -> None:
    world.features.loc[900:910, "f3"] = np.nan
    result = train_pack(*world.tables, [world.member(algo, algo) for algo in ALGOS])
    first = int(np.searchsorted(world.bars["ts_close"], world.bars["ts_close"][0] + 30 * 864e11))
    for algo in ALGOS:
        frame = of(result, algo)
        assert frame["row"].tolist() == list(range(first + 1, 1400))
        assert frame["ts"].tolist() == world.bars["ts_close"][frame["row"]].tolist()
        missing = frame["row"].between(900, 910)
        assert frame["m"].isna().equals(missing if algo != "zero" else frame["row"] < 0)
        assert frame["horizon_s"].eq(3600).all()
        assert frame["hold_s"].eq(3600).all()
        assert frame[["p", "gain", "loss"]].isna().all(axis=None)
    assert of(result, "zero")["m"].eq(0).all()


def test_the_standard_error_is_that_of_earlier_predictions(build_world: Any) -> None:
    world = build_world(horizon=6)
    frame = of(train_pack(*world.tables, [world.member("r")]), "r").set_index("row")
    y, weight = world.labels["ret_horizon"], world.labels["weight"]
    starts = frame.groupby("window").apply(lambda part: part.index[0])
    for window in (1, 2, 4):
        start = starts[window]
        rows = [r for r in frame.index if start - 720 <= r < start - 6]
        error = y[rows] - frame["m"][rows]
        expected = np.sqrt(np.average(error**2, weights=weight[rows]))
        assert frame["m_se"][start] == pytest.approx(expected, rel=1e-9)
    # The inner block of the first window estimates the same quantity.
    assert frame["m_se"][starts[0]] == pytest.approx(frame["m_se"][starts[2]], rel=0.35)


class Broken(Zero):
    """Fails on one window in the way it is told."""

    name = "broken"

    def fit(self, prepared: Any, settings: Any, seed: int, device: str) -> ZeroRegressor:
        cause: Callable[[], ZeroRegressor] = settings["level0"]["broken"]["cause"]
        return cause()


class Infinite(ZeroRegressor):
    """Predicts what cannot be used."""

    def predict(self, features: Floats, rows: Rows) -> Floats:
        return np.where(rows == 800, np.inf, 0.0)


def test_failures_stay_with_their_member(world: Any) -> None:
    world.features["f5"] = 1.0  # left out, with the rest learning on
    good = [world.member("ridge"), world.member("xgboost", "xgboost")]
    bad = [
        world.member("short", train_days=1),
        world.member("long", train_days=4000),
        world.member("tree", "xgboost", train_days=1),
    ]
    alone, mixed = train_pack(*world.tables, good), train_pack(*world.tables, bad + good)
    pd.testing.assert_frame_equal(alone.predictions, mixed.predictions, check_exact=True)
    status = mixed.status.set_index("model_id")
    assert status.loc[["ridge", "xgboost"], "status"].eq("ok").all()
    assert status.loc["ridge", ["n_windows", "n_features"]].tolist() == [5, 5]
    assert status.loc[["long", "short", "tree"], "status"].eq("failed").all()
    assert "at least 50 are needed" in status.loc["short", "error"]
    assert "walk_forward window 0" in status.loc["tree", "error"]
    assert "validation.train_days = 4000" in status.loc["long", "error"]
    assert sorted(mixed.models) == ["ridge", "xgboost"]


def test_predictions_that_are_not_finite_fail_the_model(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LEVEL0, "broken", Broken())
    monkeypatch.setattr("ethpredict.models.member.model_seed", lambda *_: 0)
    causes = {"fine": ZeroRegressor, "infinite": Infinite}
    result = train_pack(
        *world.tables, [world.member(name, "broken", cause=cause) for name, cause in causes.items()]
    )
    status = result.status.set_index("model_id")
    assert status.loc["infinite", "error"].endswith("the prediction at row 800 is not finite")
    assert status.loc["fine", "status"] == "ok"


@pytest.mark.parametrize("error", [MemoryError, OSError])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_full_machine_is_no_result(
    world: Any, monkeypatch: pytest.MonkeyPatch, error: type[Exception], threads: int
) -> None:
    def full() -> ZeroRegressor:
        raise error("full")

    monkeypatch.setitem(LEVEL0, "broken", Broken())
    monkeypatch.setattr("ethpredict.models.member.model_seed", lambda *_: 0)
    with pytest.raises(error, match="full"):
        train_pack(*world.tables, [world.member("a", "broken", cause=full)], threads=threads)


def test_all_features_constant_fails_models_that_need_them(world: Any) -> None:
    for name in world.features.columns[1:]:
        world.features[name] = 2.0
    result = train_pack(*world.tables, [world.member(algo, algo) for algo in ALGOS])
    status = result.status.set_index("model_id")
    for algo in ("ridge", "xgboost"):
        assert "all 6 features are constant" in status.loc[algo, "error"]
    assert status.loc["zero", "status"] == "ok"


def test_a_pack_of_failures_keeps_its_columns(world: Any) -> None:
    good = train_pack(*world.tables, [world.member("a")])
    bad = train_pack(*world.tables, [world.member("a", train_days=4000)])
    for name in ("predictions", "scores"):
        assert not len(getattr(bad, name))
        assert list(getattr(bad, name).dtypes.items()) == list(getattr(good, name).dtypes.items())
    assert bad.models == {}
