"""An order book: linked lists on a ring of levels; `book_reference.py` holds the plain twin.

Sides are 0 (bids) and 1 (asks). On each, a level stands at x = -tick (bids) or
+tick (asks), so that a smaller x is always the better price. All orders of a
side lie in [reference, reference + reach), and the ring is at least that long.
"""

from __future__ import annotations

import numpy as np

from ethpredict.kernel_cache import njit

# Columns of `level`, of `order`, and entries of `clock` and `count`.
TOTAL, HEAD, TAIL = range(3)
NEXT, PREV, X, LOTS, ID, LIVE = range(6)
SECOND, NOW, SWEEP, REFILL, EVENT, ORDER, FREE = range(7)
REFERENCE, BEST, CROWD = 7, 9, 11  # two entries each, by side
BEGUN, CLOCK = 13, 14
UPDATES, ORDERS, TRADES, POINTS = range(4)
CREATED, CHANGED, DELETED = range(3)
# No order on this side.
NOWHERE = 1 << 60
# Makers quote again on levels that were emptied, this many nanoseconds after.
REFILL_DELAY = 20_000_000


@njit(cache=True, nogil=True)
def note_order(
    clock: np.ndarray,
    order: np.ndarray,
    side: int,
    slot: int,
    kind: int,
    out: np.ndarray,
    count: np.ndarray,
) -> None:
    """Write down what happened to one order, if orders are wanted."""
    if out.shape[0] == 0:
        return
    row = out[count[ORDERS]]
    row[0] = clock[NOW]
    row[1] = kind
    row[2] = order[slot, ID]
    row[3] = 1 - 2 * side
    row[4] = (2 * side - 1) * order[slot, X]
    row[5] = order[slot, LOTS]
    count[ORDERS] += 1


@njit(cache=True, nogil=True)
def note_level(
    clock: np.ndarray,
    level: np.ndarray,
    side: int,
    x: int,
    snapshot: int,
    out: np.ndarray,
    count: np.ndarray,
) -> None:
    """Write down the size that a level now holds."""
    row = out[count[UPDATES]]
    row[0] = clock[NOW]
    row[1] = 1 - 2 * side
    row[2] = (2 * side - 1) * x
    row[3] = level[side, x & (level.shape[1] - 1), TOTAL]
    row[4] = clock[EVENT]
    row[5] = snapshot
    count[UPDATES] += 1


@njit(cache=True, nogil=True)
def add_order(
    clock: np.ndarray,
    level: np.ndarray,
    order: np.ndarray,
    free: np.ndarray,
    live: np.ndarray,
    side: int,
    x: int,
    lots: int,
    crowd: bool,
    out: np.ndarray,
    count: np.ndarray,
) -> None:
    """Queue a new order behind all others of its level."""
    clock[FREE] -= 1
    slot = free[clock[FREE]]
    clock[ORDER] += 1
    here = level[side, x & (level.shape[1] - 1)]
    order[slot, NEXT] = -1
    order[slot, PREV] = here[TAIL]
    order[slot, X] = x
    order[slot, LOTS] = lots
    order[slot, ID] = clock[ORDER]
    order[slot, LIVE] = -1
    if here[TAIL] >= 0:
        order[here[TAIL], NEXT] = slot
    else:
        here[HEAD] = slot
    here[TAIL] = slot
    here[TOTAL] += lots
    if crowd:
        order[slot, LIVE] = clock[CROWD + side]
        live[side, clock[CROWD + side]] = slot
        clock[CROWD + side] += 1
    clock[BEST + side] = min(clock[BEST + side], x)
    note_order(clock, order, side, slot, CREATED, out, count)


@njit(cache=True, nogil=True)
def remove_order(
    clock: np.ndarray,
    level: np.ndarray,
    order: np.ndarray,
    free: np.ndarray,
    live: np.ndarray,
    side: int,
    slot: int,
    out: np.ndarray,
    count: np.ndarray,
) -> None:
    """Take an order off the book; the best price is left to the caller."""
    note_order(clock, order, side, slot, DELETED, out, count)
    here = level[side, order[slot, X] & (level.shape[1] - 1)]
    before, after = order[slot, PREV], order[slot, NEXT]
    if before >= 0:
        order[before, NEXT] = after
    else:
        here[HEAD] = after
    if after >= 0:
        order[after, PREV] = before
    else:
        here[TAIL] = before
    here[TOTAL] -= order[slot, LOTS]
    if order[slot, LIVE] >= 0:
        clock[CROWD + side] -= 1
        moved = live[side, clock[CROWD + side]]
        live[side, order[slot, LIVE]] = moved
        order[moved, LIVE] = order[slot, LIVE]
    free[clock[FREE]] = slot
    clock[FREE] += 1


