"""Tiers of fees: which one is paid, what it costs, and which tables are refused."""

from __future__ import annotations

import math
from typing import Any

import pytest

from ethpredict.config.load import load
from ethpredict.errors import ConfigError, TrialError
from ethpredict.sim import simulate_pack
from ethpredict.sim.fees import maker_bps, paid_fees, taker_bps
from ethpredict.sim.run import Run
from ethpredict.sweep.trials import build_trials

TABLE = [[0, 2.0, 5.0], [1e6, 1.0, 4.0], [1e7, -0.5, 3.0]]


def run_of(schedule: str, volume: float = 0.0, table: Any = TABLE, **quoting: Any) -> Run:
    book = {"fee_schedule": schedule, "account_volume": volume, "fees": table}
    settings = {"quoting": {"strategy": "glft"} | quoting, "sim": {"venue": "lob", "lob": book}}
    return Run("r", "q", settings)


@pytest.mark.parametrize(
    ("volume", "fees"),
    [
        (0.0, (2.0, 5.0)),
        (1e6, (2.0, 5.0)),  # beyond, not at
        (1e6 + 0.01, (1.0, 4.0)),
        (1e7, (1.0, 4.0)),
        (5e7, (-0.5, 3.0)),
    ],
)
def test_the_tier_is_that_of_the_given_volume(volume: float, fees: tuple[float, float]) -> None:
    run = run_of("tiers", volume)
    assert (maker_bps(run), taker_bps(run)) == paid_fees(run) == fees


def test_the_venues_own_table() -> None:
    """Its published base rates, bps."""
    paid = [paid_fees(run_of("hyperliquid", v)) for v in (0, 6e6, 3e7, 2e8, 6e8, 3e9, 8e9)]
    assert [maker for maker, _ in paid] == [1.5, 1.2, 0.8, 0.4, 0.0, 0.0, 0.0]
    assert [taker for _, taker in paid] == [4.5, 4.0, 3.5, 3.0, 2.8, 2.6, 2.4]


def test_who_pays_nothing_has_no_fee() -> None:
    assert all(math.isnan(fee) for fee in paid_fees(run_of("tiers", strategy="none")))
    maker, taker = paid_fees(run_of("tiers", strategy="hold"))
    assert math.isnan(maker)
    assert taker == 5.0


def test_tiers_cost_what_the_same_rates_cost_flat(make_market: Any, make_member: Any) -> None:
    """In lanes and alone: a rebate too."""
    bars, blocks, paths = make_market(n=400)
    common = {"quoting__strategy": "fixed_spread", "quoting__half_spread_bps": 1.0}
    tiers = {"sim__lob__fee_schedule": "tiers", "sim__lob__fees": TABLE}
    flat = {"sim__lob__maker_fee_bps": -0.5, "sim__lob__taker_fee_bps": 3.0}
    members = [
        make_member("tiers", **common, **tiers, sim__lob__account_volume=2e7),
        make_member("flat", **common, **flat),
        make_member("other", **common, **tiers),
    ]
    for detail in (False, True):
        rows = simulate_pack(bars, blocks, paths, members, detail=detail).metrics
        rows = rows.set_index("run_id").loc[["tiers", "flat", "other"]]
        assert rows.loc["tiers", "n_fills"] > 5
        assert rows.loc["tiers", "pnl_fees"] == rows.loc["flat", "pnl_fees"] > 0.0
        assert rows.loc["tiers", "pnl"] == rows.loc["flat", "pnl"] > rows.loc["other", "pnl"]
        paid = rows[["maker_fee_bps", "taker_fee_bps"]].to_numpy().tolist()
        assert paid == [[-0.5, 3.0], [-0.5, 3.0], [2.0, 5.0]]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ([], "at least one tier"),
        ([[5.0, 1.0, 2.0]], "must begin at 0 and rise"),
        ([[0, 1, 2], [5, 1, 2], [5, 1, 2]], "must begin at 0 and rise"),
        ([[0, 1]], "must be .volume, maker bps, taker bps"),
        ([[0, -101, 2]], "maker fee from -100 to 1000"),
        ([[0, 1, -2]], "taker fee from 0"),
    ],
)
def test_a_table_that_is_none_is_refused(table: list[list[float]], words: str, tmp_path) -> None:
    with pytest.raises(TrialError, match=words):
        maker_bps(run_of("tiers", 0.0, table))
    path = tmp_path / "study.yaml"
    path.write_text(f"sim: {{lob: {{fee_schedule: tiers, fees: {table}}}}}\n")
    with pytest.raises(ConfigError, match=r"sim\.lob\.fees"):
        build_trials(load([path], {}, {}))
