"""Candle files of every layout become the same canonical table."""

import gzip
import logging
import zipfile

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ethpredict.data import fetch
from ethpredict.data.market import CANDLE_COLUMNS
from ethpredict.errors import ConfigError, DataError

START_MS = 1_735_689_600_000  # 2025-01-01
STEP_MS = 300_000
N = 24


def rows():
    """(ms, open, high, low, close, volume, quote volume, trades, taker volume) x N."""
    rng = np.random.default_rng(3)
    close = np.round(3000 + np.cumsum(rng.normal(0, 2, N)), 2)
    opened = np.concatenate(([3000.0], close[:-1]))
    high = np.round(np.maximum(opened, close) + rng.uniform(0, 1, N), 2)
    low = np.round(np.minimum(opened, close) - rng.uniform(0, 1, N), 2)
    volume = np.round(rng.uniform(1, 50, N), 4)
    return [
        (
            START_MS + i * STEP_MS,
            opened[i],
            high[i],
            low[i],
            close[i],
            volume[i],
            round(volume[i] * close[i], 4),
            100 + i,
            round(volume[i] / 2, 4),
        )
        for i in range(N)
    ]


def archive_lines(factor=1000):
    """Lines as the Binance archive has them: 12 fields, no header."""
    return [
        f"{t * factor},{o},{h},{lo},{c},{v},{(t + STEP_MS) * factor - 1},{q},{n},{b},{b},0"
        for t, o, h, lo, c, v, q, n, b in rows()
    ]


def settings(path, **changes):
    data = {
        "source": "files",
        "symbol": "ETHUSDT",
        "interval": "5m",
        "start": None,
        "end": None,
        "max_gap": 3600.0,
        "on_bad_rows": "strict",
        "files": {"candles": str(path)},
    }
    return {"data": data | changes}


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "ETHUSDT-5m.csv"
    path.write_text("\n".join(archive_lines()) + "\n")
    return path


def check(candles, optional=True):
    """Compare with `rows`, by value and to the last bit."""
    expected = np.array(rows())
    assert candles.dtypes.astype(str).to_dict() == CANDLE_COLUMNS
    assert (candles["ts_open"] == expected[:, 0].astype(np.int64) * 1_000_000).all()
    assert (candles["ts_close"] - candles["ts_open"] == STEP_MS * 1_000_000).all()
    names = ["open", "high", "low", "close", "volume"]
    names += ["quote_volume", "trades", "taker_buy_volume"] if optional else []
    assert np.array_equal(candles[names].to_numpy(), expected[:, 1 : 1 + len(names)])
    assert not candles["gap"].any()


def test_archive_without_header_in_every_unit(tmp_path):
    for factor in (1, 1000, 1_000_000):
        path = tmp_path / f"{factor}.csv"
        path.write_text("\n".join(archive_lines(factor)))
        check(fetch(settings(path)).candles)


@pytest.mark.parametrize(
    "header",
    [
        "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,"
        "taker_buy_quote_volume,ignore",
        "open_time_ms,Open,High,Low,Close,Volume,close_time_ms,quote_asset_volume,num_trades,"
        "taker_buy_base,taker_buy_quote,ignore",
        "Open time,Open,High,Low,Close,Volume,Close time,Quote asset volume,Number of trades,"
        "Taker buy base asset volume,Taker buy quote asset volume,Ignore",
    ],
)
def test_headers(tmp_path, header):
    path = tmp_path / "a.csv"
    path.write_text("\r\n".join([header, *archive_lines()]) + "\r\n")
    check(fetch(settings(path)).candles)


def test_text_stamps_and_no_optional_columns(tmp_path):
    path = tmp_path / "a.csv"
    lines = ["timestamp,open,high,low,close,volume"]
    for t, *values in rows():
        moment = pd.Timestamp(t, unit="ms").strftime("%Y-%m-%d %H:%M:%S+0000")
        lines.append(",".join([moment, *map(str, values[:5])]))
    path.write_text("\n".join(lines))
    candles = fetch(settings(path)).candles
    check(candles, optional=False)
    assert candles[["quote_volume", "trades", "taker_buy_volume"]].isna().all(axis=None)
    path.write_text("\n".join(lines[1:]))
    check(fetch(settings(path)).candles, optional=False)


def test_the_number_is_preferred_to_the_text_stamp(tmp_path):
    path = tmp_path / "a.csv"
    lines = ["timestamp,timestamp_ms,open,high,low,close,volume"]
    lines += [",".join(["sometime", *map(str, row[:6])]) for row in rows()]
    path.write_text("\n".join(lines))
    check(fetch(settings(path)).candles, optional=False)


def test_wrappings(tmp_path, archive):
    text = archive.read_text()
    packed = tmp_path / "a.csv.gz"
    packed.write_bytes(gzip.compress(text.encode()))
    check(fetch(settings(packed)).candles)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as target:
        target.writestr("ETHUSDT-5m.csv", text)
    check(fetch(settings(tmp_path / "a.zip")).candles)


