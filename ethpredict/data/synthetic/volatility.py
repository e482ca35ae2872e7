"""Stochastic volatility, trading activity and jumps, one day at a time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ethpredict.data.synthetic import seasonality
from ethpredict.data.synthetic._kernels import ornstein_uhlenbeck
from ethpredict.data.synthetic.keyed_random import stream
from ethpredict.data.synthetic.settings import (
    ACTIVITY_ELASTICITY,
    ACTIVITY_HALF_LIFE,
    ACTIVITY_SD,
    DAY_MINUTES,
    DAY_SECONDS,
    DEMAND_HALF_LIFE,
    DEMAND_SD,
    FAST_HALF_LIFE,
    FAST_SD,
    FLOW_HALF_LIFE,
    FLOW_LIMIT,
    FLOW_SD,
    SLOW_HALF_LIFE,
    SLOW_SD,
    MarketSettings,
)

# Slow and fast volatility, activity, tilt of the flow, demand for blocks.
FACTOR_SD = np.array([SLOW_SD, FAST_SD, ACTIVITY_SD, FLOW_SD, DEMAND_SD])
FACTOR_DECAY = np.exp2(
    -60.0
    / np.array(
        [SLOW_HALF_LIFE, FAST_HALF_LIFE, ACTIVITY_HALF_LIFE, FLOW_HALF_LIFE, DEMAND_HALF_LIFE],
        dtype=np.float64,
    )
)


@dataclass(frozen=True)
class DayState:
    """What drives one day.

    Parameters
    ----------
    sigma : float64 array of shape (1440,)
        Diffusive volatility in each minute, log return per sqrt(s).
    activity : float64 array of shape (1440,)
        Factor of the trading rate, mean 1 over the process, season included.
    tilt : float64 array of shape (1440,)
        Excess of buying among noise traders, in -0.9..0.9: P(buy) = (1 + tilt)/2.
    demand : float64 array of shape (1440,)
        Factor of the demand for block space, median about 1.
    """

    sigma: np.ndarray
    activity: np.ndarray
    tilt: np.ndarray
    demand: np.ndarray


def initial_factors(seed: int) -> np.ndarray:
    """Draw the factors before the first minute from their stationary law.

    Returns
    -------
    float64 array of shape (5,)
        In the order of `FACTOR_SD`.
    """
    return FACTOR_SD * stream(seed, "initial").standard_normal(len(FACTOR_SD))


@lru_cache(maxsize=8)
def _shapes(minute: int) -> tuple[np.ndarray, np.ndarray]:
    """Shapes of the day for volatility and volume from a minute of the day on: every day's."""
    return seasonality.volatility_shape(minute), seasonality.volume_shape(minute)


def day_state(market: MarketSettings, day: int, factors: np.ndarray) -> DayState:
    """Advance the factors by one day.

    Parameters
    ----------
    market : MarketSettings
        The market.
    day : int
        Day since the start, >= 0.
    factors : float64 array of shape (5,)
        State before the day; changed in place to the state at its end.

    Returns
    -------
    DayState
        The day by the minute.

    Notes
    -----
    log sigma = log(rms) + slow + fast - v with v the variance of slow + fast,
    so that the mean of sigma^2 is rms^2 (E exp(2x) = exp(2v)).
    """
    shocks = stream(market.seed, "volatility", day).standard_normal((DAY_MINUTES, len(FACTOR_SD)))
    path = ornstein_uhlenbeck(factors, FACTOR_DECAY, FACTOR_SD, shocks)
    volatility, volume = _shapes(market.start_ns // 60_000_000_000 % DAY_MINUTES)
    log_sigma = path[:, 0] + path[:, 1] - (SLOW_SD**2 + FAST_SD**2)
    level = ACTIVITY_ELASTICITY * (path[:, 0] + path[:, 1]) + path[:, 2]
    spread = ACTIVITY_ELASTICITY**2 * (SLOW_SD**2 + FAST_SD**2) + ACTIVITY_SD**2
    return DayState(
        sigma=market.sigma * volatility * np.exp(log_sigma),
        activity=volume * np.exp(level - 0.5 * spread),
        tilt=np.clip(path[:, 3], -FLOW_LIMIT, FLOW_LIMIT),
        demand=np.exp(path[:, 4]),
    )


def day_jumps(market: MarketSettings, day: int) -> np.ndarray:
    """Draw the jumps of one day.

    Returns
    -------
    float64 array of shape (86400,)
        Log return of the jumps in each second, compensated so that the price
        is no submartingale through them: E exp(jump) = 1.
    """
    rng = stream(market.seed, "jumps", day)
    jumps = np.zeros(DAY_SECONDS)
    sd = market.jump_sd
    if sd == 0:
        return jumps
    count = int(rng.poisson(market.jumps_per_day))
    second = rng.integers(0, DAY_SECONDS, count)
    np.add.at(jumps, second, sd * rng.standard_normal(count) - 0.5 * sd * sd)
    return jumps
