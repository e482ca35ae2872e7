"""A pool driven by recorded events: parity, states as of their time, the real tape, errors.

Covers run_amm with a tape, transact and _attack_kernels (struck, after_same_trade, sandwich_price)
against the plain reference.
"""

from __future__ import annotations

import csv
import importlib.util
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ethpredict.data.swap_tape import read_swaps
from ethpredict.sim import reference, simulate_pack
from ethpredict.sim.amm import uniswap_v2_amount_out
from ethpredict.sim.bribes import base_fees, tip_rows
from ethpredict.sim.pack import NO_TIPS
from ethpredict.sim.pool_tape import pool_rows, pool_tape
from ethpredict.sim.rows import market_rows, path_rows
from ethpredict.sim.run import Run
from ethpredict.sim.settings import amm_settings

spec = importlib.util.spec_from_file_location(
    "recorded_pools", Path(__file__).with_name("recorded_pools.py")
)
assert spec is not None
assert spec.loader is not None
recorded = importlib.util.module_from_spec(spec)
spec.loader.exec_module(recorded)
SECOND, random_tape, play = recorded.SECOND, recorded.random_tape, recorded.play

TAPE = {
    "sim__venue": "amm", "sim__amm__flow": "tape", "quoting__gamma": 1e-5,
    "sim__amm__inclusion_a": 3.0, "sim__amm__use_block_fees": False,
    "sim__amm__base_fee_gwei": 0.01, "sim__latency_ms": 30_000,
}  # fmt: skip
ALWAYS = {"sim__amm__inclusion_a": 100.0}
SWAP = "0xc42079f94a6350d7e6235f29174924f928cc2ac818eb64fed8004e115fbcca67"
REAL = "amm/uniswap_v3_usdc_weth_0.3pct_2024-01-05.raw.csv"


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"quoting__strategy": "hold"},
        {"sim__amm__tape_max_age": 60, "sim__latency_ms": 500_000},
        {
            "sim__amm__sandwich_probability": 0.5,
            "sim__amm__frontrun_probability": 0.3,
            "sim__amm__slippage_bps": 60.0,
        },
    ],
)
def test_kernel_parity_with_the_plain_reference(make_market, make_member, changes) -> None:
    market = make_market(n=300, seed=5)
    bars, blocks, path = market
    events = random_tape(bars)
    member = make_member("r", **(TAPE | changes))
    run, rows = Run.from_member(member), market_rows(bars, blocks, 0, len(bars) - 1)
    quoted = path_rows(path, rows.close)
    tape = pool_rows(run, rows, pool_tape("r", events))
    paid = base_fees(run, rows), tip_rows(run, rows, NO_TIPS)
    slow = reference.run_amm(rows, quoted, quoted.mu, *paid, amm_settings(run, rows), tape)
    found = play(market, events, [member])
    metrics, paths = found.metrics.iloc[0], found.paths
    assert metrics["error"] == ""
    assert metrics["n_fills"] == slow.accounts[7] + slow.accounts[8] > 0
    assert metrics["pnl"] == slow.accounts[6]
    for name, values in (("equity", slow.equity), ("inventory", slow.inventory)):
        np.testing.assert_array_equal(paths[name], values)


def test_states_are_those_of_their_time(make_market, make_member) -> None:
    """Event by event in plain Python: at the decision, in our block, at the end."""
    bars, blocks, _ = make_market(n=60, seed=6)
    events = random_tape(bars, seed=1, every=200.0)
    run = Run.from_member(make_member("r", **(TAPE | {"sim__amm__tape_max_age": 400})))
    rows = market_rows(bars, blocks, 0, len(bars) - 1)
    found = pool_rows(run, rows, pool_tape("r", events))
    told = [e for e in events.itertuples() if e.reserve0 == e.reserve0]
    close = bars["ts_close"].tolist()
    stale = 0
    for j in range(1, len(bars)):
        before = [e for e in told if e.ts <= close[j - 1]]
        if not before or close[j - 1] - before[-1].ts > 400 * SECOND:
            assert np.isnan(found[j, :2]).all()
            stale += 1
        else:
            assert tuple(found[j, :2]) == (before[-1].reserve0, before[-1].reserve1)
        if before:
            block = before[-1].ts
            while block <= close[j - 1] + 30 * SECOND:
                block += 12 * SECOND
            met = [e for e in told if e.ts <= min(block, close[j])][-1]
            assert tuple(found[j, 2:4]) == (met.reserve0, met.reserve1)
        last = [e for e in told if e.ts <= close[j]]
        if last:
            assert tuple(found[j, 4:]) == (last[-1].reserve0, last[-1].reserve1)
    assert 0 < stale < 30


