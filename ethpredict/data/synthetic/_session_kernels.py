"""A day of the order book, event by event; `book_reference.py` holds the plain twin."""

from __future__ import annotations

import math

import numpy as np

from ethpredict.data.synthetic._book_kernels import (
    BEGUN,
    EVENT,
    NOW,
    POINTS,
    REFILL,
    SECOND,
    SWEEP,
    TRADES,
)
from ethpredict.data.synthetic._flow_kernels import (
    BOOK_SCALE,
    BUY,
    CANDLE_SECONDS,
    CANDLES_BEFORE,
    DECAY,
    DRIFT,
    FLOW_DECAY,
    INFORMED,
    LADDER,
    MAKER_LOTS,
    SCALE_MEMORY,
    SCALE_PRIOR_COUNT,
    SELL,
    SIZE_SCALE,
    act,
    begin_second,
    fill_ladder,
    sweep,
)
from ethpredict.data.synthetic._hawkes_kernels import (
    advance,
    choose_type,
    next_point,
)
from ethpredict.data.synthetic._kernels import (
    CLOSE,
    FLOW,
    HIGH,
    LAST_PRICE,
    LOG_MID,
    LOW,
    OPEN,
    QUOTE,
    SCALE,
    TAKER_BUY,
    VOLUME,
    update_signal,
    walk_mid,
)
from ethpredict.data.synthetic._kernels import TRADES as COUNT
from ethpredict.kernel_cache import njit

NS = 1_000_000_000
# Sweeps are points too, though no part of the Hawkes process.
SWEEP_BUY, SWEEP_SELL = 6, 7


@njit(cache=True, nogil=True)
def set_base(
    base: np.ndarray, rates: np.ndarray, activity: float, tilt: float, move: float, informed: float
) -> None:
    """Set the base rates of a second; informed traders side with the move that is to come."""
    up = 1.0 if move > 0.0 else (0.0 if move < 0.0 else 0.5)
    buys = (1.0 - informed) * 0.5 * (1.0 + tilt) + informed * up
    for i in range(base.shape[0]):
        base[i] = rates[i] * activity
    market = base[BUY] + base[SELL]
    base[BUY] = market * buys
    base[SELL] = market * (1.0 - buys)


@njit(cache=True, nogil=True)
def begin_candle(
    clock: np.ndarray,
    state: np.ndarray,
    fixed: np.ndarray,
    real: np.ndarray,
    sigma: np.ndarray,
    shocks: np.ndarray,
    jumps: np.ndarray,
    mid: np.ndarray,
    candles: np.ndarray,
    drift: np.ndarray,
) -> None:
    """Walk the mid through the candle that starts now; open it at the last price."""
    start = clock[SECOND]
    stop = start + fixed[CANDLE_SECONDS]
    c = start // fixed[CANDLE_SECONDS]
    drift[c] = real[DRIFT] * (state[FLOW] / math.sqrt(state[SCALE]))
    state[LOG_MID] = walk_mid(state[LOG_MID], drift[c], sigma, shocks, jumps, start, stop, mid)
    candles[c, :] = 0.0
    for j in (OPEN, HIGH, LOW, CLOSE):
        candles[c, j] = state[LAST_PRICE]


@njit(cache=True, nogil=True)
def end_candle(row: np.ndarray, number: int, state: np.ndarray, real: np.ndarray) -> None:
    """Take candle number `number` (1 = first) into the planted signal."""
    state[LAST_PRICE] = row[CLOSE]
    imbalance = 2.0 * row[TAKER_BUY] / row[VOLUME] - 1.0 if row[VOLUME] > 0.0 else 0.0
    state[FLOW], state[SCALE] = update_signal(
        state[FLOW], state[SCALE], imbalance, number,
        real[FLOW_DECAY], real[SCALE_MEMORY], real[SCALE_PRIOR_COUNT],
    )  # fmt: skip


@njit(cache=True, nogil=True)
def note_point(clock: np.ndarray, kind: int, points: np.ndarray, count: np.ndarray) -> None:
    """Write down a point of the order flow; it is an event of its own."""
    points[count[POINTS], 0] = clock[NOW]
    points[count[POINTS], 1] = kind
    count[POINTS] += 1
    clock[EVENT] += 1


