"""Hyperliquid's answers, of the recorded shapes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from ethpredict.data.sources import hyperliquid
from ethpredict.data.timestamps import parse_moment
from ethpredict.errors import DataError
from tests.local_server import Asked, Reply, serving

HOUR = 3_600_000
START = parse_moment("2025-01-01") // 10**6


def candle(t: int) -> dict:
    return {
        "t": t, "T": t + HOUR - 1, "s": "ETH", "i": "1h", "o": "3300.1", "h": "3310.0",
        "l": "3290.5", "c": f"330{t // HOUR % 10}.5", "v": f"{t // HOUR % 50 + 1}.25", "n": 10,
    }  # fmt: skip


def venue(asked: Asked) -> Reply:
    """The info endpoint: both borders included, at most 500 rates."""
    assert (asked.method, asked.path) == ("POST", "/info")
    body = asked.body
    if body["type"] == "candleSnapshot":
        wanted = body["req"]
        if wanted["coin"] != "ETH":
            return Reply("Failed to deserialize the JSON body into the target type", 422)
        low, high = max(wanted["startTime"], START - 9 * HOUR), wanted["endTime"]
        high = min(high, START + 1000 * HOUR)
        return Reply([candle(t) for t in range(-(-low // HOUR) * HOUR, high + 1, HOUR)])
    assert body["type"] == "fundingHistory"
    low, high = max(body["startTime"], START - 9 * HOUR), min(body["endTime"], START + 99 * HOUR)
    times = range(-(-low // HOUR) * HOUR, high + 1, HOUR)
    rows = [
        {
            "coin": "ETH",
            "fundingRate": f"{(-1) ** (t // HOUR)}e-5",
            "premium": "0.0",
            "time": t + 48,
        }
        for t in times
    ]
    return Reply(rows[:500])


def access_to(make_access, url: str, coin: str = "ETH", **data):
    return make_access(source="hyperliquid", hyperliquid={"coin": coin, "url": url}, **data)


def test_candles_of_the_period(make_access) -> None:
    with serving(venue) as server:
        access = access_to(make_access, server.url, end="2025-01-31")
        market = hyperliquid.fetch(access)
    ts = market.candles["ts_open"].to_numpy()
    assert len(ts) == 720
    assert (np.diff(ts) == HOUR * 10**6).all()
    assert market.candles["taker_buy_volume"].isna().all()  # not told


def test_what_the_venue_no_longer_keeps_is_named(make_access, caplog) -> None:
    with serving(venue) as server:
        access = access_to(make_access, server.url, start="2024-12-20", end="2025-01-02")
        market = hyperliquid.fetch(access)
    assert len(market.candles) == 9 + 24
    assert "nothing before 2024-12-31T15:00:00Z; data.start is earlier" in caplog.text


def test_a_bad_request_says_what_to_check(make_access) -> None:
    with (
        serving(venue) as server,
        pytest.raises(DataError, match=r"422: check the settings .*JSON"),
    ):
        hyperliquid.fetch(access_to(make_access, server.url, "NOPE"))


def test_funding_is_known_when_it_is_paid(make_access) -> None:
    with serving(venue) as server:
        rates, inputs = hyperliquid.funding(access_to(make_access, server.url))
    assert len(rates) == 48
    assert (rates["ts_known"] == rates["ts"]).all()
    assert set(rates["value"]) == {1e-5, -1e-5}
    assert len(inputs) == 1


def test_recorded_answers_are_read(make_access, shared_data: Path) -> None:
    shapes = shared_data / "api_shapes"
    book = json.loads((shapes / "hyperliquid_http_l2_book_snapshot.json").read_text())
    trades = json.loads((shapes / "hyperliquid_http_recent_trades_btc.json").read_text())
    with serving(lambda a: Reply(book if a.body["type"] == "l2Book" else trades)) as server:
        access = access_to(make_access, server.url, "BTC")
        levels = hyperliquid.order_book(access)
        tape = hyperliquid.recent_trades(access)
    bids, asks = levels[levels["side"] == 1], levels[levels["side"] == -1]
    assert bids["price"].is_monotonic_decreasing
    assert asks["price"].is_monotonic_increasing
    assert bids["price"].max() < asks["price"].min()
    assert tape["id"].tolist() == [300001, 300002, 300003]
    assert tape["aggressor_side"].tolist() == [-1, 1, -1]


def test_the_real_cassette_is_read(make_access, shared_data: Path) -> None:
    text = (
        shared_data / "api_shapes/hyperliquid_cassettes/test_get_candles_snapshot.yaml"
    ).read_text()
    rows = json.loads(re.findall(r"string: '(\[\{\"T\".*?\])'", text, re.S)[-1])
    with serving(lambda _: Reply(rows)) as server:
        access = access_to(
            make_access, server.url, "kPEPE", start="2023-05-21 20:00", end="2023-05-22 18:00"
        )
        market = hyperliquid.fetch(access)
    assert len(market.candles) == 22
    assert market.candles["trades"].iloc[0] == 709


def test_a_book_of_another_shape_is_refused(make_access) -> None:
    with (
        serving(lambda _: Reply({"coin": "ETH"})) as server,
        pytest.raises(DataError, match="a book with time and two levels"),
    ):
        hyperliquid.order_book(access_to(make_access, server.url))
