"""Liquidity shares against the tests of the contracts and conservation laws."""

from __future__ import annotations

import json
import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpredict.errors import ConfigError
from ethpredict.sim.amm import aerodrome_swap, uniswap_v2_arbitrage, uniswap_v2_swap
from ethpredict.sim.amounts import AmountError
from ethpredict.sim.fee_vault import FeeVault
from ethpredict.sim.shares import (
    MINIMUM_LIQUIDITY,
    burned_amounts,
    check_first_stable_deposit,
    minted_shares,
    protocol_shares,
)

WEI = st.integers(10**6, 10**27)


def test_stated_cases():
    first = minted_shares(10**18, 4 * 10**18)
    assert first + MINIMUM_LIQUIDITY == 2 * 10**18
    supply = 3 * 10**18
    assert burned_amounts(supply - 1000, supply, supply, supply) == (supply - 1000, supply - 1000)


def test_vectors_of_the_protocol_fee(shared_vectors):
    data = json.loads((shared_vectors / "uniswap_v2.json").read_text())["feeTo_on"]
    r0, r1 = (int(x) for x in data["reserves"])
    supply = math.isqrt(r0 * r1)
    swap = uniswap_v2_swap(int(data["swap_in_token1"]), r1, r0)
    assert swap.amount_out == int(data["swap_out_token0"])
    minted = protocol_shares(supply, swap.reserve_out, swap.reserve_in, r0 * r1)
    assert minted == int(data["minted_to_feeTo"])
    # All but the locked shares are burned; the locked ones and the protocol's stay.
    total = supply + minted
    burned = burned_amounts(supply - MINIMUM_LIQUIDITY, swap.reserve_out, swap.reserve_in, total)
    assert swap.reserve_out - burned[0] == int(data["pair_left0"])
    assert swap.reserve_in - burned[1] == int(data["pair_left1"])
    pancake = json.loads((shared_vectors / "pancake_v2.json").read_text())
    swap = uniswap_v2_swap(int(data["swap_in_token1"]), r1, r0, 25)
    minted = protocol_shares(supply, swap.reserve_out, swap.reserve_in, r0 * r1, "pancakeswap")
    assert minted == int(pancake["feeTo_on_mint_after_1e18_swap_on_1000e18_pool"])


def test_vectors_of_the_value_after_arbitrage(shared_vectors):
    data = json.loads((shared_vectors / "uniswap_v2.json").read_text())
    for case in data["liquidity_value_after_arb"]:
        reserves = [int(Fraction(x)) for x in case["reserves"]]
        supply, shares = int(Fraction(case["supply"])), int(Fraction(case["liq"]))
        # With the fee on, the pool's first half came before and grew by no trade.
        k_last = reserves[0] * reserves[1]
        for side, amount in enumerate(uniswap_v2_arbitrage(*reserves, *case["price"])):
            if amount:
                swap = uniswap_v2_swap(amount, reserves[side], reserves[1 - side])
                reserves[side], reserves[1 - side] = swap.reserve_in, swap.reserve_out
        if case["fee"]:
            supply += protocol_shares(supply, *reserves, k_last)
        assert burned_amounts(shares, *reserves, supply) == tuple(int(x) for x in case["out"])


@given(WEI, WEI, WEI, WEI, WEI)
def test_a_deposit_never_takes_from_the_others(a0, a1, r0, r1, supply):
    try:
        shares = minted_shares(a0, a1, r0, r1, supply)
    except AmountError:
        return
    back = burned_amounts_or_zero(shares, r0 + a0, r1 + a1, supply + shares)
    assert back[0] <= a0
    assert back[1] <= a1


def burned_amounts_or_zero(shares, balance0, balance1, supply):
    try:
        return burned_amounts(shares, balance0, balance1, supply)
    except AmountError:
        return 0, 0


