"""Float kernels against the exact engine and a numeric optimiser."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from ethpredict.sim import _amm_kernels as kernels
from ethpredict.sim import amm

RESERVE0 = st.floats(1.0, 1e6)
PRICE = st.floats(1.0, 1e5)
FEE = st.sampled_from([0.0, 0.0005, 0.0025, 0.003, 0.03])


@pytest.mark.parametrize(("fee_bps", "keep_fee"), [(30, True), (25, True), (30, False)])
def test_parity_of_the_float_path_with_the_exact_engine(fee_bps, keep_fee):
    """1e5 swaps in 18-decimal tokens: at most 1e-12 relative in either reserve."""
    rng = np.random.default_rng(fee_bps)
    exact = [3_333 * 10**18, 10_000_000 * 10**18]
    floating = [reserve / 1e18 for reserve in exact]
    swap = amm.uniswap_v2_swap if keep_fee else amm.aerodrome_swap
    price, worst = 3000.0, 0.0
    sizes = rng.exponential(0.3, 100_000)
    for i, size in enumerate(sizes):
        # Trades lean towards 3000 USD, so that the reserves stay in place.
        side = int(floating[1] / floating[0] < price) ^ int(i % 3 == 0)
        paid = int((size * price if side else size) * 1e18)
        result = swap(paid, exact[side], exact[1 - side], fee_bps)
        exact[side], exact[1 - side] = result.reserve_in, result.reserve_out
        out, floating[side], floating[1 - side], _ = kernels.swap(
            paid / 1e18, floating[side], floating[1 - side], fee_bps / 1e4, keep_fee
        )
        if i % 1000 == 0:
            assert out == pytest.approx(result.amount_out / 1e18, rel=1e-11)
        worst = max(worst, *(abs(f / (e / 1e18) - 1) for f, e in zip(floating, exact, strict=True)))
    assert 0.0 < worst <= 1e-12


def test_a_token_of_six_decimals_adds_only_its_own_rounding():
    exact, floating = [3_333 * 10**18, 10_000_000 * 10**6], [3_333.0, 10_000_000.0]
    rng = np.random.default_rng(2)
    for size in rng.exponential(0.3, 2_000):
        paid = int(size * 1e18)
        result = amm.uniswap_v2_swap(paid, *exact)
        exact = [result.reserve_in, result.reserve_out]
        _, *floating, _ = kernels.swap(paid / 1e18, *floating, 0.003, True)
        back = int(size * 3000 * 1e6)
        result = amm.uniswap_v2_swap(back, exact[1], exact[0])
        exact = [result.reserve_out, result.reserve_in]
        _, *reversed_reserves, _ = kernels.swap(back / 1e6, *floating[::-1], 0.003, True)
        floating = reversed_reserves[::-1]
    assert abs(floating[1] - exact[1] / 1e6) <= 2_000 * 1e-6


@given(st.floats(1e-6, 1e3), RESERVE0, PRICE, FEE)
def test_input_and_output_are_inverse(amount, reserve0, price, fee):
    reserve1 = reserve0 * price
    out = kernels.amount_out(amount, reserve0, reserve1, fee)
    assert kernels.amount_in(out, reserve0, reserve1, fee) == pytest.approx(amount, rel=1e-6)
    assert kernels.amount_in(reserve1, reserve0, reserve1, fee) == math.inf


def test_fee_leaves_or_stays():
    assert kernels.swap(10.0, 100.0, 100.0, 0.1, True) == (900 / 109, 110.0, 100 - 900 / 109, 1.0)
    assert kernels.swap(10.0, 100.0, 100.0, 0.1, False)[1] == 109.0


@given(RESERVE0, PRICE, st.floats(0.7, 1.4), FEE)
def test_arbitrage_against_a_numeric_optimiser(reserve0, pool_price, ratio, fee):
    reserve1, price = reserve0 * pool_price, pool_price * ratio
    amount0, amount1, profit = kernels.arbitrage(reserve0, reserve1, price, fee)

    def gain_selling(share):
        paid = share * reserve0
        return kernels.amount_out(paid, reserve0, reserve1, fee) - price * paid

    def gain_buying(share):
        paid = share * reserve1
        return price * kernels.amount_out(paid, reserve1, reserve0, fee) - paid

    if (1 - fee) <= ratio <= 1 / (1 - fee):
        assert profit == amount0 == amount1 == 0.0
        shares = np.geomspace(1e-9, 1.0, 200)
        assert max(max(gain_selling(x), gain_buying(x)) for x in shares) <= 0.0
        return
    buying = ratio > 1
    amount, reserve = (amount1, reserve1) if buying else (amount0, reserve0)
    assert (amount0 == 0.0) == buying
    gain = gain_buying if buying else gain_selling
    found = minimize_scalar(
        lambda x: -gain(x) / reserve1, bounds=(0.0, 1.0), method="bounded", options={"xatol": 1e-12}
    )
    assert profit == pytest.approx(gain(amount / reserve), rel=1e-6, abs=1e-10 * reserve1)
    assert profit >= -found.fun * reserve1 - 1e-10 * reserve1
    assert amount / reserve == pytest.approx(found.x, abs=1e-5)


@given(RESERVE0, PRICE, st.floats(0.5, 2.0), FEE)
def test_arbitrage_ends_at_the_edge_of_the_band(reserve0, pool_price, ratio, fee):
    """After it, the next marginal trade earns exactly nothing."""
    reserve1, price = reserve0 * pool_price, pool_price * ratio
    amount0, amount1, _ = kernels.arbitrage(reserve0, reserve1, price, fee)
    assume(amount0 + amount1 > 0.0)
    keep = 1 - fee
    if amount1:
        after0 = reserve0 - kernels.amount_out(amount1, reserve1, reserve0, fee)
        assert (reserve1 + amount1 * keep) / after0 == pytest.approx(price * keep, rel=1e-9)
    else:
        after1 = reserve1 - kernels.amount_out(amount0, reserve0, reserve1, fee)
        assert after1 / (reserve0 + amount0 * keep) == pytest.approx(price / keep, rel=1e-9)


def test_arbitrage_agrees_with_the_exact_integers():
    exact = amm.uniswap_v2_arbitrage(10 * 10**18, 1000 * 10**18, 1, 110)
    got = kernels.arbitrage(10.0, 1000.0, 110.0, 0.003)
    assert exact[0] == got[0] == 0
    assert got[1] == pytest.approx(exact[1] / 1e18, rel=1e-12)
