"""Compiled one-pass builders of imbalance, run and clock bars; state as in `_trade_kernels`."""

from __future__ import annotations

import numpy as np

from ethpredict.bars._trade_kernels import (
    BUYS,
    BY_LENGTH,
    BY_THRESHOLD,
    BY_WARM_UP,
    CLOSE,
    COUNT,
    COUNT_DOLLARS,
    COUNT_TRADES,
    DOLLARS,
    FIRST,
    HIGH,
    LAST,
    LIMIT,
    LOW,
    MEAN_BUYS,
    MEAN_SELLS,
    MEAN_SQUARES,
    MEAN_TRADES,
    OPEN,
    PRICE,
    SEEN,
    SELLS,
    SIGN,
    SLOT,
    SQUARES,
    TAIL_END,
    TAIL_GAP,
    TAIL_START,
    TAKER,
    TORN,
    VOLUME,
    _emit,
    _good,
    leave_tail,
)
from ethpredict.kernel_cache import njit

# What a signed bar sums up.
IMBALANCE = 0
RUN = 1
_INF = np.inf
_MEAN_ABS_NORMAL = np.sqrt(2.0 / np.pi)


@njit(cache=True, nogil=True)
def _add(whole, real, t, p, s, side):  # type: ignore[no-untyped-def]
    """Add one trade to the partial bar."""
    if whole[COUNT] == 0:
        whole[FIRST] = t
        real[OPEN] = real[HIGH] = real[LOW] = p
        real[VOLUME] = real[DOLLARS] = real[TAKER] = 0.0
        real[BUYS] = real[SELLS] = real[SQUARES] = 0.0
    real[HIGH] = max(real[HIGH], p)
    real[LOW] = min(real[LOW], p)
    real[CLOSE] = p
    real[VOLUME] += s
    real[DOLLARS] += p * s
    if side > 0:
        real[TAKER] += s
    whole[COUNT] += 1
    whole[SEEN] += 1
    whole[LAST] = t


@njit(cache=True, nogil=True)
def _expect(whole, real, kind, expected, bound, weight):  # type: ignore[no-untyped-def]
    """Take a closed bar into the averages and set the threshold of the next one."""
    if real[MEAN_TRADES] == 0.0:
        weight = 1.0
    real[MEAN_TRADES] += weight * (whole[COUNT] - real[MEAN_TRADES])
    real[MEAN_BUYS] += weight * (real[BUYS] - real[MEAN_BUYS])
    real[MEAN_SELLS] += weight * (real[SELLS] - real[MEAN_SELLS])
    real[MEAN_SQUARES] += weight * (real[SQUARES] - real[MEAN_SQUARES])
    length = min(max(real[MEAN_TRADES], expected / bound), expected * bound)
    buys = real[MEAN_BUYS] / real[MEAN_TRADES]
    sells = real[MEAN_SELLS] / real[MEAN_TRADES]
    noise = np.sqrt(real[MEAN_SQUARES] / real[MEAN_TRADES] / length)
    # What a balanced market reaches in a bar of this length; below it, bars would shrink.
    if kind == RUN:
        balanced = 0.5 * (buys + sells + _MEAN_ABS_NORMAL * noise)
        limit = length * max(buys, sells, balanced)
    else:
        limit = length * max(abs(buys - sells), noise)
    real[LIMIT] = limit if limit > 0.0 else _INF


@njit(cache=True, nogil=True)
def cut_signed(
    ts: np.ndarray,
    price: np.ndarray,
    size: np.ndarray,
    side: np.ndarray,
    start: int,
    kind: int,
    measure: int,
    expected: float,
    bound: float,
    weight: float,
    max_gap_ns: int,
    whole: np.ndarray,
    real: np.ndarray,
    times: np.ndarray,
    values: np.ndarray,
    tail_times: np.ndarray,
    tails: np.ndarray,
) -> tuple[int, int, int, bool]:
    """Close a bar when its signed flow exceeds what was expected of it.

    Parameters
    ----------
    ts, price, size, start, max_gap_ns, times, values, tail_times, tails
        As in :func:`ethpredict.bars._trade_kernels.cut_counted`.
    side : int8 array of shape (n,) or (0,)
        +1 where the taker bought, -1 where he sold; 0 or empty = by the tick rule.
    kind : int
        `IMBALANCE` or `RUN`.
    measure : int
        `COUNT_TRADES`, `COUNT_VOLUME` or `COUNT_DOLLARS` that are signed.
    expected : float
        Trades of the first bar, and the middle of what is expected of later ones.
    bound : float
        >= 1: a bar is expected to have ``expected / bound .. expected * bound`` trades and
        closes at the latest with the upper one.
    weight : float
        Weight of the newest bar in the averages, in (0, 1].
    whole, real : int64 (N_WHOLE,), float64 (N_REAL,), carried
        The state; ``real[LIMIT]`` and ``real[PRICE]`` are nan at first.

    Returns
    -------
    next_row, n_bars, n_tails : int
        First row that was not taken, and rows written.
    faulty : bool
        Whether `next_row` cannot be used.
    """
    n_bars = 0
    n_tails = 0
    for i in range(start, len(ts)):
        if n_bars == len(values) or n_tails == len(tails):
            return i, n_bars, n_tails, False
        t = ts[i]
        p = price[i]
        if whole[SEEN] == 0:
            whole[LAST] = t
        if t < whole[LAST] or not _good(p, size[i]):
            return i, n_bars, n_tails, True
        if t - whole[LAST] > max_gap_ns and whole[COUNT] > 0:
            leave_tail(whole, real, TAIL_GAP, tail_times, tails, n_tails)
            n_tails += 1
        given = side[i] if len(side) > 0 else 0
        sign = whole[SIGN]
        if given != 0:
            sign = 1 if given > 0 else -1
        elif p > real[PRICE]:
            sign = 1
        elif p < real[PRICE]:
            sign = -1
        whole[SIGN] = sign
        real[PRICE] = p
        _add(whole, real, t, p, size[i], given)
        amount = 1.0
        if measure != COUNT_TRADES:
            amount = p * size[i] if measure == COUNT_DOLLARS else size[i]
        real[SQUARES] += amount * amount
        if sign > 0:
            real[BUYS] += amount
        elif sign < 0:
            real[SELLS] += amount
        reached = abs(real[BUYS] - real[SELLS])
        if kind == RUN:
            reached = max(real[BUYS], real[SELLS])
        reason = -1
        if real[MEAN_TRADES] == 0.0:
            if whole[COUNT] >= expected:
                reason = BY_WARM_UP
        elif reached >= real[LIMIT]:
            reason = BY_THRESHOLD
        elif whole[COUNT] >= expected * bound:
            reason = BY_LENGTH
        if reason >= 0:
            _emit(whole, real, t, reason, times, values, n_bars)
            n_bars += 1
            _expect(whole, real, kind, expected, bound, weight)
            whole[COUNT] = 0
    return len(ts), n_bars, n_tails, False


