"""Raw captures: the rebuilt book against the exchange's own quotes, and every broken sequence."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from ethpredict.data.book_check import agreement, rebuild_best
from ethpredict.data.captures import read_capture
from ethpredict.errors import DataError

MS = 1_000_000
FILES = {
    "binance_spot_ethusdt_20240808.gz": (577, 6106, 24077, 3434),
    "binance_coinm_ethusd_perp_20240808.gz": (1345, 1732, 15812, 22909),
}


@pytest.mark.parametrize("name", FILES)
def test_the_rebuilt_book_is_the_exchanges_at_every_common_id(shared_data, name) -> None:
    path = shared_data / "l2_capture" / name
    capture = read_capture(path)
    checks, trades, quotes, updates = FILES[name]
    assert agreement(capture.book, capture.quotes) == {
        "checks": checks,
        "prices_equal": checks,
        "sizes_equal": checks,
    }
    assert (len(capture.trades), len(capture.quotes)) == (trades, quotes)
    assert capture.counts["updates"] == updates
    assert capture.counts["updates"] == (
        capture.counts["updates_used"] + capture.counts["updates_before_a_snapshot"]
    )
    assert len(capture.gaps) == 0
    assert bool(capture.book["snapshot"].iloc[0])
    for table in (capture.book, capture.trades):
        assert (np.diff(table["ts"]) >= 0).all()


@pytest.mark.parametrize("name", FILES)
def test_the_common_ids_are_all_that_the_file_has(shared_data, name) -> None:
    """Counted from the lines themselves, not with the reader's own ids."""
    ends, told, first = set(), set(), 0
    with gzip.open(shared_data / "l2_capture" / name, "rt") as lines:
        for line in lines:
            message = json.loads(line.partition(" ")[2])
            event = message.get("data", message)
            first = event.get("lastUpdateId", first)
            if event.get("e") == "depthUpdate":
                ends.add(event["u"])
            elif "B" in event:
                told.add(event["u"])
    assert len({number for number in ends & told if number > first}) == FILES[name][0]


def test_coin_margined_sizes_become_coins(shared_data) -> None:
    path = shared_data / "l2_capture" / "binance_coinm_ethusd_perp_20240808.gz"
    contracts, coins = read_capture(path).trades, read_capture(path, 10.0).trades
    np.testing.assert_allclose(coins["size"] * coins["price"], contracts["size"] * 10.0)


def spot(first: int, last: int, bids=(), asks=(), ms: int = 1000) -> dict:
    event = {"e": "depthUpdate", "E": ms, "s": "ETHUSDT", "U": first, "u": last}
    return {"stream": "x", "data": event | {"b": list(bids), "a": list(asks)}}


def future(first: int, last: int, before: int, bids=(), ms: int = 1000) -> dict:
    event = spot(first, last, bids, ms=ms)["data"]
    return {"data": event | {"pu": before, "T": ms - 1}}


def snapshot(last: int, bid: str = "100", ask: str = "101") -> dict:
    return {"lastUpdateId": last, "bids": [[bid, "1"]], "asks": [[ask, "1"]]}


def trade(number: int, ms: int = 1000, **more) -> dict:
    event = {"e": "trade", "E": ms, "s": "ETHUSDT", "t": number, "p": "100", "q": "2", "T": ms}
    return {"data": event | {"m": True} | more}


def written(folder: Path, *messages) -> Path:
    path = folder / "capture.txt"
    lines = [
        f"{(1000 + i) * MS} {m if isinstance(m, str) else json.dumps(m)}\n"
        for i, m in enumerate(messages)
    ]
    path.write_text("".join(lines))
    return path


def ids(capture) -> list[int]:
    return capture.book["id"].drop_duplicates().tolist()


def test_updates_wait_for_the_snapshot_and_older_ones_are_left_out(tmp_path) -> None:
    bid = [["100", "5"]]
    path = written(
        tmp_path, spot(1, 4, bid), spot(5, 9, bid), spot(10, 12, bid), snapshot(8), spot(13, 13)
    )
    capture = read_capture(path)
    assert ids(capture) == [8, 9, 12]  # 5..9 holds 8 + 1; 13 changes no level
    assert capture.counts["updates_before_a_snapshot"] == 1
    assert len(capture.gaps) == 0
    best = rebuild_best(capture.book)
    assert best["bid_size"].tolist() == [1.0, 5.0, 5.0]


def test_a_missing_spot_update_leaves_the_book_unknown_until_a_snapshot(tmp_path) -> None:
    bid = [["100", "5"]]
    path = written(
        tmp_path,
        snapshot(10),
        spot(11, 12, bid),
        spot(14, 15, bid),
        spot(16, 17, bid),
        snapshot(16, "90", "91"),
        spot(18, 19, [["90", "7"]]),
    )
    capture = read_capture(path)
    assert capture.gaps[["stream", "row", "expected", "found"]].to_numpy().tolist() == [
        ["book", 3, 13, 14]
    ]
    assert ids(capture) == [10, 12, 16, 17, 19]
    assert rebuild_best(capture.book)["bid"].tolist() == [100.0, 100.0, 90.0, 100.0, 100.0]


