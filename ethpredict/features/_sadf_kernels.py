"""Compiled suprema over nested windows; the plain references stand in `reference.py`."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from ethpredict.kernel_cache import njit

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

LANES = 64
FLAT = 1e-12
"""Relative size below which a sum of squares is rounding, not variation."""


@njit(cache=True, nogil=True)
def sup_adf(y: Floats, run: Counts, longest: int, shortest: int) -> Floats:
    """Supremum of the Dickey-Fuller statistics (no lags) of the windows that end at a row.

    Windows hold `shortest` to `longest` prices. Rows go side by side: each
    adds one older row to its own sums at a time, so nothing is subtracted and
    no row's arithmetic depends on its neighbours'. Levels are measured from
    the row's own, which keeps the sums small. The square of the statistic,
    with its sign, is compared: one division, no root.
    """
    n = y.shape[0]
    out = np.full(n, np.nan)
    for first in range(0, n, LANES):
        lanes = min(LANES, n - first)
        sx, sd, sxx = np.zeros(LANES), np.zeros(LANES), np.zeros(LANES)
        sxd, sdd = np.zeros(LANES), np.zeros(LANES)
        best = np.full(LANES, -np.inf)
        whole = np.zeros(LANES)
        deepest = 0
        for lane in range(lanes):
            whole[lane] = min(run[first + lane], longest)
            deepest = max(deepest, min(run[first + lane], longest))
        for k in range(deepest - 1):
            rows, prices = k + 1.0, k + 2.0
            share, freedom = 1.0 / rows, rows - 2.0
            low = max(0, k + 1 - first)
            # Views begin at the lane, so that every index of the inner loop is its own.
            new, old = y[first + low - k :], y[first + low - k - 1 :]
            level = y[first + low :]
            a, b, c, d, e = sx[low:], sd[low:], sxx[low:], sxd[low:], sdd[low:]
            top, room = best[low:], whole[low:]
            judged = k + 2 >= shortest and rows > 2.0
            for lane in range(lanes - low):
                x = old[lane] - level[lane]
                step = new[lane] - old[lane]
                a[lane] += x
                b[lane] += step
                c[lane] += x * x
                d[lane] += x * step
                e[lane] += step * step
            if judged:
                for lane in range(lanes - low):
                    cxx = c[lane] - a[lane] * a[lane] * share
                    cxd = d[lane] - a[lane] * b[lane] * share
                    cdd = e[lane] - b[lane] * b[lane] * share
                    product = cxx * cdd
                    rest = product - cxd * cxd
                    sound = (
                        (rest > FLAT * product) & (cxx > FLAT * c[lane]) & (prices <= room[lane])
                    )
                    square = cxd * abs(cxd) * freedom / (rest if sound else 1.0)
                    better = sound & (square > top[lane])
                    top[lane] = square if better else top[lane]
        for lane in range(lanes):
            if best[lane] > -np.inf:
                root = math.sqrt(abs(best[lane]))
                out[first + lane] = root if best[lane] >= 0.0 else -root
    return out


@njit(cache=True, nogil=True)
def _statistic(moments: Floats, factor: Floats, rows: int) -> float:
    """Compute the t statistic of the last regressor from moments of [regressors, target].

    Cholesky: the last two columns of the factor are what is left of level and
    target once the others are taken out.
    """
    size = moments.shape[0]
    for i in range(size):
        for j in range(i + 1):
            total = moments[i, j]
            for k in range(j):
                total -= factor[i, k] * factor[j, k]
            if i == j:
                if not total > FLAT * moments[i, i]:
                    return np.nan
                factor[i, i] = math.sqrt(total)
            else:
                factor[i, j] = total / factor[j, j]
    last = size - 1
    return factor[last, last - 1] * math.sqrt(rows - last) / factor[last, last]


@njit(cache=True, nogil=True)
def sup_adf_lags(y: Floats, run: Counts, longest: int, shortest: int, lags: int) -> Floats:
    """The same with lagged differences, by moments that grow row by row."""
    n, size = y.shape[0], lags + 3
    out = np.full(n, np.nan)
    line = np.empty(size)
    moments, factor = np.empty((size, size)), np.empty((size, size))
    for t in range(n):
        moments[:] = 0.0
        best = -np.inf
        most = min(run[t], longest)
        for k in range(most - 1 - lags):
            now = t - k
            line[0] = 1.0
            for j in range(1, lags + 1):
                line[j] = y[now - j] - y[now - j - 1]
            line[size - 2] = y[now - 1] - y[t]
            line[size - 1] = y[now] - y[now - 1]
            for i in range(size):
                for j in range(i + 1):
                    moments[i, j] += line[i] * line[j]
            rows = k + 1
            if rows + 1 + lags >= shortest and rows >= size:
                found = _statistic(moments, factor, rows)
                if not math.isnan(found):
                    best = max(best, found)
        if best > -np.inf:
            out[t] = best
    return out


@njit(cache=True, nogil=True)
def sup_departure(y: Floats, run: Counts, window: int) -> tuple[Floats, Floats]:
    """Largest and smallest ``(y_t - y_{t-k}) / sqrt(k)``, k = 1 .. window; nan if not whole."""
    n = y.shape[0]
    ups, downs = np.full(n, np.nan), np.full(n, np.nan)
    for first in range(window, n, LANES):
        lanes = min(LANES, n - first)
        high, low = np.full(LANES, -np.inf), np.full(LANES, np.inf)
        level = y[first:]
        for k in range(1, window + 1):
            scale = 1.0 / math.sqrt(k)
            old = y[first - k :]
            for lane in range(lanes):
                move = (level[lane] - old[lane]) * scale
                high[lane] = move if move > high[lane] else high[lane]
                low[lane] = move if move < low[lane] else low[lane]
        for lane in range(lanes):
            if run[first + lane] > window:
                ups[first + lane], downs[first + lane] = high[lane], low[lane]
    return ups, downs
