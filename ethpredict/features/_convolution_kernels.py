"""Compiled past-only convolution; the plain reference stands in `reference.py`."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from ethpredict.kernel_cache import njit

Floats = npt.NDArray[np.float64]
Complexes = npt.NDArray[np.complex128]

CHUNK = 512
BLOCK = 128
DIRECT = 64
"""Widths up to this are summed directly."""


@njit(cache=True, nogil=True)
def direct_past(x: Floats, weights: Floats) -> Floats:
    """``sum_k weights[k] x[t - k]``, newest first.

    Rows go side by side and the weights one after the other, so the loop
    vectorises while each row still adds its products in the same order.
    """
    n, width = x.shape[0], weights.shape[0]
    out = np.full(n, np.nan)
    for start in range(width - 1, n, CHUNK):
        stop = min(start + CHUNK, n)
        total = np.zeros(stop - start)
        for k in range(width):
            weight = weights[k]
            for row in range(stop - start):
                total[row] += weight * x[start + row - k]
        out[start:stop] = total
    return out


@njit(cache=True, nogil=True)
def _roots(size: int) -> Complexes:
    """``exp(-2 pi i j / size)`` for the first half circle."""
    out = np.empty(size // 2, dtype=np.complex128)
    for j in range(size // 2):
        angle = -2.0 * math.pi * j / size
        out[j] = complex(math.cos(angle), math.sin(angle))
    return out


@njit(cache=True, nogil=True)
def _transform(a: Complexes, spare: Complexes, roots: Complexes) -> Complexes:
    """Discrete Fourier transform of a power-of-two length (Stockham); returns a or spare."""
    size = a.shape[0]
    source, target = a, spare
    half, stride = size // 2, 1
    while half >= 1:
        for p in range(half):
            root = roots[p * stride]
            for q in range(stride):
                left = source[q + stride * p]
                right = source[q + stride * (p + half)]
                target[q + stride * 2 * p] = left + right
                target[q + stride * (2 * p + 1)] = (left - right) * root
        source, target = target, source
        half //= 2
        stride *= 2
    return source


@njit(cache=True, nogil=True)
def _weight_spectra(weights: Floats, roots: Complexes) -> Complexes:
    """Spectra of the weights that reach p = 1, 2, … blocks back."""
    size, width = 2 * BLOCK, weights.shape[0]
    parts = (width + BLOCK - 2) // BLOCK
    out = np.zeros((parts, size), dtype=np.complex128)
    spare = np.empty(size, dtype=np.complex128)
    for p in range(parts):
        buffer = np.zeros(size, dtype=np.complex128)
        for j in range(1, size):
            k = p * BLOCK + j
            if k < width:
                buffer[j] = weights[k]
        out[p] = _transform(buffer, spare, roots)
    return out


@njit(cache=True, nogil=True)
def _spectrum(x: Floats, start: int, roots: Complexes) -> Complexes:
    """Spectrum of one whole block, padded with zeros; rows before the data are zeros."""
    buffer = np.zeros(2 * BLOCK, dtype=np.complex128)
    for j in range(BLOCK):
        if start + j >= 0:
            buffer[j] = x[start + j]
    return _transform(buffer, np.empty(2 * BLOCK, dtype=np.complex128), roots)


@njit(cache=True, nogil=True)
def _older(history: Complexes, spectra: Complexes, b: int, roots: Complexes) -> Floats:
    """What whole earlier blocks add to the rows of block b."""
    size, parts = 2 * BLOCK, spectra.shape[0]
    total = np.zeros(size, dtype=np.complex128)
    for p in range(parts):
        old = history[(b - 1 - p) % parts]
        for j in range(size):
            total[j] += old[j] * spectra[p, j]
    # The inverse transform by conjugation; the signal is real.
    for j in range(size):
        total[j] = total[j].conjugate()
    signal = _transform(total, np.empty(size, dtype=np.complex128), roots)
    out = np.empty(BLOCK)
    for j in range(BLOCK):
        out[j] = signal[BLOCK + j].real / size
    return out


@njit(cache=True, nogil=True)
def partitioned_past(x: Floats, weights: Floats, offset: int) -> Floats:
    """The same sums by blocks of `BLOCK` absolute rows; row 0 is absolute row `offset`.

    The rows of a block add their own block directly, newest first, and whole
    earlier blocks through their spectra: a later row enters no earlier one's
    arithmetic.
    """
    n, width = x.shape[0], weights.shape[0]
    out = np.full(n, np.nan)
    if n < width:
        return out
    roots = _roots(2 * BLOCK)
    spectra = _weight_spectra(weights, roots)
    parts = spectra.shape[0]
    history = np.zeros((parts, 2 * BLOCK), dtype=np.complex128)
    first = offset // BLOCK
    for b in range(first, (offset + n - 1) // BLOCK + 1):
        start = b * BLOCK - offset
        stop = min(start + BLOCK, n)
        total = np.zeros(BLOCK)
        for k in range(min(width, BLOCK)):
            weight = weights[k]
            for j in range(k + max(0, -start), stop - start):
                total[j] += weight * x[start + j - k]
        older = _older(history, spectra, b, roots)
        for j in range(max(0, width - 1 - start), stop - start):
            out[start + j] = total[j] + older[j]
        if stop == start + BLOCK:
            history[b % parts] = _spectrum(x, start, roots)
    return out


@njit(cache=True, nogil=True)
def convolve_past(x: Floats, weights: Floats, offset: int) -> Floats:
    """``sum_k weights[k] x[t - k]`` over one stretch of finite rows."""
    if weights.shape[0] <= DIRECT:
        return direct_past(x, weights)
    return partitioned_past(x, weights, offset)


@njit(cache=True, nogil=True)
def convolve_stretches(x: Floats, run: npt.NDArray[np.int64], weights: Floats) -> Floats:
    """Each unbroken stretch on its own, so that nothing of another enters its arithmetic."""
    n = x.shape[0]
    out = np.full(n, np.nan)
    stop = 0
    # A range's number: a start that is set to 0 would have all of this compiled for that 0 as well.
    for start in range(n):
        if start < stop or run[start] == 0:
            continue
        stop = start + 1
        while stop < n and run[stop] == run[stop - 1] + 1:
            stop += 1
        out[start:stop] = convolve_past(x[start:stop], weights, start)
    return out
