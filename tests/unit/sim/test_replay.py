"""Fidelities `trades` and `l2`: against a plain replay, by hand, without look-ahead."""

from __future__ import annotations

import importlib.util
from functools import cache
from itertools import groupby
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ethpredict.data.captures import read_capture
from ethpredict.data.market import BOOK_COLUMNS, FACT_COLUMNS, TRADE_COLUMNS, typed_table
from ethpredict.errors import TrialError
from ethpredict.sim import _tape_kernels as tk
from ethpredict.sim import simulate_pack
from ethpredict.sim._order_kernels import LOG, POWER, RISK_AVERSE, effective, front_after
from ethpredict.sim.tape import Records, make_tape

_SPEC = importlib.util.spec_from_file_location(
    "plain_replay", Path(__file__).with_name("plain_replay.py")
)
plain = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(plain)

SECOND, MS = 1_000_000_000, 1_000_000
BASE = 1_735_689_600 * SECOND
TICK, LOT = 0.5, 0.01
SETTINGS = {
    "quoting__strategy": "fixed_spread", "quoting__half_spread_bps": 3.0,
    "quoting__order_size": 0.05, "quoting__max_inventory": 0.2, "sim__latency_ms": 120,
    "sim__lob__tick_size": TICK, "sim__lob__lot_size": LOT, "sim__lob__feed_latency_ms": 30,
    "sim__lob__response_latency_ms": 700,
}  # fmt: skip
NO_BLOCKS = pd.DataFrame({"number": [], "ts": [], "base_fee_wei": []}).astype("int64")


def records(trades, book, funding=None) -> Records:
    return Records(lambda: trades, lambda: book, funding)


