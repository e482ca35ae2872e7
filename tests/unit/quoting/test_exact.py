"""Exact quotes against 60-digit arithmetic, published numbers and symmetries."""

from __future__ import annotations

import json
import math
import time

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ethpredict.errors import ConfigError
from ethpredict.quoting._exact_kernels import (
    evolve_log_ratios,
    scaled_diagonal,
    stationary_log_ratios,
)
from ethpredict.quoting.glft import closed_form_quotes, exact_quotes
from ethpredict.quoting.stiff import evolve_stiff
from ethpredict.quoting.tables import exact_tables
from tests.unit.quoting.glft_oracle import eigenvector, matrix, oracle_quotes

BASE = {"gamma": 0.01, "sigma": 0.3, "A": 0.9, "k": 0.3}


def random_set(rng, limit):
    return {
        "gamma": 10 ** rng.uniform(-4, 0),
        "sigma": 10 ** rng.uniform(-2, 0.5),
        "A": 10 ** rng.uniform(-2, 1),
        "k": 10 ** rng.uniform(-1.5, 1),
        "Q": int(rng.integers(1, limit + 1)),
        "mu": rng.normal(0, 1e-3) if rng.random() < 0.6 else 0.0,
        "xi": rng.uniform(0, 0.3) if rng.random() < 0.5 else 0.0,
    }


