"""The bars stage: the market cut into the rows that everything after it shares."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from ethpredict.bars._signed_kernels import add_exactly
from ethpredict.bars.from_candles import CandleBars, bars_from_candles, time_bars
from ethpredict.bars.rules import Clock, Count, Rule, SignedFlow
from ethpredict.bars.stream import CLOSED_BY, TradeCutter
from ethpredict.bars.tails import tail_quality
from ethpredict.data.market import Chunks, typed_table
from ethpredict.data.timestamps import NS_PER_SECOND, interval_ns, iso
from ethpredict.errors import ConfigError, DataError

logger = logging.getLogger(__name__)

GAP_COLUMNS: dict[str, str] = {"ts_from": "int64", "ts_to": "int64", "seconds": "float64"}
MEASURE_OF = {"tick": "trades", "volume": "volume", "dollar": "dollars"}
# The setting to change where too few bars close.
_KEY_OF = {
    "time": "interval",
    "tick": "tick_threshold",
    "volume": "volume_threshold",
    "dollar": "dollar_threshold",
    "imbalance": "expected_trades",
    "run": "expected_trades",
}


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
        ``per_day``, ``duration_s``, ``gaps``, ``tails`` and ``volume``; from
        candles ``incomplete``; ``threshold`` where one is at work;
        ``closed_by`` for imbalance and run bars.
    """

    bars: pd.DataFrame
    gaps: pd.DataFrame
    quality: dict[str, Any]


@dataclass(frozen=True)
class _Cut:
    bars: pd.DataFrame
    tails: pd.DataFrame
    quality: dict[str, Any]
    volume: list[float] = field(default_factory=list)


def rule_of(options: dict[str, Any]) -> Rule:
    """When a bar closes, from the settings below ``bars``.

    Raises
    ------
    ConfigError
        If the kind is not known or a value is not legal.
    """
    kind = options["kind"]
    if kind == "time":
        return Clock(interval_ns(options["interval"]))
    if kind in MEASURE_OF:
        moving = options["threshold"] == "ewma"
        return Count(
            MEASURE_OF[kind],
            options[_KEY_OF[kind]],
            options["per_day"] if moving else 0.0,
            options["average_days"] if moving else 7.0,
        )
    if kind not in _KEY_OF:
        raise ConfigError("bars.kind", kind, f"one of {', '.join(_KEY_OF)}")
    names = ("measure", "expected_trades", "bound", "average_bars")
    return SignedFlow(kind, *(options[name] for name in names))


def _from_trades(trades: Chunks, rule: Rule, max_gap: float) -> _Cut:
    """Stream the tape through the rule; add its volume up on its own, exactly."""
    cutter = TradeCutter(rule, sided=True, max_gap=max_gap)
    total = np.zeros(3)
    told = True
    for piece in trades:
        size = np.array(piece["size"].to_numpy(), dtype=np.float64)
        cutter.push(piece["ts"], piece["price"], size, piece["aggressor_side"])
        add_exactly(size, total)
        told = told and bool((piece["aggressor_side"] != 0).all())
    made = cutter.finish()
    # A tape may not tell who took: then nobody knows what the takers bought.
    bars = made.bars if told else made.bars.assign(taker_buy_volume=np.nan)
    quality: dict[str, Any] = {"source": "trades", "trades": cutter.rows}
    if isinstance(rule, SignedFlow):
        quality["closed_by"] = {
            name: int((made.closed_by == key).sum()) for key, name in CLOSED_BY.items()
        }
    if not isinstance(rule, Clock):
        quality["threshold"] = _spread(made.threshold)
    return _Cut(bars, made.tails, quality, total.tolist())


def _from_candles(candles: pd.DataFrame, options: dict[str, Any], max_gap: float) -> _Cut:
    """Merge whole candles."""
    kind, rule = options["kind"], rule_of(options)
    if isinstance(rule, SignedFlow):
        raise ConfigError(
            "bars.kind",
            kind,
            "time, tick, volume or dollar where the market has no trades",
            "Candles do not tell who bought in which order; fetch trades or take another kind.",
        )
    made: CandleBars
    if isinstance(rule, Clock):
        made = time_bars(candles, options["interval"], max_gap)
    else:
        logger.warning("no trades: %s bars are made of whole candles", kind)
        made = bars_from_candles(candles, rule, max_gap)
    missing = {"bars": int((made.missing > 0).sum()), "missing_candles": int(made.missing.sum())}
    quality: dict[str, Any] = {"source": "candles", "incomplete": missing}
    if kind == "dollar":
        quality["estimated_quote_volume"] = made.estimated
    if made.threshold is not None:
        quality["threshold"] = _spread(made.threshold)
    return _Cut(made.bars, made.tails, quality, candles["volume"].tolist())


