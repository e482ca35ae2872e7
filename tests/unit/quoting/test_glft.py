"""Closed forms against published numbers, limits and symmetries."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpredict.errors import ConfigError
from ethpredict.quoting import glft

BASE = {"gamma": 0.01, "sigma": 0.3, "A": 0.9, "k": 0.3}
POSITIVE = {
    "gamma": st.floats(1e-6, 10.0),
    "sigma": st.floats(1e-4, 50.0),
    "A": st.floats(1e-4, 100.0),
    "k": st.floats(1e-3, 100.0),
}


def plain_quotes(gamma, sigma, A, k, q, q_star=0.0, xi=0.0):
    """The closed form as it is printed, without log1p."""
    base = 1.0 + gamma / k
    slope = math.sqrt(sigma**2 * gamma / (2.0 * k * A) * base ** (1.0 + k / gamma))
    slope *= math.exp(k * xi / 4.0)
    c1 = math.log(base) / gamma + xi / 2.0
    skew = q - q_star
    return c1 + (2 * skew + 1) / 2 * slope, c1 - (2 * skew - 1) / 2 * slope


def test_closed_form_equals_the_printed_formula():
    q = np.arange(-30.0, 31.0)
    bid, ask = glft.closed_form_quotes(**BASE, q=q, mu=0.001, xi=0.4)
    expected = [plain_quotes(**BASE, q=x, q_star=0.001 / (0.01 * 0.09), xi=0.4) for x in q]
    np.testing.assert_allclose(np.column_stack([bid, ask]), expected, rtol=1e-12)


def test_stated_case_of_the_2013_figures():
    bid, ask = glft.closed_form_quotes(**BASE, q=np.array([-30.0, 0.0]))
    np.testing.assert_allclose(bid, [1.276940222638018, 3.312915198564529], rtol=1e-12)
    np.testing.assert_allclose(ask, [5.34889017449104, 3.312915198564529], rtol=1e-12)


def test_vectors_of_the_closed_form(shared_vectors):
    data = json.loads((shared_vectors / "glft.json").read_text())
    for case in data["cases"]:
        names = ("gamma", "sigma", "A", "k")
        bid, ask = glft.closed_form_quotes(
            **{name: case[name] for name in names}, q=np.array(case["q"], float)
        )
        for got, name in ((bid, "closed_bid"), (ask, "closed_ask")):
            known = np.array([np.nan if x is None else x for x in case[name]])
            seen = ~np.isnan(known)
            np.testing.assert_allclose(got[seen], known[seen], rtol=1e-9)
    for case in data["drift"]:
        bid, ask = glft.closed_form_quotes(**BASE, q=0.0, mu=case["mu"])
        assert bid == pytest.approx(case["closed_bid_q0"], rel=1e-9)
        assert ask == pytest.approx(case["closed_ask_q0"], rel=1e-9)
        target = glft.target_inventory(**BASE, mu=case["mu"])
        assert target == pytest.approx(case["target_q"], rel=1e-12)


def test_vectors_with_order_size(shared_vectors):
    data = json.loads((shared_vectors / "glft.json").read_text())
    for case in data["order_size"]:
        arguments = {name: case[name] for name in ("gamma", "sigma", "A", "k", "q")}
        bid, ask = glft.gueant_quotes(**arguments, order_size=case["D"], zeta=case["xi"])
        assert bid == pytest.approx(case["bid"], rel=1e-9)
        assert ask == pytest.approx(case["ask"], rel=1e-9)
    case = data["xi_to_0_limit"]["example"]
    arguments = {name: case[name] for name in ("gamma", "sigma", "A", "k", "q")}
    bid, ask = glft.gueant_quotes(**arguments, order_size=1.0, zeta=0.0)
    assert bid == pytest.approx(case["bid"], rel=1e-9)
    assert ask == pytest.approx(case["ask"], rel=1e-9)


def test_published_grid_trading_example(shared_vectors):
    data = json.loads((shared_vectors / "glft.json").read_text())["hftbacktest_tutorial"]
    c1, c2 = glft.gueant_coefficients(
        data["gamma"], data["sigma"], data["A"], data["k"], data["delta"], data["xi"]
    )
    assert c1 + data["delta"] / 2 * data["sigma"] * c2 == pytest.approx(
        data["half_spread"], rel=1e-9
    )
    assert data["sigma"] * c2 == pytest.approx(data["skew"], rel=1e-9)


@given(
    **POSITIVE,
    units=st.floats(-50, 50),
    size=st.floats(0.01, 50.0),
)
def test_order_size_is_a_change_of_units(gamma, sigma, A, k, units, size):
    lots = glft.closed_form_quotes(gamma * size, sigma, A, k, units / size)
    base = glft.gueant_quotes(gamma, sigma, A, k, units, order_size=size)
    scale = np.abs(lots[0]) + np.abs(lots[1])
    np.testing.assert_allclose(np.array(lots) / scale, np.array(base) / scale, atol=1e-10)


@given(
    **POSITIVE,
    q=st.floats(-100, 100),
    mu=st.floats(-1, 1),
    xi=st.floats(0, 5),
    c=st.floats(0.01, 100.0),
    horizon=st.one_of(st.none(), st.floats(0, 1e6)),
)
def test_scaling_of_the_price(gamma, sigma, A, k, q, mu, xi, c, horizon):
    """Price x c with sigma c, xi c, mu c, k/c, gamma/c gives delta c."""
    k = min(k, 20.0 / max(xi, 1e-9))  # keeps e^{k xi/4} moderate
    here = np.array(glft.closed_form_quotes(gamma, sigma, A, k, q, mu, xi, horizon))
    there = np.array(
        glft.closed_form_quotes(gamma / c, sigma * c, A, k / c, q, mu * c, xi * c, horizon)
    )
    np.testing.assert_allclose(there / c, here, rtol=1e-9, atol=1e-9 * np.abs(here).max())


@given(**POSITIVE, q=st.floats(-100, 100), mu=st.floats(-1, 1), horizon=st.floats(0, 1e6))
def test_mirror(gamma, sigma, A, k, q, mu, horizon):
    """mu -> -mu and q -> -q swap bid and ask."""
    bid, ask = glft.closed_form_quotes(gamma, sigma, A, k, q, mu, 0.0, horizon)
    mirrored_bid, mirrored_ask = glft.closed_form_quotes(gamma, sigma, A, k, -q, -mu, 0.0, horizon)
    assert bid == pytest.approx(mirrored_ask, rel=1e-12, abs=1e-12)
    assert ask == pytest.approx(mirrored_bid, rel=1e-12, abs=1e-12)


@given(**POSITIVE, q=st.floats(-100, 100), mu=st.floats(-1, 1))
def test_skew_moves_the_centre_and_not_the_width(gamma, sigma, A, k, q, mu):
    flat = sum(glft.closed_form_quotes(gamma, sigma, A, k, 0.0))
    skewed = np.array(glft.closed_form_quotes(gamma, sigma, A, k, q, mu))
    assert skewed.sum() == pytest.approx(flat, rel=1e-9, abs=1e-12 * np.abs(skewed).max())


def test_bid_moves_out_and_ask_moves_in_with_inventory():
    bid, ask = glft.closed_form_quotes(**BASE, q=np.arange(-10.0, 11.0))
    assert (np.diff(bid) > 0).all()
    assert (np.diff(ask) < 0).all()


def test_limits_without_risk_aversion():
    bid, ask = glft.closed_form_quotes(0.0, 0.3, 0.9, 0.3, 5.0)
    assert bid == ask == pytest.approx(1 / 0.3)
    near = glft.closed_form_quotes(1e-9, 0.3, 0.9, 0.3, 0.0)[0]
    assert near == pytest.approx(1 / 0.3, rel=1e-4)


def test_target_grows_with_the_time_that_is_left():
    mu = 1e-3
    tau = float(glft.relaxation_time(**BASE))
    alpha, eta = 0.3 * 0.01 * 0.09 / 2, 0.9 * (1 + 0.01 / 0.3) ** -(1 + 0.3 / 0.01)
    assert tau == pytest.approx(1 / (2 * math.sqrt(alpha * eta)), rel=1e-12)
    whole = mu / (0.01 * 0.09)
    left = np.array([0.0, 1e-6 * tau, tau, 50 * tau, np.inf])
    expected = whole * -np.expm1(-left / tau)
    np.testing.assert_allclose(glft.target_inventory(**BASE, mu=mu, horizon=left), expected)
    assert glft.target_inventory(**BASE, mu=1.0, limit=3.0) == 3.0
    assert glft.target_inventory(**BASE, mu=-1.0, limit=3.0) == -3.0
    assert glft.target_inventory(0.0, 0.3, 0.9, 0.3, -1.0, 10.0, 4.0) == -4.0
    assert glft.target_inventory(0.0, 0.3, 0.9, 0.3, 0.0, 10.0, 4.0) == 0.0


@pytest.mark.parametrize(
    ("name", "value"), [("gamma", -1.0), ("sigma", -0.1), ("A", 0.0), ("k", 0.0), ("xi", -1.0)]
)
def test_illegal_parameters_are_named(name, value):
    arguments = {**BASE, "q": 0.0, name: value}
    with pytest.raises(ConfigError, match=f"quoting.{name} = {value}"):
        glft.closed_form_quotes(**arguments)


def test_every_function_refuses_what_the_quotes_refuse():
    for name, value in (("gamma", -1.0), ("k", 0.0), ("A", math.inf), ("sigma", math.inf)):
        changed = {**BASE, name: value}
        for function, rest in (
            (glft.relaxation_time, {}),
            (glft.target_inventory, {"mu": 1e-3}),
            (glft.closed_form_quotes, {"q": 1.0}),
            (glft.gueant_quotes, {"q": 1.0}),
            (glft.exact_quotes, {"Q": 2}),
        ):
            with pytest.raises(ConfigError, match=f"quoting.{name} = {value}"):
                function(**changed, **rest)
    with pytest.raises(ConfigError, match=r"quoting\.horizon = -1"):
        glft.closed_form_quotes(**BASE, q=0.0, mu=1e-3, horizon=-1.0)
    with pytest.raises(ConfigError, match=r"quoting\.limit = -1"):
        glft.target_inventory(**BASE, mu=1e-3, limit=-1.0)
    with pytest.raises(ConfigError, match=r"quoting\.mu = inf"):
        glft.target_inventory(**BASE, mu=math.inf)


def test_the_smallest_aversion_is_the_limit():
    for gamma in (5e-324, 1e-300, 1e-200):
        assert glft.closed_form_quotes(gamma, 0.3, 0.9, 0.3, 5.0)[0] == pytest.approx(1 / 0.3)


def test_shapes_broadcast_and_nan_stays_nan():
    bid, ask = glft.closed_form_quotes(
        np.array([[0.01], [0.1]]), np.array([0.3, np.nan, 0.5]), 0.9, 0.3, 0.0
    )
    assert bid.shape == ask.shape == (2, 3)
    assert np.isnan(bid[:, 1]).all()
    assert np.isfinite(bid[:, [0, 2]]).all()
