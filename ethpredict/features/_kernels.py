"""Compiled feature kernels; the plain reference stands in `reference.py`."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from ethpredict.kernel_cache import njit
from ethpredict.rolling._kernels import cusum_step

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

VALUE_AREA = 0.7
"""Share of the volume that the value area of a profile holds at least."""


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


@njit(cache=True, nogil=True)
def volume_profile(
    price: Floats, volume: Floats, close: Floats, run: Integers, window: int, bins: int
) -> tuple[Floats, Floats, Floats, Floats]:
    """Point of control, value area and share of volume above the close.

    Per row: ln(close / point of control), ln(top of the value area / close),
    ln(close / bottom of it), share of volume at prices above the close.
    """
    n = price.shape[0]
    poc, top = np.full(n, np.nan), np.full(n, np.nan)
    bottom, above = np.full(n, np.nan), np.full(n, np.nan)
    profile = np.empty(bins)
    for t in range(window - 1, n):
        if run[t] < window:
            continue
        low, high, over, total = math.inf, -math.inf, 0.0, 0.0
        for i in range(t - window + 1, t + 1):
            low, high = min(low, price[i]), max(high, price[i])
            total += volume[i]
            if price[i] > close[t]:
                over += volume[i]
        above[t] = over / total if total > 0.0 else 0.0
        width = (high - low) / bins
        profile[:] = 0.0
        scale = 1.0 / width if width > 0.0 else 0.0
        for i in range(t - window + 1, t + 1):
            profile[min(int((price[i] - low) * scale), bins - 1)] += volume[i]
        best = 0
        for b in range(1, bins):
            if profile[b] > profile[best]:
                best = b
        first, last, held = best, best, profile[best]
        while held < VALUE_AREA * total and (first > 0 or last < bins - 1):
            below = profile[first - 1] if first > 0 else -1.0
            beyond = profile[last + 1] if last < bins - 1 else -1.0
            if beyond >= below:
                last += 1
                held += beyond
            else:
                first -= 1
                held += below
        poc[t] = math.log(close[t] / (low + (best + 0.5) * width))
        top[t] = math.log((low + (last + 1) * width) / close[t])
        bottom[t] = math.log(close[t] / (low + first * width))
    return poc, top, bottom, above
