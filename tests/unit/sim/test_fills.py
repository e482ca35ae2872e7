"""Hand-made cases of the order book at fidelity 0."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpredict.sim import simulate_pack
from ethpredict.sim._lob_kernels import fill_lots, quote_ticks, row_fill

SECOND = 1_000_000_000
# Reference 100, half spread 1 % -> bid 99, ask 101; one lot of 0.1 ETH; 2 ETH a side trade per bar.
BASE = {
    "quoting__strategy": "fixed_spread",
    "quoting__half_spread_bps": 100.0,
    "quoting__order_size": 1.0,
    "quoting__max_inventory": 2.0,
    "sim__latency_ms": 0,
    "sim__lob__tick_size": 0.1,
    "sim__lob__lot_size": 0.1,
    "sim__lob__participation": 1.0,
    "sim__lob__maker_fee_bps": 10.0,
    "sim__lob__taker_fee_bps": 50.0,
}


def play(rows: list[dict], make_member: Any, **changes: Any) -> Any:
    """Simulate 10 s bars; each row gives what differs from a flat bar at 100."""
    n = len(rows)
    ts = np.arange(n, dtype=np.int64) * 10 * SECOND
    flat = {"open": 100.0, "high": 100.0, "low": 100.0, "close": 100.0, "volume": 4.0}
    flat |= {"taker_buy_volume": 2.0, "gap": False}
    bars = pd.DataFrame([flat | row for row in rows])
    bars = bars.assign(ts_open=ts, ts_close=ts + 10 * SECOND, quote_volume=0.0, trades=np.nan)
    path = pd.DataFrame(
        {
            "quote_id": "q",
            "row": np.arange(n),
            "ts": bars["ts_close"],
            "segment": 0,
            **dict.fromkeys(("sigma", "A", "k", "xi", "m", "horizon_s"), 1.0),
            "t_pred": bars["ts_close"],
        }
    )
    blocks = pd.DataFrame({"ts": [], "base_fee_wei": []})
    result = simulate_pack(bars, blocks, path, [make_member(**(BASE | changes))], detail=True)
    metrics = result.metrics.iloc[0]
    assert metrics["error"] == ""
    return metrics, result.paths


def fills(rows: list[dict], make_member: Any, **changes: Any) -> list[float]:
    return [round(x, 9) for x in play(rows, make_member, **changes)[1]["fills"]]


def test_touch_never_fills_and_penetration_does(make_member: Any) -> None:
    touch, through = {"low": 99.0}, {"low": 98.9}
    assert fills([{}, touch, {}], make_member) == [0, 0, 0]
    assert fills([{}, through, {}], make_member) == [0, 1, 0]
    assert fills([{}, {"high": 101.0}, {}], make_member) == [0, 0, 0]
    assert fills([{}, {"high": 101.1}, {}], make_member) == [0, -1, 0]
    assert fills([{}, {"low": 98.9}], make_member, sim__lob__penetration_ticks=2) == [0, 0]
    assert fills([{}, {"low": 98.8}], make_member, sim__lob__penetration_ticks=2) == [0, 1]


def test_first_row_has_no_quote(make_member: Any) -> None:
    assert fills([{"low": 90.0}, {}], make_member) == [0, 0]


def test_fill_is_at_own_price_with_its_parts(make_member: Any) -> None:
    last = dict.fromkeys(("open", "high", "low"), 95.0) | {"close": 96.0}
    metrics, path = play([{}, {"low": 90.0, "close": 95.0}, last], make_member)
    assert path["bid"].tolist()[1] == pytest.approx(99.0)
    assert metrics["pnl_spread"] == pytest.approx(1.0 * (100.0 - 99.0))
    assert metrics["pnl_inventory"] == pytest.approx(95.0 - 100.0 + 96.0 - 95.0)
    assert metrics["pnl_fees"] == pytest.approx(-99.0 * 1e-3)
    assert metrics["pnl_liquidation"] == pytest.approx(-96.0 * 5e-3)
    assert metrics["pnl"] == pytest.approx(96.0 - 99.0 - 0.099 - 0.48)
    assert metrics["n_fills"] == metrics["n_buys"] == 1
    assert metrics["notional"] == pytest.approx(99.0)


def test_both_sides_penetrated_only_the_worse_fills(make_member: Any) -> None:
    wide = {"low": 98.0, "high": 102.0}
    assert fills([{}, wide | {"close": 99.5}], make_member) == [0, 1]  # the bid lost more
    assert fills([{}, wide | {"close": 100.5}], make_member) == [0, -1]
    assert fills([{}, wide | {"close": 100.0}], make_member) == [0, 1]


def test_gap_cancels_quotes(make_member: Any) -> None:
    assert fills([{}, {"low": 90.0, "gap": True}, {"low": 90.0}], make_member) == [0, 0, 1]


def test_limits_stop_a_side(make_member: Any) -> None:
    falling = [{"low": 50.0, "high": 100.0}] * 5
    metrics, path = play([{}, *falling], make_member)
    assert path["fills"].round(9).tolist() == [0, 1, 1, 0, 0, 0]
    assert path["bid"].isna().tolist() == [True, False, False, True, True, True]
    assert path["ask"].isna().tolist() == [True] + [False] * 5
    assert metrics["time_at_limit"] == pytest.approx(4 / 6)
    assert metrics["mean_abs_inventory"] == pytest.approx((1 + 2 * 4) / 6)


def test_size_is_a_share_of_the_opposite_volume(make_member: Any) -> None:
    dip = {"low": 98.0, "volume": 4.0, "taker_buy_volume": 3.5}  # 0.5 ETH sold
    assert fills([{}, dip], make_member) == [0, 0.5]
    assert fills([{}, dip], make_member, sim__lob__participation=0.5) == [0, 0.2]
    assert fills([{}, dip | {"taker_buy_volume": np.nan, "volume": 0.6}], make_member) == [0, 0.3]
    peak = {"high": 102.0, "volume": 4.0, "taker_buy_volume": 0.7}
    assert fills([{}, peak], make_member) == [0, -0.7]


def test_latency_takes_its_share_of_the_row(make_member: Any) -> None:
    dip = {"low": 98.0, "volume": 2.0, "taker_buy_volume": 1.0}
    assert fills([{}, dip], make_member, sim__latency_ms=2_500) == [0, 0.7]
    assert fills([{}, dip], make_member, sim__latency_ms=10_000) == [0, 0]
    assert fills([{}, dip], make_member, sim__latency_ms=60_000) == [0, 0]


def test_hold_buys_once_as_taker(make_member: Any) -> None:
    rows = [{}, {"gap": True, "close": 101.0}, {"close": 102.0}, {"close": 110.0}]
    metrics, path = play(rows, make_member, quoting__strategy="hold")
    assert path["fills"].tolist() == [0, 0, 2, 0]
    assert metrics["pnl_fees"] == pytest.approx(-2 * 101.0 * 5e-3)
    assert metrics["pnl_inventory"] == pytest.approx(2 * (110.0 - 101.0))
    assert metrics["pnl_liquidation"] == pytest.approx(-2 * 110.0 * 5e-3)


def test_hit_ratio_counts_closing_fills_after_fees(make_member: Any) -> None:
    rows = [{}, {"low": 98.0}, {"high": 102.0}, {}]
    assert play(rows, make_member)[0]["hit_ratio"] == 1.0
    assert play(rows, make_member, sim__lob__maker_fee_bps=150.0)[0]["hit_ratio"] == 0.0


@given(
    st.floats(10.0, 1e4),
    st.floats(-100.0, 100.0),
    st.floats(-100.0, 100.0),
    st.floats(0.0, 5.0),
    st.sampled_from([0.01, 0.1, 0.5]),
)
def test_quote_ticks_are_outward_and_post_only(
    mid: float, below: float, above: float, least: float, tick: float
) -> None:
    bid, ask = quote_ticks(mid, below, above, least, tick)
    assert ask * tick > mid - 1e-6 * tick
    assert ask * tick >= mid + max(above, least) - 1e-6
    if bid:
        assert bid * tick < mid + 1e-6 * tick
        assert bid * tick <= mid - max(below, least) + 1e-6
        assert bid < ask
    else:
        assert mid - max(below, least) < tick + 1e-6
    assert quote_ticks(mid, np.nan, above, least, tick) == (0, 0)


def test_kernels_on_whole_numbers() -> None:
    assert fill_lots(10, 2.0, 0.25, 0.1) == 5
    assert fill_lots(10, 0.3, 1.0, 0.1) == 3  # 0.3/0.1 is 2.9999999999999996
    assert row_fill(0, 0, 1.0, 1e6, 5.0, 3, 4, 0.1, 1) == 0
    assert row_fill(990, 1010, 98.9, 100.0, 99.0, 3, 4, 0.1, 1) == 3
