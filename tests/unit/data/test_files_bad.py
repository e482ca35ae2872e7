"""Bad input is one clear error, or set aside and counted: never used, never lost."""

import gzip

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ethpredict.data import fetch
from ethpredict.errors import DataError

HEADER = "open_time,open,high,low,close,volume,trades,taker_buy_volume"
START_MS = 1_735_689_600_000
STEP_MS = 300_000


def good(i, factor=1):
    price = 3000 + i
    return f"{(START_MS + i * STEP_MS) * factor},{price},{price + 2},{price - 2},{price + 1},10,7,4"


def settings(path, on_bad_rows="strict"):
    return {
        "data": {
            "source": "files",
            "symbol": "ETHUSDT",
            "interval": "5m",
            "start": None,
            "end": None,
            "max_gap": 3600.0,
            "on_bad_rows": on_bad_rows,
            "files": {"candles": str(path)},
        }
    }


def edited(i, column, value):
    fields = good(i).split(",")
    fields[HEADER.split(",").index(column)] = value
    return ",".join(fields)


BAD_ROWS = {
    "too many fields": (good(5) + ",1", "field count: 9 fields instead of 8"),
    "too few fields": (good(5)[:-2], "field count: 7 fields instead of 8"),
    "empty line": ("", "empty line"),
    "no time": (edited(5, "open_time", "yesterday"), "timestamp: 'yesterday'"),
    "time out of range": (edited(5, "open_time", "17"), "timestamp: '17'"),
    "microseconds": (good(5, 1000), "timestamp unit: 1735691100000000 is in microseconds"),
    "seconds": (edited(5, "open_time", "1735691100"), "timestamp unit: 1735691100 is in seconds"),
    "text time": (edited(5, "open_time", "2025-01-01 00:25"), "timestamp unit: .* is in text"),
    "text": (edited(5, "close", "n3001"), "not a number: close is 'n3001'"),
    "empty price": (edited(5, "open", ""), "missing value: open is ''"),
    "nan price": (edited(5, "high", "NaN"), "missing value: high is 'NaN'"),
    "infinite price": (edited(5, "high", "inf"), "not finite: high is 'inf'"),
    "overflowing price": (edited(5, "high", "1e999"), "not finite: high is '1e999'"),
    "zero price": (edited(5, "low", "0"), "price not positive: low is 0.0"),
    "high below low": (edited(5, "high", "2000"), "high below low: high 2000.0, low 3003.0"),
    "open outside": (edited(5, "open", "3999"), "price outside high and low: open is 3999.0"),
    "close outside": (edited(5, "close", "2999"), "price outside high and low: close is 2999.0"),
    "negative volume": (edited(5, "volume", "-1"), "negative volume: volume is -1.0"),
    "missing volume": (edited(5, "volume", ""), "missing value: volume is ''"),
    "negative trades": (edited(5, "trades", "-7"), "negative volume: trades is -7.0"),
    "taker text": (edited(5, "taker_buy_volume", "x"), "not a number: taker_buy_volume is 'x'"),
    "taker beyond volume": (edited(5, "taker_buy_volume", "11"), "taker volume above volume"),
    "duplicate": (good(4), "duplicate timestamp: 2025-01-01T00:20:00Z stands in row 6 already"),
    "goes back": (edited(5, "open_time", str(START_MS - STEP_MS)), "timestamp out of order"),
    "far ahead": (edited(5, "open_time", str(START_MS + 10**9 * 300)), "timestamp out of order"),
    "off the grid": (edited(5, "open_time", str(START_MS + 5 * STEP_MS + 1)), "off the grid"),
}


@pytest.mark.parametrize("case", BAD_ROWS)
def test_strict_names_file_row_and_reason(tmp_path, case):
    row, reason = BAD_ROWS[case]
    path = tmp_path / "a.csv"
    path.write_text("\n".join([HEADER, *(good(i) for i in range(5)), row, good(6), good(7)]))
    with pytest.raises(DataError, match=reason) as caught:
        fetch(settings(path))
    assert caught.value.row == 7
    assert str(caught.value).startswith(f"{path}, row 7: ")
    assert "data.on_bad_rows: quarantine" in str(caught.value)


