"""Compiled feature kernels; the plain reference stands in `reference.py`."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from numba import njit

from ethpredict.rolling._kernels import cusum_step

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@njit(cache=True, nogil=True)
def entropy_of_counts(counts: Integers, total: int) -> float:
    """Shannon entropy in bits, letters in the order of `counts`."""
    bits = 0.0
    for letter in range(counts.shape[0]):
        if counts[letter] > 0:
            share = counts[letter] / total
            bits -= share * math.log2(share)
    return bits


@njit(cache=True, nogil=True)
def rolling_entropy(codes: Integers, run: Integers, window: int, letters: int) -> Floats:
    """Entropy of the last `window` codes; the counts are integers, so they never drift."""
    n = codes.shape[0]
    out = np.full(n, np.nan)
    counts = np.zeros(letters, dtype=np.int64)
    for i in range(n):
        counts[codes[i]] += 1
        if i >= window:
            counts[codes[i - window]] -= 1
        if run[i] >= window:
            out[i] = entropy_of_counts(counts, window)
    return out


@njit(cache=True, nogil=True)
def cusum_state(
    changes: Floats, limits: Floats, block: int
) -> tuple[Floats, Floats, Floats, Floats]:
    """Filter restarted at absolute rows; see :func:`ethpredict.features.breaks.breaks`."""
    n = changes.shape[0]
    ups, downs = np.full(n, np.nan), np.full(n, np.nan)
    lasts, ages = np.full(n, np.nan), np.full(n, np.nan)
    longest = 2 * block
    for start in range(0, n, block):
        up, down, last, age = 0.0, 0.0, 0, longest
        for i in range(max(start - block, 0), min(start + block, n)):
            if not (math.isfinite(changes[i]) and math.isfinite(limits[i])):
                up, down, last, age = 0.0, 0.0, 0, longest
                continue
            event = 0
            if limits[i] > 0.0:
                up, down, event = cusum_step(up, down, changes[i], limits[i])
            age = min(age + 1, longest)
            if event != 0:
                last, age = event, 0
            if i >= start:
                scale = 1.0 / limits[i] if limits[i] > 0.0 else 0.0
                ups[i], downs[i] = min(up * scale, 1.0), max(down * scale, -1.0)
                lasts[i], ages[i] = last, age / longest
    return ups, downs, lasts, ages


@njit(cache=True, nogil=True)
def circle(ts: Integers, offset: int, period: int) -> tuple[Floats, Floats]:
    """Sine and cosine of the phase of each time within a period (nanoseconds)."""
    n = ts.shape[0]
    sines, cosines = np.empty(n), np.empty(n)
    for i in range(n):
        angle = 2.0 * math.pi * ((ts[i] + offset) % period) / period
        sines[i], cosines[i] = math.sin(angle), math.cos(angle)
    return sines, cosines
