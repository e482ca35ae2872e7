"""Every real file beside the checkout reads to the canonical table that it belongs to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from ethpredict.data.book_files import read_book
from ethpredict.data.candle_table import candle_part
from ethpredict.data.chain_files import block_part, read_object, read_pool_state, state_event
from ethpredict.data.fact_files import fact_part, funding_part
from ethpredict.data.market import (
    BLOCK_COLUMNS,
    BOOK_COLUMNS,
    CANDLE_COLUMNS,
    FACT_COLUMNS,
    ORDER_COLUMNS,
    POOL_EVENT_COLUMNS,
    TRADE_COLUMNS,
    typed_table,
)
from ethpredict.data.named_columns import Column, read_columns
from ethpredict.data.orders import read_orders
from ethpredict.data.recorded import INSTRUMENT_COLUMNS, laid_out, read_recorded
from ethpredict.data.swap_tape import read_swaps
from ethpredict.data.trade_files import read_trades
from ethpredict.errors import DataError
from ethpredict.io.raw_table import read_raw_table
from ethpredict.sim.amm import uniswap_v2_amount_out

NOW = 1_782_745_740_000_000_000


def candles(interval: str) -> Any:
    def read(path: Path) -> pd.DataFrame:
        return candle_part(
            read_raw_table(path), {"interval": interval, "on_bad_rows": "quarantine"}
        ).candles

    return read


def trades(path: Path) -> pd.DataFrame:
    return read_trades(path).trades


def book(path: Path) -> pd.DataFrame:
    return read_book(path)[0]


def levels(path: Path) -> pd.DataFrame:
    """Levels of a book that is told order by order at one moment, which the file does not tell."""
    columns = {
        "side": Column(("side",), "side"),
        "price": Column(("price",), low=0.0),
        "size": Column(("remaining_base_amount", "size"), low=0.0),
    }
    values, _ = read_columns(read_raw_table(path), columns, "resting order", False, None)
    summed = pd.DataFrame(values).groupby(["side", "price"], as_index=False)["size"].sum()
    summed["rank"] = summed["price"] * summed["side"]
    summed = summed.sort_values(["side", "rank"], ascending=False)
    stamps = {"ts": NOW, "ts_local": NOW, "snapshot": True, "id": 0}
    return typed_table(BOOK_COLUMNS, dict(summed.assign(**stamps)))


def facts(path: Path) -> pd.DataFrame:
    """One minute of the price file stands three rows too late: set aside, the others stay."""
    return fact_part(read_raw_table(path), path.name.startswith("price"))[0]


def funding(path: Path) -> pd.DataFrame:
    return funding_part(read_raw_table(path), False)[0]


def blocks(path: Path) -> pd.DataFrame:
    return block_part(read_raw_table(path), False)[0]


def recorded(interval: str = "1m") -> Any:
    return lambda path: read_recorded(path, interval, NOW)[1]


def cassette(path: Path) -> pd.DataFrame:
    """The last answer of a cassette; the first is the venue's list of markets."""
    tables = [
        laid_out(path, json.loads(turn["response"]["body"]["string"]), "1h", NOW)[1]
        for turn in yaml.safe_load(path.read_text())["interactions"]
    ]
    assert list(tables[0]) == list(INSTRUMENT_COLUMNS)
    return tables[-1]


def pool_state(path: Path) -> pd.DataFrame:
    return state_event(read_pool_state(path), NOW, eth_is_token0=True)


