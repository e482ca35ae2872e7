"""Compiled pool of the simulator: its cost of a trade, our best trade, everybody else's trades.

The plain reference, bit-identical by test, is :mod:`ethpredict.sim.reference_pool`.
"""

from __future__ import annotations

import numpy as np

from ethpredict.kernel_cache import njit
from ethpredict.sim._amm_kernels import amount_in, amount_out, arbitrage, swap
from ethpredict.sim._draw_kernels import normal, uniform

# Purposes of the random draws of one row.
INCLUSION_NOISE, INCLUSION_ARBITRAGE, OUR_INCLUSION = 0, 1, 2
EARLY_NOISE, QUIET_BLOCKS, LATE_NOISE = 3, 4, 5
INCLUSION_LATE_NOISE = 6

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
def compete(
    reserve0: float, reserve1: float, price: float, fee: float, cost: float
) -> tuple[float, float]:
    """Reserves after the competing arbitrageur has met a price.

    Parameters
    ----------
    reserve0, reserve1 : float
        The pool, ETH and USD.
    price : float
        Price elsewhere, USD.
    fee : float
        Fee as a share of the input.
    cost : float
        Gas and bribe of one swap, USD: it acts only if the profit is larger.
    """
    sold, paid, profit = arbitrage(reserve0, reserve1, price, fee)
    if not profit > cost:
        return reserve0, reserve1
    if sold > 0.0:
        _, reserve0, reserve1, _ = swap(sold, reserve0, reserve1, fee, True)
    elif paid > 0.0:
        _, reserve1, reserve0, _ = swap(paid, reserve1, reserve0, fee, True)
    return reserve0, reserve1


@njit(cache=True, nogil=True, error_model="numpy")
def inclusion_block(duration: float, block_time: float, latency: float) -> tuple[float, int, int]:
    """Where in a row the block stands that may hold our transaction.

    Parameters
    ----------
    duration : float
        Length of the row, s, > 0.
    block_time : float
        Time between blocks, s, > 0.
    latency : float
        From the decision to the sent transaction, s, >= 0.

    Returns
    -------
    share : float
        ``min(1, (latency + block_time)/duration)``: its moment as a share of the row.
        1 where the row is shorter, so that no price after the row is read.
    first : int
        Blocks up to and including it, >= 1.
    rest : int
        Blocks of the row after it, >= 0. A row shorter than a block is one block.
    """
    wait = latency + block_time
    blocks = max(1, int(np.floor(duration / block_time + 0.5)))
    first = min(blocks, max(1, int(np.floor(wait / block_time + 0.5))))
    return min(1.0, wait / duration), first, blocks - first


@njit(cache=True, nogil=True, error_model="numpy")
def play_blocks(
    reserve0: float,
    reserve1: float,
    fee: float,
    start_price: float,
    end_price: float,
    blocks: int,
    noise: float,
    arbitrage_probability: float,
    cost: float,
    seed: int,
    replicate: int,
    row: int,
    early_noise: int,
    quiet_blocks: int,
    late_noise: int,
) -> tuple[float, float]:
    """Reserves after some consecutive blocks.

    The number of blocks since the competitor was last there is drawn (geometric)
    instead of playing every block: noise until then, the arbitrage against the
    price of that block (on the line between both prices), noise afterwards. Its
    earlier visits are left out (docs/simulation.md says what that costs).

    Parameters
    ----------
    reserve0, reserve1, fee : float
        The pool before the first of them.
    start_price, end_price : float
        Prices before the first and at the last of them, USD.
    blocks : int
        How many, >= 0.
    noise : float
        Standard deviation of one block's flow as a share of the pool.
    arbitrage_probability : float
        Chance per block that the competitor is there.
    cost : float
        Its gas and bribe, USD.
    seed, replicate, row : int
        Key of the draws.
    early_noise, quiet_blocks, late_noise : int
        Purposes of the draws.
    """
    if blocks == 0:
        return reserve0, reserve1
    if arbitrage_probability >= 1.0:
        quiet = 0
    elif arbitrage_probability <= 0.0:
        quiet = blocks
    else:
        draw = np.log(uniform(seed, replicate, row, quiet_blocks))
        quiet = int(min(np.float64(blocks), np.floor(draw / np.log1p(-arbitrage_probability))))
    if quiet < blocks:
        spread = noise * np.sqrt(np.float64(blocks - quiet))
        share = spread * normal(seed, replicate, row, early_noise)
        reserve0, reserve1 = noise_trade(share, reserve0, reserve1, fee)
        price = end_price + (start_price - end_price) * (quiet / blocks)
        reserve0, reserve1 = compete(reserve0, reserve1, price, fee, cost)
    if quiet > 0:
        share = noise * np.sqrt(np.float64(quiet)) * normal(seed, replicate, row, late_noise)
        reserve0, reserve1 = noise_trade(share, reserve0, reserve1, fee)
    return reserve0, reserve1
