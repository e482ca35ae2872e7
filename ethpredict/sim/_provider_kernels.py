"""Compiled pool with a provider in it: state, mint and burn, one block of swaps.

The plain reference, bit-identical by test, is :mod:`ethpredict.sim.reference_lp`.
"""

from __future__ import annotations

import numpy as np

from ethpredict.kernel_cache import njit
from ethpredict.sim._account_kernels import (
    ABS_INVENTORY_S,
    ARBITRAGE_PROFIT,
    BRIBE,
    GAS,
    LIMIT_S,
    LP_ADVERSE,
    LP_ARBITRAGE_FEES,
    LP_FEES,
    N_BUYS,
    N_NOT_INCLUDED,
    N_SELLS,
    N_SENT,
    NOTIONAL,
    OFFERED,
    TAKEN,
)
from ethpredict.sim._amm_kernels import arbitrage, swap
from ethpredict.sim._draw_kernels import normal, uniform

# Places of a run's settings.
L_DEPOSIT, L_LIQUIDITY, L_FEE, L_KEEP, L_ALWAYS, L_LIMIT, L_HORIZON = 0, 1, 2, 3, 4, 5, 6
L_TURNOVER, L_BLOCK_TIME, L_ARBITRAGE, L_GAS_UNITS, L_TIP, L_INCLUSION = 7, 8, 9, 10, 11, 12
L_LATENCY, L_INCOME_WINDOW, L_SEED, L_REPLICATE, L_DATA_FEE = 13, 14, 15, 16, 17
N_LP_SETTINGS = 18

# Purposes of the draws of one block (key: row x MOST_BLOCKS + block).
BRIDGE, BLOCK_NOISE, BLOCK_ARBITRAGE = 10, 11, 12
MOST_BLOCKS = 1_048_576
LP_INCLUSION = 13

# Places of the state of a run: the pool, our share of it, our wallet, our fees in the vault.
R0, R1, SHARE, WALLET0, WALLET1, VAULT0, VAULT1 = 0, 1, 2, 3, 4, 5, 6
N_STATE = 7

GWEI = 1e-9
DAY_S = 86_400.0


@njit(cache=True, nogil=True, error_model="numpy")
def held_eth(state: np.ndarray) -> float:
    """All our ETH: in the pool, in the wallet, in the vault."""
    return state[SHARE] * state[R0] + state[WALLET0] + state[VAULT0]


@njit(cache=True, nogil=True, error_model="numpy")
def held_usd(state: np.ndarray) -> float:
    """All our USD: in the pool, in the wallet, in the vault."""
    return state[SHARE] * state[R1] + state[WALLET1] + state[VAULT1]


@njit(cache=True, nogil=True, error_model="numpy")
def send(accounts: np.ndarray, settings: np.ndarray, gap: bool, row: int) -> bool:
    """Count a mint or a burn that is sent, and draw whether it is included.

    Parameters
    ----------
    accounts, settings : ndarray
        The run; the first is changed in place.
    gap : bool
        Whether the pause before the row cancels it.
    row : int
        Position of the row in the whole bar table (key of the draw).
    """
    seed, replicate = np.int64(settings[L_SEED]), np.int64(settings[L_REPLICATE])
    accounts[N_SENT] += 1.0
    accounts[OFFERED] += 1.0
    included = not gap and uniform(seed, replicate, row, LP_INCLUSION) < settings[L_INCLUSION]
    if not included:
        accounts[N_NOT_INCLUDED] += 1.0
    return included


@njit(cache=True, nogil=True, error_model="numpy")
def book_change(
    accounts: np.ndarray, action: int, moved: float, price: float, base_cost: float, tip_cost: float
) -> None:
    """Count a mint (1) or a burn (-1) that was included, and pay for it.

    Parameters
    ----------
    accounts : ndarray, shape (N_ACCOUNTS,)
        Changed in place.
    action : int
        What was done.
    moved : float
        ETH that came out of the pool (negative: went into it).
    price : float
        True price, USD.
    base_cost, tip_cost : float
        Base fee and tip, USD.
    """
    accounts[N_SELLS if action > 0 else N_BUYS] += 1.0
    accounts[NOTIONAL] += 2.0 * abs(moved) * price
    accounts[TAKEN] += 1.0
    accounts[GAS] -= base_cost
    accounts[BRIBE] -= tip_cost


@njit(cache=True, nogil=True, error_model="numpy")
def mark_row(
    accounts: np.ndarray,
    state: np.ndarray,
    settings: np.ndarray,
    seconds: float,
    start0: float,
    start1: float,
) -> tuple[float, float]:
    """What is held at a row's end beyond the endowment: ETH, and USD less gas and tips.

    Parameters
    ----------
    accounts, state, settings : ndarray
        The run; the times of inventory in the accounts are changed.
    seconds : float
        Since the previous close, s.
    start0, start1 : float
        Endowment, ETH and USD.
    """
    off = held_eth(state) - start0
    accounts[ABS_INVENTORY_S] += abs(off) * seconds
    if abs(off) >= settings[L_LIMIT]:
        accounts[LIMIT_S] += seconds
    return off, held_usd(state) - start1 + (accounts[GAS] + accounts[BRIBE])


