"""Compiled label kernels; the plain reference stands in `reference.py`."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from numba import njit

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int8]

VERTICAL, PROFIT, STOP, TIE, MISSING = 0, 1, -1, 2, -2
TIE_DROP, TIE_STOP, TIE_PROFIT = 0, 1, 2

# A price that equals its barrier is a touch; exp() must not round it out of reach.
SLACK = 4.0 * 2.220446049250313e-16


@njit(cache=True, nogil=True)
def first_touch(
    open_: Floats,
    high: Floats,
    low: Floats,
    close: Floats,
    gap: npt.NDArray[np.bool_],
    t0: Integers,
    width: Floats,
    side: Codes,
    horizon: int,
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
    for i in range(events):
        start = t0[i]
        entry = close[start]
        if side[i] == 0 or not (width[i] > 0.0 and entry > 0.0):
            continue
        above = profit if side[i] > 0 else stop
        below = stop if side[i] > 0 else profit
        upper = entry * math.exp(above * width[i]) * (1.0 - SLACK)
        lower = entry * math.exp(-below * width[i]) * (1.0 + SLACK)
        seen[i] = start
        end = start + horizon
        hit = 0  # +1 upper, -1 lower, 2 both in one bar
        at_open = False
        row = start
        while row < end and row + 1 < bars and not gap[row + 1]:
            row += 1
            if open_[row] >= upper:
                hit, at_open = 1, True
            elif open_[row] <= lower:
                hit, at_open = -1, True
            elif high[row] >= upper:
                hit = 2 if low[row] <= lower else 1
            elif low[row] <= lower:
                hit = -1
            if hit != 0:
                break
        seen[i] = row
        if hit == 0:
            if row == end and close[row] > 0.0:
                t1[i], touch[i] = row, VERTICAL
                ret[i] = math.log(close[row] / entry)
                label[i] = np.sign(ret[i]) * side[i] if sign else 0.0
            continue
        t1[i] = row
        if hit == 2:
            if tie == TIE_DROP:
                touch[i] = TIE
                continue
            hit = side[i] if tie == TIE_PROFIT else -side[i]
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
def mean_inverse(t0: Integers, t1: Integers, count: Integers) -> Floats:
    """Mean of 1/count over each closed interval from one running sum.

    The running sum is kept in two doubles (Knuth's two-sum), so that a
    difference far down the table is as exact as one at its start.
    """
    bars = count.shape[0]
    high, low = np.zeros(bars + 1), np.zeros(bars + 1)
    for bar in range(bars):
        term = 1.0 / count[bar] if count[bar] > 0 else 0.0
        total = high[bar] + term
        part = total - high[bar]
        error = (high[bar] - (total - part)) + (term - part)
        high[bar + 1] = total
        low[bar + 1] = low[bar] + error
    out = np.full(t0.shape[0], np.nan)
    for i in range(t0.shape[0]):
        if t1[i] >= t0[i]:
            a, b = t0[i], t1[i] + 1
            out[i] = ((high[b] - high[a]) + (low[b] - low[a])) / (b - a)
    return out


@njit(cache=True, nogil=True)
def horizon_targets(
    close: Floats, gap: npt.NDArray[np.bool_], horizon: int
) -> tuple[Integers, Floats]:
    """Row `horizon` bars on and the log return to it; -1 and nan where it cannot be reached."""
    n = close.shape[0]
    t1, ret = np.full(n, -1, dtype=np.int64), np.full(n, np.nan)
    last_gap = 0
    for end in range(n):
        if gap[end]:
            last_gap = end
        start = end - horizon
        if start >= last_gap and close[start] > 0.0 and close[end] > 0.0:
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
