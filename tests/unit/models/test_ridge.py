"""Ridge against scikit-learn and the closed form."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import Ridge as Oracle
from sklearn.preprocessing import StandardScaler

from ethpredict.models.base import ModelError, Sample
from ethpredict.models.ridge import Ridge, solve_positive

ROWS = np.arange(10, 410)


def settings(alpha: float, scaler: str = "zscore") -> dict:
    return {"scaler": scaler, "level0": {"algo": "ridge", "ridge": {"alpha": alpha}}}


def sample(p: int = 5, seed: int = 1) -> Sample:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((500, p)) * rng.uniform(0.1, 10, p) + rng.uniform(-5, 5, p)
    y = 0.01 * (x[ROWS] @ rng.standard_normal(p)) + 0.1 * rng.standard_normal(len(ROWS)) + 0.3
    return Sample(x, ROWS, y, rng.uniform(0.05, 1.0, len(ROWS)))


def fit(data: Sample, alpha: float):
    algorithm = Ridge()
    prepared = algorithm.prepare(data, settings(alpha))
    return algorithm.fit(prepared, settings(alpha), 0, "cpu")


@pytest.mark.parametrize("alpha", [1e-3, 10.0, 1e4])
def test_is_weighted_ridge_on_standardised_features(alpha: float) -> None:
    data = sample()
    z = StandardScaler().fit(data.x)
    oracle = Oracle(alpha=alpha).fit(z.transform(data.x), data.y, sample_weight=data.weight)
    mine = fit(data, alpha)
    np.testing.assert_allclose(mine.coef, oracle.coef_, rtol=1e-8, atol=1e-12)
    all_rows = np.arange(len(data.features))
    np.testing.assert_allclose(
        mine.predict(data.features, all_rows),
        oracle.predict(z.transform(data.features)),
        rtol=1e-9,
        atol=1e-12,
    )


def test_no_penalty_is_least_squares() -> None:
    data = sample()
    root = np.sqrt(data.weight)[:, None]
    design = np.column_stack([np.ones(len(ROWS)), data.x])
    beta, *_ = np.linalg.lstsq(design * root, data.y * root[:, 0], rcond=None)
    np.testing.assert_allclose(
        fit(data, 1e-10).predict(data.features, ROWS), design @ beta, rtol=1e-7
    )


def test_a_huge_penalty_leaves_the_weighted_mean() -> None:
    data = sample()
    m = fit(data, 1e12).predict(data.features, ROWS)
    np.testing.assert_allclose(m, np.average(data.y, weights=data.weight), rtol=1e-6)


def test_a_row_is_predicted_alike_alone_and_in_any_table() -> None:
    data = sample(p=30)
    model = fit(data, 5.0)
    rows = np.arange(len(data.features))
    together = model.predict(data.features, rows)
    alone = [model.predict(data.features, rows[k : k + 1])[0] for k in rows]
    assert together.tobytes() == np.array(alone).tobytes()


def test_a_copied_column_needs_the_penalty() -> None:
    data = sample(p=2)
    twice = Sample(np.repeat(data.features, 2, axis=1), data.rows, data.y, data.weight)
    assert np.isfinite(fit(twice, 1.0).coef).all()
    with pytest.raises(ModelError, match="singular at feature 1"):
        fit(Sample(twice.features, data.rows, data.y, data.weight), 0.0)


@given(seed=st.integers(0, 2**32 - 1), size=st.integers(1, 12))
def test_solver_is_that_of_numpy(seed: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    root = rng.standard_normal((size, size + 3))
    matrix, right = root @ root.T + 0.1 * np.eye(size), rng.standard_normal(size)
    np.testing.assert_allclose(
        solve_positive(matrix, right), np.linalg.solve(matrix, right), rtol=1e-8, atol=1e-8
    )
