"""Sizes against numeric optimisation, simulation and limits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import norm

from ethpredict.errors import ConfigError
from ethpredict.quoting.sizing import (
    bet_size,
    kelly_drift_share,
    kelly_share,
    limited_lots,
    volatility_target_size,
)


@given(st.floats(0.02, 0.98), st.floats(0.05, 2.0), st.floats(0.05, 1.0))
def test_kelly_maximises_the_growth_rate(p, gain, loss):
    def decline(f):
        return -(p * math.log1p(f * gain) + (1 - p) * math.log1p(-f * loss))

    top = (1 - 1e-12) / loss
    found = minimize_scalar(decline, bounds=(0, top), method="bounded", options={"xatol": 1e-12})
    got = float(kelly_share(p, gain, loss))
    assert decline(min(got, top)) <= found.fun + 1e-9
    assert got == pytest.approx(found.x, abs=1e-3 / loss)
    assert float(kelly_share(p, gain, loss, 0.5)) == pytest.approx(got / 2)
    assert (got == 0) == (p * gain <= (1 - p) * loss)


def test_kelly_of_a_drift_maximises_the_growth_of_a_log_normal():
    mu, sigma = 2e-6, 1e-3
    f = np.linspace(-5, 5, 100_001)
    growth = f * mu - 0.5 * f * f * sigma**2
    assert float(kelly_drift_share(mu, sigma)) == pytest.approx(f[growth.argmax()], abs=1e-4)
    assert float(kelly_drift_share(-mu, sigma, 0.25)) == pytest.approx(-0.5)


@given(st.floats(1e-6, 1 - 1e-6))
def test_bet_size_is_the_two_sided_confidence_of_the_test(p):
    z = (p - 0.5) / math.sqrt(p * (1 - p))
    assert float(bet_size(p)) == pytest.approx(norm.cdf(z) - norm.sf(z), abs=1e-12)
    assert float(bet_size(p)) == pytest.approx(-float(bet_size(1 - p)), abs=1e-9)
    assert abs(float(bet_size(p))) <= 1


def test_bet_size_ends():
    np.testing.assert_array_equal(bet_size([0.0, 0.5, 1.0]), [-1.0, 0.0, 1.0])
    assert np.isnan(bet_size(np.nan))


def test_volatility_target_has_that_volatility():
    sigma, seconds, capital = 0.4, 900.0, 50_000.0
    size = float(volatility_target_size(capital, 0.02, sigma, seconds))
    moves = np.random.default_rng(5).normal(0, sigma * math.sqrt(seconds), 200_000)
    assert (size * moves).std() / capital == pytest.approx(0.02, rel=0.01)
    sizes = volatility_target_size(capital, [0.02, 0.02, 0.0], [0.0, np.nan, 0.0], seconds)
    assert np.isinf(sizes[0])
    assert np.isnan(sizes[1])
    assert sizes[2] == 0.0


@given(
    st.floats(-1e4, 1e4),
    st.floats(1.0, 1e5),
    st.floats(-1e5, 1e7),
    st.sampled_from([0.001, 0.01, 0.25]),
    st.floats(0, 20),
    st.floats(0, 1e3),
)
def test_limits_hold_and_nothing_legal_is_cut(size, mid, capital, lot, leverage, most):
    lots = int(limited_lots(size, mid, capital, lot, leverage, most))
    held = abs(lots) * lot
    near = 1 + 1e-9
    assert held <= abs(size) * near + 1e-8 * lot
    assert held * mid <= max(capital, 0) * leverage * near + 1e-8 * lot * mid
    assert held <= most * near + 1e-8 * lot
    room = min(abs(size), most, max(capital, 0) * leverage / mid)
    assert held > room - lot * near
    assert lots == 0 or (lots > 0) == (size > 0)


def test_whole_sizes_stay_whole_and_infinite_ones_are_cut():
    assert limited_lots([0.3, 0.07, 12.0], 1.0, 1e6, 0.01).tolist() == [30, 7, 1200]
    assert limited_lots([math.inf, -math.inf, math.nan], 10.0, 100.0, 1.0, 2.0).tolist() == [
        20,
        -20,
        0,
    ]
    with pytest.raises(ConfigError, match="bounded"):
        limited_lots(math.inf, 10.0, 100.0, 1.0)


def test_illegal_values():
    with pytest.raises(ConfigError, match=r"sizing.p"):
        bet_size(1.1)
    with pytest.raises(ConfigError, match=r"sizing.p"):
        kelly_share(-0.1, 1.0, 1.0)
    with pytest.raises(ConfigError, match="fraction"):
        kelly_share(0.5, 1.0, 1.0, 1.5)
    with pytest.raises(ConfigError, match="fraction"):
        kelly_drift_share(0.5, 1.0, 1.5)
    with pytest.raises(ConfigError, match="seconds"):
        volatility_target_size(1.0, 0.1, 1.0, 0.0)
