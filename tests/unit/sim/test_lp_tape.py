"""A provider on a recorded pool: parity, the real day, accounts, causality, refusals.

Covers ethpredict.sim._lp_tape_kernels (run_lp_tape with join, part, traded_liquidity and
meet_event) against the plain reference.
"""

from __future__ import annotations

import ast
import csv
import importlib.util
import itertools
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ethpredict.data.swap_tape import read_swaps
from ethpredict.sim import _account_kernels as acc
from ethpredict.sim import reference_lp_tape
from ethpredict.sim._lp_tape_kernels import traded_liquidity
from ethpredict.sim.bribes import base_fees
from ethpredict.sim.lp_settings import lp_settings
from ethpredict.sim.lp_tape import provider_rows
from ethpredict.sim.metrics import PNL_PARTS
from ethpredict.sim.pack import simulate_run
from ethpredict.sim.pool_tape import pool_tape
from ethpredict.sim.quotes import Lattices
from ethpredict.sim.recorded_fee import recorded_fee, without_syncs
from ethpredict.sim.replay import Tapes
from ethpredict.sim.rows import market_rows, path_rows
from ethpredict.sim.run import Run

spec = importlib.util.spec_from_file_location(
    "recorded_pools", Path(__file__).with_name("recorded_pools.py")
)
assert spec is not None
assert spec.loader is not None
recorded = importlib.util.module_from_spec(spec)
spec.loader.exec_module(recorded)

SECOND = recorded.SECOND
LP = {
    "sim__venue": "amm", "sim__amm__mode": "lp", "sim__amm__flow": "tape",
    "sim__amm__inclusion_a": 3.0, "sim__amm__use_block_fees": False,
    "sim__amm__base_fee_gwei": 0.01, "sim__latency_ms": 30_000, "sim__amm__fee_bps": 30,
    "sim__amm__lp__policy": "always",
}  # fmt: skip
FREE = {
    "sim__amm__inclusion_a": 100.0, "sim__amm__base_fee_gwei": 0.0, "sim__amm__tip_gwei": 0.0,
    "sim__latency_ms": 0,
}  # fmt: skip
CASES = [
    {},
    {"sim__amm__lp__fees": "vault"},
    {"sim__amm__lp__policy": "income", "sim__amm__lp__deposit": 3e6,
     "sim__amm__lp__income_days": 0.3},
    {"quoting__max_inventory": 0.02, "sim__amm__tape_max_age": 40, "sim__amm__lp__fees": "vault"},
]  # fmt: skip
REAL = "amm/uniswap_v3_usdc_weth_0.3pct_2024-01-05.raw.csv"
SWAP = "0xc42079f94a6350d7e6235f29174924f928cc2ac818eb64fed8004e115fbcca67"


def keeps(changes: dict) -> bool:
    return changes.get("sim__amm__lp__fees", "reserves") == "reserves"


@pytest.mark.parametrize("changes", CASES)
def test_kernel_parity_with_the_plain_reference(
    changes: dict, make_market: Any, make_member: Any
) -> None:
    bars, blocks, path = make_market(n=300, seed=5)
    events = recorded.swap_tape(bars, keeps(changes), 0.003)
    run = Run.from_member(make_member("r", **(LP | changes)))
    rows = market_rows(bars, blocks, 0, len(bars) - 1)
    quoted = path_rows(path, rows.close)
    tapes = Tapes(recorded.records(events))
    fast = simulate_run(run, rows, quoted, Lattices(), detail=True, tapes=tapes)
    settings = lp_settings(run, rows)
    told = provider_rows(run, rows, pool_tape("r", events), settings)
    slow = reference_lp_tape.run_lp_tape(
        rows, quoted, quoted.mu, base_fees(run, rows), told, settings
    )
    for name in ("accounts", "equity", "inventory", "detail"):
        assert np.array_equal(getattr(fast, name), getattr(slow, name), equal_nan=True), name
    assert fast.accounts[acc.N_SELLS] > 0.0
    assert fast.accounts[acc.LP_FEES] > 0.0
    if "quoting__max_inventory" in changes or "income" in changes.values():
        assert fast.accounts[acc.N_BUYS] > 0.0


