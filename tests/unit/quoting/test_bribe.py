"""Bribes against brute force, published numbers and limits."""

from __future__ import annotations

import json
import math
import sys
import timeit

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import expit, wrightomega

from ethpredict.errors import ConfigError
from ethpredict.quoting._bribe_kernels import best_bribe, inclusion_chance, wright_omega
from ethpredict.quoting.bribe import (
    optimal_bribe,
    optimal_bribe_all_pay,
    optimal_bribe_once,
)


def first_price(b, a, s, v, c):
    p = expit(a + s * b)
    return p * (v - b) - (1 - p) * c


@given(st.floats(-20, 20), st.floats(1e-3, 50), st.floats(-5, 500), st.floats(0, 50))
def test_no_bribe_beats_the_optimum(a, s, v, c):
    bribe, probability, utility = (float(x) for x in optimal_bribe(a, s, v, c))
    grid = np.linspace(0.0, max(v + c, 1.0), 20_001)
    best = first_price(grid, a, s, v, c).max()
    scale = max(1.0, abs(v), c)
    assert bribe >= 0.0
    assert utility >= best - 1e-9 * scale
    assert utility == pytest.approx(float(first_price(bribe, a, s, v, c)), abs=1e-9 * scale)
    assert probability == pytest.approx(float(expit(a + s * bribe)), rel=1e-9)


@given(st.floats(-10, 10), st.floats(0.01, 50), st.floats(0.01, 500))
def test_all_pay_beats_a_numeric_search(a, s, v):
    bribe, probability, utility = (float(x) for x in optimal_bribe_all_pay(a, s, v))
    grid = np.linspace(0.0, v, 20_001)
    best = (expit(a + s * grid) * v - grid).max()
    assert utility >= best - 1e-9 * max(1.0, v)
    assert utility == pytest.approx(float(expit(a + s * bribe) * v - bribe), abs=1e-9 * max(1, v))
    assert probability == pytest.approx(float(expit(a + s * bribe)), rel=1e-9)


def test_optimum_against_a_bounded_optimiser():
    a, s, v, c = -1.0, 1.5, 4.0, 0.3
    found = minimize_scalar(
        lambda b: -first_price(b, a, s, v, c), bounds=(0, v), options={"xatol": 1e-12}
    )
    bribe, _, utility = optimal_bribe(a, s, v, c)
    assert float(bribe) == pytest.approx(found.x, abs=1e-6)
    assert float(utility) == pytest.approx(-found.fun, abs=1e-12)


