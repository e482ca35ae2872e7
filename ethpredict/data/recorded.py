"""Recorded answers and messages of the venues' APIs, told apart by their shape."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ethpredict.data.candle_table import candle_part
from ethpredict.data.columns import HEADERLESS
from ethpredict.data.market import (
    BOOK_COLUMNS,
    CANDLE_COLUMNS,
    FACT_COLUMNS,
    TRADE_COLUMNS,
    typed_table,
)
from ethpredict.data.timestamps import NO_TIME, to_nanoseconds
from ethpredict.errors import DataError
from ethpredict.io.raw_table import InputFile, RawTable

# What a venue says about a market: least steps and sizes, fees as shares.
INSTRUMENT_COLUMNS: dict[str, str] = {
    "symbol": "str",
    "tick": "float64",
    "lot": "float64",
    "min_size": "float64",
    "min_value": "float64",
    "maker_fee": "float64",
    "taker_fee": "float64",
}
_NAN = float("nan")
_LIGHTER_CANDLE = ("t", "o", "h", "l", "c", "v", "V")
_CANDLE = ("ts_open", "open", "high", "low", "close", "volume", "quote_volume")
Table = tuple[str, pd.DataFrame]


def read_recorded(path: str | Path, interval: str = "1m", now: int = 0) -> Table:
    """Read one recorded answer to the canonical table that it belongs to.

    Parameters
    ----------
    path : path-like
        JSON of Binance (klines, trades, own trades, depth, aggTrade and
        depthUpdate messages, price), Hyperliquid (book, trades, funding,
        candles, meta) or Lighter (candles, fundings, trades, order book,
        orders, market details).
    interval : str
        Length of its candles.
    now : int
        UTC ns: the time of an answer that carries none.

    Returns
    -------
    kind : str
        ``candles``, ``trades``, ``book``, ``facts`` or ``instruments``.
    table : DataFrame
        In the canonical layout of that kind; without rows where the venue
        answered with null.

    Raises
    ------
    DataError
        If the file is no JSON or its shape is not known.
    """
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(path, None, f"cannot be read as JSON ({error})") from error
    return laid_out(Path(path), found, interval, now)


def laid_out(path: Path, found: Any, interval: str, now: int) -> Table:
    """Lay an answer out; see :func:`read_recorded`."""
    first = found[0] if isinstance(found, list) and found else found
    fields = set(first) if isinstance(first, dict) else set()
    try:
        if isinstance(first, list) and len(first) == len(HEADERLESS[12]):
            return "candles", _candles(path, HEADERLESS[12], found, interval)
        for needed, kind, make in _SHAPES:
            if needed <= fields:
                return kind, make(path, found, interval, now)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(path, None, f"unexpected answer: {type(error).__name__} {error}") from error
    raise DataError(path, None, f"an answer of a shape that is not known: {str(found)[:100]}")


def _candles(path: Path, names: tuple[str, ...], rows: list[Any], interval: str) -> pd.DataFrame:
    if not rows:
        return typed_table(CANDLE_COLUMNS)
    columns = tuple(pa.array([str(v) for v in column]) for column in zip(*rows, strict=True))
    numbers = np.arange(1, len(rows) + 1, dtype=np.int64)
    lines = tuple(str(row) for row in rows)
    raw = RawTable(path, names, columns, numbers, (), InputFile(path.name, "", 0), lines)
    return candle_part(raw, {"interval": interval, "on_bad_rows": "strict"}).candles


def _lighter_candles(path: Path, found: Any, interval: str, now: int) -> pd.DataFrame:
    rows = found.get("candles", found.get("c")) or []
    ordered = [[row.get(name, 0) for name in _LIGHTER_CANDLE] for row in rows]
    return _candles(path, _CANDLE, ordered, interval)


def _hyperliquid_candles(path: Path, found: Any, interval: str, now: int) -> pd.DataFrame:
    rows = [[row[name] for name in ("t", "o", "h", "l", "c", "v", "n")] for row in found]
    return _candles(path, (*_CANDLE[:6], "trades"), rows, interval)


def _trades(rows: list[tuple[Any, Any, Any, int, Any]]) -> pd.DataFrame:
    """Trades, oldest first, from time, price, size, side, id."""
    if not rows:
        return typed_table(TRADE_COLUMNS)
    ts, price, size, side, number = zip(*rows, strict=True)
    table = {
        "ts": _stamps(ts),
        "price": [float(value) for value in price],
        "size": [float(value) for value in size],
        "aggressor_side": list(side),
        "id": [int(value) for value in number],
    }
    return typed_table(TRADE_COLUMNS, dict(pd.DataFrame(table).sort_values(["ts", "id"])))


def _binance_trades(path: Path, found: Any, interval: str, now: int) -> pd.DataFrame:
    """Public trades, or own ones: the taker bought where the buyer was no maker."""

    def side(row: dict[str, Any]) -> int:
        if "isBuyerMaker" in row:
            return -1 if row["isBuyerMaker"] else 1
        return 1 if row["isBuyer"] != row["isMaker"] else -1

    return _trades([(r["time"], r["price"], r["qty"], side(r), r["id"]) for r in found])


def _binance_event(path: Path, found: Any, interval: str, now: int) -> pd.DataFrame:
    return _trades([(found["T"], found["p"], found["q"], -1 if found["m"] else 1, found["a"])])


def _hyperliquid_trades(path: Path, found: Any, interval: str, now: int) -> pd.DataFrame:
    return _trades(
        [(r["time"], r["px"], r["sz"], 1 if r["side"] == "B" else -1, r["tid"]) for r in found]
    )


def _lighter_trades(path: Path, found: Any, interval: str, now: int) -> pd.DataFrame:
    return _trades(
        [
            (r["timestamp"], r["price"], r["size"], 1 if r["is_maker_ask"] else -1, r["trade_id"])
            for r in found.get("trades") or []
        ]
    )


def _book(ts: int, sides: dict[int, list[tuple[Any, Any]]], snapshot: bool, number: int) -> Any:
    rows = [(side, float(p), float(q)) for side, levels in sides.items() for p, q in levels]
    side, price, size = zip(*rows, strict=True) if rows else ((), (), ())
    n = len(rows)
    table = {
        "ts": [ts] * n, "side": list(side), "price": list(price), "size": list(size),
        "snapshot": [snapshot] * n, "id": [number] * n, "ts_local": [ts] * n,
    }  # fmt: skip
    return typed_table(BOOK_COLUMNS, table)


def _depth(path: Path, found: Any, interval: str, now: int) -> pd.DataFrame:
    return _book(now, {1: found["bids"], -1: found["asks"]}, True, found["lastUpdateId"])


def _depth_event(path: Path, found: Any, interval: str, now: int) -> pd.DataFrame:
    ts = int(_stamps([found.get("T", found["E"])])[0])
    return _book(ts, {1: found["b"], -1: found["a"]}, False, found["u"])


def _hyperliquid_book(path: Path, found: Any, interval: str, now: int) -> pd.DataFrame:
    bids, asks = ([(level["px"], level["sz"]) for level in side] for side in found["levels"])
    return _book(int(_stamps([found["time"]])[0]), {1: bids, -1: asks}, True, 0)


def _lighter_book(path: Path, found: Any, interval: str, now: int) -> pd.DataFrame:
    """Levels, or orders one by one: sizes of one price are summed."""
    sides: dict[int, list[tuple[Any, Any]]] = {}
    for side, name in ((1, "bids"), (-1, "asks")):
        levels: dict[float, float] = {}
        for row in found[name] or []:
            price = float(row["price"])
            size = float(row.get("remaining_base_amount", row.get("size", 0)))
            levels[price] = levels.get(price, 0.0) + size
        sides[side] = sorted(levels.items(), key=lambda level: -level[0] * side)
    return _book(now, sides, True, int(found.get("nonce", 0)))


def _facts(source: str, name: str, ts: np.ndarray, value: list[float]) -> pd.DataFrame:
    text = {"source": [source] * len(value), "name": [name] * len(value)}
    return typed_table(FACT_COLUMNS, {"ts": ts, "ts_known": ts, "value": value} | text)


def _hyperliquid_funding(path: Path, found: Any, interval: str, now: int) -> pd.DataFrame:
    rates = [float(row["fundingRate"]) for row in found]
    return _facts("hyperliquid", "funding_rate", _stamps([row["time"] for row in found]), rates)


def _lighter_funding(path: Path, found: Any, interval: str, now: int) -> pd.DataFrame:
    rows = found["fundings"] or []
    signs = {"long": 1.0, "short": -1.0}
    rates = [signs[row["direction"]] * float(row.get("rate", 0)) / 100 for row in rows]
    return _facts("lighter", "funding_rate", _stamps([row["timestamp"] for row in rows]), rates)


def _price(path: Path, found: Any, interval: str, now: int) -> pd.DataFrame:
    return _facts("binance", "price", np.array([now]), [float(found["price"])])


def _lighter_markets(path: Path, found: Any, interval: str, now: int) -> pd.DataFrame:
    rows = [
        (
            row["symbol"],
            10.0 ** -row["supported_price_decimals"],
            10.0 ** -row["supported_size_decimals"],
            float(row["min_base_amount"]),
            float(row["min_quote_amount"]),
            float(row["maker_fee"]) / 100,
            float(row["taker_fee"]) / 100,
        )
        for row in found.get("order_book_details", found.get("order_books")) or []
    ]
    return _instruments(rows)


def _hyperliquid_markets(path: Path, found: Any, interval: str, now: int) -> pd.DataFrame:
    return _instruments(
        [
            (row["name"], _NAN, 10.0 ** -row["szDecimals"], _NAN, _NAN, _NAN, _NAN)
            for row in found["universe"]
        ]
    )


def _instruments(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    columns = zip(*rows, strict=True)
    names = zip(INSTRUMENT_COLUMNS, map(list, columns), strict=True)
    return typed_table(INSTRUMENT_COLUMNS, dict(names))


def _stamps(values: Any) -> np.ndarray:
    """Stamps in s, ms or us (by magnitude) as UTC ns.

    Documentation prints made-up small ones; those are taken as milliseconds.
    """
    texts = [str(value) for value in values]
    ts, _ = to_nanoseconds(pa.array(texts, pa.string()))
    early = [
        int(text) * 1_000_000 if known == NO_TIME else int(known)
        for text, known in zip(texts, ts, strict=True)
    ]
    return np.array(early, dtype=np.int64)


_SHAPES: tuple[tuple[set[str], str, Callable[[Path, Any, str, int], pd.DataFrame]], ...] = (
    ({"lastUpdateId", "bids", "asks"}, "book", _depth),
    ({"e", "U", "u", "b", "a"}, "book", _depth_event),
    ({"e", "a", "p", "q", "m"}, "trades", _binance_event),
    ({"levels", "time"}, "book", _hyperliquid_book),
    ({"candles"}, "candles", _lighter_candles),
    ({"c", "r"}, "candles", _lighter_candles),
    ({"T", "o", "h", "l", "c", "n"}, "candles", _hyperliquid_candles),
    ({"fundings"}, "facts", _lighter_funding),
    ({"fundingRate", "time"}, "facts", _hyperliquid_funding),
    ({"asks", "bids", "code"}, "book", _lighter_book),
    ({"order_book_details"}, "instruments", _lighter_markets),
    ({"order_books"}, "instruments", _lighter_markets),
    ({"universe"}, "instruments", _hyperliquid_markets),
    ({"px", "sz", "side", "tid"}, "trades", _hyperliquid_trades),
    ({"isBuyerMaker"}, "trades", _binance_trades),
    ({"isBuyer", "isMaker"}, "trades", _binance_trades),
    ({"trades"}, "trades", _lighter_trades),
    ({"code", "next_cursor"}, "trades", _lighter_trades),
    ({"symbol", "price"}, "facts", _price),
)