@pytest.mark.parametrize("fees", ["reserves", "vault"])
def test_parts_sum_to_the_total(fees: str, make_market: Any, make_member: Any) -> None:
    for seed in range(4):
        market = make_market(n=300, seed=seed)
        events = recorded.swap_tape(market[0], fees == "reserves", 0.003, seed)
        member = make_member("r", **LP, sim__amm__lp__fees=fees, sim__amm__lp__deposit=1e6)
        row = recorded.play(market, events, [member]).metrics.iloc[0]
        assert row["error"] == ""
        scale = max(1.0, row["notional"])
        assert abs(math.fsum(row[list(PNL_PARTS)]) - row["pnl"]) <= 1e-9 * scale
        assert row["pnl_lp_fees"] > 0.0
        assert row["lvr"] > 0.0
        assert math.isnan(row["lp_arbitrage_fees"])
        assert math.isnan(row["lp_arbitrage_profit"])


def test_a_share_of_a_pool_that_keeps_its_fees_is_a_share_of_its_reserves(
    make_market: Any, make_member: Any
) -> None:
    """Independent: a small holder's part of the reserves scales with them; swaps alone move it."""
    market = make_market(n=200, seed=3, flaws=False)
    events = recorded.swap_tape(market[0], True, 0.003)
    member = make_member("r", **(LP | FREE), sim__amm__lp__deposit=1.0)
    found = recorded.play(market, events, [member])
    row, paths = found.metrics.iloc[0], found.paths
    mint = int(np.flatnonzero(paths["fills"].to_numpy())[0])
    closes = market[0]["ts_close"].to_numpy()
    told = list(events.itertuples())
    # The mint stands behind the block after the one of the last event seen.
    seen = [e for e in told if e.ts <= closes[mint - 1]][-1]
    block = seen.ts
    while block <= closes[mint - 1]:
        block += 12 * SECOND
    before = [e for e in told if e.ts <= min(block, closes[mint])]
    at = before[-1]
    half = 0.5
    eth, usd = half / market[0]["close"].iloc[0], half
    part = min(eth / at.reserve0, usd / at.reserve1)
    wallet = eth - part * at.reserve0, usd - part * at.reserve1
    mine = [part * at.reserve0, part * at.reserve1]
    fees, state = 0.0, at
    for event in told[len(before) :]:
        grown = 1.0  # a mint or a burn of others changes their part only
        if event.kind == "swap":
            grown = math.sqrt(event.reserve0 * event.reserve1 / (state.reserve0 * state.reserve1))
        depth = math.sqrt(mine[0] * mine[1]) * grown
        price = event.reserve1 / event.reserve0
        own = mine[0] / state.reserve0
        mine = [depth / math.sqrt(price), depth * math.sqrt(price)]
        j = int(np.searchsorted(closes, event.ts))
        share = (event.ts - closes[j - 1]) / (closes[j] - closes[j - 1])
        mids = market[0]["close"].to_numpy()
        mid = mids[j - 1] + (mids[j] - mids[j - 1]) * share
        fees += 0.003 * own * (event.amount0_in * mid + event.amount1_in)
        state = event
    held = mine[0] + wallet[0] - eth
    closed = state.reserve1 - state.reserve0 * state.reserve1 / (state.reserve0 + held * 0.997)
    if held < 0:
        closed = -(-held * state.reserve1 / ((state.reserve0 + held) * 0.997))
    total = mine[1] + wallet[1] - usd + closed
    assert row["pnl"] == pytest.approx(total, rel=1e-5)
    assert row["pnl_lp_fees"] == pytest.approx(fees, rel=1e-5)


