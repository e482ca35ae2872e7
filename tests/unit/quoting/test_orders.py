"""Orders from distances: rules that hold for every book, and exact arithmetic as the oracle."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpredict.errors import ConfigError
from ethpredict.quoting.orders import bounded_distances, order_ticks
from ethpredict.sim._lob_kernels import layer_ticks

CENTS = st.integers(100, 10**6)


@given(CENTS, st.integers(0, 5000), st.integers(0, 5000), st.sampled_from([1, 5, 10, 25]))
def test_rounding_is_away_from_the_mid_in_exact_arithmetic(mid, below, above, tick):
    """Prices in cents, so that exact fractions tell the right tick."""
    bid, ask = order_ticks(mid / 100, below / 100, above / 100, 0.0, 5, tick / 100)
    low = min(math.floor(Fraction(mid - below, tick)), math.ceil(Fraction(mid, tick)) - 1)
    high = max(math.ceil(Fraction(mid + above, tick)), math.floor(Fraction(mid, tick)) + 1)
    assert bid[0, 0] == max(low, 0)
    assert ask[0, 0] == high


@given(st.floats(1, 1e5), st.floats(-10, 1e3), st.floats(-10, 1e3), st.sampled_from([0.01, 0.1, 1]))
def test_one_layer_equals_the_simulators_kernel(mid, below, above, tick):
    below, above = max(below, 0.2), max(above, 0.2)
    bid, ask = order_ticks(mid, below, above, 0.0, 5, tick)
    assert (bid[0, 0], ask[0, 0]) == layer_ticks(mid, mid, below, above, tick)


@given(
    st.floats(100, 5000),
    st.floats(-5, 20),
    st.floats(-5, 20),
    st.integers(-6, 6),
    st.integers(1, 5),
    st.floats(0, 2),
    st.floats(0.01, 3),
)
def test_layers_are_apart_post_only_and_within_the_limit(
    mid, below, above, q, layers, layer_step, half
):
    book = {"best_bid": [mid - half], "best_ask": [mid + half]}
    bid, ask = order_ticks(mid, below, above, q, 6, 0.01, layers, layer_step, **book)
    bids, asks = bid[0][bid[0] > 0], ask[0][ask[0] > 0]
    assert len(bids) == min(layers, 6 - q)
    assert len(asks) == min(layers, 6 + q)
    assert (np.diff(bids) <= -1).all()
    assert (np.diff(asks) >= 1).all()
    assert (bids * 0.01 < mid + half).all()
    assert (asks * 0.01 > mid - half).all()
    assert (bids * 0.01 <= mid - below + 1e-6).all()
    assert (asks * 0.01 >= mid + above - 1e-6).all()


def test_missing_distances_and_prices_give_no_order():
    bid, ask = order_ticks([100.0, np.nan, 0.005], [np.nan, 1.0, 1.0], 1.0, 0.0, 3, 0.01)
    assert bid[:, 0].tolist() == [0, 0, 0]
    assert ask[:, 0].tolist() == [10_100, 0, 101]


def test_bounds():
    bid, ask = bounded_distances([-1.0, 0.5, 9.0, np.nan], 2.0, 0.1, 3.0)
    np.testing.assert_array_equal(bid, [0.1, 0.5, 3.0, np.nan])
    assert ask == 2.0
    with pytest.raises(ConfigError, match="min_half_spread"):
        bounded_distances(1.0, 1.0, 2.0, 1.0)


def test_illegal_values():
    for changes in ({"tick": 0.0}, {"layers": 0}, {"layers": 1.5}, {"layer_step": -1.0}):
        with pytest.raises(ConfigError):
            order_ticks(
                **{"mid": 1, "delta_bid": 1, "delta_ask": 1, "q": 0, "limit": 1},
                **{"tick": 1.0, **changes},
            )
