"""Compiled price-time book: paged price levels, linked queues, an id map.

Levels lie in pages of 64 neighbouring ticks with one word of occupancy each; pages
are linked in price order, so the best price after a level empties is one bit scan
away. Bids and asks share the levels, because the book is never crossed. Nothing is
allocated here: a kernel that runs out of room returns a code before it has changed
anything, the caller makes room and resumes at the same message. The plain
reference is the dict book of the tests.
"""

from __future__ import annotations

import numpy as np
from numba.cpython.unsafe.numbers import leading_zeros, trailing_zeros

from ethpredict.kernel_cache import njit
from ethpredict.sim._id_map_kernels import drop_key, find_key, put_key

# Kinds of a message, and its columns.
LIMIT, MARKET, IOC, POST_ONLY, CANCEL, AMEND, REDUCE = 0, 1, 2, 3, 4, 5, 6
M_KIND, M_ID, M_SIDE, M_TICK, M_QTY, M_OWNER = 0, 1, 2, 3, 4, 5
N_MESSAGE = 6
# Columns of an order, a level, an entry of the id map, a page, a trade.
O_ID, O_QTY, O_PREVIOUS, O_NEXT, O_LEVEL, O_TICK, O_SIDE, O_OWNER = 0, 1, 2, 3, 4, 5, 6, 7
N_ORDER = 8
L_TOTAL, L_HEAD, L_TAIL, L_COUNT = 0, 1, 2, 3
N_LEVEL = 4
P_KEY, P_BELOW, P_ABOVE = 0, 1, 2
N_PAGE = 3
T_TAKER, T_MAKER, T_TICK, T_QTY, T_MESSAGE = 0, 1, 2, 3, 4
N_TRADE = 5
# State words.
B_BID, B_ASK, B_LIVE, B_FREE, B_USED, B_TRADES, B_RULE, B_PAGES = 0, 1, 2, 3, 4, 5, 6, 7
N_STATE = 8
# What happens when an order would trade with its own owner.
ALLOW, CANCEL_RESTING, CANCEL_TAKER, CANCEL_BOTH = 0, 1, 2, 3

LARGEST = 2**62
NO_BID, NO_ASK = -(2**63) + 1, 2**63 - 1
PAGE_BITS, PAGE_TICKS = 6, 64
# Codes of a stop.
DONE, ROOM_ORDERS, ROOM_IDS, ROOM_PAGE = 0, 1, 2, 3
BAD_KIND, BAD_SIDE, BAD_TICK, BAD_QTY, BAD_ID, OVERFLOW = 4, 5, 6, 7, 8, 9


@njit(cache=True, nogil=True)
def next_below(page: int, bit: int, words: np.ndarray, pages: np.ndarray) -> int:
    """Level of the highest occupied tick below a place, -1 where there is none."""
    word = words[page] & ((np.uint64(1) << np.uint64(bit)) - np.uint64(1))
    while word == np.uint64(0):
        page = pages[page, P_BELOW]
        if page < 0:
            return -1
        word = words[page]
    return int(page * PAGE_TICKS + 63 - np.int64(leading_zeros(word)))


@njit(cache=True, nogil=True)
def next_above(page: int, bit: int, words: np.ndarray, pages: np.ndarray) -> int:
    """Level of the lowest occupied tick above a place, -1 where there is none."""
    word = np.uint64(0)
    if bit < 63:
        word = (words[page] >> np.uint64(bit + 1)) << np.uint64(bit + 1)
    while word == np.uint64(0):
        page = pages[page, P_ABOVE]
        if page < 0:
            return -1
        word = words[page]
    return int(page * PAGE_TICKS + np.int64(trailing_zeros(word)))


@njit(cache=True, nogil=True)
def tick_of(level: int, pages: np.ndarray) -> int:
    """Tick of a level."""
    return pages[level >> PAGE_BITS, P_KEY] * PAGE_TICKS + (level & 63)


@njit(cache=True, nogil=True)
def remove(
    order: int,
    state: np.ndarray,
    orders: np.ndarray,
    ids: np.ndarray,
    levels: np.ndarray,
    words: np.ndarray,
    pages: np.ndarray,
) -> None:
    """Take an order out of its queue, the id map and, if it was the last, its level."""
    level = orders[order, O_LEVEL]
    before, after = orders[order, O_PREVIOUS], orders[order, O_NEXT]
    if before >= 0:
        orders[before, O_NEXT] = after
    else:
        levels[level, L_HEAD] = after
    if after >= 0:
        orders[after, O_PREVIOUS] = before
    else:
        levels[level, L_TAIL] = before
    levels[level, L_TOTAL] -= orders[order, O_QTY]
    levels[level, L_COUNT] -= 1
    drop_key(ids, orders[order, O_ID])
    orders[order, O_NEXT] = state[B_FREE]
    state[B_FREE] = order
    state[B_LIVE] -= 1
    if before >= 0 or after >= 0:
        return
    page, bit = level >> PAGE_BITS, level & 63
    words[page] &= ~(np.uint64(1) << np.uint64(bit))
    tick = orders[order, O_TICK]
    if tick == state[B_BID]:
        other = next_below(page, bit, words, pages)
        state[B_BID] = tick_of(other, pages) if other >= 0 else NO_BID
    elif tick == state[B_ASK]:
        other = next_above(page, bit, words, pages)
        state[B_ASK] = tick_of(other, pages) if other >= 0 else NO_ASK


