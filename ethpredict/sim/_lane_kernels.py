"""Compiled lanes of the order book at fidelity 0: many runs over the same rows, side by side.

Time is the outer loop; inside a row every step runs over all lanes without a branch, so that
the compiler turns it into vector instructions. Only the few lanes that a row fills are then
booked one by one. Each lane carries the bits of :func:`ethpredict.sim._maker_kernels.run_lob`
(test), so a run's result does not depend on how runs are packed.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from ethpredict.quoting._kernels import share_reached
from ethpredict.sim._account_kernels import CASH
from ethpredict.sim._lane_account_kernels import (
    L_ASK,
    L_BID,
    L_EQUITY,
    L_LARGEST,
    L_LOTS,
    L_OFFERED,
    L_PEAK,
    L_SIDE,
    L_TARGET,
    L_WATER,
    LANES,
    N_LANE_STATE,
    V_FOLLOWS,
    V_GAMMA,
    V_HALF,
    V_LEAST,
    V_LIMIT,
    V_MAX,
    V_MOST,
    V_ORDER,
    V_PENETRATION,
    V_SHIFTS,
    V_SIZE,
    V_TARGET,
    close_lanes,
    fill_lanes,
    mark_lanes,
)
from ethpredict.sim._lob_kernels import (
    GUARD_RELATIVE,
    GUARD_TICKS,
    LARGEST_TICK,
    ceil_tick,
    floor_tick,
)


@njit(cache=True, nogil=True, error_model="numpy")
def tick_rows(
    low: np.ndarray, high: np.ndarray, close: np.ndarray, tick: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Prices of every row in ticks, once for all lanes of a tick size.

    Parameters
    ----------
    low, high, close : ndarray, shape (n,)
        USD.
    tick : float
        USD.

    Returns
    -------
    low_tick, high_tick : ndarray, shape (n,)
        Lowest and highest whole tick inside the row.
    below, above : ndarray, shape (n,)
        Highest bid and lowest ask that are post-only against the close.
    """
    n = len(close)
    low_tick, high_tick = np.empty(n), np.empty(n)
    below, above = np.empty(n), np.empty(n)
    for j in range(n):
        low_tick[j], high_tick[j] = ceil_tick(low[j], tick), floor_tick(high[j], tick)
        below[j] = ceil_tick(close[j], tick) - 1.0
        above[j] = floor_tick(close[j], tick) + 1.0
    return low_tick, high_tick, below, above


@njit(cache=True, nogil=True, error_model="numpy")
def aim_lanes(
    state: np.ndarray,
    settings: np.ndarray,
    pull: np.ndarray,
    sigma: float,
    mu: float,
    h_rem: float,
) -> None:
    """Inventory that every lane aims at under a drift, lots; a loop of its own, to be unrolled.

    Parameters
    ----------
    state, settings : ndarray
        The target is written to the state.
    pull : ndarray, shape (LANES,)
        Factor of sigma in the rate at which inventory forgets its start.
    sigma, mu, h_rem : float
        USD/sqrt(s), USD/s (not 0), s (> 0).
    """
    for lane in range(LANES):
        state[L_TARGET + lane] = share_reached(h_rem * (sigma * pull[lane]))
    for lane in range(LANES):
        limit = settings[V_LIMIT + lane]
        variance = settings[V_GAMMA + lane] * sigma * sigma
        wanted = mu / variance * state[L_TARGET + lane]
        wanted = min(max(wanted, -limit), limit)
        flat = limit if mu > 0.0 else -limit
        wanted = flat if variance == 0.0 else wanted
        state[L_TARGET + lane] = wanted if settings[V_FOLLOWS + lane] > 0.0 else 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def quote_lanes(
    state: np.ndarray,
    settings: np.ndarray,
    centre: np.ndarray,
    growth: np.ndarray,
    pull: np.ndarray,
    sigma: float,
    mu: float,
    h_rem: float,
    shift: float,
    reference: float,
    lot: float,
    tick: float,
    below: float,
    above: float,
) -> None:
    """Bid and ask of every lane in ticks (0 = no quote), after its limit.

    Parameters
    ----------
    state, settings : ndarray, shape (N_LANE_STATE,), (N_LANE_SETTINGS,)
        Bid and ask are written to the state.
    centre, growth, pull : ndarray, shape (LANES,)
        Terms of the fit that holds: USD, and the factors of sigma in slope and pull.
    sigma, mu, h_rem, shift, reference : float
        Of the row before: USD/sqrt(s), USD/s, s, USD, USD.
    lot, tick : float
        ETH, USD.
    below, above : float
        Post-only bounds, ticks.
    """
    if mu != 0.0 and h_rem > 0.0:
        aim_lanes(state, settings, pull, sigma, mu, h_rem)
    else:
        for lane in range(LANES):
            state[L_TARGET + lane] = 0.0
    for lane in range(LANES):
        lots = state[L_LOTS + lane]
        # A fixed spread has no slope, also where sigma is not known.
        slope = sigma * growth[lane] if growth[lane] != 0.0 else 0.0
        middle = centre[lane] + settings[V_HALF + lane] * reference
        skew = (lots * lot - settings[V_TARGET + lane]) / settings[V_SIZE + lane]
        skew -= state[L_TARGET + lane]
        delta_bid = middle + (skew + 0.5) * slope
        delta_ask = middle - (skew - 0.5) * slope
        known = not (np.isnan(delta_bid) or np.isnan(delta_ask))
        low, high = settings[V_LEAST + lane] * reference, settings[V_MOST + lane] * reference
        delta_bid = min(max(delta_bid, low), high)
        delta_ask = min(max(delta_ask, low), high)
        quoted = reference + shift * settings[V_SHIFTS + lane]
        down = (quoted - delta_bid) / tick
        up = (quoted + delta_ask) / tick
        bid = min(np.floor(down + GUARD_TICKS + GUARD_RELATIVE * down), below)
        ask = max(np.ceil(up - GUARD_TICKS - GUARD_RELATIVE * up), above)
        bid = bid if known and bid >= 1.0 else 0.0
        ask = ask if known and ask <= LARGEST_TICK else 0.0
        bid = bid if settings[V_MAX + lane] - lots >= settings[V_ORDER + lane] else 0.0
        ask = ask if settings[V_MAX + lane] + lots >= settings[V_ORDER + lane] else 0.0
        state[L_BID + lane], state[L_ASK + lane] = bid, ask
        sides = (1.0 if bid > 0.0 else 0.0) + (1.0 if ask > 0.0 else 0.0)
        state[L_OFFERED + lane] += sides * settings[V_ORDER + lane] * lot