@pytest.mark.parametrize("t", [57, 150])
def test_truncation_and_scramble(t, make_market, make_member) -> None:
    bars, blocks, path = market = make_market(n=200, seed=9)
    events = random_tape(bars)
    attacks = {"sim__amm__sandwich_probability": 0.4, "sim__amm__frontrun_probability": 0.2}
    runs = [
        make_member(name, **(TAPE | changes))
        for name, changes in (("glft", attacks), ("hold", {"quoting__strategy": "hold"}))
    ]
    moment = bars["ts_close"].iloc[t - 1]
    early = events["ts"] <= moment
    whole = play(market, events, runs).paths
    whole = whole[whole["row"] < t].reset_index(drop=True)
    assert whole.groupby("run_id")["fills"].apply(lambda x: (x != 0).any()).all()
    cut = play((bars[:t], blocks, path[:t]), events[early], runs).paths
    pd.testing.assert_frame_equal(whole, cut, check_exact=True)
    other = recorded.scrambled_after(events, moment, t)
    scrambled = play(market, other, runs).paths
    scrambled = scrambled[scrambled["row"] < t].reset_index(drop=True)
    pd.testing.assert_frame_equal(whole, scrambled, check_exact=True)


def test_the_real_tape_drives_the_pool(shared_data, make_market, make_member) -> None:
    """Every decision sees the price that the log's own square root says; every fill is exact."""
    events = read_swaps(shared_data / REAL)
    # As if the market were dearer: there is something to trade.
    market = recorded.priced_market(make_market, events, n=100, dearer=1.004)
    changes = TAPE | ALWAYS | {"sim__amm__fee_bps": 30, "sim__amm__slippage_bps": 500.0}
    found = play(market, events, [make_member("r", **changes)])
    assert found.metrics["error"].iloc[0] == ""
    with (shared_data / REAL).open(newline="") as handle:
        logs = [
            (pd.Timestamp(log["block_timestamp"]).value, int(log["log_index"]),
             bytes.fromhex(log["data"][2:]))
            for log in csv.DictReader(handle) if SWAP in log["topics"]
        ]  # fmt: skip
    logs.sort(key=lambda log: log[:2])
    moments = np.array([ts for ts, _, _ in logs])
    roots = [int.from_bytes(data[64:96], "big") / 2**96 for _, _, data in logs]
    depths = [int.from_bytes(data[96:128], "big") for _, _, data in logs]
    rows = found.paths[1:]
    seen = np.searchsorted(moments, market[0]["ts_close"].to_numpy()[:-1], side="right") - 1
    price = 1e12 / np.array(roots)[seen] ** 2
    np.testing.assert_allclose(rows["bid"], price * 0.997, rtol=1e-12)
    np.testing.assert_allclose(rows["ask"], price / 0.997, rtol=1e-12)
    filled = rows[rows["fills"] > 0]
    assert len(filled) >= 1
    cash = found.paths["cash"].diff().to_numpy()
    for j in filled.index:
        sent = int(market[0]["ts_close"].iloc[j - 1]) + 30 * SECOND
        block = moments[seen[j - 1]]
        while block <= sent:
            block += 12 * SECOND
        at = int(np.searchsorted(moments, block, side="right")) - 1
        usdc, weth = int(depths[at] / roots[at]), int(depths[at] * roots[at])
        gas = 120_000e-9 * (0.01 + 1.0) * rows["reference"][j]
        paid = round((-cash[j] - gas) * 1e6)
        out = uniswap_v2_amount_out(paid, usdc, weth, 30) / 1e18
        assert out == pytest.approx(rows["fills"][j], rel=1e-6)


def edited(events: pd.DataFrame, at: int, **values: float) -> pd.DataFrame:
    changed = events.copy()
    for name, value in values.items():
        changed.loc[at, name] = value
    return changed


