"""Compiled scalar kernel of the pool venue: a taker who rebalances by blocks.

A row is decided with the mid and the reserves at the close of the row before
it. The row itself is a sequence of blocks: those up to the one in which our
transaction may be included, and those after it, which move the pool on. The plain reference,
bit-identical by test, is :func:`ethpredict.sim.reference.run_amm`.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from ethpredict.quoting._bribe_kernels import best_bribe, inclusion_chance
from ethpredict.sim._account_kernels import (
    ABS_INVENTORY_S,
    BRIBE,
    CASH,
    CHANCES,
    D_ASK,
    D_BID,
    D_CASH,
    D_FILL,
    D_MU,
    D_TARGET,
    GAS,
    INVENTORY,
    LIMIT_S,
    LIQUIDATION,
    N_ACCOUNTS,
    N_NOT_INCLUDED,
    N_REVERTS,
    N_SENT,
    OFFERED,
    STUCK,
    TAKEN,
    TIPS,
    record_fill,
)
from ethpredict.sim._amm_kernels import amount_out
from ethpredict.sim._draw_kernels import uniform
from ethpredict.sim._pool_kernels import (
    EARLY_NOISE,
    INCLUSION_ARBITRAGE,
    INCLUSION_LATE_NOISE,
    INCLUSION_NOISE,
    LATE_NOISE,
    OUR_INCLUSION,
    QUIET_BLOCKS,
    best_trade,
    gain,
    inclusion_block,
    play_blocks,
    trade_cost,
)

NONE, HOLD, GLFT = 0, 1, 3

# Places of a run's settings.
P_STRATEGY, P_GAMMA, P_MAX, P_FEE, P_LIQUIDITY, P_TURNOVER, P_BLOCK_TIME = 0, 1, 2, 3, 4, 5, 6
# P_TIP is what others pay; P_TRUE_A and P_TRUE_S decide, whatever the strategy believes.
P_ARBITRAGE, P_GAS_UNITS, P_TIP, P_TRUE_A, P_SLIPPAGE, P_REVERT = 7, 8, 9, 10, 11, 12
P_RISK_HORIZON, P_MIN_TRADE, P_SEED, P_REPLICATE, P_LATENCY = 13, 14, 15, 16, 17
P_TRUE_S, P_OPTIMAL, P_ALL_PAY, P_DATA_FEE, P_ON_SUCCESS = 18, 19, 20, 21, 22
N_AMM_SETTINGS = 23

# USD that a run starts with, over the first value of its inventory limit.
ENDOWMENT_USD = 2.0
GWEI = 1e-9
DAY_S = 86_400.0


@njit(cache=True, nogil=True, error_model="numpy")
def opportunity(surplus: float, base_cost: float, settings: np.ndarray) -> float:
    """Worth of being included before the bribe, USD.

    A bribe that is owed on success only (builder tip) is weighed per success: the gas of the
    reverts is shared among the trades that fill.

    Parameters
    ----------
    surplus : float
        Gain of the trade if it fills, USD.
    base_cost : float
        Base fee and data fee, paid in any case, USD.
    settings : ndarray
        The run's settings.
    """
    success = 1.0 - settings[P_REVERT]
    if settings[P_ON_SUCCESS] == 0.0:
        return success * surplus - base_cost
    return surplus - base_cost / success if success > 0.0 else -np.inf


@njit(cache=True, nogil=True, error_model="numpy")
def execute(
    accounts: np.ndarray,
    size: float,
    expected: float,
    mid: float,
    future: float,
    base_cost: float,
    tip_cost: float,
    funds: float,
    held: float,
    reserve0: float,
    reserve1: float,
    settings: np.ndarray,
) -> tuple[float, float, float]:
    """Play our included transaction against the reserves it meets.

    Parameters
    ----------
    accounts : ndarray, shape (N_ACCOUNTS,)
        Changed in place.
    size, expected : float
        Signed ETH, and the USD that it cost at the decision.
    mid, future : float
        Mid at the decision and after the markout horizon, USD.
    base_cost, tip_cost : float
        Base fee and tip of the transaction, USD.
    funds, held : float
        USD balance and inventory before, USD and ETH.
    reserve0, reserve1 : float
        The pool.
    settings : ndarray
        The run's settings.

    Returns
    -------
    filled, reserve0, reserve1 : float
        Signed ETH (0 after a revert) and the pool afterwards.
    """
    fee = settings[P_FEE]
    cost = trade_cost(size, reserve0, reserve1, fee)
    filled = cost <= expected + settings[P_SLIPPAGE] * abs(expected) and cost <= funds
    if settings[P_ON_SUCCESS] > 0.0 and not filled:
        tip_cost = 0.0
    accounts[GAS] -= base_cost
    accounts[BRIBE] -= tip_cost
    accounts[CASH] -= base_cost + tip_cost
    if not filled:
        accounts[N_REVERTS] += 1.0
        return 0.0, reserve0, reserve1
    if size > 0.0:
        fee_value = cost * fee
        price = (cost - fee_value) / size
        reserve0, reserve1 = reserve0 - size, reserve1 + cost
    else:
        fee_value = -size * fee * mid
        price = (fee_value - cost) / -size
        reserve0, reserve1 = reserve0 - size, reserve1 + cost
    record_fill(accounts, held, size, price, fee_value, base_cost + tip_cost, mid, future)
    accounts[TAKEN] += 1.0
    return size, reserve0, reserve1


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
    limit, fee = settings[P_MAX], settings[P_FEE]
    phi, horizon = settings[P_ARBITRAGE], settings[P_RISK_HORIZON]
    seed, replicate = np.int64(settings[P_SEED]), np.int64(settings[P_REPLICATE])
    optimal, all_pay = settings[P_OPTIMAL] > 0.0, settings[P_ALL_PAY] > 0.0
    block_noise = settings[P_TURNOVER] * settings[P_BLOCK_TIME] / DAY_S * np.sqrt(0.5 * np.pi)
    reserve1 = 0.5 * settings[P_LIQUIDITY]
    reserve0 = reserve1 / close[0]
    endowment_usd = ENDOWMENT_USD * limit * close[0]
    held = 0.0
    n = len(close)
    for j in range(n):
        i = max(j - 1, 0)
        reference = close[i]
        size, expected, drift, target, fill = 0.0, 0.0, 0.0, 0.0, 0.0
        send = False
        funds = endowment_usd + accounts[CASH] - accounts[GAS] - accounts[BRIBE]
        gas_eth = settings[P_GAS_UNITS] * GWEI
        base_cost = (gas_eth * base_fee[i] + settings[P_DATA_FEE] * GWEI) * reference
        usd_per_gwei = gas_eth * reference
        # What the competitor pays.
        cost = base_cost + settings[P_TIP] * usd_per_gwei
        tip_gwei, chance = tip[i], inclusion_chance(odds[i], slope[i], tip[i])
        if detail.shape[1] > 0:
            detail[D_BID, j] = reserve1 / reserve0 * (1.0 - fee)
            detail[D_ASK, j] = reserve1 / reserve0 / (1.0 - fee)
        if j > 0 and strategy == HOLD and held == 0.0:
            size = limit
            send = not np.isnan(chance)
        elif j > 0 and strategy == GLFT and sigma[i] > 0.0:
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
            value = opportunity(surplus, base_cost, settings)
            if optimal:
                bribe, chance, utility = best_bribe(
                    odds[i], slope[i] / usd_per_gwei, value, all_pay
                )
                tip_gwei = bribe / usd_per_gwei
            elif all_pay:
                utility = chance * value - tip_gwei * usd_per_gwei
            else:
                utility = chance * (value - tip_gwei * usd_per_gwei)
            send = size != 0.0 and abs(size) >= settings[P_MIN_TRADE] and utility > 0.0
        row = first_row + j
        tip_cost = tip_gwei * usd_per_gwei
        moment, first, rest = inclusion_block(
            duration[j], settings[P_BLOCK_TIME], settings[P_LATENCY]
        )
        met = open_[j] + (close[j] - open_[j]) * moment
        if send:
            accounts[N_SENT] += 1.0
            accounts[OFFERED] += 1.0
            accounts[TIPS] += tip_gwei
            accounts[CHANCES] += chance
            expected = trade_cost(size, reserve0, reserve1, fee)
            if all_pay:
                accounts[BRIBE] -= tip_cost
                accounts[CASH] -= tip_cost
                tip_cost = 0.0
        if j > 0:
            reserve0, reserve1 = play_blocks(
                reserve0,
                reserve1,
                fee,
                open_[j],
                met,
                first,
                block_noise,
                phi,
                cost,
                seed,
                replicate,
                row,
                INCLUSION_NOISE,
                INCLUSION_ARBITRAGE,
                INCLUSION_LATE_NOISE,
            )
            if send:
                luck = uniform(seed, replicate, row, OUR_INCLUSION)
                true = inclusion_chance(settings[P_TRUE_A], settings[P_TRUE_S], tip_gwei)
                if gap[j] or luck >= true:
                    accounts[N_NOT_INCLUDED] += 1.0
                else:
                    fill, reserve0, reserve1 = execute(
                        accounts,
                        size,
                        expected,
                        reference,
                        future[j],
                        base_cost,
                        tip_cost,
                        funds,
                        held,
                        reserve0,
                        reserve1,
                        settings,
                    )
            reserve0, reserve1 = play_blocks(
                reserve0,
                reserve1,
                fee,
                met,
                close[j],
                rest,
                block_noise,
                phi,
                cost,
                seed,
                replicate,
                row,
                EARLY_NOISE,
                QUIET_BLOCKS,
                LATE_NOISE,
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


@njit(cache=True, nogil=True, error_model="numpy")
def close_position(
    accounts: np.ndarray,
    held: float,
    mid: float,
    base_fee: float,
    reserve0: float,
    reserve1: float,
    settings: np.ndarray,
) -> None:
    """Close the final inventory through the pool, gas included."""
    if held == 0.0:
        return
    if -held >= reserve0:
        accounts[STUCK] = 1.0
        return
    gas = settings[P_GAS_UNITS] * (base_fee + settings[P_TIP]) + settings[P_DATA_FEE]
    gas *= GWEI * mid
    received = -trade_cost(-held, reserve0, reserve1, settings[P_FEE]) - gas
    accounts[LIQUIDATION] = received - held * mid
    accounts[CASH] += received
