"""Compiled replay of one run against market events: fidelities `trades` and `l2`.

Decisions stand at the rows of the bars, as at fidelity `bars`; between two of them the
market's events meet the orders that are in force. Our orders do not move the market.
"""

from __future__ import annotations

import numpy as np

from ethpredict.kernel_cache import njit
from ethpredict.sim._account_kernels import (
    ABS_INVENTORY_S,
    CASH,
    FUNDING,
    INVENTORY,
    TAKEN,
    record_fill,
)
from ethpredict.sim._lob_kernels import (
    S_LOT,
    S_MAKER,
    S_PENETRATION,
    S_TICK,
)
from ethpredict.sim._order_kernels import (
    FOREVER,
    O_FROM,
    O_FRONT,
    O_HEARD,
    O_LEFT,
    O_LIVE,
    O_RANK,
    O_SIDE,
    O_TICK,
    O_TRADED,
    O_UNTIL,
    QUEUE,
    STRICT,
    front_after,
    refresh,
    take_lots,
    traded_lots,
)
from ethpredict.sim._tape_kernels import (
    CLEAR,
    E_KIND,
    E_LAST,
    E_RANK,
    E_SIDE,
    E_TICK,
    E_TS,
    E_UNITS,
    LEVEL,
    Q_ASK,
    Q_ASK_UNITS,
    Q_BID,
    Q_BID_UNITS,
    Q_SEEN,
    Q_TS,
    TRADE,
)

# Places of the event settings, float64 (times in ns).
V_RULE, V_MODEL, V_POWER, V_ENTRY, V_FEED, V_RESPONSE, V_BLOCK, V_MEASURED, V_BOOK = (
    0, 1, 2, 3, 4, 5, 6, 7, 8,
)  # fmt: skip
N_EVENT_SETTINGS = 9
# Columns of a fill: time, when we hear of it, signed lots, price tick, mid.
F_TS, F_KNOWN, F_LOTS, F_PRICE, F_MID = 0, 1, 2, 3, 4
N_FILL = 5
# Whole-number state of a run.
W_LOTS, W_FILLS, W_COUNT, W_DUE, W_EVENT, W_QUOTE, W_FUNDING, W_TIME = 0, 1, 2, 3, 4, 5, 6, 7
N_STATE = 8
NANO = 1e-9


@njit(cache=True, nogil=True, error_model="numpy")
def settle(
    accounts: np.ndarray, state: np.ndarray, now: int, mid: float, mark: np.ndarray, lot: float
) -> None:
    """Bring the position's value and its time to `now`."""
    held = state[W_LOTS] * lot
    if mid > 0.0:
        if mark[0] > 0.0:
            accounts[INVENTORY] += held * (mid - mark[0])
        mark[0] = mid
    accounts[ABS_INVENTORY_S] += abs(held) * ((now - state[W_TIME]) * NANO)
    state[W_TIME] = now


@njit(cache=True, nogil=True, error_model="numpy")
def book_lots(
    accounts: np.ndarray,
    state: np.ndarray,
    fills: np.ndarray,
    mark: np.ndarray,
    now: int,
    delay: float,
    lots: int,
    price: float,
    fee_share: float,
    mid: float,
    lot: float,
) -> None:
    """Book a fill of signed lots at its price; the position is marked first."""
    settle(accounts, state, now, mid, mark, lot)
    signed = lots * lot
    fee = fee_share * abs(signed) * price
    record_fill(accounts, state[W_LOTS] * lot, signed, price, fee, 0.0, mid, np.nan)
    state[W_LOTS] += lots
    n = state[W_FILLS]
    # Without room the caller sees by the count that it must give more.
    if n < len(fills):
        fills[n, F_TS], fills[n, F_KNOWN] = now, now + delay
        fills[n, F_LOTS], fills[n, F_PRICE], fills[n, F_MID] = lots, price, mid
    state[W_FILLS] += 1


@njit(cache=True, nogil=True, error_model="numpy")
def middle(quotes: np.ndarray, at: int, tick: float) -> float:
    """Mid of a quote, USD; 0 where there is none."""
    if at < 0 or quotes[at, Q_BID] <= 0:
        return 0.0
    return 0.5 * (quotes[at, Q_BID] + quotes[at, Q_ASK]) * tick


