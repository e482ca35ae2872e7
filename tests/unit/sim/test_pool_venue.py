"""The pool venue: optimum, band, transactions that fail, balances, exact integers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpredict.sim import _account_kernels as acc
from ethpredict.sim import reference, simulate_pack
from ethpredict.sim._amm_kernels import arbitrage
from ethpredict.sim._pool_kernels import (
    best_trade,
    compete,
    gain,
    inclusion_block,
)
from ethpredict.sim._transaction_kernels import (
    N_AMM_SETTINGS,
    P_ON_SUCCESS,
    P_REVERT,
    opportunity,
)
from ethpredict.sim.bribes import base_fees, tip_rows
from ethpredict.sim.pack import NO_TIPS
from ethpredict.sim.reference_pool import Pool
from ethpredict.sim.rows import market_rows, path_rows
from ethpredict.sim.run import Run
from ethpredict.sim.settings import amm_settings

NEVER = {"sim__amm__inclusion_a": -100.0, "sim__amm__inclusion_s": 0.0}
ALWAYS = {"sim__amm__inclusion_a": 100.0}
NO_GAS = {
    "sim__amm__use_block_fees": False,
    "sim__amm__base_fee_gwei": 0.0,
    "sim__amm__tip_gwei": 0.0,
}


def run(market: Any, make_member: Any, **changes: Any) -> Any:
    result = simulate_pack(*market, [make_member(sim__venue="amm", **changes)], detail=True)
    assert result.metrics["error"].iloc[0] == ""
    return result.metrics.iloc[0], result.paths


@given(
    st.floats(0.98, 1.02),
    st.floats(-10.0, 10.0),
    st.floats(-15.0, 15.0),
    st.floats(1e-3, 3.0),
    st.sampled_from([0.0, 0.0005, 0.003]),
)
def test_best_trade_beats_a_grid(
    ratio: float, held: float, tilt: float, curvature: float, fee: float
) -> None:
    state = 3000.0 * ratio, 2000.0, 6e6, fee, held, tilt, curvature
    size = best_trade(*state, 10.0 - held, 10.0 + held)
    grid = np.linspace(-10.0 - held, 10.0 - held, 4001)
    best = max(gain(float(a), *state) for a in grid)
    found = gain(size, *state)
    assert -10.0 - held - 1e-9 <= size <= 10.0 - held + 1e-9
    assert found >= best - 1e-7
    assert found >= 0.0


def test_no_trade_inside_the_band() -> None:
    for mid in (2999.0, 3000.0, 3001.0):
        assert best_trade(mid, 1000.0, 3e6, 0.0005, 0.0, 0.0, 1.0, 5.0, 5.0) == 0.0
    assert best_trade(3002.0, 1000.0, 3e6, 0.0005, 0.0, 0.0, 1.0, 5.0, 5.0) > 0.0
    assert best_trade(2998.0, 1000.0, 3e6, 0.0005, 0.0, 0.0, 1.0, 5.0, 5.0) < 0.0


@given(st.floats(0.5, 2.0), st.sampled_from([0.0005, 0.003, 0.03]))
def test_arbitrage_stops_at_the_edge_of_the_band(ratio: float, fee: float) -> None:
    price = 3000.0 * ratio
    reserve0, reserve1 = compete(1000.0, 3e6, price, fee, 0.0)
    own = reserve1 / reserve0
    assert own * (1 - fee) <= price * (1 + 1e-4 * fee + 1e-12)
    assert price <= own / (1 - fee) * (1 + 1e-4 * fee + 1e-12) or ratio == 1.0
    assert reserve0 * reserve1 >= 3e9 * (1 - 1e-12)


def test_competitor_keeps_the_pool_in_its_band(make_market: Any, make_member: Any) -> None:
    """With a free competitor in every block, bid <= reference <= ask at every decision."""
    market = make_market(n=400)
    _, path = run(market, make_member, sim__amm__arbitrage_probability=1.0, **NO_GAS, **NEVER)
    later = path.iloc[1:]
    assert (later["bid"] <= later["reference"] * (1 + 1e-6)).all()
    assert (later["ask"] >= later["reference"] * (1 - 1e-6)).all()


@given(st.floats(0.9, 1.1), st.sampled_from([0.0, 0.0005, 0.003]), st.booleans())
def test_competitor_acts_iff_the_profit_exceeds_its_cost(
    ratio: float, fee: float, dearer: bool
) -> None:
    reserves, price = (1000.0, 3e6), 3000.0 * ratio
    sold, paid, profit = arbitrage(*reserves, price, fee)
    if dearer or sold + paid == 0.0 or profit == 0.0:
        assert compete(*reserves, price, fee, profit) == reserves
        return
    assert compete(*reserves, price, fee, float(np.nextafter(profit, 0.0))) != reserves


def test_competitor_leaves_what_its_gas_would_eat(make_market: Any, make_member: Any) -> None:
    """At every decision there is at most one transaction's gas and tip to gain, and often some."""
    market = make_market(n=400, flaws=False)
    changes = {"use_block_fees": False, "base_fee_gwei": 5.0, "tip_gwei": 2.0}
    _, path = run(
        market,
        make_member,
        sim__amm__arbitrage_probability=1.0,
        sim__amm__noise_turnover=0.0,
        **{f"sim__amm__{name}": value for name, value in changes.items()},
        **NEVER,
    )
    reference = path["reference"].to_numpy()[1:]
    own = path["bid"].to_numpy()[1:] / (1.0 - 0.0005)
    depth = 1e7 / np.sqrt(reference[0])  # square root of the product of the reserves
    left = np.array(
        [
            arbitrage(depth / np.sqrt(p), depth * np.sqrt(p), mid, 0.0005)[2]
            for p, mid in zip(own, reference, strict=True)
        ]
    )
    # The gas is priced at the decision before, and fees make the pool a little deeper.
    paid = 120_000 * 7e-9 * path["reference"].to_numpy()[:-1]
    assert (left <= 1.01 * paid).all()
    assert np.mean(left > 0.2 * paid) > 0.1