@given(WEI, WEI, WEI, st.integers(1, 10**6))
def test_protocol_takes_its_share_of_the_growth(supply, r0, r1, growth):
    """One sixth (8/25) of the growth of sqrt(k), measured after the mint."""
    k_last = r0 * r1
    r0 += r0 * growth // 10**6
    for fork, share in (("uniswap", Fraction(1, 6)), ("pancakeswap", Fraction(8, 25))):
        minted = protocol_shares(supply, r0, r1, k_last, fork)
        root, root_last = math.isqrt(r0 * r1), math.isqrt(k_last)
        if root == root_last:
            assert minted == 0
            continue
        owned = Fraction(root - root_last, root) * share
        assert minted <= owned / (1 - owned) * supply < minted + 1


def test_refusals():
    assert protocol_shares(100, 10, 10, 0) == 0
    with pytest.raises(AmountError, match="minted shares"):
        minted_shares(1000, 1000)
    with pytest.raises(AmountError, match="minted shares = 0"):
        minted_shares(1, 1, 100, 100, 10)
    with pytest.raises(AmountError, match="redeemed amount"):
        burned_amounts(1, 10, 10, 100)
    with pytest.raises(AmountError, match=r"shares = 101"):
        burned_amounts(101, 10, 10, 100)
    with pytest.raises(ConfigError, match="fork"):
        protocol_shares(100, 10, 10, 1, "sushi")


STEP = st.tuples(st.sampled_from(["fee", "change", "claim"]), st.integers(0, 2), WEI, WEI)


@given(st.lists(STEP, max_size=30))
def test_vault_pays_every_share_its_part_of_each_fee(steps):
    """Against exact fractions: never more, and less by the two roundings of a step only."""
    vault, held, due = FeeVault(), [10**18, 0, 0], [Fraction(0)] * 3
    vault.change("0", held[0])
    got, taken, slack = [0, 0, 0], 0, Fraction(0)
    for kind, who, x, y in steps:
        if kind == "fee":
            vault.collect(x, 0)
            taken, total = taken + x, sum(held)
            due = [part + Fraction(x * own, total) for part, own in zip(due, held, strict=True)]
            slack += Fraction(max(held), 10**18)
        elif kind == "change":
            signed = x if y % 2 or x >= held[who] or who == 0 else -x
            vault.change(str(who), signed)
            held[who] += signed
        else:
            got[who] += vault.claim(str(who))[0]
        slack += 1
    for who in range(3):
        got[who] += vault.claim(str(who))[0]
        assert due[who] - slack <= got[who] <= due[who]
    assert vault.balance == (taken - sum(got), 0)


def test_vault_takes_what_leaves_the_reserves():
    swap = aerodrome_swap(10**18, 5 * 10**18, 10 * 10**18)
    vault = FeeVault()
    with pytest.raises(AmountError, match="shares outstanding"):
        vault.collect(swap.fee, 0)
    vault.change("locked", 1000)
    vault.change("a", 7 * 10**18 - 1000)
    vault.collect(swap.fee, 0)
    assert vault.balance[0] + swap.reserve_in == 6 * 10**18
    assert vault.claim("a") == (2_999_999_999_999_995, 0)  # 7 of 3e15 // 7, rounded down
    with pytest.raises(AmountError, match="shares of a"):
        vault.change("a", -8 * 10**18)


def test_first_deposit_into_a_stable_pool():
    check_first_stable_deposit(3 * 10**6, 3 * 10**18, 6, 18)
    with pytest.raises(AmountError, match="worth as much"):
        check_first_stable_deposit(3 * 10**6, 3 * 10**18 + 1, 6, 18)
    # x^3 y + y^3 x of 18 decimals is above 1e10 from 2 (a/1e18)^4 1e18 > 1e10 on.
    check_first_stable_deposit(9 * 10**15, 9 * 10**15)
    with pytest.raises(AmountError, match="above 1e10"):
        check_first_stable_deposit(8 * 10**15, 8 * 10**15)