@pytest.mark.parametrize("stamp", ["int", "timestamp", "text"])
def test_parquet(tmp_path, stamp):
    table = np.array(rows())
    ms = table[:, 0].astype(np.int64)
    times = {
        "int": pa.array(ms * 1000),
        "timestamp": pa.array(ms, pa.timestamp("ms", tz="UTC")),
        "text": pa.array([pd.Timestamp(t, unit="ms").isoformat() for t in ms]),
    }
    names = ["open", "high", "low", "close", "volume", "quote_volume", "trades", "taker_buy_volume"]
    columns = {name: table[:, j + 1] for j, name in enumerate(names)}
    columns["trades"] = columns["trades"].astype(np.int64)
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"time": times[stamp], **columns}), path)
    check(fetch(settings(path)).candles)


def test_the_canonical_table_reads_back(tmp_path, archive):
    candles = fetch(settings(archive)).candles
    path = tmp_path / "candles.parquet"
    candles.to_parquet(path)
    pd.testing.assert_frame_equal(fetch(settings(path)).candles, candles)


def test_symbol_fills_the_path(tmp_path, archive):
    check(fetch(settings(tmp_path / "{symbol}-5m.csv")).candles)


def test_period_is_inclusive_at_the_start_and_exclusive_at_the_end(archive):
    part = fetch(settings(archive, start="2025-01-01 00:10", end="2025-01-01 00:20")).candles
    assert part["ts_open"].tolist() == [(START_MS + i * STEP_MS) * 1_000_000 for i in (2, 3)]
    # A candle that closes after the end would tell what came after it.
    part = fetch(settings(archive, end="2025-01-01 00:19")).candles
    assert len(part) == 3


def test_a_period_without_data_names_what_there_is(archive):
    with pytest.raises(DataError, match=r"2025-01-01T00:00:00Z to 2025-01-01T02:00:00Z") as caught:
        fetch(settings(archive, start="2026-01-01"))
    assert "no candles from 2026-01-01 to the last row" in str(caught.value)
    with pytest.raises(ConfigError, match=r"data\.end = '2024-01-01'"):
        fetch(settings(archive, start="2025-01-01", end="2024-01-01"))


def test_another_interval_names_both(archive):
    with pytest.raises(DataError, match=r"candles are 5m long \(median\), data\.interval is 1h"):
        fetch(settings(archive, interval="1h"))


def test_max_gap_marks_the_row_after_the_pause(tmp_path):
    path = tmp_path / "a.csv"
    lines = archive_lines()
    path.write_text("\n".join(lines[:5] + lines[8:12] + lines[14:]))
    market = fetch(settings(path, max_gap=600.0))
    assert np.flatnonzero(market.candles["gap"]).tolist() == [5]
    assert market.quality["gaps"]["count"] == 2
    assert market.quality["gaps"]["over_max_gap"] == 1
    assert market.quality["gaps"]["missing_candles"] == 5
    with pytest.raises(ConfigError, match=r"data\.max_gap = 60\.0: must be at least one candle"):
        fetch(settings(path, max_gap=60.0))


def test_columns_that_never_change_are_unknown_and_named(tmp_path, caplog):
    path = tmp_path / "a.csv"
    lines = ["timestamp_ms,open,high,low,close,volume,taker_buy_volume,sample_count,open_raw"]
    lines += [",".join([*map(str, row[:6]), "0.0", "0", "0.0"]) for row in rows()]
    path.write_text("\n".join(lines))
    with caplog.at_level(logging.WARNING):
        market = fetch(settings(path))
    assert "taker_buy_volume, sample_count, open_raw" in caplog.text
    assert market.quality["constant_columns"] == ["taker_buy_volume", "sample_count", "open_raw"]
    assert market.candles[["trades", "taker_buy_volume"]].isna().all(axis=None)
    assert (market.candles["volume"] > 0).all()


def test_quality_names_the_file_without_its_folder(archive, tmp_path):
    quality = fetch(settings(archive)).quality
    assert quality["source"] == "files"
    assert quality["symbol"] == "ETHUSDT"
    assert quality["interval"] == "5m"
    assert quality["rows"] == N
    (origin,) = quality["inputs"]
    assert origin["name"] == "ETHUSDT-5m.csv"
    assert origin["bytes"] == archive.stat().st_size
    assert len(origin["sha256"]) == 64
    assert str(tmp_path) not in str(quality)


def test_unknown_source_and_missing_path():
    with pytest.raises(ConfigError, match=r"data\.source = 'oracle'.*files, .*synthetic"):
        fetch({"data": {"source": "oracle"}})
    with pytest.raises(ConfigError, match=r"data\.files\.candles = None"):
        fetch(settings("x", files={"candles": None}))
