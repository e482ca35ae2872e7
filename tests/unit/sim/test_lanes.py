"""Lanes carry the bits of the scalar kernel, whatever stands beside them.

Covers ethpredict.sim._lane_kernels (run_lanes with tick_rows and place_lanes),
_lane_quote_kernels (linear_lanes, aim_lanes and exact_lanes), _lane_account_kernels (fill_lanes,
mark_lanes and close_lanes), _quote_kernels (fit_terms, epoch_terms and drift_rows) and
quoting._kernels.share_reached (short_share and doubled_share).
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import mpmath
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpredict.quoting._kernels import share_reached
from ethpredict.sim import pack
from ethpredict.sim._path_kernels import drawdown_path
from ethpredict.sim.kept import Kept
from ethpredict.sim.lane_settings import LaneRows, lane_key, lane_motion, read_lane
from ethpredict.sim.lanes import LANES, simulate_lanes
from ethpredict.sim.pack import simulate_pack, simulate_run
from ethpredict.sim.quotes import Lattices
from ethpredict.sim.rows import Ints, MarketRows, PathRows, market_rows, path_rows
from ethpredict.sim.run import Run

EXACT: list[dict[str, Any]] = [
    {},
    {"quoting__gamma": 0.3, "quoting__zeta": 0.1, "quoting__inventory_target": -2.5},
    {"quoting__gamma": 1e-4, "quoting__order_size": 0.7, "quoting__max_inventory": 3.0},
    {"quoting__alpha": "off"},
    {"quoting__alpha": "shift", "quoting__confidence": "payoff"},
    {"quoting__confidence": "linear", "quoting__max_half_spread_bps": 9.0},
    {"quoting__horizon": 1800.0},
    {"quoting__horizon": 7200.0, "quoting__gamma": 0.05},
]
CASES: list[dict[str, Any]] = [
    {},
    {"quoting__alpha": "off", "sim__latency_ms": 299_000},
    {"quoting__alpha": "shift"},
    {"quoting__zeta": 0.0, "quoting__gamma": 0.3},
    {"quoting__gamma": 0.5, "quoting__order_size": 2.5, "sim__lob__maker_fee_bps": -1.0},
    {"quoting__gamma": 1e-6, "sim__lob__participation": 0.002},
    {"quoting__max_inventory": 1.0, "sim__lob__penetration_ticks": 12},
    {"quoting__max_half_spread_bps": 4.0, "quoting__inventory_target": 3.0},
    {"quoting__strategy": "avellaneda_stoikov", "quoting__time_left": 900.0},
    {"quoting__strategy": "avellaneda_stoikov", "quoting__time_left": 1e5, "quoting__gamma": 1.0},
    {"quoting__strategy": "fixed_spread", "quoting__half_spread_bps": 7.0},
    {"quoting__strategy": "fixed_spread", "quoting__half_spread_bps": 0.0},
]


def runs_of(make_member: Any, cases: list[dict[str, Any]]) -> list[Run]:
    return [
        Run.from_member(make_member(f"r{i}", **({"quoting__strategy": "glft"} | case)))
        for i, case in enumerate(cases)
    ]


def play(runs: list[Run], market: MarketRows, path: PathRows, kept: Ints) -> list[Kept]:
    """All runs in lanes of their keys, in their order."""
    rows = LaneRows.of(market, path)
    read = [read_lane(run, rows) for run in runs]
    found: dict[str, Kept] = {}
    for key in dict.fromkeys(lane.key for lane in read):
        group = [lane for lane in read if lane.key == key]
        results = simulate_lanes(group, rows, lane_motion(group[0].run, rows), kept, Lattices())
        found |= {lane.run.run_id: one for lane, one in zip(group, results, strict=True)}
    return [found[run.run_id] for run in runs]


@pytest.mark.parametrize("seed", [1, 2])
def test_lane_parity_with_the_scalar_run(seed: int, make_market: Any, make_member: Any) -> None:
    bars, blocks, quote_path = make_market(n=400, seed=seed)
    market = market_rows(bars, blocks, 0, len(bars) - 1)
    path = path_rows(quote_path, market.close)
    kept = np.array([0, 1, 57, 200, 398, 399])
    exact = [
        {"quoting__strategy": "glft_exact", "quoting__max_inventory": 4.0} | case for case in EXACT
    ]
    runs = runs_of(make_member, [*CASES, *exact])
    for run, lane in zip(runs, play(runs, market, path, kept), strict=True):
        alone = simulate_run(run, market, path, Lattices())
        below = np.empty(len(market.close))
        largest, water = drawdown_path(alone.equity, alone.final, market.seconds, below)
        assert np.array_equal(lane.accounts, alone.accounts), run.settings
        assert np.array_equal(lane.equity, alone.equity[kept])
        assert np.array_equal(lane.inventory, alone.inventory[kept])
        assert np.array_equal(lane.below, below[kept])
        assert (lane.largest, lane.under_water) == (largest, water)


def test_lane_parity_with_drawn_settings(make_market: Any, make_member: Any) -> None:
    """Settings all over their ranges, also ones that fill in most rows or reach the limit."""
    bars, blocks, quote_path = make_market(n=250, seed=9)
    market = market_rows(bars, blocks, 0, len(bars) - 1)
    path, kept, rng = (
        path_rows(quote_path, market.close),
        np.array([3, 249]),
        np.random.default_rng(7),
    )
    cases = [
        {
            "quoting__strategy": str(rng.choice(["glft", "avellaneda_stoikov"])),
            "quoting__gamma": float(10.0 ** rng.uniform(-5, 1)),
            "quoting__order_size": float(rng.choice([0.3, 1.0, 2.5])),
            "quoting__max_inventory": float(rng.choice([3.0, 5.0, 20.0])),
            "quoting__inventory_target": float(rng.uniform(-1.5, 1.5)),
            "quoting__min_half_spread_bps": float(rng.choice([0.0, rng.uniform(0, 30)])),
            "sim__lob__maker_fee_bps": float(rng.uniform(-2, 5)),
            "sim__lob__tick_size": float(rng.choice([0.01, 0.05])),
            "sim__lob__participation": float(rng.choice([0.01, 0.1])),
            "sim__latency_ms": int(rng.choice([50, 200_000])),
        }
        for _ in range(64)
    ]
    runs = runs_of(make_member, cases)
    for run, lane in zip(runs, play(runs, market, path, kept), strict=True):
        alone = simulate_run(run, market, path, Lattices())
        assert np.array_equal(lane.accounts, alone.accounts), run.settings
        assert np.array_equal(lane.equity, alone.equity[kept])


def test_lane_parity_where_every_row_has_its_own_fit(make_market: Any, make_member: Any) -> None:
    """A, k and xi change from row to row, and some are missing."""
    bars, blocks, quote_path = make_market(n=120, seed=8)
    market, rng = market_rows(bars, blocks, 0, len(bars) - 1), np.random.default_rng(8)
    path = path_rows(quote_path, market.close)
    changed = {name: getattr(path, name) * rng.uniform(0.8, 1.25, 120) for name in ("A", "k", "xi")}
    changed["A"][[40, 41, 90]] = np.nan
    path, kept = dataclasses.replace(path, **changed), np.arange(120)
    exact = {"quoting__strategy": "glft_exact", "quoting__max_inventory": 4.0}
    runs = runs_of(make_member, [{}, exact, exact | {"quoting__horizon": 1800.0}])
    for run, lane in zip(runs, play(runs, market, path, kept), strict=True):
        alone = simulate_run(run, market, path, Lattices())
        assert np.array_equal(lane.accounts, alone.accounts)
        assert np.array_equal(lane.equity, alone.equity)


def test_a_pack_gives_the_same_tables_in_lanes_and_alone(
    make_market: Any, make_member: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bars, blocks, quote_path = make_market(n=300, seed=6)
    cases = [*CASES, {"quoting__strategy": "glft_exact"}, {"quoting__order_size": 99.0}]
    members = [
        make_member(f"r{i:02d}", **({"quoting__strategy": "glft"} | case))
        for i, case in enumerate(cases)
    ]
    together = simulate_pack(bars, blocks, quote_path, members)
    monkeypatch.setattr(pack, "play_lanes", lambda *_: {})
    alone = simulate_pack(bars, blocks, quote_path, members)
    assert (together.metrics["status"] == "ok").sum() == len(cases) - 1
    for name in ("metrics", "equity", "daily"):
        pd.testing.assert_frame_equal(
            getattr(together, name), getattr(alone, name), check_exact=True
        )


def test_a_missing_probability_fails_its_runs_and_no_other(
    make_market: Any, make_member: Any
) -> None:
    bars, blocks, quote_path = make_market(n=100, seed=6)
    cases = [{"quoting__confidence": "payoff"}, {}]
    members = [
        make_member(f"r{i}", quoting__strategy="glft", **case) for i, case in enumerate(cases)
    ]
    found = simulate_pack(bars, blocks, quote_path.assign(p=np.nan), members).metrics
    assert found["status"].tolist() == ["failed", "ok"]
    assert "quoting.confidence" in found["error"][0]


def test_a_lane_does_not_see_its_neighbours(make_market: Any, make_member: Any) -> None:
    bars, blocks, quote_path = make_market(n=150, seed=4)
    market = market_rows(bars, blocks, 0, len(bars) - 1)
    path, kept = path_rows(quote_path, market.close), np.arange(150)
    runs = runs_of(make_member, [{"quoting__gamma": 10.0**-i} for i in range(6)] * 10)
    assert len(runs) <= LANES
    together = play(runs, market, path, kept)
    backwards = play(runs[::-1], market, path, kept)[::-1]
    for number in (0, 3, 59):
        alone = play([runs[number]], market, path, kept)[0]
        for other in (together[number], backwards[number]):
            assert np.array_equal(alone.accounts, other.accounts)
            assert np.array_equal(alone.equity, other.equity)


@pytest.mark.parametrize(
    "case",
    [
        {"quoting__strategy": "hold"},
        {"sim__venue": "amm"},
        {"quoting__layers__count": 2},
        {"quoting__sizing__mode": "volatility_target"},
        {"quoting__sizing__max_leverage": 1.0},
        {"quoting__inventory_timeout": 600.0},
    ],
)
def test_what_lanes_cannot_do_goes_alone(case: dict[str, Any], make_member: Any) -> None:
    assert lane_key(runs_of(make_member, [case])[0]) is None


@given(st.floats(1e-300, 1e6) | st.floats(1e-300, 1e-9))
def test_share_reached_is_one_minus_the_exponential(x: float) -> None:
    exact = -mpmath.expm1(-mpmath.mpf(x))
    assert share_reached(x) == pytest.approx(float(exact), rel=4e-15, abs=0.0)


def test_share_reached_at_its_ends() -> None:
    assert share_reached(0.0) == 0.0
    assert share_reached(math.inf) == 1.0
    assert math.isnan(share_reached(math.nan))
