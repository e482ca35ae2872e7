"""Compiled run at fidelities `trades` and `l2`: decide at each row, then play its events."""

from __future__ import annotations

import numpy as np

from ethpredict.kernel_cache import njit
from ethpredict.sim._account_kernels import (
    CASH,
    D_ASK,
    D_BID,
    D_CASH,
    D_FILL,
    D_MU,
    D_TARGET,
    LIMIT_S,
    LIQUIDATION,
    N_ACCOUNTS,
    N_TIMEOUTS,
    OFFERED,
)
from ethpredict.sim._l2_kernels import (
    F_KNOWN,
    F_LOTS,
    N_STATE,
    V_BLOCK,
    V_BOOK,
    V_ENTRY,
    V_FEED,
    V_MEASURED,
    W_DUE,
    W_FILLS,
    W_LOTS,
    W_QUOTE,
    W_TIME,
    book_lots,
    cancel_rest,
    lag,
    middle,
    play_events,
    send,
    settle,
)
from ethpredict.sim._lob_kernels import (
    FIXED_SPREAD,
    HOLD,
    NONE,
    S_CAPITAL,
    S_LAYER_STEP,
    S_LAYERS,
    S_LEAST,
    S_LEVERAGE,
    S_LOT,
    S_MAX_LOTS,
    S_MOST,
    S_ORDER_LOTS,
    S_STRATEGY,
    S_TAKER,
    S_TARGET,
    S_TICK,
    S_TIMEOUT,
    S_WHOLE,
    layer_ticks,
    order_lots,
)
from ethpredict.sim._order_kernels import FOREVER, effective
from ethpredict.sim._quote_kernels import bounded_distance, position_lots, row_distances
from ethpredict.sim._tape_kernels import Q_ASK, Q_BID, Q_SEEN, Q_TS


@njit(cache=True, nogil=True, error_model="numpy")
def take_at_market(
    signed: int,
    now: int,
    quotes: np.ndarray,
    settings: np.ndarray,
    accounts: np.ndarray,
    state: np.ndarray,
    fills: np.ndarray,
    mark: np.ndarray,
) -> None:
    """Buy or sell signed lots at the other side's best price, as a taker."""
    q, tick = state[W_QUOTE], settings[S_TICK]
    if middle(quotes, q, tick) <= 0.0 or signed == 0:
        return
    price = (quotes[q, Q_ASK] if signed > 0 else quotes[q, Q_BID]) * tick
    mid = middle(quotes, q, tick)
    book_lots(
        accounts, state, fills, mark, now, 0.0, signed, price, settings[S_TAKER], mid,
        settings[S_LOT],
    )  # fmt: skip


@njit(cache=True, nogil=True, error_model="numpy")
def send_layers(
    known: int,
    cap: int,
    delta_bid: float,
    delta_ask: float,
    shift: float,
    seen_bid: int,
    seen_ask: int,
    now: int,
    start: int,
    settings: np.ndarray,
    own: np.ndarray,
    ranks: np.ndarray,
    accounts: np.ndarray,
    state: np.ndarray,
) -> tuple[int, int]:
    """Send or keep the orders of one decision.

    Returns
    -------
    bid, ask : int
        Ticks of the nearest layer; 0 where there is none.
    """
    order, lot, tick = int(settings[S_ORDER_LOTS]), settings[S_LOT], settings[S_TICK]
    reference = 0.5 * (seen_bid + seen_ask) * tick
    whole = settings[S_WHOLE] > 0.0
    room_buy, room_sell = cap - known, cap + known
    best_bid, best_ask, last_bid, last_ask = 0, 0, 0, 0
    for layer in range(int(settings[S_LAYERS])):
        step = layer * settings[S_LAYER_STEP] * reference
        below, above = layer_ticks(
            reference, reference + shift, delta_bid + step, delta_ask + step, tick
        )
        if below > 0 and seen_ask > seen_bid:
            below = min(below, seen_ask - 1)
        if above > 0 and seen_ask > seen_bid:
            above = max(above, seen_bid + 1)
        if layer > 0:
            below = max(min(below, last_bid - 1), 0)
            above = max(above, last_ask + 1) if above > 0 else 0
        last_bid, last_ask = below, above
        buys = order_lots(order, room_buy, whole) if below > 0 else 0
        sells = order_lots(order, room_sell, whole) if above > 0 else 0
        if buys > 0:
            accounts[OFFERED] += send(own, state, 1, below, buys, now, start, ranks) * lot
            room_buy -= buys
        if sells > 0:
            accounts[OFFERED] += send(own, state, -1, above, sells, now, start, ranks) * lot
            room_sell -= sells
        if layer == 0:
            best_bid, best_ask = below if buys > 0 else 0, above if sells > 0 else 0
    return best_bid, best_ask


