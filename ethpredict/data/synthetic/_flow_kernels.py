"""What makers and the order flow do to the book; `book_reference.py` holds the plain twin."""

from __future__ import annotations

import math

import numpy as np

from ethpredict.data.synthetic._book_kernels import (
    BEST,
    CROWD,
    EVENT,
    NOWHERE,
    REFERENCE,
    REFILL,
    SECOND,
    TOTAL,
    UPDATES,
    X,
    add_order,
    ask_refill,
    find_best,
    match_order,
    move_reference,
    note_level,
    remove_order,
    show_book,
)
from ethpredict.data.synthetic._hawkes_kernels import (
    exponential_lots,
    uniform,
)
from ethpredict.kernel_cache import njit

# Types of points: market orders, limit orders and cancels, buys or bids first.
BUY, SELL, BID, ASK, CANCEL_BID, CANCEL_ASK = range(6)
# Entries of the two parameter arrays.
CANDLE_SECONDS, LADDER, REACH, CANDLES_BEFORE = range(4)
(
    DECAY, INFORMED, HALF_SPREAD, BOOK_SCALE, SIZE_SCALE, ORDER_LOG_LOTS, ORDER_LOG_SD,
    MAKER_LOTS, CROWD_LOTS, CROWD_TICKS, DRIFT, FLOW_DECAY, SCALE_MEMORY, SCALE_PRIOR_COUNT,
) = range(14)  # fmt: skip


@njit(cache=True, nogil=True)
def fill_ladder(
    clock: np.ndarray,
    level: np.ndarray,
    order: np.ndarray,
    free: np.ndarray,
    live: np.ndarray,
    ladder: int,
    mean_lots: float,
    rng: np.ndarray,
    updates: np.ndarray,
    orders: np.ndarray,
    count: np.ndarray,
) -> None:
    """Quote one maker order on every empty level next to the reference prices."""
    for side in range(2):
        first = clock[REFERENCE + side]
        for x in range(first, first + ladder):
            if level[side, x & (level.shape[1] - 1), TOTAL] > 0 or (side == 0 and x >= 0):
                continue
            lots = exponential_lots(rng, mean_lots)
            add_order(clock, level, order, free, live, side, x, lots, False, orders, count)
            note_level(clock, level, side, x, 0, updates, count)
    clock[REFILL] = -1


@njit(cache=True, nogil=True)
def begin_second(
    clock: np.ndarray,
    level: np.ndarray,
    order: np.ndarray,
    free: np.ndarray,
    live: np.ndarray,
    mid: float,
    fixed: np.ndarray,
    real: np.ndarray,
    rng: np.ndarray,
    updates: np.ndarray,
    orders: np.ndarray,
    count: np.ndarray,
) -> None:
    """Anchor the quotes to the mid; on a day's first second, show the whole book."""
    offset = real[HALF_SPREAD] * mid
    bid = -max(1, math.floor((mid - offset) * real[BOOK_SCALE]))
    ask = math.ceil((mid + offset) * real[BOOK_SCALE])
    first = clock[SECOND] == 0
    if not first and bid == clock[REFERENCE] and ask == clock[REFERENCE + 1]:
        return
    clock[EVENT] += 1
    shown = count[UPDATES]
    for side in range(2):
        new = bid if side == 0 else ask
        move_reference(
            clock, level, order, free, live, side, new, fixed[REACH], updates, orders, count
        )
    fill_ladder(
        clock, level, order, free, live, fixed[LADDER], real[MAKER_LOTS], rng,
        updates, orders, count,
    )  # fmt: skip
    if first:
        count[UPDATES] = shown
        show_book(clock, level, fixed[REACH], updates, count)


@njit(cache=True, nogil=True)
def cancel_one(
    clock: np.ndarray,
    level: np.ndarray,
    order: np.ndarray,
    free: np.ndarray,
    live: np.ndarray,
    side: int,
    reach: int,
    rng: np.ndarray,
    updates: np.ndarray,
    orders: np.ndarray,
    count: np.ndarray,
) -> None:
    """Cancel an order of the crowd at random, if there is one."""
    pick = int(uniform(rng) * clock[CROWD + side])
    if clock[CROWD + side] == 0:
        return
    slot = live[side, pick]
    x = order[slot, X]
    remove_order(clock, level, order, free, live, side, slot, orders, count)
    note_level(clock, level, side, x, 0, updates, count)
    if level[side, x & (level.shape[1] - 1), TOTAL] == 0:
        ask_refill(clock)
        if clock[BEST + side] == x:
            find_best(clock, level, side, x + 1, reach)


@njit(cache=True, nogil=True)
def act(
    clock: np.ndarray,
    level: np.ndarray,
    order: np.ndarray,
    free: np.ndarray,
    live: np.ndarray,
    kind: int,
    fixed: np.ndarray,
    real: np.ndarray,
    rng: np.ndarray,
    updates: np.ndarray,
    orders: np.ndarray,
    trades: np.ndarray,
    count: np.ndarray,
) -> None:
    """Let one point of the order flow act on the book."""
    if kind <= SELL:
        side = 1 if kind == BUY else 0
        turn = 2.0 * math.pi * uniform(rng)
        shock = math.sqrt(-2.0 * math.log(1.0 - uniform(rng))) * math.cos(turn)
        size = math.exp(real[ORDER_LOG_LOTS] + real[ORDER_LOG_SD] * shock)
        lots = max(1, math.floor(0.5 + size))
        limit = clock[BEST + side] if clock[BEST + side] < NOWHERE else -NOWHERE
        match_order(
            clock, level, order, free, live, side, limit, lots, fixed[REACH],
            updates, orders, trades, count,
        )  # fmt: skip
    elif kind <= ASK:
        side = kind - BID
        if clock[CROWD + side] == live.shape[1]:
            cancel_one(
                clock, level, order, free, live, side, fixed[REACH], rng, updates, orders, count
            )
        behind = int(-math.log(1.0 - uniform(rng)) * real[CROWD_TICKS])
        x = clock[REFERENCE + side] + min(behind, fixed[REACH] - 1)
        lots = exponential_lots(rng, real[CROWD_LOTS])
        if side == 1 or x < 0:
            add_order(clock, level, order, free, live, side, x, lots, True, orders, count)
            note_level(clock, level, side, x, 0, updates, count)
    else:
        side = kind - CANCEL_BID
        cancel_one(clock, level, order, free, live, side, fixed[REACH], rng, updates, orders, count)


@njit(cache=True, nogil=True)
def sweep(
    clock: np.ndarray,
    level: np.ndarray,
    order: np.ndarray,
    free: np.ndarray,
    live: np.ndarray,
    mid: float,
    depth: float,
    buys: bool,
    fixed: np.ndarray,
    real: np.ndarray,
    updates: np.ndarray,
    orders: np.ndarray,
    trades: np.ndarray,
    count: np.ndarray,
) -> None:
    """Take everything up to `depth` from the mid, at least the best price that may be quoted."""
    if buys:
        side, x = 1, math.floor((mid + depth) * real[BOOK_SCALE])
    else:
        side, x = 0, -math.ceil((mid - depth) * real[BOOK_SCALE])
    limit = max(x, clock[REFERENCE + side])
    match_order(
        clock, level, order, free, live, side, limit, NOWHERE, fixed[REACH],
        updates, orders, trades, count,
    )  # fmt: skip
