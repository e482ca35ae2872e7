"""Bars of real files: the 5m month adds up to the hourly file, real ticks to dollar bars."""

import gzip

import numpy as np
import pandas as pd
import pytest

from ethpredict.bars import bars_from_trades, build, dollar_bars, time_bars
from ethpredict.data import fetch
from ethpredict.data.market import empty_trades


def candles_of(path, interval):
    data = {
        "source": "files",
        "symbol": "ETHUSDT",
        "interval": interval,
        "start": None,
        "end": None,
        "max_gap": 3600.0,
        "on_bad_rows": "quarantine",
        "files": {"candles": str(path)},
    }
    return fetch({"data": data}).candles


@pytest.fixture(scope="module")
def ticks(shared_data):
    """500,000 trades of a future, 415,432 of them at the time of the one before."""
    with gzip.open(shared_data / "ticks/es_ticks_2013-09.csv.gz") as content:
        frame = pd.read_csv(content)
    ts = pd.to_datetime(frame["DateTime"]).dt.as_unit("ns").astype("int64").to_numpy()
    assert (np.diff(ts) == 0).sum() == 415_432
    return ts, frame["Price"].to_numpy(float), frame["Volume"].to_numpy(float)


def test_five_minutes_add_up_to_the_hourly_file(shared_data):
    small = candles_of(shared_data / "klines/ETHUSDT-5m-2024-12.csv", "5m")
    hourly = candles_of(shared_data / "klines/ETHUSDT-1h-2024-2025.csv", "1h")
    made = time_bars(small, "1h", 3600.0)
    assert len(made.bars) == 30 * 24
    expected = hourly[hourly["ts_open"].isin(made.bars["ts_open"])].reset_index(drop=True)
    for column in ("ts_open", "ts_close", "open", "high", "low", "close"):
        assert (made.bars[column] == expected[column]).all(), column
    # Both files print volumes to four digits: the same number after rounding back to those.
    assert (made.bars["volume"].round(4) == expected["volume"]).all()
    # 8,641 candles are 720 hours and the first five minutes of the next.
    assert made.tails["rows"].tolist() == [1]
    assert made.tails["reason"].tolist() == ["end"]
    assert made.missing.sum() == 0


def test_hours_of_the_malformed_file(shared_data):
    candles = candles_of(shared_data / "dirty/ETHUSDT-5m-malformed.csv", "5m")
    made = build(candles, empty_trades(), {"bars": {"kind": "time", "interval": "1h"}}, 3600.0)
    # 16:10 is a late start and 04:50 an early end; between them 83 whole hours.
    assert made.quality["tails"]["by_reason"] == {"end": 1, "start": 1}
    assert made.quality["incomplete"] == {"bars": 0, "missing_candles": 0}
    assert made.quality["rows"] == 83


@pytest.mark.parametrize("threshold", [2e6, 5e7])
def test_real_ticks_to_dollar_bars(ticks, threshold):
    ts, price, size = ticks
    made = bars_from_trades(ts, price, size, threshold, "dollars")
    bars = made.bars
    pd.testing.assert_frame_equal(bars, dollar_bars(ts, price, size, threshold))
    # Prices are quarters and sizes whole: every sum is exact in float64.
    assert bars["volume"].sum() + made.tails["volume"].sum() == size.sum()
    assert bars["quote_volume"].sum() + made.tails["quote_volume"].sum() == price @ size
    assert bars["trades"].sum() + made.tails["rows"].sum() == len(ts)
    # The plain definition again, by the running total of the value since the last close.
    stop = np.cumsum(bars["trades"].to_numpy()).astype(int)
    first = np.concatenate(([0], stop[:-1]))
    value = np.concatenate(([0.0], np.cumsum(price * size)))
    assert (value[stop] - value[first] >= threshold).all()
    assert (value[stop - 1] - value[first] < threshold).all()
    assert (bars["close"].to_numpy() == price[stop - 1]).all()
    assert (bars["high"].to_numpy() == np.maximum.reduceat(price[: stop[-1]], first)).all()
    assert (bars["low"].to_numpy() == np.minimum.reduceat(price[: stop[-1]], first)).all()
    # Known at its last trade; by some nanoseconds later where bars share one time.
    late = bars["ts_close"].to_numpy() - ts[stop - 1]
    assert (late >= 0).all()
    assert late.max() < 1_000
    assert (np.diff(bars["ts_close"]) > 0).all()
    assert (np.diff(bars["ts_open"]) > 0).all()


def test_no_bar_of_real_ticks_spans_a_night(ticks):
    ts, price, size = ticks
    made = bars_from_trades(ts, price, size, 2e6, "dollars", max_gap=600.0)
    pauses = int((np.diff(ts) > 600 * 10**9).sum())
    assert pauses > 0
    assert made.bars["gap"].sum() == pauses
    assert 0 < (made.tails["reason"] == "gap").sum() <= pauses
    assert made.bars["volume"].sum() + made.tails["volume"].sum() == size.sum()
