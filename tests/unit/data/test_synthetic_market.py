"""Tables of the synthetic market: layout, identities, and a past that more days do not change."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ethpredict.data.market import (
    Market,
    empty_blocks,
    empty_candles,
    empty_pool_events,
    empty_trades,
)
from ethpredict.data.synthetic import generate, mid_path, planted_drift, planted_signal, reference
from ethpredict.data.synthetic.settings import read_settings
from ethpredict.data.synthetic.simulation import run_days
from ethpredict.errors import ConfigError
from tests.unit.data.synthetic_markets import settings

DAY_NS = 86_400 * 10**9
TABLES = ("candles", "trades", "pool_events", "blocks")


@pytest.fixture(scope="module")
def market() -> Market:
    """Three days of the default."""
    return generate(settings(days=3))


def test_layout_is_canonical(market: Market) -> None:
    empty = (empty_candles(), empty_trades(), empty_pool_events(), empty_blocks())
    for name, like in zip(TABLES, empty, strict=True):
        table = getattr(market, name)
        assert len(table) > 0
        pd.testing.assert_series_equal(table.dtypes, like.dtypes)
        assert table.index.equals(pd.RangeIndex(len(table)))
    assert len(market.candles) == 3 * 288
    assert len(market.quarantined) == 0
    assert not market.candles["gap"].any()


@pytest.mark.parametrize("interval", ["5m", "1h"])
def test_more_days_keep_the_earlier_days(interval: str) -> None:
    short = generate(settings(days=2, interval=interval))
    long = generate(settings(days=4, interval=interval))
    for name in TABLES:
        first, all_days = getattr(short, name), getattr(long, name)
        assert len(first) < len(all_days)
        pd.testing.assert_frame_equal(first, all_days.iloc[: len(first)], check_exact=True)
        ts = "ts_open" if name == "candles" else "ts"
        assert all_days[ts].iloc[len(first)] >= read_settings(settings()).start_ns + 2 * DAY_NS


def test_same_seed_same_market_other_seed_other_market(market: Market) -> None:
    again, other = generate(settings(days=3)), generate(settings(days=3, seed=8))
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(market, name), getattr(again, name), check_exact=True)
    assert market.truth == again.truth
    assert not np.array_equal(market.candles["close"], other.candles["close"])


def test_candles_are_the_trades(market: Market) -> None:
    trades, candles = market.trades, market.candles
    row = np.searchsorted(candles["ts_open"].to_numpy(), trades["ts"], side="right") - 1
    groups = trades.groupby(row)
    ohlc = groups["price"].agg(["first", "max", "min", "last"]).reindex(candles.index)
    traded = ohlc["first"].notna()
    assert traded.mean() > 0.99
    np.testing.assert_array_equal(
        candles.loc[traded, ["open", "high", "low", "close"]], ohlc[traded]
    )
    sums = pd.DataFrame(
        {
            "volume": groups["size"].sum(),
            "quote_volume": (trades["price"] * trades["size"]).groupby(row).sum(),
            "trades": groups.size(),
            "taker_buy_volume": trades["size"]
            .where(trades["aggressor_side"] > 0, 0)
            .groupby(row)
            .sum(),
        }
    ).reindex(candles.index, fill_value=0.0)
    np.testing.assert_allclose(candles[sums.columns], sums, rtol=1e-12)
    assert (candles["trades"] == sums["trades"]).all()


def test_trades_are_in_order_and_on_the_grid(market: Market) -> None:
    trades = market.trades
    assert (np.diff(trades["ts"]) > 0).all()
    assert trades["id"].tolist() == list(range(1, len(trades) + 1))
    assert set(trades["aggressor_side"]) == {-1, 1}
    assert market.truth is not None
    for column, step in (("price", "tick"), ("size", "lot")):
        units = trades[column] / market.truth["flow"][step]
        np.testing.assert_allclose(units, units.round(), atol=1e-6)
        assert (units.round() >= 1).all()


def test_a_candle_without_trades_is_flat() -> None:
    quiet = generate(settings(days=2, interval="1m", trades_per_day=200.0)).candles
    empty = quiet["trades"].to_numpy() == 0
    assert 0.5 < empty.mean() < 1
    rows = np.flatnonzero(empty)
    before = np.where(rows > 0, quiet["close"].to_numpy()[rows - 1], 3000.0)
    for column in ("open", "high", "low", "close"):
        np.testing.assert_array_equal(quiet[column].to_numpy()[rows], before)
    assert (quiet.loc[empty, ["volume", "quote_volume", "taker_buy_volume"]] == 0).all(axis=None)


def test_blocks_follow_eip_1559(market: Market) -> None:
    blocks = market.blocks
    assert (np.diff(blocks["ts"]) == 12 * 10**9).all()
    assert (np.diff(blocks["number"]) == 1).all()
    assert (blocks["gas_used"] <= blocks["gas_limit"]).all()
    fee = int(blocks["base_fee_wei"].iloc[0])
    for row in blocks.iloc[:2_000].itertuples():
        assert row.base_fee_wei == fee
        fee = reference.next_base_fee(fee, int(row.gas_used), int(row.gas_limit))
    level = blocks["base_fee_wei"] / 2e9
    assert 0.4 < level.median() < 2.5
    tips = blocks[["tip_p10", "tip_p50", "tip_p90"]].dropna().to_numpy()
    assert len(tips) > 0.999 * len(blocks)
    assert (np.diff(tips, axis=1) >= 0).all()


def test_a_fractional_block_time_tiles_the_days() -> None:
    blocks = generate(settings(days=2, block_time=7.3, trades_per_day=100.0)).blocks
    assert (np.diff(blocks["ts"]) == 7_300_000_000).all()
    assert (
        blocks["ts"].iloc[-1] < blocks["ts"].iloc[0] + 2 * DAY_NS <= blocks["ts"].iloc[-1] + 7.3e9
    )


@pytest.mark.parametrize("fee_bps", [5, 30])
def test_pool_obeys_its_curve_and_its_band(fee_bps: int) -> None:
    given_settings = settings(days=2, pool_fee_bps=fee_bps, trades_per_day=100.0)
    pool = generate(given_settings).pool_events
    market = read_settings(given_settings)
    ts, mid = mid_path(given_settings)
    before = pd.DataFrame(
        {
            "reserve0": market.pool_liquidity / 2 / market.price,
            "reserve1": market.pool_liquidity / 2,
        },
        index=[-1],
    )
    reserves = pd.concat([before, pool[["reserve0", "reserve1"]]]).to_numpy()
    for j in (0, 1):
        moved = reserves[:-1, j] + pool[f"amount{j}_in"] - pool[f"amount{j}_out"]
        np.testing.assert_allclose(reserves[1:, j], moved, rtol=1e-14)
    product = reserves.prod(axis=1)
    assert (np.diff(product) > 0).all()  # the fee stays in the pool
    arbitrage = np.concatenate([day.pool.arbitrage for day in run_days(market)])
    assert 20 < arbitrage.sum() < len(arbitrage)
    here = mid[(pool["ts"].to_numpy() - ts[0]) // 10**9]
    off = np.abs(np.log(pool["reserve1"] / pool["reserve0"] / here))
    band = -np.log1p(-fee_bps * 1e-4)
    assert off[arbitrage].max() <= band + 1e-12
    order = pool[["block", "log_index"]].to_numpy()
    new_block = np.diff(order[:, 0]) > 0
    assert (order[1:, 1][new_block] == 0).all()
    assert (np.diff(order[:, 1])[~new_block] == 1).all()


@pytest.mark.parametrize("interval", ["1m", "4h", "1d"])
def test_drift_is_a_function_of_past_candles(interval: str) -> None:
    given_settings = settings(days=3, interval=interval, max_gap=86_400.0)
    market = generate(given_settings)
    drift = np.concatenate([d.drift for d in run_days(read_settings(given_settings))])
    assert market.truth is not None
    np.testing.assert_array_equal(planted_drift(market.candles, market.truth), drift)
    cut = len(drift) // 2
    altered = market.candles.copy()
    altered.loc[cut:, "taker_buy_volume"] = 0.0
    np.testing.assert_array_equal(
        planted_signal(altered)[: cut + 1], planted_signal(market.candles)[: cut + 1]
    )


def test_truth_survives_json(market: Market) -> None:
    assert json.loads(json.dumps(market.truth, allow_nan=False)) == market.truth


def test_settings_move_what_they_name(market: Market) -> None:
    start = generate(settings(days=2, start="2024-06-01 12:00", symbol="BTCUSDT")).candles
    assert start["ts_open"].iloc[0] == pd.Timestamp("2024-06-01 12:00", tz="UTC").value
    busy = generate(settings(days=3, trades_per_day=40_000.0))
    assert len(busy.trades) / len(market.trades) == pytest.approx(2, rel=0.05)
    none = generate(settings(days=2, jumps_per_day=0.0, pool_turnover=0.0, trades_per_day=100.0))
    assert none.truth is not None
    assert none.truth["jumps"]["sd"] == 0
    assert len(none.pool_events) == none.truth["pool"]["arbitrages"]


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"start": "2025-01-01 00:01"}, "data.start"),
        ({"max_gap": 60.0}, "data.max_gap"),
        ({"price": 10.0}, "data.synthetic.fill_decay"),
        ({"interval": "7m"}, "data.interval"),
        ({"book": "l2", "limits_per_trade": 1001.0}, "data.synthetic.limits_per_trade"),
    ],
)
def test_settings_that_do_not_fit_are_refused(changes: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigError) as refused:
        generate(settings(**changes))
    assert refused.value.key == key


def test_a_missing_setting_is_named() -> None:
    given_settings = settings()
    del given_settings["data"]["synthetic"]["fill_decay"]
    with pytest.raises(ConfigError, match=r"data\.synthetic\.fill_decay"):
        generate(given_settings)
