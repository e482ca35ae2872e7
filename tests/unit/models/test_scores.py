"""Scores against scikit-learn and scipy; baselines against a plain loop."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import mean_absolute_error, mean_squared_error

from ethpredict.models.scores import METRICS, SUMS, baselines, score, spearman
from ethpredict.models.table import align_tables

RNG = np.random.default_rng(8)


def test_scores_are_those_of_scikit_learn() -> None:
    y, m, w = RNG.standard_normal(300), RNG.standard_normal(300), RNG.uniform(0.1, 2, 300)
    mine = score(y, m, w)
    assert mine["mae"] == pytest.approx(mean_absolute_error(y, m, sample_weight=w))
    assert mine["rmse"] == pytest.approx(mean_squared_error(y, m, sample_weight=w) ** 0.5)
    of_zero = mean_squared_error(y, np.zeros(300), sample_weight=w)
    assert mine["r2"] == pytest.approx(1 - mean_squared_error(y, m, sample_weight=w) / of_zero)
    assert mine["hit_rate"] == pytest.approx(np.average(np.sign(y) == np.sign(m), weights=w))
    assert mine["ic"] == pytest.approx(spearmanr(y, m).statistic)


def test_rank_correlation_with_ties() -> None:
    a, b = RNG.integers(0, 5, 100).astype(float), RNG.integers(0, 5, 100).astype(float)
    assert spearman(a, b) == pytest.approx(spearmanr(a, b).statistic)


def test_scores_that_are_not_defined_are_nan() -> None:
    none = np.empty(0)
    empty = score(none, none, none)
    assert all(np.isnan(empty[name]) for name in METRICS)
    assert [empty[name] for name in SUMS] == [0.0] * len(SUMS)
    flat = score(np.array([1.0, 2.0, 3.0]), np.zeros(3), np.ones(3))
    assert np.isnan(flat["ic"])
    assert np.isnan(flat["hit_rate"])
    assert flat["rmse"] == pytest.approx((14 / 3) ** 0.5)
    still = score(np.zeros(3), np.array([1.0, 2.0, 3.0]), np.ones(3))
    assert np.isnan(still["r2"])
    assert set(still) == {*METRICS, *SUMS}


def test_r2_does_not_credit_the_mean_of_the_test_rows() -> None:
    """Outcomes that all rose: zero explains nothing of them, their own mean was not known."""
    y = np.array([1.0, 1.1, 0.9, 1.0])
    assert score(y, np.zeros(4), np.ones(4))["r2"] == 0.0
    assert score(y, np.ones(4), np.ones(4))["r2"] == pytest.approx(1 - 0.02 / 4.02)


def test_sums_are_those_of_the_rows() -> None:
    y, m, w = RNG.standard_normal(50), RNG.standard_normal(50), RNG.uniform(0.1, 2, 50)
    mine = score(y, m, w)
    assert mine["n_rows"] == 50
    assert mine["weight"] == pytest.approx(sum(w))
    assert mine["sse"] == pytest.approx(np.average((y - m) ** 2, weights=w) * sum(w))
    assert mine["sse_zero"] == pytest.approx(np.average(y**2, weights=w) * sum(w))


def test_rows_with_a_zero_do_not_count_for_the_hit_rate() -> None:
    y, m = np.array([1.0, 0.0, -1.0, 2.0]), np.array([1.0, 1.0, 0.0, -1.0])
    assert score(y, m, np.array([3.0, 1.0, 1.0, 1.0]))["hit_rate"] == pytest.approx(0.75)


def test_baselines_by_a_plain_loop(build_world: Any) -> None:
    world = build_world(n=200, horizon=5)
    world.bars.loc[120:, "ts_close"] += 40 * 3_600_000_000_000  # no label closes for 40 hours
    world.features["ts_close"] = world.bars["ts_close"]
    table = align_tables(*world.tables)
    target, train, test = table.targets["horizon"], np.arange(20, 100), np.arange(110, 150)
    found = baselines(table, target, train, test)
    drift = np.average(target.y[train], weights=target.weight[train])
    day = 86_400_000_000_000
    for position, row in enumerate(test):
        known = [
            i
            for i in range(200)
            if 0 <= target.t1[i] <= row and table.ts[target.t1[i]] > table.ts[row] - day
        ]
        mean = np.average(target.y[known], weights=target.weight[known]) if known else drift
        assert found["mean_24h"][position] == pytest.approx(mean, rel=1e-9)
    assert set(found["zero"]) == {0.0}
    assert found["drift"] == pytest.approx(np.full(len(test), drift))
