"""Compiled scalar kernel of the order book at fidelity 0 (bars).

A row is decided with what had arrived at the close of the row before it, then
filled, then marked at its own close. The plain reference, bit-identical by test,
is :func:`ethpredict.sim.reference.run_lob`.
"""

from __future__ import annotations

import numpy as np
from numba import njit

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
    N_TIMEOUTS,
    OFFERED,
    TAKEN,
    record_fill,
)
from ethpredict.sim._quote_kernels import bounded_distance, position_lots, row_distances

NONE, HOLD, FIXED_SPREAD, GLFT, GLFT_EXACT, AVELLANEDA_STOIKOV = 0, 1, 2, 3, 4, 5

# Places of a run's settings. Least and most half spread, layer step, fees: shares of the price.
S_STRATEGY, S_ORDER_LOTS, S_MAX_LOTS, S_LOT, S_TICK, S_LEAST, S_MOST = 0, 1, 2, 3, 4, 5, 6
S_LATENCY, S_PENETRATION, S_PARTICIPATION, S_MAKER, S_TAKER = 7, 8, 9, 10, 11
S_LAYERS, S_LAYER_STEP, S_WHOLE, S_CAPITAL, S_LEVERAGE, S_TARGET, S_TIMEOUT = (
    12,
    13,
    14,
    15,
    16,
    17,
    18,
)
N_LOB_SETTINGS = 19

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
def layer_ticks(
    mid: float, quoted: float, delta_bid: float, delta_ask: float, tick: float
) -> tuple[int, int]:
    """Distances to int64 ticks: outward and post-only.

    Parameters
    ----------
    mid : float
        Reference mid, USD.
    quoted : float
        Price that the distances count from (the mid, or a shifted one), USD.
    delta_bid, delta_ask : float
        Distances, USD; nan gives no quote.
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
    low = min(floor_tick(quoted - delta_bid, tick), ceil_tick(mid, tick) - 1.0)
    high = max(ceil_tick(quoted + delta_ask, tick), floor_tick(mid, tick) + 1.0)
    if low >= 1.0:
        bid = int(low)
    if high <= LARGEST_TICK:
        ask = int(high)
    return bid, ask


@njit(cache=True, nogil=True, error_model="numpy")
def order_lots(wanted: int, room: int, whole: bool) -> int:
    """Lots of an order: all of it if it fits the room, else what fits, or nothing.

    Parameters
    ----------
    wanted, room : int
        Size of one order, and lots left to the limit (may be negative).
    whole : bool
        Whether a part of an order is not offered.
    """
    if room >= wanted:
        return wanted
    return 0 if whole else max(room, 0)


@njit(cache=True, nogil=True, error_model="numpy")
def filled_side(
    bid: int, ask: int, low: float, high: float, close: float, tick: float, penetration: int
) -> int:
    """Side that one row fills: 1 the bid, -1 the ask, 0 none.

    Parameters
    ----------
    bid, ask : int
        Nearest live quotes in ticks; 0 where there is none.
    low, high, close : float
        The row's prices, USD.
    tick : float
        Price step, USD.
    penetration : int
        Ticks that the price must trade through a quote, >= 1.

    Returns
    -------
    int
        Where both sides are penetrated only the one that is worse at the close fills
        (the bid on a tie).
    """
    hit_bid = bid > 0 and ceil_tick(low, tick) <= bid - penetration
    hit_ask = ask > 0 and floor_tick(high, tick) >= ask + penetration
    if hit_bid and hit_ask:
        hit_bid = close - bid * tick <= ask * tick - close
        hit_ask = not hit_bid
    if hit_bid:
        return 1
    return -1 if hit_ask else 0


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
    mu : ndarray, shape (n,)
        Drift known at the close of each row, USD/s (shown, not used here).
    centre, slope, target, shift, decay : ndarray, shape (n,)
        Quotes by what was known at the close of each row, see
        :mod:`ethpredict.sim.quotes`: USD, USD per lot, lots, USD, 1/USD.
    nodes, corners, weights, falling : ndarray
        Exact quotes of each row, see :class:`ethpredict.quoting.lattice.Cells`; nodes
        of shape (0, ...) without them.
    size_base, size_per_usd : ndarray, shape (n,)
        Position size of each row, ETH and ETH per USD of capital.
    settings : ndarray, shape (N_LOB_SETTINGS,)
        See the ``S_`` constants.
    equity, inventory : ndarray, shape (n,)
        Filled: USD and ETH after each row, before the final liquidation.
    detail : ndarray, shape (N_DETAIL, n) or (N_DETAIL, 0)
        Filled where it has columns; bid and ask are the nearest layer's.

    Returns
    -------
    ndarray, shape (N_ACCOUNTS,)
        The accounts after the liquidation.
    """
    accounts = np.zeros(N_ACCOUNTS)
    strategy = int(settings[S_STRATEGY])
    order, max_lots = int(settings[S_ORDER_LOTS]), int(settings[S_MAX_LOTS])
    lot, tick = settings[S_LOT], settings[S_TICK]
    layers = int(settings[S_LAYERS])
    bids, asks = np.zeros(layers, np.int64), np.zeros(layers, np.int64)
    buys, sells = np.zeros(layers, np.int64), np.zeros(layers, np.int64)
    order_size = order * lot
    per_order = 1.0 / order_size
    penetration = int(settings[S_PENETRATION])
    maker, taker = settings[S_MAKER], settings[S_TAKER]
    whole = settings[S_WHOLE] > 0.0
    lots, age, all_offered = 0, 0.0, 0
    n = len(close)
    for j in range(n):
        bid, ask, fill = 0, 0, 0
        i = max(j - 1, 0)
        held = lots * lot
        reference = close[i]
        live = j > 0 and not gap[j]
        cap, drift, aim = max_lots, 0.0, 0.0
        if live and strategy == HOLD and lots == 0:
            fill = max_lots
            value = max_lots * lot * reference
            record_fill(
                accounts, held, max_lots * lot, reference, taker * value, 0.0, reference, future[j]
            )
        elif live and strategy >= FIXED_SPREAD and lots != 0 and age > settings[S_TIMEOUT]:
            fill = -lots
            value = abs(held) * reference
            record_fill(accounts, held, -held, reference, taker * value, 0.0, reference, future[j])
            accounts[N_TIMEOUTS] += 1.0
        elif live and strategy >= FIXED_SPREAD:
            money = settings[S_CAPITAL] + accounts[CASH] + held * reference
            cap = position_lots(
                max_lots,
                lot,
                money,
                size_base[i],
                size_per_usd[i],
                settings[S_LEVERAGE],
                reference,
            )
            drift, aim = mu[i], target[i]
            delta_bid, delta_ask = row_distances(
                (held - settings[S_TARGET]) * per_order,
                centre[i],
                slope[i],
                aim,
                decay[i],
                nodes,
                corners[i],
                weights[i],
                falling[i],
            )
            least, most = settings[S_LEAST] * reference, settings[S_MOST] * reference
            delta_bid = bounded_distance(delta_bid, least, most)
            delta_ask = bounded_distance(delta_ask, least, most)
            room_buy, room_sell, offered = cap - lots, cap + lots, 0
            for layer in range(layers):
                step = layer * settings[S_LAYER_STEP] * reference
                below, above = layer_ticks(
                    reference, reference + shift[i], delta_bid + step, delta_ask + step, tick
                )
                if layer > 0:
                    # Neighbouring layers stand at least one tick apart.
                    below = max(min(below, bids[layer - 1] - 1), 0)
                    above = max(above, asks[layer - 1] + 1) if above > 0 else 0
                bids[layer], asks[layer] = below, above
                buys[layer] = order_lots(order, room_buy, whole) if below > 0 else 0
                sells[layer] = order_lots(order, room_sell, whole) if above > 0 else 0
                room_buy, room_sell = room_buy - buys[layer], room_sell - sells[layer]
                offered += buys[layer] + sells[layer]
            all_offered += offered
            bid = bids[0] if buys[0] > 0 else 0
            ask = asks[0] if sells[0] > 0 else 0
            side = filled_side(bid, ask, low[j], high[j], close[j], tick, penetration)
            live_share = max(0.0, 1.0 - settings[S_LATENCY] * (1.0 / duration[j]))
            volume = sell_volume[j] if side > 0 else buy_volume[j]
            left = np.floor(volume / lot * (settings[S_PARTICIPATION] * live_share) + 1e-9)
            for layer in range(layers):
                if side == 0:
                    break
                price_tick = bids[layer] if side > 0 else asks[layer]
                if side > 0:
                    reached = ceil_tick(low[j], tick) <= price_tick - penetration
                else:
                    reached = floor_tick(high[j], tick) >= price_tick + penetration
                size = buys[layer] if side > 0 else sells[layer]
                taken = int(min(float(size), left))
                if not reached or taken <= 0:
                    break
                left -= taken
                signed, price = side * taken * lot, price_tick * tick
                fee = maker * (abs(signed) * price)
                record_fill(
                    accounts,
                    (lots + fill) * lot,
                    signed,
                    price,
                    fee,
                    0.0,
                    reference,
                    future[j],
                )
                accounts[TAKEN] += abs(signed)
                fill += side * taken
        age = age + seconds[j] if lots != 0 and lots * (lots + fill) > 0 else 0.0
        lots += fill
        held = lots * lot
        accounts[INVENTORY] += held * (close[j] - reference)
        accounts[ABS_INVENTORY_S] += abs(held) * seconds[j]
        if strategy != NONE and order_lots(order, cap - abs(lots), whole) == 0:
            accounts[LIMIT_S] += seconds[j]
        equity[j] = accounts[CASH] + held * close[j]
        inventory[j] = held
        if detail.shape[1] > 0:
            detail[D_BID, j] = bid * tick if bid > 0 else np.nan
            detail[D_ASK, j] = ask * tick if ask > 0 else np.nan
            detail[D_FILL, j] = fill * lot
            detail[D_CASH, j] = accounts[CASH]
            detail[D_MU, j] = drift
            detail[D_TARGET, j] = aim * order_size
    accounts[OFFERED] = all_offered * lot
    held = lots * lot
    cost = abs(held) * close[n - 1] * taker
    accounts[LIQUIDATION] = 0.0 - cost
    accounts[CASH] += held * close[n - 1] - cost
    return accounts
