"""Remote sources, each one small file: settings in, canonical tables out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from ethpredict.data.arrival import fact_quality
from ethpredict.data.market import Market
from ethpredict.data.sources import (
    binance_archive,
    binance_rest,
    defillama,
    evm,
    hyperliquid,
    lighter,
    santiment,
)
from ethpredict.data.sources.access import Access
from ethpredict.errors import ConfigError
from ethpredict.io.downloads import Downloads, summary
from ethpredict.io.http import Client, HttpSettings

Facts = tuple[pd.DataFrame, list[dict[str, Any]]]

_MARKETS: dict[str, Callable[[Access], Market]] = {
    "binance_archive": binance_archive.fetch,
    "binance_rest": binance_rest.fetch,
    "hyperliquid": hyperliquid.fetch,
    "lighter": lighter.fetch,
}
_FUNDING: dict[str, Callable[[Access], Facts]] = {
    "binance_archive": binance_archive.funding,
    "hyperliquid": hyperliquid.funding,
    "lighter": lighter.funding,
}
_DAILY: dict[str, Callable[[Access], Facts]] = {
    "tvl": defillama.fetch,
    "santiment": santiment.fetch,
}
# What the venues allow, requests a minute.
_PER_MINUTE = {"hyperliquid": 60, "lighter": 60, "santiment": 100}


def access_to(source: str, data: Mapping[str, Any], downloads: Path) -> Access:
    """Make the way to one source, at the pace that it allows.

    Parameters
    ----------
    source : str
        Name of a source or extra.
    data : Mapping
        The section ``data`` of the settings. Without ``http`` the client is as
        patient as its defaults.
    downloads : Path
        Folder of the raw answers.
    """
    http = HttpSettings(**data.get("http", {}))
    pace = min(http.per_minute, _PER_MINUTE.get(source, http.per_minute))
    return Access(Client(replace(http, per_minute=pace)), Downloads(downloads), data)


def fetch_market(settings: dict[str, Any], downloads: Path) -> Market:
    """Fetch candles, trades and what `data.extras` adds from remote sources.

    Parameters
    ----------
    settings : dict
        ``{"data": {...}}``.
    downloads : Path
        Folder of the raw answers; only what is missing there is fetched.

    Raises
    ------
    ConfigError
        If the period is missing or an extra does not fit the source.
    DataError
        If a source refuses, or sends what cannot be used.
    """
    data = settings["data"]
    source, extras = data["source"], data["extras"]
    market = _MARKETS[source](access_to(source, data, downloads))
    if "funding" in extras:
        if source not in _FUNDING:
            raise ConfigError("data.extras", extras, f"without funding when source is {source}")
        facts, inputs = _FUNDING[source](access_to(source, data, downloads))
        market = _with_facts(market, "funding", facts, inputs)
    for name, fetch_daily in _DAILY.items():
        if name in extras:
            facts, inputs = fetch_daily(access_to(name, data, downloads))
            market = _with_facts(market, "onchain_daily", facts, inputs)
    wants = {name: name in extras for name in ("blocks", "pool")}
    if any(wants.values()):
        blocks, events, inputs = evm.fetch(access_to("evm", data, downloads), **wants)
        counts = {"blocks": len(blocks), "pool_events": len(events)}
        quality = market.quality | counts | {"inputs": [*market.quality["inputs"], *inputs]}
        market = replace(market, blocks=blocks, pool_events=events, quality=quality)
    return replace(market, quality=market.quality | {"inputs": summary(market.quality["inputs"])})


def _with_facts(
    market: Market, table: str, facts: pd.DataFrame, inputs: list[dict[str, Any]]
) -> Market:
    """Add facts to a table of the market, and what they cover to its quality report."""
    moments = market.candles["ts_close"].to_numpy()
    covered = fact_quality(moments, facts)
    quality = market.quality | {
        "facts": market.quality.get("facts", {}) | covered,
        "inputs": [*market.quality["inputs"], *inputs],
    }
    joined = pd.concat([getattr(market, table), facts], ignore_index=True)
    return replace(market, quality=quality, **{table: joined})