@cache
def random_events(seconds: int, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A random walk of a thin book: sizes move, the mid steps, trades hit the best."""
    rng = np.random.default_rng(seed)
    mid, now = 6000, 100 * MS
    book: dict[int, dict[int, float]] = {1: {}, -1: {}}
    levels, prints, number = [], [], 1
    wish = {1: {5999 - i: 0.1 for i in range(8)}, -1: {6001 + i: 0.1 for i in range(8)}}
    for side in (1, -1):
        for tick, size in wish[side].items():
            levels.append((now, side, tick * TICK, size, True, number, now))
            book[side][tick] = size
    while now < seconds * SECOND:
        now += int(rng.integers(5, 60)) * MS
        if rng.random() < 0.4:
            side = int(rng.choice([1, -1]))
            best = min(book[-1]) if side > 0 else max(book[1])
            tick = best + side * int(rng.random() < 0.2)
            prints.append(
                (now, tick * TICK, float(rng.integers(1, 800)) / 10_000, side, len(prints))
            )
            continue
        number += 1
        mid += int(rng.choice([-1, 0, 1], p=[0.1, 0.8, 0.1]))
        for side in (1, -1):
            wanted = {
                mid - side * (1 + i): round(float(rng.uniform(0.001, 0.12)), 4) for i in range(8)
            }
            for tick in sorted(set(book[side]) | set(wanted)):
                size = wanted.get(tick, 0.0)
                if tick in wanted and tick in book[side] and rng.random() < 0.5:
                    continue
                late = now + int(rng.integers(0, 20)) * MS
                levels.append((now, side, tick * TICK, size, False, number, late))
                book[side][tick] = size
                if size == 0.0:
                    del book[side][tick]
    frame = pd.DataFrame(levels, columns=list(BOOK_COLUMNS))
    frame["ts"] += BASE
    frame["ts_local"] += BASE
    trades = pd.DataFrame(prints, columns=list(TRADE_COLUMNS))
    trades["ts"] += BASE
    return typed_table(TRADE_COLUMNS, trades), typed_table(BOOK_COLUMNS, frame)


def rows(trades: pd.DataFrame, n: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Bars of a second with the last print as close, and a quote path."""
    close_ts = BASE + np.arange(1, n + 1) * SECOND
    at = np.maximum(np.searchsorted(trades["ts"], close_ts, side="right") - 1, 0)
    close = trades["price"].to_numpy()[at]
    bars = pd.DataFrame({"ts_open": close_ts - SECOND, "ts_close": close_ts})
    for name in ("open", "high", "low", "close"):
        bars[name] = close
    bars = bars.assign(volume=1.0, quote_volume=close, trades=np.nan, taker_buy_volume=0.5)
    bars["gap"] = False
    path = pd.DataFrame({"quote_id": "q", "row": np.arange(n), "ts": close_ts})
    fixed = {"sigma": 0.4, "A": 1.0, "k": 1.5, "xi": 0.0, "p": 0.5, "gain": 1e-3, "loss": 1e-3}
    path = path.assign(segment=np.int8(0), **fixed, base_rate=0.5, horizon_s=60.0)
    path["m"] = np.random.default_rng(1).standard_normal(n) * 1e-4
    return bars, path.assign(t_pred=close_ts)


def play(make_member, trades, book, n, funding=None, **changes):
    bars, path = rows(trades, n)
    member = make_member("r", **(SETTINGS | changes))
    result = simulate_pack(
        bars, NO_BLOCKS, path, [member], detail=True, records=records(trades, book, funding)
    )
    return result.metrics.iloc[0], result.paths


def batches(trades, book, has_book):
    found = [
        (ts - BASE, 0, i, "trade", side, round(price / TICK), round(size / LOT * 10_000))
        for i, (ts, price, size, side) in enumerate(
            trades[["ts", "price", "size", "aggressor_side"]].itertuples(index=False)
        )
    ]
    if has_book:
        shown = book[["ts", "id", "side", "price", "size"]].itertuples(index=False)
        for (ts, number), group in groupby(shown, key=lambda level: (level.ts, level.id)):
            found.append((ts - BASE, 1, number, "book", [
                (level.side, round(level.price / TICK), round(level.size / LOT * 10_000))
                for level in group
            ]))  # fmt: skip
    return [(b[0], *b[3:]) for b in sorted(found, key=lambda b: b[:3])]


@pytest.mark.parametrize(
    ("fidelity", "fill", "model", "block"),
    [
        ("prints", "strict", "risk_averse", 0),
        ("prints", "touch", "risk_averse", 100),
        ("trades", "strict", "risk_averse", 0),
        ("trades", "touch", "risk_averse", 100),
        ("l2", "strict", "risk_averse", 0),
        ("l2", "touch", "risk_averse", 0),
        ("l2", "queue", "risk_averse", 0),
        ("l2", "queue", "power", 100),
        ("l2", "queue", "log", 0),
    ],
)
def test_parity_with_the_plain_replay(make_member, fidelity, fill, model, block) -> None:
    """The fills, positions and cash of `simulate_replay`, row by row; `prints`: without a book."""
    trades, book = random_events(60, seed=3)
    has_book = fidelity != "prints"
    if not has_book:
        fidelity, book = "trades", book[:0]
    metrics, paths = play(
        make_member, trades, book, 60, sim__fidelity=fidelity, sim__lob__fill=fill,
        sim__lob__queue_model=model, sim__lob__block_ms=block,
    )  # fmt: skip
    assert metrics["status"] == "ok", metrics["error"]
    reference = plain.PlainReplay(
        3e-4, 5, 20, LOT, TICK, 1.5e-4, 120 * MS, 30 * MS, 700 * MS, block * MS, fill, model
    )
    reference.has_book = has_book
    times = np.arange(61) * SECOND
    reference.close = dict(zip(times[1:].tolist(), paths["mid"], strict=True))
    wanted = np.array(reference.run(times.tolist(), batches(trades, book, has_book)))
    assert metrics["n_fills"] == len(reference.fills) > 10
    np.testing.assert_allclose(paths["inventory"], wanted[:, 0], atol=1e-12)
    np.testing.assert_allclose(paths["cash"], wanted[:, 1], rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize(
    ("fidelity", "strategy"),
    [("prints", "glft"), ("trades", "glft"), ("l2", "glft"), ("l2", "hold")],
)
def test_what_comes_later_changes_nothing(make_member, fidelity, strategy) -> None:
    """Cut off or drawn anew, on trades alone, trades with best quotes, and the book."""
    trades, book = random_events(40, seed=5)
    if fidelity == "prints":
        fidelity, book = "trades", book[:0]
    changes = {
        "sim__fidelity": fidelity, "quoting__strategy": strategy, "quoting__gamma": 0.1,
        "sim__lob__latency_source": "data",
    }  # fmt: skip
    _, full = play(make_member, trades, book, 40, **changes)
    assert (full["fills"] != 0).any()
    cut, moment = 25, BASE + 25 * SECOND
    early_trades, early_book = trades[trades["ts"] <= moment], book[book["ts"] <= moment]
    _, short = play(make_member, early_trades, early_book, cut, **changes)
    pd.testing.assert_frame_equal(full.iloc[:cut], short, check_exact=True)
    rng = np.random.default_rng(0)
    later = trades["ts"] > moment
    trades = trades.copy()
    trades.loc[later, "price"] = 0.5 * rng.integers(5000, 7000, later.sum())
    book = book.copy()
    later = book["ts"] > moment
    book.loc[later, "size"] = rng.uniform(0.0, 1.0, later.sum())
    book.loc[later, "ts_local"] -= 3 * SECOND
    _, scrambled = play(make_member, trades, book, 40, **changes)
    pd.testing.assert_frame_equal(full.iloc[:cut], scrambled.iloc[:cut], check_exact=True)


def test_quotes_parity_with_a_dict() -> None:
    trades, book = random_events(20, seed=7)
    tape = make_tape("r", trades, book, TICK, LOT, BASE, BASE + 20 * SECOND)
    held: dict[int, dict[float, float]] = {1: {}, -1: {}}
    wanted = []
    for (ts, _), group in book.groupby(["ts", "id"]):
        for side, price, size in group[["side", "price", "size"]].itertuples(index=False):
            held[side].pop(price, None)
            if size > 0:
                held[side][price] = size
        best = max(held[1]), min(held[-1])
        if best[0] < best[1]:
            wanted.append([ts - BASE, best[0] / TICK, best[1] / TICK])
        else:
            wanted.append([ts - BASE, *wanted[-1][1:]])
    assert tape.quotes[:, [tk.Q_TS, tk.Q_BID, tk.Q_ASK]].tolist() == wanted


def test_front_of_the_queue_by_hand() -> None:
    """10 before us, 10 behind; 6 go of which 2 traded (they have left the front already)."""
    assert front_after(8, 20, 14, 2, RISK_AVERSE, 1.0) == 8
    assert front_after(8, 20, 5, 2, RISK_AVERSE, 1.0) == 5
    assert front_after(9, 20, 11, 2, POWER, 1.0) == 9 - 4  # 7 cancelled, share 9/18: 3.5 up
    assert front_after(9, 20, 11, 2, LOG, 1.0) == 9 - 4
    # 12 of 30 traded and 8 were cancelled: 9 before us, 9 behind, so half of them each.
    assert front_after(9, 30, 10, 12, POWER, 1.0) == front_after(9, 30, 10, 12, LOG, 1.0) == 5
    assert front_after(10, 20, 26, 0, POWER, 3.0) == 10  # it grew: behind us
    assert front_after(1, 20, 0, 0, POWER, 3.0) == 0


def test_blocks_put_our_orders_before_their_trades() -> None:
    assert effective(150, 0) == 150
    assert [effective(t, 100) for t in (101, 150, 200, 201)] == [100, 100, 100, 200]


def test_funding_is_paid_on_the_position(make_member) -> None:
    trades, book = random_events(20, seed=1)
    facts = {"ts": [BASE + 10 * SECOND], "ts_known": [BASE], "source": ["x"]}
    funding = typed_table(FACT_COLUMNS, facts | {"name": ["funding_rate"], "value": [1e-3]})
    changes = {"sim__fidelity": "l2", "quoting__strategy": "hold"}
    with_it, paths = play(make_member, trades, book, 20, funding, **changes)
    without, _ = play(make_member, trades, book, 20, **changes)
    tape = make_tape("r", trades, book, TICK, LOT, BASE, BASE + 20 * SECOND)
    last = tape.quotes[np.searchsorted(tape.quotes[:, 0], 10 * SECOND) - 1]
    mid = 0.5 * (last[tk.Q_BID] + last[tk.Q_ASK]) * TICK
    assert with_it["pnl_funding"] == pytest.approx(-0.2 * mid * 1e-3, rel=1e-12)
    assert with_it["pnl"] - without["pnl"] == pytest.approx(with_it["pnl_funding"])
    assert paths["inventory"].iloc[-1] == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sim__fidelity": "trades", "sim__lob__fill": "queue"}, "auto, strict or touch"),
        ({"sim__lob__feed_latency_ms": -1}, "feed_latency_ms = -1: must be a number >= 0"),
        ({"sim__lob__response_latency_ms": -1}, "response_latency_ms"),
        ({"sim__lob__block_ms": -1}, "block_ms"),
        ({"sim__lob__queue_model": "power", "sim__lob__queue_power": 0}, "queue_power"),
        ({"sim__lob__tick_size": 1e-14}, "1 to 1e12 ticks"),
        ({"sim__lob__fill": "always"}, "auto, strict, queue, touch"),
    ],
)
def test_bad_settings_fail_with_the_legal_range(make_member, changes, message) -> None:
    trades, book = random_events(5, seed=1)
    metrics, _ = play(make_member, trades, book, 4, **({"sim__fidelity": "l2"} | changes))
    assert metrics["status"] == "failed"
    assert message in metrics["error"]


