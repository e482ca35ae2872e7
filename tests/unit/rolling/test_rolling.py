"""Trailing windows against their definition, and their promises about bits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpredict import rolling
from ethpredict.rolling import reference


@st.composite
def series(draw):
    """Values with gaps and missing rows, and a window."""
    n = draw(st.integers(1, 80))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    values = rng.normal(size=n) * 10.0 ** draw(st.integers(-3, 4))
    values[rng.random(n) < draw(st.sampled_from([0.0, 0.05]))] = np.nan
    gap = rng.random(n) < draw(st.sampled_from([0.0, 0.05]))
    return values, gap, draw(st.integers(1, 20))


@given(series(), st.sampled_from([1.0, 0.9, 0.5]))
def test_window_sum_is_the_plain_reference(case, decay):
    values, gap, window = case
    found = rolling.window_sum(values, rolling.run_lengths(values, gap), window, decay)
    expected = reference.window_sum(values, gap, window, decay)
    np.testing.assert_allclose(
        found, expected, rtol=1e-12, atol=1e-13 * np.nanmax(np.abs(values), initial=1)
    )


@given(series(), st.integers(0, 1))
def test_window_mean_and_deviation_are_the_plain_reference(case, ddof):
    values, gap, window = case
    window = max(window, 2)
    run = rolling.run_lengths(values, gap)
    mean, sd = rolling.window_mean_sd(values, run, window, ddof)
    scale = np.nanmax(np.abs(values), initial=1)
    expected = reference.window_mean_sd(values, gap, window, ddof)
    np.testing.assert_allclose(mean, expected[0], rtol=1e-12, atol=1e-13 * scale)
    np.testing.assert_allclose(sd, expected[1], rtol=1e-11, atol=1e-13 * scale)


@given(series())
def test_runs_and_returns_are_the_plain_reference(case):
    values, gap, bars = case
    run = rolling.run_lengths(values, gap)
    assert run.tolist() == reference.run_lengths(values, gap)
    price = np.exp(values / 1e4)
    np.testing.assert_allclose(
        rolling.log_return(price, run, bars), reference.log_return(price, gap, bars), atol=1e-15
    )
    np.testing.assert_allclose(
        rolling.log_ratio(price, np.ones_like(price)), np.log(price), atol=1e-15
    )


@given(series(), st.integers(0, 79), st.sampled_from([1.0, 0.8]))
def test_later_rows_change_no_bit_of_earlier_ones(case, cut, decay):
    values, gap, window = case
    cut = min(cut, len(values))
    scrambled = values.copy()
    scrambled[cut:] = 1e6 * np.random.default_rng(1).normal(size=len(values) - cut)

    def everything(x, borders):
        run = rolling.run_lengths(x, borders)
        return [
            rolling.window_sum(x, run, window, decay),
            *rolling.window_mean_sd(x, run, window),
            rolling.exponential_mean(x, run, 0.7),
        ]

    whole = everything(values, gap)
    for other in (everything(values[:cut], gap[:cut]), everything(scrambled, gap)):
        for a, b in zip(whole, other, strict=True):
            assert a[:cut].tobytes() == b[:cut].tobytes()


def test_a_huge_value_leaves_no_trace_once_it_is_out_of_the_window():
    values = np.random.default_rng(0).normal(size=400)
    spoiled = values.copy()
    spoiled[50] = 1e15
    run = np.arange(1, 401)
    for window in (7, 30):
        clean, late = (rolling.window_sum(x, run, window) for x in (values, spoiled))
        assert clean[50 + window :].tobytes() == late[50 + window :].tobytes()
        clean, late = (rolling.window_mean_sd(x, run, window)[1] for x in (values, spoiled))
        assert clean[50 + window :].tobytes() == late[50 + window :].tobytes()


def test_deviation_of_equal_values_is_exactly_zero():
    x = np.full(50, 0.1)
    _, sd = rolling.window_mean_sd(x, np.arange(1, 51), 7)
    assert (sd[6:] == 0.0).all()


def test_deviation_survives_a_large_mean():
    # Sums of squares would lose all of it: (1e9)^2 has no digits left for 1e-2.
    x = 1e9 + np.tile([0.0, 0.25, 0.5, 0.75], 20)
    _, sd = rolling.window_mean_sd(x, np.arange(1, 81), 8)
    np.testing.assert_allclose(sd[7:], np.std([0.0, 0.25, 0.5, 0.75]), rtol=1e-7)


def test_exponential_mean_by_hand():
    x = np.array([1.0, 2.0, 3.0, 4.0])
    found = rolling.exponential_mean(x, np.arange(1, 5), 0.5, tail=0.25)  # weights 2/3, 1/3
    np.testing.assert_allclose(found, [np.nan, 5 / 3, 8 / 3, 11 / 3])


@pytest.mark.parametrize("decay", [0.5, 12 / 14, 25 / 27, 13 / 14])
def test_exponential_window_is_the_first_with_so_small_a_weight(decay):
    window = rolling.exponential_window(decay)
    assert decay**window <= rolling.TAIL < decay ** (window - 1)


def test_log_ratio_of_what_has_no_logarithm_is_missing():
    found = rolling.log_ratio(np.array([2.0, 0.0, -1.0, np.nan]), np.array([1.0, 1.0, 1.0, 1.0]))
    assert found[0] == np.log(2.0)
    assert np.isnan(found[1:]).all()


def test_log_return_stops_at_a_gap():
    close = np.array([1.0, 2.0, 4.0, 8.0])
    gap = np.array([False, False, True, False])
    found = rolling.log_return(close, rolling.run_lengths(close, gap), 1)
    np.testing.assert_allclose(found, [np.nan, np.log(2), np.nan, np.log(2)])
