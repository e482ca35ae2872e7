"""Trend scanning against least squares, line by line."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpredict.labels import reference, trend_scan


@given(st.integers(0, 2**32 - 1), st.integers(3, 20), st.integers(2, 4))
def test_scan_is_the_plain_reference(seed, horizon, shortest):
    rng = np.random.default_rng(seed)
    price = 7.0 + np.cumsum(rng.normal(0, 0.01, 40))
    t0 = np.arange(40 - horizon)
    found = trend_scan(price, t0, max(horizon, shortest), shortest)
    for row in t0[t0 + max(horizon, shortest) < 40]:
        length, value = reference.scan_trends(price, row, max(horizon, shortest), shortest)
        assert found["bars"][row] == length
        assert found["t_value"][row] == pytest.approx(value, rel=1e-7)
        assert found["label"][row] == np.sign(value)


def test_the_interval_is_all_that_was_read_not_the_line_that_won():
    rng = np.random.default_rng(2)
    price = np.cumsum(rng.normal(0, 0.01, 200))
    found = trend_scan(price, np.arange(180), 15)
    early = found["bars"] < 15
    assert early.any()
    assert (found["t1"] == found["t0"] + 15).all()
    # a later price, beyond the line but within the horizon, can change the label
    changed = 0
    for row in found.index[early][:20]:
        other = price.copy()
        other[row + found["bars"][row] + 1 : row + 16] += 5.0
        changed += trend_scan(other, [row], 15)["bars"][0] != found["bars"][row]
    assert changed > 0


def test_missing_where_the_horizon_is_cut():
    price, gap = np.linspace(0, 1, 20) ** 2, np.zeros(20, dtype=bool)
    gap[10] = True
    found = trend_scan(price, np.arange(20), 5, gaps=gap)
    assert found.index[found["t1"] >= 0].tolist() == [0, 1, 2, 3, 4, 10, 11, 12, 13, 14]
    missing = found[found["t1"] < 0]
    assert missing["label"].isna().all()
    assert (missing["bars"] == 0).all()


def test_a_straight_line_and_a_flat_one():
    assert trend_scan(np.arange(6) * 0.1, [0], 5)["label"].tolist() == [1.0]
    assert trend_scan(np.arange(6) * -0.1, [0], 5)["label"].tolist() == [-1.0]
    assert trend_scan(np.zeros(6), [0], 5)["label"].tolist() == [0.0]


def test_what_is_refused():
    with pytest.raises(ValueError, match="shortest = 1"):
        trend_scan([0.0, 1.0], [0], 1, shortest=1)
    with pytest.raises(ValueError, match=r"t0 must lie in 0 .. 1"):
        trend_scan([0.0, 1.0], [2], 1)
