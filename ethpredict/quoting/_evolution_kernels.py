"""Compiled evolutions of many exact quotes over their horizons, side by side.

The plain reference is :func:`ethpredict.quoting._exact_kernels.evolve_log_ratios`.
"""

from __future__ import annotations

import numpy as np

from ethpredict.kernel_cache import njit
from ethpredict.quoting._exact_kernels import REACH, scaled_diagonal

# Problems that are solved side by side.
LANES = 8


@njit(cache=True, nogil=True, error_model="numpy")
def evolve_many(
    ends: np.ndarray, a: np.ndarray, b: np.ndarray, time: np.ndarray, out: np.ndarray
) -> None:
    """``exp(-M time) v`` of many problems in units of eta, `LANES` side by side.

    Parameters
    ----------
    ends : ndarray, shape (N, 2Q)
        ``ln(v_{q+1}/v_q)`` at the end of each horizon.
    a, b, time : ndarray, shape (N,)
        ``alpha/eta``, ``beta/eta`` and horizon times eta, no unit. Neighbours should be alike:
        they share the number of steps and of terms.
    out : ndarray, shape (N, 2Q)
        Filled: the log ratios at the start.

    Notes
    -----
    That of :func:`ethpredict.quoting._exact_kernels.evolve_log_ratios`, to the bit: terms that
    only a neighbour needs are too small to count, and steps of no length change nothing.
    """
    n = ends.shape[1] + 1
    size = n * LANES
    # Entry i of a lane stands at i LANES + lane: one loop over all is one over neighbours.
    logs, falls = np.zeros(size), np.empty(size)
    stay, up, down, w = np.empty(size), np.zeros(size), np.zeros(size), np.empty(size)
    term, after = np.zeros(size + 2 * LANES), np.zeros(size + 2 * LANES)
    left, step, top = np.empty(LANES), np.empty(LANES), np.empty(LANES)
    for start in range(0, len(a), LANES):
        for j in range(LANES):
            problem = min(start + j, len(a) - 1)
            s, _ = scaled_diagonal(n // 2, a[problem], b[problem], 1.0)
            top[j] = s.max()
            left[j] = time[problem] if start + j < len(a) else 0.0
            for i in range(n):
                falls[i * LANES + j] = top[j] - s[i]
                if i < n - 1:
                    logs[i * LANES + j] = ends[problem, i]
        while left.max() > 0.0:
            # Jumps that are expected in the step of the lane with the most.
            jumps = 0.0
            for j in range(LANES):
                if left[j] > 0.0:
                    rate = _rates(n, j, logs, falls, up, down)
                    step[j] = min(left[j], REACH / rate)
                    jumps = max(jumps, rate * step[j])
                else:
                    step[j] = 0.0
            for i in range(n):
                for j in range(LANES):
                    k = i * LANES + j
                    stay[k] = falls[k] * step[j]
                    up[k] *= step[j]
                    down[k] *= step[j]
                    w[k] = 1.0
                    term[k + LANES] = 1.0
            bound, order = 1.0, 0
            while bound > 1e-18 or order < jumps:
                order += 1
                bound *= jumps / order
                share = 1.0 / order
                for k in range(size):
                    more = share * (
                        stay[k] * term[k + LANES] + up[k] * term[k + 2 * LANES] + down[k] * term[k]
                    )
                    after[k + LANES] = more
                    w[k] += more
                term, after = after, term
            for j in range(LANES):
                if step[j] > 0.0:
                    for i in range(n - 1):
                        k = i * LANES + j
                        logs[k] += np.log(w[k + LANES] / w[k])
                    left[j] -= step[j]
        for j in range(min(LANES, len(a) - start)):
            for i in range(n - 1):
                out[start + j, i] = logs[i * LANES + j]


@njit(cache=True, nogil=True, error_model="numpy")
def _rates(
    n: int, lane: int, logs: np.ndarray, falls: np.ndarray, up: np.ndarray, down: np.ndarray
) -> float:
    """Rates of a lane's jumps to its neighbours at the current ratios; the largest sum."""
    rate = 0.0
    for i in range(n):
        k = i * LANES + lane
        up[k] = np.exp(logs[k]) if i < n - 1 else 0.0
        down[k] = np.exp(-logs[k - LANES]) if i > 0 else 0.0
        rate = max(rate, falls[k] + up[k] + down[k])
    return rate