@njit(cache=True, nogil=True, error_model="numpy")
def hit_lanes(
    state: np.ndarray,
    settings: np.ndarray,
    low_tick: float,
    high_tick: float,
    close: float,
    tick: float,
) -> int:
    """Side that the row fills in every lane: 1 the bid, -1 the ask, 0 none.

    Parameters
    ----------
    state, settings : ndarray
        Sides are written to the state.
    low_tick, high_tick : float
        Lowest and highest whole tick inside the row.
    close, tick : float
        USD.

    Returns
    -------
    int
        How many lanes have a side.
    """
    for lane in range(LANES):
        bid, ask = state[L_BID + lane], state[L_ASK + lane]
        through = settings[V_PENETRATION + lane]
        buy = bid > 0.0 and low_tick <= bid - through
        sell = ask > 0.0 and high_tick >= ask + through
        worse = close - bid * tick <= ask * tick - close
        side = (1.0 if buy else 0.0) - (1.0 if sell else 0.0)
        both = 1.0 if worse else -1.0
        side = both if buy and sell else side
        state[L_SIDE + lane] = side
    hits = 0
    for lane in range(LANES):
        hits += 1 if state[L_SIDE + lane] != 0.0 else 0
    return hits


@njit(cache=True, nogil=True, error_model="numpy")
def run_lanes(
    close: np.ndarray,
    low_tick: np.ndarray,
    high_tick: np.ndarray,
    below: np.ndarray,
    above: np.ndarray,
    duration: np.ndarray,
    seconds: np.ndarray,
    buy_volume: np.ndarray,
    sell_volume: np.ndarray,
    gap: np.ndarray,
    future: np.ndarray,
    sigma: np.ndarray,
    mu: np.ndarray,
    h_rem: np.ndarray,
    epoch: np.ndarray,
    centre: np.ndarray,
    growth: np.ndarray,
    pull: np.ndarray,
    lot: float,
    tick: float,
    settings: np.ndarray,
    kept: np.ndarray,
    accounts: np.ndarray,
    path: np.ndarray,
    water: np.ndarray,
) -> None:
    """All lanes over the rows of one segment.

    Parameters
    ----------
    close, duration, seconds, buy_volume, sell_volume, gap, future : ndarray, shape (n,)
        Rows, as for :func:`ethpredict.sim._maker_kernels.run_lob`.
    low_tick, high_tick, below, above : ndarray, shape (n,)
        From :func:`tick_rows`.
    sigma, mu, h_rem : ndarray, shape (n,)
        What was known at the close of each row.
    epoch : ndarray of int64, shape (n,)
        Which fit of A, k and xi holds.
    centre, growth, pull : ndarray, shape (epochs, LANES)
        Terms of each fit.
    lot, tick : float
        ETH, USD.
    settings : ndarray, shape (N_LANE_SETTINGS,)
        See the ``V_`` constants.
    kept : ndarray of int64, shape (n,)
        Where a row's path is kept, -1 for most.
    accounts : ndarray, shape (LANES, N_ACCOUNTS)
        Filled, zeros before.
    path : ndarray, shape (3, kept rows, LANES)
        Filled: equity (USD), inventory (ETH), distance below the peak (USD).
    water : ndarray, shape (2, LANES)
        Filled: largest drawdown (USD), time under water (s).
    """
    n = len(close)
    state = np.zeros(N_LANE_STATE)
    for j in range(n):
        i = max(j - 1, 0)
        reference = close[i]
        if j > 0 and not gap[j]:
            e = epoch[i]
            quote_lanes(
                state,
                settings,
                centre[e],
                growth[e],
                pull[e],
                sigma[i],
                mu[i],
                h_rem[i],
                mu[i] * h_rem[i],
                reference,
                lot,
                tick,
                below[i],
                above[i],
            )
            if hit_lanes(state, settings, low_tick[j], high_tick[j], close[j], tick) > 0:
                fill_lanes(
                    state,
                    settings,
                    buy_volume[j],
                    sell_volume[j],
                    duration[j],
                    reference,
                    future[j],
                    lot,
                    tick,
                )
        mark_lanes(state, settings, close[j], reference, seconds[j], lot, j == n - 1)
        slot = kept[j]
        if slot >= 0:
            for lane in range(LANES):
                path[0, slot, lane] = state[L_EQUITY + lane]
                path[1, slot, lane] = state[L_LOTS + lane] * lot
                path[2, slot, lane] = state[L_PEAK + lane] - state[L_EQUITY + lane]
    close_lanes(accounts, state, settings, close[n - 1], seconds[n - 1], lot)
    for lane in range(LANES):
        if kept[n - 1] >= 0:
            path[2, kept[n - 1], lane] = max(0.0, state[L_PEAK + lane] - accounts[lane, CASH])
        water[0, lane], water[1, lane] = state[L_LARGEST + lane], state[L_WATER + lane]
