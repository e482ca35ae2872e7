"""Errors of daily means and day-by-day comparison with a baseline."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ethpredict.errors import ConfigError

MARKET_PREFIXES = ("data.", "bars.", "validation.", "sim.venue")
MIN_OBSERVATIONS = 2


@dataclass(frozen=True)
class Difference:
    """Mean of paired differences with its error.

    Attributes
    ----------
    mean, error : float
        Mean difference and its Newey-West standard error; nan when not known.
    n_obs : int
        Number of pairs.
    """

    mean: float
    error: float
    n_obs: int


def mean_error(values: ArrayLike, lags: int | None = None) -> float:
    """Standard error of a mean of serially dependent values (Newey-West, Bartlett weights).

    Parameters
    ----------
    values : array_like, shape (T,)
        Observations in time order; nan are left out.
    lags : int, optional
        Autocovariances that count; by default floor(4 (T/100)^(2/9)).

    Returns
    -------
    float
        Standard error; nan with fewer than two values. Never below the least weight that
        the Bartlett kernel allows: the variance estimate is non-negative by construction.

    Raises
    ------
    ConfigError
        If `lags` is negative.

    References
    ----------
    Newey, W. and West, K. (1987). Econometrica 55(3). doi:10.2307/1913610

    Examples
    --------
    >>> round(mean_error([1.0, 2.0, 3.0, 4.0], lags=0), 4)
    0.6455
    """
    x = np.asarray(values, dtype=np.float64)
    x = x[np.isfinite(x)]
    n = x.size
    if n < MIN_OBSERVATIONS:
        return math.nan
    if lags is None:
        lags = math.floor(4.0 * (n / 100.0) ** (2.0 / 9.0))
    if lags < 0:
        raise ConfigError("lags", lags, "at least 0")
    centred = x - x.mean()
    variance = float(centred @ centred)
    for lag in range(1, min(lags, n - 1) + 1):
        variance += 2.0 * (1.0 - lag / (lags + 1.0)) * float(centred[lag:] @ centred[:-lag])
    return math.sqrt(max(variance, 0.0) / (n * (n - 1)))


def paired_difference(first: ArrayLike, second: ArrayLike) -> Difference:
    """Mean of `first - second` over pairs that are both known.

    Parameters
    ----------
    first, second : array_like, shape (T,)
        Values of the same periods, in time order.

    Returns
    -------
    Difference
        In the unit of the values.
    """
    gap = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    gap = gap[np.isfinite(gap)]
    if not gap.size:
        return Difference(math.nan, math.nan, 0)
    return Difference(float(gap.mean()), mean_error(gap), int(gap.size))


def same_market(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    """Whether two trials' settings choose the same market, days and venue."""
    keys = {key for key in (*first, *second) if key.startswith(MARKET_PREFIXES)}
    return all(first.get(key) == second.get(key) for key in keys)


def match_baseline(
    settings: Mapping[str, Any],
    baselines: Sequence[Mapping[str, Any]],
    keys: Sequence[str],
) -> Mapping[str, Any] | None:
    """Find the baseline trial that differs least from a trial.

    Parameters
    ----------
    settings : mapping
        Flat dotted settings of the trial.
    baselines : sequence of mapping
        Trials of one kind of baseline, each with ``id`` and ``settings``.
    keys : sequence of str
        Settings that vary in the study.

    Returns
    -------
    mapping or None
        The baseline with the fewest different values: first among the settings that choose the
        market, its days and the venue, then among all that both have; ties go to the most equal
        values, then to the lowest id.
    """

    def distance(baseline: Mapping[str, Any]) -> tuple[int, int, int, str]:
        other = baseline["settings"]
        shared = [key for key in keys if key in settings and key in other]
        different = [key for key in shared if settings[key] != other[key]]
        sample = sum(key.startswith(MARKET_PREFIXES) for key in different)
        return sample, len(different), len(different) - len(shared), str(baseline["id"])

    return min(baselines, key=distance, default=None)
