"""Compiled trailing windows; the plain reference stands in `reference.py`."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from ethpredict.kernel_cache import njit

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


@njit(cache=True, nogil=True)
def run_lengths(values: Floats, gap: npt.NDArray[np.bool_]) -> Counts:
    """Length of the finite, gapless stretch that ends at each row."""
    n = values.shape[0]
    out = np.zeros(n, dtype=np.int64)
    length = 0
    for i in range(n):
        if gap[i]:
            length = 0
        length = length + 1 if math.isfinite(values[i]) else 0
        out[i] = length
    return out


@njit(cache=True, nogil=True)
def log_ratio(numerator: Floats, denominator: Floats) -> Floats:
    """Row by row; scalar calls, so a row's bits do not depend on its place in a vector."""
    n = numerator.shape[0]
    out = np.full(n, np.nan)
    for i in range(n):
        if numerator[i] > 0.0 and denominator[i] > 0.0:
            out[i] = math.log(numerator[i] / denominator[i])
    return out


@njit(cache=True, nogil=True)
def log_return(close: Floats, run: Counts, bars: int) -> Floats:
    """``log(close[t] / close[t - bars])`` within an unbroken stretch."""
    n = close.shape[0]
    out = np.full(n, np.nan)
    for i in range(bars, n):
        if run[i] > bars:
            out[i] = math.log(close[i] / close[i - bars])
    return out


@njit(cache=True, nogil=True)
def window_sum(values: Floats, run: Counts, window: int, decay: float) -> Floats:
    """Weighted sum = decayed suffix of the previous block + prefix of this block."""
    n = values.shape[0]
    out = np.full(n, np.nan)
    if window > n:
        return out
    power = np.ones(window + 1)
    for k in range(1, window + 1):
        power[k] = power[k - 1] * decay
    suffix = np.zeros(window + 1)
    for start in range(0, n, window):
        if start > 0:
            last = start - 1
            for j in range(window - 1, 0, -1):
                suffix[j] = suffix[j + 1] + power[window - 1 - j] * values[last - (window - 1 - j)]
        prefix = 0.0
        for i in range(start, min(start + window, n)):
            prefix = values[i] + decay * prefix
            if run[i] >= window:
                k = i - start + 1
                out[i] = prefix + power[k] * suffix[k]
    return out


@njit(cache=True, nogil=True)
def window_moments(values: Floats, run: Counts, window: int) -> tuple[Floats, Floats]:
    """Mean and sum of squared deviations: two Welford passes merged (Chan et al.)."""
    n = values.shape[0]
    means, squares = np.full(n, np.nan), np.full(n, np.nan)
    if window > n:
        return means, squares
    old_mean, old_square = np.zeros(window + 1), np.zeros(window + 1)
    for start in range(0, n, window):
        if start > 0:
            for j in range(window - 1, 0, -1):
                step = values[start - window + j] - old_mean[j + 1]
                old_mean[j] = old_mean[j + 1] + step / (window - j)
                old_square[j] = old_square[j + 1] + step * (
                    values[start - window + j] - old_mean[j]
                )
        mean, square = 0.0, 0.0
        for i in range(start, min(start + window, n)):
            k = i - start + 1
            step = values[i] - mean
            mean += step / k
            square += step * (values[i] - mean)
            if run[i] >= window:
                older = window - k
                difference = old_mean[k] - mean
                means[i] = mean + difference * older / window
                squares[i] = square + old_square[k] + difference * difference * k * older / window
    return means, squares


@njit(cache=True, nogil=True)
def cusum_step(up: float, down: float, change: float, limit: float) -> tuple[float, float, int]:
    """One step of the symmetric filter: new sums and the event's sign (0 for none)."""
    up, down = max(0.0, up + change), min(0.0, down + change)
    if down < -limit:
        return up, 0.0, -1
    if up > limit:
        return 0.0, down, 1
    return up, down, 0


@njit(cache=True, nogil=True)
def cusum_marks(changes: Floats, limits: Floats) -> Counts:
    """Sign of the event at each row, 0 for none."""
    n = changes.shape[0]
    out = np.zeros(n, dtype=np.int64)
    up, down = 0.0, 0.0
    for i in range(n):
        if math.isfinite(changes[i]):
            up, down, out[i] = cusum_step(up, down, changes[i], limits[i])
        else:
            up, down = 0.0, 0.0
    return out
