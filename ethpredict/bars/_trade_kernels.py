"""Compiled one-pass bar builders over trades; `reference` holds the plain form.

All of them take a piece of the tape at a time and carry their state in two arrays, so that
the bars do not depend on where the tape is cut into pieces. They stop where an output is full
or a trade cannot be used, and are called again from there.
"""

from __future__ import annotations

import numpy as np

from ethpredict.kernel_cache import njit

# What a bar counts until it closes.
COUNT_TRADES = 0
COUNT_VOLUME = 1
COUNT_DOLLARS = 2
# How a partial bar ended.
TAIL_GAP = 0
TAIL_END = 1
TAIL_START = 2
# Why a bar closed.
BY_THRESHOLD = 0
BY_LENGTH = 1
BY_WARM_UP = 2
# Whole numbers that are carried: trades seen, time of the last one; of the partial bar: first
# trade, trades; since when the rate's clock runs; the partial bar's slot on the clock and what
# tore it (a tail's kind, -1 = whole); whether a pause came before it; last known side.
SEEN, LAST, FIRST, COUNT, CLOCK, SLOT, TORN, SIGN = range(8)
N_WHOLE = 8
# Real numbers that are carried: the partial bar, the threshold and the rate behind it.
OPEN, HIGH, LOW, CLOSE, VOLUME, DOLLARS, TAKER, LIMIT, RATE = range(9)
# Sums of the partial bar by side, moving averages of closed bars' sums, price of the last trade.
BUYS, SELLS, SQUARES, MEAN_TRADES, MEAN_BUYS, MEAN_SELLS, MEAN_SQUARES, PRICE = range(9, 17)
N_REAL = 17
# Columns of a bar and of a tail.
N_VALUES = 10
N_TAIL = 4
# Trades that are checked at once; an output needs room for as many bars.
BLOCK = 1024

_INF = np.inf
_INF_BITS = np.uint64(0x7FF0000000000000)
_ONE = np.uint64(1)
_DAY_NS = 8.64e13


@njit(cache=True, nogil=True)
def _emit(whole, real, last, reason, times, values, row):  # type: ignore[no-untyped-def]
    """Write the partial bar as a closed one."""
    times[row, 0] = whole[FIRST]
    times[row, 1] = last
    values[row, 0] = real[OPEN]
    values[row, 1] = real[HIGH]
    values[row, 2] = real[LOW]
    values[row, 3] = real[CLOSE]
    values[row, 4] = real[VOLUME]
    values[row, 5] = real[DOLLARS]
    values[row, 6] = whole[COUNT]
    values[row, 7] = real[TAKER]
    values[row, 8] = real[LIMIT]
    values[row, 9] = reason


@njit(cache=True, nogil=True)
def leave_tail(
    whole: np.ndarray,
    real: np.ndarray,
    kind: int,
    tail_times: np.ndarray,
    tails: np.ndarray,
    row: int,
) -> None:
    """Write the partial bar as a tail and forget it.

    Parameters
    ----------
    whole, real : int64, float64 arrays
        The state.
    kind : int
        `TAIL_GAP`, `TAIL_END` or `TAIL_START`.
    tail_times : int64 array of shape (g, 2), written
        First and last trade, ns.
    tails : float64 array of shape (g, N_TAIL), written
        trades, volume, quote volume, kind.
    row : int
        Where to.
    """
    tail_times[row, 0] = whole[FIRST]
    tail_times[row, 1] = whole[LAST]
    tails[row, 0] = whole[COUNT]
    tails[row, 1] = real[VOLUME]
    tails[row, 2] = real[DOLLARS]
    tails[row, 3] = kind
    whole[COUNT] = 0


@njit(cache=True, nogil=True)
def _next_threshold(whole, real, amount, now, per_day, decay):  # type: ignore[no-untyped-def]
    """Bring the rate up to date and take the threshold from it.

    An implicit step of d rate = decay (flow - rate) dt: stays positive and never overshoots,
    however long or short the bar.
    """
    days = (now - whole[CLOCK]) / _DAY_NS
    real[RATE] = (real[RATE] + decay * amount) / (1.0 + decay * days)
    real[LIMIT] = real[RATE] / per_day
    whole[CLOCK] = now


@njit(cache=True, nogil=True)
def _good(price, size):  # type: ignore[no-untyped-def]
    """Whether a trade has a finite positive price and a finite size of at least 0."""
    return (price > 0.0) & (price < _INF) & (size >= 0.0) & (size < _INF)


@njit(cache=True, nogil=True)
def _usable(ts, price, size, max_gap_ns):  # type: ignore[no-untyped-def]
    """Trades before the first one that cannot be used or, but for row 0, follows a pause.

    The first loops have no branch and one comparison each, and compile to vector instructions:
    a pause below 0 is large when taken as unsigned, and so are the bits of a float that is
    negative, infinite or nan. What they find odd is looked at again.
    """
    longest = np.uint64(max_gap_ns)
    price_bits = price.view(np.uint64)
    size_bits = size.view(np.uint64)
    odd = np.int64(0)
    for i in range(1, len(ts)):
        odd += np.uint64(ts[i] - ts[i - 1]) > longest
    for i in range(len(price_bits)):
        odd += price_bits[i] - _ONE >= _INF_BITS - _ONE
        odd += size_bits[i] >= _INF_BITS
    if odd == 0:
        return len(ts)
    for i in range(len(ts)):
        pause = ts[i] - ts[i - 1] if i > 0 else 0
        if pause < 0 or pause > max_gap_ns or not _good(price[i], size[i]):
            return i
    return len(ts)


