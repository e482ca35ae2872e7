"""Compiled accounts of lanes: fills, marks, the end; and how a batch of lanes is laid out.

The plain reference of each lane is the scalar kernel,
:func:`ethpredict.sim._maker_kernels.run_lob`.
"""

from __future__ import annotations

import numpy as np
from numba import njit

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

# Lanes of a batch; unused ones are filled with a run that never quotes. State and settings are
# flat with this stride, known to the compiler, so that it sees that rows do not overlap.
LANES = 64

# Places of the lane settings.
(
    V_ORDER,
    V_MAX,
    V_SIZE,
    V_GAMMA,
    V_LIMIT,
    V_LEAST,
    V_MOST,
    V_LATENCY,
    V_PENETRATION,
    V_PARTICIPATION,
    V_MAKER,
    V_TAKER,
    V_TARGET,
    V_FOLLOWS,
    V_SHIFTS,
    V_HALF,
) = range(0, 16 * LANES, LANES)
N_LANE_SETTINGS = 16 * LANES

# Places of the state of the lanes.
(
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
    L_BID,
    L_ASK,
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
    L_TAKEN,
    L_TARGET,
) = range(0, 26 * LANES, LANES)
N_LANE_STATE = 26 * LANES


@njit(cache=True, nogil=True, error_model="numpy")
def fill_lanes(
    state: np.ndarray,
    settings: np.ndarray,
    buy_volume: float,
    sell_volume: float,
    duration: float,
    reference: float,
    future: float,
    lot: float,
    tick: float,
) -> None:
    """Book the fills of a row: :func:`ethpredict.sim._account_kernels.record_fill` per lane.

    A lane without a fill books a size of 0.

    Parameters
    ----------
    state, settings : ndarray
        The state changes.
    buy_volume, sell_volume, duration, reference, future : float
        Of the row: ETH, s, USD.
    lot, tick : float
        ETH, USD.
    """
    marked = not np.isnan(future)
    later = future if marked else 0.0
    for lane in range(LANES):
        side, bid, ask = state[L_SIDE + lane], state[L_BID + lane], state[L_ASK + lane]
        live = max(0.0, 1.0 - settings[V_LATENCY + lane] / duration)
        volume = sell_volume if side > 0.0 else buy_volume
        left = np.floor(volume * (settings[V_PARTICIPATION + lane] * live) / lot + 1e-9)
        taken = min(settings[V_ORDER + lane], left)
        taken = taken if side != 0.0 and taken >= 1.0 else 0.0
        filled = taken > 0.0
        signed = side * taken * lot
        price = (bid if side > 0.0 else ask) * tick
        size = abs(signed)
        fee = settings[V_MAKER + lane] * size * price
        value = size * price
        state[L_SPREAD + lane] += signed * (reference - price)
        state[L_FEES + lane] -= fee
        state[L_CASH + lane] -= signed * price + fee
        state[L_VOLUME + lane] += size
        state[L_NOTIONAL + lane] += value
        state[L_BUYS + lane] += 1.0 if signed > 0.0 else 0.0
        state[L_SELLS + lane] += 1.0 if signed < 0.0 else 0.0
        state[L_MARKOUT + lane] += signed * (later - price) if marked else 0.0
        state[L_MARKED + lane] += value if marked else 0.0
        position, average = state[L_LOTS + lane] * lot, state[L_AVERAGE + lane]
        held = abs(position)
        effective = price + (fee + 0.0) / (signed if filled else 1.0)
        opened = position * signed >= 0.0
        mean = (average * held + effective * size) / ((held + size) if filled else 1.0)
        flipped = effective if size > held else average
        state[L_AVERAGE + lane] = (mean if opened else flipped) if filled else average
        won = (effective - average) * position > 0.0
        state[L_CLOSES + lane] += 0.0 if opened else 1.0
        state[L_WINS + lane] += 1.0 if won and not opened else 0.0
        state[L_TAKEN + lane] += size
        state[L_LOTS + lane] += side * taken


@njit(cache=True, nogil=True, error_model="numpy")
def mark_lanes(
    state: np.ndarray,
    settings: np.ndarray,
    close: float,
    reference: float,
    seconds: float,
    lot: float,
    last: bool,
) -> None:
    """Mark every lane at the close of a row: parts, equity, drawdown.

    Parameters
    ----------
    state, settings : ndarray
        The state changes.
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
        lots = state[L_LOTS + lane]
        held = lots * lot
        state[L_INVENTORY + lane] += held * move
        state[L_ABS + lane] += abs(held) * seconds
        full = settings[V_MAX + lane] - abs(lots) < settings[V_ORDER + lane]
        state[L_LIMIT + lane] += seconds if full else 0.0
        worth = state[L_CASH + lane] + held * close
        state[L_EQUITY + lane] = worth
        top = max(state[L_PEAK + lane], worth)
        below = top - worth
        state[L_PEAK + lane] = top
        state[L_LARGEST + lane] = max(state[L_LARGEST + lane], below)
        state[L_WATER + lane] += wet if below > 0.0 else 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def close_lanes(
    accounts: np.ndarray,
    state: np.ndarray,
    settings: np.ndarray,
    close: float,
    seconds: float,
    lot: float,
) -> None:
    """Liquidate every lane at the last close, and gather its accounts.

    Parameters
    ----------
    accounts : ndarray, shape (LANES, N_ACCOUNTS)
        Filled.
    state, settings : ndarray
        Drawdown and time under water are completed in the state.
    close, seconds : float
        Of the last row: USD, s.
    lot : float
        ETH.
    """
    for lane in range(LANES):
        own = accounts[lane]
        held = state[L_LOTS + lane] * lot
        cost = abs(held) * close * settings[V_TAKER + lane]
        own[LIQUIDATION] = 0.0 - cost
        own[CASH] = state[L_CASH + lane] + (held * close - cost)
        own[INVENTORY], own[ABS_INVENTORY_S] = state[L_INVENTORY + lane], state[L_ABS + lane]
        own[LIMIT_S], own[OFFERED] = state[L_LIMIT + lane], state[L_OFFERED + lane]
        own[SPREAD], own[FEES] = state[L_SPREAD + lane], state[L_FEES + lane]
        own[VOLUME], own[NOTIONAL] = state[L_VOLUME + lane], state[L_NOTIONAL + lane]
        own[N_BUYS], own[N_SELLS] = state[L_BUYS + lane], state[L_SELLS + lane]
        own[MARKOUT], own[MARKOUT_NOTIONAL] = state[L_MARKOUT + lane], state[L_MARKED + lane]
        own[AVERAGE], own[TAKEN] = state[L_AVERAGE + lane], state[L_TAKEN + lane]
        own[CLOSES], own[WINS] = state[L_CLOSES + lane], state[L_WINS + lane]
        below = max(0.0, state[L_PEAK + lane] - own[CASH])
        state[L_LARGEST + lane] = max(state[L_LARGEST + lane], below)
        if below > 0.0:
            state[L_WATER + lane] += seconds
