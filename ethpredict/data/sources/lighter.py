"""Lighter's public API: candles and funding.

Lighter leaves out fields whose value is zero, answers ``null`` for an empty
list, gives the newest 500 rows of a window, and stamps candles in
milliseconds but funding in seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import requests

from ethpredict.data.market import FACT_COLUMNS, Market, typed_table
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
from ethpredict.errors import DataError
from ethpredict.io.redact import public_url

_LIMIT = 500
# Lighter's names; neither the number of trades nor the takers' volume is told.
_NAMES = ("ts_open", "open", "high", "low", "close", "volume", "quote_volume")
_FIELDS = ("t", "o", "h", "l", "c", "v", "V")


def fetch(access: Access) -> Market:
    """Candles of the period."""
    market, interval = access.data["lighter"]["market_id"], access.data["interval"]
    folder = f"lighter/candles/{market}-{interval}"
    url = f"{access.data['lighter']['url'].rstrip('/')}/api/v1/candles"

    def page(low: int, high: int) -> Page:
        found, kept = access.ask(
            folder,
            url,
            window_over(high),
            _checked(url),
            params=_window(market, interval, low, high),
        )
        rows = [_candle(url, candle) for candle in found.get("c") or []]
        return sorted(rows, key=lambda row: int(row[0])), [kept]

    return fetch_candles(access, folder, _NAMES, _LIMIT, page)


def funding(access: Access) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """Hourly funding rates of the period.

    Notes
    -----
    Lighter prints per cent of the position and, apart, who pays: ``long``
    becomes a positive rate, ``short`` a negative one.
    """
    market = access.data["lighter"]["market_id"]
    url = f"{access.data['lighter']['url'].rstrip('/')}/api/v1/fundings"
    rows: list[Any] = []
    inputs: list[dict[str, Any]] = []
    for low, high in windows(access.start, access.end, _LIMIT * 3600 * NS_PER_SECOND):
        found, kept = access.ask(
            f"lighter/funding/{market}",
            url,
            window_over(high),
            _checked(url),
            params=_window(market, "1h", low, high),
        )
        rows += found.get("fundings") or []
        inputs.append(kept.record())
    try:
        ts = moments(url, [row["timestamp"] for row in rows])
        signs = [{"long": 1.0, "short": -1.0}[row["direction"]] for row in rows]
        rates = [
            sign * float(row.get("rate", 0)) / 100 for sign, row in zip(signs, rows, strict=True)
        ]
    except (KeyError, TypeError, ValueError):
        raise wrong_shape(url, "rows with timestamp, rate, direction", rows) from None
    table = pd.DataFrame({"ts": ts, "ts_known": ts, "value": rates}).sort_values("ts")
    table = table[(table["ts"] >= access.start) & (table["ts"] < access.end)]
    facts = table.assign(source="lighter", name="funding_rate")
    return typed_table(FACT_COLUMNS, dict(facts)), inputs


def _window(market: int, resolution: str, low: int, high: int) -> dict[str, Any]:
    return {
        "market_id": market,
        "resolution": resolution,
        "start_timestamp": low // NS_PER_MS,
        "end_timestamp": high // NS_PER_MS - 1,
        "count_back": _LIMIT,
    }


def _candle(url: str, candle: Mapping[str, Any]) -> list[Any]:
    """Fields in order; a price that is left out would be zero, so it is refused later."""
    if "t" not in candle:
        raise wrong_shape(url, "candles with t", candle)
    return [candle.get(name, 0) for name in _FIELDS]


def _checked(url: str) -> Any:
    def check(_: requests.Response, value: Any) -> None:
        if not isinstance(value, dict):
            raise wrong_shape(url, "an object", value)
        if value.get("code") != requests.codes.ok:
            raise DataError(
                public_url(url),
                None,
                f"refused with code {value.get('code')}: {value.get('message')}; check "
                "data.lighter.market_id and data.interval",
            )

    return check
