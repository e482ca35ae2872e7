"""Compiled accounts of lanes: fills, marks, the end; and how a block of lanes is laid out.

The plain reference of each lane is the scalar kernel,
:func:`ethpredict.sim._maker_kernels.run_lob`. Two habits keep the loops vector instructions:
both values of a choice are worked out before it, and 0.0 is added to a largest value before it is
stored. A store that only takes place where the value changes would become a masked one, ten times
as slow as any other.
"""

from __future__ import annotations

import numpy as np

from ethpredict.kernel_cache import njit
from ethpredict.sim._account_kernels import (
    ABS_INVENTORY_S,
    AVERAGE,
    CASH,
    CLOSES,
    FEES,
    INVENTORY,
    LIMIT_S,
    LIQUIDATION,
    MARKOUT,
    MARKOUT_NOTIONAL,
    N_BUYS,
    N_SELLS,
    NOTIONAL,
    OFFERED,
    SPREAD,
    TAKEN,
    VOLUME,
    WINS,
)

# Lanes of a block, which its kernels work on side by side: what a row touches stays in the fastest
# cache, and the start of a loop weighs little.
LANES = 64

# A block is one flat vector with this stride, known to the compiler, so that it sees that its
# places do not overlap. First what a run is told, then the terms of the fit that holds, then
# what changes with every row. `V_ROOM` is the largest position to which an order can be added,
# `V_DEBT` its negative. The caps are ticks: 0 and `NO_ASK` where the limit leaves no bid or ask.
(
    V_ORDER,
    V_ROOM,
    V_DEBT,
    V_SIZE,
    V_TARGET,
    V_REACH,
    V_LIMIT,
    V_LEAST,
    V_MOST,
    V_MAKER,
    V_TAKER,
    T_CENTRE,
    T_GROWTH,
    T_PULL,
    L_LOTS,
    L_HELD,
    L_SKEW,
    L_BID_CAP,
    L_ASK_CAP,
    L_WANTED,
    L_BELOW,
    L_ABOVE,
    L_PRICE,
    L_SIDE,
    L_CASH,
    L_INVENTORY,
    L_ABS,
    L_LIMIT,
    L_OFFERED,
    L_PEAK,
    L_LARGEST,
    L_WATER,
    L_SPREAD,
    L_FEES,
    L_VOLUME,
    L_NOTIONAL,
    L_NET,
    L_FILLS,
    L_MARKOUT,
    L_MARKED,
    L_AVERAGE,
    L_CLOSES,
    L_WINS,
) = range(0, 43 * LANES, LANES)
N_BLOCK = 43 * LANES

# What a row tells its lanes: its prices (USD) and times (s), what was known before it, prices in
# ticks, whole lots left to either side, and 1 where there is any; mid after the markout horizon
# and 1 where it is known.
(
    R_CLOSE,
    R_REFERENCE,
    R_SECONDS,
    R_QUOTING,
    R_SCALE,
    R_LEAN,
    R_PACE,
    R_FALLING,
    R_DECAY,
    R_LIFTED,
    R_LOWERED,
    R_HIGHEST_BID,
    R_LOWEST_ASK,
    R_REACH_BID,
    R_REACH_ASK,
    R_MIDDLE,
    R_LEFT_BID,
    R_LEFT_ASK,
    R_ANY_BID,
    R_ANY_ASK,
    R_LATER,
    R_MARKED,
) = range(22)
N_ROW = 22

# An ask beyond every legal one.
NO_ASK = 2e12