@njit(cache=True, nogil=True)
def rest(
    order_id: int,
    side: int,
    tick: int,
    qty: int,
    owner: int,
    level: int,
    state: np.ndarray,
    orders: np.ndarray,
    ids: np.ndarray,
    levels: np.ndarray,
    words: np.ndarray,
) -> None:
    """Put an order at the end of its level's queue."""
    order = state[B_FREE]
    if order >= 0:
        state[B_FREE] = orders[order, O_NEXT]
    else:
        order = state[B_USED]
        state[B_USED] += 1
    state[B_LIVE] += 1
    page, bit = level >> PAGE_BITS, level & 63
    flag = np.uint64(1) << np.uint64(bit)
    if words[page] & flag:
        tail = levels[level, L_TAIL]
        orders[tail, O_NEXT] = order
    else:
        tail = -1
        words[page] |= flag
        levels[level, L_HEAD] = order
    levels[level, L_TAIL] = order
    levels[level, L_TOTAL] += qty
    levels[level, L_COUNT] += 1
    orders[order, O_ID] = order_id
    orders[order, O_QTY] = qty
    orders[order, O_PREVIOUS] = tail
    orders[order, O_NEXT] = -1
    orders[order, O_LEVEL] = level
    orders[order, O_TICK] = tick
    orders[order, O_SIDE] = side
    orders[order, O_OWNER] = owner
    put_key(ids, order_id, order)
    if side > 0:
        state[B_BID] = max(state[B_BID], tick)
    else:
        state[B_ASK] = min(state[B_ASK], tick)


@njit(cache=True, nogil=True)
def match(
    message: int,
    order_id: int,
    side: int,
    limit: int,
    qty: int,
    owner: int,
    state: np.ndarray,
    orders: np.ndarray,
    ids: np.ndarray,
    levels: np.ndarray,
    words: np.ndarray,
    pages: np.ndarray,
    page_map: np.ndarray,
    trades: np.ndarray,
) -> int:
    """Trade an order against the other side, best price and oldest order first.

    Parameters
    ----------
    message : int
        Number of the message, for the trades.
    order_id, side, limit, qty, owner : int
        The taker; it trades at prices up to `limit` (bids) or down to it (asks).

    Returns
    -------
    int
        What is left of it; 0 also where the self-trade rule cancelled the rest.
    """
    n = state[B_TRADES]
    best = B_ASK if side > 0 else B_BID
    rule = state[B_RULE]
    while qty > 0:
        tick = state[best]
        if (tick > limit) if side > 0 else (tick < limit):
            break
        page = find_key(page_map, tick >> PAGE_BITS)
        level = page * PAGE_TICKS + (tick & 63)
        while qty > 0 and state[best] == tick:
            order = levels[level, L_HEAD]
            if owner != 0 and rule != ALLOW and orders[order, O_OWNER] == owner:
                if rule != CANCEL_TAKER:
                    remove(order, state, orders, ids, levels, words, pages)
                if rule != CANCEL_RESTING:
                    qty = 0
                continue
            resting = orders[order, O_QTY]
            traded = min(resting, qty)
            trades[n, T_TAKER] = order_id
            trades[n, T_MAKER] = orders[order, O_ID]
            trades[n, T_TICK] = tick
            trades[n, T_QTY] = traded
            trades[n, T_MESSAGE] = message
            n += 1
            qty -= traded
            if traded == resting:
                remove(order, state, orders, ids, levels, words, pages)
            else:
                orders[order, O_QTY] = resting - traded
                levels[level, L_TOTAL] -= traded
    state[B_TRADES] = n
    return qty


@njit(cache=True, nogil=True)
def check(kind: int, side: int, tick: int, qty: int) -> int:
    """Whether the numbers of a message are legal; see the codes."""
    if kind < LIMIT or kind > REDUCE:
        return BAD_KIND
    if kind == CANCEL:
        return DONE
    if qty < 1 or qty > LARGEST:
        return BAD_QTY
    if kind < AMEND and side not in (1, -1):
        return BAD_SIDE
    if kind not in (MARKET, REDUCE) and (tick < -LARGEST or tick > LARGEST):
        return BAD_TICK
    return DONE


