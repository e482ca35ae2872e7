"""A Hawkes process with one exponential decay; `book_reference.py` holds the plain twin."""

from __future__ import annotations

import math

import numpy as np

from ethpredict.kernel_cache import njit


@njit(cache=True, nogil=True)
def uniform(rng: np.ndarray) -> float:
    """Draw from [0, 1) by SplitMix64 (Steele, Lea and Flood 2014)."""
    rng[0] += np.uint64(0x9E3779B97F4A7C15)
    z = rng[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return float(z >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@njit(cache=True, nogil=True)
def exponential_lots(rng: np.ndarray, mean: float) -> int:
    """Draw an exponential size, in lots, >= 1."""
    return max(1, math.floor(0.5 - math.log(1.0 - uniform(rng)) * mean))


@njit(cache=True, nogil=True)
def next_point(base: np.ndarray, excite: np.ndarray, decay: float, rng: np.ndarray) -> float:
    """Seconds to the next point of a Hawkes process with one exponential decay.

    Exact (Dassios and Zhao 2013): the first of a Poisson point of the base rate and
    of the first point of the decaying excitation, which may never come.
    """
    constant, falling = base.sum(), excite.sum()
    wait = -math.log(1.0 - uniform(rng)) / constant if constant > 0.0 else math.inf
    left = 1.0 + decay * math.log(1.0 - uniform(rng)) / falling if falling > 0.0 else 0.0
    if left > 0.0:
        wait = min(wait, -math.log(left) / decay)
    return wait


@njit(cache=True, nogil=True)
def advance(excite: np.ndarray, decay: float, seconds: float) -> None:
    """Let the excitation decay."""
    factor = math.exp(-decay * seconds)
    for i in range(excite.shape[0]):
        excite[i] *= factor


@njit(cache=True, nogil=True)
def choose_type(base: np.ndarray, excite: np.ndarray, kernel: np.ndarray, rng: np.ndarray) -> int:
    """Draw a point's type in proportion to the intensities, and add what it excites."""
    mark = uniform(rng) * (base.sum() + excite.sum())
    kind = 0
    passed = base[0] + excite[0]
    while passed <= mark and kind < base.shape[0] - 1:
        kind += 1
        passed += base[kind] + excite[kind]
    for i in range(excite.shape[0]):
        excite[i] += kernel[i, kind]
    return kind


@njit(cache=True, nogil=True)
def hawkes(
    base: np.ndarray,
    excite: np.ndarray,
    kernel: np.ndarray,
    decay: float,
    stop: float,
    rng: np.ndarray,
    when: np.ndarray,
    kinds: np.ndarray,
) -> int:
    """Fill points of a Hawkes process on [0, stop) s; return how many (all that fit)."""
    n = 0
    now = 0.0
    while n < when.shape[0]:
        wait = next_point(base, excite, decay, rng)
        now += wait
        if now >= stop:
            break
        advance(excite, decay, wait)
        kinds[n] = choose_type(base, excite, kernel, rng)
        when[n] = now
        n += 1
    return n
