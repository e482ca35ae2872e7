"""Compiled swaps against Python's own integers: swap_all of _wide_kernels."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ethpredict.errors import ConfigError
from ethpredict.sim import _wide_kernels as wide
from ethpredict.sim import amm
from ethpredict.sim.amounts import AmountError
from ethpredict.sim.exact_swaps import _digits, _numbers, swap_sequence

# Up to 256 bits, with all digits full or empty often enough to reach the rare corrections of
# the long division.
DIGIT = st.sampled_from([0, 1, 2**31, 2**32 - 2, 2**32 - 1]) | st.integers(0, 2**32 - 1)
WIDE = st.lists(DIGIT, min_size=1, max_size=8).map(
    lambda digits: sum(digit << 32 * place for place, digit in enumerate(digits))
)


def plain(amounts, sides, reserve0, reserve1, fee, leaves):
    """The same swaps, one at a time."""
    reserves, got = [reserve0, reserve1], []
    for amount, zero_in in zip(amounts, sides, strict=True):
        near = 0 if zero_in else 1
        swap = amm.aerodrome_swap if leaves else amm.uniswap_v2_swap
        done = swap(amount, reserves[near], reserves[1 - near], fee)
        reserves[near], reserves[1 - near] = done.reserve_in, done.reserve_out
        got.append(done.amount_out)
    return got, *reserves


@given(
    st.lists(st.integers(1, 2**90) | st.integers(1, 10**6), min_size=1, max_size=20),
    st.integers(1, 2**111),
    st.integers(1, 2**111),
    st.integers(0, 300),
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_sequence_parity_with_single_swaps(amounts, reserve0, reserve1, fee, leaves, random):
    sides = [random.random() < 0.5 for _ in amounts]
    found = swap_sequence(amounts, sides, reserve0, reserve1, fee, leaves)
    expected = plain(amounts, sides, reserve0, reserve1, fee, leaves)
    assert (found.amounts_out, found.reserve0, found.reserve1) == expected


@settings(max_examples=300)
@given(WIDE, WIDE)
@example(2**256 - 1, 2**128 - 1)
@example((2**96) * (2**31), 2**63 + 1)
@example(0x7FFFFFFF8000000100000000 << 32, (0x80000000 << 64) | (2**32 - 1))
def test_wide_numbers_parity_with_python(x, y):
    a, b = (_digits([value]).astype(np.uint64)[0] for value in (x, y))
    out = np.empty(8, np.uint64)
    assert wide.times(a, b, out) == (x * y < 2**256)
    if x * y < 2**256:
        assert _numbers(out)[0] == x * y
    assert wide.add(a, b, out) == (x + y < 2**256)
    assert _numbers(out)[0] == (x + y) % 2**256
    if y:
        room = np.empty(9, np.uint64), np.empty(9, np.uint64)
        wide.over(a, b, out, *room)
        assert _numbers(out)[0] == x // y


@pytest.mark.parametrize("leaves", [False, True])
def test_what_a_contract_refuses_is_an_error(leaves):
    for reserves in ((2**255, 2**20), (2**20, 2**255)):
        with pytest.raises(AmountError):
            swap_sequence([10**6, 2**250], [True, True], *reserves, 30, leaves)
    with pytest.raises(AmountError, match=r"amounts_in\[1\]"):
        swap_sequence([5, -1], [True, True], 100, 100, 30, leaves)
    with pytest.raises(AmountError, match="reserve1"):
        swap_sequence([5], [True], 100, 0, 30, leaves)
    with pytest.raises(ConfigError, match="zero_in"):
        swap_sequence([5], [True, False], 100, 100, 30, leaves)
    with pytest.raises(ConfigError, match="fee_bps"):
        swap_sequence([5], [True], 100, 100, 10_001, leaves)


def test_a_reserve_never_overflows():
    with pytest.raises(AmountError, match=r"reserve_in \+ amount_in"):
        swap_sequence([2**255], [True], 2**255, 1, 0, True)
    assert swap_sequence([], [], 5, 7) == ([], 5, 7)


def test_a_reserve_of_a_pair_stays_within_112_bits():
    """``_update`` of UniswapV2Pair: require(balance <= uint112(-1))."""
    top = 2**112 - 1
    for reserve in (2**20, 10**18, top - 7):
        paid = top - reserve
        for zero_in in (True, False):
            pair = (reserve, 10**18) if zero_in else (10**18, reserve)
            made = swap_sequence([paid], [zero_in], *pair)
            assert max(made.reserve0, made.reserve1) == top
            with pytest.raises(AmountError, match=rf"reserve_in \+ amount_in.* to {top}"):
                swap_sequence([1, paid], [zero_in, zero_in], *pair)
    with pytest.raises(AmountError, match="reserve_out"):
        swap_sequence([5], [True], 10**18, top + 1)
    # Aerodrome keeps them in 256.
    assert swap_sequence([10**9], [True], top, top, 30, True).reserve0 > top


def test_pancake_vectors(shared_vectors):
    cases = json.loads((shared_vectors / "pancake_v2.json").read_text())["getAmountOut"]
    for case in cases:
        paid, r_in, r_out, out = (
            int(case[name]) for name in ("amountIn", "reserveIn", "reserveOut", "amountOut")
        )
        expected = [out], r_out - out, r_in + paid
        assert swap_sequence([paid], [False], r_out, r_in, 25) == expected
