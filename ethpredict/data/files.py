"""Candles from a local file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ethpredict.data.candle_table import candle_part, checked_gap, market_of
from ethpredict.data.market import Market
from ethpredict.errors import ConfigError
from ethpredict.io.raw_table import read_raw_table


def read_market(settings: dict[str, Any]) -> Market:
    """Read the candles that `data.files.candles` names.

    Parameters
    ----------
    settings : dict
        ``{"data": {...}}``: symbol, interval, start, end, max_gap,
        on_bad_rows and files.candles.

    Returns
    -------
    Market
        Candles, the rows set aside, and the quality report. Trades, pool
        events and blocks are empty.

    Raises
    ------
    ConfigError
        If no path is given, `max_gap` is shorter than one candle, or `start`
        is not before `end`.
    DataError
        If the file cannot be used as a whole, holds no rows of the period or
        candles of another length, or (under ``strict``) holds a bad row.
    """
    data = settings["data"]
    path = _path(data)
    checked_gap(data)
    return market_of([candle_part(read_raw_table(path), data)], data)


def _path(data: dict[str, Any]) -> Path:
    template = data.get("files", {}).get("candles")
    if not template:
        raise ConfigError("data.files.candles", template, "the path of a candle file")
    return Path(template.replace("{symbol}", data["symbol"]))
