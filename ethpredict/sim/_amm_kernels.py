"""Compiled float kernels of constant-product pools, for sweeps.

The exact integers of the contracts are in :mod:`ethpredict.sim.amm`; a test
bounds the distance between both (1e-12 relative after 1e5 swaps). Amounts and
reserves are in whole tokens (ETH, USD), fees are shares (0.003 = 30 bps).
Reserve 0 is ETH, reserve 1 is USD, the price is USD per ETH.
"""

from __future__ import annotations

import numpy as np

from ethpredict.kernel_cache import njit


@njit(cache=True, nogil=True, error_model="numpy")
def amount_out(amount_in: float, reserve_in: float, reserve_out: float, fee: float) -> float:
    """Output of a constant-product swap.

    Parameters
    ----------
    amount_in : float
        Tokens paid, fee included, >= 0.
    reserve_in, reserve_out : float
        Reserves before the swap, tokens, > 0.
    fee : float
        Fee as a share of the input, in [0, 1).

    Returns
    -------
    float
        ``a (1-fee) R_out / (R_in + a (1-fee))`` tokens: the same whether the fee
        stays in the pool (Uniswap v2 forks) or leaves it (Aerodrome).
    """
    net = amount_in * (1.0 - fee)
    return net * reserve_out / (reserve_in + net)


@njit(cache=True, nogil=True, error_model="numpy")
def amount_in(amount_out: float, reserve_in: float, reserve_out: float, fee: float) -> float:
    """Input that buys exactly `amount_out`; inverse of :func:`amount_out`.

    Parameters
    ----------
    amount_out : float
        Tokens bought, 0 <= amount_out < reserve_out.
    reserve_in, reserve_out, fee : float
        As in :func:`amount_out`.

    Returns
    -------
    float
        Tokens to pay, fee included; ``inf`` where the pool cannot deliver.
    """
    if amount_out >= reserve_out:
        return np.inf
    return amount_out * reserve_in / ((reserve_out - amount_out) * (1.0 - fee))


@njit(cache=True, nogil=True, error_model="numpy")
def swap(
    amount_in: float, reserve_in: float, reserve_out: float, fee: float, keep_fee: bool
) -> tuple[float, float, float, float]:
    """One swap and the reserves it leaves.

    Parameters
    ----------
    amount_in, reserve_in, reserve_out, fee : float
        As in :func:`amount_out`.
    keep_fee : bool
        True: the fee stays in the reserves (Uniswap v2, PancakeSwap v2).
        False: it leaves them into a vault (Aerodrome).

    Returns
    -------
    out, reserve_in, reserve_out, fee_amount : float
        Tokens received, reserves after the swap, fee in tokens of the input.
    """
    fee_amount = amount_in * fee
    out = amount_out(amount_in, reserve_in, reserve_out, fee)
    added = amount_in if keep_fee else amount_in - fee_amount
    return out, reserve_in + added, reserve_out - out, fee_amount


@njit(cache=True, nogil=True, error_model="numpy")
def arbitrage(
    reserve0: float, reserve1: float, price: float, fee: float
) -> tuple[float, float, float]:
    """Swap that profits most from a pool against a price elsewhere.

    Parameters
    ----------
    reserve0, reserve1 : float
        Reserves, ETH and USD, > 0.
    price : float
        Price at which ETH is bought or sold elsewhere without cost, USD, > 0.
    fee : float
        Swap fee as a share of the input, in [0, 1).

    Returns
    -------
    amount0_in, amount1_in, profit : float
        ETH paid in (ETH is dear in the pool), USD paid in (ETH is cheap in the
        pool), at most one of them positive, and the gain in USD before gas and
        bribe. All 0 inside the band ``g <= price R0/R1 <= 1/g``, ``g = 1 - fee``.

    References
    ----------
    Angeris, Kao, Chiang, Noyes, Chitra (2019), An analysis of Uniswap markets,
    https://doi.org/10.21428/58320208.c9738e64
    """
    keep = 1.0 - fee
    pool_price = reserve1 / reserve0
    if price * keep > pool_price:
        amount = (np.sqrt(reserve0 * reserve1 * price * keep) - reserve1) / keep
        gain = np.sqrt(price * reserve0) - np.sqrt(reserve1 / keep)
        return 0.0, amount, gain * gain
    if price < keep * pool_price:
        amount = (np.sqrt(reserve0 * reserve1 * keep / price) - reserve0) / keep
        gain = np.sqrt(reserve1) - np.sqrt(price * reserve0 / keep)
        return amount, 0.0, gain * gain
    return 0.0, 0.0, 0.0
