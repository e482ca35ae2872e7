"""Compiled parts of the lattice of exact quotes: places of rows, cells, blends.

A place in the lattice is counted in its steps. Along ln(a) and ln(T) it is what the row says
plus what the fit says (gamma, A, k, impact); along asinh(x) the row alone says it. So many runs
over the same rows share all logarithms, and a run has the same bits alone and beside others.
"""

from __future__ import annotations

import numpy as np

from ethpredict.kernel_cache import njit
from ethpredict.quoting._kernels import spread_terms

STEP_A, STEP_X, STEP_T = 0.1, 0.05, 0.1
# Beyond these nothing is interpolated: LEAST_T stands for every shorter horizon.
LEAST_A, LARGEST_A = 1e-12, 1e6
LEAST_T, LARGEST_T = 1e-3, 1e9
LARGEST_X = 1e6
LEAST_RISK, LEAST_LIFE = np.log(LEAST_A) / STEP_A, np.log(LEAST_T) / STEP_T


@njit(cache=True, nogil=True, error_model="numpy")
def row_places(
    sigma: np.ndarray, move: np.ndarray, left: np.ndarray, ending: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What every row says of its place, whatever the aversion to inventory.

    Parameters
    ----------
    sigma, move, left : ndarray, shape (n,)
        USD/sqrt(s); ``k mu h``, no unit; s. nan = not known.
    ending : bool
        Whether the horizon ends in a liquidation: the same for all rows, so that `left` is
        not read, and of weight also where nothing moves.

    Returns
    -------
    risk, reach, life : ndarray, shape (n,)
        Along ln(a), asinh(x) and ln(T), steps. Not known: all nan. Nothing moves, and the
        horizon does not matter: only `life` is nan.
    """
    n = len(sigma)
    risk, reach, life = np.empty(n), np.empty(n), np.empty(n)
    for i in range(n):
        if np.isnan(sigma[i]) or np.isnan(move[i]) or np.isnan(left[i]):
            risk[i], reach[i], life[i] = np.nan, np.nan, np.nan
            continue
        risk[i] = 2.0 / STEP_A * np.log(sigma[i])
        reach[i] = np.arcsinh(abs(move[i])) / STEP_X
        if ending:
            life[i] = 0.0
        else:
            life[i] = np.log(left[i]) / STEP_T if move[i] != 0.0 else np.nan
    return risk, reach, life


@njit(cache=True, nogil=True, error_model="numpy")
def fit_places(
    gamma: float, zeta: float, A: np.ndarray, k: np.ndarray, xi: np.ndarray, horizon: float
) -> tuple[np.ndarray, np.ndarray]:
    """What every fit says of the places of its rows.

    Parameters
    ----------
    gamma, zeta : float
        Aversion to inventory and to execution risk times order size, 1/USD.
    A, k, xi : ndarray, shape (fits,)
        1/s, 1/USD, USD; nan = not known.
    horizon : float
        Seconds to a liquidation; 1 where rows say what is left.

    Returns
    -------
    risk, life : ndarray, shape (fits,)
        Along ln(a) and ln(T), steps: ``ln(k gamma / (2 eta))`` and ``ln(horizon eta)`` over
        the step.
    """
    n = len(A)
    risk, life = np.empty(n), np.empty(n)
    for e in range(n):
        if e > 0 and A[e] == A[e - 1] and k[e] == k[e - 1] and xi[e] == xi[e - 1]:
            risk[e], life[e] = risk[e - 1], life[e - 1]
            continue
        log_eta = np.log(A[e]) - spread_terms(zeta, k[e])[1] - 0.5 * k[e] * xi[e]
        risk[e] = (np.log(0.5 * k[e] * gamma) - log_eta) / STEP_A
        life[e] = (log_eta + np.log(horizon)) / STEP_T
    return risk, life


@njit(cache=True, nogil=True, error_model="numpy")
def place_extremes(
    risk: np.ndarray,
    reach: np.ndarray,
    life: np.ndarray,
    fit_risk: np.ndarray,
    fit_life: np.ndarray,
    epoch: np.ndarray,
) -> np.ndarray:
    """Least and largest place of all rows and runs.

    Parameters
    ----------
    risk, reach, life : ndarray, shape (n,)
        From :func:`row_places`.
    fit_risk, fit_life : ndarray, shape (fits, runs)
        From :func:`fit_places`, of every run.
    epoch : ndarray of int64, shape (n,)
        Fit of each row.

    Returns
    -------
    ndarray, shape (3, 2)
        Along ln(a), asinh(x) and ln(T); infinite the wrong way round where there is none.
    """
    fits, runs = fit_risk.shape
    # Runs share the extremes of the rows of a fit.
    low, high = np.full((2, fits), np.inf), np.full((2, fits), -np.inf)
    found = np.empty((3, 2))
    found[:, 0], found[:, 1] = np.inf, -np.inf
    for i in range(len(risk)):
        if np.isnan(risk[i]):
            continue
        e = epoch[i]
        low[0, e], high[0, e] = min(low[0, e], risk[i]), max(high[0, e], risk[i])
        found[1, 0], found[1, 1] = min(found[1, 0], reach[i]), max(found[1, 1], reach[i])
        if np.isnan(life[i]):
            found[2, 0], found[2, 1] = min(found[2, 0], 0.0), max(found[2, 1], 0.0)
        else:
            low[1, e], high[1, e] = min(low[1, e], life[i]), max(high[1, e], life[i])
    for e in range(fits):
        for r in range(runs):
            if low[0, e] <= high[0, e]:
                found[0, 0] = min(found[0, 0], max(low[0, e] + fit_risk[e, r], LEAST_RISK))
                found[0, 1] = max(found[0, 1], high[0, e] + fit_risk[e, r], LEAST_RISK)
            if low[1, e] <= high[1, e]:
                found[2, 0] = min(found[2, 0], max(low[1, e] + fit_life[e, r], LEAST_LIFE))
                found[2, 1] = max(found[2, 1], high[1, e] + fit_life[e, r], LEAST_LIFE)
    return found


@njit(cache=True, nogil=True, error_model="numpy")
def cell_at(
    risk: float, reach: float, life: float, box: tuple[int, int, int, int, int, int]
) -> tuple[int, int, int, int, float, float, float]:
    """The cell of a place in the index of the nodes.

    Parameters
    ----------
    risk, reach, life : float
        Place, steps; a life of nan: the horizon does not matter.
    box : tuple of 6 int
        Lowest node of the index along ln(a), asinh(x), ln(T), and how many it has along each.

    Returns
    -------
    at, next_a, next_x, next_t : int
        Entry of the cell's lowest corner, and what to add for the next one along each axis.
    part_a, part_x, part_t : float
        How far the place stands towards the next corner, in [0, 1).
    """
    risk = max(risk, LEAST_RISK)
    low_a, low_x = np.floor(risk), np.floor(reach)
    at = ((int(low_a) - box[0]) * box[4] + int(low_x) - box[1]) * box[5]
    if np.isnan(life):
        return at - box[2], box[4] * box[5], 0, 0, risk - low_a, 0.0, 0.0
    life = max(life, LEAST_LIFE)
    low_t = np.floor(life)
    at += int(low_t) - box[2]
    return at, box[4] * box[5], box[5], 1, risk - low_a, reach - low_x, life - low_t


@njit(cache=True, nogil=True, error_model="numpy")
def mark_cells(
    risk: np.ndarray,
    reach: np.ndarray,
    life: np.ndarray,
    fit_risk: np.ndarray,
    fit_life: np.ndarray,
    epoch: np.ndarray,
    box: np.ndarray,
    marks: np.ndarray,
) -> None:
    """Mark the cells in which rows stand: 1, or 2 where only ln(a) matters.

    Parameters
    ----------
    risk, reach, life, fit_risk, fit_life, epoch
        As for :func:`place_extremes`.
    box : ndarray of int64, shape (6,)
        Of the index.
    marks : ndarray of uint8, shape (entries of the index,)
        Changed.
    """
    sides = box[0], box[1], box[2], box[3], box[4], box[5]
    for i in range(len(risk)):
        if np.isnan(risk[i]):
            continue
        mark = 2 if np.isnan(life[i]) else 1
        for r in range(fit_risk.shape[1]):
            at = cell_at(
                risk[i] + fit_risk[epoch[i], r], reach[i], life[i] + fit_life[epoch[i], r], sides
            )[0]
            marks[np.uint64(at)] |= mark


@njit(cache=True, nogil=True, error_model="numpy")
def missing_nodes(marks: np.ndarray, index: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Nodes at the corners of marked cells that are not solved yet.

    Parameters
    ----------
    marks : ndarray of uint8, shape (entries,)
        From :func:`mark_cells`.
    index : ndarray of int32, shape (entries,)
        Row of each node, -1 where it is not solved.
    box : ndarray of int64, shape (6,)
        Of the index.

    Returns
    -------
    ndarray of int64
        Their entries, rising.
    """
    next_a, next_x = box[4] * box[5], box[5]
    wanted = np.zeros(len(index), dtype=np.bool_)
    for at in range(len(marks)):
        if marks[at] == 0:
            continue
        wanted[at] = wanted[at + next_a] = True
        if marks[at] & 1:
            for corner in (at, at + next_a):
                wanted[corner + 1] = True
                wanted[corner + next_x] = wanted[corner + next_x + 1] = True
    count = 0
    for at in range(len(index)):
        count += wanted[at] and index[at] < 0
    found = np.empty(count, dtype=np.int64)
    count = 0
    for at in range(len(index)):
        if wanted[at] and index[at] < 0:
            found[count] = at
            count += 1
    return found


@njit(cache=True, nogil=True, error_model="numpy")
def fill_cells(
    risk: np.ndarray,
    reach: np.ndarray,
    life: np.ndarray,
    fit_risk: np.ndarray,
    fit_life: np.ndarray,
    index: np.ndarray,
    box: np.ndarray,
    corners: np.ndarray,
    weights: np.ndarray,
) -> None:
    """Corners and weights of the rows of one run.

    Parameters
    ----------
    risk, reach, life, fit_risk, fit_life : ndarray, shape (n,)
        From :func:`row_places` and :func:`fit_places`, by row.
    index : ndarray of int32, shape (entries,)
        Row of each node.
    box : ndarray of int64, shape (6,)
        Of the index.
    corners, weights : ndarray, shape (n, 8) and (n, 3)
        Filled; left alone where the row is not known.
    """
    sides = box[0], box[1], box[2], box[3], box[4], box[5]
    for i in range(len(risk)):
        if np.isnan(risk[i]):
            continue
        at, next_a, next_x, next_t, part_a, part_x, part_t = cell_at(
            risk[i] + fit_risk[i], reach[i], life[i] + fit_life[i], sides
        )
        weights[i, 0], weights[i, 1], weights[i, 2] = part_a, part_x, part_t
        for c in range(8):
            corners[i, c] = index[
                at + (c >> 2 & 1) * next_a + (c >> 1 & 1) * next_x + (c & 1) * next_t
            ]


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _blend(
    nodes: np.ndarray,
    corners: tuple[int, int, int, int, int, int, int, int],
    shares: tuple[float, float, float, float, float, float, float, float],
    entry: int,
) -> float:
    """Blended entry of eight nodes; unsigned numbers spare the question of negative ones."""
    at = np.uint64(entry)
    return (
        shares[0] * nodes[np.uint64(corners[0]), at]
        + shares[1] * nodes[np.uint64(corners[1]), at]
        + shares[2] * nodes[np.uint64(corners[2]), at]
        + shares[3] * nodes[np.uint64(corners[3]), at]
        + shares[4] * nodes[np.uint64(corners[4]), at]
        + shares[5] * nodes[np.uint64(corners[5]), at]
        + shares[6] * nodes[np.uint64(corners[6]), at]
        + shares[7] * nodes[np.uint64(corners[7]), at]
    )


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def blended_pair(
    nodes: np.ndarray,
    corners: tuple[int, int, int, int, int, int, int, int],
    part_a: float,
    part_x: float,
    part_t: float,
    q: float,
) -> tuple[float, float]:
    """``ln v(q+1) - ln v(q)`` and ``ln v(q) - ln v(q-1)`` between eight nodes of the lattice.

    Parameters
    ----------
    nodes : ndarray, shape (m, 2Q)
        Log ratios of every node.
    corners : tuple of 8 int
        Rows of the nodes around the place; the bits of the number are a, x, time.
    part_a, part_x, part_t : float
        How far the place stands towards the upper node along each axis, in [0, 1].
    q : float
        Inventory in lots; between whole lots ln v is linear. Held within -Q .. Q-1, and
        q - 1 as well.
    """
    last = nodes.shape[1] - 1
    above = min(max(q + 0.5 * (last + 1), 0.0), float(last))
    below = min(max(q - 1.0 + 0.5 * (last + 1), 0.0), float(last))
    # Three entries of a node serve both: q and q - 1 are at most one apart.
    first = max(min(int(below), last - 2), 0)
    second, third = min(first + 1, last), min(first + 2, last)
    stay_a, stay_x, stay_t = 1.0 - part_a, 1.0 - part_x, 1.0 - part_t
    shares = (
        stay_a * stay_x * stay_t,
        stay_a * stay_x * part_t,
        stay_a * part_x * stay_t,
        stay_a * part_x * part_t,
        part_a * stay_x * stay_t,
        part_a * stay_x * part_t,
        part_a * part_x * stay_t,
        part_a * part_x * part_t,
    )
    left = _blend(nodes, corners, shares, first)
    middle = _blend(nodes, corners, shares, second)
    right = _blend(nodes, corners, shares, third)
    above -= first
    below -= first
    rise, fall = middle - left, right - middle
    upper = left + min(above, 1.0) * rise + max(above - 1.0, 0.0) * fall
    lower = left + min(below, 1.0) * rise + max(below - 1.0, 0.0) * fall
    return upper, lower