@njit(cache=True, nogil=True)
def _advance(price, size, side, measure, limit, partial):  # type: ignore[no-untyped-def]
    """Add trades to the partial bar up to the one that closes it; also return how many."""
    count, high, low, volume, dollars, taker = partial
    sided = len(side) > 0
    for i in range(len(price)):
        p = price[i]
        s = size[i]
        high = max(high, p)
        low = min(low, p)
        count += 1.0
        volume += s
        dollars += p * s
        if sided:
            bought = np.float64(side[i])
            taker += s * (0.5 * bought * (bought + 1.0))  # 1 for +1, else 0, without a branch
        reached = dollars
        if measure == COUNT_VOLUME:
            reached = volume
        elif measure == COUNT_TRADES:
            reached = count
        if reached >= limit:
            return i + 1, True, (count, high, low, volume, dollars, taker)
    return len(price), False, (count, high, low, volume, dollars, taker)


@njit(cache=True, nogil=True)
def _keep(whole, real, partial):  # type: ignore[no-untyped-def]
    """Put the partial bar into the state."""
    whole[COUNT] = int(partial[0])
    real[HIGH], real[LOW] = partial[1], partial[2]
    real[VOLUME], real[DOLLARS], real[TAKER] = partial[3], partial[4], partial[5]


@njit(cache=True, nogil=True)
def _measured(measure, whole, real):  # type: ignore[no-untyped-def]
    """What the partial bar has counted so far."""
    if whole[COUNT] == 0:
        return 0.0
    if measure == COUNT_DOLLARS:
        return real[DOLLARS]
    return real[VOLUME] if measure == COUNT_VOLUME else float(whole[COUNT])


@njit(cache=True, nogil=True)
def cut_counted(
    ts: np.ndarray,
    price: np.ndarray,
    size: np.ndarray,
    side: np.ndarray,
    start: int,
    measure: int,
    per_day: float,
    decay: float,
    max_gap_ns: int,
    whole: np.ndarray,
    real: np.ndarray,
    times: np.ndarray,
    values: np.ndarray,
    tail_times: np.ndarray,
    tails: np.ndarray,
) -> tuple[int, int, int, bool]:
    """Close a bar with the trade that brings its count to the threshold.

    Parameters
    ----------
    ts : int64 array of shape (n,)
        Non-decreasing, ns.
    price, size : float64 array of shape (n,)
        USD and ETH.
    side : int8 array of shape (n,) or (0,)
        +1 where the taker bought; empty = unknown, taker volume 0.
    start : int
        First row to take.
    measure : int
        `COUNT_TRADES`, `COUNT_VOLUME` or `COUNT_DOLLARS`.
    per_day : float
        Bars a day that a moving threshold aims at; 0 = the threshold stays.
    decay : float
        One over the time constant of the moving rate, 1/day.
    max_gap_ns : int
        A longer pause turns the partial bar into a tail.
    whole, real : int64 (N_WHOLE,), float64 (N_REAL,), carried
        The state; ``real[LIMIT]`` is the threshold, ``real[RATE]`` the count per day.
    times : int64 array of shape (b, 2), b >= BLOCK, written
        First and last trade of each bar, ns.
    values : float64 array of shape (b, N_VALUES), written
        open, high, low, close, volume, quote volume, trades, taker buy volume, threshold,
        why it closed.
    tail_times, tails : g >= 1 rows, written
        As in :func:`leave_tail`.

    Returns
    -------
    next_row, n_bars, n_tails : int
        First row that was not taken, and rows written.
    faulty : bool
        Whether `next_row` cannot be used; else the outputs are full, or all is taken.
    """
    n_bars = 0
    n_tails = 0
    i = start
    while i < len(ts) and len(values) - n_bars >= BLOCK and n_tails < len(tails):
        if whole[SEEN] == 0:
            whole[LAST] = whole[CLOCK] = ts[i]
        if ts[i] < whole[LAST] or not _good(price[i], size[i]):
            return i, n_bars, n_tails, True
        if ts[i] - whole[LAST] > max_gap_ns:
            if per_day > 0.0:
                part = _measured(measure, whole, real)
                _next_threshold(whole, real, part, whole[LAST], per_day, decay)
                whole[CLOCK] = ts[i]
            if whole[COUNT] > 0:
                leave_tail(whole, real, TAIL_GAP, tail_times, tails, n_tails)
                n_tails += 1
        stop = min(i + BLOCK, len(ts))
        stop = i + _usable(ts[i:stop], price[i:stop], size[i:stop], max_gap_ns)
        whole[SEEN] += stop - i
        whole[LAST] = ts[stop - 1]
        while i < stop:
            partial = (
                float(whole[COUNT]), real[HIGH], real[LOW], real[VOLUME], real[DOLLARS],
                real[TAKER],
            )  # fmt: skip
            if whole[COUNT] == 0:
                whole[FIRST] = ts[i]
                real[OPEN] = price[i]
                partial = (0.0, 0.0, _INF, 0.0, 0.0, 0.0)
            taken, closed, partial = _advance(
                price[i:stop], size[i:stop], side[i:stop], measure, real[LIMIT], partial
            )
            i += taken
            _keep(whole, real, partial)
            if closed:
                real[CLOSE] = price[i - 1]
                _emit(whole, real, ts[i - 1], BY_THRESHOLD, times, values, n_bars)
                n_bars += 1
                if per_day > 0.0:
                    reached = _measured(measure, whole, real)
                    _next_threshold(whole, real, reached, ts[i - 1], per_day, decay)
                whole[COUNT] = 0
    return i, n_bars, n_tails, False
