"""Compiled accounts of lanes: fills, marks, the end; and how a block of lanes is laid out.

The plain reference of each lane is the scalar kernel,
:func:`ethpredict.sim._maker_kernels.run_lob`.
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

# Lanes of a block, which its kernels work on side by side: few enough that what one row touches
# stays in the fastest cache, a multiple of every vector width. A batch is a few blocks.
LANES = 16
BLOCKS = 4

# A block is one flat vector with this stride, known to the compiler, so that it sees that its
# places do not overlap. First what a run is told, then the terms of the fit that holds, then
# what changes with every row.
(
    V_ORDER,
    V_MAX,
    V_SIZE,
    V_TARGET,
    V_REACH,
    V_LIMIT,
    V_LEAST,
    V_MOST,
    V_LATENCY,
    V_PENETRATION,
    V_PARTICIPATION,
    V_MAKER,
    V_TAKER,
    T_CENTRE,
    T_GROWTH,
    T_PULL,
    L_LOTS,
    L_CASH,
    L_INVENTORY,
    L_ABS,
    L_LIMIT,
    L_OFFERED,
    L_PEAK,
    L_LARGEST,
    L_WATER,
    L_EQUITY,
    L_WANTED,
    L_BELOW,
    L_ABOVE,
    L_PRICE,
    L_SIDE,
    L_SPREAD,
    L_FEES,
    L_VOLUME,
    L_NOTIONAL,
    L_BUYS,
    L_SELLS,
    L_MARKOUT,
    L_MARKED,
    L_AVERAGE,
    L_CLOSES,
    L_WINS,
) = range(0, 42 * LANES, LANES)
N_BLOCK = 42 * LANES


@njit(cache=True, nogil=True, error_model="numpy")
def fill_lanes(
    block: np.ndarray,
    buy_lots: float,
    sell_lots: float,
    rate: float,
    reference: float,
    later: float,
    marked: bool,
    lot: float,
) -> None:
    """Book the fills of a row: :func:`ethpredict.sim._account_kernels.record_fill` per lane.

    A lane without a fill books a size of 0; where that gives no number, the number is not used.

    Parameters
    ----------
    block : ndarray, shape (N_BLOCK,)
        Changed; it holds the side and the price of each lane's fill.
    buy_lots, sell_lots, rate, reference : float
        Of the row: volumes in lots, 1 over its length (1/s), mid before it (USD).
    later : float
        Mid after the markout horizon, USD.
    marked : bool
        Whether it is known.
    lot : float
        ETH.
    """
    for lane in range(LANES):
        side, price = block[L_SIDE + lane], block[L_PRICE + lane]
        live = max(0.0, 1.0 - block[V_LATENCY + lane] * rate)
        volume = sell_lots if side > 0.0 else buy_lots
        left = np.floor(volume * (block[V_PARTICIPATION + lane] * live) + 1e-9)
        taken = min(block[V_ORDER + lane], left)
        taken = taken if taken >= 1.0 else 0.0
        change = side * taken
        signed = change * lot
        size = abs(signed)
        value = size * price
        fee = block[V_MAKER + lane] * size * price
        block[L_SPREAD + lane] += signed * (reference - price)
        block[L_FEES + lane] -= fee
        block[L_CASH + lane] -= signed * price + fee
        block[L_VOLUME + lane] += size
        block[L_NOTIONAL + lane] += value
        block[L_BUYS + lane] += 1.0 if signed > 0.0 else 0.0
        block[L_SELLS + lane] += 1.0 if signed < 0.0 else 0.0
        block[L_MARKOUT + lane] += signed * (later - price) if marked else 0.0
        block[L_MARKED + lane] += value if marked else 0.0
        lots, average = block[L_LOTS + lane], block[L_AVERAGE + lane]
        position = lots * lot
        held = abs(position)
        effective = price + fee / signed
        opened = position * signed >= 0.0
        mean = (average * held + effective * size) / (held + size)
        flipped = effective if size > held else average
        changed = mean if opened else flipped
        block[L_AVERAGE + lane] = changed if size > 0.0 else average
        block[L_CLOSES + lane] += 0.0 if opened else 1.0
        gained = (effective - average) * position
        gained = -1.0 if opened else gained
        block[L_WINS + lane] += 1.0 if gained > 0.0 else 0.0
        block[L_LOTS + lane] = lots + change


@njit(cache=True, nogil=True, error_model="numpy")
def mark_lanes(
    block: np.ndarray, close: float, reference: float, seconds: float, lot: float, last: bool
) -> None:
    """Mark every lane at the close of a row: parts, equity, drawdown.

    Parameters
    ----------
    block : ndarray, shape (N_BLOCK,)
        Changed.
    close, reference : float
        Mid of this row and of the one before, USD.
    seconds : float
        Time since the previous close, s.
    lot : float
        ETH.
    last : bool
        Whether time under water is left to :func:`close_lanes`.
    """
    move, wet = close - reference, 0.0 if last else seconds
    for lane in range(LANES):
        lots = block[L_LOTS + lane]
        held = lots * lot
        block[L_INVENTORY + lane] += held * move
        block[L_ABS + lane] += abs(held) * seconds
        full = block[V_MAX + lane] - abs(lots) < block[V_ORDER + lane]
        block[L_LIMIT + lane] += seconds if full else 0.0
        worth = block[L_CASH + lane] + held * close
        block[L_EQUITY + lane] = worth
        top = max(block[L_PEAK + lane], worth)
        below = top - worth
        block[L_PEAK + lane] = top
        block[L_LARGEST + lane] = max(block[L_LARGEST + lane], below)
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
        held = block[L_LOTS + lane] * lot
        cost = abs(held) * close * block[V_TAKER + lane]
        own[LIQUIDATION] = 0.0 - cost
        own[CASH] = block[L_CASH + lane] + (held * close - cost)
        own[INVENTORY], own[ABS_INVENTORY_S] = block[L_INVENTORY + lane], block[L_ABS + lane]
        own[LIMIT_S], own[OFFERED] = block[L_LIMIT + lane], block[L_OFFERED + lane]
        own[SPREAD], own[FEES] = block[L_SPREAD + lane], block[L_FEES + lane]
        own[VOLUME], own[NOTIONAL] = block[L_VOLUME + lane], block[L_NOTIONAL + lane]
        own[N_BUYS], own[N_SELLS] = block[L_BUYS + lane], block[L_SELLS + lane]
        own[MARKOUT], own[MARKOUT_NOTIONAL] = block[L_MARKOUT + lane], block[L_MARKED + lane]
        # All that a quote fills is taken from what was offered.
        own[AVERAGE], own[TAKEN] = block[L_AVERAGE + lane], block[L_VOLUME + lane]
        own[CLOSES], own[WINS] = block[L_CLOSES + lane], block[L_WINS + lane]
        below = max(0.0, block[L_PEAK + lane] - own[CASH])
        block[L_LARGEST + lane] = max(block[L_LARGEST + lane], below)
        if below > 0.0:
            block[L_WATER + lane] += seconds
