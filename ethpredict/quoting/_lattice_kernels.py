"""Compiled parts of the lattice of exact quotes: many evolutions, and one blended look-up."""

from __future__ import annotations

import numpy as np

from ethpredict.kernel_cache import njit
from ethpredict.quoting._exact_kernels import evolve_log_ratios


@njit(cache=True, nogil=True, error_model="numpy")
def evolve_many(
    ends: np.ndarray, a: np.ndarray, b: np.ndarray, time: np.ndarray, out: np.ndarray
) -> None:
    """``exp(-M time) v`` of many problems in units of eta, one after another.

    Parameters
    ----------
    ends : ndarray, shape (N, 2Q)
        ``ln(v_{q+1}/v_q)`` at the end of each horizon.
    a, b, time : ndarray, shape (N,)
        ``alpha/eta``, ``beta/eta`` and horizon times eta, no unit.
    out : ndarray, shape (N, 2Q)
        Filled: the log ratios at the start.
    """
    for i in range(len(a)):
        out[i] = evolve_log_ratios(ends[i], a[i], b[i], 1.0, time[i])


@njit(cache=True, nogil=True, error_model="numpy")
def blended_ratio(nodes: np.ndarray, corners: np.ndarray, weights: np.ndarray, q: float) -> float:
    """``ln v(q+1) - ln v(q)`` between eight nodes of the lattice.

    Parameters
    ----------
    nodes : ndarray, shape (m, 2Q)
        Log ratios of every node.
    corners : ndarray of int, shape (8,)
        Rows of the nodes around the point; the bits of the place are a, x, time.
    weights : ndarray, shape (3,)
        How far the point stands towards the upper node in a, x and time, in [0, 1].
    q : float
        Inventory in lots; between whole lots ln v is linear. Held within -Q .. Q-1.
    """
    last = nodes.shape[1] - 1
    place = min(max(q + 0.5 * (last + 1), 0.0), float(last))
    low = int(place)
    part = place - low
    high = min(low + 1, last)
    total = 0.0
    for c in range(8):
        share = weights[0] if c & 4 else 1.0 - weights[0]
        share *= weights[1] if c & 2 else 1.0 - weights[1]
        share *= weights[2] if c & 1 else 1.0 - weights[2]
        if share != 0.0:
            row = nodes[corners[c]]
            total += share * (row[low] + part * (row[high] - row[low]))
    return total
