"""Compiled scalar kernel of the order book at fidelity 0 (bars): a maker.

A row is decided with what had arrived at the close of the row before it, then
filled, then marked at its own close. The plain reference, bit-identical by test, is
:func:`ethpredict.sim.reference_lob.run_lob`.
"""

from __future__ import annotations

import numpy as np

from ethpredict.kernel_cache import njit
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
    record_fill,
)
from ethpredict.sim._lob_kernels import (
    ASKS,
    BIDS,
    BUYS,
    FIXED_SPREAD,
    HOLD,
    NONE,
    S_CAPITAL,
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
    SELLS,
    fill_layers,
    order_lots,
    place_layers,
)
from ethpredict.sim._quote_kernels import bounded_distance, position_lots, row_distances


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
    orders = np.zeros((4, layers), np.int64)
    order_size = order * lot
    taker = settings[S_TAKER]
    whole = settings[S_WHOLE] > 0.0
    lots, age = 0, 0.0
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
                (held - settings[S_TARGET]) / order_size,
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
            offered = place_layers(
                reference,
                shift[i],
                delta_bid,
                delta_ask,
                cap - lots,
                cap + lots,
                settings,
                orders,
            )
            accounts[OFFERED] += offered * lot
            bid = orders[BIDS, 0] if orders[BUYS, 0] > 0 else 0
            ask = orders[ASKS, 0] if orders[SELLS, 0] > 0 else 0
            fill = fill_layers(
                accounts,
                lots,
                orders,
                low[j],
                high[j],
                close[j],
                duration[j],
                buy_volume[j],
                sell_volume[j],
                reference,
                future[j],
                settings,
            )
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
    held = lots * lot
    cost = abs(held) * close[n - 1] * taker
    accounts[LIQUIDATION] = 0.0 - cost
    accounts[CASH] += held * close[n - 1] - cost
    return accounts
