"""Importances, confidence scores and bootstrapped rows as a pack makes them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import brier_score_loss, log_loss

from ethpredict.labels import sequential_bootstrap
from ethpredict.models import train_pack
from ethpredict.models.signals import confidence_scores, window_signals
from ethpredict.models.table import Target
from ethpredict.models.weighing import weighted_rows

ALL = ["mdi", "mda", "clustered_mda", "sfi"]


def values(scores: pd.DataFrame, scheme: str) -> pd.Series:
    return scores[scores["scheme"] == scheme].set_index("metric")["value"]


def asked(world: Any, *members: tuple[str, str], kinds: list[str]) -> pd.DataFrame:
    world.validation["importance"] = kinds
    result = train_pack(*world.tables, [world.member(*member) for member in members])
    assert result.status["error"].tolist() == [""] * len(members)
    return result


def test_the_planted_features_matter_and_the_others_do_not(build_world: Any) -> None:
    """The world's outcome is 0.01 sqrt(skill / 2) (f0 - f1) + noise: R2 = skill, half from each."""
    world = build_world(n=1300, skill=0.4)
    world.features["f5"] = world.features["f0"] + 1e-3 * world.features["f4"]  # a twin
    world.features["f4"] = 1.0  # and one that stands still
    result = asked(world, ("r", "ridge"), ("t", "xgboost"), kinds=ALL)
    for key, shrunk in (("r", 1.0), ("t", 0.6)):
        scores = result.scores[result.scores["model_id"] == key]
        alone = values(scores, "importance_sfi")
        assert alone["f0"] == pytest.approx(0.2, abs=0.08)
        assert alone["f1"] == pytest.approx(0.2, abs=0.08)
        assert alone[["f2", "f3", "f4"]].to_numpy() == pytest.approx([0, 0, 0], abs=0.06)
        lost = values(scores, "importance_mda")
        # shuffling costs twice the covariance of part and outcome; few small trees shrink the part
        assert lost["f1"] == pytest.approx(2 * 0.2 * shrunk, abs=0.15)
        joint = values(scores, "importance_clustered_mda")
        assert set(joint.index) == {"f0 + f5", "f1", "f2", "f3", "f4"}
        assert joint["f0 + f5"] == pytest.approx(2 * 0.2 * shrunk, abs=0.15)
        assert lost["f4"] == joint["f4"] == 0.0
        assert (values(scores, "importance_mda_error").dropna() >= 0).all()
    scores = result.scores
    assert "importance_mdi" not in set(scores[scores["model_id"] == "r"]["scheme"])
    gain = values(scores[scores["model_id"] == "t"], "importance_mdi")
    assert gain.sum() == pytest.approx(1.0)
    assert gain["f0"] + gain["f5"] + gain["f1"] > 0.6
    assert gain["f4"] == 0.0


def test_importances_leave_the_predictions_and_the_locked_test_alone(build_world: Any) -> None:
    world = build_world(n=1300)
    plain = asked(world, ("t", "xgboost"), kinds=[])
    measured = asked(world, ("t", "xgboost"), kinds=ALL)
    pd.testing.assert_frame_equal(plain.predictions, measured.predictions, check_exact=True)
    scheme = measured.scores["scheme"]
    rest = measured.scores[~scheme.str.startswith("importance")].reset_index(drop=True)
    pd.testing.assert_frame_equal(rest, plain.scores, check_exact=True)
    locked = measured.predictions.loc[measured.predictions["segment"] == 1, "row"].min()
    world.features.loc[locked:, "f0"] *= -7.0
    world.labels.loc[locked:, ["ret", "ret_horizon"]] *= -3.0
    again = asked(world, ("t", "xgboost"), kinds=ALL)
    pd.testing.assert_frame_equal(again.scores, measured.scores, check_exact=True)


def test_a_fitted_column_has_an_importance_too(build_world: Any) -> None:
    world = build_world(n=1300)
    rng = np.random.default_rng(6)
    world.features["level"] = np.exp(np.cumsum(0.05 * rng.standard_normal(len(world.features))))
    item = {
        "name": "level_bin", "kind": "quantile_bins", "inputs": ["level"], "options": {"bins": 3},
    }  # fmt: skip
    world.meta |= {"inputs": [{"name": "level", "memory": 3}], "fitted": [item]}
    found = asked(world, ("r", "ridge"), kinds=["mda"]).scores
    assert abs(values(found, "importance_mda")["level_bin"]) < 0.05