def test_inclusion_block_by_hand() -> None:
    assert inclusion_block(300.0, 12.0, 0.0) == (12 / 300, 1, 24)
    assert inclusion_block(300.0, 12.0, 0.5) == (12.5 / 300, 1, 24)
    assert inclusion_block(300.0, 12.0, 100.0) == (112 / 300, 9, 16)
    assert inclusion_block(300.0, 12.0, 300.0) == (1.0, 25, 0)
    assert inclusion_block(5.0, 12.0, 0.5) == (1.0, 1, 0)
    assert inclusion_block(1e-9, 12.0, 3600.0) == (1.0, 1, 0)
    assert inclusion_block(16.0, 12.0, 0.0) == (0.75, 1, 0)


@pytest.mark.parametrize(
    ("bar_s", "latency_ms", "share"),
    [
        (300, 0, 0.04),
        (300, 500, 12.5 / 300),
        (300, 150_000, 0.54),
        (300, 400_000, 1.0),
        (5, 500, 1.0),
    ],
)
def test_our_block_meets_the_price_of_its_own_moment(
    bar_s: int, latency_ms: float, share: float, make_market: Any, make_member: Any
) -> None:
    """The row opens where we decided and ends 5 % higher; the competitor is before us."""
    bars, blocks, paths = make_market(n=4, flaws=False, bar_s=bar_s)
    bars[["open", "high", "low", "close"]] = 2000.0
    bars.loc[1, ["close", "high"]] = 2100.0
    bars.loc[2:, ["open", "high", "low", "close"]] = 2100.0
    metrics, path = run(
        (bars, blocks[:0], paths),
        make_member,
        quoting__strategy="hold",
        quoting__max_inventory=10.0,
        sim__latency_ms=latency_ms,
        sim__amm__liquidity=4e6,
        sim__amm__fee_bps=30,
        sim__amm__noise_turnover=0.0,
        sim__amm__arbitrage_probability=1.0,
        sim__amm__slippage_bps=10_000.0,
        **NO_GAS,
        **ALWAYS,
    )
    pool = Pool(1000.0, 2e6, 0.003)
    pool.arbitrage(2000.0 + 100.0 * share, 0.0)
    assert path["fills"].tolist() == [0.0, 10.0, 0.0, 0.0]
    assert path["cash"].iloc[1] == pytest.approx(-pool.cost(10.0), rel=1e-12)
    assert metrics["n_sent"] == 1


def test_late_inclusion_keeps_the_noise(make_market: Any, make_member: Any) -> None:
    """However many blocks come before ours, a row holds the noise of all its blocks."""
    market = make_market(n=4000, flaws=False)
    quiet = {"sim__amm__arbitrage_probability": 0.0, "sim__amm__fee_bps": 0, **NEVER}
    found = []
    for latency in (0, 150_000, 900_000):
        _, path = run(
            market, make_member, quoting__strategy="hold", sim__latency_ms=latency, **quiet
        )
        found.append(np.diff(np.log(path["bid"].to_numpy()[1:])).std())
    assert found == pytest.approx([found[0]] * 3, rel=0.05)


