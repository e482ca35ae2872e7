"""Compiled scalar kernel of a provider on a recorded pool: our share of what really happened.

The record sets the reserves; our liquidity stands beside it and leaves no trace. The plain
reference, bit-identical by test, is :mod:`ethpredict.sim.reference_lp_tape`.
"""

from __future__ import annotations

import numpy as np

from ethpredict.kernel_cache import njit
from ethpredict.sim._account_kernels import (
    D_ASK,
    D_BID,
    D_CASH,
    D_FILL,
    D_MU,
    D_TARGET,
    INVENTORY,
    LP_ADVERSE,
    LP_FEES,
    LP_SECONDS,
    LVR_MODEL,
    N_ACCOUNTS,
)
from ethpredict.sim._lp_kernels import leave, wanted
from ethpredict.sim._provider_kernels import (
    GWEI,
    L_DATA_FEE,
    L_DEPOSIT,
    L_FEE,
    L_GAS_UNITS,
    L_INCOME_WINDOW,
    L_KEEP,
    L_TIP,
    N_STATE,
    R0,
    R1,
    SHARE,
    VAULT0,
    VAULT1,
    WALLET0,
    WALLET1,
    book_change,
    held_eth,
    mark_row,
    send,
)

# Columns of an event: its place between two closes (0 to 1), the reserves after it, and what a
# swap paid in.
E_MOMENT, E_RESERVE0, E_RESERVE1, E_PAID0, E_PAID1 = 0, 1, 2, 3, 4
N_EVENT = 5
# Relative changes of liquidity below this are rounding.
SAME = 1e-9
LEAST_MOVE = 1e-12


@njit(cache=True, nogil=True, error_model="numpy")
def join(state: np.ndarray) -> None:
    """Put as much of the wallet beside the recorded pool as its ratio allows.

    `SHARE` is our liquidity over the recorded one, which is not changed.
    """
    add = min(state[WALLET0] / state[R0], state[WALLET1] / state[R1])
    state[SHARE] = add
    state[WALLET0] -= add * state[R0]
    state[WALLET1] -= add * state[R1]


@njit(cache=True, nogil=True, error_model="numpy")
def part(state: np.ndarray) -> None:
    """Take our liquidity and our fees out; the recorded pool stays as it is."""
    state[WALLET0] += state[SHARE] * state[R0] + state[VAULT0]
    state[WALLET1] += state[SHARE] * state[R1] + state[VAULT1]
    state[SHARE] = state[VAULT0] = state[VAULT1] = 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def traded_liquidity(
    before0: float,
    before1: float,
    after0: float,
    after1: float,
    net0: float,
    net1: float,
) -> float:
    """Recorded liquidity that a swap met: the root of the product of the reserves.

    A swap of concentrated liquidity that crosses ticks meets several; then the one that moves
    the price as far for the same input is taken, which gives a position over all prices exactly
    the fee that it has on the way.

    Parameters
    ----------
    before0, before1, after0, after1 : float
        Reserves around the swap.
    net0, net1 : float
        What it paid in, less the fee.
    """
    first, last = np.sqrt(before0 * before1), np.sqrt(after0 * after1)
    if abs(last - first) <= SAME * first:
        return first
    root, end = np.sqrt(before1 / before0), np.sqrt(after1 / after0)
    if net1 > 0.0:
        moved, least, net = abs(end - root), LEAST_MOVE * root, net1
    else:
        moved, least, net = abs(1.0 / end - 1.0 / root), LEAST_MOVE / root, net0
    return net / moved if moved > least else last


