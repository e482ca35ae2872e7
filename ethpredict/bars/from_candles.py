"""Time, tick, volume and dollar bars from candles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ethpredict.bars import _kernels
from ethpredict.bars.rules import Count
from ethpredict.bars.tails import tail_table
from ethpredict.data.market import CANDLE_COLUMNS, mark_gaps, typed_table
from ethpredict.data.timestamps import duration_name, interval_ns
from ethpredict.errors import ConfigError, DataError

_PRICES = ["open", "high", "low", "close"]
_SUMS = ["volume", "quote_volume", "trades", "taker_buy_volume"]


@dataclass(frozen=True)
class CandleBars:
    """Bars merged from candles, and what was left over.

    Parameters
    ----------
    bars : DataFrame
        In the canonical bar layout.
    tails : DataFrame
        Runs of candles that are no bar (see :mod:`ethpredict.bars.tails`).
    missing : int64 array of shape (b,)
        Candles that each bar lacks; 0 for a whole bar.
    estimated : int
        Candles whose traded value had to be estimated.
    threshold : float64 array of shape (b,), optional
        At work for each bar; None for bars by the clock.
    """

    bars: pd.DataFrame
    tails: pd.DataFrame
    missing: np.ndarray
    estimated: int = 0
    threshold: np.ndarray | None = None


def candle_length(candles: pd.DataFrame) -> int:
    """Length of the source candles in ns, which must be one and the same.

    Raises
    ------
    DataError
        If there are no candles, or their lengths differ.
    """
    if candles.empty:
        raise DataError("candles", None, "there are none; time bars are made of candles")
    lengths = (candles["ts_close"] - candles["ts_open"]).to_numpy()
    odd = lengths != lengths[0]
    if odd.any():
        row = int(np.argmax(odd))
        raise DataError(
            "candles",
            row + 1,
            f"is {duration_name(int(lengths[row]))} long, the first one "
            f"{duration_name(int(lengths[0]))}",
        )
    return int(lengths[0])


def time_bars(candles: pd.DataFrame, interval: str, max_gap: float) -> CandleBars:
    """Merge candles into longer ones on the clock's grid.

    A bar is emitted when the data reach its end. It may lack candles as long
    as no pause beyond `max_gap` reaches into it, judged by what is known at
    its end; otherwise its candles are a tail. The first bar needs its first
    candle, because nothing tells what the time before held.

    Parameters
    ----------
    candles : DataFrame of shape (n, 11)
        Canonical candles of one length.
    interval : str
        Length of a bar, a multiple of the candles'.
    max_gap : float
        Longest pause that may be spanned, seconds, >= one candle.

    Returns
    -------
    CandleBars
        ``ts_open`` and ``ts_close`` are the borders on the grid. ``gap`` is
        True where the candles paused for longer than `max_gap` since the bar
        before.

    Raises
    ------
    ConfigError
        If the bar is no multiple of a candle.
    """
    source, length = candle_length(candles), interval_ns(interval)
    if length % source:
        raise ConfigError(
            "bars.interval", interval, f"a multiple of data.interval = {duration_name(source)}"
        )
    ts_open, ts_close = candles["ts_open"].to_numpy(), candles["ts_close"].to_numpy()
    slot = ts_open // length
    first = np.flatnonzero(np.concatenate(([True], np.diff(slot) > 0)))
    stop = np.append(first[1:], len(candles))
    opens, closes = slot[first] * length, (slot[first] + 1) * length
    limit = round(max_gap * 1e9)
    breaks = mark_gaps(ts_open, ts_close, max_gap)
    # Pauses that reach into a bar: over its start, inside it, and up to its end.
    torn_head = breaks[first] & (ts_open[first] > opens)
    torn_head[0] |= ts_open[0] > opens[0]
    torn_inside = _any_inside(breaks, first, stop)
    torn_end = closes - ts_close[stop - 1] > limit
    unfinished = np.zeros(len(first), dtype=bool)
    unfinished[-1] = ts_close[-1] < closes[-1]
    emit = ~(torn_head | torn_inside | torn_end | unfinished)
    bars = _merge(candles, first[emit], stop[emit])
    bars["ts_open"], bars["ts_close"] = opens[emit], closes[emit]
    bars["gap"] = _breaks_between(breaks, first[emit])
    reason = np.where(unfinished, "end", "gap").astype(object)
    if not breaks[first[0]] and torn_head[0] and not (torn_inside[0] or torn_end[0]):
        reason[0] = "start"
    missing = (length // source) - (stop - first)
    return CandleBars(bars, _tails(candles, first, stop, ~emit, reason), missing[emit])


def bars_from_candles(candles: pd.DataFrame, rule: Count, max_gap: float) -> CandleBars:
    """Group whole candles until their count of trades, volume or value reaches the threshold.

    A coarse stand-in for bars from trades: a bar ends where a candle ends, so
    that its count exceeds the threshold by up to one candle's.

    Parameters
    ----------
    candles : DataFrame of shape (n, 11)
        Canonical candles of one length.
    rule : Count
        What is counted, and the threshold.
    max_gap : float
        Longest pause that may be spanned, seconds; a longer one turns the
        partial bar into a tail.

    Returns
    -------
    CandleBars
        ``ts_open`` of the first candle and ``ts_close`` of the last. Where a
        candle's traded value is unknown, volume times the mean of open, high,
        low and close decides when the bar closes; its column stays nan.

    Raises
    ------
    DataError
        If trades are to be counted and a candle does not tell how many it had.
    """
    source = candle_length(candles)
    ts_open, ts_close = candles["ts_open"].to_numpy(), candles["ts_close"].to_numpy()
    breaks = mark_gaps(ts_open, ts_close, max_gap)
    amounts, estimated = _amounts(candles, rule.measure)
    spans = np.empty((len(candles), 3), dtype=np.int64)
    thresholds = np.empty(len(candles))
    n_spans = _kernels.cut_candles(
        amounts,
        breaks,
        np.ascontiguousarray(ts_open),
        np.ascontiguousarray(ts_close),
        float(rule.threshold),
        float(rule.per_day),
        1.0 / rule.average_days,
        spans,
        thresholds,
    )
    spans = spans[:n_spans]
    first, stop, closed = spans[:, 0], spans[:, 1], spans[:, 2] == 1
    bars = _merge(candles, first[closed], stop[closed])
    bars["gap"] = _breaks_between(breaks, first[closed])
    reason = np.where(stop == len(candles), "end", "gap").astype(object)
    wanted = (ts_close[stop - 1] - ts_open[first]) // source
    missing = (wanted - (stop - first))[closed]
    tails = _tails(candles, first, stop, ~closed, reason)
    return CandleBars(bars, tails, missing, estimated, thresholds[:n_spans][closed])


def _amounts(candles: pd.DataFrame, measure: str) -> tuple[np.ndarray, int]:
    """What each candle adds to the count, and for how many it had to be estimated."""
    if measure == "trades":
        trades = candles["trades"].to_numpy()
        unknown = np.isnan(trades)
        if unknown.any():
            raise DataError(
                "candles",
                int(np.argmax(unknown)) + 1,
                "has no count of trades; tick bars need trades or candles that count them",
            )
        return np.array(trades), 0
    if measure == "volume":
        return np.array(candles["volume"].to_numpy()), 0
    known = candles["quote_volume"].to_numpy()
    typical = candles[_PRICES].to_numpy().sum(axis=1) / len(_PRICES)
    estimated = np.isnan(known)
    return np.where(estimated, candles["volume"].to_numpy() * typical, known), int(estimated.sum())


def _any_inside(breaks: np.ndarray, first: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """Whether a break stands before any candle of a run but its first."""
    before = np.concatenate(([0], np.cumsum(breaks)))
    inside: np.ndarray = before[stop] - before[first + 1] > 0
    return inside


def _breaks_between(breaks: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Whether a break stands anywhere between two bars' first candles."""
    gap = np.zeros(len(first), dtype=bool)
    before = np.concatenate(([0], np.cumsum(breaks)))
    gap[1:] = np.diff(before[first + 1]) > 0
    return gap


