"""Compiled scalar kernel of the pool venue for a liquidity provider who mints and burns.

A row is decided with the mid, the reserves and the pool's fee income at the close of the row
before it. The row itself is played block by block: the price runs on a Brownian bridge from
the last close to this one (a block never meets a price after the row), noise trades, then the
competing arbitrageur. The plain reference, bit-identical by test, is
:mod:`ethpredict.sim.reference_lp`.
"""

from __future__ import annotations

import numpy as np

from ethpredict.kernel_cache import njit
from ethpredict.sim._account_kernels import (
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
    LIQUIDATION,
    LP_SECONDS,
    LVR_MODEL,
    N_ACCOUNTS,
    STUCK,
)
from ethpredict.sim._draw_kernels import normal
from ethpredict.sim._pool_kernels import inclusion_block, trade_cost
from ethpredict.sim._provider_kernels import (
    BRIDGE,
    DAY_S,
    GWEI,
    L_ALWAYS,
    L_BLOCK_TIME,
    L_DATA_FEE,
    L_DEPOSIT,
    L_FEE,
    L_GAS_UNITS,
    L_HORIZON,
    L_INCOME_WINDOW,
    L_LATENCY,
    L_LIMIT,
    L_LIQUIDITY,
    L_REPLICATE,
    L_SEED,
    L_TIP,
    L_TURNOVER,
    MOST_BLOCKS,
    N_STATE,
    R0,
    R1,
    SHARE,
    WALLET0,
    WALLET1,
    book_change,
    burn,
    held_eth,
    held_usd,
    mark_row,
    mint,
    play_block,
    send,
)


@njit(cache=True, nogil=True, error_model="numpy")
def wanted(
    state: np.ndarray,
    settings: np.ndarray,
    mid: float,
    sigma: float,
    drift: float,
    h_rem: float,
    income: float,
    cost: float,
    off_target: float,
) -> int:
    """Whether to mint (1), to burn (-1) or to leave things as they are (0).

    Parameters
    ----------
    state, settings : ndarray
        The run.
    mid, sigma : float
        USD, USD/sqrt(s).
    drift, h_rem : float
        Predicted drift, USD/s, and how long it lasts, s.
    income : float
        Trailing fees of the pool per USD of its value, 1/s.
    cost : float
        Gas and tip of one transaction, USD.
    off_target : float
        All our ETH less the endowment.
    """
    inside = state[SHARE] > 0.0
    if abs(off_target) >= settings[L_LIMIT]:
        return -1 if inside else 0
    if settings[L_ALWAYS] > 0.0:
        return 0 if inside else 1
    if not sigma > 0.0:
        return 0
    horizon = settings[L_HORIZON]
    moved = drift * min(h_rem, horizon) / mid
    relative = sigma / mid
    yielded = income * horizon - 0.125 * (relative * relative * horizon + moved * moved)
    value = held_eth(state) * mid + held_usd(state)
    if inside:
        return -1 if yielded * value < -cost else 0
    return 1 if yielded * value > 2.0 * cost else 0


@njit(cache=True, nogil=True, error_model="numpy")
def play_row(
    accounts: np.ndarray,
    state: np.ndarray,
    settings: np.ndarray,
    start: float,
    end: float,
    spread: float,
    endowment: float,
    base_cost: float,
    tip_cost: float,
    noise: float,
    row: int,
    blocks: int,
    ours: int,
    action: int,
) -> tuple[float, float]:
    """All blocks of one row.

    Parameters
    ----------
    accounts, state, settings : ndarray
        The first two are changed in place.
    start, end : float
        True price before the first block and at the last, USD.
    spread : float
        Standard deviation of the log price over one block.
    endowment : float
        ETH that we started with.
    base_cost, tip_cost : float
        Base fee and tip of one transaction, USD.
    noise : float
        Standard deviation of one block's flow as a share of the pool.
    row, blocks : int
        Position of the row in the bar table; how many blocks it has, >= 1.
    ours, action : int
        The block that holds our transaction (-1: none), and what it does.

    Returns
    -------
    income : float
        Fees of the row per USD in the pool.
    moved : float
        ETH that we took out of the pool (negative: put into it).
    """
    seed, replicate = np.int64(settings[L_SEED]), np.int64(settings[L_REPLICATE])
    price, log_price, log_end = start, np.log(start), np.log(end)
    earned, value, moved = 0.0, 0.0, 0.0
    for b in range(blocks):
        key = row * MOST_BLOCKS + b
        left = np.float64(blocks - b)
        now = end
        if left > 1.0:
            log_price += (log_end - log_price) / left
            shock = normal(seed, replicate, key, BRIDGE)
            log_price += spread * np.sqrt((left - 1.0) / left) * shock
            now = np.exp(log_price)
        accounts[INVENTORY] += (held_eth(state) - endowment) * (now - price)
        price = now
        earned += play_block(accounts, state, settings, price, base_cost + tip_cost, noise, key)
        value += state[R0] * price + state[R1]
        if b == ours:
            before = state[SHARE] * state[R0]
            if action > 0:
                mint(state)
            else:
                burn(state)
            moved = before - state[SHARE] * state[R0]
            book_change(accounts, action, moved, price, base_cost, tip_cost)
    return earned / (value / blocks), moved


