"""Compiled kernels against the plain reference in glft.py."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpredict.quoting import _kernels, glft

GAMMA = st.one_of(st.just(0.0), st.floats(1e-6, 10.0))
SIGMA = st.floats(0.0, 50.0)
RATE = st.floats(1e-4, 100.0)
DECAY = st.floats(1e-3, 20.0)


@given(GAMMA, SIGMA, RATE, DECAY, st.floats(-50, 50), st.floats(-50, 50), st.floats(0, 1))
def test_deltas_equal_the_reference(gamma, sigma, A, k, q, q_star, xi):
    got = _kernels.closed_form_deltas(gamma, sigma, A, k, q, q_star, xi)
    expected = np.array(glft.closed_form_quotes(gamma, sigma, A, k, q - q_star, xi=xi))
    scale = max(1.0, np.abs(expected).max())
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12 * scale)
    terms = _kernels.spread_terms(gamma, k)
    again = _kernels.deltas_from_terms(*terms, gamma, sigma, A, k, q, q_star, xi)
    assert again == got


@given(
    GAMMA,
    SIGMA,
    RATE,
    DECAY,
    st.floats(-5, 5),
    st.one_of(st.just(0.0), st.floats(1e-3, 1e6), st.just(math.inf)),
    st.floats(0, 100),
    st.floats(0, 1),
)
def test_target_equals_the_reference(gamma, sigma, A, k, mu, left, limit, xi):
    got = _kernels.target_inventory(gamma, sigma, A, k, mu, left, limit, xi)
    expected = float(glft.target_inventory(gamma, sigma, A, k, mu, left, limit, xi))
    assert got == pytest.approx(expected, rel=1e-12, abs=1e-300)
    assert abs(got) <= limit


def test_relaxation_rate_is_one_over_the_time():
    got = _kernels.relaxation_rate(0.02, 0.5, 1.2, 0.4, 0.1)
    assert got == pytest.approx(1 / float(glft.relaxation_time(0.02, 0.5, 1.2, 0.4, 0.1)))


def test_drift_is_the_mean_of_a_log_normal_price():
    mid, m, sigma_r, horizon = 3000.0, 0.002, 1e-4, 3600.0
    draws = np.random.default_rng(1).normal(m, sigma_r * math.sqrt(horizon), 400_000)
    moved = mid * np.expm1(draws) / horizon
    got = _kernels.drift(mid, m, sigma_r, horizon)
    assert abs(moved.mean() - got) < 3 * moved.std() / math.sqrt(len(draws))
    assert _kernels.drift(mid, 0.0, 0.0, horizon) == 0.0


def test_nan_inputs_give_nan():
    nan = math.nan
    assert all(math.isnan(x) for x in _kernels.closed_form_deltas(0.01, nan, 1, 1, 0, 0, 0))
    assert math.isnan(_kernels.target_inventory(0.01, 0.3, 0.9, 0.3, nan, 10.0, 5.0))
    assert math.isnan(_kernels.target_inventory(0.0, 0.3, 0.9, 0.3, nan, 10.0, 5.0))
    assert math.isnan(_kernels.target_inventory(0.01, 0.3, nan, 0.3, 1.0, 10.0, 5.0))
    assert math.isnan(_kernels.drift(3000.0, nan, 1e-4, 60.0))
