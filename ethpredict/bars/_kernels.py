"""Compiled one-pass bar builders; `reference` holds the plain form they are tested against."""

from __future__ import annotations

import numpy as np
from numba import njit

# What a bar counts until it closes.
COUNT_TRADES = 0
COUNT_VOLUME = 1
COUNT_DOLLARS = 2
# How a partial bar ended.
TAIL_GAP = 0
TAIL_END = 1


@njit(cache=True, nogil=True)
def cut_trades(
    ts: np.ndarray,
    price: np.ndarray,
    size: np.ndarray,
    side: np.ndarray,
    measure: int,
    threshold: float,
    max_gap_ns: int,
    times: np.ndarray,
    values: np.ndarray,
    tails: np.ndarray,
) -> tuple[int, int]:
    """Cut trades into bars in one pass.

    Parameters
    ----------
    ts : int64 array of shape (n,)
        Non-decreasing, ns.
    price, size : float64 array of shape (n,)
        USD and ETH.
    side : int8 array of shape (n,)
        +1 where the taker bought.
    measure : int
        `COUNT_TRADES`, `COUNT_VOLUME` or `COUNT_DOLLARS`.
    threshold : float
        A bar closes with the trade that brings its count to this, > 0.
    max_gap_ns : int
        A longer pause throws the partial bar away.
    times : int64 array of shape (b, 2), written
        First and last trade of each bar, ns.
    values : float64 array of shape (b, 8), written
        open, high, low, close, volume, quote volume, trades, taker buy volume.
    tails : float64 array of shape (g, 5), written
        first row, last row, volume, quote volume, kind of each partial bar.

    Returns
    -------
    n_bars, n_tails : int
        Rows that were written.
    """
    n_bars = 0
    n_tails = 0
    first = 0
    count = 0
    opened = high = low = 0.0
    volume = dollars = taker = 0.0
    for i in range(len(ts)):
        if count > 0 and ts[i] - ts[i - 1] > max_gap_ns:
            tails[n_tails, 0] = first
            tails[n_tails, 1] = i - 1
            tails[n_tails, 2] = volume
            tails[n_tails, 3] = dollars
            tails[n_tails, 4] = TAIL_GAP
            n_tails += 1
            count = 0
        p = price[i]
        s = size[i]
        if count == 0:
            first = i
            opened = high = low = p
            volume = dollars = taker = 0.0
        high = max(high, p)
        low = min(low, p)
        count += 1
        volume += s
        dollars += p * s
        if side[i] > 0:
            taker += s
        if measure == COUNT_DOLLARS:
            reached = dollars
        elif measure == COUNT_VOLUME:
            reached = volume
        else:
            reached = float(count)
        if reached >= threshold:
            times[n_bars, 0] = ts[first]
            times[n_bars, 1] = ts[i]
            values[n_bars, 0] = opened
            values[n_bars, 1] = high
            values[n_bars, 2] = low
            values[n_bars, 3] = p
            values[n_bars, 4] = volume
            values[n_bars, 5] = dollars
            values[n_bars, 6] = count
            values[n_bars, 7] = taker
            n_bars += 1
            count = 0
    if count > 0:
        tails[n_tails, 0] = first
        tails[n_tails, 1] = len(ts) - 1
        tails[n_tails, 2] = volume
        tails[n_tails, 3] = dollars
        tails[n_tails, 4] = TAIL_END
        n_tails += 1
    return n_bars, n_tails


@njit(cache=True, nogil=True)
def part_bars(times: np.ndarray, borders: np.ndarray) -> None:
    """Give bars borders that strictly increase, however many trades share one time.

    A bar is known once its last trade has arrived, never earlier. Where bars
    end at one and the same nanosecond, each later one is put one nanosecond
    after the one before; a bar of one moment is given one nanosecond before it.

    Parameters
    ----------
    times : int64 array of shape (b, 2)
        First and last trade of each bar, non-decreasing in both.
    borders : int64 array of shape (b, 2), written
        ``ts_close = max(last trade, previous ts_close + 1)``,
        ``ts_open = max(previous ts_close, min(first trade, ts_close - 1))``.
    """
    for i in range(len(times)):
        first = times[i, 0]
        last = times[i, 1]
        if i == 0:
            borders[i, 1] = last
            borders[i, 0] = min(first, last - 1)
        else:
            closed = borders[i - 1, 1]
            borders[i, 1] = max(last, closed + 1)
            borders[i, 0] = max(closed, min(first, borders[i, 1] - 1))


@njit(cache=True, nogil=True)
def cut_candles(
    dollars: np.ndarray, breaks: np.ndarray, threshold: float, spans: np.ndarray
) -> int:
    """Group whole candles until their traded value reaches the threshold.

    Parameters
    ----------
    dollars : float64 array of shape (n,)
        Traded value of each candle, USD.
    breaks : bool array of shape (n,)
        True where nothing may span the border before the candle.
    threshold : float
        USD, > 0.
    spans : int64 array of shape (n, 3), written
        First candle, one past the last, and 1 for a closed bar or 0 for a
        partial one.

    Returns
    -------
    int
        Rows that were written.
    """
    n_spans = 0
    first = 0
    total = 0.0
    for i in range(len(dollars)):
        if breaks[i] and i > first:
            spans[n_spans, 0] = first
            spans[n_spans, 1] = i
            spans[n_spans, 2] = 0
            n_spans += 1
            first = i
            total = 0.0
        total += dollars[i]
        if total >= threshold:
            spans[n_spans, 0] = first
            spans[n_spans, 1] = i + 1
            spans[n_spans, 2] = 1
            n_spans += 1
            first = i + 1
            total = 0.0
    if first < len(dollars):
        spans[n_spans, 0] = first
        spans[n_spans, 1] = len(dollars)
        spans[n_spans, 2] = 0
        n_spans += 1
    return n_spans


@njit(cache=True, nogil=True)
def merge_candles(
    first: np.ndarray,
    stop: np.ndarray,
    prices: np.ndarray,
    sums: np.ndarray,
    out_prices: np.ndarray,
    out_sums: np.ndarray,
) -> None:
    """Merge runs of candles into one bar each.

    Parameters
    ----------
    first, stop : int64 array of shape (b,)
        Each bar is candles ``first[i] .. stop[i]-1``, at least one.
    prices : float64 array of shape (n, 4)
        open, high, low, close.
    sums : float64 array of shape (n, m)
        Columns that add up; nan where unknown, which makes the sum unknown.
    out_prices : float64 array of shape (b, 4), written
        open, high, low, close.
    out_sums : float64 array of shape (b, m), written
        Sums, added in the order of the candles.
    """
    for b in range(len(first)):
        out_prices[b, 0] = prices[first[b], 0]
        high = prices[first[b], 1]
        low = prices[first[b], 2]
        out_sums[b, :] = 0.0
        for i in range(first[b], stop[b]):
            high = max(high, prices[i, 1])
            low = min(low, prices[i, 2])
            for j in range(sums.shape[1]):
                out_sums[b, j] += sums[i, j]
        out_prices[b, 1] = high
        out_prices[b, 2] = low
        out_prices[b, 3] = prices[stop[b] - 1, 3]
