"""Features by definition, one row at a time: what the compiled kernels must agree with."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def convolve_past(x: Floats, weights: Floats) -> Floats:
    """Fixed-width weighted sums of the past."""
    width = len(weights)
    out = np.full(len(x), np.nan)
    for row in range(width - 1, len(x)):
        out[row] = float(x[row - width + 1 : row + 1][::-1] @ weights)
    return out


def rolling_entropy(
    codes: npt.NDArray[np.int64], run: npt.NDArray[np.int64], window: int
) -> Floats:
    """Entropy in bits of the last `window` codes, where `run` says they are whole."""
    out = np.full(len(codes), np.nan)
    for row in range(len(codes)):
        if run[row] >= window:
            counts = Counter(codes[row - window + 1 : row + 1].tolist()).values()
            out[row] = sum(-count / window * math.log2(count / window) for count in counts)
    return out


def cusum_state(changes: Floats, limits: Floats, block: int) -> Floats:
    """State of the restarted filter at each row: up, down, sign and age of the last event."""
    n = len(changes)
    out = np.full((4, n), np.nan)
    for row in range(n):
        start = max((row // block - 1) * block, 0)
        bad = [i for i in range(start, row + 1) if not np.isfinite(changes[i] + limits[i])]
        start = bad[-1] + 1 if bad else start
        if start > row:
            continue
        up = down = sign = 0.0
        age = 2 * block
        for i in range(start, row + 1):
            age = min(age + 1, 2 * block)
            if limits[i] <= 0.0:
                continue
            up, down = max(0.0, up + changes[i]), min(0.0, down + changes[i])
            if down < -limits[i]:
                down, sign, age = 0.0, -1.0, 0
            elif up > limits[i]:
                up, sign, age = 0.0, 1.0, 0
        scale = 1.0 / limits[row] if limits[row] > 0.0 else 0.0
        out[:, row] = min(up * scale, 1.0), max(down * scale, -1.0), sign, age / (2 * block)
    return out
