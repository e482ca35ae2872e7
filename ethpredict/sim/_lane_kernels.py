"""Compiled lanes of the order book at fidelity 0: many runs over the same rows, side by side.

Time is the outer loop; inside a row every step runs over the lanes of a block without a branch,
so that the compiler turns it into vector instructions. A block that the row fills nowhere skips
the fills. Each lane carries the bits of :func:`ethpredict.sim._maker_kernels.run_lob` (test), so a
run's result does not depend on how runs are packed.
"""

from __future__ import annotations

import numpy as np

from ethpredict.kernel_cache import njit
from ethpredict.sim._account_kernels import CASH
from ethpredict.sim._lane_account_kernels import (
    L_ABOVE,
    L_BELOW,
    L_EQUITY,
    L_LARGEST,
    L_LOTS,
    L_OFFERED,
    L_PEAK,
    L_PRICE,
    L_SIDE,
    L_WATER,
    LANES,
    T_CENTRE,
    V_LEAST,
    V_MAX,
    V_MOST,
    V_ORDER,
    V_PENETRATION,
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
from ethpredict.sim._lob_kernels import (
    GUARD_RELATIVE,
    GUARD_TICKS,
    LARGEST_TICK,
    ceil_tick,
    floor_tick,
)


@njit(cache=True, nogil=True, error_model="numpy")
def tick_rows(
    low: np.ndarray, high: np.ndarray, close: np.ndarray, tick: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Prices of every row in ticks, once for all lanes of a tick size.

    Parameters
    ----------
    low, high, close : ndarray, shape (n,)
        USD.
    tick : float
        USD.

    Returns
    -------
    low_tick, high_tick : ndarray, shape (n,)
        Lowest and highest whole tick inside the row.
    below, above : ndarray, shape (n,)
        Highest bid and lowest ask that are post-only against the close.
    """
    n = len(close)
    low_tick, high_tick = np.empty(n), np.empty(n)
    below, above = np.empty(n), np.empty(n)
    for j in range(n):
        low_tick[j], high_tick[j] = ceil_tick(low[j], tick), floor_tick(high[j], tick)
        below[j] = ceil_tick(close[j], tick) - 1.0
        above[j] = floor_tick(close[j], tick) + 1.0
    return low_tick, high_tick, below, above


@njit(cache=True, nogil=True, error_model="numpy")
def place_lanes(
    block: np.ndarray,
    words: np.ndarray,
    reference: float,
    quoted: float,
    lot: float,
    tick: float,
    below: float,
    above: float,
    low_tick: float,
    high_tick: float,
    close: float,
) -> int:
    """Bid and ask of every lane, after its limit, and the side that the row fills.

    Parameters
    ----------
    block : ndarray, shape (N_BLOCK,)
        It holds the distances; side (1 the bid, -1 the ask, 0 none) and price are written to it.
    words : ndarray of int64, shape (N_BLOCK,)
        The same memory as whole numbers.
    reference, quoted : float
        Mid of the row before, and the price that distances count from, USD.
    lot, tick : float
        ETH, USD.
    below, above : float
        Post-only bounds, ticks.
    low_tick, high_tick : float
        Lowest and highest whole tick inside the row.
    close : float
        USD.

    Returns
    -------
    int
        Not 0 where a lane has a side.
    """
    for lane in range(LANES):
        lots, order = block[L_LOTS + lane], block[V_ORDER + lane]
        least, most = block[V_LEAST + lane] * reference, block[V_MOST + lane] * reference
        away_bid = min(max(block[L_BELOW + lane], least), most)
        away_ask = min(max(block[L_ABOVE + lane], least), most)
        down, up = (quoted - away_bid) / tick, (quoted + away_ask) / tick
        bid = min(np.floor(down + GUARD_TICKS + GUARD_RELATIVE * down), below)
        ask = max(np.ceil(up - GUARD_TICKS - GUARD_RELATIVE * up), above)
        # No quote stands where no price can reach it.
        bid = bid if bid >= 1.0 else 0.0
        bid = bid if block[V_MAX + lane] - lots >= order else 0.0
        ask = ask if ask <= LARGEST_TICK else np.inf
        ask = ask if block[V_MAX + lane] + lots >= order else np.inf
        offered = order if bid > 0.0 else 0.0
        offered += order if ask < np.inf else 0.0
        block[L_OFFERED + lane] += offered * lot
        through = block[V_PENETRATION + lane]
        buy = 1.0 if low_tick + through <= bid else 0.0
        sell = 1.0 if high_tick - through >= ask else 0.0
        paid, got = bid * tick, ask * tick
        worse = 1.0 if close - paid <= got - close else -1.0
        side = worse if buy * sell > 0.0 else buy - sell
        block[L_SIDE + lane] = side
        block[L_PRICE + lane] = got if side < 0.0 else paid
    # The bits of a side are 0 where it is: this loop too becomes vector instructions.
    hits = 0
    for lane in range(LANES):
        hits |= words[L_SIDE + lane]
    return hits


@njit(cache=True, nogil=True, error_model="numpy")
def run_lanes(
    close: np.ndarray,
    low_tick: np.ndarray,
    high_tick: np.ndarray,
    below: np.ndarray,
    above: np.ndarray,
    rate: np.ndarray,
    seconds: np.ndarray,
    buy_lots: np.ndarray,
    sell_lots: np.ndarray,
    future: np.ndarray,
    quoting: np.ndarray,
    scale: np.ndarray,
    lean: np.ndarray,
    pace: np.ndarray,
    shift: np.ndarray,
    falling: np.ndarray,
    decay: np.ndarray,
    kind: int,
    epoch: np.ndarray,
    terms: np.ndarray,
    lot: float,
    tick: float,
    nodes: np.ndarray,
    index: np.ndarray,
    box: np.ndarray,
    lanes: int,
    blocks: np.ndarray,
    kept: np.ndarray,
    accounts: np.ndarray,
    path: np.ndarray,
    water: np.ndarray,
) -> None:
    """All blocks of lanes over some of the rows of one segment.

    Parameters
    ----------
    close, seconds, future : ndarray, shape (n,)
        Rows, as for :func:`ethpredict.sim._maker_kernels.run_lob`.
    low_tick, high_tick, below, above : ndarray, shape (n,)
        From :func:`tick_rows`.
    rate : ndarray, shape (n,)
        1 over the length of each row, 1/s.
    buy_lots, sell_lots : ndarray, shape (n,)
        Volume of taker buys and sells, lots.
    quoting : ndarray of bool, shape (n,)
        Whether quotes stand in the row: not the first, no gap, all terms known before it.
    scale, lean, pace, shift, falling, decay : ndarray, shape (n,)
        What was known at the close of each row, see :mod:`ethpredict.sim._lane_quote_kernels`;
        move of the price that distances count from, USD.
    kind : int
        How the quotes come about, ``NO_AIM`` and the like.
    epoch : ndarray of int64, shape (n,)
        Which fit of A, k and xi holds.
    terms : ndarray, shape (epochs, b, 3 LANES)
        ``T_CENTRE`` and what follows it, of each fit.
    lot, tick : float
        ETH, USD.
    nodes, index, box : ndarray
        Of a :class:`ethpredict.quoting.lattice.QuoteLattice` that holds the cells of all lanes;
        not read by other kinds.
    lanes : int
        Lanes with a run, the first ones.
    blocks : ndarray, shape (b, N_BLOCK)
        Settings of the lanes, zeros for the rest; changed.
    kept : ndarray of int64, shape (n,)
        Where a row's path is kept, -1 for most.
    accounts : ndarray, shape (b, LANES, N_ACCOUNTS)
        Filled, zeros before.
    path : ndarray, shape (3, kept rows, b, LANES)
        Filled: equity (USD), inventory (ETH), distance below the peak (USD).
    water : ndarray, shape (2, b, LANES)
        Filled: largest drawdown (USD), time under water (s).
    """
    n, holds, words = len(close), -1, blocks.view(np.int64)
    for j in range(n):
        i = max(j - 1, 0)
        reference, slot = close[i], kept[j]
        if epoch[i] != holds:
            holds = epoch[i]
            blocks[:, T_CENTRE : T_CENTRE + 3 * LANES] = terms[holds]
        marked = not np.isnan(future[j])
        later = future[j] if marked else 0.0
        for b in range(len(blocks)):
            block = blocks[b]
            if quoting[j]:
                if kind == EXACT:
                    exact_lanes(
                        block, min(LANES, lanes - b * LANES), nodes, index, box, scale[i], lean[i],
                        pace[i], falling[i], decay[i], lot,
                    )  # fmt: skip
                else:
                    if kind != NO_AIM:
                        aim_lanes(block, lean[i], pace[i], kind)
                    linear_lanes(block, scale[i], lot)
                hits = place_lanes(
                    block, words[b], reference, reference + shift[i], lot, tick, below[i], above[i],
                    low_tick[j], high_tick[j], close[j],
                )  # fmt: skip
                if hits != 0:
                    fill_lanes(
                        block, buy_lots[j], sell_lots[j], rate[j], reference, later, marked, lot
                    )
            mark_lanes(block, close[j], reference, seconds[j], lot, j == n - 1)
            if slot >= 0:
                for lane in range(LANES):
                    path[0, slot, b, lane] = block[L_EQUITY + lane]
                    path[1, slot, b, lane] = block[L_LOTS + lane] * lot
                    path[2, slot, b, lane] = block[L_PEAK + lane] - block[L_EQUITY + lane]
    for b in range(len(blocks)):
        block = blocks[b]
        close_lanes(accounts[b], block, close[n - 1], seconds[n - 1], lot)
        for lane in range(LANES):
            if kept[n - 1] >= 0:
                below_peak = block[L_PEAK + lane] - accounts[b, lane, CASH]
                path[2, kept[n - 1], b, lane] = max(0.0, below_peak)
            water[0, b, lane] = block[L_LARGEST + lane]
            water[1, b, lane] = block[L_WATER + lane]
