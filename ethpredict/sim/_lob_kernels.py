"""Compiled scalar kernel of the order book at fidelity 0 (bars).

A row is decided with what had arrived at the close of the row before it, then
filled, then marked at its own close. The plain reference, bit-identical by test,
is :func:`ethpredict.sim.reference.run_lob`.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from ethpredict.quoting._kernels import spread_terms
from ethpredict.sim._account_kernels import (
    ABS_INVENTORY_S,
    CASH,
    D_ASK,
    D_BID,
    D_CASH,
    D_FILL,
    D_MU,
    D_TARGET,
    INVENTORY,
    LIMIT_S,
    LIQUIDATION,
    N_ACCOUNTS,
    OFFERED,
    TAKEN,
    record_fill,
)

NONE, HOLD, FIXED_SPREAD, GLFT = 0, 1, 2, 3

# Places of a run's settings.
S_STRATEGY, S_GAMMA, S_ORDER_LOTS, S_MAX_LOTS, S_LOT, S_TICK = 0, 1, 2, 3, 4, 5
S_HALF_SPREAD, S_LATENCY, S_PENETRATION, S_PARTICIPATION, S_MAKER, S_TAKER = 6, 7, 8, 9, 10, 11
N_LOB_SETTINGS = 12

# Rounding guard: a price that is on the grid but for floating point stays there.
GUARD_TICKS, GUARD_RELATIVE = 1e-9, 1e-15
LARGEST_TICK = 1e12


@njit(cache=True, nogil=True, error_model="numpy")
def floor_tick(price: float, tick: float) -> float:
    """Largest tick at or below a price, as a whole number."""
    ticks = price / tick
    return np.floor(ticks + GUARD_TICKS + GUARD_RELATIVE * ticks)


@njit(cache=True, nogil=True, error_model="numpy")
def ceil_tick(price: float, tick: float) -> float:
    """Smallest tick at or above a price, as a whole number."""
    ticks = price / tick
    return np.ceil(ticks - GUARD_TICKS - GUARD_RELATIVE * ticks)


@njit(cache=True, nogil=True, error_model="numpy")
def fit_terms(
    gamma: float, A: float, k: float, xi: float
) -> tuple[float, float, float, float, float]:
    """Terms of the closed form that change only when A, k and xi are fitted again.

    Parameters
    ----------
    gamma : float
        Risk aversion times order size, 1/USD.
    A, k, xi : float
        Fill intensity 1/s, its decay 1/USD, impact USD.

    Returns
    -------
    centre, root, growth, pull, decay : float
        Half spread at q = q* without the slope's part (USD); the slope is
        ``sigma root growth``, the rate 1/tau is ``sigma pull decay``.
    """
    c1, power = spread_terms(gamma, k)
    exponent = 0.25 * k * xi
    return (
        c1 + 0.5 * xi,
        np.sqrt(gamma / (2.0 * k * A)),
        np.exp(0.5 * power + exponent),
        np.sqrt(2.0 * k * gamma * A),
        np.exp(-0.5 * power - exponent),
    )


@njit(cache=True, nogil=True, error_model="numpy")
def glft_distances(
    terms: tuple[float, float, float, float, float],
    gamma: float,
    sigma: float,
    mu: float,
    h_rem: float,
    inventory: float,
    limit: float,
) -> tuple[float, float, float]:
    """Distances of bid and ask, and the target inventory, from :func:`fit_terms`.

    Parameters
    ----------
    terms : tuple of float
        As returned by :func:`fit_terms`.
    gamma : float
        Risk aversion times order size, 1/USD.
    sigma, mu, h_rem : float
        USD/sqrt(s), USD/s, s.
    inventory, limit : float
        In units of the order size.

    Returns
    -------
    delta_bid, delta_ask, q_star : float
        USD, USD, order sizes: the same bits as
        :func:`ethpredict.quoting._kernels.closed_form_deltas` and
        :func:`ethpredict.quoting._kernels.target_inventory`.
    """
    centre, root, growth, pull, decay = terms
    variance = gamma * sigma * sigma
    target = 0.0
    if mu != 0.0 and h_rem > 0.0:
        if variance == 0.0:
            target = np.copysign(limit, mu)
        else:
            target = mu / variance * -np.expm1(-h_rem * (sigma * pull * decay))
            target = min(max(target, -limit), limit)
    slope = sigma * root * growth
    skew = inventory - target
    return centre + (skew + 0.5) * slope, centre - (skew - 0.5) * slope, target


@njit(cache=True, nogil=True, error_model="numpy")
def quote_ticks(
    mid: float, delta_bid: float, delta_ask: float, least: float, tick: float
) -> tuple[int, int]:
    """Distances to int64 ticks: outward, floored, post-only.

    Parameters
    ----------
    mid : float
        Reference mid, USD.
    delta_bid, delta_ask : float
        Wanted distances, USD; nan gives no quote.
    least : float
        Smallest half spread, USD.
    tick : float
        Price step, USD.

    Returns
    -------
    bid, ask : int
        Ticks, strictly below and above the reference; 0 where there is no quote.
    """
    bid, ask = 0, 0
    if np.isnan(delta_bid) or np.isnan(delta_ask):
        return bid, ask
    low = min(floor_tick(mid - max(delta_bid, least), tick), ceil_tick(mid, tick) - 1.0)
    high = max(ceil_tick(mid + max(delta_ask, least), tick), floor_tick(mid, tick) + 1.0)
    if low >= 1.0:
        bid = int(low)
    if high <= LARGEST_TICK:
        ask = int(high)
    return bid, ask


@njit(cache=True, nogil=True, error_model="numpy")
def fill_lots(order_lots: int, volume: float, share: float, lot: float) -> int:
    """Lots that fill: the order, or our share of the opposite flow.

    Parameters
    ----------
    order_lots : int
        Size of the order.
    volume : float
        Opposite taker volume of the row, ETH.
    share : float
        Participation times the part of the row in which the quote was live.
    lot : float
        Size step, ETH.
    """
    return int(min(float(order_lots), np.floor(volume * share / lot + 1e-9)))


@njit(cache=True, nogil=True, error_model="numpy")
def row_fill(
    bid: int,
    ask: int,
    low: float,
    high: float,
    close: float,
    buy_lots: int,
    sell_lots: int,
    tick: float,
    penetration: int,
) -> int:
    """Signed lots that one row fills.

    Parameters
    ----------
    bid, ask : int
        Live quotes in ticks; 0 where there is none.
    low, high, close : float
        The row's prices, USD.
    buy_lots, sell_lots : int
        Lots that would fill on the bid and on the ask.
    tick : float
        Price step, USD.
    penetration : int
        Ticks that the price must trade through a quote, >= 1.

    Returns
    -------
    int
        Positive when the bid filled. Where both sides are penetrated only the
        one that is worse at the close fills (the bid on a tie).
    """
    hit_bid = bid > 0 and ceil_tick(low, tick) <= bid - penetration
    hit_ask = ask > 0 and floor_tick(high, tick) >= ask + penetration
    if hit_bid and hit_ask:
        hit_bid = close - bid * tick <= ask * tick - close
        hit_ask = not hit_bid
    if hit_bid:
        return buy_lots
    return -sell_lots if hit_ask else 0


@njit(cache=True, nogil=True, error_model="numpy")
def run_lob(
    close: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    duration: np.ndarray,
    seconds: np.ndarray,
    buy_volume: np.ndarray,
    sell_volume: np.ndarray,
    gap: np.ndarray,
    future: np.ndarray,
    sigma: np.ndarray,
    A: np.ndarray,
    k: np.ndarray,
    xi: np.ndarray,
    mu: np.ndarray,
    h_rem: np.ndarray,
    settings: np.ndarray,
    equity: np.ndarray,
    inventory: np.ndarray,
    detail: np.ndarray,
) -> np.ndarray:
    """One strategy over the rows of one segment.

    Parameters
    ----------
    close, low, high : ndarray, shape (n,)
        Prices of each row, USD.
    duration, seconds : ndarray, shape (n,)
        Length of the bar, and time since the previous close, s.
    buy_volume, sell_volume : ndarray, shape (n,)
        Volume of taker buys and sells, ETH.
    gap : ndarray of bool, shape (n,)
        True where the pause before the row cancels all quotes.
    future : ndarray, shape (n,)
        Mid after the markout horizon, USD; nan where missing.
    sigma, A, k, xi, mu, h_rem : ndarray, shape (n,)
        What was known at the close of each row: USD/sqrt(s), 1/s, 1/USD, USD,
        USD/s, s.
    settings : ndarray, shape (N_LOB_SETTINGS,)
        See the ``S_`` constants.
    equity, inventory : ndarray, shape (n,)
        Filled: USD and ETH after each row, before the final liquidation.
    detail : ndarray, shape (N_DETAIL, n) or (N_DETAIL, 0)
        Filled where it has columns.

    Returns
    -------
    ndarray, shape (N_ACCOUNTS,)
        The accounts after the liquidation.
    """
    accounts = np.zeros(N_ACCOUNTS)
    strategy = int(settings[S_STRATEGY])
    order_lots, max_lots = int(settings[S_ORDER_LOTS]), int(settings[S_MAX_LOTS])
    lot, tick = settings[S_LOT], settings[S_TICK]
    order_size = order_lots * lot
    gamma = settings[S_GAMMA] * order_size
    penetration = int(settings[S_PENETRATION])
    maker, taker = settings[S_MAKER], settings[S_TAKER]
    limit = max_lots / order_lots
    lots = 0
    known_A, known_k, known_xi = np.nan, np.nan, np.nan
    terms = (np.nan, np.nan, np.nan, np.nan, np.nan)
    n = len(close)
    for j in range(n):
        bid, ask, fill = 0, 0, 0
        drift, target = 0.0, 0.0
        held = lots * lot
        reference = close[max(j - 1, 0)]
        live = j > 0 and not gap[j]
        if live and strategy == HOLD and lots == 0:
            fill = max_lots
            value = max_lots * lot * reference
            record_fill(
                accounts, held, max_lots * lot, reference, taker * value, 0.0, reference, future[j]
            )
        if live and strategy >= FIXED_SPREAD:
            i = j - 1
            delta_bid = settings[S_HALF_SPREAD] * reference
            delta_ask, least = delta_bid, 0.0
            if strategy == GLFT:
                if A[i] != known_A or k[i] != known_k or xi[i] != known_xi:
                    known_A, known_k, known_xi = A[i], k[i], xi[i]
                    terms = fit_terms(gamma, known_A, known_k, known_xi)
                least, drift = delta_bid, mu[i]
                delta_bid, delta_ask, target = glft_distances(
                    terms, gamma, sigma[i], drift, h_rem[i], lots / order_lots, limit
                )
            bid, ask = quote_ticks(reference, delta_bid, delta_ask, least, tick)
            if lots + order_lots > max_lots:
                bid = 0
            if lots - order_lots < -max_lots:
                ask = 0
            share = settings[S_PARTICIPATION] * max(0.0, 1.0 - settings[S_LATENCY] / duration[j])
            fill = row_fill(
                bid,
                ask,
                low[j],
                high[j],
                close[j],
                fill_lots(order_lots, sell_volume[j], share, lot),
                fill_lots(order_lots, buy_volume[j], share, lot),
                tick,
                penetration,
            )
            accounts[OFFERED] += ((bid > 0) + (ask > 0)) * order_size
            if fill != 0:
                signed = fill * lot
                price = (bid if fill > 0 else ask) * tick
                fee = maker * abs(signed) * price
                record_fill(accounts, held, signed, price, fee, 0.0, reference, future[j])
                accounts[TAKEN] += abs(signed)
        lots += fill
        held = lots * lot
        accounts[INVENTORY] += held * (close[j] - reference)
        accounts[ABS_INVENTORY_S] += abs(held) * seconds[j]
        if strategy != NONE and abs(lots) + order_lots > max_lots:
            accounts[LIMIT_S] += seconds[j]
        equity[j] = accounts[CASH] + held * close[j]
        inventory[j] = held
        if detail.shape[1] > 0:
            detail[D_BID, j] = bid * tick if bid > 0 else np.nan
            detail[D_ASK, j] = ask * tick if ask > 0 else np.nan
            detail[D_FILL, j] = fill * lot
            detail[D_CASH, j] = accounts[CASH]
            detail[D_MU, j] = drift
            detail[D_TARGET, j] = target * order_size
    held = lots * lot
    cost = abs(held) * close[n - 1] * taker
    accounts[LIQUIDATION] = 0.0 - cost
    accounts[CASH] += held * close[n - 1] - cost
    return accounts
