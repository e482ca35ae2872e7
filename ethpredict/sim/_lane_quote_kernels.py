"""Compiled distances of the quotes of a block of lanes, before limits and ticks."""

from __future__ import annotations

import numpy as np

from ethpredict.kernel_cache import njit
from ethpredict.quoting._kernels import doubled_share, short_share
from ethpredict.quoting._lattice_kernels import blended_pair, cell_at
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
# Instead of slope and pull the fit of exact quotes says where their rows stand in the lattice.
T_RISK, T_LIFE = T_GROWTH, T_PULL


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
    lanes: int,
    nodes: np.ndarray,
    index: np.ndarray,
    box: np.ndarray,
    risk: float,
    reach: float,
    life: float,
    falling: bool,
    decay: float,
) -> None:
    """Exact distances of the lanes: :func:`ethpredict.sim._quote_kernels.row_distances` each.

    Parameters
    ----------
    block : ndarray, shape (N_BLOCK,)
        Distances of bid and ask are written to it.
    lanes : int
        How many of its lanes have a run; the others are left alone.
    nodes, index, box
        Of a :class:`ethpredict.quoting.lattice.QuoteLattice` that holds the cells of all lanes.
    risk, reach, life : float
        Place of the row, see :func:`ethpredict.quoting._lattice_kernels.row_places`.
    falling : bool
        Whether the drift is negative.
    decay : float
        k, 1/USD.
    """
    sides = box[0], box[1], box[2], box[3], box[4], box[5]
    for lane in range(lanes):
        at, next_a, next_x, next_t, part_a, part_x, part_t = cell_at(
            risk + block[T_RISK + lane], reach, life + block[T_LIFE + lane], sides
        )
        # Unsigned, so that nobody asks whether an entry counts from the end.
        low, high = np.uint64(at), np.uint64(at + next_a)
        x, t = np.uint64(next_x), np.uint64(next_t)
        corners = (
            index[low],
            index[low + t],
            index[low + x],
            index[low + x + t],
            index[high],
            index[high + t],
            index[high + x],
            index[high + x + t],
        )
        q = block[L_SKEW + lane]
        above, below = blended_pair(nodes, corners, part_a, part_x, part_t, -q if falling else q)
        centre = block[T_CENTRE + lane]
        near, far = centre - above / decay, centre + below / decay
        block[L_BELOW + lane] = far if falling else near
        block[L_ABOVE + lane] = near if falling else far
