"""The bars stage: the market cut into the rows that everything after it shares."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ethpredict.bars.from_candles import dollar_bars_from_candles, time_bars
from ethpredict.bars.from_trades import bars_from_trades
from ethpredict.bars.tails import tail_quality
from ethpredict.data.market import typed_table
from ethpredict.data.timestamps import NS_PER_SECOND, iso
from ethpredict.errors import ConfigError, DataError

logger = logging.getLogger(__name__)

GAP_COLUMNS: dict[str, str] = {"ts_from": "int64", "ts_to": "int64", "seconds": "float64"}


@dataclass(frozen=True)
class BarSet:
    """Bars with their gaps and quality report.

    Parameters
    ----------
    bars : DataFrame
        Canonical bar layout; positions 0..n-1 are the rows of all later
        stages.
    gaps : DataFrame
        `GAP_COLUMNS`: the border before each row that is marked as a gap, from
        the previous bar's close to this bar's open.
    quality : dict
        ``kind``, ``source`` (trades or candles), ``rows``, ``period``,
        ``duration_s``, ``gaps``, ``incomplete``, ``tails`` and ``volume``.
    """

    bars: pd.DataFrame
    gaps: pd.DataFrame
    quality: dict[str, Any]


@dataclass(frozen=True)
class _Cut:
    bars: pd.DataFrame
    tails: pd.DataFrame
    quality: dict[str, Any]


def _time(
    candles: pd.DataFrame, trades: pd.DataFrame, settings: dict[str, Any], max_gap: float
) -> _Cut:
    cut = time_bars(candles, settings["interval"], max_gap)
    return _Cut(cut.bars, cut.tails, {"source": "candles", "incomplete": _incomplete(cut.missing)})


def _dollar(
    candles: pd.DataFrame, trades: pd.DataFrame, settings: dict[str, Any], max_gap: float
) -> _Cut:
    threshold = settings["dollar_threshold"]
    if len(trades):
        made = bars_from_trades(
            trades["ts"].to_numpy(),
            trades["price"].to_numpy(),
            trades["size"].to_numpy(),
            threshold,
            "dollars",
            trades["aggressor_side"].to_numpy(),
            max_gap,
        )
        return _Cut(made.bars, made.tails, {"source": "trades"})
    logger.warning("no trades: dollar bars are made of whole candles")
    cut = dollar_bars_from_candles(candles, threshold, max_gap)
    quality = {
        "source": "candles",
        "incomplete": _incomplete(cut.missing),
        "estimated_quote_volume": cut.estimated,
    }
    return _Cut(cut.bars, cut.tails, quality)


_KINDS: dict[str, Callable[[pd.DataFrame, pd.DataFrame, dict[str, Any], float], _Cut]] = {
    "time": _time,
    "dollar": _dollar,
}


def build(
    candles: pd.DataFrame, trades: pd.DataFrame, settings: dict[str, Any], max_gap: float
) -> BarSet:
    """Cut a market into bars.

    Parameters
    ----------
    candles, trades : DataFrame
        Canonical tables of one market; trades may be empty.
    settings : dict
        ``{"bars": {"kind": ..., ...}}``.
    max_gap : float
        Longest pause that a bar, window or label may span, seconds, > 0.

    Returns
    -------
    BarSet
        At least two bars.

    Raises
    ------
    ConfigError
        If the kind is not known, the interval does not fit the candles, or
        fewer than two bars close.
    DataError
        If there is nothing to make bars of.
    """
    options = settings["bars"]
    kind = options["kind"]
    if kind not in _KINDS:
        raise ConfigError("bars.kind", kind, f"one of {', '.join(_KINDS)}")
    if candles.empty and trades.empty:
        raise DataError("candles", None, "there are no candles and no trades")
    cut = _KINDS[kind](candles, trades, options, max_gap)
    if len(cut.bars) < 2:
        key, remedy = (
            ("bars.interval", "shorter bars or more data")
            if kind == "time"
            else ("bars.dollar_threshold", "a lower threshold or more data")
        )
        raise ConfigError(
            key,
            options[key.partition(".")[2]],
            f"such that two bars close ({len(cut.bars)} did)",
            f"Take {remedy}.",
        )
    gaps = _gaps(cut.bars)
    quality = {"kind": kind, "max_gap": max_gap, **cut.quality, **_describe(cut, gaps)}
    logger.info("%d %s bars from %s, %d gaps", len(cut.bars), kind, quality["source"], len(gaps))
    return BarSet(cut.bars, gaps, quality)


def _incomplete(missing: np.ndarray) -> dict[str, int]:
    return {"bars": int((missing > 0).sum()), "missing_candles": int(missing.sum())}


def _gaps(bars: pd.DataFrame) -> pd.DataFrame:
    rows = np.flatnonzero(bars["gap"].to_numpy())
    ts_from = bars["ts_close"].to_numpy()[rows - 1]
    ts_to = bars["ts_open"].to_numpy()[rows]
    seconds = (ts_to - ts_from) / NS_PER_SECOND
    return typed_table(GAP_COLUMNS, {"ts_from": ts_from, "ts_to": ts_to, "seconds": seconds})


def _describe(cut: _Cut, gaps: pd.DataFrame) -> dict[str, Any]:
    ts_open, ts_close = cut.bars["ts_open"].to_numpy(), cut.bars["ts_close"].to_numpy()
    seconds = (ts_close - ts_open) / NS_PER_SECOND
    return {
        "rows": len(cut.bars),
        "period": {"start": iso(ts_open[0]), "end": iso(ts_close[-1])},
        "duration_s": {
            "min": float(seconds.min()),
            "median": float(np.median(seconds)),
            "max": float(seconds.max()),
        },
        "gaps": {
            "count": len(gaps),
            "longest_s": float(gaps["seconds"].max()) if len(gaps) else 0.0,
        },
        "tails": tail_quality(cut.tails),
        "volume": {
            "bars": float(cut.bars["volume"].sum()),
            "tails": float(cut.tails["volume"].sum()),
        },
    }