@njit(cache=True, nogil=True, error_model="numpy")
def fill_lanes(block: np.ndarray, row: np.ndarray, lot: float, tick: float) -> None:
    """Book the fills of a row: :func:`ethpredict.sim._account_kernels.record_fill` per lane.

    A lane without a fill books a size of 0.

    Parameters
    ----------
    block : ndarray, shape (N_BLOCK,)
        Changed; it holds the side and the price (ticks) of each lane's fill.
    row : ndarray, shape (N_ROW,)
        The row.
    lot, tick : float
        ETH, USD.
    """
    reference, later, marked = row[R_REFERENCE], row[R_LATER], row[R_MARKED]
    left_bid, left_ask = row[R_LEFT_BID], row[R_LEFT_ASK]
    for lane in range(LANES):
        side, price = block[L_SIDE + lane], block[L_PRICE + lane] * tick
        left = left_bid if side > 0.0 else left_ask
        change = side * min(block[V_ORDER + lane], left)
        signed = change * lot
        size = abs(signed)
        value, charge = size * price, block[V_MAKER + lane] * price
        fee = size * charge
        block[L_SPREAD + lane] += signed * (reference - price)
        block[L_FEES + lane] -= fee
        block[L_CASH + lane] -= signed * price + fee
        block[L_VOLUME + lane] += size
        block[L_NOTIONAL + lane] += value
        block[L_NET + lane] += side
        block[L_FILLS + lane] += abs(side)
        block[L_MARKOUT + lane] += signed * (later - price) * marked
        block[L_MARKED + lane] += value * marked
        position, average = block[L_HELD + lane], block[L_AVERAGE + lane]
        worse = (price + side * charge) - average
        share = signed / (position + signed)
        share = share if share > 0.0 else 0.0
        block[L_AVERAGE + lane] = average + worse * min(share, 1.0)
        against = position * signed
        block[L_CLOSES + lane] += 1.0 if against < 0.0 else 0.0
        # Below 0 where both are: a position is reduced, at a better price than it had cost.
        won = max(against, worse * signed)
        block[L_WINS + lane] += 1.0 if won < 0.0 else 0.0
        lots = block[L_LOTS + lane] + change
        held = lots * lot
        block[L_LOTS + lane], block[L_HELD + lane] = lots, held
        # What only a fill changes about the next quotes.
        block[L_SKEW + lane] = (held - block[V_TARGET + lane]) / block[V_SIZE + lane]
        block[L_BID_CAP + lane] = np.inf if lots <= block[V_ROOM + lane] else 0.0
        block[L_ASK_CAP + lane] = 0.0 if lots >= block[V_DEBT + lane] else NO_ASK


@njit(cache=True, nogil=True, error_model="numpy")
def mark_lanes(block: np.ndarray, row: np.ndarray, last: bool) -> None:
    """Mark every lane at the close of a row: parts, drawdown.

    Parameters
    ----------
    block : ndarray, shape (N_BLOCK,)
        Changed.
    row : ndarray, shape (N_ROW,)
        The row.
    last : bool
        Whether time under water is left to :func:`close_lanes`.
    """
    close, move, seconds = row[R_CLOSE], row[R_CLOSE] - row[R_REFERENCE], row[R_SECONDS]
    wet = 0.0 if last else seconds
    for lane in range(LANES):
        held = block[L_HELD + lane]
        block[L_INVENTORY + lane] += held * move
        block[L_ABS + lane] += abs(held) * seconds
        full = abs(block[L_LOTS + lane]) > block[V_ROOM + lane]
        block[L_LIMIT + lane] += seconds if full else 0.0
        worth = block[L_CASH + lane] + held * close
        top = max(block[L_PEAK + lane], worth)
        below = top - worth
        block[L_PEAK + lane] = top + 0.0
        block[L_LARGEST + lane] = max(block[L_LARGEST + lane], below) + 0.0
        block[L_WATER + lane] += wet if below > 0.0 else 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def close_lanes(
    accounts: np.ndarray, block: np.ndarray, close: float, seconds: float, lot: float
) -> None:
    """Liquidate every lane at the last close, and gather its accounts.

    Parameters
    ----------
    accounts : ndarray, shape (LANES, N_ACCOUNTS)
        Filled.
    block : ndarray, shape (N_BLOCK,)
        Drawdown and time under water are completed in it.
    close, seconds : float
        Of the last row: USD, s.
    lot : float
        ETH.
    """
    for lane in range(LANES):
        own = accounts[lane]
        held, net, fills = block[L_HELD + lane], block[L_NET + lane], block[L_FILLS + lane]
        cost = abs(held) * close * block[V_TAKER + lane]
        own[LIQUIDATION] = 0.0 - cost
        own[CASH] = block[L_CASH + lane] + (held * close - cost)
        own[INVENTORY], own[ABS_INVENTORY_S] = block[L_INVENTORY + lane], block[L_ABS + lane]
        own[LIMIT_S] = block[L_LIMIT + lane]
        own[OFFERED] = block[L_OFFERED + lane] * block[V_ORDER + lane] * lot
        own[SPREAD], own[FEES] = block[L_SPREAD + lane], block[L_FEES + lane]
        own[VOLUME], own[NOTIONAL] = block[L_VOLUME + lane], block[L_NOTIONAL + lane]
        own[N_BUYS], own[N_SELLS] = 0.5 * (fills + net), 0.5 * (fills - net)
        own[MARKOUT], own[MARKOUT_NOTIONAL] = block[L_MARKOUT + lane], block[L_MARKED + lane]
        # All that a quote fills is taken from what was offered.
        own[AVERAGE], own[TAKEN] = block[L_AVERAGE + lane], block[L_VOLUME + lane]
        own[CLOSES], own[WINS] = block[L_CLOSES + lane], block[L_WINS + lane]
        below = max(0.0, block[L_PEAK + lane] - own[CASH])
        block[L_LARGEST + lane] = max(block[L_LARGEST + lane], below)
        if below > 0.0:
            block[L_WATER + lane] += seconds
