"""Compiled entropy of long messages; the plain references stand in `reference.py`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ethpredict.kernel_cache import njit

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]

LETTERS = 32
"""Letters of two bits in a word."""


@njit(cache=True, nogil=True)
def rolling_phrases(codes: Integers, run: Integers, window: int, letters: int) -> Floats:
    """Phrases that Lempel and Ziv's parse finds in the last `window` codes, by a trie."""
    n = codes.shape[0]
    out = np.full(n, np.nan)
    small = codes.astype(np.uint8)
    child = np.zeros((window + 2) * letters, dtype=np.int32)
    for t in range(n):
        if run[t] < window:
            continue
        child[:] = 0
        # No branch on the letters: they are noise, and each wrong guess would cost more.
        node, free = 0, letters
        for i in range(t - window + 1, t + 1):
            place = node + small[i]
            known = child[place]
            new = known == 0
            child[place] = free if new else known
            node = 0 if new else known
            free += letters if new else 0
        out[t] = free // letters - 1
    return out


@njit(cache=True, nogil=True)
def longest_match(codes: Integers, i: int, look: int) -> int:
    """Letters from i on that also start at one of the `look` places before i, at most `look`."""
    best = 0
    for j in range(i - look, i):
        length = 0
        while length < look and codes[i + length] == codes[j + length]:
            length += 1
        best = max(best, length)
        if best == look:
            break
    return best


@njit(cache=True, nogil=True)
def packed(codes: Integers) -> Words:
    """Word i holds the codes i .. i + 31, the first in the lowest two bits."""
    n = codes.shape[0]
    out = np.zeros(n, dtype=np.uint64)
    word = np.uint64(0)
    for i in range(n - 1, -1, -1):
        word = (word << np.uint64(2)) | np.uint64(codes[i])
        out[i] = word
    return out


@njit(cache=True, nogil=True)
def match_lengths(codes: Integers, run: Integers, look: int) -> Floats:
    """:func:`longest_match` of each place, at the row where its last letter is known.

    Row t tells of place t - look + 1. Codes are below 4. The first letter that
    differs is the lowest set bit of an exclusive or; a match longer than a
    word, or one that could reach past the row, is settled letter by letter.
    """
    n = codes.shape[0]
    out = np.full(n, np.nan)
    words = packed(codes)
    one = np.uint64(1)
    for t in range(2 * look - 1, n):
        if run[t] < 2 * look:
            continue
        i = t - look + 1
        word, best = words[i], np.uint64(0)
        for j in range(i - look, i):
            differ = word ^ words[j]
            # Ones up to the first difference; all ones where the words agree.
            ones = (differ & (~differ + one)) - one
            best = max(best, ones)
        if best == ~np.uint64(0):
            out[t] = longest_match(codes, i, look)
            continue
        length = 0
        while length < LETTERS and (best >> np.uint64(2 * length)) & np.uint64(3) == np.uint64(3):
            length += 1
        out[t] = min(length, look)
    return out
