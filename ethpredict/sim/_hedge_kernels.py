"""Compiled hedge: what a trade on the pool is worth to a maker, and the best one towards q*.

The value of inventory is read off the quotes: with ``theta(q) = (D/k) ln v_q`` a bid stands
``theta(q + 1) - theta(q)`` per ETH nearer than the centre of the spread (D: order size, q in
orders, ln v linear between whole ones). The plain reference is
:mod:`ethpredict.sim.reference_hybrid`.
"""

from __future__ import annotations

import numpy as np

from ethpredict.kernel_cache import njit
from ethpredict.sim._account_kernels import AVERAGE, OFFERED, TAKEN
from ethpredict.sim._pool_kernels import BISECTIONS, marginal_gain
from ethpredict.sim._quote_kernels import row_distances

# An inventory that is whole but for floating point counts as whole.
WHOLE = 1e-9
# Quotes of one row: centre, slope, target, decay, nodes, corners, weights, falling.
Terms = tuple[float, float, float, float, np.ndarray, np.ndarray, np.ndarray, bool]


@njit(cache=True, nogil=True, error_model="numpy")
def order_value(q: float, terms: Terms) -> float:
    """``(theta(q + 1) - theta(q))/D`` at a whole number of orders, USD per ETH.

    Parameters
    ----------
    q : float
        Inventory less its target setting, orders.
    terms : tuple
        Quotes of the row, as :func:`ethpredict.sim._quote_kernels.row_distances` takes them.
    """
    return terms[0] - row_distances(q, *terms)[0]


@njit(cache=True, nogil=True, error_model="numpy")
def value_change(q: float, traded: float, terms: Terms) -> float:
    """``(theta(q + traded) - theta(q))/D``, USD per ETH times orders.

    Parameters
    ----------
    q, traded : float
        Inventory less its target setting, and signed trade, orders.
    terms : tuple
        Quotes of the row.
    """
    end, total = q + traded, 0.0
    while end - q > WHOLE:
        below = np.floor(q + WHOLE)
        stop = min(below + 1.0, end)
        total += (stop - q) * order_value(below, terms)
        q = stop
    while q - end > WHOLE:
        below = np.ceil(q - WHOLE) - 1.0
        stop = max(below, end)
        total -= (q - stop) * order_value(below, terms)
        q = stop
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def best_hedge(
    most: float,
    buying: bool,
    price: float,
    reserve0: float,
    reserve1: float,
    fee: float,
    q: float,
    order_size: float,
    terms: Terms,
) -> float:
    """Size that maximises ``a M - C(a) + theta(q + a) - theta(q)`` on one side of the pool.

    Parameters
    ----------
    most : float
        Largest size, ETH; nothing is traded where it is not positive.
    buying : bool
        Side.
    price : float
        M, the price that the quotes count from, USD.
    reserve0, reserve1, fee : float
        The pool.
    q, order_size : float
        Inventory less its target setting, orders; ETH of one order.
    terms : tuple
        Quotes of the row.

    Returns
    -------
    float
        ETH, >= 0; 0 where no trade gains or the row has no quotes.
    """
    sign = 1.0 if buying else -1.0
    low, high = 0.0, most
    if not high > 0.0:
        return 0.0
    for step in range(BISECTIONS + 2):
        # Both ends first: most hedges are all or nothing.
        size = low if step == 0 else (high if step == 1 else 0.5 * (low + high))
        place = q + sign * size / order_size
        below = np.floor(place + WHOLE) if buying else np.ceil(place - WHOLE) - 1.0
        value = order_value(below, terms)
        slope = marginal_gain(sign * size, buying, price, reserve0, reserve1, fee, 0.0, value, 0.0)
        gains = sign * slope > 0.0
        if step == 0 and not gains:
            return 0.0
        if step == 1 and gains:
            return high
        if gains:
            low = size
        else:
            high = size
    return low


@njit(cache=True, nogil=True, error_model="numpy")
def add_leg(accounts: np.ndarray, pool: np.ndarray, leg: np.ndarray) -> None:
    """Book one transaction with the run as a whole and with its pool leg.

    Parameters
    ----------
    accounts, pool : ndarray, shape (N_ACCOUNTS,)
        Of the run and of its pool leg; changed in place.
    leg : ndarray, shape (N_ACCOUNTS,)
        Of the transaction alone, with the run's average cost after it. The run's offered and
        filled size stays that of the book.
    """
    accounts[AVERAGE] = leg[AVERAGE]
    leg[AVERAGE] = leg[OFFERED] = leg[TAKEN] = 0.0
    for a in range(len(leg)):
        accounts[a] += leg[a]
        pool[a] += leg[a]