@given(st.floats(-20, 20), st.floats(0, 50), st.floats(-5, 500), st.floats(0, 50))
def test_one_opportunity_equals_the_arrays(a, s, v, c):
    arrays = [float(x) for x in optimal_bribe(a, s, v, c)]
    np.testing.assert_allclose(optimal_bribe_once(a, s, v, c), arrays, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize(
    ("a", "s", "v", "c"), [(-3, 1, 10, 0), (-1, 0.4, 25, 2), (0, 5, 2, 0.3), (-4, 0.1, 0.5, 0)]
)
def test_one_opportunity_equals_a_fine_grid_in_10_microseconds(a, s, v, c):
    grid = np.linspace(0.0, v + c, 2_000_001)
    bribe, _, utility = optimal_bribe_once(a, s, v, c)
    best = int(first_price(grid, a, s, v, c).argmax())
    # A second grid of the same size around the best point of the first.
    fine = np.linspace(grid[max(best - 1, 0)], grid[best + 1], 2_000_001)
    assert utility == pytest.approx(first_price(fine, a, s, v, c).max(), abs=1e-9)
    assert utility >= first_price(fine, a, s, v, c).max() - 1e-14
    assert bribe == pytest.approx(grid[best], abs=2 * (grid[1] - grid[0]))
    many = np.full(20_000, float(v))
    # Coverage's tracer would be timed with it.
    tracer = sys.gettrace()
    sys.settrace(None)
    try:
        one = timeit.repeat(lambda: optimal_bribe_once(a, s, v, c), number=200, repeat=20)
        each = timeit.repeat(lambda: optimal_bribe(a, s, many, c), number=1, repeat=5)
    finally:
        sys.settrace(tracer)
    assert min(one) / 200 < 10e-6
    assert min(each) / len(many) < 10e-6


def test_one_opportunity_ends():
    assert all(math.isnan(x) for x in optimal_bribe_once(math.nan, 1.0, 1.0))
    with pytest.raises(ConfigError, match=r"bribe.s = -1.0"):
        optimal_bribe_once(0.0, -1.0, 1.0)
    with pytest.raises(ConfigError, match="fail_cost"):
        optimal_bribe_once(0.0, 1.0, 1.0, -1.0)


def test_vectors(shared_vectors):
    data = json.loads((shared_vectors / "bribe.json").read_text())
    for case in data["first_price"]:
        got = optimal_bribe(case["a"], case["slope"], case["value"], case["fail_cost"])
        expected = [case["bribe"], case["p"], case["utility"]]
        np.testing.assert_allclose([float(x) for x in got], expected, rtol=1e-9, atol=1e-9)
    (all_pay,) = (value for name, value in data.items() if name.startswith("all_pay"))
    for case in all_pay:
        got = optimal_bribe_all_pay(case["a"], case["slope"], case["value"])[0]
        assert float(got) == pytest.approx(case["bribe"], rel=1e-9, abs=1e-9)


def test_extremes_do_not_overflow():
    with np.errstate(over="raise"):
        bribe, probability, utility = optimal_bribe(
            np.array([-900.0, 0.0, 800.0, 0.0]),
            np.array([1.0, 1e6, 1.0, 0.0]),
            np.array([100.0, 1e6, 10.0, 5.0]),
        )
    # Hopeless odds still earn their optimum; sure odds and a flat slope pay nothing.
    assert bribe[0] == pytest.approx(99.0)
    assert probability[1] == pytest.approx(1.0)
    assert bribe[1] == pytest.approx(math.log(1e12) / 1e6, rel=0.05)
    assert bribe[2] == bribe[3] == 0.0
    assert utility[3] == 2.5


def test_nan_and_shapes():
    bribe, _, utility = optimal_bribe(np.array([[0.0], [np.nan]]), 1.0, np.array([1.0, 9.0, 0.0]))
    assert bribe.shape == (2, 3)
    assert np.isnan(bribe[1]).all()
    assert np.isnan(utility[1]).all()
    assert np.isnan(optimal_bribe_all_pay(0.0, 1.0, np.nan)[2])


def test_illegal_values_are_named():
    with pytest.raises(ConfigError, match=r"bribe.s = -1.0"):
        optimal_bribe(0.0, -1.0, 1.0)
    with pytest.raises(ConfigError, match=r"bribe.fail_cost = -2.0"):
        optimal_bribe(0.0, 1.0, 1.0, -2.0)


@given(st.floats(-60.0, 60.0), st.floats(0.0, 50.0), st.floats(-5.0, 500.0))
def test_kernel_parity(a: float, s: float, value: float) -> None:
    """wright_omega, inclusion_chance and best_bribe give the public functions' figures."""
    for all_pay, public in ((False, optimal_bribe), (True, optimal_bribe_all_pay)):
        found = best_bribe(a, s, value, all_pay)
        wanted = [float(part) for part in public(a, s, value)]
        assert found == pytest.approx(wanted, rel=1e-12, abs=1e-12)
    assert inclusion_chance(a, s, 1.0) == pytest.approx(1.0 / (1.0 + math.exp(-(a + s))), rel=1e-13)


@given(st.floats(-700.0, 1e6))
def test_wright_omega_parity(x: float) -> None:
    assert wright_omega(x) == pytest.approx(float(wrightomega(x)), rel=4e-15)