def test_what_is_no_tape_is_refused_with_the_remedy(make_market, make_member) -> None:
    market = make_market(n=40, flaws=False)
    events = random_tape(market[0])
    swapped = events.rename(columns={"reserve0": "reserve1", "reserve1": "reserve0"})
    blind = events.assign(reserve0=np.nan, reserve1=np.nan)
    late = events.assign(ts=events["ts"] + 10**15)
    for table, words in (
        (events[:0], "the data has none; give data.files.pool_events"),
        (edited(events, 20, block=0), "row 21: block 0, log 20"),
        (edited(events, 20, reserve1=0.0), "row 21: reserves .* both must be finite numbers > 0"),
        (edited(events, 20, reserve0=np.nan), "both must be finite numbers > 0"),
        (edited(events, 20, reserve0=np.inf), "both must be finite numbers > 0"),
        (blind, "none of the 171 events tells the pool's reserves"),
        (late, "no decision of the segment finds a state of the pool"),
        (swapped, "data.files.eth_is_token0, decimals0, decimals1"),
        (events.assign(reserve0=events["reserve0"] / 1e3, reserve1=events["reserve1"] / 1e3),
         "must be <= a quarter of the recorded pool's"),
    ):  # fmt: skip
        found = play(market, table, [make_member("r", **TAPE)]).metrics.iloc[0]
        assert found["status"] == "failed"
        assert re.search(words, found["error"]), found["error"]
    bad = make_member("r", **(TAPE | {"sim__amm__tape_max_age": 0}))
    assert (
        "tape_max_age = 0: must be a number > 0" in play(market, events, [bad]).metrics["error"][0]
    )


def attacked(market: Any, make_member: Any, **changes: Any) -> Any:
    """Metrics and rows of a run that is always included on a still pool."""
    still = {
        "sim__venue": "amm", "quoting__gamma": 1e-5, "sim__amm__noise_turnover": 0.0,
        "sim__amm__arbitrage_probability": 0.0, "sim__amm__liquidity": 2e8,
        "sim__amm__use_block_fees": False, "sim__amm__base_fee_gwei": 0.0,
        "sim__amm__tip_gwei": 0.0, "sim__amm__revert_probability": 0.0,
    }  # fmt: skip
    found = simulate_pack(*market, [make_member("r", **(still | ALWAYS | changes))], detail=True)
    assert found.metrics["error"].iloc[0] == ""
    return found.metrics.iloc[0], found.paths


def test_a_sandwich_leaves_exactly_the_minimum_output(make_market, make_member) -> None:
    """On a still pool the worst price is the price itself and the tolerance, by hand."""
    market = make_market(n=200, seed=3, flaws=False)
    slippage = 7e-4
    metrics, paths = attacked(
        market, make_member, sim__amm__sandwich_probability=1.0, sim__amm__slippage_bps=7.0
    )
    fills, cash = paths["fills"].to_numpy(), paths["cash"].diff().fillna(0.0).to_numpy()
    assert metrics["n_sandwiches"] == metrics["n_fills"] == (fills != 0).sum() > 2
    reserve1 = 1e8
    reserve0, taken = reserve1 / market[0]["close"].iloc[0], 0.0
    for fill, paid in zip(fills, -cash, strict=True):
        if fill == 0:
            continue
        if fill > 0:
            cost = fill * reserve1 / ((reserve0 - fill) * (1.0 - 5e-4))
        else:
            net = -fill * (1.0 - 5e-4)
            cost = -net * reserve1 / (reserve0 + net)
        assert paid == pytest.approx(cost + slippage * abs(cost), rel=1e-9)
        taken += slippage * abs(cost)
        reserve0, reserve1 = reserve0 - fill, reserve1 + cost
    assert metrics["pnl_sandwich"] == pytest.approx(-taken, rel=1e-9)


