"""Order files of other exchanges: a flow that the dict book played, written in each shape,
read back and replayed, must give the dict book's trades."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from ethpredict.data.ghosts import ghost_orders
from ethpredict.data.order_words import OrderLayout
from ethpredict.data.orders import read_orders
from ethpredict.errors import ConfigError, DataError
from ethpredict.sim.order_replay import replay_orders

_spec = importlib.util.spec_from_file_location(
    "order_flows", Path(__file__).with_name("order_flows.py")
)
flows = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(flows)
DAY = "2012-06-21"
LOBSTER = OrderLayout(day=DAY, price_unit=1e-4)


def replayed(tmp_path: Path, written, layout: OrderLayout, tick: float, lot: float):
    """Trades of a file: taker, maker, tick, lots; and the events."""
    header, rows = written
    path = tmp_path / "orders.csv"
    path.write_text("\n".join([header] * bool(header) + rows) + "\n")
    events = read_orders(path, layout=layout)
    made = replay_orders(events, tick, lot, drop=ghost_orders(events)).trades
    ticks, lots = (made["price"] / tick).round().astype(int), (made["size"] / lot).round()
    return list(
        zip(made["taker"], made["maker"], ticks, lots.astype(int), strict=True)
    ), events  # fmt: skip


@pytest.mark.parametrize(
    ("shape", "layout", "tick", "lot", "shift"),
    [
        (flows.itch, OrderLayout(price_unit=1e-4, size_unit=1e-3), 0.01, 1e-3, 0),
        (flows.lobster, LOBSTER, 0.01, 1.0, 0),
        (flows.mbo, OrderLayout(price_unit=1e-9), 0.01, 1.0, 6_412_345_678_000),
    ],
)
def test_the_makers_are_found_where_the_taker_has_no_number(
    tmp_path, shape, layout, tick, lot, shift
) -> None:
    for seed in (1, 2):
        flow = flows.random_flow(3000, seed)
        got, events = replayed(tmp_path, shape(flow), layout, tick, lot)
        wanted = flows.trades_of(flow)
        assert len(wanted) > 300
        assert [(m - shift, t, q) for _, m, t, q in got] == [trade[1:] for trade in wanted]
        assert all(taker < 0 for taker, *_ in got)
        assert events["ts"].iloc[-1] == flow[-1]["ts"] + flows.DAY * 10**9


@pytest.mark.parametrize(
    ("shape", "tick"), [(flows.coinbase, 0.01), (flows.both_told, 1.0), (flows.resting, 1.0)]
)
def test_both_orders_of_every_trade_are_found(tmp_path, shape, tick) -> None:
    for seed in (3, 4):
        flow = flows.random_flow(3000, seed)
        got, _ = replayed(tmp_path, shape(flow), OrderLayout(), tick, 1.0)
        wanted = flows.trades_of(flow)
        assert len(wanted) > 300
        if shape is flows.coinbase:
            # Text ids are numbered as they appear.
            _, rows = shape(flow)
            rows.sort(key=lambda row: int(row.split(",")[0]))
            cells = [row.split(",")[2:5] for row in rows]
            seen = [cell[k] for k in range(3) for cell in cells if cell[k]]
            names = list(dict.fromkeys(seen))
            number = {name: k + 1 for k, name in enumerate(names)}
            wanted = [
                (number[flows.name_of(t)], number[flows.name_of(m)], p, q) for t, m, p, q in wanted
            ]
        assert got == wanted


@pytest.mark.parametrize("worst", ["taker's rows last", "creation last"])
def test_a_moment_may_be_told_in_another_order(tmp_path, worst) -> None:
    flow = flows.random_flow(3000, 5)
    rows = []
    for k, event in enumerate(flow):
        event["ts"] = flow[0]["ts"] + k * 1_000_000
    _, told = flows.resting(flow)
    moments: dict[str, list[str]] = {}
    for row in told:
        moments.setdefault(row.split(",")[0], []).append(row)
    for burst in moments.values():
        name = burst[0].split(",")[2]
        own = [row for row in burst if row.split(",")[2] == name]
        others = [row for row in burst if row.split(",")[2] != name]
        rows += others + (own if worst == "taker's rows last" else own[1:] + own[:1])
    header, _ = flows.resting(flow)
    assert rows != told
    got, _ = replayed(tmp_path, (header, rows), OrderLayout(), 1.0, 1.0)
    assert got == flows.trades_of(flow)


def test_a_file_may_begin_in_mid_day(tmp_path) -> None:
    flow = flows.random_flow(3000, 6)
    _, rows = flows.lobster(flow)
    before = len(flows.lobster(flow[:1000])[1])
    got, events = replayed(tmp_path, ("", rows[before:]), LOBSTER, 0.01, 1.0)
    wanted = flows.trades_of(flow[1000:])
    assert len({maker for _, maker, *_ in wanted} & {e["id"] for e in flow[:1000]}) > 5
    assert [trade[1:] for trade in got] == [(m, t, q) for _, m, t, q in wanted]
    assert events["ts"].is_monotonic_increasing
    # Where rows do not tell side and price, nothing is guessed.
    header, rows = flows.itch(flow)
    with pytest.raises(DataError, match="does not stand"):
        replayed(tmp_path, (header, rows[500:]), OrderLayout(price_unit=1e-4), 0.01, 1.0)


def test_orders_of_a_stale_snapshot_are_found_in_any_file(tmp_path) -> None:
    flow = flows.random_flow(3000, 7)
    for shape, layout, tick, ghosts in (
        (flows.resting, OrderLayout(), 1.0, ["900001,ask,997,50", "900002,bid,1004,50"]),
        (flows.lobster, LOBSTER, 0.01, ["900001,50,99700,-1", "900002,50,100400,1"]),
    ):
        header, rows = shape(flow)
        at = rows[0].split(",")[0]
        rows = [f"{at},{'1' if shape is flows.lobster else 'created'},{g}" for g in ghosts] + rows
        got, events = replayed(tmp_path, (header, rows), layout, tick, 1.0)
        assert sorted(ghost_orders(events)) == [900001, 900002]
        assert [trade[1:] for trade in got] == [(m, t, q) for _, m, t, q in flows.trades_of(flow)]
        # A book that was known when the file began accuses nobody.
        assert ghost_orders(read_orders(tmp_path / "orders.csv", layout=layout).iloc[2:]) == []


def test_what_a_file_cannot_tell_stands_in_the_layout(tmp_path) -> None:
    path = tmp_path / "orders.csv"
    rows = ["t,what,number,way,limit,lots", "100,NEU,1,K,250,3", "100,NEU,2,V,251,2",
            "101,WEG,1,K,250,3", "102,NEU,3,K,251,1", "102,WEG,3,K,251,0"]  # fmt: skip
    path.write_text("\n".join(rows) + "\n")
    names = {"ts": "t", "kind": "what", "order_id": "number", "side": "way", "price": "limit"}
    words = {"neu": "created", "WEG": "deleted", "K": "bid", "V": "ask"}
    layout = OrderLayout(names | {"size": "lots"}, words, 0.5, 10.0, DAY)
    events = read_orders(path, layout=layout)
    assert events["side"].tolist() == [1, -1, 1, 1, 1]
    assert events["price"].tolist() == [125.0, 125.5, 125.0, 125.5, 125.5]
    assert events["ts"].iloc[0] == (flows.DAY + 100) * 10**9
    made = replay_orders(events, 0.5, 10.0).trades
    assert made[["taker", "maker", "price", "size"]].to_numpy().tolist() == [[3, 2, 125.5, 10]]
    with pytest.raises(DataError, match=r"no column .*data.orders.columns.ts"):
        read_orders(path)
    with pytest.raises(DataError, match=r"no column 'x' .*columns.side.*t, what"):
        read_orders(path, layout=OrderLayout(names | {"side": "x"}))
    with pytest.raises(DataError, match=r"row 2: kind: 'neu'.*data.orders.words"):
        read_orders(path, layout=OrderLayout(names | {"size": "lots"}, day=DAY))
    with pytest.raises(DataError, match=r"side: 'k'.*data.orders.words"):
        words = {"NEU": "created", "WEG": "deleted"}
        read_orders(path, layout=OrderLayout(names | {"size": "lots"}, words, day=DAY))


@pytest.mark.parametrize(
    ("setting", "key"),
    [
        ({"columns": {"colour": "x"}}, "data.orders.columns = 'colour'"),
        ({"words": {"x": "vanish"}}, "data.orders.words = 'vanish'"),
        ({"price_unit": 0.0}, "data.orders.price_unit"),
        ({"size_unit": float("nan")}, "data.orders.size_unit"),
    ],
)
def test_a_layout_that_means_nothing_is_refused(setting, key) -> None:
    with pytest.raises(ConfigError, match=key):
        OrderLayout(**setting)


def test_rows_that_cannot_be_played_are_named(tmp_path) -> None:
    path = tmp_path / "orders.csv"
    head = ["time,type,id,side,price,size", "1340236800,add,1,buy,5,3"]
    for row, words in (
        ("1340236801,execute,9,,,1", "row 3: order: it does not stand"),
        ("1340236801,add,1,buy,5,3", "row 3: id: it is created while it stands"),
        ("1340236801,execute,1,,,", "row 3: size: executed without an amount"),
        ("1340236801,reduce,1,,,-1", "row 3: size: a negative"),
        ("1340236801,add,,buy,5,3", "row 3: id"),
    ):
        path.write_text("\n".join([*head, row, "1340236802,execute,1,,,1"]) + "\n")
        with pytest.raises(DataError, match=words):
            read_orders(path)
        kept = read_orders(path, quarantine=True)
        assert kept["size"].tolist() == [3.0, 1.0, 2.0, 0.0]
    # What deletes an order that never stood changes nothing.
    path.write_text("\n".join([*head, "1340236801,delete,7,,,", "1340236802,execute,1,,,1"]) + "\n")
    assert read_orders(path)["order_id"].tolist() == [1, -1, 1, -1]
