"""Hand-made cases of the order book at fidelity 0."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpredict.sim import simulate_pack
from ethpredict.sim._lob_kernels import filled_side, layer_ticks, order_lots
from ethpredict.sim._quote_kernels import bounded_distance

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
            **dict.fromkeys(
                ("sigma", "A", "k", "xi", "m", "p", "gain", "loss", "base_rate", "horizon_s"), 1.0
            ),
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


def test_a_touch_fills_in_the_bracket_of_the_best_trials_only(make_member: Any) -> None:
    def touched(**changes: Any) -> dict:
        member = make_member(**changes)
        member["settings"]["sim"]["lob"]["fill"] = "touch"
        return member

    for row, fill in (({"low": 99.0}, 1), ({"low": 99.1}, 0), ({"high": 101.0}, -1)):
        assert fills([{}, row, {}], touched) == [0, fill, 0]
    # What a study plans has no such setting at bars.
    assert "fill" not in make_member(sim__lob__fill="touch")["settings"]["sim"]["lob"]


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
    below, above = (bounded_distance(x, least, 50.0) for x in (below, above))
    bid, ask = layer_ticks(mid, mid, below, above, tick)
    assert ask * tick > mid - 1e-6 * tick
    assert ask * tick >= mid + above - 1e-6
    if bid:
        assert bid * tick < mid + 1e-6 * tick
        assert bid * tick <= mid - below + 1e-6
        assert bid < ask
    else:
        assert mid - below < tick + 1e-6
    assert layer_ticks(mid, mid, np.nan, above, tick) == (0, 0)


def test_kernels_on_whole_numbers() -> None:
    assert order_lots(10, 10, True) == order_lots(10, 10, False) == 10
    assert (order_lots(10, 4, True), order_lots(10, 4, False), order_lots(10, -1, False)) == (
        0,
        4,
        0,
    )
    assert filled_side(0, 0, 1.0, 1e6, 5.0, 0.1, 1) == 0
    assert filled_side(990, 1010, 98.9, 100.0, 99.0, 0.1, 1) == 1
    assert np.isnan(bounded_distance(np.nan, 0.0, 1.0))


LAYERED = {"quoting__layers__count": 2, "quoting__layers__step_bps": 100.0}


def test_layers_fill_from_the_nearest_outwards(make_member: Any) -> None:
    """Bids at 99 and 98, one lot of 1 ETH each, 2 ETH sold in a bar."""
    assert fills([{}, {"low": 98.5}], make_member, **LAYERED) == [0, 1]
    metrics, path = play([{}, {"low": 97.9}, {}], make_member, **LAYERED)
    assert path["fills"].round(9).tolist() == [0, 2, 0]
    assert metrics["pnl_spread"] == pytest.approx(1.0 + 2.0)
    assert metrics["n_buys"] == 2
    assert path["bid"].isna().tolist() == [True, False, True]  # both layers filled: at the limit
    scarce = {"low": 97.9, "taker_buy_volume": 2.5}  # 1.5 ETH sold
    assert fills([{}, scarce], make_member, **LAYERED) == [0, 1.5]
    assert fills([{}, {"low": 97.9}], make_member, **LAYERED, quoting__max_inventory=1.0) == [0, 1]


def test_old_position_is_closed_as_a_taker(make_member: Any) -> None:
    """Bought in row 1; 10 s a row, older than 15 s at the close of row 3."""
    rows = [{}, {"low": 98.9}, {}, {}, {}, {}]
    metrics, path = play(rows, make_member, quoting__inventory_timeout=15.0)
    assert path["fills"].round(9).tolist() == [0, 1, 0, 0, -1, 0]
    assert metrics["n_timeouts"] == 1
    assert metrics["pnl_fees"] == pytest.approx(-99.0 * 1e-3 - 100.0 * 5e-3)
    assert metrics["pnl"] == pytest.approx(1.0 - 0.099 - 0.5)


def test_leverage_bounds_the_position(make_member: Any) -> None:
    """100 USD of capital: half of it is 0.5 ETH; after a loss of nearly all, nothing."""
    falling = [{"low": 98.0}, {"low": 98.0}]
    small = {"quoting__sizing__capital": 100.0, "quoting__sizing__max_leverage": 0.5}
    assert fills([{}, *falling], make_member, **small) == [0, 0.5, 0]
    crash = [{"low": 50.0, "close": 1.0, "open": 100.0}, {"low": 0.9, "high": 1.5, "close": 1.0}]
    poor = {"quoting__sizing__capital": 80.0, "quoting__sizing__max_leverage": 2.0}
    _metrics, path = play([{}, *crash], make_member, **poor)
    assert path["fills"].iloc[1] == 1.0
    assert np.isnan(path["bid"].iloc[2])


def test_volatility_target_sets_the_limit(make_member: Any) -> None:
    """sigma 1 USD/sqrt(s), 200 USD, 0.8 a day: 160/sqrt(86400) = 0.544 ETH."""
    sized = {
        "quoting__sizing__mode": "volatility_target",
        "quoting__sizing__target": 0.8,
        "quoting__sizing__capital": 200.0,
    }
    assert fills([{}, {"low": 98.0}, {"low": 98.0}], make_member, **sized) == [0, 0.5, 0]


def test_target_moves_nothing_but_solved_quotes(make_member: Any) -> None:
    whole = play([{}, {}, {}], make_member)[1]
    moved = play([{}, {}, {}], make_member, quoting__inventory_target=1.0)[1]
    pd.testing.assert_frame_equal(whole, moved)