@njit(cache=True, nogil=True)
def add_prints(
    row: np.ndarray, trades: np.ndarray, first: int, stop: int, real: np.ndarray
) -> None:
    """Add trades to a candle whose prices stand at the last price before it."""
    for i in range(first, stop):
        price = trades[i, 1] / real[BOOK_SCALE]
        size = trades[i, 2] / real[SIZE_SCALE]
        if row[COUNT] == 0.0:
            row[OPEN] = row[HIGH] = row[LOW] = price
        row[HIGH] = max(row[HIGH], price)
        row[LOW] = min(row[LOW], price)
        row[CLOSE] = price
        row[VOLUME] += size
        row[QUOTE] += price * size
        row[COUNT] += 1.0
        if trades[i, 3] > 0:
            row[TAKER_BUY] += size


@njit(cache=True, nogil=True)
def run_book(
    clock: np.ndarray,
    level: np.ndarray,
    order: np.ndarray,
    free: np.ndarray,
    live: np.ndarray,
    base: np.ndarray,
    excite: np.ndarray,
    rates: np.ndarray,
    kernel: np.ndarray,
    rng: np.ndarray,
    state: np.ndarray,
    fixed: np.ndarray,
    real: np.ndarray,
    sigma: np.ndarray,
    activity: np.ndarray,
    tilt: np.ndarray,
    shocks: np.ndarray,
    jumps: np.ndarray,
    sweep_ns: np.ndarray,
    sweep_depth: np.ndarray,
    sweep_buys: np.ndarray,
    mid: np.ndarray,
    candles: np.ndarray,
    drift: np.ndarray,
    updates: np.ndarray,
    orders: np.ndarray,
    trades: np.ndarray,
    points: np.ndarray,
    room: np.ndarray,
    count: np.ndarray,
) -> bool:
    """Run events until the seconds of `mid` are over (True) or an output is full (False).

    Everything that the next event needs stands in the arrays, so that a call
    goes on where the last one stopped; `count` says how many rows the outputs
    hold, `room` how many they may hold before an event.
    """
    while clock[SECOND] < mid.shape[0]:
        for i in range(count.shape[0]):
            if count[i] > room[i]:
                return False
        second = clock[SECOND]
        row = second // fixed[CANDLE_SECONDS]
        if not clock[BEGUN]:
            clock[NOW], clock[BEGUN] = second * NS, 1
            if second % fixed[CANDLE_SECONDS] == 0:
                begin_candle(clock, state, fixed, real, sigma, shocks, jumps, mid, candles, drift)
            begin_second(
                clock, level, order, free, live, mid[second], fixed, real, rng,
                updates, orders, count,
            )  # fmt: skip
            minute = second // 60
            move = mid[minute * 60 + 59] - mid[second]
            set_base(base, rates, activity[minute], tilt[minute], move, real[INFORMED])
        before = clock[NOW]
        stop = (second + 1) * NS
        refill = max(clock[REFILL], before + 1) if clock[REFILL] >= 0 else stop
        swept = stop
        if clock[SWEEP] < sweep_ns.shape[0]:
            swept = max(sweep_ns[clock[SWEEP]], before + 1)
        other = min(stop, refill, swept)
        wait = min(next_point(base, excite, real[DECAY], rng), 2.0)
        now = min(before + max(1, int(wait * 1e9)), other)
        advance(excite, real[DECAY], (now - before) * 1e-9)
        clock[NOW] = now
        printed = count[TRADES]
        if now < other:
            kind = choose_type(base, excite, kernel, rng)
            note_point(clock, kind, points, count)
            act(
                clock, level, order, free, live, kind, fixed, real, rng,
                updates, orders, trades, count,
            )  # fmt: skip
        elif now == stop:
            clock[SECOND] += 1
            clock[BEGUN] = 0
            if clock[SECOND] % fixed[CANDLE_SECONDS] == 0:
                end_candle(candles[row], fixed[CANDLES_BEFORE] + row + 1, state, real)
        elif now == refill:
            clock[EVENT] += 1
            fill_ladder(
                clock, level, order, free, live, fixed[LADDER], real[MAKER_LOTS], rng,
                updates, orders, count,
            )  # fmt: skip
        else:
            i = clock[SWEEP]
            clock[SWEEP] += 1
            note_point(clock, SWEEP_BUY if sweep_buys[i] else SWEEP_SELL, points, count)
            sweep(
                clock, level, order, free, live, mid[second], sweep_depth[i], sweep_buys[i],
                fixed, real, updates, orders, trades, count,
            )  # fmt: skip
        add_prints(candles[row], trades, printed, count[TRADES], real)
    return True
