"""Each block against an independent formula, a case by hand or a published number."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest

from ethpredict import features
from ethpredict.features import reference


@pytest.fixture(scope="module")
def bars(make_bars):
    return make_bars(21, 400)


@pytest.fixture(scope="module")
def frame(bars, make_settings):
    return features.build(bars, make_settings()).frame


def published_series():
    """The prices of the vectors: 600 hourly closes, highs, lows and opens."""
    rng = np.random.default_rng(42)
    close = pd.Series(3000.0 * np.exp(np.cumsum(rng.standard_t(4, 600) * 0.004)))
    high = close * (1 + abs(rng.normal(0, 0.003, 600)))
    low = close * (1 - abs(rng.normal(0, 0.003, 600)))
    opened = close.shift(1).bfill()
    return opened, np.maximum(high, opened), np.minimum(low, opened), close


def as_bars(opened, high, low, close):
    n = len(close)
    ts = np.arange(1, n + 1) * 3_600_000_000_000
    return pd.DataFrame(
        {
            "ts_open": ts - 3_600_000_000_000,
            "ts_close": ts,
            "open": opened,
            "high": high,
            "low": low,
            "close": close,
            "volume": 1.0,
            "quote_volume": close,
            "trades": 1.0,
            "taker_buy_volume": 0.5,
            "gap": False,
        }
    )


def test_returns(bars, frame):
    close = bars["close"]
    for window in (1, 3, 8, 20):
        expected = np.log(close) - np.log(close.shift(window))
        np.testing.assert_allclose(frame[f"return_{window}"], expected, rtol=0, atol=1e-14)


def test_volatility_is_the_rolling_deviation(bars, frame):
    expected = np.log(bars["close"]).diff().rolling(8).std()
    np.testing.assert_allclose(frame["volatility_sd_8"], expected, rtol=1e-9)


def test_range_volatility_of_a_bar_by_hand(make_settings):
    # high/low = e, close = open: Parkinson 1/sqrt(4 ln 2), Garman-Klass sqrt(1/2)
    row = as_bars(np.full(30, 1.0), np.full(30, np.e), np.full(30, 1.0), np.full(30, 1.0))
    found = features.build(row, make_settings(include=["volatility"])).frame.iloc[-1]
    assert found["volatility_parkinson_3"] == pytest.approx(0.6005612043932249, rel=1e-14)
    assert found["volatility_garman_klass_3"] == pytest.approx(0.7071067811865476, rel=1e-14)
    assert found["volatility_sd_3"] == 0.0


@pytest.mark.parametrize(
    ("column", "source"),
    [
        ("volatility_parkinson_20", "get_parksinson_vol"),
        ("volatility_garman_klass_20", "get_garman_class_vol"),
    ],
)
def test_range_volatility_of_the_vectors(shared_vectors, make_settings, column, source):
    vectors = json.loads((shared_vectors / "features.json").read_text())["vol"][source]
    found = features.build(as_bars(*published_series()), make_settings()).frame[column]
    for row, value in vectors.items():
        assert found[int(row)] == pytest.approx(value, rel=1e-12)


def test_yang_zhang_is_the_paper_and_the_vectors_are_its_well_known_mistake(
    shared_vectors, make_settings
):
    """The public implementation takes the close over the *previous* open, and no means."""
    opened, high, low, close = published_series()
    bars = as_bars(opened, high, low, close)
    found = features.build(bars, make_settings()).frame["volatility_yang_zhang_20"]
    weight = 0.34 / (1.34 + 21 / 19)
    overnight, body = np.log(opened / close.shift(1)), np.log(close / opened)
    drift_free = np.log(high / close) * np.log(high / opened)
    drift_free += np.log(low / close) * np.log(low / opened)
    rs = drift_free.rolling(20).mean()
    expected = overnight.rolling(20).var() + weight * body.rolling(20).var() + (1 - weight) * rs
    np.testing.assert_allclose(found[20:], np.sqrt(expected[20:]), rtol=1e-9)
    squares = [(x**2).rolling(20).sum() / 19 for x in (overnight, np.log(close / opened.shift(1)))]
    mistake = np.sqrt(squares[0] + weight * squares[1] + (1 - weight) * rs * 20 / 19)
    vectors = json.loads((shared_vectors / "features.json").read_text())["vol"]
    for row, value in vectors["get_yang_zhang_vol"].items():
        assert mistake[int(row)] == pytest.approx(value, rel=1e-12)
        assert found[int(row)] < 0.95 * value


def test_microstructure_is_pandas(bars, frame):
    r = np.log(bars["close"]).diff()
    flow = 2 * bars["taker_buy_volume"] - bars["volume"]
    amihud = (r.abs() / bars["quote_volume"] * 1e6).rolling(8).mean()
    np.testing.assert_allclose(frame["amihud_8"], amihud, rtol=1e-9)
    covariance = r.rolling(8).cov(r.shift(1), ddof=0)
    spread = 2 * np.sqrt(np.maximum(-covariance, 0))
    np.testing.assert_allclose(frame["roll_spread_8"], spread, rtol=1e-6, atol=1e-9)
    slope = r.rolling(8).cov(flow) / flow.rolling(8).var()
    np.testing.assert_allclose(frame["kyle_lambda_8"][8:], slope[8:], rtol=1e-7, atol=1e-14)
    vpin = flow.abs().rolling(8).sum() / bars["volume"].rolling(8).sum()
    np.testing.assert_allclose(frame["vpin_8"], vpin, rtol=1e-9)


def test_roll_finds_a_planted_spread_and_kyle_a_planted_impact(make_settings):
    rng = np.random.default_rng(1)
    n, side = 4000, np.sign(np.random.default_rng(2).normal(size=4000))
    value = np.cumsum(rng.normal(0, 2e-4, n))
    close = 3000 * np.exp(value + 0.001 * side)
    row = as_bars(close, close, close, close)
    found = features.build(row, make_settings(include=["microstructure"], windows=[3000])).frame
    assert found["roll_spread_3000"].iloc[-1] == pytest.approx(0.002, rel=0.05)
    flow = rng.normal(0, 5, n)
    close = 3000 * np.exp(np.cumsum(2e-5 * flow + rng.normal(0, 1e-5, n)))
    row = as_bars(close, close, close, close)
    row["volume"], row["taker_buy_volume"] = 100.0, 50.0 + flow / 2
    found = features.build(row, make_settings(include=["microstructure"], windows=[500])).frame
    assert found["kyle_lambda_500"].iloc[-1] == pytest.approx(2e-5, rel=0.01)


def test_microstructure_without_sides_or_value(make_bars, make_settings):
    bars = make_bars(1, 60).assign(taker_buy_volume=np.nan, quote_volume=0.0)
    result = features.build(bars, make_settings(include=["microstructure"], windows=[5]))
    assert [c["name"] for c in result.meta["columns"]] == ["roll_spread_5"]
    reasons = {item["column"]: item["reason"] for item in result.meta["dropped"]}
    assert set(reasons) == {"amihud_5", "kyle_lambda_5", "vpin_5"}
    assert "quote_volume is 0" in reasons["amihud_5"]


def test_volume_profile_is_the_plain_reference(bars, frame):
    price = ((bars["high"] + bars["low"] + bars["close"]) / 3).to_numpy()
    names = ["profile_poc", "profile_value_high", "profile_value_low", "profile_above"]
    for row in range(19, 400, 7):
        part = slice(row - 19, row + 1)
        expected = reference.volume_profile(
            price[part], bars["volume"].to_numpy()[part], bars["close"][row], 24
        )
        np.testing.assert_allclose(frame.loc[row, names].to_numpy(float), expected, atol=1e-12)


def test_volume_profile_of_one_price(make_settings):
    still = np.full(30, 7.0)
    found = features.build(as_bars(*[still] * 4), make_settings(include=["volume_profile"])).frame
    assert (found.drop(columns="ts_close").iloc[-1] == 0.0).all()


def test_flow_by_hand(make_settings):
    row = as_bars([10.0] * 4, [13.0] * 4, [9.0] * 4, [10.0, 11.0, 11.0, 12.0])
    row["volume"] = [4.0, 1.0, 2.0, 5.0]
    row["taker_buy_volume"] = [4.0, 1.0, 0.0, 2.0]
    row["quote_volume"] = [40.0, 10.5, 22.0, 60.0]
    found = features.build(row, make_settings(include=["vol_adj_flow"], windows=[3])).frame.iloc[-1]
    assert found["taker_imbalance_3"] == pytest.approx((1 - 2 - 1) / 8)
    assert found["vol_adj_flow_3"] == pytest.approx((1 + 0 + 5) / 8)
    assert found["vwap_distance_3"] == pytest.approx(math.log(12 / (92.5 / 8)))


def test_flow_of_bars_without_trades_is_zero(make_settings):
    row = as_bars([10.0] * 9, [10.0] * 9, [10.0] * 9, [10.0] * 9)
    row.loc[3:, ["volume", "taker_buy_volume", "quote_volume"]] = 0.0
    found = features.build(row, make_settings(include=["vol_adj_flow"], windows=[3])).frame.iloc[-1]
    assert (found.drop("ts_close") == 0.0).all()


def test_rsi_is_close_to_the_endless_recursion(make_bars, make_settings):
    bars = make_bars(8, 600)
    found = features.build(bars, make_settings(include=["rsi"], rsi_window=14)).frame["rsi_14"]
    change = bars["close"].diff()[1:]
    rise, fall = (x.clip(lower=0).ewm(alpha=1 / 14, adjust=False).mean() for x in (change, -change))
    expected = 100 * rise / (rise + fall)
    assert (found - expected)[200:].abs().max() < 0.2
    assert np.corrcoef(found[200:], expected[200 - 1 :])[0, 1] > 0.9999


def test_rsi_of_a_rise_a_fall_and_a_standstill(make_settings):
    for close, value in ((np.arange(1.0, 80), 100.0), (np.arange(80.0, 1, -1), 0.0)):
        row = as_bars(close, close, close, close)
        assert features.build(row, make_settings(include=["rsi"])).frame["rsi_5"].iloc[-1] == value
    still = np.full(80, 7.0)
    found = features.build(as_bars(still, still, still, still), make_settings(include=["rsi"]))
    assert found.frame["rsi_5"].iloc[-1] == 50.0


def test_macd_is_close_to_the_endless_recursion(bars, frame):
    log_close = np.log(bars["close"])
    fast, slow = (log_close.ewm(span=span, adjust=True).mean() for span in (12, 26))
    line = fast - slow
    histogram = line - line.ewm(span=9, adjust=True).mean()
    scale = line[150:].std()
    assert (frame["macd"] - line)[150:].abs().max() < 0.02 * scale
    assert (frame["macd_histogram"] - histogram)[150:].abs().max() < 0.02 * scale


def test_bollinger(bars, frame):
    close = bars["close"]
    mean, sd = close.rolling(20).mean(), close.rolling(20).std(ddof=0)
    expected = (close - (mean - 2 * sd)) / (4 * sd)
    np.testing.assert_allclose(frame["bollinger_percent_b"], expected, rtol=0, atol=1e-8)
    np.testing.assert_allclose(frame["bollinger_bandwidth"], 4 * sd / mean, rtol=1e-8)


def test_seasonality_is_the_plain_reference(bars, frame):
    times = pd.DatetimeIndex(bars["ts_close"])
    day = (times - times.normalize()) / pd.Timedelta(days=1)
    for name, share in (("hour", day), ("weekday", (times.day_of_week + day) / 7)):
        for kind, function in (("sin", np.sin), ("cos", np.cos)):
            expected = function(2 * np.pi * np.asarray(share))
            np.testing.assert_allclose(frame[f"{name}_{kind}"], expected, atol=1e-12)


def test_seasonality_by_hand(make_settings):
    row = as_bars([1.0] * 3, [1.0] * 3, [1.0] * 3, [1.0] * 3)
    stamps = [
        "2024-12-02T00:00",
        "2024-12-02T06:00",
        "2024-12-05T12:00",
    ]  # Monday, Monday, Thursday
    row["ts_close"] = np.array(stamps, dtype="datetime64[ns]").astype(np.int64)
    found = features.build(row, make_settings(include=["seasonality"])).frame
    np.testing.assert_allclose(found["hour_sin"], [0, 1, 0], atol=1e-15)
    np.testing.assert_allclose(found["hour_cos"], [1, 0, -1], atol=1e-15)
    np.testing.assert_allclose(found["weekday_sin"], [0, math.sin(math.pi / 14), 0], atol=1e-15)
    np.testing.assert_allclose(found["weekday_cos"], [1, math.cos(math.pi / 14), -1], atol=1e-15)
