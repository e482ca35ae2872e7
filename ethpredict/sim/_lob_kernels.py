"""Compiled parts of the order book at fidelity 0 (bars): ticks, orders of a row, their fills.

The plain reference, bit-identical by test, is :mod:`ethpredict.sim.reference_lob`.
"""

from __future__ import annotations

import numpy as np

from ethpredict.kernel_cache import njit
from ethpredict.sim._account_kernels import TAKEN, record_fill

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

# Rows of the orders of one row.
BIDS, ASKS, BUYS, SELLS = 0, 1, 2, 3

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
def place_layers(
    reference: float,
    shift: float,
    delta_bid: float,
    delta_ask: float,
    room_buy: int,
    room_sell: int,
    settings: np.ndarray,
    orders: np.ndarray,
) -> int:
    """Orders of one row: ticks and lots of every layer.

    Parameters
    ----------
    reference, shift : float
        Mid at the decision and move of the price that distances count from, USD.
    delta_bid, delta_ask : float
        Distances of the nearest layer, USD; nan gives no quote.
    room_buy, room_sell : int
        Lots left to the limit on either side; may be negative.
    settings : ndarray, shape (N_LOB_SETTINGS,)
        The run's settings.
    orders : ndarray of int64, shape (4, layers)
        Filled: ticks of bids and asks (0 where there is no quote), lots of both.

    Returns
    -------
    int
        Lots offered, both sides together.
    """
    order, whole = int(settings[S_ORDER_LOTS]), settings[S_WHOLE] > 0.0
    offered = 0
    for layer in range(orders.shape[1]):
        step = layer * settings[S_LAYER_STEP] * reference
        below, above = layer_ticks(
            reference, reference + shift, delta_bid + step, delta_ask + step, settings[S_TICK]
        )
        if layer > 0:
            # Neighbouring layers stand at least one tick apart.
            below = max(min(below, orders[BIDS, layer - 1] - 1), 0)
            above = max(above, orders[ASKS, layer - 1] + 1) if above > 0 else 0
        orders[BIDS, layer], orders[ASKS, layer] = below, above
        orders[BUYS, layer] = order_lots(order, room_buy, whole) if below > 0 else 0
        orders[SELLS, layer] = order_lots(order, room_sell, whole) if above > 0 else 0
        room_buy, room_sell = room_buy - orders[BUYS, layer], room_sell - orders[SELLS, layer]
        offered += orders[BUYS, layer] + orders[SELLS, layer]
    return offered


@njit(cache=True, nogil=True, error_model="numpy")
def fill_layers(
    accounts: np.ndarray,
    lots: int,
    orders: np.ndarray,
    low: float,
    high: float,
    close: float,
    duration: float,
    buy_volume: float,
    sell_volume: float,
    reference: float,
    future: float,
    settings: np.ndarray,
) -> int:
    """Fill the orders of one row by its prices and volumes.

    Parameters
    ----------
    accounts : ndarray, shape (N_ACCOUNTS,)
        Changed in place.
    lots : int
        Position before, lots.
    orders : ndarray of int64, shape (4, layers)
        As :func:`place_layers` left them.
    low, high, close, duration : float
        Prices and length of the row, USD and s.
    buy_volume, sell_volume : float
        Volume of taker buys and sells, ETH.
    reference, future : float
        Mid at the decision and after the markout horizon, USD.
    settings : ndarray, shape (N_LOB_SETTINGS,)
        The run's settings.

    Returns
    -------
    int
        Signed lots filled.
    """
    lot, tick, penetration = settings[S_LOT], settings[S_TICK], int(settings[S_PENETRATION])
    bid = orders[BIDS, 0] if orders[BUYS, 0] > 0 else 0
    ask = orders[ASKS, 0] if orders[SELLS, 0] > 0 else 0
    side = filled_side(bid, ask, low, high, close, tick, penetration)
    if side == 0:
        return 0
    share = settings[S_PARTICIPATION] * max(0.0, 1.0 - settings[S_LATENCY] * (1.0 / duration))
    volume = sell_volume if side > 0 else buy_volume
    left = np.floor(volume / lot * share + 1e-9)
    fill = 0
    for layer in range(orders.shape[1]):
        price_tick = orders[BIDS, layer] if side > 0 else orders[ASKS, layer]
        if side > 0:
            reached = ceil_tick(low, tick) <= price_tick - penetration
        else:
            reached = floor_tick(high, tick) >= price_tick + penetration
        size = orders[BUYS, layer] if side > 0 else orders[SELLS, layer]
        taken = int(min(float(size), left))
        if not reached or taken <= 0:
            break
        left -= taken
        signed, price = side * taken * lot, price_tick * tick
        fee = settings[S_MAKER] * abs(signed) * price
        record_fill(accounts, (lots + fill) * lot, signed, price, fee, 0.0, reference, future)
        accounts[TAKEN] += abs(signed)
        fill += side * taken
    return fill