def build(
    candles: pd.DataFrame,
    trades: pd.DataFrame | Chunks,
    settings: dict[str, Any],
    max_gap: float,
) -> BarSet:
    """Cut a market into bars.

    Parameters
    ----------
    candles : DataFrame
        Canonical candles; may be empty where there are trades.
    trades : DataFrame or Chunks
        Canonical trades; may be empty where there are candles. Chunks are
        streamed: memory is that of the bars and of one piece.
    settings : dict
        ``{"bars": {"kind": ..., ...}}``.
    max_gap : float
        Longest pause that a bar, window or label may span, seconds, > 0.

    Returns
    -------
    BarSet
        At least two bars. Time bars are made of candles where there are any,
        all others of trades where there are any.

    Raises
    ------
    ConfigError
        If the kind is not known, needs trades where there are none, the
        interval does not fit the candles, or fewer than two bars close.
    DataError
        If there is nothing to make bars of.
    """
    options = settings["bars"]
    kind, rule = options["kind"], rule_of(options)
    tape = Chunks(lambda: iter([trades])) if isinstance(trades, pd.DataFrame) else trades
    traded = any(len(piece) for piece in tape)
    if candles.empty and not traded:
        raise DataError("candles", None, "there are no candles and no trades")
    if traded and (kind != "time" or candles.empty):
        cut = _from_trades(tape, rule, max_gap)
    else:
        cut = _from_candles(candles, options, max_gap)
    if len(cut.bars) < 2:
        key, remedy = _KEY_OF[kind], "shorter bars" if kind == "time" else "a lower value"
        raise ConfigError(
            f"bars.{key}",
            options[key],
            f"such that two bars close ({len(cut.bars)} did)",
            f"Take {remedy} or more data.",
        )
    gaps = _gaps(cut.bars)
    quality = {"kind": kind, "max_gap": max_gap, **cut.quality, **_describe(cut, gaps)}
    logger.info("%d %s bars from %s, %d gaps", len(cut.bars), kind, quality["source"], len(gaps))
    return BarSet(cut.bars, gaps, quality)


def _spread(values: np.ndarray) -> dict[str, float | None]:
    """Least, middle and largest finite value."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return {"min": None, "median": None, "max": None}
    return {
        "min": float(finite.min()),
        "median": float(np.median(finite)),
        "max": float(finite.max()),
    }


def _gaps(bars: pd.DataFrame) -> pd.DataFrame:
    rows = np.flatnonzero(bars["gap"].to_numpy())
    ts_from = bars["ts_close"].to_numpy()[rows - 1]
    ts_to = bars["ts_open"].to_numpy()[rows]
    seconds = (ts_to - ts_from) / NS_PER_SECOND
    return typed_table(GAP_COLUMNS, {"ts_from": ts_from, "ts_to": ts_to, "seconds": seconds})


def _describe(cut: _Cut, gaps: pd.DataFrame) -> dict[str, Any]:
    ts_open, ts_close = cut.bars["ts_open"].to_numpy(), cut.bars["ts_close"].to_numpy()
    seconds = (ts_close - ts_open) / NS_PER_SECOND
    days = (ts_close[-1] - ts_open[0]) / NS_PER_SECOND / 86_400
    bars, tails = cut.bars["volume"].tolist(), cut.tails["volume"].tolist()
    return {
        "rows": len(cut.bars),
        "period": {"start": iso(ts_open[0]), "end": iso(ts_close[-1])},
        "per_day": len(cut.bars) / days,
        "duration_s": _spread(seconds) | {"mean": float(seconds.mean())},
        "gaps": {
            "count": len(gaps),
            "longest_s": float(gaps["seconds"].max()) if len(gaps) else 0.0,
        },
        "tails": tail_quality(cut.tails),
        "volume": {
            "bars": math.fsum(bars),
            "tails": math.fsum(tails),
            "source": math.fsum(cut.volume),
            # Exactly what the float sums inside the bars round away, and nothing else.
            "rounding": math.fsum([*cut.volume, *(-v for v in bars), *(-v for v in tails)]),
        },
    }
