"""Exact quotes at the ends of what parameters can be, against arithmetic of 60 digits and more."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ethpredict.errors import ConfigError
from ethpredict.quoting.glft import exact_quotes
from ethpredict.quoting.tables import exact_tables
from tests.unit.quoting.glft_oracle import decades, exact_reference, relative_error

BASE = {"gamma": 0.01, "sigma": 0.3, "A": 0.9, "k": 0.3, "Q": 12, "mu": 0.0, "xi": 0.0}
ENDS = {
    "sigma": (0.0, 1e-12, 1e-3, 1e3, 1e9),
    "mu": (-1e9, -1.0, 1e-12, 1e3, 1e12),
    "k": (1e-9, 1e-3, 10.0, 1e6),
    "A": (1e-12, 1e3, 1e9),
    "gamma": (1e-14, 1e-6, 10.0, 1e9),
    "xi": (1e-9, 1.0, 100.0),
    "Q": (1, 2, 3),
}
HORIZONS = (1e-9, 1.0, 1e6)
BOUND = 1e-9


def error_of(given, **over):
    quotes = exact_quotes(**given, **over)
    digits = 40 + int(1.1 * decades(quotes, given["gamma"], given["k"], given["xi"]))
    return relative_error(quotes, exact_reference(**given, **over, digits=digits), given["k"])


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, values in ENDS.items() for v in values])
def test_stationary_quotes_at_the_ends(name, value):
    given = {**BASE, name: value}
    reference = exact_reference(**given)
    assert relative_error(exact_quotes(**given), reference, given["k"]) < 1e-12
    table = exact_tables(**given)
    q = np.arange(-given["Q"], given["Q"] + 1)
    assert relative_error(table.quotes(0, q), reference, given["k"]) < 1e-12


@pytest.mark.parametrize("terminal", ["liquidation", "stationary"])
@pytest.mark.parametrize(
    "changes",
    [
        {"sigma": 0.0, "mu": -0.5},
        {"sigma": 1e3},
        {"k": 1e-6},
        {"k": 100.0},
        {"A": 1e-9},
        {"A": 1e6},
        {"gamma": 1e-12},
        {"gamma": 1e3},
        {"xi": 100.0},
    ],
    ids=str,
)
def test_horizons_at_the_ends(changes, terminal):
    given = {**BASE, "Q": 3, "mu": 1e-3, "xi": 0.1, **changes}
    for horizon in HORIZONS:
        assert error_of(given, horizon=horizon, terminal=terminal) < BOUND


def test_a_start_far_from_the_stationary_vector_is_not_forgotten_too_soon():
    """80 relaxation times are not enough where the start hardly overlaps with what is left."""
    given = {**BASE, "Q": 2, "mu": 1e-3, "xi": 1000.0}
    late, stationary = exact_quotes(**given, horizon=1e6), exact_quotes(**given)
    assert np.nanmax(np.abs(late[0] - stationary[0]) / stationary[0]) > 0.1
    assert error_of(given, horizon=1e6) < BOUND


def test_an_end_steeper_than_doubles():
    """exp(-k xi q^2/2) falls by exp(-840) from 2 lots to 3, and is forgotten at once."""
    given = {**BASE, "Q": 3, "k": 3.0, "xi": 112.0, "mu": 1e-3}
    for horizon in (1e-9, 1.0):
        assert error_of(given, horizon=horizon) < BOUND


def random_extreme(rng, limit, wide):
    k = 0.5 * 10 ** rng.uniform(-wide, wide)
    given = {
        "gamma": 0.01 * 10 ** rng.uniform(-wide, wide),
        "sigma": 0.3 * 10 ** rng.uniform(-wide, wide),
        "A": 0.5 * 10 ** rng.uniform(-wide, wide),
        "k": k,
        "Q": int(rng.integers(1, limit + 1)),
        "mu": float(rng.choice([-1, 0, 1])) * 10 ** rng.uniform(-6, wide - 2),
        "xi": 10 ** rng.uniform(-4, 1) / k if rng.random() < 0.5 else 0.0,
    }
    horizon = 10 ** rng.uniform(-4, 7)
    over = [{}, {"horizon": horizon}, {"horizon": horizon, "terminal": "stationary"}]
    return given, over[int(rng.integers(3))]


@pytest.mark.parametrize("seed", range(12))
def test_random_sets_over_eight_decades(seed):
    given, over = random_extreme(np.random.default_rng(seed), 5, 4.0)
    assert error_of(given, **over) < BOUND


@pytest.mark.slow
def test_500_random_sets_over_twelve_decades():
    """Leaves out only what would need more than 800 digits: a drift far beyond any fill."""
    rng, seen = np.random.default_rng(2025), 0
    for _ in range(500):
        given, over = random_extreme(rng, 6, 6.0)
        quotes = exact_quotes(**given, **over)
        if decades(quotes, given["gamma"], given["k"], given["xi"]) < 700:
            assert error_of(given, **over) < BOUND
            seen += 1
    assert seen > 450


LARGE = [
    (Q, changes)
    for Q in (12, 40, 150)
    for changes in (
        {"mu": 2e-3, "horizon": 60.0},
        {"xi": 0.5, "horizon": 200.0},
        {"sigma": 2.0, "gamma": 0.05, "horizon": 5.0},
        {"sigma": 3.0, "gamma": 1.0, "A": 0.01, "k": 1.0, "mu": 0.5, "horizon": 15.0},
    )
    if Q < 150 or "A" not in changes  # the last would need 1,500 digits there
]


@pytest.mark.slow
@pytest.mark.parametrize("terminal", ["liquidation", "stationary"])
@pytest.mark.parametrize(("Q", "changes"), LARGE, ids=str)
def test_horizons_at_large_limits(Q, changes, terminal):
    given = {**BASE, **changes, "Q": Q}
    assert error_of(given, horizon=given.pop("horizon"), terminal=terminal) < BOUND


@pytest.mark.parametrize(
    "changes",
    [
        {"xi": 1e4},  # exp(-k xi/2) = 1e-651
        {"k": 1e7, "xi": 1.0},
        {"sigma": 1e160},
        {"mu": 1e300},
        {"gamma": 1e-320},
        {"k": 1e-310},
        {"A": 1e300},
    ],
    ids=str,
)
def test_what_doubles_cannot_hold_is_refused_with_its_values(changes):
    given = {**BASE, **changes}
    for function in (exact_quotes, exact_tables):
        with pytest.raises(ConfigError, match=r"eta = A .* is <= 1e\+280"):
            function(**given)
    with pytest.raises(ConfigError, match="finite"):
        exact_quotes(**{**BASE, "sigma": math.inf})


def test_a_steep_end_needs_a_horizon():
    """Liquidation with a large impact: exactly the end at 0 seconds, refused just after."""
    given = {**BASE, "xi": 1e3}
    bid, _ = exact_quotes(**given, horizon=0.0)
    centre = math.log1p(0.01 / 0.3) / 0.01 + 500.0
    np.testing.assert_allclose(bid[:-1], centre + 500.0 * (2 * np.arange(-12, 12) + 1), rtol=1e-12)
    with pytest.raises(ConfigError, match=r"quoting\.horizon = 1e-270: must be 0, or >= "):
        exact_quotes(**given, horizon=1e-270)
