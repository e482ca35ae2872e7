"""Sharpe ratios that own up to their error: probabilistic, deflated, track record."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from ethpredict.errors import ConfigError

EULER_GAMMA = 0.5772156649015329
MIN_OBSERVATIONS = 2


@dataclass(frozen=True)
class ReturnMoments:
    """Moments of one return series, per observation.

    Attributes
    ----------
    n_obs : int
        Number of finite returns.
    sharpe : float
        Mean over standard deviation (one degree of freedom lost); nan for a constant series.
    skew : float
        Third standardised moment (population form).
    kurtosis : float
        Fourth standardised moment (population form, **not** excess: 3 for a normal).
    """

    n_obs: int
    sharpe: float
    skew: float
    kurtosis: float


def return_moments(returns: ArrayLike) -> ReturnMoments:
    """Sharpe ratio, skewness and kurtosis of returns, per observation.

    Parameters
    ----------
    returns : array_like, shape (T,)
        Simple returns; nan are left out.

    Returns
    -------
    ReturnMoments
        All ratios nan when fewer than two returns are finite or all are equal.

    Examples
    --------
    >>> return_moments([0.01, -0.01, 0.03, 0.01]).n_obs
    4
    """
    x = np.asarray(returns, dtype=np.float64)
    x = x[np.isfinite(x)]
    if x.size < MIN_OBSERVATIONS or np.ptp(x) == 0.0:
        return ReturnMoments(int(x.size), math.nan, math.nan, math.nan)
    centred = x - x.mean()
    variance = float(np.mean(centred**2))
    if variance == 0.0:
        return ReturnMoments(int(x.size), math.nan, math.nan, math.nan)
    skew = float(np.mean(centred**3)) / variance**1.5
    kurtosis = float(np.mean(centred**4)) / variance**2
    sharpe = float(x.mean()) / math.sqrt(variance * x.size / (x.size - 1))
    return ReturnMoments(int(x.size), sharpe, skew, kurtosis)


def _variance_factor(sharpe: float, skew: float, kurtosis: float) -> float:
    """Return 1 - g3 SR + (g4 - 1)/4 SR^2, the scaled variance of the Sharpe estimate."""
    factor = 1.0 - skew * sharpe + (kurtosis - 1.0) / 4.0 * sharpe**2
    if factor <= 0.0:
        raise ConfigError(
            "kurtosis",
            kurtosis,
            f"at least 1 + skew^2 = {1 + skew**2:g}",
            "Use non-excess kurtosis.",
        )
    return factor


def probabilistic_sharpe(
    sharpe: float, n_obs: int, skew: float, kurtosis: float, benchmark: float = 0.0
) -> float:
    """Probability that the true Sharpe ratio exceeds a benchmark.

    Parameters
    ----------
    sharpe : float
        Estimated Sharpe ratio **per observation** (not annualised).
    n_obs : int
        Number of returns behind it; at least 2.
    skew : float
        Skewness of the returns.
    kurtosis : float
        Non-excess kurtosis of the returns (normal: 3).
    benchmark : float
        Sharpe ratio per observation to be beaten.

    Returns
    -------
    float
        Probability in [0, 1]; nan when an input is nan.

    Raises
    ------
    ConfigError
        If `n_obs` is below 2 or the kurtosis is impossible for the skewness.

    Notes
    -----
    PSR = Phi((SR - SR*) sqrt(T - 1) / sqrt(1 - g3 SR + (g4 - 1)/4 SR^2)).

    References
    ----------
    Bailey, D. and Lopez de Prado, M. (2012). The Sharpe ratio efficient frontier.
    Journal of Risk 15(2), eq. 11.

    Examples
    --------
    >>> round(probabilistic_sharpe(0.1, 1000, 0.0, 3.0), 4)
    0.9992
    """
    if n_obs < MIN_OBSERVATIONS:
        raise ConfigError("n_obs", n_obs, "at least 2")
    if any(math.isnan(value) for value in (sharpe, skew, kurtosis, benchmark)):
        return math.nan
    scale = math.sqrt((n_obs - 1) / _variance_factor(sharpe, skew, kurtosis))
    return float(ndtr((sharpe - benchmark) * scale))


def expected_max_sharpe(n_trials: float, sharpe_variance: float) -> float:
    """Sharpe ratio that the best of `n_trials` worthless trials is expected to show.

    Parameters
    ----------
    n_trials : float
        Number of independent trials; at least 1. One trial gives 0.
    sharpe_variance : float
        Variance of the trials' Sharpe ratios, per observation; at least 0.

    Returns
    -------
    float
        SR0 = sqrt(V) ((1 - g) Z[1 - 1/N] + g Z[1 - 1/(N e)]), g = Euler's constant.

    Raises
    ------
    ConfigError
        If an input is out of range.

    References
    ----------
    Bailey, D. and Lopez de Prado, M. (2014). The deflated Sharpe ratio. Journal of
    Portfolio Management 40(5), eq. 1. doi:10.3905/jpm.2014.40.5.094
    """
    if not n_trials >= 1:
        raise ConfigError("n_trials", n_trials, "at least 1")
    if sharpe_variance < 0:
        raise ConfigError("sharpe_variance", sharpe_variance, "at least 0")
    if n_trials == 1:
        return 0.0
    first = float(ndtri(1.0 - 1.0 / n_trials))
    second = float(ndtri(1.0 - 1.0 / (n_trials * math.e)))
    return math.sqrt(sharpe_variance) * ((1.0 - EULER_GAMMA) * first + EULER_GAMMA * second)


def deflated_sharpe(
    sharpe: float,
    n_obs: int,
    skew: float,
    kurtosis: float,
    n_trials: float,
    sharpe_variance: float,
) -> float:
    """Probability that the true Sharpe ratio beats the luck of the search.

    Parameters
    ----------
    sharpe : float
        Sharpe ratio of the chosen trial **per observation** (not annualised).
    n_obs : int
        Number of returns; at least 2.
    skew, kurtosis : float
        Skewness and non-excess kurtosis of its returns.
    n_trials : float
        All distinct trials that were tried, failed ones too; at least 1.
    sharpe_variance : float
        Variance of the completed trials' Sharpe ratios, per observation.

    Returns
    -------
    float
        The probabilistic Sharpe ratio against :func:`expected_max_sharpe`.

    Raises
    ------
    ConfigError
        If an input is out of range.

    References
    ----------
    Bailey, D. and Lopez de Prado, M. (2014). doi:10.3905/jpm.2014.40.5.094

    Examples
    --------
    The worked example of the paper: 2.5 a year from 1,250 days, best of 100.

    >>> round(deflated_sharpe(2.5 / 250**0.5, 1250, -3.0, 10.0, 100, 0.5 / 250), 4)
    0.9004
    """
    benchmark = expected_max_sharpe(n_trials, sharpe_variance)
    return probabilistic_sharpe(sharpe, n_obs, skew, kurtosis, benchmark)


def min_track_record(
    sharpe: float,
    skew: float,
    kurtosis: float,
    benchmark: float = 0.0,
    confidence: float = 0.95,
) -> float:
    """Number of observations that make a Sharpe ratio significant.

    Parameters
    ----------
    sharpe : float
        Sharpe ratio per observation.
    skew, kurtosis : float
        Skewness and non-excess kurtosis.
    benchmark : float
        Sharpe ratio per observation to be beaten.
    confidence : float
        Level in (0.5, 1).

    Returns
    -------
    float
        1 + (1 - g3 SR + (g4 - 1)/4 SR^2) (z / (SR - SR*))^2; infinite when the
        estimate does not exceed the benchmark.

    Raises
    ------
    ConfigError
        If the confidence is out of range.

    References
    ----------
    Bailey, D. and Lopez de Prado, M. (2012), eq. 13.
    """
    if not 0.5 < confidence < 1.0:
        raise ConfigError("confidence", confidence, "above 0.5 and below 1")
    if any(math.isnan(value) for value in (sharpe, skew, kurtosis, benchmark)):
        return math.nan
    if sharpe <= benchmark:
        return math.inf
    z = float(ndtri(confidence))
    return 1.0 + _variance_factor(sharpe, skew, kurtosis) * (z / (sharpe - benchmark)) ** 2