def test_a_front_run_is_the_same_trade_before_ours(make_market, make_member) -> None:
    """With a wide tolerance we fill behind it; with none we revert and pay the gas."""
    market = make_market(n=200, seed=3, flaws=False)
    always = {"quoting__strategy": "hold", "sim__amm__frontrun_probability": 1.0}
    metrics, paths = attacked(market, make_member, **always, sim__amm__slippage_bps=1000.0)
    assert metrics["n_front_runs"] == metrics["n_fills"] == 1
    size = paths["fills"][paths["fills"] != 0].iloc[0]
    first, reserve1 = 1e8 / market[0]["close"].iloc[0], 1e8
    cost = size * reserve1 / ((first - size) * (1.0 - 5e-4))
    behind = size * (reserve1 + cost) / ((first - 2 * size) * (1.0 - 5e-4))
    assert -paths["cash"][paths["fills"] != 0].iloc[0] == pytest.approx(behind, rel=1e-12)
    changes = always | {"sim__amm__slippage_bps": 0.0, "sim__amm__base_fee_gwei": 3.0}
    metrics, _ = attacked(market, make_member, **changes)
    assert metrics["n_fills"] == 0
    assert metrics["n_reverts"] == metrics["n_front_runs"] == metrics["n_sent"] == 199
    wanted = -120_000e-9 * 3.0 * market[0]["close"].iloc[:-1].sum()
    assert metrics["pnl_gas"] == pytest.approx(wanted, rel=1e-12)


def test_attacks_happen_as_often_as_they_are_said_to(make_market, make_member) -> None:
    market = make_market(n=2000, seed=4, flaws=False)
    changes = {"quoting__strategy": "hold", "sim__amm__slippage_bps": 0.0}
    metrics, _ = attacked(market, make_member, **changes, sim__amm__frontrun_probability=0.3)
    # The first attempt that is not front-run fills; its number is geometric: repeat by seed.
    tries = [
        attacked(market, make_member, **changes, sim__amm__frontrun_probability=0.9, sim__seed=k)[0]
        for k in range(30)
    ]
    sent = sum(row["n_sent"] for row in tries)
    struck = sum(row["n_front_runs"] for row in tries)
    assert metrics["n_sent"] == metrics["n_front_runs"] + 1
    assert abs(struck - 0.9 * sent) < 4.0 * np.sqrt(0.09 * sent)


def test_a_strategy_that_knows_of_attacks_sends_less(make_market, make_member) -> None:
    """v = (1 - rho)(1 - f)(G - s x tolerance x |C|) - gas: sent while that is positive."""
    market = make_market(n=400, seed=3, flaws=False)
    open_pool = {"sim__amm__arbitrage_probability": 0.9, "sim__amm__base_fee_gwei": 1.0}
    free, _ = attacked(market, make_member, **open_pool)
    dear, _ = attacked(
        market, make_member, **open_pool, sim__amm__sandwich_probability=1.0,
        sim__amm__slippage_bps=50.0,
    )  # fmt: skip
    certain, _ = attacked(market, make_member, **open_pool, sim__amm__frontrun_probability=1.0)
    assert free["n_sent"] > dear["n_sent"]
    assert certain["n_sent"] == 0


@pytest.mark.parametrize(
    ("key", "value", "legal"),
    [
        ("sim__latency_ms", 1e300, "<= 3.6e+06"),
        ("sim__latency_ms", -1, ">= 0"),
        ("sim__amm__tape_max_age", 1e300, "<= 3.1536e+07"),
        ("sim__amm__sandwich_probability", 1.5, ">= 0 and <= 1"),
        ("sim__amm__frontrun_probability", -0.1, ">= 0 and <= 1"),
        ("sim__amm__flow", "real", "must be one of synthetic, tape"),
        ("sim__amm__risk_horizon", 1e300, "<= 3.1536e+07"),
        ("sim__amm__block_time", 0.0, "> 0 and <= 3600"),
        ("quoting__max_inventory", 1e300, "must be <= a quarter of the recorded pool's"),
    ],
)
def test_settings_out_of_range_name_the_range(make_market, make_member, key, value, legal) -> None:
    market = make_market(n=40, flaws=False)
    found = play(market, random_tape(market[0]), [make_member("r", **(TAPE | {key: value}))])
    assert found.metrics["status"].iloc[0] == "failed"
    assert legal in found.metrics["error"].iloc[0]


def test_a_pool_too_large_for_floats_or_too_small_is_refused(make_market, make_member) -> None:
    market = make_market(n=40, flaws=False)
    for mode in ("taker", "lp"):
        for value, legal in ((1e300, "<= 1e+12"), (0.0, "a number > 0")):
            changes = {"sim__venue": "amm", "sim__amm__mode": mode, "sim__amm__liquidity": value}
            found = simulate_pack(*market, [make_member("r", **changes)]).metrics["error"].iloc[0]
            assert "sim.amm.liquidity" in found
            assert legal in found