@njit(cache=True, nogil=True, error_model="numpy")
def meet_event(
    accounts: np.ndarray,
    state: np.ndarray,
    event: np.ndarray,
    price: float,
    fee: float,
    keep: bool,
) -> float:
    """One recorded event, with our part of its fee and of what the reserves lose booked.

    Parameters
    ----------
    accounts, state : ndarray
        Changed in place.
    event : ndarray, shape (N_EVENT,)
        See the ``E_`` constants.
    price : float
        True price, USD.
    fee : float
        Share of the input.
    keep : bool
        Whether the recorded reserves take the fee in.

    Returns
    -------
    float
        Fee per USD of the recorded pool.
    """
    before0, before1 = state[R0], state[R1]
    after0, after1 = event[E_RESERVE0], event[E_RESERVE1]
    fee0, fee1 = fee * event[E_PAID0], fee * event[E_PAID1]
    swap = event[E_PAID0] + event[E_PAID1] > 0.0
    if state[SHARE] > 0.0:
        first, last = np.sqrt(before0 * before1), np.sqrt(after0 * after1)
        own = state[SHARE] * first
        grown, paid0, paid1 = own, 0.0, 0.0
        if swap:
            depth = first
            if keep:
                grown = own * (1.0 + (last / first - 1.0) * (first / (first + own)))
            else:
                net0, net1 = event[E_PAID0] - fee0, event[E_PAID1] - fee1
                depth = traded_liquidity(before0, before1, after0, after1, net0, net1)
            ours = own / (depth + own)
            paid0, paid1 = ours * fee0, ours * fee1
        share = grown / last
        change = (share * after0 - state[SHARE] * before0) * price
        change += share * after1 - state[SHARE] * before1
        earned = paid0 * price + paid1
        if keep:
            change -= earned
        else:
            state[VAULT0] += paid0
            state[VAULT1] += paid1
        accounts[LP_FEES] += earned
        accounts[LP_ADVERSE] += change
        state[SHARE] = share
    state[R0], state[R1] = after0, after1
    return (fee0 * price + fee1) / (after0 * price + after1) if swap else 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def run_lp_tape(
    close: np.ndarray,
    seconds: np.ndarray,
    gap: np.ndarray,
    base_fee: np.ndarray,
    sigma: np.ndarray,
    mu: np.ndarray,
    h_rem: np.ndarray,
    first_row: int,
    known: np.ndarray,
    borders: np.ndarray,
    ours: np.ndarray,
    events: np.ndarray,
    start: np.ndarray,
    settings: np.ndarray,
    equity: np.ndarray,
    inventory: np.ndarray,
    detail: np.ndarray,
) -> np.ndarray:
    """One provider beside a recorded pool, over the rows of one segment.

    Parameters
    ----------
    close, seconds, gap, base_fee, sigma, mu, h_rem, first_row
        As for :func:`ethpredict.sim._lp_kernels.run_lp`.
    known : ndarray of bool, shape (n,)
        Whether the decision of each row knows the pool; without, nothing is sent.
    borders : ndarray of int64, shape (n + 1,)
        Events of row j are `borders[j]` to `borders[j + 1] - 1`.
    ours : ndarray of int64, shape (n,)
        Our transaction of row j comes before this event.
    events : ndarray, shape (m, N_EVENT)
        See the ``E_`` constants.
    start : ndarray, shape (2,)
        Reserves at the first close; 0 where they are not known.
    settings : ndarray, shape (N_LP_SETTINGS,)
        See the ``L_`` constants.
    equity, inventory, detail : ndarray
        Filled, as by :func:`ethpredict.sim._lp_kernels.run_lp`.

    Returns
    -------
    ndarray, shape (N_ACCOUNTS,)
        The accounts after the liquidation.
    """
    accounts, state = np.zeros(N_ACCOUNTS), np.zeros(N_STATE)
    fee, keep = settings[L_FEE], settings[L_KEEP] > 0.0
    state[R0], state[R1] = start[0], start[1]
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
        if detail.shape[1] > 0 and known[j]:
            detail[D_BID, j] = state[R1] / state[R0] * (1.0 - fee)
            detail[D_ASK, j] = state[R1] / state[R0] / (1.0 - fee)
        if j > 0:
            action, rate = 0, 0.0
            if known[j]:
                action = wanted(
                    state, settings, mid, sigma[i], mu[i], h_rem[i], income,
                    base_cost + tip_cost, held_eth(state) - start0,
                )  # fmt: skip
            included = action != 0 and send(accounts, settings, gap[j], first_row + j)
            for e in range(borders[j], borders[j + 1] + 1):
                if included and e == ours[j]:
                    before = state[SHARE] * state[R0]
                    if action > 0:
                        join(state)
                    else:
                        part(state)
                    moved = before - state[SHARE] * state[R0]
                    book_change(accounts, action, moved, price, base_cost, tip_cost)
                last = e == borders[j + 1]
                now = close[j] if last else mid + (close[j] - mid) * events[e, E_MOMENT]
                accounts[INVENTORY] += (held_eth(state) - start0) * (now - price)
                price = now
                if not last:
                    rate += meet_event(accounts, state, events[e], price, fee, keep)
            window = settings[L_INCOME_WINDOW]
            income += (rate / seconds[j] - income) * min(1.0, seconds[j] / window)
        if state[SHARE] > 0.0:
            accounts[LP_SECONDS] += seconds[j]
            change = np.log(close[j] / mid)
            position = state[SHARE] * (state[R0] * close[j] + state[R1])
            accounts[LVR_MODEL] += 0.125 * change * change * position
        off, cash = mark_row(accounts, state, settings, seconds[j], start0, start1)
        equity[j], inventory[j] = off * close[j] + cash, off
        if detail.shape[1] > 0:
            detail[D_FILL, j] = moved
            detail[D_CASH, j] = cash
            detail[D_MU, j] = mu[i]
            detail[D_TARGET, j] = state[SHARE] / (1.0 + state[SHARE])
    # As one pool with our share in it, which is then burned: the rest is the recorded pool.
    whole = 1.0 + state[SHARE]
    state[R0], state[R1] = whole * state[R0], whole * state[R1]
    state[SHARE] /= whole
    leave(accounts, state, settings, close[n - 1], base_fee[n - 1], start0, start1)
    return accounts
