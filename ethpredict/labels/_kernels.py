"""Compiled label kernels; the plain reference stands in `reference.py`."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from ethpredict.kernel_cache import njit
from ethpredict.labels._extreme_kernels import extremes, first_beyond

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int8]

VERTICAL, PROFIT, STOP, TIE, MISSING = 0, 1, -1, 2, -2
TIE_DROP, TIE_STOP, TIE_PROFIT = 0, 1, 2

# A price that equals its barrier is a touch; exp() must not round it out of reach.
SLACK = 4.0 * 2.220446049250313e-16


@njit(cache=True, nogil=True)
def borders(gap: npt.NDArray[np.bool_]) -> Integers:
    """First row after each row that lies beyond a gap; the number of rows where there is none."""
    n = gap.shape[0]
    out = np.empty(n, dtype=np.int64)
    border = n
    for row in range(n - 1, -1, -1):
        out[row] = border
        if gap[row]:
            border = row
    return out


@njit(cache=True, nogil=True)
def first_touch(
    open_: Floats,
    high: Floats,
    low: Floats,
    close: Floats,
    gap: npt.NDArray[np.bool_],
    t0: Integers,
    vertical: Integers,
    width: Floats,
    side: Codes,
    profit: float,
    stop: float,
    tie: int,
    sign: bool,
) -> tuple[Integers, Floats, Floats, Codes, Integers]:
    """First touch of each event; returns t1, label, ret, touch and the last row looked at."""
    bars, events = close.shape[0], t0.shape[0]
    t1 = np.full(events, -1, dtype=np.int64)
    label, ret = np.full(events, np.nan), np.full(events, np.nan)
    touch = np.full(events, MISSING, dtype=np.int8)
    seen = np.full(events, -1, dtype=np.int64)
    border = borders(gap)
    longest = 1
    for i in range(events):
        longest = max(longest, min(vertical[i], bars - 1) - t0[i])
    top, bottom, levels = extremes(open_, high, low, longest)
    for i in range(events):
        start = t0[i]
        entry = close[start]
        if side[i] == 0 or not (width[i] > 0.0 and entry > 0.0):
            continue
        above = profit if side[i] > 0 else stop
        below = stop if side[i] > 0 else profit
        upper = entry * math.exp(above * width[i]) * (1.0 - SLACK)
        lower = entry * math.exp(-below * width[i]) * (1.0 + SLACK)
        end = min(vertical[i], border[start] - 1)
        row = first_beyond(top, bottom, levels, start + 1, end + 1, upper, lower)
        if row < 0:
            seen[i] = end
            if end == vertical[i] and close[end] > 0.0:
                t1[i], touch[i] = end, VERTICAL
                ret[i] = math.log(close[end] / entry)
                label[i] = np.sign(ret[i]) * side[i] if sign else 0.0
            continue
        t1[i] = seen[i] = row
        at_open = open_[row] >= upper or open_[row] <= lower
        if at_open:
            hit = 1 if open_[row] >= upper else -1
        elif high[row] >= upper and low[row] <= lower:
            if tie == TIE_DROP:
                touch[i] = TIE
                continue
            hit = side[i] if tie == TIE_PROFIT else -side[i]
        else:
            hit = 1 if high[row] >= upper else -1
        touch[i] = PROFIT if hit == side[i] else STOP
        label[i] = touch[i]
        if at_open:
            ret[i] = math.log(open_[row] / entry)
        else:
            ret[i] = above * width[i] if hit > 0 else -below * width[i]
    return t1, label, ret, touch, seen


@njit(cache=True, nogil=True)
def count_alive(t0: Integers, t1: Integers, bars: int) -> Integers:
    """Number of closed intervals over each bar; intervals with t1 < t0 count nowhere."""
    step = np.zeros(bars + 1, dtype=np.int64)
    for i in range(t0.shape[0]):
        if t1[i] >= t0[i]:
            step[t0[i]] += 1
            step[t1[i] + 1] -= 1
    out = np.empty(bars, dtype=np.int64)
    count = 0
    for bar in range(bars):
        count += step[bar]
        out[bar] = count
    return out


@njit(cache=True, nogil=True)
def interval_sums(terms: Floats, first: Integers, last: Integers) -> Floats:
    """Sum of the terms over each closed interval from one running sum; nan where it is empty.

    The running sum is kept in two doubles (Knuth's two-sum), so that a
    difference far down the table is as exact as one at its start.
    """
    bars = terms.shape[0]
    high, low = np.zeros(bars + 1), np.zeros(bars + 1)
    for bar in range(bars):
        total = high[bar] + terms[bar]
        part = total - high[bar]
        error = (high[bar] - (total - part)) + (terms[bar] - part)
        high[bar + 1] = total
        low[bar + 1] = low[bar] + error
    out = np.full(first.shape[0], np.nan)
    for i in range(first.shape[0]):
        if last[i] >= first[i]:
            a, b = first[i], last[i] + 1
            out[i] = (high[b] - high[a]) + (low[b] - low[a])
    return out


@njit(cache=True, nogil=True)
def mean_inverse(t0: Integers, t1: Integers, count: Integers) -> Floats:
    """Mean of 1/count over each closed interval."""
    terms = np.zeros(count.shape[0])
    for bar in range(count.shape[0]):
        if count[bar] > 0:
            terms[bar] = 1.0 / count[bar]
    out = interval_sums(terms, t0, t1)
    for i in range(t0.shape[0]):
        if t1[i] >= t0[i]:
            out[i] /= t1[i] - t0[i] + 1
    return out


@njit(cache=True, nogil=True)
def horizon_targets(
    close: Floats, gap: npt.NDArray[np.bool_], vertical: Integers
) -> tuple[Integers, Floats]:
    """Each row's vertical barrier and the log return to it; -1 and nan where it is not reached."""
    n = close.shape[0]
    t1, ret = np.full(n, -1, dtype=np.int64), np.full(n, np.nan)
    border = borders(gap)
    for start in range(n):
        end = vertical[start]
        if start < end < border[start] and close[start] > 0.0 and close[end] > 0.0:
            t1[start] = end
            ret[start] = math.log(close[end] / close[start])
    return t1, ret


@njit(cache=True, nogil=True)
def mean_duration(
    ts_open: Integers, ts_close: Integers, gap: npt.NDArray[np.bool_], window: int
) -> Floats:
    """Trailing mean of close-to-close times in seconds, not across a gap.

    Fewer than `window` bars since a gap give the mean of those there are; the
    first bar after one has only its own length.
    """
    n = ts_close.shape[0]
    out = np.full(n, np.nan)
    first = 0
    for i in range(n):
        if gap[i]:
            first = i
        back = max(first, i - window)
        if back < i:
            out[i] = (ts_close[i] - ts_close[back]) / 1e9 / (i - back)
        elif ts_close[i] > ts_open[i]:
            out[i] = (ts_close[i] - ts_open[i]) / 1e9
    return out