def test_not_included_pays_nothing(make_market: Any, make_member: Any) -> None:
    metrics, path = run(make_market(n=200), make_member, quoting__strategy="hold", **NEVER)
    assert metrics["n_sent"] == metrics["n_not_included"] == 199
    assert metrics["pnl"] == 0.0
    assert (path["equity"] == 0.0).all()


def test_revert_pays_gas_and_tip(make_market: Any, make_member: Any) -> None:
    """Opens that rise before our block make every purchase dearer than its tolerance."""
    bars, blocks, paths = make_market(n=50, flaws=False)
    bars["close"] = bars["open"] = bars["high"] = bars["low"] = 3000.0 * 1.01 ** np.arange(50)
    metrics, _ = run(
        (bars, blocks, paths),
        make_member,
        quoting__strategy="hold",
        sim__amm__slippage_bps=0.0,
        sim__amm__noise_turnover=0.0,
        sim__amm__arbitrage_probability=1.0,
        sim__amm__use_block_fees=False,
        sim__amm__base_fee_gwei=3.0,
        sim__amm__tip_gwei=2.0,
        **ALWAYS,
    )
    paid = 120_000 * 1e-9 * bars["close"].iloc[:-1].sum()
    assert metrics["n_reverts"] == metrics["n_sent"] == 49
    assert metrics["n_fills"] == 0
    assert metrics["pnl_gas"] == pytest.approx(-3.0 * paid)
    assert metrics["pnl_bribe"] == pytest.approx(-2.0 * paid)
    assert metrics["pnl"] == pytest.approx(-5.0 * paid)


def test_a_builder_tip_is_owed_on_success_only(make_market: Any, make_member: Any) -> None:
    """The reverts of the test above pay gas and no tip."""
    bars, blocks, paths = make_market(n=50, flaws=False)
    bars["close"] = bars["open"] = bars["high"] = bars["low"] = 3000.0 * 1.01 ** np.arange(50)
    metrics, _ = run(
        (bars, blocks, paths),
        make_member,
        quoting__strategy="hold",
        sim__amm__slippage_bps=0.0,
        sim__amm__noise_turnover=0.0,
        sim__amm__arbitrage_probability=1.0,
        sim__amm__use_block_fees=False,
        sim__amm__base_fee_gwei=3.0,
        sim__amm__tip_gwei=2.0,
        sim__amm__bribe__auction="builder_tip",
        **ALWAYS,
    )
    paid = 120_000 * 1e-9 * bars["close"].iloc[:-1].sum()
    assert metrics["n_reverts"] == 49
    assert metrics["pnl_bribe"] == 0.0
    assert metrics["pnl"] == metrics["pnl_gas"] == pytest.approx(-3.0 * paid)


def test_worth_of_an_opportunity_is_that_of_its_expected_cash_flows() -> None:
    """Utility with reverts played out: gas always, the gain and a builder tip on success only."""
    settings = np.zeros(N_AMM_SETTINGS)
    for rho, won, gas, tip, chance in ((0.2, 9.0, 3.0, 1.5, 0.7), (0.0, 5.0, 2.0, 0.5, 0.4)):
        settings[P_REVERT] = rho
        settings[P_ON_SUCCESS] = 0.0
        flows = chance * ((1 - rho) * won - gas - tip)
        assert chance * (opportunity(won, gas, settings) - tip) == pytest.approx(flows)
        settings[P_ON_SUCCESS] = 1.0
        flows = chance * ((1 - rho) * (won - tip) - gas)
        found = chance * (1 - rho) * (opportunity(won, gas, settings) - tip)
        assert found == pytest.approx(flows)
    settings[P_REVERT] = 1.0
    assert opportunity(9.0, 3.0, settings) == -np.inf


def test_hold_through_the_pool_by_hand(make_market: Any, make_member: Any) -> None:
    bars, blocks, paths = make_market(n=40, flaws=False)
    bars[["open", "high", "low", "close"]] = 2000.0
    metrics, path = run(
        (bars, blocks[:0], paths),
        make_member,
        quoting__strategy="hold",
        quoting__max_inventory=10.0,
        sim__amm__liquidity=4e6,
        sim__amm__fee_bps=30,
        sim__amm__noise_turnover=0.0,
        sim__amm__arbitrage_probability=0.0,
        sim__amm__base_fee_gwei=1.0,
        **ALWAYS,
    )
    gas = 120_000 * 1e-9 * 2000.0
    cost = 10.0 * 2e6 / ((1000.0 - 10.0) * 0.997)
    assert path["fills"].tolist() == [0.0, 10.0] + [0.0] * 38
    assert path["cash"].iloc[-1] == pytest.approx(-cost - 2 * gas)
    assert metrics["pnl_fees"] == pytest.approx(-0.003 * cost)
    assert metrics["pnl_spread"] == pytest.approx(10 * 2000.0 - 0.997 * cost)
    assert metrics["pnl_inventory"] == metrics["endowment_change"] == 0.0
    out = 9.97 * (2e6 + cost) / (990.0 + 9.97)
    assert metrics["pnl_liquidation"] == pytest.approx(out - 2 * gas - 20_000.0)
    assert metrics["pnl"] == pytest.approx(out - cost - 4 * gas)


