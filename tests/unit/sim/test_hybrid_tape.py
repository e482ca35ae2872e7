"""Quotes on the book with hedges on a recorded pool: parity, exact hedges, causality.

Covers run_hybrid with a tape (transact) against the plain reference.
"""

from __future__ import annotations

import importlib.util
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ethpredict.sim import _account_kernels as acc
from ethpredict.sim import reference_hybrid
from ethpredict.sim.amm import uniswap_v2_amount_in, uniswap_v2_amount_out
from ethpredict.sim.bribes import base_fees, tip_rows
from ethpredict.sim.hybrid import hedge_band
from ethpredict.sim.metrics import PNL_PARTS
from ethpredict.sim.pack import NO_TIPS, simulate_run
from ethpredict.sim.pool_tape import pool_rows, pool_tape
from ethpredict.sim.quotes import Lattices, quote_rows, size_rows
from ethpredict.sim.replay import Tapes
from ethpredict.sim.rows import market_rows, path_rows
from ethpredict.sim.run import Run
from ethpredict.sim.settings import amm_settings, lob_settings

spec = importlib.util.spec_from_file_location(
    "recorded_pools", Path(__file__).with_name("recorded_pools.py")
)
assert spec is not None
assert spec.loader is not None
recorded = importlib.util.module_from_spec(spec)
spec.loader.exec_module(recorded)

TAPE = {
    "sim__venue": "hybrid", "quoting__hedge": True, "sim__amm__flow": "tape",
    "quoting__gamma": 0.02, "quoting__hedge_band": 0.5, "sim__amm__inclusion_a": 3.0,
    "sim__amm__use_block_fees": False, "sim__amm__base_fee_gwei": 0.01,
    "sim__latency_ms": 30_000,
}  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"quoting__strategy": "glft", "sim__amm__tape_max_age": 60, "sim__latency_ms": 500_000},
        {"quoting__alpha": "shift", "sim__amm__slippage_bps": 60.0,
         "sim__amm__sandwich_probability": 0.5, "sim__amm__frontrun_probability": 0.3},
    ],
)  # fmt: skip
def test_hybrid_parity_on_a_record(changes: dict, make_market: Any, make_member: Any) -> None:
    bars, blocks, path = make_market(n=300, seed=5)
    events = recorded.random_tape(bars)
    run = Run.from_member(make_member("r", **(TAPE | changes)))
    rows = market_rows(bars, blocks, 0, len(bars) - 1)
    quoted = path_rows(path, rows.close)
    tapes = Tapes(recorded.records(events))
    fast = simulate_run(run, rows, quoted, Lattices(), detail=True, tapes=tapes)
    slow = reference_hybrid.run_hybrid(
        rows,
        quote_rows(run, rows, quoted, Lattices()),
        size_rows(run, rows, quoted),
        base_fees(run, rows),
        tip_rows(run, rows, NO_TIPS),
        hedge_band(run),
        (lob_settings(run, rows), amm_settings(run, rows)),
        pool_rows(run, rows, pool_tape("r", events)),
    )
    for name in ("accounts", "equity", "inventory", "detail"):
        assert np.array_equal(getattr(fast, name), getattr(slow, name), equal_nan=True), name
    assert fast.accounts[acc.N_HEDGES] > 0.0
    outcomes = fast.accounts[[acc.N_HEDGES, acc.N_REVERTS, acc.N_NOT_INCLUDED]]
    assert outcomes.sum() == fast.accounts[acc.N_SENT]


@pytest.mark.parametrize("t", [57, 150])
def test_truncation_and_scramble(t: int, make_market: Any, make_member: Any) -> None:
    bars, blocks, path = market = make_market(n=200, seed=9)
    events = recorded.random_tape(bars)
    runs = [make_member(name, **TAPE, quoting__strategy=name) for name in ("glft", "glft_exact")]
    moment = bars["ts_close"].iloc[t - 1]
    whole = recorded.play(market, events, runs)
    assert (whole.metrics["n_hedges"] > 0).all()
    kept = whole.paths[whole.paths["row"] < t].reset_index(drop=True)
    early = events[events["ts"] <= moment]
    cut = recorded.play((bars[:t], blocks, path[:t]), early, runs).paths
    pd.testing.assert_frame_equal(kept, cut, check_exact=True)
    late = recorded.play(market, recorded.scrambled_after(events, moment, t), runs).paths
    late = late[late["row"] < t].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, late, check_exact=True)