@pytest.mark.parametrize("case", BAD_ROWS)
def test_quarantine_sets_aside_that_row_and_keeps_the_others(tmp_path, case):
    row, reason = BAD_ROWS[case]
    path = tmp_path / "a.csv"
    path.write_text("\n".join([HEADER, *(good(i) for i in range(5)), row, good(6), good(7)]))
    market = fetch(settings(path, "quarantine"))
    kept = [(START_MS + i * STEP_MS) * 1_000_000 for i in (0, 1, 2, 3, 4, 6, 7)]
    assert market.candles["ts_open"].tolist() == kept
    assert market.candles["open"].tolist() == [3000.0 + i for i in (0, 1, 2, 3, 4, 6, 7)]
    assert market.quarantined["row"].tolist() == [7]
    assert market.quarantined["raw"].tolist() == [row]
    kind = market.quarantined["reason"][0].partition(":")[0]
    assert reason.startswith(kind)
    assert market.quality["quarantined"] == {"rows": 1, "by_reason": {kind: 1}}
    assert market.quality["duplicates"] == (case == "duplicate")
    assert market.quality["gaps"]["missing_candles"] == 1


def test_the_first_of_many_faults_is_named_with_their_number(tmp_path):
    path = tmp_path / "a.csv"
    lines = [good(i) for i in range(9)]
    lines[6] += ",extra"
    lines[3] = edited(3, "close", "NaN")
    lines[8] = good(7)
    path.write_text("\n".join(lines[:1] + lines[1:]).replace(",7,4", ""))
    with pytest.raises(DataError) as caught:
        fetch(settings(path))
    assert caught.value.row == 4
    assert "(3 bad rows in all)" in str(caught.value)
    market = fetch(settings(path, "quarantine"))
    assert market.quarantined["row"].tolist() == [4, 7, 9]
    assert len(market.candles) == 6


def test_the_unit_of_most_rows_is_the_usual_one(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("\n".join([HEADER, good(0), *(good(i, 1000) for i in range(1, 5))]))
    with pytest.raises(DataError, match="is in milliseconds, the other rows are in microseconds"):
        fetch(settings(path))


def test_an_empty_optional_value_is_unknown_not_bad(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("\n".join([HEADER, good(0), edited(1, "taker_buy_volume", ""), good(2)]))
    market = fetch(settings(path))
    assert market.candles["taker_buy_volume"].isna().tolist() == [False, True, False]


@pytest.mark.parametrize("mode", ["strict", "quarantine"])
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (HEADER.encode(), "a header but no rows"),
        (gzip.compress("\n".join(good(i) for i in range(99)).encode())[:-9], "truncated gzip"),
        (b"<html><body>404 Not Found</body></html>\n<p>", "no column for ts_open"),
        (b"time,open,high,low,close\n1735689600000,1,1,1,1\n", "no column for volume"),
        (b"1735689600000,1,1\n", "field count: 3 fields without a header"),
        (b"time,open,open,high,low,close,volume\n1,1,1,1,1,1,1\n", "column named twice: open"),
    ],
)
def test_what_is_wrong_with_the_whole_file_is_always_an_error(tmp_path, content, reason, mode):
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=reason):
        fetch(settings(path, mode))


@pytest.mark.parametrize("mode", ["strict", "quarantine"])
def test_newest_first_is_an_error(tmp_path, mode):
    path = tmp_path / "a.csv"
    path.write_text("\n".join([HEADER, *(good(i) for i in reversed(range(9)))]))
    with pytest.raises(DataError, match="8 of 9 rows are out of order; sort the file by time"):
        fetch(settings(path, mode))


def test_no_usable_row_is_an_error(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("\n".join([HEADER, *(edited(i, "close", "nan") for i in range(3)), "1,2"]))
    with pytest.raises(DataError, match=r"no usable row \(field count, missing value\)"):
        fetch(settings(path, "quarantine"))


def test_parquet_rows_are_counted_from_one(tmp_path):
    times = [START_MS + i * STEP_MS for i in range(3)]
    prices = {name: [10.0, None, 10.0] for name in ("open", "high", "low", "close")}
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"time": times, **prices, "volume": [1.0, 1.0, 1.0]}), path)
    with pytest.raises(DataError, match="missing value: open is None") as caught:
        fetch(settings(path))
    assert caught.value.row == 2
    raw = fetch(settings(path, "quarantine")).quarantined["raw"][0]
    assert raw == f"{times[1]},None,None,None,None,1.0"
