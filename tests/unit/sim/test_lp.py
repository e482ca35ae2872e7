"""The liquidity provider: parity, accounts, theory.

Covers ethpredict.sim._lp_kernels (run_lp with play_row, wanted and leave) and
_provider_kernels (held_eth, held_usd, mint, burn, pool_swap, play_block).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from ethpredict.errors import TrialError
from ethpredict.sim import _account_kernels as acc
from ethpredict.sim import _provider_kernels as lp
from ethpredict.sim import reference_lp
from ethpredict.sim.bribes import base_fees
from ethpredict.sim.lp_settings import lp_settings
from ethpredict.sim.metrics import pnl_parts
from ethpredict.sim.pack import simulate_pack, simulate_run
from ethpredict.sim.quotes import Lattices
from ethpredict.sim.rows import MarketRows, PathRows, market_rows, path_rows
from ethpredict.sim.run import Run

LP = {"sim__venue": "amm", "sim__amm__mode": "lp"}
CASES = [
    {},
    {"sim__amm__lp__policy": "always"},
    {"sim__amm__lp__policy": "always", "sim__amm__lp__fees": "vault", "sim__amm__fee_bps": 30},
    {"sim__amm__arbitrage_probability": 1.0, "sim__amm__noise_turnover": 5.0},
    {"sim__amm__arbitrage_probability": 0.0, "sim__amm__noise_turnover": 0.0},
    {"sim__amm__lp__policy": "always", "quoting__max_inventory": 0.5},
    {"sim__amm__block_time": 400.0, "sim__latency_ms": 100_000, "sim__amm__lp__policy": "always"},
    {"sim__amm__chain": "base", "sim__amm__data_fee_gwei": 5e4, "quoting__max_inventory": 0.5},
]


def rows_of(market: Any) -> tuple[MarketRows, PathRows]:
    bars, blocks, path = market
    rows = market_rows(bars, blocks, 0, len(bars) - 1)
    return rows, path_rows(path, rows.close)


def run_of(make_member: Any, replicate: int = 0, **changes: Any) -> Run:
    return Run.from_member(make_member(replicate=replicate, **LP, **changes))


@pytest.mark.parametrize("case", CASES)
def test_kernel_is_the_reference(case: dict, make_market: Any, make_member: Any) -> None:
    rows, path = rows_of(make_market(n=200, seed=3))
    run = run_of(make_member, 2, **case)
    fast = simulate_run(run, rows, path, Lattices(), detail=True)
    slow = reference_lp.run_lp(rows, path, path.mu, base_fees(run, rows), lp_settings(run, rows))
    assert np.array_equal(fast.accounts, slow.accounts)
    assert np.array_equal(fast.equity, slow.equity)
    assert np.array_equal(fast.inventory, slow.inventory)
    assert np.array_equal(fast.detail, slow.detail, equal_nan=True)


def test_a_provider_pays_for_its_data_on_another_chain(make_market: Any, make_member: Any) -> None:
    """Mint and closing burn each pay the fee at their mids; a chain without one never asks."""
    rows, path = rows_of(make_market(n=100, flaws=False))
    always = {"sim__amm__lp__policy": "always", "sim__amm__data_fee_gwei": 1e6}
    always |= {"sim__amm__inclusion_a": 100.0, "sim__amm__block_time": 12.0}
    always |= {"sim__amm__use_block_fees": False}
    gas = {}
    for chain, fee in (("op", 1e6), ("op", 0.0), ("mainnet", 1e6)):
        changes = {**always, "sim__amm__chain": chain, "sim__amm__data_fee_gwei": fee}
        done = simulate_run(run_of(make_member, **changes), rows, path, Lattices(), detail=False)
        assert done.accounts[acc.N_SENT] == 1.0
        gas[chain, fee] = done.accounts[acc.GAS], done.accounts[acc.LIQUIDATION]
    paid = np.subtract(gas["op", 1e6], gas["op", 0.0])
    assert paid[0] == pytest.approx(-1e-3 * rows.close[0], rel=1e-9)
    assert paid[1] < -1e-3 * rows.close[-1] * (1.0 - 1e-6)
    assert gas["mainnet", 1e6] == pytest.approx(gas["op", 0.0])


@pytest.mark.parametrize("fees", ["reserves", "vault"])
def test_parts_sum_to_the_total(fees: str, make_market: Any, make_member: Any) -> None:
    rows, path = rows_of(make_market(n=400, seed=5))
    run = run_of(
        make_member,
        sim__amm__lp__policy="always",
        sim__amm__lp__fees=fees,
        sim__amm__noise_turnover=3.0,
    )
    parts = pnl_parts("x", simulate_run(run, rows, path, Lattices()))
    total = parts.pop("pnl")
    assert total != 0.0
    assert parts["pnl_lp_fees"] > 0.0 > parts["pnl_lp_adverse"]
    assert math.fsum(parts.values()) == pytest.approx(total, abs=1e-9 * 20_000)


def test_minting_and_burning_cost_nothing_but_gas() -> None:
    state = np.zeros(lp.N_STATE)
    state[[lp.R0, lp.R1, lp.WALLET0, lp.WALLET1]] = 100.0, 300_000.0, 2.0, 9_000.0
    lp.mint(state)
    assert state[lp.SHARE] == pytest.approx(2.0 / 102.0)
    assert state[lp.WALLET0] == 0.0
    assert state[lp.WALLET1] == pytest.approx(3_000.0)
    assert lp.held_eth(state) == pytest.approx(2.0)
    lp.burn(state)
    assert (state[lp.WALLET0], state[lp.WALLET1]) == pytest.approx((2.0, 9_000.0))
    assert (state[lp.R0], state[lp.R1]) == pytest.approx((100.0, 300_000.0))


def gbm_pool(fee: float, seed: int, blocks: int, sigma_block: float) -> tuple[np.ndarray, float]:
    """Accounts of a provider who owns the pool while prices walk, and what theory expects."""
    accounts, state, settings = (
        np.zeros(acc.N_ACCOUNTS),
        np.zeros(lp.N_STATE),
        np.zeros(lp.N_LP_SETTINGS),
    )
    state[[lp.R0, lp.R1, lp.SHARE]] = 1_000.0, 3_000_000.0, 1.0
    settings[[lp.L_FEE, lp.L_KEEP, lp.L_ARBITRAGE]] = fee, 0.0, 1.0
    steps = np.random.default_rng(seed).normal(0.0, sigma_block, blocks)
    prices = 3_000.0 * np.exp(np.cumsum(steps - 0.5 * sigma_block**2))
    expected = 0.0
    for number, price in enumerate(prices):
        lp.play_block(accounts, state, settings, price, 0.0, 0.0, number)
        expected += 0.125 * sigma_block**2 * (state[lp.R0] * price + state[lp.R1])
    return accounts, expected


def test_fees_and_arbitrage_profit_are_the_loss_against_rebalancing() -> None:
    """Milionis, Moallemi, Roughgarden, Zhang (2022): LVR = sigma^2/8 V per unit of time."""
    ratios, shares = [], []
    sigma_block, fee = 1e-3, 1e-3
    for seed in range(16):
        accounts, expected = gbm_pool(fee, seed, 20_000, sigma_block)
        fees, profit = accounts[acc.LP_ARBITRAGE_FEES], accounts[acc.ARBITRAGE_PROFIT]
        assert fees + profit == pytest.approx(-accounts[acc.LP_ADVERSE], rel=1e-9)
        ratios.append((fees + profit) / expected)
        shares.append(profit / (fees + profit))
    error = np.std(ratios, ddof=1) / 4.0
    assert abs(np.mean(ratios) - 1.0) < max(3.0 * error, 0.002)
    assert abs(np.mean(ratios) - 1.0) < 0.01
    # Fixed blocks: the arbitrageur keeps 1/(1 + 1.7164 f/sigma_b) (lvr vectors, METHODS 9).
    wanted = 1.0 / (1.0 + 1.7164 * -math.log1p(-fee) / sigma_block)
    assert np.mean(shares) == pytest.approx(wanted, rel=0.02)


def test_the_provider_owns_its_share_of_fees_only(make_market: Any, make_member: Any) -> None:
    """A small deposit earns what a large one earns, per dollar."""
    rows, path = rows_of(make_market(n=300, seed=7))
    earned = []
    for deposit in (10.0, 20.0):
        run = run_of(make_member, sim__amm__lp__policy="always", sim__amm__lp__deposit=deposit)
        earned.append(simulate_run(run, rows, path, Lattices()).accounts[acc.LP_FEES] / deposit)
    assert earned[0] == pytest.approx(earned[1], rel=1e-5)
    assert earned[0] > 0.0


def test_it_leaves_when_the_loss_exceeds_the_income(make_market: Any, make_member: Any) -> None:
    rows, path = rows_of(make_market(n=300, seed=7))
    free = {"sim__amm__use_block_fees": False, "sim__amm__base_fee_gwei": 0.0}
    free |= {"sim__amm__tip_gwei": 0.0, "sim__amm__inclusion_a": 50.0}
    rich = run_of(make_member, sim__amm__noise_turnover=200.0, sim__amm__fee_bps=30, **free)
    poor = run_of(make_member, sim__amm__noise_turnover=0.0, sim__amm__fee_bps=0, **free)
    inside = [
        simulate_run(r, rows, path, Lattices()).accounts[acc.LP_SECONDS] for r in (rich, poor)
    ]
    assert inside[0] > 0.9 * rows.seconds.sum()
    assert inside[1] == 0.0


def test_metrics_name_what_the_provider_did(make_market: Any, make_member: Any) -> None:
    bars, blocks, path = make_market(n=300, seed=7)
    member = make_member(**LP, sim__amm__lp__policy="always", sim__amm__lp__deposit=50_000.0)
    row = simulate_pack(bars, blocks, path, [member]).metrics.iloc[0]
    assert row["status"] == "ok", row["error"]
    mid = float(np.average(bars["close"], weights=np.ones(len(bars))))
    assert row["capital"] == pytest.approx(50_000.0 + member_limit(member) * mid, rel=0.01)
    assert 0.9 < row["lp_time"] <= 1.0
    assert row["lvr"] > 0.0
    change = float(bars["close"].iloc[-1] / bars["close"].iloc[0])
    wanted = 2.0 * math.sqrt(change) / (1.0 + change) - 1.0
    assert row["impermanent_loss"] == pytest.approx(wanted, rel=1e-12)


def member_limit(member: dict) -> float:
    return float(member["settings"]["quoting"]["max_inventory"])


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"sim__amm__lp__deposit": 0.0}, "deposit"),
        ({"sim__amm__lp__income_days": -1.0}, "income_days"),
        ({"sim__amm__lp__fees": "pocket"}, "fees"),
        ({"sim__amm__block_time": 1e-9}, "block_time"),
    ],
)
def test_bad_settings_are_named(
    change: dict, word: str, make_market: Any, make_member: Any
) -> None:
    rows, _ = rows_of(make_market(n=50, seed=1))
    with pytest.raises(TrialError, match=word):
        lp_settings(run_of(make_member, **change), rows)