def test_a_futures_update_must_name_the_one_before(tmp_path) -> None:
    bid = [["100", "5"]]
    path = written(
        tmp_path,
        snapshot(10),
        future(5, 8, 4, bid),
        future(9, 12, 8, bid),
        future(20, 22, 12, bid),
        future(30, 31, 25, bid),
    )
    capture = read_capture(path)
    assert ids(capture) == [10, 12, 22]  # 12..20 is a jump of ids, not a missing message
    assert capture.gaps[["row", "expected", "found"]].to_numpy().tolist() == [[5, 22, 25]]
    assert capture.book["ts"].iloc[-1] == 999 * MS


@pytest.mark.parametrize(
    ("late", "expected", "found"),
    [(spot(12, 13, [["100", "5"]]), 11, 12), (future(11, 13, 9, [["100", "5"]]), 10, 11)],
    ids=["spot", "futures"],
)
def test_a_snapshot_must_meet_the_updates(tmp_path, late, expected, found) -> None:
    capture = read_capture(written(tmp_path, snapshot(10), late))
    assert ids(capture) == [10]
    assert capture.gaps[["expected", "found"]].to_numpy().tolist() == [[expected, found]]


def test_a_clock_that_steps_back_is_held_and_counted(tmp_path) -> None:
    bid = [["100", "5"]]
    path = written(tmp_path, snapshot(10), spot(11, 11, bid, ms=2000), spot(12, 12, bid, ms=1990))
    capture = read_capture(path)
    assert capture.book["ts"].tolist()[-2:] == [2000 * MS, 2000 * MS]
    assert capture.counts["clock_steps_back"] == 1


def test_missing_repeated_and_off_book_trades_are_told(tmp_path) -> None:
    path = written(
        tmp_path, trade(1), trade(2, m=False), trade(2), trade(5), trade(6, X="INSURANCE_FUND")
    )
    capture = read_capture(path)
    assert capture.trades["id"].tolist() == [1, 2, 5]
    assert capture.trades["aggressor_side"].tolist() == [-1, 1, -1]
    assert capture.gaps[["stream", "expected", "found"]].to_numpy().tolist() == [["trade", 3, 5]]
    assert capture.counts["duplicate_trades"] == capture.counts["off_book_trades"] == 1


def test_quotes_without_a_time_get_the_first_update_that_reaches_them(tmp_path) -> None:
    def quote(number: int) -> dict:
        return {"data": {"u": number, "s": "ETHUSDT", "b": "1", "B": "1", "a": "2", "A": "1"}}

    path = written(tmp_path, snapshot(10), quote(11), spot(11, 12, ms=2000), quote(13))
    quotes = read_capture(path).quotes
    assert quotes["ts"].tolist() == [2000 * MS, 2001 * MS]
    assert quotes["ts_local"].tolist() == [1001 * MS, 1003 * MS]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{broken", "unreadable message"),
        (spot(1, 2, [["-1", "5"]]), "level '-1'"),
        (spot(1, 2, [["1", "inf"]]), "level '1', 'inf'"),
        ({"data": {"e": "trade", "s": "ETHUSDT"}}, "KeyError 't'"),
    ],
)
def test_a_bad_line_is_named_or_set_aside(tmp_path, line, words) -> None:
    path = written(tmp_path, trade(1), line, trade(2))
    with pytest.raises(DataError, match="quarantine") as caught:
        read_capture(path)
    assert caught.value.row == 2
    assert words in caught.value.reason
    capture = read_capture(path, quarantine=True)
    assert capture.quarantined["row"].tolist() == [2]
    assert len(capture.trades) == 2


def test_a_capture_that_is_none_says_why(tmp_path) -> None:
    with pytest.raises(DataError, match="no snapshot"):
        read_capture(written(tmp_path, spot(1, 2)))
    other = {"data": trade(2)["data"] | {"s": "BTCUSDT"}}
    with pytest.raises(DataError, match="one symbol a file"):
        read_capture(written(tmp_path, trade(1), other))
    with pytest.raises(DataError, match="no such file"):
        read_capture(tmp_path / "absent.gz")
    whole = gzip.compress(b"1 {}\n" * 1000)
    (tmp_path / "cut.gz").write_bytes(whole[:-12])
    with pytest.raises(DataError, match="truncated gzip"):
        read_capture(tmp_path / "cut.gz")
    (tmp_path / "empty").write_bytes(b"")
    with pytest.raises(DataError, match="empty"):
        read_capture(tmp_path / "empty")
