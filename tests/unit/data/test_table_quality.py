"""What the report says about each table, against counts made another way."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ethpredict.data import table_quality
from ethpredict.data.market import Market, empty_candles
from ethpredict.data.table_quality import KINDS, describe, describe_tables
from ethpredict.data.trade_files import read_trades
from ethpredict.io.artefact import write_table

SECOND = 10**9


def trades(n: int = 1000) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    ts = np.cumsum(rng.integers(1, 5, n)) * SECOND
    ts[600:] += 5000 * SECOND
    price = 100 * np.exp(np.cumsum(rng.normal(0, 1e-4, n)))
    price[300] *= 1.5
    number = np.arange(n)
    number[700] = number[699]
    table = {"ts": ts, "price": price, "size": 1.0, "aggressor_side": 1, "id": number}
    return pd.DataFrame(table)


def test_what_was_planted_is_found() -> None:
    told = describe([trades()], KINDS["trades"], 3600.0)
    assert told["rows"] == 1000
    assert told["gaps"]["count"] == 1
    assert 5000 < told["gaps"]["longest_s"] < 5010
    assert told["duplicates"] == 1
    assert told["outliers"] == 2  # up and down again
    assert told["constant_columns"] == ["size", "aggressor_side"]


@pytest.mark.parametrize("sample", [20, 300, 100_000])
@pytest.mark.parametrize("size", [1, 7, 300, 999])
def test_it_does_not_matter_how_a_table_is_cut(size: int, sample: int, monkeypatch) -> None:
    monkeypatch.setattr(table_quality, "_SAMPLE", sample)
    table = trades()
    pieces = [table.iloc[i : i + size] for i in range(0, len(table), size)]
    whole = describe([table], KINDS["trades"], 3600.0)
    assert describe([table.iloc[:0], *pieces], KINDS["trades"], 3600.0) == whole
    change = np.diff(np.log(table["price"]))
    first = change[:sample]
    spread = 1.4826 * np.median(np.abs(first - np.median(first)))
    assert whole["outliers"] == (np.abs(change - np.median(first)) > 10 * spread).sum()


def test_memory_does_not_grow_with_the_table() -> None:
    def pieces(n: int) -> Iterator[pd.DataFrame]:
        table = trades(10_000)
        for i in range(n):
            yield table.assign(ts=table["ts"] + i * 10**15, id=table["id"] + i * 10_000)

    def peak(n: int) -> int:
        tracemalloc.start()
        told = describe(pieces(n), KINDS["trades"], 3600.0)
        assert told["rows"] == n * 10_000
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    # 400,000 prices or steps alone would be 3.2 MB.
    assert peak(60) < peak(20) + 1_000_000


def test_books_and_orders_are_described() -> None:
    ts = np.arange(50) * SECOND
    side, size = np.where(np.arange(50) % 2, 1, -1), np.arange(50.0)
    book = pd.DataFrame({"ts": ts, "side": side, "price": 100.0 + side, "size": size})
    book = book.assign(snapshot=False, id=np.arange(50), ts_local=ts)
    book = pd.concat([book.iloc[:20], book.iloc[19:40], book.iloc[45:]], ignore_index=True)
    told = describe([book], KINDS["book"], 3.0)
    assert (told["rows"], told["duplicates"], told["gaps"]["count"]) == (46, 1, 1)
    assert told["outliers"] is None
    orders = pd.DataFrame({"ts": ts, "kind": ["created", "deleted"] * 25, "order_id": 7})
    orders = orders.assign(side=1, price=100.0, size=1.0)
    told = describe([orders, orders.iloc[-1:]], KINDS["orders"], 3.0)
    assert told["duplicates"] == 1
    assert told["constant_columns"] == ["order_id", "side", "price", "size"]


def test_missing_steps_of_regular_rows_are_gaps() -> None:
    ts = np.delete(np.arange(100), [40, 41, 60]) * 12 * SECOND
    blocks = pd.DataFrame({"ts": ts, "number": range(97), "base_fee_wei": 10**9})
    told = describe([blocks], KINDS["blocks"], 3600.0)
    assert told["gaps"] == {"count": 2, "limit_s": 18.0, "longest_s": 36.0}
    assert told["constant_columns"] == ["base_fee_wei"]


def test_every_table_is_described_and_facts_by_name(tmp_path: Path) -> None:
    from ethpredict.data.arrival import DAY_NS, daily_facts
    from ethpredict.data.market import QUARANTINED_COLUMNS, TABLES, typed_table

    days = np.arange(30) * DAY_NS
    facts = [daily_facts("x", name, days, np.arange(30) + 1.0) for name in ("a", "b")]
    aside = {
        "row": [3, 4, 9],
        "reason": ["trade price: -1 [t.csv]", "trade size: 0 [t.csv]", "high below low: 1 < 2"],
        "raw": ["", "", ""],
    }
    market = Market(
        candles=empty_candles(),
        trades=trades(),
        onchain_daily=pd.concat(facts, ignore_index=True),
        quarantined=typed_table(QUARANTINED_COLUMNS, aside),
    )
    files = {name: tmp_path / f"{name}.parquet" for name in TABLES}
    for name, path in files.items():
        write_table(getattr(market, name), path)
    told = describe_tables(files, 3600.0)
    assert list(told) == ["candles", "trades", "onchain_daily: a (x)", "onchain_daily: b (x)"]
    assert told["candles"] == {"rows": 0, "quarantined": 1}
    assert told["trades"]["quarantined"] == 2
    assert told["onchain_daily: b (x)"]["gaps"]["count"] == 0


def test_a_real_tape_repeats_no_id(shared_data: Path) -> None:
    tape = read_trades(shared_data / "ticks/es_ticks_2013-09.csv.gz").trades
    told = describe([tape], KINDS["trades"], 3600.0)
    step = np.diff(tape["ts"])
    assert told["rows"] == 500_000
    assert told["duplicates"] == 0
    assert told["gaps"]["count"] == int((step > 3600 * SECOND).sum()) > 0