def test_a_full_range_position_on_the_real_day(shared_data, make_market, make_member) -> None:
    """From the raw logs alone: x = L/s, y = L s, and on the way f/(1 - f) of what moves them.

    The fee of a position over all prices does not depend on the liquidity of others, so ticks
    that a swap crosses need no care here.
    """
    events = read_swaps(shared_data / REAL)
    market = recorded.priced_market(make_market, events, n=130)
    changes = LP | FREE | {"sim__amm__lp__fees": "vault", "sim__amm__lp__deposit": 1.0}
    found = recorded.play(market, events, [make_member("r", **changes)])
    row, paths = found.metrics.iloc[0], found.paths
    assert row["error"] == ""
    with (shared_data / REAL).open(newline="") as handle:
        logs = sorted(
            (pd.Timestamp(log["block_timestamp"]).value, int(log["log_index"]), log["data"])
            for log in csv.DictReader(handle)
            if ast.literal_eval(log["topics"])[0] == SWAP
        )
    words = [[int(data[2 + 64 * k : 66 + 64 * k], 16) for k in range(5)] for _, _, data in logs]
    # ETH is token 1: the root of token 1 per token 0 in whole tokens, turned, is USD per ETH.
    roots = [2**96 / w[2] * 1e6 for w in words]
    moments = np.array([ts for ts, _, _ in logs])
    closes, mids = market[0]["ts_close"].to_numpy(), market[0]["close"].to_numpy()
    mint = int(np.flatnonzero(paths["fills"].to_numpy())[0])
    assert mint == 1
    block = moments[np.searchsorted(moments, closes[0], side="right") - 1]
    while block <= closes[0]:
        block += 12 * SECOND
    first = int(np.searchsorted(moments, min(block, closes[1]), side="right"))
    last = int(np.searchsorted(moments, closes[-1], side="right"))
    eth, usd, root = 0.5 / mids[0], 0.5, roots[first - 1]
    liquidity = min(eth * root, usd / root)
    vault = [0.0, 0.0]
    fees = 0.0
    for k in range(first, last):
        j = int(np.searchsorted(closes, moments[k]))
        share = (moments[k] - closes[j - 1]) / (closes[j] - closes[j - 1])
        mid = mids[j - 1] + (mids[j] - mids[j - 1]) * share
        up = roots[k] - roots[k - 1]
        if up > 0:
            paid = 0.003 / 0.997 * liquidity * up
            vault[1] += paid
        else:
            paid = 0.003 / 0.997 * liquidity * (1 / roots[k] - 1 / roots[k - 1])
            vault[0] += paid
            paid *= mid
        fees += paid
    assert last - first > 200
    assert row["pnl_lp_fees"] == pytest.approx(fees, rel=1e-5)
    root_end = roots[last - 1]
    held = liquidity / root_end - liquidity / root + vault[0]
    cash = liquidity * root_end - liquidity * root + vault[1]
    at = int(np.searchsorted(events["ts"], closes[-1], side="right")) - 1
    e, u = events["reserve0"].iloc[at], events["reserve1"].iloc[at]
    closed = held * 0.997 * u / (e + held * 0.997) if held > 0 else held * u / ((e + held) * 0.997)
    assert row["pnl"] == pytest.approx(cash + closed, rel=1e-4)
    assert row["lvr"] == pytest.approx(
        sum(0.125 * math.log(b / a) ** 2 for a, b in itertools.pairwise(mids)),
        rel=0.05,  # of a position of about one USD
    )


def test_a_swap_over_ticks_earns_by_the_way_of_the_price() -> None:
    """Three ranges of liquidity by hand: the one that would move the price as far."""
    ranges = [(50.0, 51.0, 4e5), (51.0, 53.0, 9e5), (53.0, 54.5, 2e5)]  # roots of the price
    paid = sum(depth * (high - low) for low, high, depth in ranges)
    before, after = (4e5 / 50.0, 4e5 * 50.0), (2e5 / 54.5, 2e5 * 54.5)
    found = traded_liquidity(*before, *after, 0.0, paid)
    assert found == pytest.approx(paid / 4.5, rel=1e-12)
    sold = sum(depth * (1 / low - 1 / high) for low, high, depth in ranges)
    back = traded_liquidity(*after, *before, sold, 0.0)
    assert back == pytest.approx(sold / (1 / 50.0 - 1 / 54.5), rel=1e-12)
    assert traded_liquidity(*before, 4e5 / 52.0, 4e5 * 52.0, 0.0, 1.0) == pytest.approx(4e5)


@pytest.mark.parametrize("t", [57, 150])
def test_truncation_and_scramble(t: int, make_market: Any, make_member: Any) -> None:
    bars, blocks, path = market = make_market(n=200, seed=9)
    events = recorded.swap_tape(bars, False, 0.003)
    income = {"sim__amm__lp__policy": "income", "sim__amm__lp__deposit": 3e6}
    # One fee for what is told of the record, so that no cut of it changes the check.
    runs = [
        make_member(name, **(LP | changes | {"sim__amm__lp__fees": "vault"}))
        for name, changes in (("always", {}), ("income", income))
    ]
    moment = bars["ts_close"].iloc[t - 1]
    early = events["ts"] <= moment
    whole = recorded.play(market, events, runs)
    assert (whole.metrics["error"] == "").all()
    kept = whole.paths[whole.paths["row"] < t].reset_index(drop=True)
    assert kept.groupby("run_id")["fills"].apply(lambda x: (x != 0).any()).all()
    cut = recorded.play((bars[:t], blocks, path[:t]), events[early], runs).paths
    pd.testing.assert_frame_equal(kept, cut, check_exact=True)
    # Another future of the same pool: other swaps, other blocks, other amounts.
    other = recorded.swap_tape(bars, False, 0.003, seed=t)
    other = pd.concat([events[early], other[other["ts"] > moment]], ignore_index=True)
    other["log_index"] = np.arange(len(other))
    late = recorded.play(market, other, runs).paths
    late = late[late["row"] < t].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, late, check_exact=True)