@njit(cache=True, nogil=True)
def find_best(clock: np.ndarray, level: np.ndarray, side: int, start: int, reach: int) -> None:
    """Set the best price of a side to the first level from `start` on that holds an order."""
    clock[BEST + side] = NOWHERE
    for x in range(start, clock[REFERENCE + side] + reach):
        if level[side, x & (level.shape[1] - 1), TOTAL] > 0:
            clock[BEST + side] = x
            return


@njit(cache=True, nogil=True)
def ask_refill(clock: np.ndarray) -> None:
    """A level was emptied: let makers quote it again, unless they are about to."""
    if clock[REFILL] < 0:
        clock[REFILL] = clock[NOW] + REFILL_DELAY


@njit(cache=True, nogil=True)
def clear_levels(
    clock: np.ndarray,
    level: np.ndarray,
    order: np.ndarray,
    free: np.ndarray,
    live: np.ndarray,
    side: int,
    start: int,
    stop: int,
    updates: np.ndarray,
    orders: np.ndarray,
    count: np.ndarray,
) -> None:
    """Cancel every order in [start, stop), first in line first."""
    for x in range(start, stop):
        here = level[side, x & (level.shape[1] - 1)]
        if here[HEAD] < 0:
            continue
        while here[HEAD] >= 0:
            remove_order(clock, level, order, free, live, side, here[HEAD], orders, count)
        note_level(clock, level, side, x, 0, updates, count)


@njit(cache=True, nogil=True)
def move_reference(
    clock: np.ndarray,
    level: np.ndarray,
    order: np.ndarray,
    free: np.ndarray,
    live: np.ndarray,
    side: int,
    reference: int,
    reach: int,
    updates: np.ndarray,
    orders: np.ndarray,
    count: np.ndarray,
) -> None:
    """Move the best price that a side may quote; cancel what is now too near or too far."""
    old = clock[REFERENCE + side]
    start = old if reference > old else max(reference + reach, old)
    stop = min(reference, old + reach) if reference > old else old + reach
    clear_levels(clock, level, order, free, live, side, start, stop, updates, orders, count)
    clock[REFERENCE + side] = reference
    find_best(clock, level, side, reference, reach)


@njit(cache=True, nogil=True)
def match_order(
    clock: np.ndarray,
    level: np.ndarray,
    order: np.ndarray,
    free: np.ndarray,
    live: np.ndarray,
    side: int,
    limit: int,
    lots: int,
    reach: int,
    updates: np.ndarray,
    orders: np.ndarray,
    trades: np.ndarray,
    count: np.ndarray,
) -> None:
    """Match a market order of `lots` against a side, no deeper than `limit`; the rest lapses."""
    while lots > 0 and clock[BEST + side] <= limit:
        x = clock[BEST + side]
        here = level[side, x & (level.shape[1] - 1)]
        while lots > 0 and here[HEAD] >= 0:
            slot = here[HEAD]
            filled = min(lots, order[slot, LOTS])
            lots -= filled
            row = trades[count[TRADES]]
            row[0] = clock[NOW]
            row[1] = (2 * side - 1) * x
            row[2] = filled
            row[3] = 2 * side - 1
            count[TRADES] += 1
            order[slot, LOTS] -= filled
            here[TOTAL] -= filled
            if order[slot, LOTS] == 0:
                remove_order(clock, level, order, free, live, side, slot, orders, count)
            else:
                note_order(clock, order, side, slot, CHANGED, orders, count)
        note_level(clock, level, side, x, 0, updates, count)
        if here[HEAD] < 0:
            find_best(clock, level, side, x + 1, reach)
            ask_refill(clock)


@njit(cache=True, nogil=True)
def show_book(
    clock: np.ndarray, level: np.ndarray, reach: int, updates: np.ndarray, count: np.ndarray
) -> None:
    """Write a snapshot: every level that holds an order, bids first, best first."""
    for side in range(2):
        first = clock[REFERENCE + side]
        for x in range(first, first + reach):
            if level[side, x & (level.shape[1] - 1), TOTAL] > 0:
                note_level(clock, level, side, x, 1, updates, count)