def test_gap_drops_the_transaction(make_market: Any, make_member: Any) -> None:
    bars, blocks, paths = make_market(n=30, flaws=False)
    bars.loc[1, "gap"] = True
    metrics, path = run((bars, blocks, paths), make_member, quoting__strategy="hold", **ALWAYS)
    assert path["fills"].iloc[1] == 0.0
    assert metrics["n_not_included"] == 1
    assert path["fills"].iloc[2] > 0.0


@pytest.mark.parametrize("seed", range(3))
def test_balances_and_limits(seed: int, make_market: Any, make_member: Any) -> None:
    market = make_market(n=500, seed=seed)
    changes = {"quoting__gamma": 1e-6, "quoting__max_inventory": 3.0, "sim__amm__gas_units": 21000}
    metrics, path = run(market, make_member, **changes, **ALWAYS)
    assert path["inventory"].abs().max() <= 3.0 * (1 + 1e-12)
    assert metrics["time_at_limit"] > 0.0
    spent = -path["cash"].min()
    assert spent <= 2.0 * 3.0 * market[0]["close"].iloc[0] + abs(metrics["pnl_gas"]) + abs(
        metrics["pnl_bribe"]
    )
    assert metrics["n_sent"] == (
        metrics["n_fills"] + metrics["n_reverts"] + metrics["n_not_included"]
    )


def test_same_luck_for_every_trial(make_market: Any, make_member: Any) -> None:
    """The pool that nobody trades is the same whatever gamma; another seed moves it."""
    market = make_market(n=200)
    first = run(market, make_member, quoting__gamma=0.1, **NEVER)[1]
    second = run(market, make_member, quoting__gamma=1e-5, **NEVER)[1]
    other = run(market, make_member, sim__seed=24, **NEVER)[1]
    repeat = run(market, make_member, replicate=1, **NEVER)[1]
    assert first["bid"].equals(second["bid"])
    assert not first["bid"].equals(other["bid"])
    assert not first["bid"].equals(repeat["bid"])


def test_noise_has_the_stated_size(make_market: Any, make_member: Any) -> None:
    """Without a competitor the log price is a walk with the stated variance per block."""
    market = make_market(n=4000, flaws=False)
    turnover = 0.2
    _, path = run(
        market,
        make_member,
        quoting__strategy="hold",
        sim__amm__noise_turnover=turnover,
        sim__amm__arbitrage_probability=0.0,
        sim__amm__fee_bps=0,
        **NEVER,
    )
    steps = np.diff(np.log(path["bid"].to_numpy()[1:]))
    # One block trades sd f of the pool's value, so 2 f of one side: the price moves by 4 f.
    block = turnover * 12 / 86_400 * np.sqrt(np.pi / 2)
    assert steps.std() == pytest.approx(4 * block * np.sqrt(25), rel=0.05)


def test_short_that_the_pool_cannot_return_fails(make_market: Any, make_member: Any) -> None:
    """Short a quarter of the pool's ETH, then the price rises a hundredfold."""
    bars, blocks, paths = make_market(n=60, flaws=False)
    price = np.where(np.arange(60) < 30, 100.0, 10_000.0)
    for name in ("open", "high", "low", "close"):
        bars[name] = price
    paths = paths.assign(sigma=1e-3, m=-3.0)
    member = make_member(
        sim__venue="amm",
        quoting__max_inventory=245.0,
        quoting__gamma=1e-6,
        sim__amm__liquidity=2e5,
        sim__amm__noise_turnover=0.0,
        sim__amm__slippage_bps=10_000.0,
        sim__amm__base_fee_gwei=0.0,
        **ALWAYS,
    )
    row = simulate_pack(bars, blocks[:0], paths, [member]).metrics.iloc[0]
    assert row["status"] == "failed"
    assert "holds less ETH than the final short position" in row["error"]
    run_, rows = Run.from_member(member), market_rows(bars, blocks[:0], 0, 59)
    path = path_rows(paths, rows.close)
    args = (
        rows,
        path,
        path.mu,
        base_fees(run_, rows),
        tip_rows(run_, rows, NO_TIPS),
        amm_settings(run_, rows),
    )
    assert reference.run_amm(*args).accounts[acc.STUCK] == 1.0
