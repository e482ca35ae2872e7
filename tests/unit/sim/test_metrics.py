"""P&L identity, objective, daily returns, drawdown, markouts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ethpredict.errors import TrialError
from ethpredict.sim import METRICS, PNL_PARTS, simulate_pack
from ethpredict.sim import _account_kernels as acc
from ethpredict.sim.metrics import Outcome, pnl_parts, return_ratios
from ethpredict.sim.rows import market_rows

DAY = 86_400 * 10**9


@settings(max_examples=25)
@given(
    seed=st.integers(0, 10_000),
    venue=st.sampled_from(["lob", "amm"]),
    strategy=st.sampled_from(["glft", "glft", "fixed_spread", "hold"]),
    gamma=st.sampled_from([1e-6, 1e-3, 0.01, 1.0]),
    order=st.floats(0.01, 5.0),
    limit=st.floats(5.0, 50.0),
    fee=st.floats(-5.0, 50.0),
    replicate=st.integers(0, 3),
)
def test_parts_sum_to_the_total(
    make_market: Any,
    make_member: Any,
    seed: int,
    venue: str,
    strategy: str,
    gamma: float,
    order: float,
    limit: float,
    fee: float,
    replicate: int,
) -> None:
    """The identity, and the total recomputed from fills, prices and fees alone."""
    strategy = "glft" if venue == "amm" and strategy == "fixed_spread" else strategy
    market = make_market(n=150, seed=seed)
    member = make_member(
        replicate=replicate,
        sim__venue=venue,
        quoting__strategy=strategy,
        quoting__gamma=gamma,
        quoting__order_size=order,
        quoting__max_inventory=limit,
        sim__lob__maker_fee_bps=fee,
    )
    result = simulate_pack(*market, [member], detail=True)
    row, path = result.metrics.iloc[0], result.paths
    assert row["error"] == ""
    parts = math.fsum(row[name] for name in PNL_PARTS)
    assert abs(parts - row["pnl"]) <= 1e-9 * max(1.0, row["notional"])
    assert result.equity["equity"].iloc[-1] == row["pnl"]
    assert result.daily["pnl"].sum() == pytest.approx(row["pnl"], abs=1e-6)
    assert row["pnl_1k"] == pytest.approx(1000 * row["pnl"] / (row["capital"] * row["days"]))
    equity = path["cash"] + path["inventory"] * path["mid"]
    assert np.allclose(equity, path["equity"], rtol=0, atol=1e-6)
    assert np.allclose(path["fills"].cumsum(), path["inventory"], atol=1e-9)
    last = path["equity"].iloc[-1] + row["pnl_liquidation"]
    assert last == pytest.approx(row["pnl"], abs=1e-6)
    if venue == "lob" and strategy != "hold":
        price = np.where(path["fills"] > 0, path["bid"], path["ask"])
        value = np.nan_to_num(price) * path["fills"]
        cash = -(value + np.abs(value) * fee * 1e-4).sum()
        assert path["cash"].iloc[-1] == pytest.approx(cash, abs=1e-6)


@pytest.mark.parametrize("venue", ["lob", "amm"])
def test_no_trade_is_exactly_zero(venue: str, make_market: Any, make_member: Any) -> None:
    member = make_member(sim__venue=venue, quoting__strategy="none")
    result = simulate_pack(*make_market(n=300), [member], detail=True)
    row = result.metrics.iloc[0]
    zeros = ["pnl", *PNL_PARTS, "pnl_1k", "n_fills", "n_sent", "max_drawdown", "time_at_limit"]
    assert (row[zeros] == 0.0).all()
    assert (result.paths[["fills", "inventory", "cash", "equity"]] == 0.0).all(axis=None)
    assert (result.daily["pnl"] == 0.0).all()
    assert row["capital"] > 0


def test_a_segment_of_one_bar_without_length(make_market: Any, make_member: Any) -> None:
    """All its trades stand in one nanosecond: no time passes, and no number is divided by it."""
    bars, blocks, paths = make_market(n=1, flaws=False)
    bars["ts_open"] = bars["ts_close"]
    runs = [
        make_member(venue, sim__venue=venue, quoting__strategy="glft") for venue in ("lob", "amm")
    ]
    metrics = simulate_pack(bars, blocks, paths, runs).metrics
    assert (metrics["status"] == "ok").all()
    assert (metrics[["pnl", "pnl_1k", "turnover", "mean_abs_inventory"]] == 0.0).all(axis=None)


def test_a_broken_identity_is_refused() -> None:
    accounts = np.zeros(acc.N_ACCOUNTS)
    accounts[[acc.SPREAD, acc.CASH]] = 1.0, 1.1
    one = np.zeros(1)
    with pytest.raises(TrialError, match="miss its total"):
        pnl_parts("r", Outcome(accounts, one, one, np.empty((0, 0))))
    accounts[acc.CASH] = np.nan
    with pytest.raises(TrialError, match="miss its total"):
        pnl_parts("r", Outcome(accounts, one, one, np.empty((0, 0))))
    accounts[acc.STUCK] = 1.0
    with pytest.raises(TrialError, match=r"sim\.amm\.liquidity"):
        pnl_parts("r", Outcome(accounts, one, one, np.empty((0, 0))))


def test_ratios_by_hand() -> None:
    short = return_ratios(np.full(29, 0.1), 0.5)
    assert all(math.isnan(value) for value in short.values())
    returns = np.tile([0.02, -0.01], 20)
    found = return_ratios(returns, 0.05)
    assert found["sharpe"] == pytest.approx(math.sqrt(365) * 0.005 / np.std(returns, ddof=1))
    assert found["sortino"] == pytest.approx(math.sqrt(365) * 0.005 / math.sqrt(0.0001 / 2))
    assert found["calmar"] == pytest.approx(365 * 0.005 / 0.05)
    assert math.isnan(return_ratios(np.zeros(40), 0.0)["sharpe"])


def test_daily_table_and_drawdown(make_market: Any, make_member: Any) -> None:
    """Days by UTC, whole span, against the path; 32 days give a Sharpe ratio."""
    market = make_market(n=32 * 24, bar_s=3600, gaps=0.05)
    result = simulate_pack(*market, [make_member(quoting__order_size=0.5)], detail=True)
    path, daily, row = result.paths, result.daily, result.metrics.iloc[0]
    day = (path["ts"] - 1) // DAY
    assert daily["day"].tolist() == list(range(day.min(), day.max() + 1))
    level = path.groupby(day)["equity"].last().reindex(daily["day"]).ffill().to_numpy(copy=True)
    level[-1] = row["pnl"]
    assert np.allclose(np.diff(level, prepend=0.0), daily["pnl"], atol=1e-9)
    returns = daily["per_capital"].to_numpy()
    assert row["sharpe"] == pytest.approx(math.sqrt(365) * returns.mean() / returns.std(ddof=1))
    assert row["days"] == pytest.approx((path["ts"].iloc[-1] - market[0]["ts_open"][0]) / DAY)
    equity = np.append(path["equity"], row["pnl"])
    peak = np.maximum.accumulate(np.maximum(equity, 0.0))
    assert row["max_drawdown"] == pytest.approx((peak - equity).max())
    assert result.equity["drawdown"].iloc[-1] == pytest.approx(peak[-1] - row["pnl"])


def test_equity_table_has_200_points(make_market: Any, make_member: Any) -> None:
    for n in (50, 201, 999):
        result = simulate_pack(*make_market(n=n), [make_member()], detail=True)
        table, path = result.equity, result.paths
        assert table["k"].tolist() == list(range(200))
        at = np.round(np.linspace(0, n - 1, 200)).astype(int)
        assert table["ts"].tolist() == path["ts"].iloc[at].tolist()
        assert table["equity"].tolist()[:-1] == path["equity"].iloc[at].tolist()[:-1]
        assert table["inventory"].iloc[-1] == 0.0


def test_markout_by_hand(make_market: Any, make_member: Any) -> None:
    """One-minute bars: the mid of five bars later, none across a gap or past the end."""
    bars, blocks, paths = make_market(n=400, bar_s=60, gaps=0.02)
    result = simulate_pack(bars, blocks, paths, [make_member()], detail=True)
    path, close, gap = result.paths, bars["close"].to_numpy(), bars["gap"].to_numpy()
    above = below = 0.0
    for j, size in enumerate(path["fills"]):
        if size == 0 or j + 5 >= len(bars) or gap[j + 1 : j + 6].any():
            continue
        price = path["bid"][j] if size > 0 else path["ask"][j]
        above += size * (close[j + 5] - price)
        below += abs(size) * price
    assert below > 0
    assert result.metrics["markout_5m"].iloc[0] == pytest.approx(1e4 * above / below)
    hourly = simulate_pack(*make_market(n=200, bar_s=3600), [make_member()]).metrics
    assert hourly["n_fills"].iloc[0] > 0
    assert math.isnan(hourly["markout_5m"].iloc[0])


def test_rows_are_read_only_and_fees_as_of(make_market: Any) -> None:
    bars, blocks, _ = make_market(n=40, flaws=False)
    rows = market_rows(bars, blocks, 0, 39)
    with pytest.raises(ValueError, match="read-only"):
        rows.close[0] = 1.0
    fees = blocks["base_fee_wei"].to_numpy() * 1e-9
    assert np.isnan(rows.base_fee[:10]).all()
    assert np.array_equal(rows.base_fee[10:], fees)


def test_every_metric_stands_in_the_table(make_market: Any, make_member: Any) -> None:
    table = simulate_pack(*make_market(n=60), [make_member()]).metrics
    assert list(table.columns) == ["run_id", "status", "error", *METRICS]
    assert (table[list(METRICS)].dtypes == np.float64).all()
