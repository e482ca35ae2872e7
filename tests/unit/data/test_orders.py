"""Order events: price-time priority of the real tape is the oracle."""

from __future__ import annotations

import gzip

import pandas as pd
import pytest

from ethpredict.data.ghosts import ghost_orders
from ethpredict.data.orders import read_orders
from ethpredict.errors import DataError

ORDERS = "l3/bitstamp_btcusd_20260502_orders.csv.gz"
TRADES = "l3/bitstamp_btcusd_20260502_trades.csv"
GHOSTS = [2002347646152704, 2002347642003458]


@pytest.fixture(scope="module")
def orders(shared_data):
    return read_orders(shared_data / ORDERS)


def test_every_event_is_read(orders) -> None:
    assert len(orders) == 314_057
    assert orders["kind"].value_counts().to_dict() == {
        "deleted": 156_902,
        "created": 156_889,
        "changed": 266,
    }
    assert orders["ts"].is_monotonic_increasing
    assert orders["ts"].iloc[0] == 1_777_689_380_521_000_000
    assert set(orders["side"]) == {1, -1}


def test_orders_that_cannot_have_stood_are_found(orders) -> None:
    assert sorted(ghost_orders(orders)) == sorted(GHOSTS)


def test_every_trade_with_a_known_maker_hits_the_oldest_order_at_the_best_price(
    orders, shared_data
) -> None:
    """The trades file names both orders; the book comes from the events alone."""
    trades = pd.read_csv(shared_data / TRADES)
    taken = trades.assign(maker=trades["sell_order_id"].where(trades["side"] == "buy"))
    taken["maker"] = taken["maker"].fillna(trades["buy_order_id"]).astype("int64")
    ghosts = set(ghost_orders(orders))
    alive: dict[int, dict[int, float]] = {1: {}, -1: {}}
    makers, filled = set(taken["maker"]), set()
    names = ["kind", "order_id", "side", "price", "size"]
    for kind, number, side, price, size in orders[names].itertuples(index=False):
        if number in ghosts:
            continue
        book = alive[side]
        if kind == "created":
            book[number] = price
        elif number in makers and number in book and (kind == "changed" or size == 0):
            # Insertion order is time order, and max gives the first of equals.
            assert max(book, key=lambda other: book[other] * side) == number
            filled.add(number)
        if kind == "deleted":
            book.pop(number, None)
    assert filled == makers
    assert len(taken) == 284


HEADER = "id,timestamp,price,volume,action,direction\n"


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("1,1777689380521,5,1,vanished,bid", "kind: 'vanished'"),
        ("1,1777689380521,5,1,created,left", "side: 'left'"),
        ("x,1777689380521,5,1,created,bid", "id: 'x'"),
        ("1,1777689380521,-5,1,created,bid", "price: -5"),
        ("1,1777689380521,5,nan,created,bid", "size: nan"),
        ("1,1777689380520,5,1,created,bid", "timestamp out of order"),
        ("1,soon,5,1,created,bid", "timestamp: 'soon'"),
        ("1,2", "field count"),
    ],
)
def test_a_bad_event_is_named_or_left_out(tmp_path, row, words) -> None:
    good = "7,1777689380521,5,1,created,ask\n8,1777689380521,5,1,created,ask\n"
    path = tmp_path / "orders.csv"
    path.write_text(f"{HEADER}{good}{row}\n")
    with pytest.raises(DataError) as caught:
        read_orders(path)
    assert caught.value.row == 4
    assert words in caught.value.reason
    assert read_orders(path, quarantine=True)["order_id"].tolist() == [7, 8]


def test_a_file_without_the_columns_is_refused(tmp_path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("id,price\n1,2\n")
    with pytest.raises(DataError, match="no column exchange_timestamp or microtimestamp"):
        read_orders(path)


COMMON = [(1, "created", 1, 10.0, 2.0), (2, "created", -1, 11.0, 3.0), (1, "changed", 1, 10.0, 1.0)]


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        (  # the archive of another collector of the same feed
            "id,timestamp,exchange.timestamp,price,volume,action,direction",
            ["1,7,1777689380521,10,2,created,bid", "2,7,1777689380521,11,3,created,ask",
             "1,8,1777689380522,10,1,changed,bid"],
        ),
        (  # the exchange's own messages
            "microtimestamp,id,order_type,amount,price,event",
            ["1777689380521000,1,0,2,10,created", "1777689380521000,2,1,3,11,created",
             "1777689380522000,1,0,1,10,changed"],
        ),
        (  # words of others, ids that are text
            "Time,Order-Id,Side,Qty,Limit Price,Type",
            ["2026-05-02T02:36:20.521Z,OX-A,buy,2,10,add",
             "2026-05-02T02:36:20.521Z,OX-B,sell,3,11,new",
             "2026-05-02T02:36:20.522Z,OX-A,b,1,10,modify"],
        ),
        (  # ids beyond 64 bits
            "ts,order_id,side,size,price,kind",
            ["1777689380521000000,98765432109876543210,1,2,10,open",
             "1777689380521000000,98765432109876543211,-1,3,11,insert",
             "1777689380522000000,98765432109876543210,1,1,10,update"],
        ),
    ],
)  # fmt: skip
def test_other_names_and_words_mean_the_same(tmp_path, header, rows) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    orders = read_orders(path)
    names = ["order_id", "kind", "side", "price", "size"]
    assert [tuple(row) for row in orders[names].itertuples(index=False)] == COMMON
    assert orders["ts"].tolist() == [1_777_689_380_521_000_000] * 2 + [1_777_689_380_522_000_000]


def test_a_deletion_may_name_the_order_alone(tmp_path) -> None:
    path = tmp_path / "orders.csv.gz"
    rows = ["1,1777689380521,5,2,created,ask", "1,1777689380522,5,1,changed,ask",
            "1,1777689380523,,,deleted,"]  # fmt: skip
    path.write_bytes(gzip.compress((HEADER + "\n".join(rows) + "\n").encode()))
    last = read_orders(path).iloc[-1]
    assert (last["side"], last["price"], last["size"]) == (-1, 5.0, 1.0)
    path.write_bytes(gzip.compress((HEADER + "2,1777689380523,,,deleted,\n").encode()))
    with pytest.raises(DataError, match="side"):
        read_orders(path)
    path.write_bytes(gzip.compress((HEADER + rows[0] + "\n1,1777689380522,,,changed,\n").encode()))
    with pytest.raises(DataError, match="side"):
        read_orders(path)


def test_deletions_that_never_tell_a_size_accuse_nobody(tmp_path) -> None:
    path = tmp_path / "orders.csv"
    rows = ["1,1777689380521,5,2,created,bid", "2,1777689380521,4,2,created,bid",
            "2,1777689380522,4,0,deleted,bid"]  # fmt: skip
    path.write_text(HEADER + "\n".join(rows) + "\n")
    assert ghost_orders(read_orders(path)) == []
    more = ["3,1777689380523,3,1,created,bid", "3,1777689380524,3,1,deleted,bid"]
    path.write_text(HEADER + "\n".join(rows + more) + "\n")
    assert ghost_orders(read_orders(path)) == [1]