def test_a_hedge_meets_the_reserves_of_its_block(make_market: Any, make_member: Any) -> None:
    """Book fills and hedges side by side: each hedge's price is the contracts' on that state."""
    bars, blocks, path = make_market(n=300, seed=4, flaws=False)
    bars["low"] = bars[["open", "close"]].min(axis=1)
    bars["high"] = bars[["open", "close"]].max(axis=1)
    path["A"], path["k"] = 0.1, 0.5
    bars.loc[5, "low"] = bars.loc[4, "close"] - 50.0  # one bid fills
    bars.loc[6:, ["open", "high", "low", "close"]] = bars.loc[5, "close"]
    bars.loc[:4, ["open", "high", "low", "close"]] = bars.loc[5, "close"]
    bars.loc[5, ["open", "high"]] = bars.loc[5, "close"]
    events = recorded.random_tape(bars)
    free = {"sim__amm__inclusion_a": 100.0, "sim__amm__slippage_bps": 500.0,
            "quoting__alpha": "off", "quoting__strategy": "glft", "quoting__hedge_band": 0.1,
            "sim__amm__fee_bps": 0, "quoting__order_size": 1.0}  # fmt: skip
    found = recorded.play((bars, blocks, path), events, [make_member("r", **(TAPE | free))])
    row, paths = found.metrics.iloc[0], found.paths
    assert row["n_hedges"] >= 1
    gas = 120_000e-9 * (0.01 + 1.0) * bars["close"].iloc[0]
    told = [e for e in events.itertuples() if e.reserve0 == e.reserve0]
    cash = paths["cash"].diff().to_numpy()
    checked = 0
    for j in np.flatnonzero(paths["fills"].to_numpy()):
        if j <= 5:
            continue
        sold = paths["fills"].iloc[j]
        seen = [e for e in told if e.ts <= bars["ts_close"].iloc[j - 1]][-1]
        block = seen.ts
        while block <= bars["ts_close"].iloc[j - 1] + 30 * recorded.SECOND:
            block += 12 * recorded.SECOND
        met = [e for e in told if e.ts <= min(block, bars["ts_close"].iloc[j])][-1]
        eth, usd = int(met.reserve0 * 1e18), int(met.reserve1 * 1e18)
        if sold < 0:
            wanted = uniswap_v2_amount_out(round(-sold * 1e18), eth, usd, 0) / 1e18
        else:
            wanted = -uniswap_v2_amount_in(round(sold * 1e18), usd, eth, 0) / 1e18
        assert cash[j] + gas == pytest.approx(wanted, rel=1e-9)
        checked += 1
    assert checked >= 1


def test_parts_and_legs_sum_and_stale_states_send_nothing(
    make_market: Any, make_member: Any
) -> None:
    market = make_market(n=300, seed=3)
    events = recorded.random_tape(market[0])
    runs = [make_member("all", **TAPE)]
    runs += [make_member("fresh", **(TAPE | {"sim__amm__tape_max_age": 5}))]
    found = recorded.play(market, events, runs).metrics.set_index("run_id")
    assert found["error"].eq("").all()
    for _, row in found.iterrows():
        scale = max(1.0, row["notional"])
        assert abs(math.fsum(row[list(PNL_PARTS)]) - row["pnl"]) <= 1e-9 * scale
        assert row["book_pnl"] + row["pool_pnl"] == pytest.approx(row["pnl"], abs=1e-9 * scale)
    assert 0 < found.loc["fresh", "n_sent"] < found.loc["all", "n_sent"]


def test_a_hybrid_without_events_names_the_remedy(make_market: Any, make_member: Any) -> None:
    market = make_market(n=40, flaws=False)
    events = recorded.random_tape(market[0])
    for table, words in (
        (events[:0], "the data has none; give data.files.pool_events"),
        (events.assign(reserve0=events["reserve0"] / 1e3, reserve1=events["reserve1"] / 1e3),
         "must be <= a quarter of the recorded pool's"),
    ):  # fmt: skip
        found = recorded.play(market, table, [make_member("r", **TAPE)]).metrics.iloc[0]
        assert found["status"] == "failed"
        assert re.search(words, found["error"]), found["error"]
