"""Compiled passes over the events of a market: their merge, and best quotes after each batch.

What depends on the market alone is worked out once and shared by all runs. A `BEST` event is a
new best quote without the levels behind it.
"""

from __future__ import annotations

import numpy as np

from ethpredict.kernel_cache import njit
from ethpredict.sim._id_map_kernels import find_key, put_key

TRADE, LEVEL, CLEAR, BEST = 0, 1, 2, 3
# Columns of an event, all int64. `E_LAST` marks the last event of its batch.
E_TS, E_KIND, E_SIDE, E_TICK, E_RANK, E_UNITS, E_LAST = 0, 1, 2, 3, 4, 5, 6
N_EVENT = 7
# Columns of a quote: arrival at us without the constant latency, ticks, units at them.
Q_TS, Q_SEEN, Q_BID, Q_ASK, Q_BID_UNITS, Q_ASK_UNITS = 0, 1, 2, 3, 4, 5
N_QUOTE = 6


@njit(cache=True, nogil=True)
def number_ticks(ticks: np.ndarray, table: np.ndarray, found: np.ndarray, place: np.ndarray) -> int:
    """Number the ticks that occur in the order in which they first do.

    Parameters
    ----------
    ticks : ndarray of int64, shape (n,)
        Ticks of rows.
    table : ndarray of int64, shape (2^m, 2)
        An empty id map.
    found : ndarray of int64, shape (2^(m-1),)
        Filled: the different ticks.
    place : ndarray of int64, shape (n,)
        Filled: the number of each row's tick.

    Returns
    -------
    int
        How many ticks occur; -1 where they are more than `found` has room for.
    """
    count = 0
    for i in range(len(ticks)):
        number = find_key(table, ticks[i])
        if number < 0:
            if count == len(found):
                return -1
            number = count
            put_key(table, ticks[i], number)
            found[number] = ticks[i]
            count += 1
        place[i] = number
    return count


@njit(cache=True, nogil=True)
def begins_batch(ts: np.ndarray, number: np.ndarray, snapshot: np.ndarray, i: int) -> bool:
    """Whether row i (n: the end) is of another moment, id or kind than the one before it."""
    return (
        i == 0
        or i == len(ts)
        or ts[i] != ts[i - 1]
        or number[i] != number[i - 1]
        or snapshot[i] != snapshot[i - 1]
    )


@njit(cache=True, nogil=True)
def count_batches(ts: np.ndarray, number: np.ndarray, snapshot: np.ndarray) -> tuple[int, int]:
    """Batches of a book (rows of one moment, id and kind), and those that are snapshots."""
    batches, snapshots = 0, 0
    for i in range(len(ts)):
        if begins_batch(ts, number, snapshot, i):
            batches += 1
            snapshots += snapshot[i]
    return batches, snapshots