def test_the_recorded_fee_is_told_by_the_reserves(make_market: Any) -> None:
    bars = make_market(n=100, flaws=False)[0]
    for keep in (True, False):
        for fee in (0.0001, 0.0025, 0.003, 0.01):
            tape = pool_tape("r", recorded.swap_tape(bars, keep, fee))
            found, count = recorded_fee(tape, keep)
            assert found == pytest.approx(fee, rel=1e-4)
            assert count > 100


def test_a_sync_beside_its_swap_counts_once(make_market: Any, make_member: Any) -> None:
    """A table that has Sync and Swap of one transaction as two rows plays as with one."""
    market = make_market(n=150, seed=3)
    events = recorded.swap_tape(market[0], True, 0.003)
    syncs = events.assign(kind="sync", log_index=2 * events["log_index"], amount0_in=0.0,
                          amount1_in=0.0, amount0_out=0.0, amount1_out=0.0)  # fmt: skip
    both = pd.concat([syncs, events.assign(log_index=2 * events["log_index"] + 1)])
    both = both.sort_values("log_index", ignore_index=True)
    one, two = (recorded.play(market, table, [make_member("r", **LP)]) for table in (events, both))
    assert one.metrics["error"].iloc[0] == ""
    pd.testing.assert_frame_equal(one.metrics, two.metrics, check_exact=True)
    swaps = (events["kind"] == "swap").sum()
    tape = without_syncs(pool_tape("r", both))
    assert (tape.paid0 + tape.paid1 > 0).sum() == swaps
    assert len(tape.ts) == len(both) - swaps


def test_what_does_not_fit_is_refused_with_the_remedy(make_market: Any, make_member: Any) -> None:
    market = make_market(n=60, flaws=False)
    v2, v3 = (recorded.swap_tape(market[0], keep, 0.003) for keep in (True, False))
    syncs = recorded.random_tape(market[0])
    for events, changes, words in (
        (v3, {}, "with sim.amm.lp.fees: reserves does not fit .* 30 bps .*: vault"),
        (v2, {"sim__amm__lp__fees": "vault"}, "does not fit .* 30 bps .*: reserves"),
        (v2, {"sim__amm__fee_bps": 25}, "sim.amm.fee_bps = 25 .* paid 30 bps"),
        (syncs, {}, "syncs alone tell no fee: give the Swap logs"),
        (v2, {"sim__amm__lp__deposit": 1e9}, "lp.deposit = 1e.09 USD: must be <= a quarter"),
        (v2[:0], {}, "the data has none; give data.files.pool_events"),
    ):
        found = recorded.play(market, events, [make_member("r", **(LP | changes))]).metrics.iloc[0]
        assert found["status"] == "failed"
        assert re.search(words, found["error"]), found["error"]


def test_a_taker_at_another_fee_than_the_record_is_warned(
    make_market: Any, make_member: Any, caplog: Any
) -> None:
    """Once for each fee; no word where the fee fits, or where syncs do not tell it."""
    market = make_market(n=60, flaws=False)
    taker = {"sim__venue": "amm", "sim__amm__flow": "tape"}
    runs = [
        make_member(f"r{k}", **taker, sim__amm__fee_bps=fee) for k, fee in enumerate((5, 5, 30))
    ]
    for events, words in (
        (recorded.swap_tape(market[0], True, 0.003), 1),
        (recorded.swap_tape(market[0], False, 0.003), 1),
        (recorded.random_tape(market[0]), 0),
    ):
        caplog.clear()
        recorded.play(market, events, runs)
        told = [entry for entry in caplog.messages if "recorded swaps paid" in entry]
        assert len(told) == words
        assert all("fee_bps = 5, but the recorded swaps paid 30 bps" in entry for entry in told)