@njit(cache=True, nogil=True, error_model="numpy")
def play_events(
    stop: int,
    events: np.ndarray,
    quotes: np.ndarray,
    bids: np.ndarray,
    asks: np.ndarray,
    funding_ts: np.ndarray,
    funding_rate: np.ndarray,
    settings: np.ndarray,
    rules: np.ndarray,
    own: np.ndarray,
    fills: np.ndarray,
    accounts: np.ndarray,
    state: np.ndarray,
    mark: np.ndarray,
) -> None:
    """Play all events up to and at `stop` against the orders in force."""
    rule, model, power = int(rules[V_RULE]), int(rules[V_MODEL]), rules[V_POWER]
    penetration = int(settings[S_PENETRATION])
    least = penetration if rule == STRICT else 0
    tick, lot, maker = settings[S_TICK], settings[S_LOT], settings[S_MAKER]
    has_book, e, n = rules[V_BOOK] > 0.0, state[W_EVENT], len(events)
    while e < n and events[e, E_TS] <= stop:
        now, kind, q = events[e, E_TS], events[e, E_KIND], state[W_QUOTE]
        while state[W_FUNDING] < len(funding_ts) and funding_ts[state[W_FUNDING]] <= now:
            pay_funding(funding_ts, funding_rate, quotes, q, tick, lot, accounts, state, mark)
        if state[W_DUE] < now:
            bid = quotes[q, Q_BID] if q >= 0 else 0
            ask = quotes[q, Q_ASK] if q >= 0 else 0
            if not has_book:
                # A print is no quote: only an order beyond it would surely trade.
                bid, ask = bid - 1, ask + 1
            answer = int(rules[V_RESPONSE] + rules[V_BLOCK] + lag(quotes, q, rules))
            state[W_COUNT], state[W_DUE] = refresh(
                now, own, state[W_COUNT], bid, ask, bids, asks, answer
            )
        count = state[W_COUNT]
        side, rank, units = events[e, E_SIDE], events[e, E_RANK], events[e, E_UNITS]
        if kind == TRADE:
            left = units
            for k in range(count):
                if own[k, O_LIVE] == 0 or own[k, O_LEFT] <= 0 or left <= 0:
                    continue
                if own[k, O_SIDE] == side:
                    continue
                lots, used = traded_lots(own, k, events[e, E_TICK], left, rule, penetration)
                left -= used
                if lots > 0:
                    delay = rules[V_RESPONSE] + lag(quotes, q, rules)
                    own[k, O_HEARD] = now + int(delay)
                    book_lots(
                        accounts, state, fills, mark, now, delay, lots * own[k, O_SIDE],
                        own[k, O_TICK] * tick, maker, middle(quotes, q, tick), lot,
                    )  # fmt: skip
                    accounts[TAKEN] += lots * lot
                if own[k, O_LEFT] <= 0:
                    state[W_DUE] = min(state[W_DUE], own[k, O_HEARD])
            if not has_book:
                state[W_QUOTE] += 1
        elif kind == CLEAR:
            if side > 0:
                bids[:] = 0
            else:
                asks[:] = 0
        elif kind == LEVEL:
            level = bids if side > 0 else asks
            if rule == QUEUE:
                for k in range(count):
                    if own[k, O_RANK] == rank and own[k, O_SIDE] == side and own[k, O_LIVE] > 0:
                        own[k, O_FRONT] = front_after(
                            own[k, O_FRONT], level[rank], units, own[k, O_TRADED], model, power
                        )
                        own[k, O_TRADED] = 0
            level[rank] = units
        if kind != TRADE and events[e, E_LAST] > 0:
            state[W_QUOTE] += 1
            new = state[W_QUOTE]
            for k in range(count):
                # The other side stands at or beyond our price: it would have met us.
                buying = own[k, O_SIDE] > 0
                other = quotes[new, Q_ASK] if buying else quotes[new, Q_BID]
                beyond = (own[k, O_TICK] - other) * own[k, O_SIDE]
                if own[k, O_LIVE] == 0 or own[k, O_LEFT] <= 0 or other <= 0 or beyond < least:
                    continue
                lots = take_lots(own, k, quotes[new, Q_ASK_UNITS if buying else Q_BID_UNITS])
                if lots > 0:
                    delay = rules[V_RESPONSE] + lag(quotes, q, rules)
                    own[k, O_HEARD] = now + int(delay)
                    book_lots(
                        accounts, state, fills, mark, now, delay, lots * own[k, O_SIDE],
                        own[k, O_TICK] * tick, maker, middle(quotes, q, tick), lot,
                    )  # fmt: skip
                    accounts[TAKEN] += lots * lot
                if own[k, O_LEFT] <= 0:
                    state[W_DUE] = min(state[W_DUE], own[k, O_HEARD])
        e += 1
    state[W_EVENT] = e
    while state[W_FUNDING] < len(funding_ts) and funding_ts[state[W_FUNDING]] <= stop:
        q = state[W_QUOTE]
        pay_funding(funding_ts, funding_rate, quotes, q, tick, lot, accounts, state, mark)


