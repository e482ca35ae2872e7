"""Compiled life of our own orders between market events: arrival, queue, fill, cancel."""

from __future__ import annotations

import numpy as np

from ethpredict.kernel_cache import njit

# Columns of an order of ours, int64. Times are those at which an action takes effect.
O_SIDE, O_TICK, O_RANK, O_LEFT, O_FROM, O_UNTIL, O_LIVE = 0, 1, 2, 3, 4, 5, 6
O_FRONT, O_GOT, O_TRADED = 7, 8, 9
# When we hear of the order's last fill or of its refusal: until then we take it for standing.
O_HEARD = 10
N_OWN = 11
# Market sizes are counted in units, this many to one of our lots.
UNITS = 10_000
FOREVER = 2**62
# Fill rules and queue models.
STRICT, QUEUE, TOUCH = 0, 1, 2
RISK_AVERSE, POWER, LOG = 0, 1, 2


@njit(cache=True, nogil=True)
def effective(arrival: int, block: int) -> int:
    """Moment after which an arriving order or cancel counts.

    Parameters
    ----------
    arrival : int
        When it reaches the exchange, ns.
    block : int
        Length of a block, ns; 0 = every message by itself.

    Returns
    -------
    int
        In a block post-only orders and cancels come before everything that trades, so
        they count from its beginning.
    """
    if block <= 0:
        return arrival
    return (-(-arrival // block) - 1) * block


@njit(cache=True, nogil=True, error_model="numpy")
def weight(units: float, model: int, power: float) -> float:
    """Weight of a stretch of the queue in the odds of where a cancel happened."""
    if model == LOG:
        return np.log(1.0 + units)
    return units**power


@njit(cache=True, nogil=True, error_model="numpy")
def front_after(front: int, before: int, after: int, traded: int, model: int, power: float) -> int:
    """Units before our order after its level changed.

    Parameters
    ----------
    front : int
        Units before us, trades already taken off.
    before, after : int
        Size of the level, units.
    traded : int
        Units that traded there since the last change: they explain part of it.
    model : int
        ``RISK_AVERSE``: cancels happen behind us as long as they can. ``POWER`` and
        ``LOG``: a cancel falls before us with odds weight(front) : weight(back).
    power : float
        Exponent of ``POWER``.

    Returns
    -------
    int
    """
    if model == RISK_AVERSE:
        return min(front, after)
    cancelled = before - after - traded
    if cancelled <= 0:
        return min(front, after)
    back = max(before - traded - front, 0)
    ahead, behind = weight(float(front), model, power), weight(float(back), model, power)
    share = 1.0 if ahead + behind <= 0.0 else ahead / (ahead + behind)
    left = front - int(np.ceil(share * cancelled))
    # What cannot have been behind us was before us.
    overflow = cancelled - int(np.ceil(share * cancelled)) - back
    return max(min(left - max(overflow, 0), after), 0)


@njit(cache=True, nogil=True)
def refresh(
    now: int,
    own: np.ndarray,
    count: int,
    bid: int,
    ask: int,
    bids: np.ndarray,
    asks: np.ndarray,
    answer: int,
) -> tuple[int, int]:
    """Let orders arrive and cancels happen that take effect before `now`.

    Parameters
    ----------
    now : int
        Time of the event that comes next, ns.
    own : ndarray of int64, shape (p, N_OWN)
        Our orders, the first `count` in use.
    bid, ask : int
        Best ticks at the exchange; 0 where not known. A post-only order that would
        trade is refused.
    bids, asks : ndarray of int64
        Units of each rank.
    answer : int
        From an order's arrival to our knowledge that it was refused, ns.

    Returns
    -------
    count, due : int
        Orders that stay (also those of which we have not heard the end), and the next moment
        at which something takes effect.
    """
    kept, due = 0, FOREVER
    for k in range(count):
        ended = own[k, O_LEFT] <= 0 and own[k, O_HEARD] <= now
        gone = ended or own[k, O_UNTIL] < now
        if not gone and own[k, O_LIVE] == 0 and own[k, O_FROM] < now:
            side, tick, rank = own[k, O_SIDE], own[k, O_TICK], own[k, O_RANK]
            refused = (ask > 0 and tick >= ask) if side > 0 else (bid > 0 and tick <= bid)
            own[k, O_LIVE] = 1
            own[k, O_FRONT] = 0
            if rank >= 0:
                own[k, O_FRONT] = bids[rank] if side > 0 else asks[rank]
            if refused:
                own[k, O_LEFT], own[k, O_HEARD] = 0, own[k, O_FROM] + answer
                gone = own[k, O_HEARD] <= now
        if gone:
            continue
        if own[k, O_LIVE] == 0:
            due = min(due, own[k, O_FROM])
        due = min(due, own[k, O_UNTIL])
        if own[k, O_LEFT] <= 0:
            due = min(due, own[k, O_HEARD])
        if kept < k:
            own[kept] = own[k]
        kept += 1
    return kept, due


@njit(cache=True, nogil=True)
def take_lots(own: np.ndarray, k: int, units: int) -> int:
    """Add units that reached our order; return the whole lots that this fills."""
    own[k, O_GOT] += units
    lots = min(own[k, O_GOT] // UNITS, own[k, O_LEFT])
    own[k, O_GOT] -= lots * UNITS
    own[k, O_LEFT] -= lots
    return int(lots)


@njit(cache=True, nogil=True)
def traded_lots(
    own: np.ndarray, k: int, tick: int, units: int, rule: int, penetration: int
) -> tuple[int, int]:
    """Lots of our order that a trade on its side fills.

    Parameters
    ----------
    own, k : ndarray, int
        Our orders and which one.
    tick, units : int
        The trade's price, and what of it is still to be had.
    rule : int
        ``STRICT``: only a trade `penetration` ticks or more beyond our price.
        ``TOUCH``: any at it or beyond. ``QUEUE``: one beyond, and at our price what is
        left once the queue before us has traded.

    Returns
    -------
    lots, used : int
        Lots filled and units of the trade that they or the queue took.
    """
    beyond = (own[k, O_TICK] - tick) * own[k, O_SIDE]
    if beyond < 0 or (rule == STRICT and beyond < penetration):
        return 0, 0
    if rule == QUEUE and beyond == 0:
        own[k, O_TRADED] += units
        waiting = min(own[k, O_FRONT], units)
        own[k, O_FRONT] -= waiting
        rest = min(units - waiting, own[k, O_LEFT] * UNITS - own[k, O_GOT])
        return take_lots(own, k, rest), waiting + rest
    own[k, O_FRONT] = 0
    rest = min(units, own[k, O_LEFT] * UNITS - own[k, O_GOT])
    return take_lots(own, k, rest), int(rest)
