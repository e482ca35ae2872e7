"""Base fees of the next block, tips copied and chosen, and what they cost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from ethpredict.sim import simulate_pack
from ethpredict.sim.bribes import base_fees, inclusion_fits, tip_rows
from ethpredict.sim.chain import next_base_fee
from ethpredict.sim.rows import market_rows
from ethpredict.sim.run import Run

POOL = {"sim__venue": "amm", "quoting__gamma": 1e-5}


def run_of(make_member: Any, **changes: Any) -> Run:
    return Run.from_member(make_member(**(POOL | changes)))


def test_base_fee_is_that_of_the_next_block(make_market: Any, make_member: Any) -> None:
    """In exact integers, by the chain's rule; the constant where no block reaches."""
    bars, blocks, _ = make_market(n=60, flaws=False)
    blocks = blocks.assign(gas_used=29_000_000)
    rows = market_rows(bars, blocks, 0, 59)
    last = [blocks[blocks["ts"] <= ts] for ts in bars["ts_close"]]
    for chain, elasticity, denominator in (("mainnet", 2, 8), ("op", 6, 50)):
        found = base_fees(run_of(make_member, sim__amm__chain=chain), rows)
        for j, known in enumerate(last):
            wanted = 0.05
            if len(known):
                fee = int(known["base_fee_wei"].iloc[-1])
                after = next_base_fee(fee, 29_000_000, 30_000_000, elasticity, denominator)
                wanted = after * 1e-9
            assert found[j] == wanted
    flat = base_fees(run_of(make_member, sim__amm__chain="bsc"), rows)
    assert flat[-1] == int(last[-1]["base_fee_wei"].iloc[-1]) * 1e-9
    high = run_of(make_member, sim__amm__base_fee_floor_wei=10**11)
    assert base_fees(high, rows)[-1] == 100.0


def test_fitted_curve_recovers_what_was_planted(
    make_market: Any, make_member: Any, make_tips: Any
) -> None:
    """Within four standard errors, each day from earlier days only."""
    bars, blocks, _ = make_market(n=900, flaws=False, with_blocks=False)
    tips = make_tips(bars, a=-0.7, s=1.1)
    rows = market_rows(bars, blocks, 0, len(bars) - 1)
    run = run_of(make_member, sim__amm__inclusion="fitted", sim__amm__bribe__window_days=2.0)
    fits = inclusion_fits(run, rows, tips)
    assert fits["a"].isna().tolist() == [True, False, False, False]
    for _, fit in fits[1:].iterrows():
        assert abs(fit["a"] + 0.7) < 4 * fit["a_se"]
        assert abs(fit["s"] - 1.1) < 4 * fit["s_se"]
    tip, odds, slope = tip_rows(run, rows, tips)
    assert np.isnan(odds[:287]).all()
    assert odds[300] == fits["a"].iloc[1]
    assert slope[-1] == fits["s"].iloc[3]
    assert (tip == 1.0).all()


def test_percentile_is_of_included_tips_before_the_hour(
    make_market: Any, make_member: Any, make_tips: Any
) -> None:
    bars, blocks, _ = make_market(n=60, flaws=False, with_blocks=False)
    tips = make_tips(bars)
    run = run_of(make_member, sim__amm__bribe__mode="percentile", sim__amm__bribe__percentile=75.0)
    found, _, _ = tip_rows(run, market_rows(bars, blocks, 0, 59), tips)
    assert np.isnan(found[:11]).all()  # no earlier hour
    hour = bars["ts_close"].iloc[30] // 3_600_000_000_000 * 3_600_000_000_000
    before = tips[(tips["ts"] < hour) & tips["included"]]
    assert found[30] == np.percentile(before["tip_gwei"], 75.0)


def test_tips_by_mode(make_market: Any, make_member: Any) -> None:
    """Tips only where they pay; what was believed is met by what came."""
    bars, blocks, paths = make_market(n=40, flaws=False, with_blocks=False)
    shared = {"sim__amm__use_block_fees": False, "sim__amm__arbitrage_probability": 0.0}
    whole = {}
    for mode in ("optimal", "fixed", "off"):
        member = make_member(**(POOL | shared | {"sim__amm__bribe__mode": mode}))
        whole[mode] = simulate_pack(bars, blocks, paths, [member]).metrics.iloc[0]
    best = whole["optimal"]
    assert best["n_sent"] > 0
    assert best["mean_tip_gwei"] > 0.0
    assert whole["off"]["pnl_bribe"] == 0.0
    assert whole["off"]["mean_chance"] == pytest.approx(1 / (1 + np.e))
    assert whole["fixed"]["mean_tip_gwei"] == 1.0
    assert best["share_included"] == pytest.approx(best["mean_chance"], abs=0.35)


def test_all_pay_costs_without_inclusion(make_market: Any, make_member: Any) -> None:
    bars, blocks, paths = make_market(n=200, flaws=False, with_blocks=False)
    pay = {}
    for auction in ("first_price", "all_pay"):
        changes = {"sim__amm__bribe__auction": auction, "quoting__alpha": "drift"}
        changes |= {"sim__amm__inclusion_a": -20.0, "sim__amm__inclusion_s": 0.0}
        changes |= {"sim__amm__use_block_fees": False, "quoting__strategy": "hold"}
        member = make_member(**(POOL | changes))
        pay[auction] = simulate_pack(bars, blocks, paths, [member]).metrics.iloc[0]
    assert pay["first_price"]["n_not_included"] == pay["all_pay"]["n_not_included"] > 100
    assert pay["first_price"]["pnl"] == 0.0
    spent = 120_000 * 1e-9 * np.sum(bars["close"].to_numpy()[:-1])
    assert pay["all_pay"]["pnl_bribe"] == pytest.approx(-spent)
    assert pay["all_pay"]["pnl"] == pytest.approx(-spent)


@pytest.mark.parametrize(
    "changes", [{"sim__amm__bribe__mode": "percentile"}, {"sim__amm__inclusion": "fitted"}]
)
def test_tips_are_needed(changes: dict, make_market: Any, make_member: Any) -> None:
    bars, blocks, paths = make_market(n=40, flaws=False)
    row = simulate_pack(bars, blocks, paths, [make_member(**(POOL | changes))]).metrics.iloc[0]
    assert row["status"] == "failed"
    assert "has no transactions with tips" in row["error"]
    few = pd.DataFrame({"ts": [0], "tip_gwei": [1.0], "included": [True]})
    row = simulate_pack(
        bars, blocks, paths, [make_member(**(POOL | changes))], tips=few
    ).metrics.iloc[0]
    assert row["status"] == "failed"
    assert "window_days" in row["error"]