@njit(cache=True, nogil=True, error_model="numpy")
def run_replay(
    times: np.ndarray,
    gap: np.ndarray,
    events: np.ndarray,
    quotes: np.ndarray,
    ranks: np.ndarray,
    funding_ts: np.ndarray,
    funding_rate: np.ndarray,
    mu: np.ndarray,
    centre: np.ndarray,
    slope: np.ndarray,
    target: np.ndarray,
    shift: np.ndarray,
    decay: np.ndarray,
    nodes: np.ndarray,
    corners: np.ndarray,
    weights: np.ndarray,
    falling: np.ndarray,
    size_base: np.ndarray,
    size_per_usd: np.ndarray,
    settings: np.ndarray,
    rules: np.ndarray,
    own: np.ndarray,
    fills: np.ndarray,
    equity: np.ndarray,
    inventory: np.ndarray,
    detail: np.ndarray,
) -> tuple[np.ndarray, int]:
    """One strategy over the rows of one segment and the events between them.

    Parameters
    ----------
    times : ndarray of int64, shape (n + 1,)
        Open of the first row, then the close of each, ns since the tape's base.
    gap : ndarray of bool, shape (n,)
        True where the pause before a row cancels all orders.
    events, quotes, ranks : ndarray
        The tape, see :mod:`ethpredict.sim.tape`.
    funding_ts, funding_rate : ndarray
        Moments (ns since the base) and shares of the position.
    mu, centre, slope, target, shift, decay, nodes, corners, weights, falling,
    size_base, size_per_usd : ndarray
        As in :func:`ethpredict.sim._maker_kernels.run_lob`.
    settings, rules : ndarray
        ``S_`` and ``V_`` constants.
    own : ndarray of int64, shape (p, N_OWN)
        Room for our orders.
    fills : ndarray, shape (m, N_FILL)
        Filled.
    equity, inventory, detail : ndarray
        Filled, as in `run_lob`.

    Returns
    -------
    accounts : ndarray, shape (N_ACCOUNTS,)
        After the liquidation at the last quote.
    fills : int
        How many.
    """
    accounts, state, mark = np.zeros(N_ACCOUNTS), np.zeros(N_STATE, np.int64), np.zeros(1)
    state[W_DUE], state[W_QUOTE], state[W_TIME] = FOREVER, -1, times[0]
    bids, asks = np.zeros(len(ranks), np.int64), np.zeros(len(ranks), np.int64)
    strategy, max_lots = int(settings[S_STRATEGY]), int(settings[S_MAX_LOTS])
    order, lot, tick = int(settings[S_ORDER_LOTS]), settings[S_LOT], settings[S_TICK]
    order_size, whole = order * lot, settings[S_WHOLE] > 0.0
    block, feed = int(rules[V_BLOCK]), int(rules[V_FEED])
    known, heard, seen, since = 0, 0, -1, 0
    arrives = Q_SEEN if rules[V_MEASURED] > 0.0 else Q_TS
    # What stood before the first row is there, but nothing is traded on it.
    play_events(
        times[0], events, quotes, bids, asks, funding_ts[:0], funding_rate[:0], settings, rules,
        own, fills, accounts, state, mark,
    )  # fmt: skip
    settle(accounts, state, times[0], middle(quotes, state[W_QUOTE], tick), mark, lot)
    for j in range(len(gap)):
        now, i = times[j], max(j - 1, 0)
        bid, ask, drift, aim, cap = 0, 0, 0.0, 0.0, max_lots
        before = state[W_LOTS]
        while heard < min(state[W_FILLS], len(fills)) and fills[heard, F_KNOWN] <= now:
            if known == 0 or known * (known + fills[heard, F_LOTS]) <= 0:
                since = now
            known += int(fills[heard, F_LOTS])
            heard += 1
        while seen + 1 < len(quotes) and quotes[seen + 1, arrives] + feed <= now:
            seen += 1
        reference = middle(quotes, seen, tick)
        live = j > 0 and not gap[j] and reference > 0.0
        arrival = now + int(rules[V_ENTRY] + lag(quotes, seen, rules))
        start = effective(arrival, block)
        if live and strategy == HOLD and state[W_LOTS] == 0:
            take_at_market(max_lots, now, quotes, settings, accounts, state, fills, mark)
        elif live and strategy >= FIXED_SPREAD:
            late = known != 0 and (now - since) * 1e-9 > settings[S_TIMEOUT]
            if late:
                take_at_market(-known, now, quotes, settings, accounts, state, fills, mark)
                accounts[N_TIMEOUTS] += 1.0
            else:
                held = known * lot
                cap = position_lots(
                    max_lots, lot, settings[S_CAPITAL] + accounts[CASH] + held * reference,
                    size_base[i], size_per_usd[i], settings[S_LEVERAGE], reference,
                )  # fmt: skip
                drift, aim = mu[i], target[i]
                delta_bid, delta_ask = row_distances(
                    (held - settings[S_TARGET]) / order_size, centre[i], slope[i], aim, decay[i],
                    nodes, corners[i], weights[i], falling[i],
                )  # fmt: skip
                least, most = settings[S_LEAST] * reference, settings[S_MOST] * reference
                bid, ask = send_layers(
                    known, cap, bounded_distance(delta_bid, least, most),
                    bounded_distance(delta_ask, least, most), shift[i], quotes[seen, Q_BID],
                    quotes[seen, Q_ASK], now, start, settings, own, ranks, accounts, state,
                )  # fmt: skip
        cancel_rest(own, state, now if gap[j] else start)
        play_events(
            times[j + 1], events, quotes, bids, asks, funding_ts, funding_rate, settings, rules,
            own, fills, accounts, state, mark,
        )  # fmt: skip
        seconds = (times[j + 1] - now) * 1e-9
        settle(accounts, state, times[j + 1], middle(quotes, state[W_QUOTE], tick), mark, lot)
        held = state[W_LOTS] * lot
        if strategy != NONE and order_lots(order, cap - abs(state[W_LOTS]), whole) == 0:
            accounts[LIMIT_S] += seconds
        equity[j] = accounts[CASH] + held * mark[0]
        inventory[j] = held
        if detail.shape[1] > 0:
            detail[D_BID, j] = bid * tick if bid > 0 else np.nan
            detail[D_ASK, j] = ask * tick if ask > 0 else np.nan
            detail[D_FILL, j] = (state[W_LOTS] - before) * lot
            detail[D_CASH, j] = accounts[CASH]
            detail[D_MU, j] = drift
            detail[D_TARGET, j] = aim * order_size
    held, q = state[W_LOTS] * lot, state[W_QUOTE]
    if held != 0.0:
        price = (quotes[q, Q_BID] if held > 0.0 else quotes[q, Q_ASK]) * tick
        if rules[V_BOOK] <= 0.0:
            price = mark[0]
        cost = held * (mark[0] - price) + abs(held) * price * settings[S_TAKER]
        accounts[LIQUIDATION] = 0.0 - cost
        accounts[CASH] += held * mark[0] - cost
    return accounts, state[W_FILLS]
