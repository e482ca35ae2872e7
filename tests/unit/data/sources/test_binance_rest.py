"""Binance's REST API: pages on a fixed grid, trades by id, refusals that speak."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from ethpredict.data.sources import binance_rest
from ethpredict.data.timestamps import parse_moment
from ethpredict.errors import DataError
from ethpredict.io.http import Client
from tests.local_server import Asked, Reply, kline, serving

HOUR = 3_600_000
START = parse_moment("2025-01-01") // 10**6


def exchange(asked: Asked) -> Reply:
    """As the real one: oldest first, up to limit, both borders included."""
    query = asked.query
    if query["symbol"] != "ETHUSDT":
        return Reply({"code": -1121, "msg": "Invalid symbol."}, 400)
    limit = int(query["limit"])
    if asked.path == "/api/v3/klines":
        first = max(int(query["startTime"]), START - 5 * HOUR)  # nothing before
        last = min(int(query["endTime"]), START + 2000 * HOUR)
        opens = range(-(-first // HOUR) * HOUR, last + 1, HOUR)
        rows = [kline(t, HOUR, 2000 + t // HOUR % 10) for t in opens][:limit]
        return Reply(rows, headers={"X-MBX-USED-WEIGHT-1M": "2"})
    trades = [
        {
            "a": i, "p": "2000.5", "q": "0.5", "f": i, "l": i, "T": START + i * 60_000,
            "m": i % 2 == 0, "M": True,
        }
        for i in range(2500)
    ]  # fmt: skip
    if "fromId" in query:
        trades = trades[int(query["fromId"]) :]
    return Reply([t for t in trades if t["T"] >= int(query.get("startTime", 0))][:limit])


def access_to(make_access, url: str, trades: str = "none", **data):
    binance = {"trades": trades, "rest_url": url}
    return make_access(**{"source": "binance_rest", "binance": binance, **data})


def test_pages_join_to_the_period(make_access) -> None:
    with serving(exchange) as server:
        access = access_to(make_access, server.url, end="2025-03-01")
        market = binance_rest.fetch(access)
        asked = len(server.asked)
        again = binance_rest.fetch(access)
        assert len(server.asked) == asked  # all of it is past: nothing is asked twice
    ts = market.candles["ts_open"].to_numpy()
    assert len(ts) == 59 * 24
    assert ts[0] == START * 10**6
    assert (np.diff(ts) == HOUR * 10**6).all()
    assert again.candles.equals(market.candles)
    assert asked == 2 == len(market.quality["inputs"])


def test_a_window_that_was_not_over_is_asked_again(make_access, clock) -> None:
    clock.now = parse_moment("2025-01-02") / 1e9
    with serving(exchange) as server:
        access = access_to(make_access, server.url)
        for _ in range(2):
            binance_rest.fetch(access)
    assert len(server.asked) == 2


def test_a_candle_that_is_not_over_is_none_yet(make_access, clock) -> None:
    clock.now = parse_moment("2025-01-02 06:30") / 1e9
    with serving(exchange) as server:
        candles = binance_rest.fetch(access_to(make_access, server.url)).candles
    assert candles["ts_close"].iloc[-1] == parse_moment("2025-01-02 06:00")


def test_trades_are_followed_by_their_id(make_access) -> None:
    with serving(exchange) as server:
        market = binance_rest.fetch(access_to(make_access, server.url, "agg"))
        sizes = [len(page) for page in market.trades]
        trades = market.trades.frame()
    assert (trades["id"] == np.arange(2500)).all()
    assert trades["aggressor_side"].iloc[:2].tolist() == [-1, 1]
    assert sizes == [0, 1000, 1000, 500]  # never more than a page at once
    where = [a.query.get("fromId") for a in server.asked if a.path.endswith("aggTrades")]
    assert where == [None, "1000", "2000"]


def test_trades_end_where_the_period_does(make_access) -> None:
    with serving(exchange) as server:
        market = binance_rest.fetch(access_to(make_access, server.url, "agg", end="2025-01-02"))
        trades = market.trades.frame()
    assert len(trades) == 24 * 60


def test_a_bad_trade_is_refused_or_set_aside(make_access) -> None:
    def spoiled(asked: Asked) -> Reply:
        reply = exchange(asked)
        for trade in reply.body if asked.path.endswith("aggTrades") else ():
            trade["p"] = "-1" if trade["a"] == 1200 else trade["p"]
        return reply

    with serving(spoiled) as server:
        strict = binance_rest.fetch(access_to(make_access, server.url, "agg"))
        with pytest.raises(DataError, match=r"row 201: price: -1"):
            strict.trades.frame()
        words = {"on_bad_rows": "quarantine"}
        market = binance_rest.fetch(access_to(make_access, server.url, "agg", **words))
    assert len(market.trades.frame()) == 2499
    assert market.quarantined.frame()["reason"].str.startswith("trade price").tolist() == [True]


def test_a_period_without_trades_is_an_error(make_access) -> None:
    def silent(asked: Asked) -> Reply:
        return exchange(asked) if asked.path.endswith("klines") else Reply([])

    with serving(silent) as server, pytest.raises(DataError, match="no rows for this period"):
        binance_rest.fetch(access_to(make_access, server.url, "agg"))


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply({"code": -1121, "msg": "Invalid symbol."}, 400), "code -1121: Invalid symbol"),
        (Reply({"a": 1}), "unexpected answer: a list wanted"),
        (Reply([[1, 2]]), "rows of 12 fields"),
        (Reply([]), "no rows for this period"),
    ],
)
def test_refusals_say_what_to_check(make_access, reply: Reply, words: str) -> None:
    with serving(lambda _: reply) as server, pytest.raises(DataError, match=words):
        binance_rest.fetch(access_to(make_access, server.url))


def test_the_first_failure_ends_the_work(make_access) -> None:
    with serving(lambda _: Reply("oops", 500)) as server:
        access = access_to(make_access, server.url, end="2026-01-01")  # nine windows
        one = dataclasses.replace(access.client.settings, connections=1)
        access = dataclasses.replace(access, client=Client(one, lambda _: None))
        with pytest.raises(DataError, match="HTTP 500, 4 tries"):
            binance_rest.fetch(access)
    assert len(server.asked) <= 4 * 2  # the second window may have begun