@njit(cache=True, nogil=True)
def merge_tape(
    base: int,
    trade_ts: np.ndarray,
    trade_side: np.ndarray,
    trade_tick: np.ndarray,
    trade_units: np.ndarray,
    ts: np.ndarray,
    side: np.ndarray,
    tick: np.ndarray,
    rank: np.ndarray,
    units: np.ndarray,
    snapshot: np.ndarray,
    number: np.ndarray,
    local: np.ndarray,
    events: np.ndarray,
    seen: np.ndarray,
) -> int:
    """Merge trades and levels by time; a snapshot clears both sides before its first level.

    Parameters
    ----------
    base : int
        Moment that times count from, UTC ns.
    trade_ts, trade_side, trade_tick, trade_units : ndarray of int64, shape (t,)
        Trades, in order of time.
    ts, side, tick, rank, units, snapshot, number, local : ndarray of int64, shape (n,)
        Levels, in order of time; `local` is their arrival, UTC ns.
    events : ndarray of int64, shape (t + n + 2 snapshots, N_EVENT)
        Filled; at one moment trades stand first.
    seen : ndarray of int64, as many
        Filled: arrival of each event beyond the least delay seen so far.

    Returns
    -------
    int
        How many events.
    """
    e, t, n = 0, 0, len(ts)
    least, latest = 0, 0
    for i in range(n + 1):
        while t < len(trade_ts) and (i == n or trade_ts[t] <= ts[i]):
            events[e, E_TS], events[e, E_KIND] = trade_ts[t] - base, TRADE
            events[e, E_SIDE], events[e, E_TICK] = trade_side[t], trade_tick[t]
            events[e, E_RANK], events[e, E_UNITS], events[e, E_LAST] = 0, trade_units[t], 1
            seen[e] = trade_ts[t] - base
            e += 1
            t += 1
        if i == n:
            break
        # Latency beyond the least seen so far: the two clocks need not agree.
        lag = local[i] - ts[i]
        least = lag if i == 0 else min(least, lag)
        arrival = ts[i] - base + lag - least
        latest = arrival if i == 0 else max(latest, arrival)
        new = begins_batch(ts, number, snapshot, i)
        last = begins_batch(ts, number, snapshot, i + 1)
        rows = 3 if new and snapshot[i] > 0 else 1
        for k in range(rows):
            events[e, E_TS], events[e, E_TICK] = ts[i] - base, tick[i]
            events[e, E_RANK], events[e, E_UNITS] = rank[i], units[i]
            if k < rows - 1:
                events[e, E_KIND], events[e, E_LAST] = CLEAR, 0
                events[e, E_SIDE] = 1 - 2 * k
            else:
                events[e, E_KIND], events[e, E_SIDE], events[e, E_LAST] = LEVEL, side[i], last
            seen[e] = latest
            e += 1
    return e


@njit(cache=True, nogil=True)
def book_quotes(
    events: np.ndarray,
    seen: np.ndarray,
    ticks: np.ndarray,
    bids: np.ndarray,
    asks: np.ndarray,
    quotes: np.ndarray,
) -> int:
    """Best bid and ask after each batch of book events.

    Parameters
    ----------
    events : ndarray of int64, shape (n, N_EVENT)
        In order of time; trades are passed over.
    seen : ndarray of int64, shape (n,)
        Arrival of each event, not decreasing.
    ticks : ndarray of int64, shape (r,)
        Ticks of the ranks, increasing.
    bids, asks : ndarray of int64, shape (r,)
        Zeros; left as the last book.
    quotes : ndarray of int64, shape (m, N_QUOTE)
        Filled; a batch that leaves a side empty or the book crossed repeats the quote
        before it (0, 0 before the first).

    Returns
    -------
    int
        How many quotes.
    """
    n, best_bid, best_ask, top = 0, -1, len(ticks), len(ticks)
    for e in range(len(events)):
        kind = events[e, E_KIND]
        if kind == TRADE:
            continue
        if kind == CLEAR:
            if events[e, E_SIDE] > 0:
                bids[:] = 0
                best_bid = -1
            else:
                asks[:] = 0
                best_ask = top
        else:
            rank, units = events[e, E_RANK], events[e, E_UNITS]
            if events[e, E_SIDE] > 0:
                bids[rank] = units
                if units > 0:
                    best_bid = max(best_bid, rank)
                else:
                    while best_bid >= 0 and bids[best_bid] == 0:
                        best_bid -= 1
            else:
                asks[rank] = units
                if units > 0:
                    best_ask = min(best_ask, rank)
                else:
                    while best_ask < top and asks[best_ask] == 0:
                        best_ask += 1
        if events[e, E_LAST] == 0:
            continue
        quotes[n, Q_TS] = events[e, E_TS]
        quotes[n, Q_SEEN] = seen[e]
        if 0 <= best_bid < best_ask < top:
            quotes[n, Q_BID], quotes[n, Q_ASK] = ticks[best_bid], ticks[best_ask]
            quotes[n, Q_BID_UNITS], quotes[n, Q_ASK_UNITS] = bids[best_bid], asks[best_ask]
        elif n > 0:
            quotes[n, Q_BID:] = quotes[n - 1, Q_BID:]
        else:
            quotes[n, Q_BID:] = 0
        n += 1
    return n
