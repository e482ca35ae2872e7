"""Prints around a diffusing mid with a planted intensity, for the calibration tests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SECOND = 10**9


@dataclass(frozen=True)
class Path:
    """Trades, and the mid at the start of every window."""

    ts: np.ndarray
    price: np.ndarray
    side: np.ndarray
    mid_ts: np.ndarray
    mid: np.ndarray
    stop: int


def planted_path(seed, A, k, sigma, window_s, seconds):
    """Poisson prints of rate A on each side, at the mid +- an exponential depth of rate k."""
    rng = np.random.default_rng(seed)
    n = rng.poisson(2 * A * seconds)
    ts = np.sort(rng.integers(0, seconds * SECOND, n))
    opening = np.arange(round(seconds / window_s)) * round(window_s * SECOND)
    times = np.concatenate((opening, ts))
    order = np.argsort(times, kind="stable")
    steps = np.diff(times[order], prepend=0) / SECOND
    walk = np.empty(len(times))
    walk[order] = 3000.0 + np.cumsum(rng.normal(0, sigma, len(times)) * np.sqrt(steps))
    side = np.where(rng.random(n) < 0.5, 1, -1)
    price = walk[len(opening) :] + side * rng.exponential(1 / k, n)
    return Path(ts, price, side, opening, walk[: len(opening)], seconds * SECOND)
