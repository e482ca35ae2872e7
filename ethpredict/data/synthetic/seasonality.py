"""The shape of a day: volatility and trading by the minute (UTC)."""

from __future__ import annotations

import numpy as np

from ethpredict.data.synthetic.settings import DAY_MINUTES

# (hour, width in hours, height) over a floor of 1: the US open, the daily and funding change.
VOLATILITY_BUMPS = ((14.5, 2.2, 0.75), (0.8, 1.5, 0.3), (20.0, 2.0, 0.2))
VOLUME_BUMPS = ((14.8, 2.0, 1.3), (0.8, 1.8, 0.3), (20.0, 2.5, 0.3), (8.5, 1.5, 0.15))


def _bumps(bumps: tuple[tuple[float, float, float], ...]) -> np.ndarray:
    """Sum Gaussian bumps on the circle of a day, float64 array of shape (1440,)."""
    hour = (np.arange(DAY_MINUTES) + 0.5) / 60
    shape = np.ones(DAY_MINUTES)
    for centre, width, height in bumps:
        distance = np.abs(hour - centre)
        distance = np.minimum(distance, 24 - distance)
        shape += height * np.exp(-0.5 * (distance / width) ** 2)
    return shape


def volatility_shape(first_minute: int = 0) -> np.ndarray:
    """Return the factor of volatility in each minute of a market day.

    Parameters
    ----------
    first_minute : int
        Minute of the UTC day at which the market's days begin, 0..1439.

    Returns
    -------
    float64 array of shape (1440,)
        Mean square 1, so that it leaves the variance of a day as it is.

    Examples
    --------
    >>> float(round((volatility_shape() ** 2).mean(), 12))
    1.0
    """
    shape = _bumps(VOLATILITY_BUMPS)
    return np.roll(shape / np.sqrt(np.mean(shape**2)), -first_minute)


def volume_shape(first_minute: int = 0) -> np.ndarray:
    """Return the factor of the trading rate in each minute of a market day.

    Parameters
    ----------
    first_minute : int
        Minute of the UTC day at which the market's days begin, 0..1439.

    Returns
    -------
    float64 array of shape (1440,)
        Mean 1.

    Examples
    --------
    >>> int(volume_shape().argmax() // 60)
    14
    """
    shape = _bumps(VOLUME_BUMPS)
    return np.roll(shape / shape.mean(), -first_minute)