BARS, TRADES, BOOK, FACTS = CANDLE_COLUMNS, TRADE_COLUMNS, BOOK_COLUMNS, FACT_COLUMNS
API = "api_shapes"
# File: reader, columns, rows.
MANIFEST: dict[str, tuple[Any, dict[str, str], int]] = {
    "klines/BTCUSDT-1h-2024-2025.csv": (candles("1h"), BARS, 17_544),
    "klines/ETHUSDT-1h-2024-2025.csv": (candles("1h"), BARS, 17_544),
    "klines/ETHUSDT-5m-2024-12.csv": (candles("5m"), BARS, 8_641),
    "multi_source/ETHUSDT-1h-2025-04.csv": (candles("1h"), BARS, 720),
    "multi_source/ETHUSDT-1h-2025-05.csv": (candles("1h"), BARS, 744),
    "multi_source/defillama_eth_chain_tvl_2025_04-05.csv": (facts, FACTS, 61),
    "multi_source/defillama_eth_top10_snapshots_2025_04-05.csv": (facts, FACTS, 3),
    "multi_source/santiment_metrics_april_may_2025.csv": (facts, FACTS, 17 * 61 - 11 * 24),
    "lighter/candles_ETH_perp_5m_20260328_20260628.csv": (candles("5m"), BARS, 26_496),
    "lighter/mark_price_candles_ETH_perp_1h_20260328_20260628.csv": (candles("1h"), BARS, 2_208),
    "lighter/fundings_ETH_perp_1h_20260328_20260628.csv": (funding, FACTS, 2_203),
    "lighter/order_book_details_ETH_perp.json": (recorded(), INSTRUMENT_COLUMNS, 1),
    "lighter/order_book_orders_ETH_perp_latest.csv": (levels, BOOK, 141),
    "lighter/recent_trades_ETH_perp_latest.csv": (trades, TRADES, 100),
    "l2_capture/binance_coinm_ethusd_perp_20240808.gz": (book, BOOK, 195_671),
    "l2_capture/binance_spot_ethusdt_20240808.gz": (book, BOOK, 108_802),
    "l3/bitstamp_btcusd_20260502_orders.csv.gz": (read_orders, ORDER_COLUMNS, 314_057),
    "l3/bitstamp_btcusd_20260502_trades.csv": (trades, TRADES, 284),
    "ticks/es_ticks_2013-09.csv.gz": (trades, TRADES, 500_000),
    "amm/pancakeswap_v2_weth_usdbc_block_46875151.json": (pool_state, POOL_EVENT_COLUMNS, 1),
    "amm/uniswap_v3_usdc_weth_0.3pct_2024-01-05.raw.csv": (read_swaps, POOL_EVENT_COLUMNS, 288),
    "gas/base_fee_mainnet_21527387_21527726.csv": (blocks, BLOCK_COLUMNS, 340),
    "gas/gas_price_minute_2023-08.csv": (facts, FACTS, 5_760),
    "gas/price_weth_usdc_0813_0817.csv": (facts, FACTS, 2 * 7_199),
    "dirty/ETHUSDT-5m-malformed.csv": (candles("5m"), BARS, 1_011),
    f"{API}/binance-futures_book_snapshot_25_BTCUSDT.csv": (book, BOOK, 500),
    f"{API}/binance_account_trades_response.json": (recorded(), TRADES, 1),
    f"{API}/binance_agg_trade_stream.json": (recorded(), TRADES, 1),
    f"{API}/binance_depth_response.json": (recorded(), BOOK, 2),
    f"{API}/binance_depth_update_stream.json": (recorded(), BOOK, 2),
    f"{API}/binance_klines_response.json": (recorded("1d"), BARS, 1),
    f"{API}/binance_ticker_price_response.json": (recorded(), FACTS, 1),
    f"{API}/binance_trades_response.json": (recorded(), TRADES, 1),
    f"{API}/btcusdt-quotes.parquet": (book, BOOK, 902),
    f"{API}/btcusdt-trades.parquet": (trades, TRADES, 2_001),
    f"{API}/hyperliquid_cassettes/test_get_candles_snapshot.yaml": (cassette, BARS, 24),
    f"{API}/hyperliquid_cassettes/test_get_funding_history[1684811870000].yaml": (
        cassette,
        FACTS,
        34,
    ),
    f"{API}/hyperliquid_cassettes/test_get_l2_snapshot.yaml": (cassette, BOOK, 40),
    f"{API}/hyperliquid_http_funding_history.json": (recorded(), FACTS, 3),
    f"{API}/hyperliquid_http_l2_book_btc.json": (recorded(), BOOK, 10),
    f"{API}/hyperliquid_http_l2_book_snapshot.json": (recorded(), BOOK, 10),
    f"{API}/hyperliquid_http_meta_perp_sample.json": (recorded(), INSTRUMENT_COLUMNS, 3),
    f"{API}/hyperliquid_http_recent_trades_btc.json": (recorded(), TRADES, 3),
    f"{API}/hyperliquid_ws_book_data.json": (recorded(), BOOK, 10),
    f"{API}/lighter_http_candles_null.json": (recorded(), BARS, 0),
    f"{API}/lighter_http_fundings.json": (recorded(), FACTS, 2),
    f"{API}/lighter_http_order_book_depth.json": (recorded(), BOOK, 2),
    f"{API}/lighter_http_order_book_depth_null.json": (recorded(), BOOK, 0),
    f"{API}/lighter_http_order_book_details.json": (recorded(), INSTRUMENT_COLUMNS, 1),
    f"{API}/lighter_http_order_book_orders.json": (recorded(), BOOK, 2),
    f"{API}/lighter_http_order_books.json": (recorded(), INSTRUMENT_COLUMNS, 1),
    f"{API}/lighter_http_recent_trades.json": (recorded(), TRADES, 1),
    f"{API}/lighter_http_recent_trades_missing.json": (recorded(), TRADES, 0),
    f"{API}/lighter_http_recent_trades_null.json": (recorded(), TRADES, 0),
    f"{API}/lighter_http_recent_trades_unordered.json": (recorded(), TRADES, 3),
    f"{API}/lighter_ws_candle_subscribed.json": (recorded(), BARS, 1),
    f"{API}/lighter_ws_candle_update.json": (recorded(), BARS, 1),
}
# No market data of their own: each has a test below.
OTHERS = {
    "README.md",
    "l3/meta.json",
    "amm/test_pancakeswap_v2_router_get_amounts_out.json",
    f"{API}/defillama-openapi-free.json",
    f"{API}/lighter_http_candles.json",
}


