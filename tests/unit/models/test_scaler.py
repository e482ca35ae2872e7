"""Scaling against scikit-learn and against the definition of quartiles."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import StandardScaler

from ethpredict.models.base import ModelError
from ethpredict.models.scaler import Scaler, fit_scaler

RNG = np.random.default_rng(5)
X = RNG.standard_normal((200, 4)) * [1.0, 1e-4, 50.0, 1.0] + [0.0, 3.0, -7.0, 2.0]


def test_zscore_is_that_of_scikit_learn() -> None:
    new = RNG.standard_normal((10, 4))
    mine = fit_scaler(X, "zscore").transform(new).T
    np.testing.assert_allclose(mine, StandardScaler().fit(X).transform(new), rtol=1e-9)


def test_robust_ignores_an_outlier_and_agrees_on_normal_data() -> None:
    x = RNG.standard_normal((20_000, 1))
    x[0] = 1e6
    scaler = fit_scaler(x, "robust")
    assert scaler.center[0] == pytest.approx(np.median(x))
    assert scaler.scale[0] == pytest.approx(1.0, abs=0.03)  # se of the IQR / 1.349: 0.008
    assert fit_scaler(x, "zscore").scale[0] > 1000


def test_robust_keeps_a_rare_flag() -> None:
    flag = np.zeros((100, 1))
    flag[::20] = 1.0
    scaler = fit_scaler(flag, "robust")
    assert scaler.scale[0] == pytest.approx(flag.std())
    assert scaler.left_out == ()


@pytest.mark.parametrize("kind", ["zscore", "robust", "none"])
def test_constant_columns_are_left_out(kind: str) -> None:
    x = np.column_stack([np.full(50, 0.1), RNG.standard_normal(50), np.full(50, -3.0)])
    scaler = fit_scaler(x, kind)
    assert scaler.left_out == (0, 2)
    assert scaler.transform(x).shape == (1, 50)
    assert np.isfinite(scaler.transform(x)).all()


@pytest.mark.parametrize("kind", ["zscore", "robust", "none"])
def test_all_constant_is_refused(kind: str) -> None:
    with pytest.raises(ModelError, match="all 2 features are constant in the 30 training rows"):
        fit_scaler(np.full((30, 2), 0.1), kind)


@given(
    center=st.floats(-1e6, 1e6),
    scale=st.floats(1e-6, 1e6),
    kind=st.sampled_from(["zscore", "robust"]),
)
def test_scaled_values_do_not_depend_on_units(center: float, scale: float, kind: str) -> None:
    base = X[:, :1]
    moved = base * scale + center
    np.testing.assert_allclose(
        fit_scaler(moved, kind).transform(moved),
        fit_scaler(base, kind).transform(base),
        atol=1e-3 if abs(center) > 1e6 * scale else 1e-5 * (1 + abs(center) / scale),
    )


def test_round_trip_through_json_keeps_every_bit() -> None:
    scaler = fit_scaler(X, "robust")
    again = Scaler.load(json.loads(json.dumps(scaler.state())))
    assert again.transform(X).tobytes() == scaler.transform(X).tobytes()
    assert again.left_out == scaler.left_out