def test_missing_events_fail_with_the_remedy(make_member) -> None:
    trades, book = random_events(5, seed=1)
    bars, path = rows(trades, 4)
    for table, what in ((trades[:0], "needs trades"), (trades, "needs book updates")):
        metrics = simulate_pack(
            bars, NO_BLOCKS, path, [make_member("r", **(SETTINGS | {"sim__fidelity": "l2"}))],
            records=records(table, book[:0]),
        ).metrics  # fmt: skip
        assert what in metrics["error"].iloc[0]


CAPTURES = {
    "binance_spot_ethusdt_20240808.gz": (None, 0.01),
    "binance_coinm_ethusd_perp_20240808.gz": (10.0, 0.01),
}


@pytest.mark.parametrize("name", sorted(CAPTURES))
def test_trades_come_close_to_the_queue_on_a_capture(make_member, shared_data, name) -> None:
    """Fills and filled size of trades with best quotes, within 15 % of the queue's."""
    contract, tick = CAPTURES[name]
    capture = read_capture(shared_data / "l2_capture" / name, contract_size=contract)
    first = int(capture.book["ts"].iloc[0]) // SECOND * SECOND + SECOND
    n = (int(capture.trades["ts"].iloc[-1]) - first) // SECOND
    trades, book = capture.trades.copy(), capture.book.copy()
    trades["ts"] += BASE - first
    book["ts"] += BASE - first
    book["ts_local"] += BASE - first
    settings = SETTINGS | {
        "sim__lob__tick_size": tick, "sim__lob__lot_size": 0.001, "quoting__order_size": 0.01,
        "quoting__half_spread_bps": 0.5, "sim__latency_ms": 50, "sim__lob__response_latency_ms": 50,
    }  # fmt: skip
    bars, path = rows(trades, n)
    members = [make_member(f, **(settings | {"sim__fidelity": f})) for f in ("trades", "l2")]
    found = simulate_pack(
        bars, NO_BLOCKS, path, members, records=records(trades, book)
    ).metrics.set_index("run_id")
    for what in ("n_fills", "volume_base"):
        assert found[what]["l2"] > 0
        assert abs(found[what]["trades"] / found[what]["l2"] - 1.0) < 0.15, found[what].to_dict()


