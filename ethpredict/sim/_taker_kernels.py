"""Compiled scalar kernel of the pool venue: a taker who rebalances by blocks.

A row is decided with the mid and the reserves at the close of the row before it, then played
block by block. The plain reference, bit-identical by test, is
:func:`ethpredict.sim.reference.run_amm`.
"""

from __future__ import annotations

import numpy as np

from ethpredict.kernel_cache import njit
from ethpredict.quoting._bribe_kernels import inclusion_chance
from ethpredict.sim._account_kernels import (
    ABS_INVENTORY_S,
    BRIBE,
    CASH,
    D_ASK,
    D_BID,
    D_CASH,
    D_FILL,
    D_MU,
    D_TARGET,
    GAS,
    INVENTORY,
    LIMIT_S,
    N_ACCOUNTS,
)
from ethpredict.sim._amm_kernels import amount_out
from ethpredict.sim._attack_kernels import sandwich_price
from ethpredict.sim._pool_kernels import best_trade, gain, trade_cost
from ethpredict.sim._transaction_kernels import (
    ENDOWMENT_USD,
    GLFT,
    GWEI,
    HOLD,
    NONE,
    P_DATA_FEE,
    P_FEE,
    P_GAMMA,
    P_GAS_UNITS,
    P_LIQUIDITY,
    P_MAX,
    P_MIN_TRADE,
    P_RISK_HORIZON,
    P_SANDWICH,
    P_SLIPPAGE,
    P_STRATEGY,
    choose_tip,
    close_position,
    opportunity,
    play_row,
    transact,
)