@njit(cache=True, nogil=True)
def _end_slot(whole, real, length, max_gap_ns, times, values, n_bars, tail_times, tails, n_tails):  # type: ignore[no-untyped-def]
    """Close the slot of the partial bar: a bar, or a tail where a pause tore it."""
    closes = (whole[SLOT] + 1) * length
    if closes - whole[LAST] > max_gap_ns:
        whole[TORN] = TAIL_GAP
    if whole[TORN] >= 0:
        leave_tail(whole, real, whole[TORN], tail_times, tails, n_tails)
        return n_bars, n_tails + 1
    real[LIMIT] = np.nan
    _emit(whole, real, whole[LAST], BY_THRESHOLD, times, values, n_bars)
    whole[COUNT] = 0
    return n_bars + 1, n_tails


@njit(cache=True, nogil=True)
def cut_clock(
    ts: np.ndarray,
    price: np.ndarray,
    size: np.ndarray,
    side: np.ndarray,
    start: int,
    length: int,
    max_gap_ns: int,
    whole: np.ndarray,
    real: np.ndarray,
    times: np.ndarray,
    values: np.ndarray,
    tail_times: np.ndarray,
    tails: np.ndarray,
) -> tuple[int, int, int, bool]:
    """Cut trades on the clock's grid; a slot that a long pause reaches into is a tail.

    The slot of the last trades stays open: nothing tells that the tape holds all of it.

    Parameters
    ----------
    length : int
        Length of a slot, ns, > 0.
    ts, price, size, side, start, max_gap_ns, whole, real, times, values, tail_times, tails
        As in :func:`ethpredict.bars._trade_kernels.cut_counted`.

    Returns
    -------
    next_row, n_bars, n_tails : int
        First row that was not taken, and rows written.
    faulty : bool
        Whether `next_row` cannot be used.
    """
    n_bars = 0
    n_tails = 0
    for i in range(start, len(ts)):
        if n_bars == len(values) or n_tails == len(tails):
            return i, n_bars, n_tails, False
        t = ts[i]
        first = whole[SEEN] == 0
        if first:
            whole[LAST] = t
        if t < whole[LAST] or not _good(price[i], size[i]):
            return i, n_bars, n_tails, True
        slot = t // length
        paused = t - whole[LAST] > max_gap_ns
        if whole[COUNT] > 0 and slot != whole[SLOT]:
            n_bars, n_tails = _end_slot(
                whole, real, length, max_gap_ns, times, values, n_bars, tail_times, tails, n_tails
            )
        if whole[COUNT] == 0:
            whole[SLOT] = slot
            whole[TORN] = -1
            if t > slot * length and (first or paused):
                whole[TORN] = TAIL_START if first else TAIL_GAP
        elif paused:
            whole[TORN] = TAIL_GAP
        _add(whole, real, t, price[i], size[i], side[i] if len(side) > 0 else 0)
    return len(ts), n_bars, n_tails, False


@njit(cache=True, nogil=True)
def end_tape(whole: np.ndarray, real: np.ndarray, tail_times: np.ndarray, tails: np.ndarray) -> int:
    """Leave what is open at the end of the tape as a tail; return how many rows it takes (0, 1)."""
    if whole[COUNT] == 0:
        return 0
    leave_tail(whole, real, TAIL_END, tail_times, tails, 0)
    return 1


@njit(cache=True, nogil=True)
def add_exactly(amounts: np.ndarray, sums: np.ndarray) -> None:
    """Add numbers without losing what the additions round away.

    Parameters
    ----------
    amounts : float64 array of shape (n,)
        Finite.
    sums : float64 array of shape (3,), carried
        Parts whose sum is the exact one: a running sum, the running sum of what it rounds
        away, and what that one rounds away.

    Notes
    -----
    Knuth's two-sum, cascaded. The third part could round only if the numbers spanned more
    than 150 bits.

    References
    ----------
    Ogita, T., Rump, S. M. and Oishi, S. (2005). Accurate sum and dot product. SIAM Journal
    on Scientific Computing 26(6), 1955-1988. doi:10.1137/030601818
    """
    total, error, rest = sums[0], sums[1], sums[2]
    for i in range(len(amounts)):
        x = amounts[i]
        new = total + x
        back = new - total
        lost = (total - (new - back)) + (x - back)
        total = new
        new = error + lost
        back = new - error
        rest += (error - (new - back)) + (lost - back)
        error = new
    sums[0], sums[1], sums[2] = total, error, rest
