"""Pooled scores are those of all folds' rows taken together."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from ethpredict.models.scores import score
from ethpredict.stats import pool_folds
from ethpredict.stats.pooled import jackknife_error

RNG = np.random.default_rng(12)
SIZES = (40, 300, 7)
FOLDS = [
    (RNG.normal(0.3 * k, 1.0, size=n), RNG.normal(0.1, 0.5, size=n), RNG.uniform(0.2, 1, n))
    for k, n in enumerate(SIZES)
]


def table(model: str = "a") -> pd.DataFrame:
    return pd.DataFrame([score(*fold) for fold in FOLDS]).assign(model_id=model, fold=range(3))


def test_errors_and_r2_are_those_of_the_joined_rows() -> None:
    whole = score(*(np.concatenate(parts) for parts in zip(*FOLDS, strict=True)))
    found = pool_folds(table(), ["model_id"]).loc["a"]
    for name in ("rmse", "mae", "r2"):
        assert found[name] == pytest.approx(whole[name], rel=1e-12)
        assert found[name] != pytest.approx(table()[name].mean(), rel=1e-3)


def test_ranks_and_hits_are_means_weighted_by_rows() -> None:
    found = pool_folds(table(), ["model_id"]).loc["a"]
    for name in ("ic", "hit_rate"):
        assert found[name] == pytest.approx(np.average(table()[name], weights=SIZES))


def test_folds_without_rows_or_without_a_correlation_do_not_count() -> None:
    none = np.empty(0)
    empty = pd.DataFrame([score(none, none, none)]).assign(model_id="a", fold=3)
    more = pd.concat([table(), empty, table("b")], ignore_index=True)
    flat = more.copy()
    flat.loc[0, "ic"] = math.nan
    pd.testing.assert_frame_equal(
        pool_folds(more, ["model_id"]).loc[["a"]], pool_folds(table(), ["model_id"])
    )
    kept = table().iloc[1:]
    assert pool_folds(flat, ["model_id"]).loc["a", "ic"] == pytest.approx(
        np.average(kept["ic"], weights=kept["n_rows"])
    )


def test_what_was_not_recorded_is_missing_and_not_guessed() -> None:
    old = table()[["model_id", "fold", "rmse", "r2", "ic"]]
    assert pool_folds(old, ["model_id"]).isna().all(axis=None)


def test_jackknife_of_a_mean_is_its_standard_error() -> None:
    equal = pd.DataFrame({"ic": [0.1, 0.4, -0.2, 0.3], "n_rows": [50.0] * 4})
    expected = equal["ic"].std(ddof=1) / 2
    assert jackknife_error(equal)["ic"] == pytest.approx(expected)
    assert math.isnan(jackknife_error(equal.iloc[:1])["ic"])
