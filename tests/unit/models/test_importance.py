"""Importances of a planted linear model against their known values."""

from __future__ import annotations

import numpy as np
import pytest

from ethpredict.models.importance import (
    Floats,
    Predictor,
    feature_clusters,
    gain_importance,
    permutation_importance,
    single_importance,
)
from ethpredict.splits import purged_kfold

BETA = np.array([2.0, 1.0, 0.0])


def least_squares(x: Floats, y: Floats, weight: Floats) -> Predictor:
    root = np.sqrt(weight)
    beta = np.linalg.lstsq(x * root[:, None], y * root, rcond=None)[0]
    return lambda other: other @ beta


def planted(n: int = 6000) -> tuple[Floats, Floats, Floats]:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(n, 3))
    return x, x @ BETA + rng.normal(size=n), np.ones(n)


def folds(n: int, embargo: int = 3):
    t = np.arange(n)
    return purged_kfold(t, t + 2, 5, embargo)


def test_shuffling_a_column_of_a_linear_model_costs_twice_its_variance() -> None:
    x, y, weight = planted()
    found = permutation_importance(
        least_squares, x, y, weight, folds(len(y)), [[0], [1], [2]], np.random.default_rng(1)
    )
    total = (BETA**2).sum() + 1
    np.testing.assert_allclose(found["mean"], 2 * BETA**2 / total, atol=0.06)
    assert (found["error"] < 0.05).all()


def test_alone_a_column_explains_its_share() -> None:
    x, y, weight = planted()
    found = single_importance(least_squares, x, y, weight, folds(len(y)), [[0], [1], [2], [0, 1]])
    total = (BETA**2).sum() + 1
    shares = [*(BETA**2 / total), (BETA**2).sum() / total]
    np.testing.assert_allclose(found["mean"], shares, atol=0.04)


def test_twins_hide_each_other_and_their_cluster_does_not() -> None:
    x, y, weight = planted()
    rng = np.random.default_rng(4)
    wide = np.column_stack([x, x[:, 0] + 0.01 * rng.normal(size=len(y))])

    def ridge(a: Floats, b: Floats, w: Floats) -> Predictor:
        beta = np.linalg.solve(a.T @ a + 100.0 * np.eye(a.shape[1]), a.T @ b)
        return lambda other: other @ beta

    groups = feature_clusters(wide)
    assert groups == [[0, 3], [1], [2]]
    plain = permutation_importance(
        ridge, wide, y, weight, folds(len(y)), [[0], [1], [2], [3]], np.random.default_rng(1)
    )
    clustered = permutation_importance(
        ridge, wide, y, weight, folds(len(y)), groups, np.random.default_rng(1)
    )
    # each twin carries half the coefficient: 2 (beta/2)^2 against 2 beta^2 together
    assert plain["mean"][0] == pytest.approx(clustered["mean"][0] / 4, rel=0.2)


def test_folds_are_the_callers_and_no_model_sees_its_test_rows() -> None:
    x, y, weight = planted(300)
    seen = []

    def spy(a: Floats, b: Floats, w: Floats) -> Predictor:
        seen.append(set(a[:, 0]))
        return least_squares(a, b, w)

    permutation_importance(spy, x, y, weight, folds(300), [[0]], np.random.default_rng(1))
    for values, (train, test) in zip(seen, folds(300), strict=True):
        assert values == set(x[train, 0])
        assert not values & set(x[test, 0])


def test_gain_and_single_column() -> None:
    assert gain_importance({}, ["a"]).tolist() == [0.0]
    assert gain_importance({"b": 2.0}, ["a", "b"]).tolist() == [0.0, 1.0]
    assert feature_clusters(np.ones((3, 1))) == [[0]]
