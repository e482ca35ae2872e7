"""Binance's spot REST API: candles and aggregated trades."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pandas as pd
import requests

from ethpredict.data.columns import HEADERLESS
from ethpredict.data.market import Market, empty_trades
from ethpredict.data.sources.access import (
    NS_PER_MS,
    Access,
    rows_to_raw,
    window_over,
    wrong_shape,
)
from ethpredict.data.sources.paged_candles import Page, fetch_candles
from ethpredict.data.timestamps import iso
from ethpredict.data.trade_table import AGGREGATED, trade_part
from ethpredict.errors import DataError
from ethpredict.io.chunks import Joint
from ethpredict.io.downloads import Stored
from ethpredict.io.redact import public_url

_LIMIT = 1000
_FIELDS = 12
# Fields of a trade in the order of the archive's files; the sixth is its time, ms.
_TRADE = ("a", "p", "q", "f", "l", "T", "m")
_TIME = 5


def fetch(access: Access) -> Market:
    """Candles of the period and, if `data.binance.trades` is agg, its trades."""
    market = candles(access)
    if access.data["binance"]["trades"] == "agg":
        market = with_trades(access, market)
    return market


def candles(access: Access) -> Market:
    """Candles of the period: ``GET /api/v3/klines``, weight 2 each."""
    symbol, interval = access.data["symbol"], access.data["interval"]
    url = f"{access.data['binance']['rest_url'].rstrip('/')}/api/v3/klines"
    folder = f"binance_rest/klines/{symbol}-{interval}"

    def page(low: int, high: int) -> Page:
        params = {
            "symbol": symbol,
            "interval": interval,
            "startTime": low // NS_PER_MS,
            "endTime": high // NS_PER_MS - 1,
            "limit": _LIMIT,
        }
        rows, kept = access.ask(
            folder, url, window_over(high), _checked(url), params=params, final=_is_code
        )
        if any(len(row) != _FIELDS for row in rows):
            raise wrong_shape(url, f"rows of {_FIELDS} fields", rows)
        return rows, [kept]

    return fetch_candles(access, folder, HEADERLESS[_FIELDS], _LIMIT, page)


def with_trades(access: Access, market: Market) -> Market:
    """Add the aggregated trades: the first page by time, the others by their id.

    The pages are kept in the store and read again one by one when the tables
    are written: a long period's trades are never held together.
    """
    symbol = access.data["symbol"]
    url = f"{access.data['binance']['rest_url'].rstrip('/')}/api/v3/aggTrades"
    folder = f"binance_rest/aggTrades/{symbol}"
    end = access.end // NS_PER_MS
    where: dict[str, int] = {"startTime": access.start // NS_PER_MS}
    pages: list[Stored] = []
    while True:
        found, kept = access.ask(
            folder,
            url,
            _is_full,
            _checked(url),
            params={"symbol": symbol, "limit": _LIMIT, **where},
            final=_is_code,
        )
        rows = [_trade(url, trade) for trade in found]
        if not pages and not any(row[_TIME] < end for row in rows):
            rows_to_raw(Path(access.store.root / folder), _TRADE, [])  # says that there is none
        pages.append(kept)
        if len(found) < _LIMIT or rows[-1][_TIME] >= end:
            break
        where = {"fromId": rows[-1][0] + 1}
    source = Joint(lambda: _pages_of_trades(access, market, url, pages))
    inputs = [*market.quality["inputs"], *(page.record() for page in pages)]
    return replace(
        market,
        trades=source.part("trades"),
        quarantined=source.part("quarantined"),
        quality=market.quality | {"inputs": inputs},
    )


def _pages_of_trades(
    access: Access, market: Market, url: str, pages: list[Stored]
) -> Iterator[dict[str, pd.DataFrame]]:
    """Trades of one page after the other, and the rows of each that were set aside."""
    yield {"trades": empty_trades(), "quarantined": cast(pd.DataFrame, market.quarantined)}
    latest, quarantine = access.start, access.data["on_bad_rows"] == "quarantine"
    for page in pages:
        found = json.loads(page.path.read_bytes())
        rows = [_trade(url, trade) for trade in found]
        rows = [row for row in rows if row[_TIME] < access.end // NS_PER_MS]
        if not rows:
            continue
        part = trade_part(rows_to_raw(page.path, _TRADE, rows), AGGREGATED, quarantine)
        trades = part.trades[part.trades["ts"] >= access.start]
        trades = trades.sort_values("ts", kind="stable").reset_index(drop=True)
        if len(trades) and trades["ts"].iloc[0] < latest:
            raise DataError(
                page.path,
                None,
                f"begins at {iso(trades['ts'].iloc[0])}, before the page before it ends; remove "
                "the folder from the download store and run again",
            )
        latest = int(trades["ts"].iloc[-1]) if len(trades) else latest
        yield {"trades": trades, "quarantined": part.quarantined}


def _trade(url: str, trade: dict[str, Any]) -> list[Any]:
    try:
        return [trade[key] for key in _TRADE]
    except (KeyError, TypeError):
        raise wrong_shape(url, f"a trade with {', '.join(_TRADE)}", trade) from None


def _is_full(rows: Any, _: float) -> bool:
    """Trades have their ids for ever; only a page that is not full may grow."""
    return len(rows) == _LIMIT


def _is_code(answer: requests.Response) -> bool:
    """Binance says what is wrong with a request in a body of its own."""
    return answer.status_code == requests.codes.bad_request


def _checked(url: str) -> Any:
    def check(_: requests.Response, value: Any) -> None:
        if isinstance(value, dict) and "code" in value:
            raise DataError(
                public_url(url),
                None,
                f"refused with code {value['code']}: {value.get('msg')}; check data.symbol, "
                "data.interval and the period",
            )
        if not isinstance(value, list):
            raise wrong_shape(url, "a list", value)

    return check