@njit(cache=True, nogil=True)
def apply_messages(
    messages: np.ndarray,
    start: int,
    state: np.ndarray,
    orders: np.ndarray,
    ids: np.ndarray,
    levels: np.ndarray,
    words: np.ndarray,
    pages: np.ndarray,
    page_map: np.ndarray,
    trades: np.ndarray,
) -> tuple[int, int]:
    """Apply messages until the end or until something is missing or wrong.

    Parameters
    ----------
    messages : ndarray of int64, shape (n, N_MESSAGE)
        Columns ``M_``.
    start : int
        First message.
    state, orders, ids, levels, words, pages, page_map : ndarray
        The book.
    trades : ndarray of int64, shape (m, N_TRADE)
        Filled from ``state[B_TRADES]`` on; room for every order that rests plus
        two per message is enough.

    Returns
    -------
    code, message : int
        ``DONE``, or the reason for the stop and the message that was not applied.
    """
    seen, place = NO_ASK, -1
    for i in range(start, len(messages)):
        kind, order_id = messages[i, M_KIND], messages[i, M_ID]
        side, tick, qty = messages[i, M_SIDE], messages[i, M_TICK], messages[i, M_QTY]
        owner = messages[i, M_OWNER]
        code = check(kind, side, tick, qty)
        if code != DONE:
            return code, i
        if kind == CANCEL:
            order = find_key(ids, order_id)
            if order >= 0:
                remove(order, state, orders, ids, levels, words, pages)
            continue
        # The order may come to rest: make room before anything changes.
        level = -1
        if kind in (LIMIT, POST_ONLY, AMEND):
            if state[B_FREE] < 0 and state[B_USED] == len(orders):
                return ROOM_ORDERS, i
            if 2 * (state[B_LIVE] + 1) > len(ids):
                return ROOM_IDS, i
            if tick >> PAGE_BITS != seen:
                seen = tick >> PAGE_BITS
                place = find_key(page_map, seen)
                if place < 0:
                    return ROOM_PAGE, i
            level = place * PAGE_TICKS + (tick & 63)
        order = find_key(ids, order_id)
        if kind == REDUCE:
            if order >= 0 and qty < orders[order, O_QTY]:
                levels[orders[order, O_LEVEL], L_TOTAL] -= orders[order, O_QTY] - qty
                orders[order, O_QTY] = qty
            continue
        if kind == AMEND:
            if order < 0:
                continue
            side, owner = orders[order, O_SIDE], orders[order, O_OWNER]
            own = orders[order, O_LEVEL]
            if level == own and qty <= orders[order, O_QTY]:
                levels[own, L_TOTAL] -= orders[order, O_QTY] - qty
                orders[order, O_QTY] = qty
                continue
            if levels[level, L_TOTAL] > NO_ASK - qty:
                return OVERFLOW, i
            remove(order, state, orders, ids, levels, words, pages)
        elif order >= 0:
            return BAD_ID, i
        elif level >= 0 and levels[level, L_TOTAL] > NO_ASK - qty:
            return OVERFLOW, i
        crosses = tick >= state[B_ASK] if side > 0 else tick <= state[B_BID]
        if kind == MARKET:
            tick, crosses = (LARGEST if side > 0 else -LARGEST), True
        if crosses:
            if kind == POST_ONLY:
                continue
            qty = match(
                i, order_id, side, tick, qty, owner, state, orders, ids, levels, words, pages,
                page_map, trades,
            )  # fmt: skip
        if qty > 0 and level >= 0:
            rest(order_id, side, tick, qty, owner, level, state, orders, ids, levels, words)
    return DONE, len(messages)


@njit(cache=True, nogil=True)
def read_depth(
    side: int,
    state: np.ndarray,
    levels: np.ndarray,
    words: np.ndarray,
    pages: np.ndarray,
    page_map: np.ndarray,
    out: np.ndarray,
) -> int:
    """Fill (tick, total) rows of one side, best first; return how many there are."""
    tick = state[B_BID] if side > 0 else state[B_ASK]
    if tick in (NO_BID, NO_ASK):
        return 0
    level = find_key(page_map, tick >> PAGE_BITS) * PAGE_TICKS + (tick & 63)
    n = 0
    while level >= 0 and n < len(out):
        out[n, 0] = tick_of(level, pages)
        out[n, 1] = levels[level, L_TOTAL]
        n += 1
        if side > 0:
            level = next_below(level >> PAGE_BITS, level & 63, words, pages)
        else:
            level = next_above(level >> PAGE_BITS, level & 63, words, pages)
    return n


@njit(cache=True, nogil=True)
def queue_before(order: int, orders: np.ndarray) -> int:
    """Lots that stand before an order at its price."""
    ahead = 0
    order = orders[order, O_PREVIOUS]
    while order >= 0:
        ahead += orders[order, O_QTY]
        order = orders[order, O_PREVIOUS]
    return ahead