@njit(cache=True, nogil=True, error_model="numpy")
def mint(state: np.ndarray) -> None:
    """Put as much of the wallet into the pool as its ratio allows."""
    add = min(state[WALLET0] / state[R0], state[WALLET1] / state[R1])
    state[SHARE] = (state[SHARE] + add) / (1.0 + add)
    state[WALLET0] -= add * state[R0]
    state[WALLET1] -= add * state[R1]
    state[R0] += add * state[R0]
    state[R1] += add * state[R1]


@njit(cache=True, nogil=True, error_model="numpy")
def burn(state: np.ndarray) -> None:
    """Take our share out of the pool and our fees out of the vault."""
    out0, out1 = state[SHARE] * state[R0], state[SHARE] * state[R1]
    state[WALLET0] += out0 + state[VAULT0]
    state[WALLET1] += out1 + state[VAULT1]
    state[R0] -= out0
    state[R1] -= out1
    state[SHARE] = state[VAULT0] = state[VAULT1] = 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def pool_swap(
    accounts: np.ndarray,
    state: np.ndarray,
    amount: float,
    eth_in: bool,
    price: float,
    fee: float,
    keep: bool,
) -> tuple[float, float]:
    """Somebody else's swap, with our share of its fee and of its loss booked.

    Parameters
    ----------
    accounts, state : ndarray
        Changed in place.
    amount : float
        Tokens paid in, fee included, > 0.
    eth_in : bool
        Whether ETH is paid in.
    price : float
        True price, USD.
    fee : float
        Share of the input.
    keep : bool
        Whether the fee stays in the reserves.

    Returns
    -------
    fee_value, adverse : float
        Of the whole pool: the fee's value, and the change of the reserves' value without the
        fee (negative: the trader took value), USD.
    """
    if eth_in:
        out, into, left, paid = swap(amount, state[R0], state[R1], fee, keep)
        state[R0], state[R1] = into, left
        fee_value = paid * price
        adverse = (amount - paid) * price - out
        if not keep:
            state[VAULT0] += state[SHARE] * paid
    else:
        out, into, left, paid = swap(amount, state[R1], state[R0], fee, keep)
        state[R1], state[R0] = into, left
        fee_value = paid
        adverse = (amount - paid) - out * price
        if not keep:
            state[VAULT1] += state[SHARE] * paid
    accounts[LP_FEES] += state[SHARE] * fee_value
    accounts[LP_ADVERSE] += state[SHARE] * adverse
    return fee_value, adverse


@njit(cache=True, nogil=True, error_model="numpy")
def play_block(
    accounts: np.ndarray,
    state: np.ndarray,
    settings: np.ndarray,
    price: float,
    cost: float,
    noise: float,
    key: int,
) -> float:
    """One block: noise flow, then the arbitrageur.

    Parameters
    ----------
    accounts, state, settings : ndarray
        The first two are changed in place.
    price : float
        True price at the block, USD.
    cost : float
        The arbitrageur's gas and tip, USD.
    noise : float
        Standard deviation of the block's flow as a share of the pool.
    key : int
        Number of the block among all blocks of the data.

    Returns
    -------
    float
        Fees that the whole pool earned, USD.
    """
    seed, replicate = np.int64(settings[L_SEED]), np.int64(settings[L_REPLICATE])
    fee, keep = settings[L_FEE], settings[L_KEEP] > 0.0
    earned = 0.0
    flow = noise * normal(seed, replicate, key, BLOCK_NOISE) if noise > 0.0 else 0.0
    if flow > 0.0:
        amount = 2.0 * flow * state[R1]
        value, _ = pool_swap(accounts, state, amount, False, price, fee, keep)
        earned += value
    elif flow < 0.0:
        amount = -2.0 * flow * state[R0]
        value, _ = pool_swap(accounts, state, amount, True, price, fee, keep)
        earned += value
    phi = settings[L_ARBITRAGE]
    if phi < 1.0 and uniform(seed, replicate, key, BLOCK_ARBITRAGE) >= phi:
        return earned
    sold, paid, profit = arbitrage(state[R0], state[R1], price, fee)
    if not profit > cost:
        return earned
    eth_in = sold > 0.0
    share = state[SHARE]
    amount = sold if eth_in else paid
    value, _ = pool_swap(accounts, state, amount, eth_in, price, fee, keep)
    accounts[LP_ARBITRAGE_FEES] += share * value
    accounts[ARBITRAGE_PROFIT] += share * profit
    return earned + value
