"""Every real candle file reads to canonical candles."""

import numpy as np
import pytest

from ethpredict.data import fetch
from ethpredict.data.timestamps import parse_moment
from ethpredict.errors import DataError


def settings(path, interval, **changes):
    data = {
        "source": "files",
        "symbol": "ETHUSDT",
        "interval": interval,
        "start": None,
        "end": None,
        "max_gap": 3600.0,
        "on_bad_rows": "strict",
        "files": {"candles": str(path)},
    }
    return {"data": data | changes}


@pytest.mark.parametrize(
    ("name", "interval", "rows", "start", "known"),
    [
        ("klines/ETHUSDT-1h-2024-2025.csv", "1h", 17_544, "2024-01-01", ()),
        ("klines/BTCUSDT-1h-2024-2025.csv", "1h", 17_544, "2024-01-01", ()),
        (
            "klines/ETHUSDT-5m-2024-12.csv",
            "5m",
            8_641,
            "2024-12-01",
            ("quote_volume", "trades", "taker_buy_volume"),
        ),
        (
            "multi_source/ETHUSDT-1h-2025-04.csv",
            "1h",
            720,
            "2025-04-01",
            ("quote_volume", "trades", "taker_buy_volume"),
        ),
        (
            "multi_source/ETHUSDT-1h-2025-05.csv",
            "1h",
            744,
            "2025-05-01",
            ("quote_volume", "trades", "taker_buy_volume"),
        ),
        (
            "lighter/candles_ETH_perp_5m_20260328_20260628.csv",
            "5m",
            26_496,
            "2026-03-28",
            ("quote_volume",),
        ),
    ],
)
def test_candles(shared_data, name, interval, rows, start, known):
    market = fetch(settings(shared_data / name, interval))
    candles = market.candles
    assert len(candles) == rows
    assert candles["ts_open"].iloc[0] == parse_moment(start)
    assert (np.diff(candles["ts_open"]) > 0).all()
    for column in ("quote_volume", "trades", "taker_buy_volume"):
        assert candles[column].notna().all() == (column in known), column
    assert market.quality["gaps"]["count"] == 0
    assert market.quarantined.empty


def test_lighter_names_the_columns_it_does_not_fill(shared_data):
    path = shared_data / "lighter/candles_ETH_perp_5m_20260328_20260628.csv"
    quality = fetch(settings(path, "5m")).quality
    assert "sample_count" in quality["constant_columns"]


def test_malformed_file_is_refused_at_its_first_bad_line(shared_data):
    path = shared_data / "dirty/ETHUSDT-5m-malformed.csv"
    with pytest.raises(DataError, match="13 fields instead of 12") as caught:
        fetch(settings(path, "5m"))
    assert caught.value.row == 1010


def test_malformed_file_keeps_its_good_rows(shared_data):
    path = shared_data / "dirty/ETHUSDT-5m-malformed.csv"
    market = fetch(settings(path, "5m", on_bad_rows="quarantine"))
    lines = path.read_text().splitlines()
    bad = [i + 1 for i, line in enumerate(lines) if line.count(",") != 11]
    assert len(market.candles) == len(lines) - 1 - len(bad) == 1_011
    assert market.quarantined["row"].tolist() == bad == [1010, 1011, 1012, 1013, 1014]
    assert market.quarantined["raw"].tolist() == [lines[i - 1] for i in bad]
    assert market.quality["gaps"]["missing_candles"] == len(bad)


def test_a_file_without_candles_says_what_it_lacks(shared_data):
    path = shared_data / "ticks/es_ticks_2013-09.csv.gz"
    with pytest.raises(DataError, match="no column for open, high, low, close"):
        fetch(settings(path, "1h"))