@njit(cache=True, nogil=True, error_model="numpy")
def run_lp(
    close: np.ndarray,
    duration: np.ndarray,
    seconds: np.ndarray,
    gap: np.ndarray,
    base_fee: np.ndarray,
    sigma: np.ndarray,
    mu: np.ndarray,
    h_rem: np.ndarray,
    first_row: int,
    settings: np.ndarray,
    equity: np.ndarray,
    inventory: np.ndarray,
    detail: np.ndarray,
) -> np.ndarray:
    """One provider over the rows of one segment.

    Parameters
    ----------
    close : ndarray, shape (n,)
        Mid at each row's close, USD.
    duration, seconds : ndarray, shape (n,)
        Length of the bar, and time since the previous close, s.
    gap : ndarray of bool, shape (n,)
        True where a pause before the row cancels our transaction.
    base_fee : ndarray, shape (n,)
        Base fee known at the close of each row, gwei.
    sigma, mu, h_rem : ndarray, shape (n,)
        What was known at the close of each row: USD/sqrt(s), USD/s, s.
    first_row : int
        Position of the first row in the whole bar table (key of the draws).
    settings : ndarray, shape (N_LP_SETTINGS,)
        See the ``L_`` constants.
    equity, inventory : ndarray, shape (n,)
        Filled: USD and ETH off the endowment after each row.
    detail : ndarray, shape (N_DETAIL, n) or (N_DETAIL, 0)
        Filled where it has columns; `fill` is the ETH put into (-) or taken from the pool,
        `target` our share of the pool.

    Returns
    -------
    ndarray, shape (N_ACCOUNTS,)
        The accounts after the liquidation.
    """
    accounts, state = np.zeros(N_ACCOUNTS), np.zeros(N_STATE)
    block_time, window = settings[L_BLOCK_TIME], settings[L_INCOME_WINDOW]
    noise = settings[L_TURNOVER] * block_time / DAY_S * np.sqrt(0.5 * np.pi)
    state[R1] = 0.5 * settings[L_LIQUIDITY]
    state[R0] = state[R1] / close[0]
    state[WALLET1] = start1 = 0.5 * settings[L_DEPOSIT]
    state[WALLET0] = start0 = start1 / close[0]
    income, price = 0.0, close[0]
    gas_eth = settings[L_GAS_UNITS] * GWEI
    n = len(close)
    for j in range(n):
        i = max(j - 1, 0)
        mid = close[i]
        base_cost = (gas_eth * base_fee[i] + settings[L_DATA_FEE] * GWEI) * mid
        tip_cost = gas_eth * settings[L_TIP] * mid
        moved = 0.0
        if detail.shape[1] > 0:
            detail[D_BID, j] = state[R1] / state[R0] * (1.0 - settings[L_FEE])
            detail[D_ASK, j] = state[R1] / state[R0] / (1.0 - settings[L_FEE])
        if j > 0:
            action = wanted(
                state,
                settings,
                mid,
                sigma[i],
                mu[i],
                h_rem[i],
                income,
                base_cost + tip_cost,
                held_eth(state) - start0,
            )
            _, first, rest = inclusion_block(duration[j], block_time, settings[L_LATENCY])
            blocks = first + rest
            included = action != 0 and send(accounts, settings, gap[j], first_row + j)
            spread = sigma[i] / mid * np.sqrt(duration[j] / blocks) if sigma[i] > 0.0 else 0.0
            rate, moved = play_row(
                accounts,
                state,
                settings,
                price,
                close[j],
                spread,
                start0,
                base_cost,
                tip_cost,
                noise,
                first_row + j,
                blocks,
                first - 1 if included else -1,
                action,
            )
            price = close[j]
            income += (rate / seconds[j] - income) * min(1.0, seconds[j] / window)
        inside = state[SHARE] > 0.0
        if inside:
            accounts[LP_SECONDS] += seconds[j]
            relative = sigma[i] / mid if sigma[i] > 0.0 else 0.0
            position = state[SHARE] * (state[R0] * close[j] + state[R1])
            accounts[LVR_MODEL] += 0.125 * relative * relative * position * seconds[j]
        off, cash = mark_row(accounts, state, settings, seconds[j], start0, start1)
        equity[j], inventory[j] = off * close[j] + cash, off
        if detail.shape[1] > 0:
            detail[D_FILL, j] = moved
            detail[D_CASH, j] = cash
            detail[D_MU, j] = mu[i]
            detail[D_TARGET, j] = state[SHARE]
    leave(accounts, state, settings, close[n - 1], base_fee[n - 1], start0, start1)
    return accounts


@njit(cache=True, nogil=True, error_model="numpy")
def leave(
    accounts: np.ndarray,
    state: np.ndarray,
    settings: np.ndarray,
    mid: float,
    base_fee: float,
    start0: float,
    start1: float,
) -> None:
    """Burn, and trade the ETH back to the endowment through the pool, gas included."""
    gas = settings[L_GAS_UNITS] * (base_fee + settings[L_TIP]) + settings[L_DATA_FEE]
    gas *= GWEI * mid
    if state[SHARE] > 0.0:
        burn(state)
        accounts[LIQUIDATION] -= gas
    off = held_eth(state) - start0
    if -off >= state[R0]:
        accounts[STUCK] = 1.0
        return
    received = 0.0
    if off != 0.0:
        received = -trade_cost(-off, state[R0], state[R1], settings[L_FEE])
        accounts[LIQUIDATION] += received - off * mid - gas
    spent = accounts[GAS] + accounts[BRIBE]
    cash = held_usd(state) - start1 + spent + accounts[LIQUIDATION] + off * mid
    accounts[CASH] = cash
