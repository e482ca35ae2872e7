"""Random streams keyed by (seed, purpose, day), so that a longer market keeps its first days."""

from __future__ import annotations

import numpy as np

PURPOSES = ("initial", "volatility", "price", "jumps", "trades", "blocks", "tips", "pool", "book")


def stream(seed: int, purpose: str, day: int = 0) -> np.random.Generator:
    """Open the stream of one purpose on one day.

    Parameters
    ----------
    seed : int
        Seed of the market, >= 0.
    purpose : str
        One of `PURPOSES`.
    day : int
        Day since the market's start, >= 0.

    Returns
    -------
    numpy.random.Generator
        PCG64; streams of different keys are independent.

    Raises
    ------
    ValueError
        If the purpose is not known.

    Examples
    --------
    >>> stream(7, "price", 3).random() == stream(7, "price", 3).random()
    True
    """
    key = np.random.SeedSequence(seed, spawn_key=(PURPOSES.index(purpose), day))
    return np.random.Generator(np.random.PCG64(key))
