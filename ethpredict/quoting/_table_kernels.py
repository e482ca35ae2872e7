"""Compiled kernel of many stationary GLFT tables at once, `LANES` problems side by side.

The mathematics is that of :func:`ethpredict.quoting._exact_kernels.stationary_log_ratios`,
to which a parity test compares it: Newton on the mismatch of the two-sided ratio
recurrences. A recurrence is a chain of divisions, each waiting for the one before; with
the lanes innermost the processor divides for several problems in the time of one.
"""

from __future__ import annotations

import numpy as np

from ethpredict.kernel_cache import njit
from ethpredict.quoting._exact_kernels import first_guess, twist_lots

LANES = 16
_SWEEPS = 120
# Newton at most squares its error: a step below this lands on the root to the last bit.
_QUADRATIC = 1e-11
_EXACT = 2e-15


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def _sweep_lanes(
    Q: int,
    a: np.ndarray,
    b: np.ndarray,
    lowest: np.ndarray,
    peak: np.ndarray,
    t: np.ndarray,
    ratio: np.ndarray,
    state: np.ndarray,
) -> None:
    """Two-sided ratios of every lane at its trial eigenvalue.

    Fills ``ratio`` (2Q, LANES) as the scalar sweep does, and the rows of ``state``:
    least pivot, mismatch, slope of the mismatch.
    """
    left, left_slope = state[3], state[4]
    right, right_slope = state[5], state[6]
    least = state[0]
    first, last = peak[0], peak[0]
    for j in range(LANES):
        first, last = min(first, peak[j]), max(last, peak[j])
        left[j], left_slope[j], right[j], right_slope[j], least[j] = 0.0, 0.0, 0.0, 0.0, 1.0
    for q in range(-Q, int(last)):
        x = float(q)
        row = ratio[q + Q]
        for j in range(LANES):
            s = max(0.0, (x - lowest[j]) * (a[j] * (x + lowest[j]) - b[j]))
            pivot = s + t[j] - left[j]
            inverse = 1.0 / pivot
            slope = (1.0 + left_slope[j]) * inverse * inverse
            inside = x < peak[j]
            row[j] = pivot if inside else row[j]
            least[j] = min(least[j], pivot) if inside else least[j]
            left_slope[j] = slope if inside else left_slope[j]
            left[j] = inverse if inside else left[j]
    for q in range(Q, int(first), -1):
        x = float(q)
        row = ratio[q + Q - 1]
        for j in range(LANES):
            s = max(0.0, (x - lowest[j]) * (a[j] * (x + lowest[j]) - b[j]))
            pivot = s + t[j] - right[j]
            inverse = 1.0 / pivot
            slope = (1.0 + right_slope[j]) * inverse * inverse
            inside = x > peak[j]
            row[j] = pivot if inside else row[j]
            least[j] = min(least[j], pivot) if inside else least[j]
            right_slope[j] = slope if inside else right_slope[j]
            right[j] = inverse if inside else right[j]
    for j in range(LANES):
        x = peak[j]
        s = max(0.0, (x - lowest[j]) * (a[j] * (x + lowest[j]) - b[j]))
        state[1, j] = s + t[j] - left[j] - right[j]
        state[2, j] = 1.0 + left_slope[j] + right_slope[j]


@njit(cache=True, nogil=True, error_model="numpy")
def table_log_ratios(
    Q: int, alpha: np.ndarray, beta: np.ndarray, eta: np.ndarray, out: np.ndarray
) -> int:
    """``ln(v_{q+1}/v_q)`` of the stationary vectors of N problems.

    Parameters
    ----------
    Q : int
        Inventory limit, lots, >= 1.
    alpha, beta, eta : ndarray, shape (N,)
        1/s; alpha >= 0, eta > 0, all finite. Neighbours in the list should be alike:
        `LANES` of them share the number of steps.
    out : ndarray, shape (N, 2Q)
        Filled.

    Returns
    -------
    int
        Sweeps per group of lanes, summed: a measure of the work.
    """
    n = len(alpha)
    a, b, lowest = np.empty(LANES), np.empty(LANES), np.empty(LANES)
    t, low, high, before = np.empty(LANES), np.empty(LANES), np.empty(LANES), np.empty(LANES)
    peak, state = np.empty(LANES), np.empty((7, LANES))
    ratio = np.empty((2 * Q, LANES))
    sweeps = 0
    for start in range(0, n, LANES):
        for j in range(LANES):
            i = min(start + j, n - 1)
            if alpha[i] > 0.0:
                centre = min(max(beta[i] / (2.0 * alpha[i]), -float(Q)), float(Q))
            else:
                centre = float(Q) * np.sign(beta[i])
            lowest[j] = np.rint(centre)
            a[j], b[j] = alpha[i] / eta[i], beta[i] / eta[i]
            peak[j] = twist_lots(Q, a[j], b[j])
            t[j] = first_guess(Q, a[j], b[j], lowest[j])
            low[j], high[j], before[j] = 0.0, 2.0, 2.0
        for _ in range(_SWEEPS):
            _sweep_lanes(Q, a, b, lowest, peak, t, ratio, state)
            sweeps += 1
            open_lanes = 0
            for j in range(LANES):
                positive = state[0, j] > 0.0
                step = state[1, j] / state[2, j]
                if positive and (before[j] <= _QUADRATIC * t[j] or abs(step) <= _EXACT * t[j]):
                    continue
                if positive and step >= 0.0:
                    high[j] = t[j]
                else:
                    low[j] = t[j]
                guess = t[j] - step if positive else 0.5 * (low[j] + high[j])
                if not low[j] < guess < high[j]:
                    guess = 0.5 * (low[j] + high[j])
                if positive and (guess in (low[j], high[j])):
                    continue
                before[j] = abs(guess - t[j]) if positive else 2.0
                t[j] = guess
                open_lanes += 1
            if open_lanes == 0:
                break
        for j in range(min(LANES, n - start)):
            m = int(peak[j]) + Q
            for i in range(2 * Q):
                value = np.log(ratio[i, j])
                out[start + j, i] = value if i < m else -value
    return sweeps
