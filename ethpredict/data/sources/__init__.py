"""Remote sources, each one small file: settings in, canonical tables out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ethpredict.data.market import Market
from ethpredict.data.sources import binance_archive, binance_rest
from ethpredict.data.sources.access import Access
from ethpredict.io.downloads import Downloads
from ethpredict.io.http import Client, HttpSettings

_MARKETS: dict[str, Callable[[Access], Market]] = {
    "binance_archive": binance_archive.fetch,
    "binance_rest": binance_rest.fetch,
}


def access_to(data: Mapping[str, Any], downloads: Path) -> Access:
    """Make the way to the sources of one job.

    Parameters
    ----------
    data : Mapping
        The section ``data`` of the settings.
    downloads : Path
        Folder of the raw answers.
    """
    return Access(Client(HttpSettings(**data["http"])), Downloads(downloads), data)


def fetch_market(settings: dict[str, Any], downloads: Path) -> Market:
    """Fetch candles, trades and what `data.extras` adds from a remote source.

    Raises
    ------
    ConfigError
        If the period is missing or does not fit.
    DataError
        If a source refuses, or sends what cannot be used.
    """
    access = access_to(settings["data"], downloads)
    return _MARKETS[settings["data"]["source"]](access)