@pytest.mark.parametrize("seed", range(10))
def test_stationary_quotes_equal_the_60_digit_reference(seed):
    rng = np.random.default_rng(seed)
    given_set = random_set(rng, 600 if seed == 0 else 120)
    with mpmath.workdps(60):
        diagonal, eta = matrix(**given_set)
        expected = oracle_quotes(
            eigenvector(diagonal, eta), given_set["gamma"], given_set["k"], given_set["xi"]
        )
    bid, ask = exact_quotes(**given_set)
    np.testing.assert_allclose(bid[:-1], expected[0], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(ask[1:], expected[1], rtol=1e-9, atol=1e-12)
    assert np.isnan([bid[-1], ask[0]]).all()


@pytest.mark.slow
def test_200_random_sets_equal_the_60_digit_reference():
    """At every inventory, up to Q = 600; relative to the quote, or to 1/k where it is near 0."""
    rng = np.random.default_rng(2024)
    worst = np.zeros(200)
    for i in range(200):
        given_set = random_set(rng, 600)
        k, xi = given_set["k"], given_set["xi"]
        with mpmath.workdps(60):
            v = eigenvector(*matrix(**given_set))
            expected = oracle_quotes(v, given_set["gamma"], k, xi)
        bid, ask = exact_quotes(**given_set)
        table = exact_tables(**given_set)
        inside = np.arange(-given_set["Q"], given_set["Q"])
        for got in (
            (bid[:-1], ask[1:]),
            (table.quotes(0, inside)[0], table.quotes(0, inside + 1)[1]),
        ):
            for mine, exact in zip(got, expected, strict=True):
                error = np.abs(mine - exact) / np.maximum(np.abs(exact), 1e-3 / k)
                worst[i] = max(worst[i], error.max())
    assert worst.max() <= 1e-9


def test_a_stiff_horizon_is_crossed_by_the_implicit_solver():
    """Against uniformization, and against 60 digits where it is small."""
    alpha, eta, span = 0.1, 1.0, 20.0
    s, _ = scaled_diagonal(60, alpha, 0.3, eta)
    for end in (np.zeros(120), stationary_log_ratios(60, alpha, 0.0, eta)):
        uniform = evolve_log_ratios(end, alpha, 0.3, eta, span)
        np.testing.assert_allclose(evolve_stiff(end, s, span), uniform, atol=1e-10)
    steep, short = 1000.0, 0.01
    s, _ = scaled_diagonal(4, steep, 200.0, 1.0)
    with mpmath.workdps(60):
        M = mpmath.zeros(9)
        for i, q in enumerate(range(-4, 5)):
            M[i, i] = mpmath.mpf(steep) * q * q - 200 * q
            if i:
                M[i, i - 1] = M[i - 1, i] = -1
        values, vectors = mpmath.eigsy(M)
        weights = vectors.T * mpmath.ones(9, 1)
        v = vectors * mpmath.matrix([mpmath.exp(-values[i] * short) * weights[i] for i in range(9)])
        expected = [float(mpmath.log(v[i + 1] / v[i])) for i in range(8)]
    np.testing.assert_allclose(evolve_stiff(np.zeros(8), s, short), expected, atol=2e-10)


def test_a_stiff_horizon_ends_in_bounded_time():
    """The steps of uniformization would take minutes here."""
    given_set = {"gamma": 1.0, "sigma": 3.0, "A": 0.01, "k": 1.0, "Q": 200}
    start = time.process_time()
    bid, _ = exact_quotes(**given_set, mu=1.0, horizon=15.0)
    assert time.process_time() - start < 20
    assert (np.diff(bid[:-1]) > 0).all()


@pytest.mark.parametrize("terminal", ["liquidation", "stationary"])
@pytest.mark.parametrize("seed", range(4))
def test_finite_horizon_equals_the_60_digit_reference(seed, terminal):
    rng = np.random.default_rng(100 + seed)
    given_set = random_set(rng, 4)
    horizon = 10 ** rng.uniform(-1, 2)
    with mpmath.workdps(60):
        diagonal, eta = matrix(**given_set)
        n, Q = len(diagonal), given_set["Q"]
        M = mpmath.zeros(n)
        for i in range(n):
            M[i, i] = diagonal[i]
            if i:
                M[i, i - 1] = M[i - 1, i] = -eta
        if terminal == "liquidation":
            impact = mpmath.mpf(given_set["k"]) * mpmath.mpf(given_set["xi"]) / 2
            end = [mpmath.exp(-impact * q * q) for q in range(-Q, Q + 1)]
        else:
            end = eigenvector(matrix(**{**given_set, "mu": 0.0})[0], eta)
        # exp(-M T) by diagonalisation: exact enough at 60 digits and small size.
        values, vectors = mpmath.eigsy(M)
        weights = vectors.T * mpmath.matrix(end)
        v = vectors * mpmath.matrix(
            [mpmath.exp(-values[i] * horizon) * weights[i] for i in range(n)]
        )
        expected = oracle_quotes(list(v), given_set["gamma"], given_set["k"], given_set["xi"])
    bid, ask = exact_quotes(**given_set, horizon=horizon, terminal=terminal)
    np.testing.assert_allclose(bid[:-1], expected[0], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(ask[1:], expected[1], rtol=1e-9, atol=1e-12)


def test_vectors(shared_vectors):
    data = json.loads((shared_vectors / "glft.json").read_text())
    for case in data["cases"]:
        arguments = {name: case[name] for name in ("gamma", "sigma", "A", "k", "Q")}
        for names, horizon in (
            (("asymptotic_bid", "asymptotic_ask"), None),
            (("exact_bid_t0", "exact_ask_t0"), case["T"]),
        ):
            for got, name in zip(exact_quotes(**arguments, horizon=horizon), names, strict=True):
                known = np.array([np.nan if x is None else x for x in case[name]])
                np.testing.assert_allclose(got, known, rtol=1e-9)
    for case in data["drift"]:
        bid, ask = exact_quotes(**BASE, Q=30, mu=case["mu"], horizon=600.0)
        assert bid[30] == pytest.approx(case["exact_bid_q0"], rel=1e-9)
        assert ask[30] == pytest.approx(case["exact_ask_q0"], rel=1e-9)
    for case in data["impact_xi"]:
        bid, ask = exact_quotes(**BASE, Q=30, xi=case["xi"], horizon=600.0)
        for q in (0, 5):
            assert bid[30 + q] == pytest.approx(case[f"exact_bid_q{q}"], rel=1e-9)
            assert ask[30 + q] == pytest.approx(case[f"exact_ask_q{q}"], rel=1e-9)


def test_set_on_which_dense_solvers_fail():
    """The eigenvector spans more than double precision: 8.6 is lost in ln v."""
    given_set = {"gamma": 0.1, "sigma": 2.0, "A": 0.9, "k": 0.3, "Q": 50, "mu": 0.0, "xi": 0.0}
    with mpmath.workdps(60):
        diagonal, eta = matrix(**given_set)
        v = eigenvector(diagonal, eta)
        expected = oracle_quotes(v, 0.1, 0.3, 0.0)
        assert float(mpmath.log(v[50] / v[0])) > 200
    bid, ask = exact_quotes(**given_set)
    np.testing.assert_allclose(bid[:-1], expected[0], rtol=1e-12)
    np.testing.assert_allclose(ask[1:], expected[1], rtol=1e-12)


@settings(max_examples=25)
@given(st.floats(1e-5, 3e-3), st.floats(0.1, 1.0), st.floats(0.2, 3.0), st.floats(0.2, 2.0))
def test_exact_goes_to_the_closed_form_as_the_limit_and_the_lots_grow(gamma, sigma, A, k):
    """At q = 0 and gamma -> 0 for the same risk of the limit: the error falls with gamma."""
    errors = []
    for lots in (gamma, gamma / 16):
        closed = float(closed_form_quotes(lots, sigma, A, k, 0.0)[0])
        width = (2 * k * A / (lots * sigma**2)) ** 0.25
        Q = math.ceil(8 * width) + 8
        bid, ask = exact_quotes(lots, sigma, A, k, Q)
        assert bid[Q] == pytest.approx(ask[Q], rel=1e-12)
        wider = exact_quotes(lots, sigma, A, k, 2 * Q)[0][2 * Q]
        assert bid[Q] == pytest.approx(wider, rel=1e-8)
        errors.append(abs(bid[Q] - closed) * k)
    assert errors[1] < 0.5 * errors[0] + 1e-12
    assert errors[1] < 2e-3


@settings(max_examples=40)
@given(
    st.floats(1e-3, 1.0),
    st.floats(0.05, 2.0),
    st.floats(0.05, 5.0),
    st.floats(0.1, 5.0),
    st.integers(1, 20),
    st.floats(-0.01, 0.01),
    st.one_of(st.just(0.0), st.floats(1e-3, 3.0)),
    st.floats(0.05, 20.0),
    st.one_of(st.none(), st.floats(0, 50)),
    st.sampled_from(["liquidation", "stationary"]),
)
def test_scaling_mirror_and_order(gamma, sigma, A, k, Q, mu, jump, c, horizon, terminal):
    """With and without impact (`jump` in units of 1/k), over a horizon and for ever."""
    xi = jump / k
    bid, ask = exact_quotes(gamma, sigma, A, k, Q, mu, xi, horizon, terminal)
    near = {"rtol": 1e-9, "atol": 1e-9 / k}
    scaled = exact_quotes(gamma / c, sigma * c, A, k / c, Q, mu * c, xi * c, horizon, terminal)
    np.testing.assert_allclose(scaled[0] / c, bid, **near)
    np.testing.assert_allclose(scaled[1] / c, ask, **near)
    mirrored_bid, mirrored_ask = exact_quotes(gamma, sigma, A, k, Q, -mu, xi, horizon, terminal)
    np.testing.assert_allclose(mirrored_bid[::-1], ask, **near)
    np.testing.assert_allclose(mirrored_ask[::-1], bid, **near)
    assert (np.diff(bid[:-1]) >= -1e-9 / k).all()
    assert (np.diff(ask[1:]) <= 1e-9 / k).all()


@settings(max_examples=25)
@given(st.floats(1e-4, 1e-2), st.floats(0.2, 0.6), st.floats(0.5, 2.0), st.floats(0.2, 0.5))
def test_exact_goes_to_the_closed_form_at_zero_inventory_as_the_limit_grows(gamma, sigma, A, k):
    """Slow risk, many lots: the distance falls with every doubling of Q to a small floor."""
    closed = float(closed_form_quotes(gamma, sigma, A, k, 0.0)[0])
    width = (2 * k * A / (gamma * sigma**2)) ** 0.25
    limits = [max(1, round(width * 2**i)) for i in range(-1, 4)]
    error = np.array([abs(exact_quotes(gamma, sigma, A, k, Q)[0][Q] - closed) * k for Q in limits])
    assert (np.diff(error) < 1e-3 * error[0]).all()
    assert error[-1] < 0.05 * error[0]
    assert error[-1] < 2e-3


@settings(max_examples=40)
@given(
    st.floats(1e-4, 1.0),
    st.floats(0.0, 3.0),
    st.floats(1e-3, 5.0),
    st.floats(0.1, 5.0),
    st.integers(1, 20),
    st.integers(1, 40),
)
def test_a_table_of_a_wider_limit_is_at_most_ln_2_over_k_off(gamma, sigma, A, k, limit, more):
    """Without a drift: what sizing costs that lowers a row's limit below the table's.

    With ``r = s + t`` at the last lot, v falls by r there and by at least ``max(1, r - 1)`` in
    the wider table: ``ln(r / max(1, r - 1)) <= ln 2``.
    """
    own, _ = exact_quotes(gamma, sigma, A, k, limit)
    wide, _ = exact_quotes(gamma, sigma, A, k, limit + more)
    off = k * (own[:-1] - wide[more : more + 2 * limit])
    assert np.abs(off).max() <= math.log(2.0) + 1e-9
    assert (off[limit:] >= -1e-9).all()  # long: the wider table quotes the bid too near


def test_limits():
    bid, _ = exact_quotes(**BASE, Q=3, horizon=0.0)
    np.testing.assert_allclose(bid[:-1], math.log(1 + 0.01 / 0.3) / 0.01, rtol=1e-12)
    stationary = exact_quotes(**BASE, Q=10, mu=1e-3)
    for horizon in (1e7, math.inf):
        late = exact_quotes(**BASE, Q=10, mu=1e-3, horizon=horizon)
        np.testing.assert_allclose(late[0], stationary[0], rtol=1e-12)
    # Without drift the stationary start stays where it is.
    still = exact_quotes(**BASE, Q=10, horizon=55.0, terminal="stationary")
    np.testing.assert_allclose(still[1], exact_quotes(**BASE, Q=10)[1], rtol=1e-11)
    # No risk and no drift: only the limits bend the quotes.
    flat = exact_quotes(0.01, 0.0, 0.9, 0.3, 2)[0]
    v = np.sin(np.pi * np.arange(1, 6) / 6)
    expected = math.log(1 + 0.01 / 0.3) / 0.01 + np.log(v[:-1] / v[1:]) / 0.3
    np.testing.assert_allclose(flat[:-1], expected, rtol=1e-12)
    pushed = exact_quotes(0.01, 0.0, 0.9, 0.3, 2, mu=1.0)
    assert (pushed[0][:-1] < flat[:-1]).all()
    # A small order makes the closed form's continuum limit.
    bid, _ = exact_quotes(1e-4, 0.3, 0.9, 0.3, 400)
    assert bid[400] == pytest.approx(float(closed_form_quotes(1e-4, 0.3, 0.9, 0.3, 0.0)[0]), 1e-5)


def test_illegal_values():
    for changes in ({"Q": 0}, {"Q": 1.5}, {"gamma": 0.0}, {"horizon": -1.0}, {"mu": math.nan}):
        with pytest.raises(ConfigError):
            exact_quotes(**{**BASE, "Q": 5, **changes})
    with pytest.raises(ConfigError, match="liquidation"):
        exact_quotes(**BASE, Q=5, horizon=1.0, terminal="never")