def _merge(candles: pd.DataFrame, first: np.ndarray, stop: np.ndarray) -> pd.DataFrame:
    prices, sums = np.empty((len(first), 4)), np.empty((len(first), len(_SUMS)))
    _kernels.merge_candles(
        np.ascontiguousarray(first),
        np.ascontiguousarray(stop),
        np.ascontiguousarray(candles[_PRICES].to_numpy()),
        np.ascontiguousarray(candles[_SUMS].to_numpy()),
        prices,
        sums,
    )
    columns = {name: prices[:, j] for j, name in enumerate(_PRICES)}
    columns |= {name: sums[:, j] for j, name in enumerate(_SUMS)}
    columns["ts_open"] = candles["ts_open"].to_numpy()[first]
    columns["ts_close"] = candles["ts_close"].to_numpy()[stop - 1]
    columns["gap"] = np.zeros(len(first), dtype=bool)
    return typed_table(CANDLE_COLUMNS, columns)


def _tails(
    candles: pd.DataFrame, first: np.ndarray, stop: np.ndarray, left: np.ndarray, reason: np.ndarray
) -> pd.DataFrame:
    part = _merge(candles, first[left], stop[left])
    return tail_table(
        ts_from=part["ts_open"],
        ts_to=part["ts_close"],
        rows=(stop - first)[left],
        volume=part["volume"],
        quote_volume=part["quote_volume"],
        reason=reason[left],
    )
