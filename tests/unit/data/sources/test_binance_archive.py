"""The archive: months and days, checksums, re-issued files, both units of time."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from ethpredict.data.sources import binance_archive
from ethpredict.data.timestamps import parse_moment
from ethpredict.errors import DataError
from ethpredict.io.artefact import write_tables
from tests.local_server import archived, from_files, kline, serving
from tests.unit.data.sources.conftest import left_overs

HOUR = 3_600_000
HEADER = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,"
    "taker_buy_quote_volume,ignore\n"
)


def text(start: str, hours: int, factor: int = 1, header: str = "") -> str:
    first = parse_moment(start) // 10**6
    rows = [kline(first + i * HOUR, HOUR, 2000 + i, factor) for i in range(hours)]
    return header + "".join(",".join(map(str, row)) + "\n" for row in rows)


def klines(span: str, when: str, content: str, market: str = "spot", symbol: str = "ETHUSDT"):
    path = f"/data/{market}/{span}/klines/{symbol}/1h/{symbol}-1h-{when}.zip"
    return archived(path, content)


def spot() -> dict[str, bytes]:
    """December in milliseconds, January in microseconds, a day of February with a header."""
    return {
        **klines("monthly", "2024-12", text("2024-12-01", 744)),
        **klines("monthly", "2025-01", text("2025-01-01", 744, 1000)),
        **klines("daily", "2025-02-01", text("2025-02-01", 24, 1000, HEADER)),
    }


def access_to(make_access, url: str, binance: dict | None = None, **data):
    settings = {
        "market": "spot", "trades": "none", "contract_size": 10.0, "check_reissued": True,
        "archive_url": url,
    }  # fmt: skip
    period = {"start": "2024-12-01", "end": "2025-02-02"}
    words = {"source": "binance_archive", "binance": settings | (binance or {})}
    return make_access(**{**words, **period, **data})


def test_months_and_days_join_whatever_their_unit(make_access, tmp_path) -> None:
    with serving(from_files(spot())) as server:
        market = binance_archive.fetch(access_to(make_access, server.url))
    ts = market.candles["ts_open"].to_numpy()
    assert len(ts) == 744 + 744 + 24
    assert (np.diff(ts) == HOUR * 10**6).all()
    assert ts[0] == parse_moment("2024-12-01")
    assert market.candles["taker_buy_volume"].notna().all()
    assert [i["name"].rpartition("-1h-")[2] for i in market.quality["inputs"]] == [
        "2024-12.zip", "2025-01.zip", "2025-02-01.zip",
    ]  # fmt: skip
    assert left_overs(tmp_path) == []


def test_a_second_run_fetches_no_file_again(make_access, tmp_path) -> None:
    with serving(from_files(spot())) as server:
        access = access_to(make_access, server.url)
        first = binance_archive.fetch(access)
        before = len(server.asked)
        second = binance_archive.fetch(access)
        again = server.paths()[before:]
    assert again
    assert all(path.endswith(".CHECKSUM") for path in again)
    assert first.candles.equals(second.candles)
    assert first.quality == second.quality
    # without a network, if it need not be asked for new versions
    offline = access_to(make_access, server.url, {"check_reissued": False})
    assert binance_archive.fetch(offline).candles.equals(first.candles)


def test_the_manifest_tells_where_each_file_comes_from(make_access, tmp_path) -> None:
    with serving(from_files(spot())) as server:
        binance_archive.fetch(access_to(make_access, server.url))
    path = next((tmp_path / "downloads").rglob("*2025-01.zip.manifest.json"))
    manifest = json.loads(path.read_text())
    assert manifest["rows"] == 744
    assert manifest["url"].startswith("http://127.0.0.1")
    assert manifest["fetched"].startswith("2027-01-15T08:00:00")
    assert len(manifest["sha256"]) == 64


def test_a_reissued_file_is_fetched_again_and_the_old_one_kept(make_access, tmp_path, caplog):
    files = spot()
    with serving(from_files(files)) as server:
        access = access_to(make_access, server.url)
        binance_archive.fetch(access)
        corrected = text("2025-01-01", 744, 1000).replace("2000.00", "2000.50", 1)
        files.update(klines("monthly", "2025-01", corrected))
        market = binance_archive.fetch(access)
    assert market.candles["open"].iloc[744] == 2000.50
    assert "2025-01.zip has been re-issued" in caplog.text
    (old,) = (tmp_path / "downloads").rglob("*.old")
    manifest = json.loads(old.with_name(f"{old.name}.manifest.json").read_text())
    assert manifest["sha256"].startswith(old.name.split(".")[-2])


def test_a_kept_file_that_was_damaged_is_fetched_again(make_access, tmp_path, caplog) -> None:
    with serving(from_files(spot())) as server:
        access = access_to(make_access, server.url, {"check_reissued": False})
        first = binance_archive.fetch(access)
        next((tmp_path / "downloads").rglob("*2024-12.zip")).write_bytes(b"PK")
        second = binance_archive.fetch(access)
    assert first.candles.equals(second.candles)
    assert "changed since it was fetched" in caplog.text


def test_a_month_that_is_not_published_is_fetched_by_days(make_access) -> None:
    files = klines("daily", "2025-01-01", text("2025-01-01", 24, 1000))
    days = [f"2025-01-{d:02d}" for d in range(2, 32)]
    for day in days:
        files.update(klines("daily", day, text(day, 24, 1000)))
    with serving(from_files(files)) as server:
        access = access_to(make_access, server.url, start="2025-01-01", end="2025-02-01")
        assert len(binance_archive.fetch(access).candles) == 744


def test_a_missing_day_says_what_to_check(make_access, tmp_path) -> None:
    with serving(from_files({})) as server, pytest.raises(DataError) as caught:
        binance_archive.fetch(access_to(make_access, server.url, end="2024-12-02"))
    assert "ETHUSDT-1h-2024-12-01.zip: not in the archive: check data.symbol" in str(caught.value)
    assert not list((tmp_path / "downloads").rglob("*.zip"))


def test_a_wrong_checksum_leaves_no_file(make_access, tmp_path) -> None:
    files = klines("daily", "2025-01-01", text("2025-01-01", 24, 1000))
    name = next(path for path in files if path.endswith(".zip"))
    files[f"{name}.CHECKSUM"] = b"0" * 64 + b"  x.zip\n"
    with serving(from_files(files)) as server, pytest.raises(DataError, match="wrong checksum"):
        binance_archive.fetch(
            access_to(make_access, server.url, start="2025-01-01", end="2025-01-02")
        )
    assert not [p for p in (tmp_path / "downloads").rglob("*") if "zip" in p.name]


def test_a_connection_cut_in_mid_zip_is_taken_up_again(make_access, tmp_path) -> None:
    files = klines("daily", "2025-01-01", text("2025-01-01", 24, 1000))
    plain, left = from_files(files), [1]

    def answer(asked):
        reply = plain(asked)
        if asked.path.endswith(".zip") and left:
            reply.cut = left.pop() * 300
        return reply

    with serving(answer) as server:
        access = access_to(make_access, server.url, start="2025-01-01", end="2025-01-02")
        assert len(binance_archive.fetch(access).candles) == 24
    assert left_overs(tmp_path) == []


def test_trades_of_a_whole_month_are_read_day_by_day(make_access) -> None:
    files = klines("monthly", "2025-01", text("2025-01-01", 744, 1000))
    for day in range(31):
        stamp = STAMP + day * 86_400 * 10**6
        name = f"ETHUSDT-aggTrades-2025-01-{day + 1:02d}.zip"
        rows = f"{day},2000.5,0.25,1,1,{stamp},True,True\n"
        files |= archived(f"/data/spot/daily/aggTrades/ETHUSDT/{name}", rows)
    with serving(from_files(files)) as server:
        access = access_to(
            make_access, server.url, {"trades": "agg"}, start="2025-01-01", end="2025-02-01"
        )
        market = binance_archive.fetch(access)
        pieces = [piece["id"].tolist() for piece in market.trades]
        again = market.trades.frame()["id"].tolist()
    assert pieces == [[], *([day] for day in range(31))]  # a file at a time, none held
    assert again == list(range(31))


def test_a_page_in_place_of_a_checksum_is_refused(make_access) -> None:
    def answer(_):
        from tests.local_server import Reply

        return Reply("<html>Please sign in</html>")

    with serving(answer) as server, pytest.raises(DataError, match="no checksum but '<html>"):
        binance_archive.fetch(access_to(make_access, server.url))


def test_a_bad_row_is_named_with_its_file_and_line(make_access) -> None:
    content = text("2025-01-01", 24, 1000).replace("2003.00,2005.00", "2003.00,1005.00")
    files = klines("daily", "2025-01-01", content)
    with serving(from_files(files)) as server:
        access = access_to(make_access, server.url, start="2025-01-01", end="2025-01-02")
        with pytest.raises(DataError, match=r"ETHUSDT-1h-2025-01-01.zip, row 4: high below low"):
            binance_archive.fetch(access)


def test_coin_margined_candles_are_counted_in_coins(make_access) -> None:
    files = klines("daily", "2025-01-01", text("2025-01-01", 24), "futures/cm", "ETHUSD_PERP")
    with serving(from_files(files)) as server:
        access = access_to(
            make_access, server.url, {"market": "cm"}, symbol="ETHUSD_PERP",
            start="2025-01-01", end="2025-01-02",
        )  # fmt: skip
        candle = binance_archive.fetch(access).candles.iloc[0]
    fields = kline(parse_moment("2025-01-01") // 10**6, HOUR)
    assert candle["volume"] == float(fields[7])  # coins
    assert candle["quote_volume"] == float(fields[5]) * 10  # contracts of 10 USD each
    assert candle["taker_buy_volume"] == float(fields[10])


def trades(kind: str, rows: str) -> dict[str, bytes]:
    files = klines("daily", "2025-01-01", text("2025-01-01", 24, 1000))
    path = f"/data/spot/daily/{kind}/ETHUSDT/ETHUSDT-{kind}-2025-01-01.zip"
    return files | archived(path, rows)


STAMP = parse_moment("2025-01-01") // 1000
SPOT_AGG = (
    f"10,2000.5,0.25,100,101,{STAMP + 5},True,True\n11,2000.75,1.5,102,102,{STAMP + 5},False,True\n"
)
SPOT_RAW = (
    f"100,2000.5,0.1,200.05,{STAMP + 5},True,True\n101,2000.5,0.15,300.07,{STAMP + 6},False,True\n"
)


@pytest.mark.parametrize(
    ("setting", "kind", "rows", "sizes"),
    [("agg", "aggTrades", SPOT_AGG, [0.25, 1.5]), ("raw", "trades", SPOT_RAW, [0.1, 0.15])],
)
def test_trades_carry_the_takers_side(make_access, setting, kind, rows, sizes) -> None:
    with serving(from_files(trades(kind, rows))) as server:
        access = access_to(
            make_access, server.url, {"trades": setting}, start="2025-01-01", end="2025-01-02"
        )
        market = binance_archive.fetch(access)
        tape = market.trades.frame()
    assert tape["size"].tolist() == sizes
    assert tape["aggressor_side"].tolist() == [-1, 1]  # a maker who buys: the taker sold
    assert tape["ts"].iloc[0] == (STAMP + 5) * 1000


def test_bad_trades_are_refused_or_set_aside(make_access, tmp_path) -> None:
    rows = SPOT_AGG + f"12,nan,1,103,103,{STAMP + 6},False,True\n"
    with serving(from_files(trades("aggTrades", rows))) as server:
        words = {"start": "2025-01-01", "end": "2025-01-02"}
        strict = access_to(make_access, server.url, {"trades": "agg"}, **words)
        with pytest.raises(DataError, match=r"aggTrades-2025-01-01.zip, row 3: price: nan"):
            binance_archive.fetch(strict).trades.frame()
        words["on_bad_rows"] = "quarantine"
        market = binance_archive.fetch(
            access_to(make_access, server.url, {"trades": "agg"}, **words)
        )
        tables = {name: tmp_path / name for name in ("trades", "quarantined")}
        write_tables({name: getattr(market, name) for name in tables}, tables)
    assert len(pd.read_parquet(tables["trades"])) == 2
    assert pd.read_parquet(tables["quarantined"])["reason"].tolist() == [
        "trade price: nan [ETHUSDT-aggTrades-2025-01-01.zip]"
    ]


def test_funding_is_known_when_it_is_paid(make_access) -> None:
    first = parse_moment("2025-01-01") // 10**6
    rows = "calc_time,funding_interval_hours,last_funding_rate\n" + "".join(
        f"{first + i * 8 * HOUR},8,0.000{i}\n" for i in range(93)
    )
    path = "/data/futures/um/monthly/fundingRate/ETHUSDT/ETHUSDT-fundingRate-2025-01.zip"
    with serving(from_files(archived(path, rows))) as server:
        access = access_to(make_access, server.url, start="2025-01-01", end="2025-01-03")
        rates, inputs = binance_archive.funding(access)
    assert rates["value"].tolist() == [0.0, 0.0001, 0.0002, 0.0003, 0.0004, 0.0005]
    assert (rates["ts_known"] == rates["ts"]).all()
    assert len(inputs) == 1


def test_a_column_is_constant_only_if_it_is_so_everywhere(make_access, caplog) -> None:
    same = "".join(
        ",".join(["7" if i == 8 else str(field) for i, field in enumerate(row.split(","))]) + "\n"
        for row in text("2025-01-01", 24, 1000).splitlines()
    )
    files = klines("daily", "2025-01-01", same)
    period = {"start": "2025-01-01", "end": "2025-01-03"}
    files.update(klines("daily", "2025-01-02", text("2025-01-02", 24, 1000)))
    with serving(from_files(files)) as server:
        market = binance_archive.fetch(access_to(make_access, server.url, **period))
    assert market.candles["trades"].notna().all()
    assert market.quality["constant_columns"] == []


def test_files_that_overlap_are_refused(make_access) -> None:
    files = klines("daily", "2025-01-01", text("2025-01-01", 30, 1000))
    files.update(klines("daily", "2025-01-02", text("2025-01-02", 24, 1000)))
    with serving(from_files(files)) as server:
        access = access_to(make_access, server.url, start="2025-01-01", end="2025-01-03")
        with pytest.raises(DataError, match=r"before ETHUSDT-1h-2025-01-01.zip ends; remove both"):
            binance_archive.fetch(access)
