"""The order book against a dict book, known cases, invariants and an exchange's own file."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ethpredict.data.ghosts import ghost_orders
from ethpredict.data.orders import read_orders
from ethpredict.errors import ConfigError, DataError
from ethpredict.sim.book import OrderBook, Trade
from ethpredict.sim.order_replay import replay_orders

SIDES = {"buy": 1, "sell": -1}


def _beside(name: str):
    """A module of this folder (tests are imported without a package)."""
    path = Path(__file__).with_name(f"{name}.py")
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


DictBook = _beside("dict_book").DictBook
streams = _beside("book_streams")


def assert_same(messages: np.ndarray, rule: str = "allow") -> None:
    book, plain = OrderBook(rule), DictBook(rule)
    assert book.apply(messages).tolist() == streams.play(plain, messages)
    for side in (1, -1):
        assert book.depth(side, 10**6) == plain.depth(side, 10**6)
        assert book.best(side) == plain.best(side)
    assert len(book) == len(plain.where)
    for order_id in list(plain.where)[:200]:
        assert book.queue_ahead(order_id) == plain.queue_ahead(order_id)


@pytest.mark.parametrize("rule", ["allow", "cancel_resting", "cancel_taker", "cancel_both"])
def test_parity_with_the_dict_book(rule: str) -> None:
    assert_same(streams.wild_stream(25_000 if rule == "allow" else 4_000, 1), rule)


def test_parity_on_a_market_like_stream() -> None:
    assert_same(streams.market_stream(25_000, 3))


@pytest.mark.slow
def test_parity_on_a_million_messages() -> None:
    assert_same(streams.market_stream(1_000_000, 5))
    assert_same(streams.wild_stream(200_000, 6), "cancel_resting")


MESSAGE = st.tuples(
    st.integers(0, 6), st.integers(0, 8), st.sampled_from([1, -1]), st.integers(-70, 70),
    st.integers(1, 5), st.integers(0, 2),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(MESSAGE, max_size=40), st.sampled_from(["allow", "cancel_resting", "cancel_both"]))
def test_parity_on_small_streams(messages: list[tuple[int, ...]], rule: str) -> None:
    plain, kept = DictBook(rule), []
    for message in messages:
        if message[0] < 4 and message[1] in plain.where:
            continue
        streams.play(plain, np.array([message]))
        kept.append(message)
    assert_same(np.array(kept, np.int64).reshape(-1, 6), rule)


def _play_vector(messages) -> tuple[OrderBook, list[Trade]]:
    book, trades = OrderBook(), []
    for message in messages:
        if message["type"] == "cancel":
            book.cancel(message["cancel_id"])
        else:
            trades += book.submit(
                message["id"],
                SIDES[message["side"]],
                message["price_tick"],
                message["qty"],
                message["type"],
            )
    return book, trades


def _levels(book: OrderBook, side: int) -> dict[str, int]:
    return {str(tick): qty for tick, qty in book.depth(side, 1000)}


def test_vectors(shared_vectors: Path) -> None:
    vectors = json.loads((shared_vectors / "lob.json").read_text())
    for case in vectors["random_streams"]:
        book, trades = _play_vector(case["messages"])
        wanted = [tuple(trade.values()) for trade in case["trades"]]
        assert list(case["trades"][0]) == ["taker_id", "maker_id", "price_tick", "qty"]
        assert [tuple(trade) for trade in trades] == wanted
        assert _levels(book, 1) == case["final_bids"]
        assert _levels(book, -1) == case["final_asks"]
    for case in vectors["hand_cases"]:
        rows = [
            {"type": m[0], "cancel_id": m[1]}
            if m[0] == "cancel"
            else dict(zip(("type", "id", "side", "price_tick", "qty"), m, strict=True))
            for m in case["messages"]
        ]
        book, trades = _play_vector(rows)
        assert [list(trade) for trade in trades] == case["trades"], case["name"]
        assert _levels(book, 1) == case["final_bids"], case["name"]
        assert _levels(book, -1) == case["final_asks"], case["name"]


def test_fills_of_an_exchange_are_reproduced(shared_data: Path) -> None:
    """Every trade with a known maker: price, size, maker, taker; and no trade besides.

    The ghosts of the snapshot are found from the orders alone.
    """
    orders = read_orders(shared_data / "l3" / "bitstamp_btcusd_20260502_orders.csv.gz")
    printed = pd.read_csv(shared_data / "l3" / "bitstamp_btcusd_20260502_trades.csv")
    made = replay_orders(orders, 0.01, 1e-8, drop=ghost_orders(orders)).trades
    buys = printed["side"] == "buy"
    ids = printed[["buy_order_id", "sell_order_id"]].to_numpy()
    wanted = {
        (t, m, round(100 * p), round(1e8 * a))
        for (t, m), p, a in zip(
            np.where(buys.to_numpy()[:, None], ids, ids[:, ::-1]).tolist(),
            printed["price"],
            printed["amount"],
            strict=True,
        )
    }
    got = {
        (t, m, round(100 * p), round(1e8 * a))
        for t, m, p, a in made[["taker", "maker", "price", "size"]].itertuples(index=False)
    }
    rested = set(orders["order_id"])
    known = {fill for fill in wanted if fill[1] in rested}
    assert len(known) >= 283
    assert known <= got
    assert len(made) <= len(printed)


def _feed(*rows: tuple) -> pd.DataFrame:
    names = ["ts", "kind", "order_id", "side", "price", "size"]
    return pd.DataFrame(rows, columns=names)


def test_replay_reads_what_a_feed_means() -> None:
    feed = _feed(
        (0, "created", 1, -1, 10.0, 5.0),
        (0, "created", 2, -1, 10.0, 5.0),
        (1, "changed", 1, -1, 10.0, 3.0),  # less: keeps its place
        (2, "created", 3, 1, 10.0, 4.0),  # takes 3 of order 1 and 1 of order 2
        (2, "changed", 3, 1, 10.0, 1.0),
        (2, "deleted", 1, -1, 10.0, 0.0),
        (2, "deleted", 3, 1, 10.0, 0.0),
        (2, "changed", 2, -1, 10.0, 4.0),
        (3, "created", 4, -1, 10.0, 2.0),
        (4, "changed", 2, -1, 10.0, 6.0),  # more: behind order 4
        (5, "created", 5, 1, 10.0, 1.0),  # refused as post-only: gone at full size
        (5, "deleted", 5, 1, 10.0, 1.0),
        (6, "created", 6, 1, 10.5, 3.0),
        (6, "deleted", 6, 1, 10.0, 0.0),
    )
    replay = replay_orders(feed, 0.5, 1.0)
    made = replay.trades[["taker", "maker", "price", "size", "row"]].to_numpy().tolist()
    assert made == [[3, 1, 10, 3, 3], [3, 2, 10, 1, 3], [6, 4, 10, 2, 12], [6, 2, 10, 1, 12]]
    assert replay.book.depth(-1, 5) == [(20, 5)]


def test_replay_moves_an_order_to_another_price() -> None:
    feed = _feed(
        (0, "created", 1, 1, 9.0, 5.0),
        (0, "created", 2, 1, 8.0, 5.0),
        (1, "changed", 1, 1, 8.0, 4.0),  # never traded: an amend, at the end of its queue
        (2, "created", 3, -1, 8.0, 6.0),
        (2, "deleted", 3, -1, 8.0, 0.0),
    )
    made = replay_orders(feed, 1.0, 1.0).trades
    assert made[["maker", "size"]].to_numpy().tolist() == [[2, 5], [1, 1]]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"price": 10.3}, "10.3 is no whole number of tick_size"),
        ({"size": 0.5}, "lot_size"),
        ({"kind": "gone"}, "kind 'gone'"),
        ({"side": 0}, "side 0"),
    ],
)
def test_replay_refuses_bad_rows(change: dict, what: str) -> None:
    feed = _feed((0, "created", 1, 1, 9.0, 5.0), (0, "created", 2, 1, 9.0, 5.0))
    for name, value in change.items():
        feed[name] = feed[name].astype(object).where(feed.index == 0, value)
    with pytest.raises(DataError, match=f"row 2: {what}|row 2: .*{what}"):
        replay_orders(feed, 1.0, 1.0)
    with pytest.raises(ConfigError, match="tick_size"):
        replay_orders(_feed((0, "created", 1, 1, 9.0, 5.0)), 0.0, 1.0)


def test_amend_keeps_or_loses_the_place() -> None:
    book = OrderBook()
    for order_id in (1, 2, 3):
        book.submit(order_id, 1, 100, 5)
    assert [book.queue_ahead(i) for i in (1, 2, 3)] == [0, 5, 10]
    assert book.amend(1, 100, 2) == []
    assert [book.queue_ahead(i) for i in (1, 2, 3)] == [0, 2, 7]
    # The same again keeps the place too.
    assert book.amend(1, 100, 2) == []
    assert [book.queue_ahead(i) for i in (1, 2, 3)] == [0, 2, 7]
    assert book.amend(1, 100, 4) == []
    assert [book.queue_ahead(i) for i in (1, 2, 3)] == [10, 0, 5]
    book.submit(4, -1, 102, 1)
    assert book.amend(2, 102, 3) == [Trade(2, 4, 102, 1)]
    assert book.order(2)[:3] == (1, 102, 2)
    assert book.amend(99, 100, 1) == []


@pytest.mark.parametrize(
    ("key", "value", "legal"),
    [
        ("qty", 0, "1 to 2"),
        ("qty", 2**62 + 1, "1 to 2"),
        ("qty", 1.5, "whole number"),
        ("qty", True, "whole number"),
        ("side", 0, r"\+1"),
        ("price_tick", 2**62 + 1, "-2"),
        ("price_tick", None, "whole number"),
        ("order_id", 2**63, "64 bits"),
        ("order_id", 7, "does not rest"),
        ("kind", "stop", "limit, market"),
    ],
)
def test_bad_orders_are_refused(key: str, value: object, legal: str) -> None:
    book = OrderBook()
    book.submit(7, 1, 50, 1)
    order = {"order_id": 1, "side": 1, "price_tick": 50, "qty": 1, "kind": "limit"}
    with pytest.raises(ConfigError, match=rf"{key} = .*{legal}"):
        book.submit(**(order | {key: value}))
    assert book.depth(1, 9) == [(50, 1)]


def test_overflow_of_a_level_is_detected() -> None:
    book = OrderBook()
    book.submit(1, 1, 5, 2**62)
    with pytest.raises(ConfigError, match=r"less than 2\*\*63 lots"):
        book.submit(2, 1, 5, 2**62)
    book.submit(2, 1, 5, 2**62 - 1)
    assert book.depth(1, 1) == [(5, 2**63 - 1)]
    with pytest.raises(ConfigError, match="self_trade"):
        OrderBook("never")


def test_extreme_prices_and_ids() -> None:
    book = OrderBook()
    book.submit(-(2**63), 1, -(2**62), 1)
    book.submit(2**63 - 1, -1, 2**62, 1)
    assert (book.best(1), book.best(-1)) == (-(2**62), 2**62)
    assert book.submit(0, 1, None, 5, "market") == [Trade(0, 2**63 - 1, 2**62, 1)]
    assert book.submit(0, -1, -(2**62), 5, "ioc") == [Trade(0, -(2**63), -(2**62), 1)]
    assert len(book) == 0
