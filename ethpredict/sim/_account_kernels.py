"""Compiled accounts of one run: its fills, its P&L parts, its equity path.

The accounts of a run are one float64 vector whose places are named here; a pack
of lanes is the same vector with one more axis. The plain reference is
:mod:`ethpredict.sim.reference`.
"""

from __future__ import annotations

import numpy as np

from ethpredict.kernel_cache import njit

# Signed parts of the P&L, USD; they sum to the total.
SPREAD, INVENTORY, FEES, GAS, BRIBE, LIQUIDATION = 0, 1, 2, 3, 4, 5
# Cash in USD (trades and fees), everything paid and received since the start.
CASH = 6
N_BUYS, N_SELLS, VOLUME, NOTIONAL = 7, 8, 9, 10
# Offered and filled size (ETH on the book, transactions on the pool).
OFFERED, TAKEN = 11, 12
# Average cost of the open position (USD per ETH, costs included) and closing fills.
AVERAGE, CLOSES, WINS = 13, 14, 15
MARKOUT, MARKOUT_NOTIONAL = 16, 17
LIMIT_S, ABS_INVENTORY_S = 18, 19
N_SENT, N_REVERTS, N_NOT_INCLUDED = 20, 21, 22
# 1 when the final inventory cannot be closed in the pool.
STUCK = 23
# Positions closed as a taker because they grew too old.
N_TIMEOUTS = 24
# Of what was sent: tips (gwei) and believed chances of inclusion, summed.
TIPS, CHANCES = 25, 26
# Liquidity provider: our share of the pool's fees and of what its reserves lost or gained without
# them; of both, the arbitrageur's part; the loss that theory expects; time in the pool.
LP_FEES, LP_ADVERSE, LP_ARBITRAGE_FEES, ARBITRAGE_PROFIT = 27, 28, 29, 30
LVR_MODEL, LP_SECONDS = 31, 32
# Funding received less funding paid, USD.
FUNDING = 33
# What sandwiches took from our swaps, USD, and how often we were attacked.
SANDWICHED, N_SANDWICHES, N_FRONT_RUNS = 34, 35, 36
# Of a hybrid run, what its hedges on the pool did: parts of the P&L (gas, bribes and sandwiches
# are all theirs), cash, size and number.
POOL_SPREAD, POOL_INVENTORY, POOL_FEES, POOL_LIQUIDATION = 37, 38, 39, 40
POOL_CASH, POOL_VOLUME, N_HEDGES = 41, 42, 43
N_ACCOUNTS = 44

# Rows of the detail array that a kernel fills when it has columns.
D_BID, D_ASK, D_FILL, D_CASH, D_MU, D_TARGET = 0, 1, 2, 3, 4, 5
N_DETAIL = 6


@njit(cache=True, nogil=True, error_model="numpy")
def record_fill(
    accounts: np.ndarray,
    position: float,
    signed: float,
    price: float,
    fee: float,
    extra: float,
    mid: float,
    future: float,
) -> None:
    """Book one fill; the caller changes the position.

    Parameters
    ----------
    accounts : ndarray, shape (N_ACCOUNTS,)
        Changed in place.
    position : float
        Inventory before the fill, ETH.
    signed : float
        Size, ETH; positive when we buy. Not 0.
    price : float
        Price without the fee, USD.
    fee : float
        Fee, USD; negative for a rebate.
    extra : float
        Cost that is booked elsewhere (gas) but counts in the average cost, USD.
    mid : float
        Market mid when the quote went live, USD.
    future : float
        Market mid after the markout horizon, USD; nan where missing.
    """
    size = abs(signed)
    value = size * price
    accounts[SPREAD] += signed * (mid - price)
    accounts[FEES] -= fee
    accounts[CASH] -= signed * price + fee
    accounts[VOLUME] += size
    accounts[NOTIONAL] += value
    if signed > 0.0:
        accounts[N_BUYS] += 1.0
    else:
        accounts[N_SELLS] += 1.0
    if not np.isnan(future):
        accounts[MARKOUT] += signed * (future - price)
        accounts[MARKOUT_NOTIONAL] += value
    effective = price + (fee + extra) / signed
    held = abs(position)
    if position * signed >= 0.0:
        accounts[AVERAGE] = (accounts[AVERAGE] * held + effective * size) / (held + size)
        return
    accounts[CLOSES] += 1.0
    if (effective - accounts[AVERAGE]) * position > 0.0:
        accounts[WINS] += 1.0
    if size > held:
        accounts[AVERAGE] = effective