@pytest.mark.parametrize(("response_ms", "fills"), [(100, 2), (10_000, 1)])
def test_an_order_stands_for_us_until_we_hear_of_its_fill(make_member, response_ms, fills) -> None:
    """A bid at 2999 is filled at 1.5 s; the next decision may replace it only if it has heard."""
    prints = [
        (0.5, 3000.0),
        (1.5, 2990.0),
        (1.6, 3000.0),
        (2.5, 2990.0),
        (2.6, 3000.0),
        (5.0, 3000.0),
    ]
    trades = pd.DataFrame(
        [(BASE + round(at * SECOND), price, 5.0, -1, i) for i, (at, price) in enumerate(prints)],
        columns=list(TRADE_COLUMNS),
    )
    metrics, _ = play(
        make_member, typed_table(TRADE_COLUMNS, trades), typed_table(BOOK_COLUMNS), 5,
        sim__fidelity="trades", sim__lob__response_latency_ms=response_ms, sim__latency_ms=100,
        sim__lob__feed_latency_ms=0,
    )  # fmt: skip
    assert metrics["status"] == "ok", metrics["error"]
    assert metrics["n_fills"] == fills


def test_sizes_that_cannot_be_counted_are_refused() -> None:
    """One trade of 2^53 parts of a lot; a thousand that only together pass 2^62."""
    trades, _ = random_events(5, seed=1)
    huge = trades.assign(size=trades["size"].where(trades.index != 3, 2.0**53 * 1e-6))
    many = pd.concat([trades[:1]] * 1100).assign(size=2.0**52 * 1e-6)
    for table, words in (
        (huge, r"is 2\*\*53 parts of 1e-06 or more"),
        (many, "together; enlarge it"),
    ):
        with pytest.raises(TrialError, match=rf"sim.lob.lot_size = 0.01: .*{words}"):
            make_tape("r", table, None, TICK, LOT, BASE, BASE + 5 * SECOND)
    with pytest.raises(
        TrialError, match=r"sim.lob.tick_size = 1e-13: .*2\*\*53 parts of 1e-13 or more"
    ):
        make_tape("r", trades, None, 1e-13, LOT, BASE, BASE + 5 * SECOND)


def test_trades_of_a_part_are_counted_and_said(make_member, caplog) -> None:
    trades, book = random_events(40, seed=5)
    whole, _ = play(make_member, trades, book, 40, sim__fidelity="trades")
    assert whole["share_without_trades"] == 0.0
    assert "do not cover" not in caplog.text
    bars, path = rows(trades, 40)
    part = trades[trades["ts"] <= BASE + 10 * SECOND]
    member = make_member("r", **(SETTINGS | {"sim__fidelity": "trades"}))
    found = simulate_pack(
        bars, NO_BLOCKS, path, [member], records=records(part, book[:0])
    ).metrics.iloc[0]
    assert found["share_without_trades"] == pytest.approx(30 / 40)
    assert (
        "in up to 75.0 % of the time the bars report volume and the data has no trade"
        in caplog.text
    )
    before = trades[:5].assign(ts=BASE - 10 * SECOND)
    none = simulate_pack(
        bars, NO_BLOCKS, path, [member], records=records(before, book[:0])
    ).metrics.iloc[0]
    assert "needs trades of the segment and the data has none" in none["error"]