@njit(cache=True, nogil=True, error_model="numpy")
def run_amm(
    open_: np.ndarray,
    close: np.ndarray,
    duration: np.ndarray,
    seconds: np.ndarray,
    gap: np.ndarray,
    future: np.ndarray,
    base_fee: np.ndarray,
    tip: np.ndarray,
    odds: np.ndarray,
    slope: np.ndarray,
    sigma: np.ndarray,
    mu: np.ndarray,
    h_rem: np.ndarray,
    first_row: int,
    tape: np.ndarray,
    settings: np.ndarray,
    equity: np.ndarray,
    inventory: np.ndarray,
    detail: np.ndarray,
) -> np.ndarray:
    """One strategy over the rows of one segment.

    Parameters
    ----------
    open_, close : ndarray, shape (n,)
        Prices of each row, USD.
    duration, seconds : ndarray, shape (n,)
        Length of the bar, and time since the previous close, s.
    gap : ndarray of bool, shape (n,)
        True where a pause before the row cancels our transaction.
    future : ndarray, shape (n,)
        Mid after the markout horizon, counted from the row's open; nan if missing.
    base_fee : ndarray, shape (n,)
        Base fee of the next block as known at the close of each row, gwei.
    tip, odds, slope : ndarray, shape (n,)
        Our tip where it is not chosen per transaction, gwei (nan: nothing is sent), and
        the believed inclusion curve: log odds, and their gain per gwei.
    sigma, mu, h_rem : ndarray, shape (n,)
        What was known at the close of each row: USD/sqrt(s), USD/s, s.
    first_row : int
        Position of the first row in the whole bar table (key of the draws).
    tape : ndarray, shape (n, 6) or (0, 6)
        Reserves that drive the pool, see :func:`ethpredict.sim.pool_tape.pool_rows`: at the
        decision (nan: nothing is sent), before our transaction and at the end of each row.
        Without rows the pool plays its own blocks.
    settings : ndarray, shape (N_AMM_SETTINGS,)
        See the ``P_`` constants.
    equity, inventory : ndarray, shape (n,)
        Filled: USD and ETH after each row, before the final liquidation.
    detail : ndarray, shape (N_DETAIL, n) or (N_DETAIL, 0)
        Filled where it has columns; bid and ask are the pool's executable
        prices for an infinitesimal trade at the decision.

    Returns
    -------
    ndarray, shape (N_ACCOUNTS,)
        The accounts after the liquidation.
    """
    accounts = np.zeros(N_ACCOUNTS)
    strategy = int(settings[P_STRATEGY])
    limit, fee, horizon = settings[P_MAX], settings[P_FEE], settings[P_RISK_HORIZON]
    reserve1 = 0.5 * settings[P_LIQUIDITY]
    reserve0 = reserve1 / close[0]
    endowment_usd = ENDOWMENT_USD * limit * close[0]
    held = 0.0
    n = len(close)
    driven = len(tape) > 0
    for j in range(n):
        i = max(j - 1, 0)
        if driven:
            reserve0, reserve1 = tape[j, 0], tape[j, 1]
        reference = close[i]
        size, drift, target, fill = 0.0, 0.0, 0.0, 0.0
        funds = endowment_usd + accounts[CASH] - accounts[GAS] - accounts[BRIBE]
        gas_eth = settings[P_GAS_UNITS] * GWEI
        base_cost = (gas_eth * base_fee[i] + settings[P_DATA_FEE] * GWEI) * reference
        usd_per_gwei = gas_eth * reference
        tip_gwei, chance = tip[i], inclusion_chance(odds[i], slope[i], tip[i])
        if detail.shape[1] > 0:
            detail[D_BID, j] = reserve1 / reserve0 * (1.0 - fee)
            detail[D_ASK, j] = reserve1 / reserve0 / (1.0 - fee)
        known = j > 0 and reserve0 > 0.0
        if known and strategy == HOLD and held == 0.0:
            size = 0.0 if np.isnan(chance) else limit
        elif known and strategy == GLFT and sigma[i] > 0.0:
            drift = mu[i]
            tilt = drift * min(h_rem[i], horizon)
            curvature = horizon * settings[P_GAMMA] * sigma[i] * sigma[i]
            target = min(max(tilt / curvature, -limit), limit)
            affordable = amount_out(max(0.0, funds), reserve1, reserve0, fee)
            size = best_trade(
                reference,
                reserve0,
                reserve1,
                fee,
                held,
                tilt,
                curvature,
                min(limit - held, affordable),
                limit + held,
            )
            surplus = gain(size, reference, reserve0, reserve1, fee, held, tilt, curvature)
            expected = trade_cost(size, reserve0, reserve1, fee)
            surplus -= sandwich_price(expected, settings[P_SLIPPAGE], settings[P_SANDWICH])
            value = opportunity(surplus, base_cost, settings)
            tip_gwei, chance, utility = choose_tip(
                value, tip_gwei, odds[i], slope[i], usd_per_gwei, settings
            )
            if not (abs(size) >= settings[P_MIN_TRADE] and utility > 0.0):
                size = 0.0
        if driven:
            expected = trade_cost(size, reserve0, reserve1, fee)
            fill, _, _ = transact(
                accounts, size, tip_gwei, chance, expected, base_cost, usd_per_gwei, funds, held,
                tape[j, 2], tape[j, 3], gap[j], reference, future[j], first_row + j, settings,
            )  # fmt: skip
            reserve0, reserve1 = tape[j, 4], tape[j, 5]
        elif j > 0:
            fill, reserve0, reserve1 = play_row(
                accounts,
                size,
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
                future[j],
                first_row + j,
                settings,
            )
        held += fill
        accounts[INVENTORY] += held * (close[j] - reference)
        accounts[ABS_INVENTORY_S] += abs(held) * seconds[j]
        if strategy != NONE and limit - abs(held) <= 1e-9 * limit:
            accounts[LIMIT_S] += seconds[j]
        equity[j] = accounts[CASH] + held * close[j]
        inventory[j] = held
        if detail.shape[1] > 0:
            detail[D_FILL, j] = fill
            detail[D_CASH, j] = accounts[CASH]
            detail[D_MU, j] = drift
            detail[D_TARGET, j] = target
    close_position(accounts, held, close[n - 1], base_fee[n - 1], reserve0, reserve1, settings)
    return accounts
