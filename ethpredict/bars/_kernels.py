"""Compiled borders of bars and bars from candles; `reference` holds the plain form."""

from __future__ import annotations

import numpy as np

from ethpredict.kernel_cache import njit


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
    amounts: np.ndarray,
    breaks: np.ndarray,
    ts_open: np.ndarray,
    ts_close: np.ndarray,
    threshold: float,
    per_day: float,
    decay: float,
    spans: np.ndarray,
    thresholds: np.ndarray,
) -> int:
    """Group whole candles until their count reaches the threshold.

    Parameters
    ----------
    amounts : float64 array of shape (n,)
        What each candle adds to the count.
    breaks : bool array of shape (n,)
        True where nothing may span the border before the candle.
    ts_open, ts_close : int64 array of shape (n,)
        Borders of the candles, ns.
    threshold : float
        > 0; where it moves, the one that it starts from.
    per_day, decay : float
        As in :func:`ethpredict.bars._trade_kernels.cut_counted`.
    spans : int64 array of shape (n, 3), written
        First candle, one past the last, and 1 for a closed bar or 0 for a
        partial one.
    thresholds : float64 array of shape (n,), written
        The threshold at work.

    Returns
    -------
    int
        Rows that were written.
    """
    n_spans = 0
    first = 0
    total = 0.0
    rate = threshold * per_day
    clock = ts_open[0] if len(amounts) > 0 else 0
    for i in range(len(amounts)):
        total += amounts[i]
        torn = i + 1 < len(amounts) and breaks[i + 1]
        closed = total >= threshold
        if closed or torn or i + 1 == len(amounts):
            spans[n_spans, 0] = first
            spans[n_spans, 1] = i + 1
            spans[n_spans, 2] = closed
            thresholds[n_spans] = threshold
            n_spans += 1
            if per_day > 0.0:
                days = (ts_close[i] - clock) / 8.64e13
                rate = (rate + decay * total) / (1.0 + decay * days)
                threshold = rate / per_day
                clock = ts_open[i + 1] if torn else ts_close[i]
            first = i + 1
            total = 0.0
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