def test_confidence_scores_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(2)
    parts, kept = [], []
    for prior in (0.4, 0.6):
        m, ret, weight = rng.normal(size=200), rng.normal(size=200), rng.uniform(0, 2, 200)
        m[:20], ret[20:30], weight[30:40] = 0.0, np.nan, 0.0
        p = rng.uniform(0.01, 0.99, 200)
        p[40:60] = np.nan
        parts.append(window_signals(ret, weight, m, p, 0.1, prior))
        paid = (np.sign(m) * ret - 0.1 > 0)[60:]
        kept.append((paid, p[60:], weight[60:], np.full(140, prior)))
    paid, p, weight, prior = (np.concatenate(part) for part in zip(*kept, strict=True))
    rows = confidence_scores(parts, np.random.default_rng(1))
    found = {name: value for scheme, _, name, value in rows if scheme == "confidence"}
    assert found["n_rows"] == 280
    assert found["log_loss"] == pytest.approx(log_loss(paid, p, sample_weight=weight), rel=1e-12)
    assert found["brier"] == pytest.approx(brier_score_loss(paid, p, sample_weight=weight))
    assert found["prior_brier"] == pytest.approx(
        brier_score_loss(paid, prior, sample_weight=weight)
    )
    losses = [-np.log(np.where(paid, q, 1 - q)) for q in (prior, p)]
    gain = np.average(losses[0] - losses[1], weights=weight)
    assert found["log_loss_gain"] == pytest.approx(gain, rel=1e-12)
    # rows are independent here: the interval is that of a weighted mean, 500 draws
    error = np.sqrt((weight**2 * (losses[0] - losses[1] - gain) ** 2).sum()) / weight.sum()
    wide = found["log_loss_gain_high"] - found["log_loss_gain_low"]
    assert wide == pytest.approx(2 * 1.645 * error, rel=0.35)
    assert found["log_loss_gain_low"] < gain < found["log_loss_gain_high"]
    curve = {(place, name): v for scheme, place, name, v in rows if scheme == "confidence_curve"}
    third = (p >= 0.2) & (p < 0.3)
    share = np.average(paid[third], weights=weight[third])
    assert curve[2, "observed"] == pytest.approx(share)
    assert curve[2, "weight"] == pytest.approx(weight[third].sum())
    assert confidence_scores([], np.random.default_rng(1)) == []


def test_bootstrapped_rows_are_counted_draws_and_each_models_own(build_world: Any) -> None:
    n = 60
    rows, t1 = np.arange(n), np.minimum(np.arange(n) + 5, n - 1)
    target = Target(np.ones(n), t1, np.full(n, 0.5))
    model = {"weights": {"bootstrap": "sequential", "time_decay": 1.0, "class_balance": False}}
    used, weight = weighted_rows(rows, target, model, seed=3)
    drawn = sequential_bootstrap(rows, t1, np.random.default_rng(3))
    counts = np.array([(drawn == row).sum() for row in rows])
    np.testing.assert_array_equal(used, np.flatnonzero(counts))
    np.testing.assert_array_equal(weight, 0.5 * counts[counts > 0])
    world = build_world(n=1100)
    world.validation.update(test_days=60, locked_days=0)
    members = [
        world.member("a", weights=model["weights"]),
        world.member("b", replicate=1, weights=model["weights"]),
        world.member("c"),
        world.member("d", replicate=1),
    ]
    made = train_pack(*world.tables, members).predictions
    a, b, c, d = (made[made["model_id"] == key]["m"].to_numpy() for key in "abcd")
    np.testing.assert_array_equal(c, d)  # ridge draws nothing of its own
    assert not np.array_equal(a, b)
    assert not np.array_equal(a, c)
    assert np.corrcoef(a, c)[0, 1] > 0.9
    alone = train_pack(*world.tables, members[1:2]).predictions
    np.testing.assert_array_equal(alone["m"].to_numpy(), b)
