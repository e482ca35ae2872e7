"""Compiled distances of the quotes of a block of lanes, before limits and ticks."""

from __future__ import annotations

import numpy as np

from ethpredict.kernel_cache import njit
from ethpredict.quoting._kernels import doubled_share, short_share
from ethpredict.quoting._lattice_kernels import blended_ratio
from ethpredict.sim._lane_account_kernels import (
    L_ABOVE,
    L_BELOW,
    L_SKEW,
    L_WANTED,
    LANES,
    T_CENTRE,
    T_GROWTH,
    T_PULL,
    V_LIMIT,
    V_REACH,
)

# How the quotes of a batch come about: linear in inventory and without a drift, with the target
# of the closed form, with that of a time that is left; or looked up in a lattice.
NO_AIM, GLFT_AIM, TIMED_AIM, EXACT = 0, 1, 2, 3


@njit(cache=True, nogil=True, error_model="numpy")
def aim_lanes(block: np.ndarray, lean: float, pace: float, kind: int) -> None:
    """Inventory that every lane aims at under a drift, lots.

    Parameters
    ----------
    block : ndarray, shape (N_BLOCK,)
        The target is written to it.
    lean, pace : float
        Of the row, see :func:`ethpredict.sim._quote_kernels.drift_rows`.
    kind : int
        ``GLFT_AIM``: inventory forgets its start; ``TIMED_AIM``: `T_PULL` is the time left, s.
    """
    if kind == TIMED_AIM:
        for lane in range(LANES):
            limit, left = block[V_LIMIT + lane], block[T_PULL + lane]
            wanted = lean * block[V_REACH + lane] * min(pace, left)
            block[L_WANTED + lane] = min(max(wanted, -limit), limit)
        return
    # In two halves: each waits half as long for its own results, with more lanes under way.
    for lane in range(LANES):
        block[L_WANTED + lane] = short_share(pace * block[T_PULL + lane])
    for lane in range(LANES):
        limit = block[V_LIMIT + lane]
        wanted = lean * block[V_REACH + lane] * doubled_share(block[L_WANTED + lane])
        block[L_WANTED + lane] = min(max(wanted, -limit), limit)


@njit(cache=True, nogil=True, error_model="numpy")
def linear_lanes(block: np.ndarray, scale: float) -> None:
    """Distances of every lane whose quotes are linear in inventory, USD, before their bounds.

    Parameters
    ----------
    block : ndarray, shape (N_BLOCK,)
        Distances of bid and ask are written to it.
    scale : float
        What the slope is proportional to: sigma, USD/sqrt(s), or its square.
    """
    for lane in range(LANES):
        slope, middle = scale * block[T_GROWTH + lane], block[T_CENTRE + lane]
        skew = block[L_SKEW + lane] - block[L_WANTED + lane]
        block[L_BELOW + lane] = middle + (skew + 0.5) * slope
        block[L_ABOVE + lane] = middle - (skew - 0.5) * slope


@njit(cache=True, nogil=True, error_model="numpy")
def exact_lanes(
    block: np.ndarray,
    nodes: np.ndarray,
    corners: np.ndarray,
    weights: np.ndarray,
    falling: bool,
    decay: float,
) -> None:
    """Exact distances of every lane: :func:`ethpredict.sim._quote_kernels.row_distances` each.

    Parameters
    ----------
    block : ndarray, shape (N_BLOCK,)
        Distances of bid and ask are written to it.
    nodes : ndarray, shape (m, 2Q)
        Log ratios of every node.
    corners, weights : ndarray, shape (LANES, 8) and (LANES, 3)
        Places of the lanes; -1 for a lane that does not quote.
    falling : bool
        Whether the drift is negative.
    decay : float
        k, 1/USD.
    """
    for lane in range(LANES):
        if corners[lane, 0] < 0:
            continue
        q = block[L_SKEW + lane]
        held, centre = -q if falling else q, block[T_CENTRE + lane]
        near = centre - blended_ratio(nodes, corners[lane], weights[lane], held) / decay
        far = centre + blended_ratio(nodes, corners[lane], weights[lane], held - 1.0) / decay
        block[L_BELOW + lane] = far if falling else near
        block[L_ABOVE + lane] = near if falling else far
