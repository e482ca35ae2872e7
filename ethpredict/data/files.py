"""A market from local files: candles, and whatever else the settings name."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ethpredict.data.arrival import fact_quality
from ethpredict.data.book_files import read_book
from ethpredict.data.candle_table import candle_part, checked_gap, market_of
from ethpredict.data.chain_files import block_part, pool_part
from ethpredict.data.fact_files import fact_part, funding_part
from ethpredict.data.market import (
    CANDLE_COLUMNS,
    QUARANTINED_COLUMNS,
    Market,
    mark_gaps,
    typed_table,
)
from ethpredict.data.order_words import OrderLayout
from ethpredict.data.orders import order_part
from ethpredict.data.timestamps import interval_ns, iso, parse_moment
from ethpredict.data.trade_files import candles_from_trades, read_trades
from ethpredict.errors import ConfigError, DataError
from ethpredict.io.json_table import read_objects_or_table
from ethpredict.io.raw_table import RawTable, input_file, read_raw_table

logger = logging.getLogger(__name__)


def read_market(settings: dict[str, Any]) -> Market:
    """Read the tables that `data.files` names.

    Parameters
    ----------
    settings : dict
        ``{"data": {...}}``: symbol, interval, start, end, max_gap,
        on_bad_rows and files.

    Returns
    -------
    Market
        Candles (made from the trades where no candle file is named), the
        other tables that are named, cut to the period, the rows set aside,
        and the quality report.

    Raises
    ------
    ConfigError
        If neither candles nor trades are named, `max_gap` is shorter than one
        candle, or `start` is not before `end`.
    DataError
        If a file cannot be used as a whole, holds no rows of the period or
        candles of another length, or (under ``strict``) holds a bad row.
    """
    data = settings["data"]
    checked_gap(data)
    quarantine = data["on_bad_rows"] == "quarantine"
    found = {name: _part(data, name, quarantine) for name in _READERS if paths_of(data, name)}
    path = next(iter(paths_of(data, "candles")), None)
    if path is not None:
        market = market_of([candle_part(read_raw_table(path), data)], data)
    elif "trades" in found:
        market = _from_trades(found["trades"][0], data, paths_of(data, "trades")[0])
    else:
        raise ConfigError(
            "data.files.candles", None, "the path of a candle file", "Or name data.files.trades."
        )
    start, end = _period(data, market.candles)
    aside, told = [market.quarantined], dict(market.quality)
    inputs = list(told["inputs"])
    for name, (table, quarantined, more) in found.items():
        inside = _cut(table, name, start, end)
        if not len(inside):
            moments = table["ts"]
            raise DataError(
                paths_of(data, name)[0],
                None,
                f"no row from {iso(start)} to {iso(end)}"
                + (f"; it has {iso(moments.min())} to {iso(moments.max())}" if len(table) else ""),
            )
        market = replace(market, **{name: inside})
        aside.append(quarantined)
        inputs += [input_file(path).record() for path in paths_of(data, name)]
        if more:
            told[name] = more
        logger.info("%s: %d rows", name, len(inside))
    market = replace(market, quarantined=typed_table(QUARANTINED_COLUMNS, dict(pd.concat(aside))))
    facts = pd.concat([market.funding, market.onchain_daily])
    if len(facts):
        moments = market.candles["ts_close"].to_numpy()
        told["facts"] = fact_quality(moments, facts)
    return replace(market, quality=told | {"inputs": _distinct(inputs)})


def paths_of(data: Mapping[str, Any], name: str) -> list[Path]:
    """Paths that `data.files` names for one table."""
    given = data.get("files", {}).get(name)
    texts = [given] if isinstance(given, str) else given or []
    return [Path(text.replace("{symbol}", data["symbol"])) for text in texts]


def _trades(path: Path, data: Mapping[str, Any], quarantine: bool) -> Any:
    part = read_trades(path, quarantine, data["files"].get("contract_size"))
    return part.trades, part.quarantined, {}


def _book(path: Path, data: Mapping[str, Any], quarantine: bool) -> Any:
    return read_book(path, quarantine, data["files"].get("contract_size"))


def _pool(path: Path, data: Mapping[str, Any], quarantine: bool) -> Any:
    files = data["files"]
    decimals = files.get("decimals0", 6), files.get("decimals1", 18)
    eth_first = files.get("eth_is_token0", False)
    return (*pool_part(read_objects_or_table(path), quarantine, decimals, eth_first), {})


def _orders(path: Path, data: Mapping[str, Any], quarantine: bool) -> Any:
    layout = OrderLayout(**data.get("orders", {}))
    return (*order_part(read_raw_table(path), quarantine, layout), {})


def _plain(
    part: Callable[[RawTable, bool], tuple[pd.DataFrame, pd.DataFrame]],
) -> Callable[[Path, Mapping[str, Any], bool], Any]:
    def read(path: Path, _: Mapping[str, Any], quarantine: bool) -> Any:
        return (*part(read_raw_table(path), quarantine), {})

    return read


_READERS: dict[str, Callable[[Path, Mapping[str, Any], bool], Any]] = {
    "trades": _trades,
    "book": _book,
    "orders": _orders,
    "pool_events": _pool,
    "blocks": _plain(block_part),
    "funding": _plain(funding_part),
    "onchain_daily": _plain(fact_part),
}


def _part(
    data: Mapping[str, Any], name: str, quarantine: bool
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """One table from its files, in the order in which they are named."""
    tables, aside = [], []
    told: dict[str, Any] = {}
    for path in paths_of(data, name):
        table, quarantined, more = _READERS[name](path, data, quarantine)
        tables.append(table)
        aside.append(quarantined)
        told |= more
    table = pd.concat(tables, ignore_index=True)
    stamped = table["ts"].to_numpy()
    if len(tables) > 1:
        table = table.iloc[np.argsort(stamped, kind="stable")].reset_index(drop=True)
    return table, pd.concat(aside, ignore_index=True), told


def _from_trades(trades: pd.DataFrame, data: Mapping[str, Any], path: Path) -> Market:
    """Candles of whole intervals, made from the trades."""
    if not len(trades):
        raise DataError(path, None, "no trades, so no candles")
    step = interval_ns(data["interval"])
    made = candles_from_trades(trades, step)
    first = parse_moment(data["start"], "data.start") if data.get("start") else None
    last = parse_moment(data["end"], "data.end") if data.get("end") else None
    inside = np.ones(len(made), dtype=bool)
    if first is not None:
        inside &= (made["ts_open"] >= first).to_numpy()
    if last is not None:
        inside &= (made["ts_close"] <= last).to_numpy()
    if not inside.any():
        raise DataError(path, None, f"no trades from {data.get('start')} to {data.get('end')}")
    made = made[inside]
    made["gap"] = mark_gaps(
        made["ts_open"].to_numpy(), made["ts_close"].to_numpy(), checked_gap(dict(data))
    )
    quality = {"constant_columns": [], "inputs": [], "candles_from": "trades"}
    return Market(candles=typed_table(CANDLE_COLUMNS, dict(made)), quality=quality)


def _period(data: Mapping[str, Any], candles: pd.DataFrame) -> tuple[int, int]:
    """The period of the settings, or, where one is open, that of the candles."""
    start, end = data.get("start"), data.get("end")
    return (
        parse_moment(start, "data.start") if start else int(candles["ts_open"].iloc[0]),
        parse_moment(end, "data.end") if end else int(candles["ts_close"].iloc[-1]),
    )


def _cut(table: pd.DataFrame, name: str, start: int, end: int) -> pd.DataFrame:
    """Rows of the period; of facts also those that are known before it and may still hold.

    A book or its orders cut at the beginning would lack the levels that stood
    then, so their rows are kept from the last snapshot (or the first row) on.
    """
    ts = table["ts"].to_numpy()
    if name in ("funding", "onchain_daily"):
        return table[ts < end].reset_index(drop=True)
    first = start
    if name == "orders":
        first = int(ts[0]) if len(ts) else start
    if name == "book" and len(ts):
        before = ts[table["snapshot"].to_numpy() & (ts <= start)]
        first = int(before[-1]) if len(before) else start
    return table[(ts >= first) & (ts < end)].reset_index(drop=True)


def _distinct(inputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each file once, though several tables may come from it."""
    seen: dict[str, dict[str, Any]] = {}
    for record in inputs:
        seen.setdefault(record["sha256"], record)
    return list(seen.values())
