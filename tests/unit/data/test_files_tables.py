"""`data.files`: every table that a config may name, from real files and from bad ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ethpredict.data import fetch
from ethpredict.data.arrival import as_of
from ethpredict.data.market import BLOCK_COLUMNS, BOOK_COLUMNS, POOL_EVENT_COLUMNS, TRADE_COLUMNS
from ethpredict.data.timestamps import parse_moment
from ethpredict.errors import ConfigError, DataError

MINUTE = 60 * 10**9


def settings(files: dict[str, Any], **changes: Any) -> dict[str, Any]:
    data = {
        "source": "files", "symbol": "ETHUSDT", "interval": "1h", "start": None, "end": None,
        "max_gap": 3600.0, "on_bad_rows": "strict",
    }  # fmt: skip
    named = {name: [str(f) for f in v] if isinstance(v, list) else v for name, v in files.items()}
    texts = {name: str(v) if isinstance(v, Path) else v for name, v in named.items()}
    return {"data": data | {"files": texts} | changes}


def test_candles_with_daily_facts_of_two_sources(shared_data: Path) -> None:
    folder = shared_data / "multi_source"
    market = fetch(
        settings(
            {
                "candles": folder / "{symbol}-1h-2025-04.csv",
                "onchain_daily": [
                    folder / "defillama_eth_chain_tvl_2025_04-05.csv",
                    folder / "santiment_metrics_april_may_2025.csv",
                ],
            }
        )
    )
    facts = market.onchain_daily
    assert facts["name"].nunique() == 18
    assert facts["ts"].is_monotonic_increasing
    assert facts["ts"].max() == parse_moment("2025-04-30")
    assert market.quality["facts"]["tvl"]["rows"] == 30
    assert [record["name"] for record in market.quality["inputs"]] == [
        "ETHUSDT-1h-2025-04.csv",
        "defillama_eth_chain_tvl_2025_04-05.csv",
        "santiment_metrics_april_may_2025.csv",
    ]


def test_candles_with_funding(shared_data: Path) -> None:
    folder = shared_data / "lighter"
    market = fetch(
        settings(
            {
                "candles": folder / "candles_ETH_perp_5m_20260328_20260628.csv",
                "funding": [folder / "fundings_ETH_perp_1h_20260328_20260628.csv"],
            },
            interval="5m",
            end="2026-04-28",
        )
    )
    assert len(market.candles) == 31 * 288
    assert len(market.funding) == 742  # of 743 hours the venue left one out
    assert market.quality["facts"]["funding_rate"]["missing_share"] < 0.01


def test_a_capture_gives_trades_and_book_and_candles(shared_data: Path) -> None:
    path = shared_data / "l2_capture/binance_spot_ethusdt_20240808.gz"
    market = fetch(settings({"trades": path, "book": path}, interval="1m"))
    # From 23:54:15 on: the first minute may have begun earlier, the last is not over.
    start = parse_moment("2024-08-08 23:55")
    assert market.candles["ts_open"].tolist() == [start + i * MINUTE for i in range(5)]
    for column, value in (("volume", "size"), ("trades", None)):
        inside = market.trades[market.trades["ts"] < start + 5 * MINUTE]
        total = inside[value].sum() if value else len(inside)
        assert market.candles[column].sum() == pytest.approx(total)
    assert (market.candles["taker_buy_volume"] <= market.candles["volume"]).all()
    assert list(market.book) == list(BOOK_COLUMNS)
    assert bool(market.book["snapshot"].iloc[0])
    assert market.quality["book"]["best_quotes"]["checks"] == 577
    assert len(market.quality["inputs"]) == 1


def test_blocks_pool_and_orders(shared_data: Path, tmp_path: Path) -> None:
    market = fetch(
        settings(
            {
                "candles": shared_data / "klines/ETHUSDT-1h-2024-2025.csv",
                "pool_events": shared_data / "amm/uniswap_v3_usdc_weth_0.3pct_2024-01-05.raw.csv",
                "blocks": shared_data / "gas/base_fee_mainnet_21527387_21527726.csv",
            },
            end="2025-01-02",
        )
    )
    assert len(market.pool_events) == 288
    assert list(market.blocks) == list(BLOCK_COLUMNS)
    assert market.blocks["gas_used"].eq(0).all()
    assert market.blocks["tip_p50"].isna().all()


def test_an_order_file_of_other_names_and_words(tmp_path: Path) -> None:
    orders = tmp_path / "orders.csv"
    orders.write_text("when,wort,nr,seite,kurs,menge\n3600,NEU,1,V,1000,2\n3601,TEIL,1,V,1000,1\n")
    layout = {
        "columns": {
            "ts": "when", "kind": "wort", "order_id": "nr", "side": "seite", "price": "kurs",
            "size": "menge",
        },
        "words": {"NEU": "created", "TEIL": "executed", "V": "ask"},
        "price_unit": 0.01, "size_unit": 1.0, "day": "2025-01-01",
    }  # fmt: skip
    files = {"candles": candle_file(tmp_path), "orders": orders}
    market = fetch(settings(files, orders=layout))
    rows = market.orders[["kind", "side", "price", "size"]].to_numpy().tolist()
    assert rows == [
        ["created", -1, 10.0, 2.0], ["created", 1, 10.0, 1.0], ["changed", -1, 10.0, 1.0],
        ["deleted", 1, 10.0, 0.0],
    ]  # fmt: skip
    assert market.orders["ts"].iloc[0] == parse_moment("2025-01-01 01:00")
    with pytest.raises(DataError, match="no column exchange_timestamp"):
        fetch(settings(files))


def candle_file(folder: Path, hours: int = 48) -> Path:
    start = parse_moment("2025-01-01") // 10**6
    rows = [f"{start + i * 3_600_000},10,11,9,10,{i + 1}" for i in range(hours)]
    path = folder / "candles.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


TABLES = {
    "trades": pd.DataFrame(
        {"ts": [parse_moment("2025-01-01 05:00")], "price": [10.0], "size": [1.0],
         "aggressor_side": [-1], "id": [7]}
    ).astype(TRADE_COLUMNS),
    "book": pd.DataFrame(
        {"ts": [parse_moment("2025-01-01 05:00")], "side": [1], "price": [10.0], "size": [1.0],
         "snapshot": [True], "id": [3], "ts_local": [parse_moment("2025-01-01 05:01")]}
    ).astype(BOOK_COLUMNS),
    "pool_events": pd.DataFrame(
        [[5, parse_moment("2025-01-01 05:00"), 1, "swap", 1.0, 0.0, 0.0, 3.0, 4.0, np.nan]],
        columns=list(POOL_EVENT_COLUMNS),
    ).astype(POOL_EVENT_COLUMNS),
    "blocks": pd.DataFrame(
        [[5, parse_moment("2025-01-01 05:00"), 7, 8, 9, 0.1, 0.2, np.nan]],
        columns=list(BLOCK_COLUMNS),
    ).astype(BLOCK_COLUMNS),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_canonical_table_comes_back_as_it_is(tmp_path: Path, name: str, suffix: str) -> None:
    path = tmp_path / f"{name}.{suffix}"
    table = TABLES[name]
    table.to_csv(path, index=False) if suffix == "csv" else table.to_parquet(path)
    market = fetch(settings({"candles": candle_file(tmp_path), name: path}))
    pd.testing.assert_frame_equal(getattr(market, name), table)


@pytest.mark.parametrize(
    ("name", "text", "row", "words"),
    [
        ("trades", "ts,price,size\n2025-01-01,10,1\n2025-01-01,-3,1\n", 3, "price: -3"),
        ("trades", "ts,price\n2025-01-01,10\n", 1, "no column size or quantity"),
        ("trades", "ts,price,size,id\n2025-01-01,10,1,5\n2025-01-01,1,1,5\n", 3, "duplicate id"),
        ("trades", "ts,price,size\n2026-01-01,10,1\n", None, "no row from 2025-01-01"),
        ("book", "ts,price\n2025-01-01,10\n", 1, "no book"),
        ("book", "ts,side,price,size,snapshot\n2025-01-01,up,1,1,true\n", 2, "side: 'up'"),
        ("blocks", "number,ts,base_fee_gwei\n1,2025-01-01,-4\n", 2, "number from 0 on"),
        ("blocks", "number,ts\n1,2025-01-01\n", 1, "no column base_fee_gwei"),
        ("pool_events", "a,b\n1,2\n", 1, "no column block_number"),
        ("orders", "a,b\n1,2\n", 1, "no column exchange_timestamp"),
        ("funding", "ts,rate,direction\n2025-01-01,1,up\n2025-01-01,1,up\n", None, "long/short"),
        ("onchain_daily", "ts,tvl\n2025-01-01,5\n", None, "two rows at least"),
        ("onchain_daily", "a,b\n1,2\n", 1, "no column with a time"),
        ("onchain_daily", "ts,tvl\n2025-01-01,5\n2025-01-02,abc\n", 3, "tvl: 'abc'"),
    ],
)
def test_a_bad_file_is_named_with_its_row(tmp_path, name, text, row, words) -> None:
    path = tmp_path / f"{name}.csv"
    path.write_text(text)
    files = {"candles": candle_file(tmp_path)}
    files[name] = [path] if name in ("funding", "onchain_daily") else path
    with pytest.raises(DataError) as caught:
        fetch(settings(files))
    assert (caught.value.path, caught.value.row) == (str(path), row)
    assert words in caught.value.reason


def test_bad_rows_of_any_table_are_set_aside_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "trades.csv"
    path.write_text("ts,price,size,side\n2025-01-01,10,1,buy\n2025-01-01,10,0,buy\n")
    files = {"candles": candle_file(tmp_path), "trades": path}
    market = fetch(settings(files, on_bad_rows="quarantine"))
    assert market.quarantined["row"].tolist() == [3]
    assert "[trades.csv]" in market.quarantined["reason"].iloc[0]
    assert len(market.trades) == 1


def test_neither_candles_nor_trades_is_an_error() -> None:
    with pytest.raises(ConfigError, match=r"data\.files\.candles"):
        fetch(settings({"candles": None}))


def test_a_days_closing_price_is_not_known_on_that_day(shared_data: Path) -> None:
    """Santiment's row D is the close of D: the join shows it from the end of D on."""
    folder = shared_data / "multi_source"
    files = {
        "candles": folder / "{symbol}-1h-2025-04.csv",
        "onchain_daily": [folder / "santiment_metrics_april_may_2025.csv"],
    }
    market = fetch(settings(files))
    price = market.onchain_daily[market.onchain_daily["name"] == "price_usd"]
    ts = market.candles["ts_close"].to_numpy()
    close = market.candles["close"].to_numpy()
    day = 86_400 * 10**9

    def worst_at_the_end_of_the_day(facts: pd.DataFrame) -> float:
        known = as_of(ts, facts, 86_400.0)["price_usd"].to_numpy()
        ends = ts % day == 0
        return float(np.nanmax(np.abs(np.log(known[ends] / close[ends]))))

    assert worst_at_the_end_of_the_day(price) < 0.005
    # A day early it is the close of the day after: off by that day's whole move.
    early = price.assign(ts_known=price["ts_known"] - day)
    assert worst_at_the_end_of_the_day(early) > 0.05
    first = as_of(ts[ts < ts[0] // day * day + day], price, 86_400.0)
    assert first["price_usd"].isna().all()
