"""Compiled passes over whole paths: the drift before a run, the drawdown after it."""

from __future__ import annotations

import numpy as np

from ethpredict.kernel_cache import njit
from ethpredict.quoting._kernels import drift


@njit(cache=True, nogil=True, error_model="numpy")
def drift_path(
    mid: np.ndarray, m: np.ndarray, sigma: np.ndarray, horizon_s: np.ndarray
) -> np.ndarray:
    """Drift of the mid that each prediction stands for.

    Parameters
    ----------
    mid, m, sigma, horizon_s : ndarray, shape (n,)
        USD, log return over the horizon, USD/sqrt(s), s.

    Returns
    -------
    ndarray, shape (n,)
        USD/s; nan where an input is missing.
    """
    mu = np.empty(len(mid))
    for j in range(len(mid)):
        mu[j] = drift(mid[j], m[j], sigma[j] / mid[j], horizon_s[j])
    return mu


@njit(cache=True, nogil=True, error_model="numpy")
def drawdown_path(
    equity: np.ndarray, final: float, seconds: np.ndarray, drawdown: np.ndarray
) -> tuple[float, float]:
    """Distance of the equity from its running peak.

    Parameters
    ----------
    equity : ndarray, shape (n,)
        Equity after each row, USD, starting from 0 before the first.
    final : float
        Equity after the liquidation, USD.
    seconds : ndarray, shape (n,)
        Time that each row stands for, s.
    drawdown : ndarray, shape (n,)
        Filled with the distance below the peak, USD, >= 0; its last value
        counts the liquidation.

    Returns
    -------
    largest : float
        Largest drawdown, USD.
    under_water : float
        Time below the running peak, s.
    """
    peak, largest, under_water = 0.0, 0.0, 0.0
    last = len(equity) - 1
    for j in range(len(equity)):
        peak = max(peak, equity[j])
        below = peak - equity[j]
        if j == last:
            largest = max(largest, below)
            below = max(0.0, peak - final)
        drawdown[j] = below
        largest = max(largest, below)
        if below > 0.0:
            under_water += seconds[j]
    return largest, under_water
