"""Compiled pool of the simulator: its cost of a trade, our best trade, everybody else's trades.

The plain reference, bit-identical by test, is :mod:`ethpredict.sim.reference_pool`.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from ethpredict.sim._amm_kernels import amount_in, amount_out, arbitrage, swap
from ethpredict.sim._draw_kernels import normal, uniform

# Purposes of the random draws of one row.
INCLUSION_NOISE, INCLUSION_ARBITRAGE, OUR_INCLUSION = 0, 1, 2
EARLY_NOISE, QUIET_BLOCKS, LATE_NOISE = 3, 4, 5

BISECTIONS = 60


@njit(cache=True, nogil=True, error_model="numpy")
def trade_cost(size: float, reserve0: float, reserve1: float, fee: float) -> float:
    """USD paid for `size` ETH (negative: received for a sale), own impact and fee included.

    Parameters
    ----------
    size : float
        ETH, positive when we buy.
    reserve0, reserve1 : float
        Reserves, ETH and USD, > 0.
    fee : float
        Fee as a share of the input.
    """
    if size >= 0.0:
        return amount_in(size, reserve1, reserve0, fee)
    return -amount_out(-size, reserve0, reserve1, fee)


@njit(cache=True, nogil=True, error_model="numpy")
def marginal_gain(
    size: float,
    buying: bool,
    mid: float,
    reserve0: float,
    reserve1: float,
    fee: float,
    inventory: float,
    tilt: float,
    curvature: float,
) -> float:
    """Slope of :func:`gain` in the trade size, USD per ETH; decreasing.

    Parameters
    ----------
    size : float
        Signed ETH.
    buying : bool
        Which of the two slopes at 0 is meant.
    mid, reserve0, reserve1, fee, inventory, tilt, curvature : float
        As in :func:`gain`.
    """
    keep = 1.0 - fee
    if buying:
        left = reserve0 - size
        price = reserve0 * reserve1 / (left * left * keep)
    else:
        deep = reserve0 - size * keep
        price = reserve0 * reserve1 * keep / (deep * deep)
    return mid - price + tilt - curvature * (inventory + size)


@njit(cache=True, nogil=True, error_model="numpy")
def gain(
    size: float,
    mid: float,
    reserve0: float,
    reserve1: float,
    fee: float,
    inventory: float,
    tilt: float,
    curvature: float,
) -> float:
    """``G(a) = a M - C(a) + theta(q + a) - theta(q)`` in USD.

    Parameters
    ----------
    size : float
        Signed trade a, ETH.
    mid : float
        Reference mid M, USD.
    reserve0, reserve1, fee : float
        The pool.
    inventory : float
        q, ETH.
    tilt, curvature : float
        ``theta(q) = tilt q - curvature q^2/2``: expected drift over the risk
        horizon (USD) and gamma sigma^2 times the risk horizon (USD/ETH).
    """
    value = size * (mid + tilt) - curvature * size * (inventory + 0.5 * size)
    return value - trade_cost(size, reserve0, reserve1, fee)


@njit(cache=True, nogil=True, error_model="numpy")
def best_trade(
    mid: float,
    reserve0: float,
    reserve1: float,
    fee: float,
    inventory: float,
    tilt: float,
    curvature: float,
    most_bought: float,
    most_sold: float,
) -> float:
    """Signed trade that maximises :func:`gain` within the balances.

    Parameters
    ----------
    mid, reserve0, reserve1, fee, inventory, tilt, curvature : float
        As in :func:`gain`.
    most_bought, most_sold : float
        Limits on either side, ETH, >= 0; `most_bought` below the reserve.

    Returns
    -------
    float
        ETH; 0 inside the band in which no trade gains.
    """
    buying = (
        marginal_gain(0.0, True, mid, reserve0, reserve1, fee, inventory, tilt, curvature) > 0.0
    )
    selling = (
        marginal_gain(0.0, False, mid, reserve0, reserve1, fee, inventory, tilt, curvature) < 0.0
    )
    if not buying and not selling:
        return 0.0
    sign = 1.0 if buying else -1.0
    low, high = 0.0, max(0.0, most_bought if buying else most_sold)
    slope = marginal_gain(
        sign * high, buying, mid, reserve0, reserve1, fee, inventory, tilt, curvature
    )
    if sign * slope >= 0.0:
        return sign * high
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        slope = marginal_gain(
            sign * middle, buying, mid, reserve0, reserve1, fee, inventory, tilt, curvature
        )
        if sign * slope > 0.0:
            low = middle
        else:
            high = middle
    return sign * low


@njit(cache=True, nogil=True, error_model="numpy")
def noise_trade(share: float, reserve0: float, reserve1: float, fee: float) -> tuple[float, float]:
    """Reserves after net noise flow of a share of the pool's value.

    Parameters
    ----------
    share : float
        Signed flow over the value of both reserves; positive buys ETH.
    reserve0, reserve1, fee : float
        The pool.
    """
    if share > 0.0:
        _, reserve1, reserve0, _ = swap(2.0 * share * reserve1, reserve1, reserve0, fee, True)
    elif share < 0.0:
        _, reserve0, reserve1, _ = swap(-2.0 * share * reserve0, reserve0, reserve1, fee, True)
    return reserve0, reserve1


@njit(cache=True, nogil=True, error_model="numpy")
def compete(reserve0: float, reserve1: float, price: float, fee: float) -> tuple[float, float]:
    """Reserves after the competing arbitrageur has acted against a price."""
    sold, paid, _ = arbitrage(reserve0, reserve1, price, fee)
    if sold > 0.0:
        _, reserve0, reserve1, _ = swap(sold, reserve0, reserve1, fee, True)
    elif paid > 0.0:
        _, reserve1, reserve0, _ = swap(paid, reserve1, reserve0, fee, True)
    return reserve0, reserve1


@njit(cache=True, nogil=True, error_model="numpy")
def later_blocks(
    reserve0: float,
    reserve1: float,
    fee: float,
    open_price: float,
    close_price: float,
    blocks: int,
    noise: float,
    arbitrage_probability: float,
    seed: int,
    replicate: int,
    row: int,
) -> tuple[float, float]:
    """Reserves at the row's close, after the blocks that follow the first.

    Only the blocks since the competitor last acted matter, so their number is
    drawn (geometric) instead of playing every block: noise until then, the
    arbitrage against the price of that block (on the line from open to close),
    noise afterwards.

    Parameters
    ----------
    reserve0, reserve1, fee : float
        The pool after the first block.
    open_price, close_price : float
        The row's prices, USD.
    blocks : int
        All blocks of the row, >= 1.
    noise : float
        Standard deviation of one block's flow as a share of the pool.
    arbitrage_probability : float
        Chance per block that the competitor acts.
    seed, replicate, row : int
        Key of the draws.
    """
    rest = blocks - 1
    if rest == 0:
        return reserve0, reserve1
    if arbitrage_probability >= 1.0:
        quiet = 0
    elif arbitrage_probability <= 0.0:
        quiet = rest
    else:
        draw = np.log(uniform(seed, replicate, row, QUIET_BLOCKS))
        quiet = int(min(np.float64(rest), np.floor(draw / np.log1p(-arbitrage_probability))))
    if quiet < rest:
        share = (
            noise * np.sqrt(np.float64(rest - quiet)) * normal(seed, replicate, row, EARLY_NOISE)
        )
        reserve0, reserve1 = noise_trade(share, reserve0, reserve1, fee)
        price = close_price + (open_price - close_price) * (quiet / blocks)
        reserve0, reserve1 = compete(reserve0, reserve1, price, fee)
    if quiet > 0:
        share = noise * np.sqrt(np.float64(quiet)) * normal(seed, replicate, row, LATE_NOISE)
        reserve0, reserve1 = noise_trade(share, reserve0, reserve1, fee)
    return reserve0, reserve1
