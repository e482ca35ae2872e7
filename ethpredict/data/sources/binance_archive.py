"""Binance's public archive: whole months and days as zip files, each with its checksum."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import pandas as pd
import requests

from ethpredict.data.candle_table import candle_part, checked_gap, market_of
from ethpredict.data.market import FACT_COLUMNS, Market, empty_trades, typed_table
from ethpredict.data.sources.access import Access, in_parallel, moments
from ethpredict.data.timestamps import iso
from ethpredict.data.trade_table import AGGREGATED, SINGLE, trade_part
from ethpredict.errors import DataError
from ethpredict.io.chunks import Joint
from ethpredict.io.downloads import Stored
from ethpredict.io.raw_table import read_raw_table
from ethpredict.io.redact import public_url

logger = logging.getLogger(__name__)

_FOLDERS = {"spot": "spot", "um": "futures/um", "cm": "futures/cm"}
_TRADES = {"agg": ("aggTrades", AGGREGATED), "raw": ("trades", SINGLE)}
# Candles of coin-margined contracts count contracts first and coins second.
_COIN_COLUMNS = {"volume": 7, "quote_volume": 5, "taker_buy_volume": 10}


def fetch(access: Access) -> Market:
    """Candles of the period and, if `data.binance.trades` asks for them, its trades."""
    binance, data = access.data["binance"], dict(access.data)
    checked_gap(data)
    coin = binance["market"] == "cm"
    kept = _files(access, f"klines/{data['symbol']}/{data['interval']}", data["interval"])
    parts = []
    for stored in kept:
        part = candle_part(read_raw_table(stored.path), data, _COIN_COLUMNS if coin else None)
        if coin:
            part.candles["quote_volume"] *= binance["contract_size"]
        access.store.count(stored.name, len(part.candles) + len(part.quarantined))
        parts.append(part)
    market = market_of(parts, data)
    if binance["trades"] in _TRADES:
        market = _with_trades(access, market)
    return market


def _with_trades(access: Access, market: Market) -> Market:
    binance = access.data["binance"]
    kind, layout = _TRADES[binance["trades"]]
    size = binance["contract_size"] if binance["market"] == "cm" else None
    # A month of trades is tens of millions of rows: read day by day.
    kept = _files(access, f"{kind}/{access.data['symbol']}", kind, whole_months=False)
    # One day at a time: neither the trades nor their files are ever held together.
    source = Joint(lambda: _days_of_trades(access, market, kept, layout, size))
    inputs = [*market.quality["inputs"], *(stored.record() for stored in kept)]
    return replace(
        market,
        trades=source.part("trades"),
        quarantined=source.part("quarantined"),
        quality=market.quality | {"inputs": inputs},
    )


def _days_of_trades(
    access: Access, market: Market, kept: list[Stored], layout: dict[str, int], size: float | None
) -> Iterator[dict[str, pd.DataFrame]]:
    """Trades of one file after the other, and the rows of each that were set aside."""
    yield {"trades": empty_trades(), "quarantined": cast(pd.DataFrame, market.quarantined)}
    latest = access.start
    for stored in kept:
        raw = read_raw_table(stored.path)
        part = trade_part(raw, layout, access.data["on_bad_rows"] == "quarantine", size)
        access.store.count(stored.name, len(raw.rows) + len(raw.malformed))
        trades = part.trades
        inside = (trades["ts"] >= access.start) & (trades["ts"] < access.end)
        trades = trades[inside].sort_values("ts", kind="stable").reset_index(drop=True)
        if len(trades) and trades["ts"].iloc[0] < latest:
            raise DataError(
                stored.path,
                None,
                f"begins at {iso(trades['ts'].iloc[0])}, before the file of the day before ends; "
                "remove both from the download store and run again",
            )
        latest = int(trades["ts"].iloc[-1]) if len(trades) else latest
        logger.info("%s: %d trades", stored.path.name, len(trades))
        yield {"trades": trades, "quarantined": part.quarantined}


def funding(access: Access) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """Funding rates of the perpetual of the same name (USD-margined for a spot market).

    Returns
    -------
    DataFrame
        `FACT_COLUMNS`; a rate is known at the moment at which it is paid.
    list of dict
        Name and digest of the files.
    """
    symbol, binance = access.data["symbol"], access.data["binance"]
    folder = f"{_FOLDERS['cm' if binance['market'] == 'cm' else 'um']}/monthly/fundingRate/{symbol}"
    kept = [
        _one(access, f"{folder}/{symbol}-fundingRate-{month}.zip") for month, _ in _months(access)
    ]
    tables = []
    for stored in kept:
        if stored is None:
            raise DataError(
                f"{binance['archive_url']}/data/{folder}",
                None,
                f"no funding file of {symbol} for a month of the period; end at the last whole "
                "month or check data.symbol",
            )
        raw = read_raw_table(stored.path)
        if raw.malformed or len(raw.columns) != 3:
            raise DataError(stored.path, None, "no funding file: three fields a row wanted")
        access.store.count(stored.name, len(raw.rows))
        tables.append(
            pd.DataFrame(
                {
                    "ts": moments(stored.name, raw.columns[0].to_pylist()),
                    "value": [float(text) for text in raw.columns[2].to_pylist()],
                }
            )
        )
    rates = pd.concat(tables, ignore_index=True)
    rates = rates[(rates["ts"] >= access.start) & (rates["ts"] < access.end)]
    facts = rates.assign(ts_known=rates["ts"], source="binance", name="funding_rate")
    return typed_table(FACT_COLUMNS, dict(facts)), [s.record() for s in kept if s is not None]


def _months(access: Access) -> Iterator[tuple[str, list[str]]]:
    """Months of the period, each with the days to fetch; none where the whole month is wanted."""
    start, end = pd.Timestamp(access.start), pd.Timestamp(access.end)
    last = end - pd.Timedelta(1, "ns")
    for month in pd.period_range(start.to_period("M"), last.to_period("M"), freq="M"):
        whole = month.start_time >= start and (month + 1).start_time <= end
        first_day = max(month.start_time, start).to_period("D")
        last_day = min(month.end_time, last).to_period("D")
        days = pd.period_range(first_day, last_day, freq="D")
        yield str(month), [] if whole else [str(day) for day in days]


def _files(access: Access, folder: str, kind: str, whole_months: bool = True) -> list[Stored]:
    """Fetch what covers the period: months where they are whole and wanted so, else days.

    A month that is not published (yet) is fetched day by day.
    """
    symbol, market = access.data["symbol"], _FOLDERS[access.data["binance"]["market"]]

    def name(span: str, when: str) -> str:
        return f"{market}/{span}/{folder}/{symbol}-{kind}-{when}.zip"

    def of_month(item: tuple[str, list[str]]) -> list[Stored]:
        month, days = item
        if not days and whole_months:
            found = _one(access, name("monthly", month))
            if found is not None:
                return [found]
        if not days:
            first = pd.Period(month, "M")
            days = [str(d) for d in pd.period_range(first.start_time, first.end_time, freq="D")]
        kept = []
        for day in days:
            found = _one(access, name("daily", day))
            if found is None:
                raise DataError(
                    f"{access.data['binance']['archive_url']}/data/{name('daily', day)}",
                    None,
                    "not in the archive: check data.symbol, data.interval and "
                    "data.binance.market; a day is published on the next one",
                )
            kept.append(found)
        return kept

    months = in_parallel(access, of_month, list(_months(access)), f"{symbol} {kind}, months")
    return [stored for month in months for stored in month]


def _one(access: Access, name: str) -> Stored | None:
    """One archive file, from the store where its checksum still holds; None if there is none."""
    binance, kept_name = access.data["binance"], f"binance_archive/{name}"
    url = f"{binance['archive_url'].rstrip('/')}/data/{name}"
    with access.store.locked(kept_name):
        kept = access.store.find(kept_name)
        if kept is not None and not binance["check_reissued"]:
            return kept
        announced = _announced(access, url)
        if announced is None:
            return None
        if kept is not None:
            if kept.sha256 == announced:
                return kept
            logger.warning("%s has been re-issued since it was fetched; fetched again", name)
            access.store.supersede(kept)
        moment = access.client.clock()
        access.client.download(url, access.store.root / kept_name, announced)
        return access.store.note(kept_name, url, moment)


def _announced(access: Access, url: str) -> str | None:
    """Checksum beside a file; None where there is no such file."""
    answer = access.client.request("GET", f"{url}.CHECKSUM", _is_absent)
    if _is_absent(answer):
        return None
    found = re.match(r"^([0-9a-fA-F]{64})\s", answer.text)
    if found is None:
        raise DataError(
            public_url(f"{url}.CHECKSUM"),
            None,
            f"no checksum but {answer.text[:80]!r}: a proxy or a log-in page stands between, or "
            "data.binance.archive_url is wrong",
        )
    return found.group(1).lower()


def _is_absent(answer: requests.Response) -> bool:
    return answer.status_code == requests.codes.not_found
