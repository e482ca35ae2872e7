"""Binance's spot REST API: candles and aggregated trades."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import requests

from ethpredict.data.columns import HEADERLESS
from ethpredict.data.market import Market
from ethpredict.data.sources.access import (
    NS_PER_MS,
    Access,
    rows_to_raw,
    window_over,
    wrong_shape,
)
from ethpredict.data.sources.paged_candles import Page, fetch_candles
from ethpredict.data.trade_table import AGGREGATED, join_trades, trade_part
from ethpredict.errors import DataError
from ethpredict.io.redact import public_url

_LIMIT = 1000
_FIELDS = 12


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
    """Add the aggregated trades: the first page by time, the others by their id."""
    symbol = access.data["symbol"]
    url = f"{access.data['binance']['rest_url'].rstrip('/')}/api/v3/aggTrades"
    folder = f"binance_rest/aggTrades/{symbol}"
    end = access.end // NS_PER_MS
    where: dict[str, int] = {"startTime": access.start // NS_PER_MS}
    rows: list[list[Any]] = []
    inputs: list[dict[str, Any]] = []
    while True:
        found, kept = access.ask(
            folder,
            url,
            _is_full,
            _checked(url),
            params={"symbol": symbol, "limit": _LIMIT, **where},
            final=_is_code,
        )
        inputs.append(kept.record())
        rows += [_trade(url, trade) for trade in found if trade.get("T", 0) < end]
        if len(found) < _LIMIT or found[-1]["T"] >= end:
            break
        where = {"fromId": found[-1]["a"] + 1}
    names = ("a", "p", "q", "f", "l", "T", "m")
    raw = rows_to_raw(Path(access.store.root / folder), names, rows)
    part = trade_part(raw, AGGREGATED, access.data["on_bad_rows"] == "quarantine")
    return join_trades(market, [part], inputs, access.start, access.end)


def _trade(url: str, trade: dict[str, Any]) -> list[Any]:
    try:
        return [trade[key] for key in ("a", "p", "q", "f", "l", "T", "m")]
    except KeyError as error:
        raise wrong_shape(url, f"a trade with {error}", trade) from None


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
