"""Hyperliquid's public ``info`` endpoint: candles, funding, the book and trades of now."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ethpredict.data.market import FACT_COLUMNS, TRADE_COLUMNS, Market, typed_table
from ethpredict.data.sources.access import (
    NS_PER_MS,
    Access,
    moments,
    window_over,
    windows,
    wrong_shape,
)
from ethpredict.data.sources.paged_candles import Page, fetch_candles
from ethpredict.data.timestamps import NS_PER_SECOND

_NAMES = ("t", "o", "h", "l", "c", "v", "n")
_CANDLES = 500
_FUNDING_HOURS = 500  # one rate an hour, at most 500 an answer
BOOK_COLUMNS = {"ts": "int64", "side": "int8", "price": "float64", "size": "float64"}


def fetch(access: Access) -> Market:
    """Candles of the period; the venue keeps the newest ones only."""
    coin, interval = access.data["hyperliquid"]["coin"], access.data["interval"]
    folder = f"hyperliquid/candles/{coin}-{interval}"

    def page(low: int, high: int) -> Page:
        request = {
            "coin": coin,
            "interval": interval,
            "startTime": low // NS_PER_MS,
            "endTime": high // NS_PER_MS - 1,
        }
        found, kept = access.ask(
            folder, _url(access), window_over(high), body={"type": "candleSnapshot", "req": request}
        )
        return _rows(access, found, _NAMES), [kept]

    return fetch_candles(access, folder, _NAMES, _CANDLES, page)


def funding(access: Access) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """Hourly funding rates of the period, each known when it is paid."""
    coin = access.data["hyperliquid"]["coin"]
    rows: list[list[Any]] = []
    inputs = []
    for low, high in windows(access.start, access.end, _FUNDING_HOURS * 3600 * NS_PER_SECOND):
        body = {
            "type": "fundingHistory",
            "coin": coin,
            "startTime": low // NS_PER_MS,
            "endTime": high // NS_PER_MS - 1,
        }
        found, kept = access.ask(
            f"hyperliquid/funding/{coin}", _url(access), window_over(high), body=body
        )
        rows += _rows(access, found, ("time", "fundingRate"))
        inputs.append(kept.record())
    ts = moments(_url(access), [row[0] for row in rows])
    inside = (ts >= access.start) & (ts < access.end)
    value = np.array([float(row[1]) for row in rows])[inside]
    facts = {"ts": ts[inside], "ts_known": ts[inside], "value": value}
    named = {"source": ["hyperliquid"] * len(value), "name": ["funding_rate"] * len(value)}
    return typed_table(FACT_COLUMNS, facts | named), inputs


def order_book(access: Access) -> pd.DataFrame:
    """Up to 20 levels a side of the book as it stands now.

    Returns
    -------
    DataFrame
        `BOOK_COLUMNS`; side +1 = bids; best first on each side.
    """
    body = {"type": "l2Book", "coin": access.data["hyperliquid"]["coin"]}
    found, _ = access.ask("hyperliquid/book", _url(access), _of_now, body=body)
    try:
        (ts,) = moments(_url(access), [found["time"]])
        bids, asks = found["levels"]
        levels = [(1, level) for level in bids] + [(-1, level) for level in asks]
        values = {
            "ts": [ts] * len(levels),
            "side": [side for side, _ in levels],
            "price": [float(level["px"]) for _, level in levels],
            "size": [float(level["sz"]) for _, level in levels],
        }
    except (KeyError, TypeError, ValueError):
        raise wrong_shape(_url(access), "a book with time and two levels", found) from None
    return typed_table(BOOK_COLUMNS, values)


def recent_trades(access: Access) -> pd.DataFrame:
    """Newest trades, oldest first, in the canonical layout; side B = the taker bought."""
    body = {"type": "recentTrades", "coin": access.data["hyperliquid"]["coin"]}
    found, _ = access.ask("hyperliquid/trades", _url(access), _of_now, body=body)
    rows = _rows(access, found, ("time", "px", "sz", "side", "tid"))
    values = {
        "ts": moments(_url(access), [row[0] for row in rows]),
        "price": [float(row[1]) for row in rows],
        "size": [float(row[2]) for row in rows],
        "aggressor_side": [1 if row[3] == "B" else -1 for row in rows],
        "id": [int(row[4]) for row in rows],
    }
    return typed_table(TRADE_COLUMNS, dict(pd.DataFrame(values).sort_values(["ts", "id"])))


def _of_now(_: Any, __: float) -> bool:
    """What stands now is asked for anew each time."""
    return False


def _url(access: Access) -> str:
    base: str = access.data["hyperliquid"]["url"]
    return f"{base.rstrip('/')}/info"


def _rows(access: Access, found: Any, names: tuple[str, ...]) -> list[list[Any]]:
    if found is None:
        return []
    try:
        return [[item[name] for name in names] for item in found]
    except (KeyError, TypeError):
        raise wrong_shape(_url(access), f"rows with {', '.join(names)}", found) from None
