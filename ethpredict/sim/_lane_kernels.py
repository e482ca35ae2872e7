"""Compiled lanes of the order book at fidelity 0: many runs over the same rows, side by side.

Time is the outer loop; inside a row every step runs over the lanes of a block without a branch,
so that the compiler turns it into vector instructions. A row that fills no lane skips the fills.
Each lane carries the bits of :func:`ethpredict.sim._maker_kernels.run_lob` (test), so a run's
result does not depend on how runs are packed.
"""

from __future__ import annotations

import numpy as np

from ethpredict.kernel_cache import njit
from ethpredict.sim._account_kernels import CASH
from ethpredict.sim._lane_account_kernels import (
    L_ABOVE,
    L_ASK_CAP,
    L_BELOW,
    L_BID_CAP,
    L_CASH,
    L_HELD,
    L_LARGEST,
    L_OFFERED,
    L_PEAK,
    L_PRICE,
    L_SIDE,
    L_WATER,
    LANES,
    R_ANY_ASK,
    R_ANY_BID,
    R_CLOSE,
    R_DECAY,
    R_FALLING,
    R_HIGHEST_BID,
    R_LEAN,
    R_LIFTED,
    R_LOWERED,
    R_LOWEST_ASK,
    R_MIDDLE,
    R_PACE,
    R_QUOTING,
    R_REACH_ASK,
    R_REACH_BID,
    R_REFERENCE,
    R_SCALE,
    R_SECONDS,
    T_CENTRE,
    V_LEAST,
    V_MOST,
    close_lanes,
    fill_lanes,
    mark_lanes,
)
from ethpredict.sim._lane_quote_kernels import (
    EXACT,
    NO_AIM,
    aim_lanes,
    exact_lanes,
    linear_lanes,
)
from ethpredict.sim._lob_kernels import LARGEST_TICK, ceil_tick, floor_tick, guarded_ticks


@njit(cache=True, nogil=True, error_model="numpy")
def tick_rows(
    low: np.ndarray,
    high: np.ndarray,
    close: np.ndarray,
    shift: np.ndarray,
    tick: float,
    penetration: float,
    table: np.ndarray,
) -> None:
    """Prices of every row in ticks, once for all lanes.

    Parameters
    ----------
    low, high, close : ndarray, shape (n,)
        USD.
    shift : ndarray, shape (n,)
        Move of the price that the distances of the next row count from, USD.
    tick : float
        USD.
    penetration : float
        Ticks that the price must trade through a quote, >= 1.
    table : ndarray, shape (n, N_ROW)
        Filled: what a bid and an ask are rounded from, the highest bid and the lowest ask that
        are post-only against the close before, the lowest bid and the highest ask that the row
        fills, and the sum of both from which on the bid is the worse one at the close.
    """
    for j in range(len(close)):
        i, row = max(j - 1, 0), table[j]
        row[R_LIFTED], row[R_LOWERED] = guarded_ticks(close[i] + shift[i], tick)
        row[R_HIGHEST_BID] = ceil_tick(close[i], tick) - 1.0
        row[R_LOWEST_ASK] = floor_tick(close[i], tick) + 1.0
        row[R_REACH_BID] = max(ceil_tick(low[j], tick) + penetration, 1.0)
        row[R_REACH_ASK] = min(floor_tick(high[j], tick) - penetration, LARGEST_TICK)
        row[R_MIDDLE] = ceil_tick(2.0 * close[j], tick)


@njit(cache=True, nogil=True, error_model="numpy")
def place_lanes(block: np.ndarray, row: np.ndarray, per_tick: float) -> int:
    """Bid and ask of every lane, after its bounds and its limit, and the side that the row fills.

    Parameters
    ----------
    block : ndarray, shape (N_BLOCK,)
        It holds the distances; side (1 the bid, -1 the ask, 0 none) and price (ticks) are written
        to it.
    row : ndarray, shape (N_ROW,)
        The row.
    per_tick : float
        1 over the price step, 1/USD.

    Returns
    -------
    int
        Not 0 where the row reaches a quote.
    """
    reference, lifted, lowered = row[R_REFERENCE], row[R_LIFTED], row[R_LOWERED]
    highest, lowest = row[R_HIGHEST_BID], row[R_LOWEST_ASK]
    reach_bid, reach_ask, middle = row[R_REACH_BID], row[R_REACH_ASK], row[R_MIDDLE]
    bought, sold = row[R_ANY_BID], -row[R_ANY_ASK]
    hits = 0
    for lane in range(LANES):
        least, most = block[V_LEAST + lane] * reference, block[V_MOST + lane] * reference
        away_bid = min(max(block[L_BELOW + lane], least), most)
        away_ask = min(max(block[L_ABOVE + lane], least), most)
        bid = min(np.floor(lifted - away_bid * per_tick), highest)
        ask = max(np.ceil(lowered + away_ask * per_tick), lowest)
        bid, ask = min(bid, block[L_BID_CAP + lane]), max(ask, block[L_ASK_CAP + lane])
        standing = 1.0 if bid >= 1.0 else 0.0
        standing += 1.0 if ask <= LARGEST_TICK else 0.0
        block[L_OFFERED + lane] += standing
        buys, sells = bid >= reach_bid, ask <= reach_ask
        # Of two sides that are reached only the one that is worse at the close fills. Not `and`
        # and `or`, which branch.
        buys = buys & ((not sells) | (bid + ask >= middle))
        other = sold if sells else 0.0
        block[L_SIDE + lane] = bought if buys else other
        block[L_PRICE + lane] = bid if buys else ask
        hits |= 1 if buys | sells else 0
    return hits


