"""Every branch of the Newton steps, on pools found by search."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpredict.sim.amm import aerodrome_amount_out
from ethpredict.sim.amounts import AmountError
from ethpredict.sim.stable_curve import ONE, invariant, solve_y, stable_amount_out

# (reserve in, reserve out, input): how the steps end.
POOLS = {
    "meets the target": (23968798859272600, 36021614331526952, 169598537803219),
    "from above": (109446124047353626624, 348402772532543488000, 23272588053383600),
    "one above": (217538687779814752, 4695610560842195968, 3386025054478106),
    "creeps down": (1090115635404485632, 51354183762286392, 149584211080608),
    "creeps up": (186784276599446112, 4276635143871245824, 441411976051311),
}


def assert_least_reserve(r_in, r_out, paid):
    target = invariant(r_in, r_out)
    y = solve_y(r_in + paid, target, r_out)
    assert invariant(r_in + paid, y) >= target >= invariant(r_in + paid, y - 1)
    assert stable_amount_out(paid, r_in, r_out, ONE, ONE) == r_out - y


@pytest.mark.parametrize("name", POOLS)
def test_every_ending_keeps_the_invariant_with_the_least_reserve(name):
    assert_least_reserve(*POOLS[name])


@given(st.integers(10**20, 10**25), st.floats(0.02, 50.0), st.floats(1e-6, 5.0))
def test_invariant_is_kept_with_the_least_reserve(r_in, tilt, share):
    assert_least_reserve(r_in, int(r_in * tilt), int(r_in * share) + 1)


def test_invariant_in_plain_numbers():
    assert invariant(2 * ONE, 3 * ONE) == (2**3 * 3 + 2 * 3**3) * ONE
    assert invariant(2 * 10**6, 3 * ONE, 10**6, ONE) == (2**3 * 3 + 2 * 3**3) * ONE


def test_no_convergence_reverts():
    """A pool of about one token, traded three times over: the steps turn in a circle."""
    with pytest.raises(AmountError, match="255 Newton steps"):
        aerodrome_amount_out(200792548231516864, 86878530844723376, 1032951706113127168, 0, True)


def test_rescaled_comparison_overflows_as_on_chain():
    """Six decimals: a step that ends below the target compares x and y scaled twice."""
    with pytest.raises(AmountError, match="stable invariant"):
        aerodrome_amount_out(327_518, 1_695_000_000, 3_955_773_860, 5, True, 6, 6)
    assert aerodrome_amount_out(327_519, 1_695_000_000, 3_955_773_860, 5, True, 6, 6) > 0
