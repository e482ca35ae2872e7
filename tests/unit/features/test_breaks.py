"""The symmetric CUSUM filter."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpredict import features
from ethpredict.features import _kernels, cusum_events, reference


def test_events_by_hand():
    # up: .6, 1.2 > 1 -> event; then -.2, -1.4 < -1 -> event; the other side is not reset
    assert cusum_events([0.0, 0.6, 1.2, 1.0, -0.2, 0.0], 1.0).tolist() == [2, 4]
    assert cusum_events([0.0, 1.0, 2.0], 1.0).tolist() == [2]  # exactly the threshold is no event
    assert cusum_events([5.0], 1.0).tolist() == []
    assert cusum_events([], 1.0).tolist() == []


def test_published_events(shared_vectors):
    vectors = json.loads((shared_vectors / "labels.json").read_text())["cusum"]
    rng = np.random.default_rng(42)
    log_price = np.log(3000.0) + np.cumsum(rng.standard_t(4, 600) * 0.004)
    assert cusum_events(log_price, vectors["threshold"]).tolist() == vectors["positions"]


def test_first_published_events_in_a_clone_alone():
    rng = np.random.default_rng(42)
    log_price = np.log(3000.0) + np.cumsum(rng.standard_t(4, 600) * 0.004)
    found = cusum_events(log_price, 0.02)
    assert len(found) == 40
    assert found[:5].tolist() == [22, 32, 49, 63, 79]


@st.composite
def moves(draw):
    n = draw(st.integers(0, 120))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    changes, limits = rng.normal(size=n), rng.uniform(0.5, 3.0, n)
    changes[rng.random(n) < 0.05] = np.nan
    limits[rng.random(n) < 0.05] = np.nan
    limits[rng.random(n) < 0.05] = 0.0
    return changes, limits


@given(moves(), st.integers(1, 25))
def test_state_kernel_is_the_plain_reference(case, block):
    changes, limits = case
    found = np.array(_kernels.cusum_state(changes, limits, block))
    np.testing.assert_allclose(found, reference.cusum_state(changes, limits, block), atol=1e-14)


def test_a_row_by_row_threshold_and_rows_without_one():
    price = [0.0, 2.0, 4.0, 6.0]
    assert cusum_events(price, [1.0, np.nan, 1.0, 9.0]).tolist() == [2]


def test_thresholds_must_be_positive():
    with pytest.raises(ValueError, match="positive"):
        cusum_events([1.0, 2.0], 0.0)


def test_columns_stay_in_their_range_and_follow_a_jump(make_bars, make_settings):
    bars = make_bars(4, 300)
    for name in ("open", "high", "low", "close"):
        bars.loc[200:, name] *= 1.1
    found = features.build(bars, make_settings(include=["breaks"])).frame
    assert found["cusum_up"].dropna().between(0, 1).all()
    assert found["cusum_down"].dropna().between(-1, 0).all()
    assert found["cusum_age"].dropna().between(0, 1).all()
    assert found["cusum_last"][200] == 1.0
    assert found["cusum_age"][200] == 0.0
    assert found["cusum_age"][201] <= 1 / 40


def test_flat_prices_make_no_event(make_bars, make_settings):
    bars = make_bars(4, 100)
    bars["close"] = 3000.0
    found = features.build(bars, make_settings(include=["breaks"])).frame.iloc[-1]
    assert found["cusum_up"] == found["cusum_down"] == found["cusum_last"] == 0.0
    assert found["cusum_age"] == 1.0