@njit(cache=True, nogil=True, error_model="numpy")
def run_lanes(
    table: np.ndarray,
    kind: int,
    epoch: np.ndarray,
    terms: np.ndarray,
    lot: float,
    tick: float,
    nodes: np.ndarray,
    index: np.ndarray,
    box: np.ndarray,
    lanes: int,
    block: np.ndarray,
    kept: np.ndarray,
    accounts: np.ndarray,
    path: np.ndarray,
    water: np.ndarray,
) -> None:
    """A block of lanes over the rows of one segment.

    Parameters
    ----------
    table : ndarray, shape (n, N_ROW)
        Rows, see the ``R_`` constants.
    kind : int
        How the quotes come about, ``NO_AIM`` and the like.
    epoch : ndarray of int64, shape (n,)
        Which fit of A, k and xi held at the close of each row.
    terms : ndarray, shape (epochs, 3 LANES)
        ``T_CENTRE`` and what follows it, of each fit.
    lot, tick : float
        ETH, USD.
    nodes, index, box : ndarray
        Of a :class:`ethpredict.quoting.lattice.QuoteLattice` that holds the cells of all lanes;
        not read by other kinds.
    lanes : int
        Lanes with a run, the first ones.
    block : ndarray, shape (N_BLOCK,)
        Settings and caps of the lanes, zeros for the rest; changed.
    kept : ndarray of int64, shape (n,)
        Where a row's path is kept, -1 for most.
    accounts : ndarray, shape (LANES, N_ACCOUNTS)
        Filled, zeros before.
    path : ndarray, shape (3, kept rows, LANES)
        Filled: equity (USD), inventory (ETH), distance below the peak (USD).
    water : ndarray, shape (2, LANES)
        Filled: largest drawdown (USD), time under water (s).
    """
    n, holds, per_tick = len(table), -1, 1.0 / tick
    for j in range(n):
        row, fit, slot = table[j], epoch[max(j - 1, 0)], kept[j]
        if fit != holds:
            holds = fit
            block[T_CENTRE : T_CENTRE + 3 * LANES] = terms[holds]
        if row[R_QUOTING] > 0.0:
            if kind == EXACT:
                exact_lanes(
                    block, lanes, nodes, index, box, row[R_SCALE], row[R_LEAN], row[R_PACE],
                    row[R_FALLING] > 0.0, row[R_DECAY],
                )  # fmt: skip
            else:
                if kind != NO_AIM:
                    aim_lanes(block, row[R_LEAN], row[R_PACE], kind)
                linear_lanes(block, row[R_SCALE])
            if place_lanes(block, row, per_tick) != 0:
                fill_lanes(block, row, lot, tick)
        mark_lanes(block, row, j == n - 1)
        if slot >= 0:
            for lane in range(LANES):
                held = block[L_HELD + lane]
                worth = block[L_CASH + lane] + held * row[R_CLOSE]
                path[0, slot, lane], path[1, slot, lane] = worth, held
                path[2, slot, lane] = block[L_PEAK + lane] - worth
    close_lanes(accounts, block, table[n - 1, R_CLOSE], table[n - 1, R_SECONDS], lot)
    for lane in range(LANES):
        if kept[n - 1] >= 0:
            path[2, kept[n - 1], lane] = max(0.0, block[L_PEAK + lane] - accounts[lane, CASH])
        water[0, lane], water[1, lane] = block[L_LARGEST + lane], block[L_WATER + lane]