@njit(cache=True, nogil=True, error_model="numpy")
def lag(quotes: np.ndarray, q: int, rules: np.ndarray) -> float:
    """Measured latency beyond the least one at a quote, ns; 0 with constant latency."""
    if rules[V_MEASURED] <= 0.0 or q < 0:
        return 0.0
    return float(quotes[q, Q_SEEN] - quotes[q, Q_TS])


@njit(cache=True, nogil=True, error_model="numpy")
def pay_funding(
    funding_ts: np.ndarray,
    funding_rate: np.ndarray,
    quotes: np.ndarray,
    q: int,
    tick: float,
    lot: float,
    accounts: np.ndarray,
    state: np.ndarray,
    mark: np.ndarray,
) -> None:
    """Pay one funding: position x mid x rate; longs pay where the rate is positive."""
    at = state[W_FUNDING]
    state[W_FUNDING] += 1
    mid = middle(quotes, q, tick)
    if state[W_LOTS] == 0 or mid <= 0.0:
        return
    settle(accounts, state, max(funding_ts[at], state[W_TIME]), mid, mark, lot)
    paid = state[W_LOTS] * lot * mid * funding_rate[at]
    accounts[FUNDING] -= paid
    accounts[CASH] -= paid


@njit(cache=True, nogil=True, error_model="numpy")
def send(
    own: np.ndarray,
    state: np.ndarray,
    side: int,
    tick: int,
    lots: int,
    now: int,
    start: int,
    ranks: np.ndarray,
) -> int:
    """Keep the order that stands at a price as far as we have heard, or send a new one.

    Returns
    -------
    int
        Lots that are new. A kept order is cut to `lots` and keeps its place; it is
        marked by a negative end, which the caller turns back.
    """
    for k in range(state[W_COUNT]):
        same = own[k, O_SIDE] == side and own[k, O_TICK] == tick and own[k, O_UNTIL] == FOREVER
        # One that has ended, but of whose end we have not heard, stands for us.
        if same and (own[k, O_LEFT] > 0 or own[k, O_HEARD] > now):
            own[k, O_LEFT] = min(own[k, O_LEFT], lots)
            own[k, O_UNTIL] = -1
            return 0
    k = state[W_COUNT]
    own[k, :] = 0
    own[k, O_SIDE], own[k, O_TICK], own[k, O_LEFT] = side, tick, lots
    own[k, O_FROM], own[k, O_UNTIL] = start, -1
    own[k, O_RANK] = -1
    at = np.searchsorted(ranks, tick)
    if at < len(ranks) and ranks[at] == tick:
        own[k, O_RANK] = at
    state[W_COUNT] += 1
    state[W_DUE] = min(state[W_DUE], start)
    return lots


@njit(cache=True, nogil=True)
def cancel_rest(own: np.ndarray, state: np.ndarray, moment: int) -> None:
    """Cancel every order that the last decision did not keep or send."""
    for k in range(state[W_COUNT]):
        if own[k, O_UNTIL] == -1:
            own[k, O_UNTIL] = FOREVER
        elif own[k, O_UNTIL] == FOREVER:
            own[k, O_UNTIL] = moment
            state[W_DUE] = min(state[W_DUE], moment)
