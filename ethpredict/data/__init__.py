"""Where the market comes from: one function, `fetch`, whatever the source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from ethpredict.data.market import Market, empty_quarantined
from ethpredict.data.quality import candle_quality
from ethpredict.errors import ConfigError

__all__ = ["DOWNLOADS", "Market", "fetch"]

# Raw answers of all studies that run in one folder.
DOWNLOADS = Path("results/downloads")


def _files(settings: dict[str, Any], downloads: Path) -> Market:
    from ethpredict.data.files import read_market

    return read_market(settings)


def _remote(settings: dict[str, Any], downloads: Path) -> Market:
    from ethpredict.data.sources import fetch_market

    return fetch_market(settings, downloads)


def _synthetic(settings: dict[str, Any], downloads: Path) -> Market:
    from ethpredict.data.synthetic import stream

    return stream(settings)


_SOURCES: dict[str, Callable[[dict[str, Any], Path], Market]] = {
    "binance_archive": _remote,
    "binance_rest": _remote,
    "files": _files,
    "hyperliquid": _remote,
    "lighter": _remote,
    "synthetic": _synthetic,
}


def fetch(settings: dict[str, Any], downloads: Path = DOWNLOADS) -> Market:
    """Get the market that the settings describe.

    Parameters
    ----------
    settings : dict
        ``{"data": {...}}`` as `config/schema.yaml` describes it, defaults
        filled in; ``data.source`` chooses the source.
    downloads : Path
        Folder in which remote sources keep their raw answers.

    Returns
    -------
    Market
        Canonical tables. Its quality report holds at least the keys of
        :func:`ethpredict.data.quality.candle_quality`, whatever the source.

    Raises
    ------
    ConfigError
        If the source is not known or a setting does not fit the data.
    DataError
        If the data cannot be used; it names the file, the row and the reason.
    """
    data = settings["data"]
    source = data["source"]
    if source not in _SOURCES:
        raise ConfigError("data.source", source, f"one of {', '.join(_SOURCES)}")
    market = _SOURCES[source](settings, downloads)
    aside = market.quarantined if isinstance(market.quarantined, pd.DataFrame) else None
    described = candle_quality(
        market.candles, empty_quarantined() if aside is None else aside, float(data["max_gap"])
    )
    identity = {"source": source, "symbol": data["symbol"], "interval": data["interval"]}
    return replace(market, quality={**described, **identity, **market.quality})
