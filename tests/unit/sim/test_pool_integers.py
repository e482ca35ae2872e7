"""The float pool of sweeps against the exact integers of the contracts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpredict.sim._pool_kernels import noise_trade, trade_cost
from ethpredict.sim.amm import uniswap_v2_amount_out

WEI = 10**18


def test_float_pool_follows_exact_integers() -> None:
    """2000 random swaps: reserves within 1e-12 of the contract's integers."""
    rng = np.random.default_rng(3)
    reserve0, reserve1 = 1000.0, 3e6
    exact0, exact1 = 1000 * WEI, 3_000_000 * WEI
    for share in rng.normal(0.0, 1e-3, 2000):
        if share > 0:
            paid = int(2.0 * share * (exact1 / WEI) * WEI)
            exact0, exact1 = (
                exact0 - uniswap_v2_amount_out(paid, exact1, exact0, fee_bps=30),
                exact1 + paid,
            )
        else:
            paid = int(-2.0 * share * (exact0 / WEI) * WEI)
            exact0, exact1 = (
                exact0 + paid,
                exact1 - uniswap_v2_amount_out(paid, exact0, exact1, fee_bps=30),
            )
        reserve0, reserve1 = noise_trade(float(share), reserve0, reserve1, 0.003)
    assert reserve0 == pytest.approx(exact0 / WEI, rel=1e-12)
    assert reserve1 == pytest.approx(exact1 / WEI, rel=1e-12)


@given(st.floats(1e-3, 100.0))
def test_cost_is_what_the_contract_asks(size: float) -> None:
    cost = trade_cost(size, 1000.0, 3e6, 0.0025)
    got = uniswap_v2_amount_out(int(cost * WEI), 3_000_000 * WEI, 1000 * WEI, fee_bps=25)
    assert got / WEI == pytest.approx(size, rel=1e-12)
    sold = uniswap_v2_amount_out(int(size * WEI), 1000 * WEI, 3_000_000 * WEI, fee_bps=25)
    assert -trade_cost(-size, 1000.0, 3e6, 0.0025) == pytest.approx(sold / WEI, rel=1e-12)
