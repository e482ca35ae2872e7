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


def sup_adf(y: Floats, longest: int, shortest: int, lags: int) -> Floats:
    """Each window's own least squares, its t statistic, and the largest of them."""
    out = np.full(len(y), np.nan)
    for row in range(len(y)):
        found = [
            _adf(y[start : row + 1], lags)
            for start in range(max(0, row + 1 - longest), row + 2 - shortest)
        ]
        if found:
            out[row] = np.nanmax(found)
    return out


def _adf(y: Floats, lags: int) -> float:
    change = np.diff(y)
    target = change[lags:]
    parts = [y[lags:-1] - y[-1], np.ones(len(target))]
    parts += [change[lags - j : len(change) - j] for j in range(1, lags + 1)]
    design = np.column_stack(parts)
    coefficients = np.linalg.lstsq(design, target, rcond=None)[0]
    residual = target - design @ coefficients
    variance = residual @ residual / (len(target) - design.shape[1])
    spread = variance * np.linalg.inv(design.T @ design)[0, 0]
    return float(coefficients[0] / math.sqrt(spread))


def sup_departure(y: Floats, window: int) -> tuple[Floats, Floats]:
    """Largest and smallest scaled departure from each of the last prices."""
    ups, downs = np.full(len(y), np.nan), np.full(len(y), np.nan)
    for row in range(window, len(y)):
        moves = [(y[row] - y[row - k]) / math.sqrt(k) for k in range(1, window + 1)]
        ups[row], downs[row] = max(moves), min(moves)
    return ups, downs


def phrases(message: list[int]) -> int:
    """Size of the library, literally as in Lopez de Prado (2018), snippet 18.2."""
    library: list[list[int]] = []
    i = 0
    while i < len(message):
        for j in range(i, len(message)):
            phrase = message[i : j + 1]
            if phrase not in library:
                library.append(phrase)
                break
        i = j + 1
    return len(library)


def longest_match(message: list[int], i: int, look: int) -> int:
    """Length of the longest match, as in Lopez de Prado (2018), snippet 18.3."""
    found = 0
    for length in range(look):
        part = message[i : i + length + 1]
        if not any(message[j : j + length + 1] == part for j in range(i - look, i)):
            break
        found = length + 1
    return found


def volume_profile(
    price: Floats, volume: Floats, close: float, bins: int
) -> tuple[float, float, float, float]:
    """Point of control, value area and share above the close of one window of varied prices."""
    low, high = price.min(), price.max()
    width = (high - low) / bins
    place = np.minimum(((price - low) / width).astype(int), bins - 1)
    held = np.bincount(place, weights=volume, minlength=bins)
    inside = {int(np.argmax(held))}
    poc = low + (min(inside) + 0.5) * width
    while sum(held[b] for b in inside) < 0.7 * volume.sum():
        sides = [b for b in (max(inside) + 1, min(inside) - 1) if 0 <= b < bins]
        inside.add(max(sides, key=lambda b: held[b]))
    return (
        math.log(close / poc),
        math.log((low + (max(inside) + 1) * width) / close),
        math.log(close / (low + min(inside) * width)),
        float(volume[price > close].sum() / volume.sum()),
    )