def test_the_manifest_names_every_file(shared_data: Path) -> None:
    found = {str(p.relative_to(shared_data)) for p in shared_data.rglob("*") if p.is_file()}
    assert found == set(MANIFEST) | OTHERS


@pytest.mark.parametrize("name", MANIFEST)
def test_a_file_reads_to_its_table(shared_data: Path, name: str) -> None:
    reader, columns, rows = MANIFEST[name]
    table = reader(shared_data / name)
    assert {c: str(t) for c, t in table.dtypes.items()} == columns
    assert len(table) == rows
    time = next((c for c in ("ts", "ts_open") if c in table), None)
    if time and columns is not FACTS:  # facts stand name by name
        assert (np.diff(table[time]) >= 0).all()
    for price in ("price", "open", "close"):
        if price in table:
            assert (table[price] >= 0).all()


def test_the_fields_land_where_they_belong(shared_data: Path) -> None:
    """One row of each kind of file, read by eye."""

    def row(table: pd.DataFrame, at: int) -> tuple[Any, ...]:
        return next(table.iloc[at : at + 1].itertuples(index=False, name=None))

    assert row(trades(shared_data / f"{API}/btcusdt-trades.parquet"), 0) == (
        1_610_064_000_278_000_000, 39432.48, 0.000263, -1, 553287559,
    )  # fmt: skip
    first = row(trades(shared_data / "lighter/recent_trades_ETH_perp_latest.csv"), 0)
    assert first[1:] == (1564.57, 0.044, -1, 24154098905)  # the maker was no ask
    tick = row(trades(shared_data / "ticks/es_ticks_2013-09.csv.gz").iloc[:2], 1)
    assert tick == (1_378_054_800_083_000_000, 1640.25, 1.0, 0, 2)
    level = row(book(shared_data / f"{API}/binance-futures_book_snapshot_25_BTCUSDT.csv"), 25)
    assert level == (
        1_598_918_403_696_000_000, -1, 11657.08, 1.714, True, 0, 1_598_918_403_810_979_000,
    )  # fmt: skip
    block = row(blocks(shared_data / "gas/base_fee_mainnet_21527387_21527726.csv"), 0)
    assert block[:4] == (21527387, 1_735_707_423_000_000_000, 11_189_797_000, 0)
    rate = funding(shared_data / "lighter/fundings_ETH_perp_1h_20260328_20260628.csv").iloc[0]
    assert rate["value"] == pytest.approx(-0.0001 / 100)
    assert rate["ts_known"] == 1_774_659_600_000_000_000


