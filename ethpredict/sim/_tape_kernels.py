"""Compiled pass over the events of a market: best quotes after each batch.

What depends on the market alone is worked out once and shared by all runs. A `BEST` event is a
new best quote without the levels behind it.
"""

from __future__ import annotations

import numpy as np

from ethpredict.kernel_cache import njit

TRADE, LEVEL, CLEAR, BEST = 0, 1, 2, 3
# Columns of an event, all int64. `E_LAST` marks the last event of its batch.
E_TS, E_KIND, E_SIDE, E_TICK, E_RANK, E_UNITS, E_LAST = 0, 1, 2, 3, 4, 5, 6
N_EVENT = 7
# Columns of a quote: arrival at us without the constant latency, ticks, units at them.
Q_TS, Q_SEEN, Q_BID, Q_ASK, Q_BID_UNITS, Q_ASK_UNITS = 0, 1, 2, 3, 4, 5
N_QUOTE = 6


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
