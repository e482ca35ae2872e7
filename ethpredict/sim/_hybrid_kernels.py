"""Compiled scalar kernel of the hybrid venue: quotes on the book, hedges on the pool.

A row's quotes and its hedge are both decided at the close of the row before it, from the
inventory of both legs; the book's fills and the pool's blocks then happen side by side. The
plain reference, bit-identical by test, is :func:`ethpredict.sim.reference_hybrid.run_hybrid`.
"""

from __future__ import annotations

import numpy as np

from ethpredict.kernel_cache import njit
from ethpredict.sim._account_kernels import (
    ABS_INVENTORY_S,
    AVERAGE,
    BRIBE,
    CASH,
    D_ASK,
    D_BID,
    D_CASH,
    D_FILL,
    D_MU,
    D_TARGET,
    FEES,
    GAS,
    INVENTORY,
    LIMIT_S,
    LIQUIDATION,
    N_ACCOUNTS,
    N_HEDGES,
    N_TIMEOUTS,
    OFFERED,
    POOL_CASH,
    POOL_FEES,
    POOL_INVENTORY,
    POOL_LIQUIDATION,
    POOL_SPREAD,
    POOL_VOLUME,
    SPREAD,
    VOLUME,
    record_fill,
)
from ethpredict.sim._amm_kernels import amount_out
from ethpredict.sim._attack_kernels import sandwich_price
from ethpredict.sim._hedge_kernels import Terms, add_leg, best_hedge, value_change
from ethpredict.sim._lob_kernels import (
    ASKS,
    BIDS,
    BUYS,
    S_CAPITAL,
    S_LAYERS,
    S_LEAST,
    S_LEVERAGE,
    S_LOT,
    S_MAX_LOTS,
    S_MOST,
    S_ORDER_LOTS,
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
from ethpredict.sim._pool_kernels import trade_cost
from ethpredict.sim._quote_kernels import bounded_distance, position_lots, row_distances
from ethpredict.sim._transaction_kernels import (
    ENDOWMENT_USD,
    GWEI,
    P_DATA_FEE,
    P_FEE,
    P_GAS_UNITS,
    P_LIQUIDITY,
    P_MAX,
    P_MIN_TRADE,
    P_SANDWICH,
    P_SLIPPAGE,
    choose_tip,
    close_position,
    opportunity,
    play_row,
    transact,
)


@njit(cache=True, nogil=True, error_model="numpy")
def choose_hedge(
    wanted: float,
    price: float,
    reserve0: float,
    reserve1: float,
    funds: float,
    stock: float,
    q: float,
    order_size: float,
    lot: float,
    terms: Terms,
    settings: np.ndarray,
) -> tuple[int, float]:
    """Trade on the pool towards q*, and its gain before gas and bribe.

    Parameters
    ----------
    wanted : float
        q* less q, ETH: the trade has its sign and is at most as large.
    price : float
        Price that the quotes count from, USD.
    reserve0, reserve1 : float
        The pool.
    funds, stock : float
        USD and ETH at hand on the pool.
    q, order_size : float
        Inventory less its target setting, orders; ETH of one order.
    lot : float
        Size step of the book, ETH: hedges are whole lots of it.
    terms : tuple
        Quotes of the row.
    settings : ndarray
        The pool's settings.

    Returns
    -------
    lots : int
        Signed; 0 where no trade gains.
    surplus : float
        ``G(a)`` less what sandwiches take on average, USD.
    """
    fee, buying = settings[P_FEE], wanted > 0.0
    most = stock
    if buying:
        most = amount_out(max(0.0, funds), reserve1, reserve0, fee)
    most = min(abs(wanted), most)
    found = best_hedge(most, buying, price, reserve0, reserve1, fee, q, order_size, terms)
    lots = int(np.floor(found / lot + 1e-9))
    if lots == 0:
        return 0, 0.0
    lots = lots if buying else -lots
    size = lots * lot
    change = order_size * value_change(q, size / order_size, terms)
    cost = trade_cost(size, reserve0, reserve1, fee)
    surplus = size * price + change - cost
    return lots, surplus - sandwich_price(cost, settings[P_SLIPPAGE], settings[P_SANDWICH])


@njit(cache=True, nogil=True, error_model="numpy")
def run_hybrid(
    open_: np.ndarray,
    close: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    duration: np.ndarray,
    seconds: np.ndarray,
    buy_volume: np.ndarray,
    sell_volume: np.ndarray,
    gap: np.ndarray,
    future_close: np.ndarray,
    future_open: np.ndarray,
    base_fee: np.ndarray,
    tip: np.ndarray,
    odds: np.ndarray,
    odds_slope: np.ndarray,
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
    first_row: int,
    tape: np.ndarray,
    band: float,
    book: np.ndarray,
    settings: np.ndarray,
    equity: np.ndarray,
    inventory: np.ndarray,
    pool_inventory: np.ndarray,
    detail: np.ndarray,
) -> np.ndarray:
    """One strategy that quotes, over the rows of one segment.

    Parameters
    ----------
    open_, close, low, high, duration, seconds, buy_volume, sell_volume, gap : ndarray, shape (n,)
        Rows, as for the two single venues.
    future_close, future_open : ndarray, shape (n,)
        Mid after the markout horizon, counted from the row's close (book) and open (pool), USD.
    base_fee, tip, odds, odds_slope : ndarray, shape (n,)
        As `base_fee`, `tip`, `odds` and `slope` of
        :func:`ethpredict.sim._taker_kernels.run_amm`.
    mu, centre, slope, target, shift, decay, nodes, corners, weights, falling : ndarray
        Quotes, as for :func:`ethpredict.sim._maker_kernels.run_lob`.
    size_base, size_per_usd : ndarray, shape (n,)
        Position size of each row, ETH and ETH per USD of capital.
    first_row : int
        Position of the first row in the whole bar table (key of the draws).
    tape : ndarray, shape (n, 6) or (0, 6)
        Reserves that drive the pool, as for :func:`ethpredict.sim._taker_kernels.run_amm`.
    band : float
        Distance from q* that is not hedged, ETH.
    book, settings : ndarray, shapes (N_LOB_SETTINGS,) and (N_AMM_SETTINGS,)
        Of the book and of the pool.
    equity, inventory, pool_inventory : ndarray, shape (n,)
        Filled: USD, ETH of both legs and of the pool leg after each row, before the final
        liquidation.
    detail : ndarray, shape (N_DETAIL, n) or (N_DETAIL, 0)
        Filled where it has columns; bid and ask are the book's, fills those of both legs.

    Returns
    -------
    ndarray, shape (N_ACCOUNTS,)
        The accounts after the liquidation of each leg at its own venue.
    """
    accounts, pool, leg = np.zeros(N_ACCOUNTS), np.zeros(N_ACCOUNTS), np.zeros(N_ACCOUNTS)
    order, max_lots, lot = int(book[S_ORDER_LOTS]), int(book[S_MAX_LOTS]), book[S_LOT]
    tick, whole, taker = book[S_TICK], book[S_WHOLE] > 0.0, book[S_TAKER]
    orders, order_size = np.zeros((4, int(book[S_LAYERS])), np.int64), order * lot
    reserve1 = 0.5 * settings[P_LIQUIDITY]
    reserve0 = reserve1 / close[0]
    endowment_usd = ENDOWMENT_USD * settings[P_MAX] * close[0]
    lots, pool_lots, hedges, age = 0, 0, 0, 0.0
    n = len(close)
    driven = len(tape) > 0
    for j in range(n):
        i = max(j - 1, 0)
        if driven:
            reserve0, reserve1 = tape[j, 0], tape[j, 1]
        reference = close[i]
        held, pool_held = lots * lot, pool_lots * lot
        live = j > 0 and not gap[j]
        overdue = lots != 0 and age > book[S_TIMEOUT]
        money = book[S_CAPITAL] + accounts[CASH] + held * reference
        bid, ask, fill, sent, hedged = 0, 0, 0, 0, 0
        cap, drift, aim = max_lots, 0.0, 0.0
        terms = (
            centre[i],
            slope[i],
            target[i],
            decay[i],
            nodes,
            corners[i],
            weights[i],
            falling[i],
        )
        q = (held - book[S_TARGET]) / order_size
        if j > 0:
            gas_eth = settings[P_GAS_UNITS] * GWEI
            base_cost = (gas_eth * base_fee[i] + settings[P_DATA_FEE] * GWEI) * reference
            usd_per_gwei = gas_eth * reference
            funds = endowment_usd + pool[CASH] - pool[GAS] - pool[BRIBE]
            tip_gwei, chance, surplus = tip[i], 0.0, 0.0
            wanted = book[S_TARGET] + target[i] * order_size - held
            # Of a recorded pool the reserves may be unknown (nan): no hedge then.
            if abs(wanted) > band and not overdue and reserve0 > 0.0:
                sent, surplus = choose_hedge(
                    wanted,
                    reference + shift[i],
                    reserve0,
                    reserve1,
                    funds,
                    settings[P_MAX] + pool_held,
                    q,
                    order_size,
                    lot,
                    terms,
                    settings,
                )
            if sent != 0:
                value = opportunity(surplus, base_cost, settings)
                tip_gwei, chance, utility = choose_tip(
                    value, tip_gwei, odds[i], odds_slope[i], usd_per_gwei, settings
                )
                if not (abs(sent) * lot >= settings[P_MIN_TRADE] and utility > 0.0):
                    sent = 0
            leg[:] = 0.0
            leg[AVERAGE] = accounts[AVERAGE]
            if driven:
                expected = trade_cost(sent * lot, reserve0, reserve1, settings[P_FEE])
                filled, _, _ = transact(
                    leg, sent * lot, tip_gwei, chance, expected, base_cost, usd_per_gwei, funds,
                    held, tape[j, 2], tape[j, 3], gap[j], reference, future_open[j],
                    first_row + j, settings,
                )  # fmt: skip
                reserve0, reserve1 = tape[j, 4], tape[j, 5]
            else:
                filled, reserve0, reserve1 = play_row(
                    leg,
                    sent * lot,
                    tip_gwei,
                    chance,
                    base_cost,
                    usd_per_gwei,
                    funds,
                    held,
                    reserve0,
                    reserve1,
                    open_[j],
                    close[j],
                    duration[j],
                    gap[j],
                    reference,
                    future_open[j],
                    first_row + j,
                    settings,
                )
            if sent != 0:
                add_leg(accounts, pool, leg)
                hedged = sent if filled != 0.0 else 0
                hedges += 1 if filled != 0.0 else 0
        if live and overdue:
            fill = -lots
            value = abs(held) * reference
            record_fill(
                accounts, held, -held, reference, taker * value, 0.0, reference, future_close[j]
            )
            accounts[N_TIMEOUTS] += 1.0
        elif live:
            cap = position_lots(
                max_lots,
                lot,
                money,
                size_base[i],
                size_per_usd[i],
                book[S_LEVERAGE],
                reference,
            )
            drift, aim = mu[i], target[i]
            delta_bid, delta_ask = row_distances(q, *terms)
            least, most = book[S_LEAST] * reference, book[S_MOST] * reference
            offered = place_layers(
                reference,
                shift[i],
                bounded_distance(delta_bid, least, most),
                bounded_distance(delta_ask, least, most),
                # A hedge under way may fill as well: the limit counts it.
                cap - lots - max(sent, 0),
                cap + lots + min(sent, 0),
                book,
                orders,
            )
            accounts[OFFERED] += offered * lot
            bid = orders[BIDS, 0] if orders[BUYS, 0] > 0 else 0
            ask = orders[ASKS, 0] if orders[SELLS, 0] > 0 else 0
            fill = fill_layers(
                accounts,
                lots + hedged,
                orders,
                low[j],
                high[j],
                close[j],
                duration[j],
                buy_volume[j],
                sell_volume[j],
                reference,
                future_close[j],
                book,
            )
        fill += hedged
        age = age + seconds[j] if lots != 0 and lots * (lots + fill) > 0 else 0.0
        lots, pool_lots = lots + fill, pool_lots + hedged
        held, pool_held = lots * lot, pool_lots * lot
        accounts[INVENTORY] += held * (close[j] - reference)
        pool[INVENTORY] += pool_held * (close[j] - reference)
        accounts[ABS_INVENTORY_S] += abs(held) * seconds[j]
        if order_lots(order, cap - abs(lots), whole) == 0:
            accounts[LIMIT_S] += seconds[j]
        equity[j] = accounts[CASH] + held * close[j]
        inventory[j], pool_inventory[j] = held, pool_held
        if detail.shape[1] > 0:
            detail[D_BID, j] = bid * tick if bid > 0 else np.nan
            detail[D_ASK, j] = ask * tick if ask > 0 else np.nan
            detail[D_FILL, j] = fill * lot
            detail[D_CASH, j] = accounts[CASH]
            detail[D_MU, j] = drift
            detail[D_TARGET, j] = aim * order_size
    quoted = (lots - pool_lots) * lot
    cost = abs(quoted) * close[n - 1] * taker
    accounts[LIQUIDATION] = 0.0 - cost
    accounts[CASH] += quoted * close[n - 1] - cost
    leg[:] = 0.0
    leg[AVERAGE] = accounts[AVERAGE]
    close_position(
        leg, pool_lots * lot, close[n - 1], base_fee[n - 1], reserve0, reserve1, settings
    )
    add_leg(accounts, pool, leg)
    accounts[POOL_SPREAD], accounts[POOL_INVENTORY] = pool[SPREAD], pool[INVENTORY]
    accounts[POOL_FEES], accounts[POOL_LIQUIDATION] = pool[FEES], pool[LIQUIDATION]
    accounts[POOL_CASH], accounts[POOL_VOLUME] = pool[CASH], pool[VOLUME]
    accounts[N_HEDGES] = hedges
    return accounts