def test_a_minute_or_a_day_is_known_at_its_end(shared_data: Path) -> None:
    tvl = facts(shared_data / "multi_source/defillama_eth_chain_tvl_2025_04-05.csv")
    assert set(tvl["ts_known"] - tvl["ts"]) == {86_400 * 10**9}
    assert set(tvl["name"]) == {"tvl"}
    gas = facts(shared_data / "gas/gas_price_minute_2023-08.csv")
    assert set(gas["ts_known"] - gas["ts"]) == {60 * 10**9}


def test_exchanges_are_left_out_of_the_protocols(shared_data: Path, caplog) -> None:
    found = facts(shared_data / "multi_source/defillama_eth_top10_snapshots_2025_04-05.csv")
    assert sorted(found["name"]) == ["tvl_aave_v3", "tvl_eigenlayer", "tvl_lido"]
    assert "binance-cex" in caplog.text


def test_five_minute_candles_make_the_hourly_file_exactly(shared_data: Path) -> None:
    fine = candles("5m")(shared_data / "klines/ETHUSDT-5m-2024-12.csv")
    hourly = candles("1h")(shared_data / "klines/ETHUSDT-1h-2024-2025.csv")
    hour = fine["ts_open"] // (3600 * 10**9) * (3600 * 10**9)
    made = fine.groupby(hour).agg(
        open=("open", "first"), high=("high", "max"), low=("low", "min"), close=("close", "last"),
        volume=("volume", "sum"), rows=("close", "size"),
    )  # fmt: skip
    made = made[made["rows"] == 12]
    same = hourly.set_index("ts_open").loc[made.index]
    assert len(made) == 30 * 24  # the file ends with the first candle of the 31st
    for name in ("open", "high", "low", "close"):
        assert (made[name] == same[name]).all()
    # Binance prints four decimals: the sums agree to the last one.
    assert (made["volume"].round(4) == same["volume"].round(4)).all()


def test_the_routers_answers_are_those_of_the_pool(shared_data: Path) -> None:
    state = read_pool_state(shared_data / "amm/pancakeswap_v2_weth_usdbc_block_46875151.json")
    name = "amm/test_pancakeswap_v2_router_get_amounts_out.json"
    answers = read_object(shared_data / name)["entries"]
    assert len(answers) == 24
    for asked, answer in answers.items():
        pool, _, pair, sent = asked.split("|")
        amount, told = int(sent), int(answer["value"])
        assert pool == state.address
        side = state.symbols.index(pair.split("->")[0])
        reserves = state.reserves[side], state.reserves[1 - side]
        assert uniswap_v2_amount_out(amount, *reserves, fee_bps=state.fee_bps) == told


def test_what_else_lies_there(shared_data: Path) -> None:
    meta = json.loads((shared_data / "l3/meta.json").read_text())
    events = read_orders(shared_data / "l3/bitstamp_btcusd_20260502_orders.csv.gz")
    assert len(events) == meta["total_order_rows"]
    assert events["ts"].iloc[0] // 10**6 == meta["snapshot_microtimestamp"] // 10**3
    paths = json.loads((shared_data / f"{API}/defillama-openapi-free.json").read_text())["paths"]
    assert {"/v2/historicalChainTvl/{chain}", "/protocol/{protocol}"} <= set(paths)
    with pytest.raises(DataError, match="off the grid"):  # its stamps are made up
        read_recorded(shared_data / f"{API}/lighter_http_candles.json", "1m")


def test_an_answer_of_another_shape_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    for text, words in (
        ("{", "cannot be read as JSON"),
        ('{"a": 1}', "a shape that is not known"),
        ('{"levels": 1, "time": 2}', "unexpected answer"),
    ):
        path.write_text(text)
        with pytest.raises(DataError, match=words):
            read_recorded(path)
