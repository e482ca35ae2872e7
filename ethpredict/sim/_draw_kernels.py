"""Counter-based random draws: a number depends on its key only.

The key is (seed, replicate, row, purpose). There is no state, so a draw is the
same whatever ran before it: results do not depend on order, cores or packs, and
trials that share a seed meet the same noise flow and the same luck (common
random numbers). The plain reference is in :mod:`ethpredict.sim.reference`.

References
----------
Steele, Lea, Flood (2014), Fast splittable pseudorandom number generators,
https://doi.org/10.1145/2660193.2660195 (the finaliser used here).
"""

from __future__ import annotations

import numpy as np

from ethpredict.kernel_cache import njit

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MULTIPLY_1 = np.uint64(0xBF58476D1CE4E5B9)
MULTIPLY_2 = np.uint64(0x94D049BB133111EB)
SHIFT_1, SHIFT_2, SHIFT_3 = np.uint64(30), np.uint64(27), np.uint64(31)
TO_UNIT, UNIT = np.uint64(12), 2.0**-52


@njit(cache=True, nogil=True)
def scramble(z: np.uint64) -> np.uint64:
    """One round of splitmix64: a bijection of 64-bit words."""
    z = z + GOLDEN
    z = (z ^ (z >> SHIFT_1)) * MULTIPLY_1
    z = (z ^ (z >> SHIFT_2)) * MULTIPLY_2
    return z ^ (z >> SHIFT_3)


@njit(cache=True, nogil=True)
def draw_word(seed: int, replicate: int, row: int, purpose: int) -> np.uint64:
    """64 random bits of one key.

    Parameters
    ----------
    seed, replicate, row, purpose : int
        The key, each >= 0.
    """
    word = scramble(np.uint64(seed))
    word = scramble(word ^ np.uint64(replicate))
    word = scramble(word ^ np.uint64(row))
    return scramble(word ^ np.uint64(purpose))


@njit(cache=True, nogil=True)
def word_to_uniform(word: np.uint64) -> float:
    """A number strictly between 0 and 1 from the upper 52 bits."""
    return (np.float64(word >> TO_UNIT) + 0.5) * UNIT


@njit(cache=True, nogil=True)
def uniform(seed: int, replicate: int, row: int, purpose: int) -> float:
    """Uniform draw on (0, 1) of one key."""
    return word_to_uniform(draw_word(seed, replicate, row, purpose))


@njit(cache=True, nogil=True)
def normal(seed: int, replicate: int, row: int, purpose: int) -> float:
    """Standard normal draw of one key (Box-Muller)."""
    word = draw_word(seed, replicate, row, purpose)
    first, second = word_to_uniform(word), word_to_uniform(scramble(word))
    return np.sqrt(-2.0 * np.log(first)) * np.cos(2.0 * np.pi * second)
