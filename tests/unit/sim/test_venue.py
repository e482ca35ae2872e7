"""What a venue asks of a run: its gas price, its funds, a fit of A and k."""

from __future__ import annotations

import logging
import math
from typing import Any

import numpy as np
import pytest

from ethpredict.sim import simulate_pack

CONSTANT = {"sim__amm__use_block_fees": False}


def metrics(market: Any, member: Any) -> Any:
    row = simulate_pack(*market, [member]).metrics.iloc[0]
    assert row["error"] == ""
    return row


@pytest.mark.parametrize("strategy", ["glft", "hold"])
def test_share_of_decisions_at_the_constant_base_fee(
    strategy: str, make_market: Any, make_member: Any
) -> None:
    """The fixture's blocks start in its eleventh bar; 100 bars take 99 decisions."""
    pool = {"sim__venue": "amm", "quoting__strategy": strategy}
    name = "share_constant_base_fee"
    known, bare = make_market(n=100), make_market(n=100, with_blocks=False)
    assert metrics(known, make_member(**pool))[name] == pytest.approx(10 / 99)
    assert metrics(known, make_member(**pool, **CONSTANT))[name] == 1.0
    assert metrics(bare, make_member(**pool))[name] == 1.0
    whole = known[0], known[1].assign(ts=0), known[2]
    assert metrics(whole, make_member(**pool))[name] == 0.0


def test_no_gas_price_where_nothing_is_decided(make_market: Any, make_member: Any) -> None:
    market = make_market(n=50)
    for changes in ({}, {"sim__venue": "amm", "quoting__strategy": "none"}):
        assert math.isnan(metrics(market, make_member(**changes))["share_constant_base_fee"])


def test_a_constant_in_place_of_blocks_is_said_once(
    make_market: Any, make_member: Any, caplog: pytest.LogCaptureFixture
) -> None:
    bare = make_market(n=50, with_blocks=False)
    pool = {"sim__venue": "amm", "sim__amm__base_fee_gwei": 7.5}
    wanting = [make_member(f"w{i}", replicate=i, **pool) for i in range(3)]
    with caplog.at_level(logging.WARNING, logger="ethpredict.sim"):
        simulate_pack(*bare, [*wanting, make_member("chosen", **pool, **CONSTANT)])
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("3 pool runs (w0 first): sim.amm.use_block_fees is true")
    assert "100.0 %" in line
    assert "sim.amm.base_fee_gwei = 7.5 gwei" in line
    caplog.clear()
    with caplog.at_level(logging.WARNING, logger="ethpredict.sim"):
        simulate_pack(*bare, [make_member(**pool, **CONSTANT), make_member("book")])
    assert not caplog.records


def test_posted_funds_by_hand(make_market: Any, make_member: Any) -> None:
    """Book: the limit at the mean mid. Pool: the same and twice its first value in USD."""
    market = make_market(n=60, flaws=False)
    close = market[0]["close"]
    book = metrics(market, make_member(quoting__max_inventory=3.0))
    pool = metrics(market, make_member(sim__venue="amm", quoting__max_inventory=3.0))
    assert book["posted_funds"] == pytest.approx(3.0 * close.mean())
    assert book["posted_funds"] == book["capital"] == pool["capital"]
    assert pool["posted_funds"] == pytest.approx(3.0 * close.mean() + 6.0 * close.iloc[0])


def test_only_a_quoting_run_on_the_book_needs_a_fit(make_market: Any, make_member: Any) -> None:
    bars, blocks, paths = make_market(n=80)
    members = [
        make_member("book"),
        make_member("fixed", quoting__strategy="fixed_spread"),
        make_member("hold", quoting__strategy="hold"),
        make_member("none", quoting__strategy="none"),
        make_member("pool", sim__venue="amm", quoting__gamma=1e-3),
    ]
    unfitted = paths.assign(A=np.nan, k=np.nan)
    table = simulate_pack(bars, blocks, unfitted, members).metrics.set_index("run_id")
    assert table["status"].drop("book").eq("ok").all()
    assert table.loc["book", "status"] == "failed"
    for words in ("0 of the 80 rows of quote q", "min_fills", "window_days"):
        assert words in table.loc["book", "error"]
    whole = simulate_pack(bars, blocks, paths, members).metrics.set_index("run_id")
    assert table.loc["pool", "n_fills"] > 0
    assert table.loc["pool"].equals(whole.loc["pool"])
    late = paths.assign(A=paths["A"].where(paths["row"] == 79))
    row = simulate_pack(bars, blocks, late, [members[0]]).metrics.iloc[0]
    assert row["status"] == "ok"
