"""Compiled parts of one transaction on the pool: its worth, its tip, its place in a row's blocks.

A row is a sequence of blocks: those up to the one in which our transaction may be included,
and those after it, which move the pool on. The plain reference, bit-identical by test, is
:mod:`ethpredict.sim.reference`.
"""

from __future__ import annotations

import numpy as np

from ethpredict.kernel_cache import njit
from ethpredict.quoting._bribe_kernels import best_bribe, inclusion_chance
from ethpredict.sim._account_kernels import (
    BRIBE,
    CASH,
    CHANCES,
    GAS,
    LIQUIDATION,
    N_FRONT_RUNS,
    N_NOT_INCLUDED,
    N_REVERTS,
    N_SANDWICHES,
    N_SENT,
    OFFERED,
    SANDWICHED,
    STUCK,
    TAKEN,
    TIPS,
    record_fill,
)
from ethpredict.sim._attack_kernels import FRONT_RUN, SANDWICH, after_same_trade, struck
from ethpredict.sim._draw_kernels import uniform
from ethpredict.sim._pool_kernels import (
    EARLY_NOISE,
    INCLUSION_ARBITRAGE,
    INCLUSION_LATE_NOISE,
    INCLUSION_NOISE,
    LATE_NOISE,
    OUR_INCLUSION,
    QUIET_BLOCKS,
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
# Chances that our included transaction is front-run or sandwiched.
P_FRONT_RUN, P_SANDWICH = 23, 24
N_AMM_SETTINGS = 25

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
        Gain of the trade if it fills, what sandwiches take left out, USD.
    base_cost : float
        Base fee and data fee, paid in any case, USD.
    settings : ndarray
        The run's settings.
    """
    # A trade that somebody made before us is taken to revert.
    success = (1.0 - settings[P_REVERT]) * (1.0 - settings[P_FRONT_RUN])
    if settings[P_ON_SUCCESS] == 0.0:
        return success * surplus - base_cost
    return surplus - base_cost / success if success > 0.0 else -np.inf


@njit(cache=True, nogil=True, error_model="numpy")
def choose_tip(
    value: float,
    tip: float,
    odds: float,
    slope: float,
    usd_per_gwei: float,
    settings: np.ndarray,
) -> tuple[float, float, float]:
    """Tip of a transaction, its believed chance of inclusion and what sending it is worth.

    Parameters
    ----------
    value : float
        Worth of being included before the bribe, USD, see :func:`opportunity`.
    tip : float
        Tip of the row where it is not chosen per transaction, gwei.
    odds, slope : float
        Believed inclusion curve: log odds, and their gain per gwei.
    usd_per_gwei : float
        USD that one gwei of tip costs.
    settings : ndarray
        The run's settings.

    Returns
    -------
    tip, chance, utility : float
        gwei, share, USD.
    """
    all_pay = settings[P_ALL_PAY] > 0.0
    if settings[P_OPTIMAL] > 0.0:
        bribe, chance, utility = best_bribe(odds, slope / usd_per_gwei, value, all_pay)
        return bribe / usd_per_gwei, chance, utility
    chance = inclusion_chance(odds, slope, tip)
    if all_pay:
        return tip, chance, chance * value - tip * usd_per_gwei
    return tip, chance, chance * (value - tip * usd_per_gwei)


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
    row: int,
    settings: np.ndarray,
) -> tuple[float, float, float]:
    """Play our included transaction against the reserves it meets, attackers among them.

    A sandwich leaves us the worst price that we accept; what it takes beyond the pool's own
    price is an account of its own, and its two trades leave the pool as they found it.

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
    row : int
        Position in the whole bar table (key of the draws).
    settings : ndarray
        The run's settings.

    Returns
    -------
    filled, reserve0, reserve1 : float
        Signed ETH (0 after a revert) and the pool afterwards.
    """
    fee = settings[P_FEE]
    seed, replicate = np.int64(settings[P_SEED]), np.int64(settings[P_REPLICATE])
    if struck(settings[P_FRONT_RUN], seed, replicate, row, FRONT_RUN):
        accounts[N_FRONT_RUNS] += 1.0
        reserve0, reserve1 = after_same_trade(size, reserve0, reserve1, fee)
    cost = trade_cost(size, reserve0, reserve1, fee)
    worst = min(expected + settings[P_SLIPPAGE] * abs(expected), funds)
    filled = cost <= worst and cost < np.inf
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
    else:
        fee_value = -size * fee * mid
        price = (fee_value - cost) / -size
    reserve0, reserve1 = reserve0 - size, reserve1 + cost
    taken = 0.0
    if struck(settings[P_SANDWICH], seed, replicate, row, SANDWICH):
        taken = worst - cost
        accounts[N_SANDWICHES] += 1.0
        accounts[SANDWICHED] -= taken
        accounts[CASH] -= taken
    extra = base_cost + tip_cost + taken
    record_fill(accounts, held, size, price, fee_value, extra, mid, future)
    accounts[TAKEN] += 1.0
    return size, reserve0, reserve1


@njit(cache=True, nogil=True, error_model="numpy")
def transact(
    accounts: np.ndarray,
    size: float,
    tip: float,
    chance: float,
    expected: float,
    base_cost: float,
    usd_per_gwei: float,
    funds: float,
    held: float,
    reserve0: float,
    reserve1: float,
    gap: bool,
    reference: float,
    future: float,
    row: int,
    settings: np.ndarray,
) -> tuple[float, float, float]:
    """Count our transaction and play it if the block takes it.

    Parameters
    ----------
    accounts : ndarray, shape (N_ACCOUNTS,)
        Changed in place.
    size, tip, chance, base_cost, usd_per_gwei, funds, held, gap, reference, future, row, settings
        As in :func:`play_row`; nothing happens where the size is 0.
    expected : float
        USD that it cost at the decision.
    reserve0, reserve1 : float
        The pool before it in its block.

    Returns
    -------
    filled, reserve0, reserve1 : float
        Signed ETH and the pool afterwards.
    """
    if size == 0.0:
        return 0.0, reserve0, reserve1
    seed, replicate = np.int64(settings[P_SEED]), np.int64(settings[P_REPLICATE])
    tip_cost = tip * usd_per_gwei
    accounts[N_SENT] += 1.0
    accounts[OFFERED] += 1.0
    accounts[TIPS] += tip
    accounts[CHANCES] += chance
    if settings[P_ALL_PAY] > 0.0:
        accounts[BRIBE] -= tip_cost
        accounts[CASH] -= tip_cost
        tip_cost = 0.0
    luck = uniform(seed, replicate, row, OUR_INCLUSION)
    if gap or luck >= inclusion_chance(settings[P_TRUE_A], settings[P_TRUE_S], tip):
        accounts[N_NOT_INCLUDED] += 1.0
        return 0.0, reserve0, reserve1
    return execute(
        accounts, size, expected, reference, future, base_cost, tip_cost, funds, held, reserve0,
        reserve1, row, settings,
    )  # fmt: skip


@njit(cache=True, nogil=True, error_model="numpy")
def play_row(
    accounts: np.ndarray,
    size: float,
    tip: float,
    chance: float,
    base_cost: float,
    usd_per_gwei: float,
    funds: float,
    held: float,
    reserve0: float,
    reserve1: float,
    open_: float,
    close: float,
    duration: float,
    gap: bool,
    reference: float,
    future: float,
    row: int,
    settings: np.ndarray,
) -> tuple[float, float, float]:
    """Blocks of one row, with our transaction among them if there is one.

    Parameters
    ----------
    accounts : ndarray, shape (N_ACCOUNTS,)
        Changed in place.
    size : float
        Signed ETH of our transaction; 0 where none is sent.
    tip, chance : float
        Its tip, gwei, and the chance of inclusion that we believe in.
    base_cost, usd_per_gwei : float
        Base and data fee, USD, and what one gwei of tip costs, USD.
    funds, held : float
        USD balance and inventory before the row, USD and ETH.
    reserve0, reserve1 : float
        The pool before the row.
    open_, close, duration : float
        Prices and length of the row, USD and s.
    gap : bool
        Whether the pause before the row cancels our transaction.
    reference, future : float
        Mid at the decision and after the markout horizon, USD.
    row : int
        Its position in the whole bar table (key of the draws).
    settings : ndarray
        The run's settings.

    Returns
    -------
    filled, reserve0, reserve1 : float
        Signed ETH and the pool after the row.
    """
    fee, phi = settings[P_FEE], settings[P_ARBITRAGE]
    seed, replicate = np.int64(settings[P_SEED]), np.int64(settings[P_REPLICATE])
    noise = settings[P_TURNOVER] * settings[P_BLOCK_TIME] / DAY_S * np.sqrt(0.5 * np.pi)
    # What the competitor pays.
    cost = base_cost + settings[P_TIP] * usd_per_gwei
    moment, first, rest = inclusion_block(duration, settings[P_BLOCK_TIME], settings[P_LATENCY])
    met = open_ + (close - open_) * moment
    expected = trade_cost(size, reserve0, reserve1, fee)
    reserve0, reserve1 = play_blocks(
        reserve0,
        reserve1,
        fee,
        open_,
        met,
        first,
        noise,
        phi,
        cost,
        seed,
        replicate,
        row,
        INCLUSION_NOISE,
        INCLUSION_ARBITRAGE,
        INCLUSION_LATE_NOISE,
    )
    fill, reserve0, reserve1 = transact(
        accounts, size, tip, chance, expected, base_cost, usd_per_gwei, funds, held, reserve0,
        reserve1, gap, reference, future, row, settings,
    )  # fmt: skip
    reserve0, reserve1 = play_blocks(
        reserve0,
        reserve1,
        fee,
        met,
        close,
        rest,
        noise,
        phi,
        cost,
        seed,
        replicate,
        row,
        EARLY_NOISE,
        QUIET_BLOCKS,
        LATE_NOISE,
    )
    return fill, reserve0, reserve1


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
