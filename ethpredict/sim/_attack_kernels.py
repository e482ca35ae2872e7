"""Compiled attacks on our included transaction: a front-run and a sandwich.

The plain reference, bit-identical by test, is :mod:`ethpredict.sim.reference_pool`.
"""

from __future__ import annotations

import numpy as np

from ethpredict.kernel_cache import njit
from ethpredict.sim._draw_kernels import uniform
from ethpredict.sim._pool_kernels import trade_cost

# Purposes of the draws of one row, after those of the pool.
FRONT_RUN, SANDWICH = 7, 8


@njit(cache=True, nogil=True, error_model="numpy")
def struck(probability: float, seed: int, replicate: int, row: int, purpose: int) -> bool:
    """Whether an attack of a probability happens in a row; nothing is drawn at 0.

    Parameters
    ----------
    probability : float
        In [0, 1].
    seed, replicate, row, purpose : int
        Key of the draw.
    """
    return probability > 0.0 and uniform(seed, replicate, row, purpose) < probability


@njit(cache=True, nogil=True, error_model="numpy")
def after_same_trade(
    size: float, reserve0: float, reserve1: float, fee: float
) -> tuple[float, float]:
    """Reserves that we meet when somebody has made our trade before us.

    Parameters
    ----------
    size : float
        Signed ETH.
    reserve0, reserve1, fee : float
        The pool.

    Returns
    -------
    reserve0, reserve1 : float
        As they were where the pool cannot deliver that size.
    """
    cost = trade_cost(size, reserve0, reserve1, fee)
    if np.isinf(cost):
        return reserve0, reserve1
    return reserve0 - size, reserve1 + cost


@njit(cache=True, nogil=True, error_model="numpy")
def sandwich_price(expected: float, slippage: float, probability: float) -> float:
    """What sandwiches take from a trade that fills, on average, USD.

    Parameters
    ----------
    expected : float
        USD paid (negative: received) at the decision.
    slippage : float
        Tolerance as a share of it.
    probability : float
        Chance of a sandwich.
    """
    return probability * (slippage * abs(expected))
