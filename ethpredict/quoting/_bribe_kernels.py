"""Compiled optimal bribes, one opportunity at a time, for the pool's time loop."""

from __future__ import annotations

import numpy as np

from ethpredict.kernel_cache import njit

_STEPS = 8


@njit(cache=True, nogil=True, error_model="numpy")
def wright_omega(x: float) -> float:
    """The y > 0 with ``y + ln y = x``, to the last bits; 0 where it underflows.

    Parameters
    ----------
    x : float
        Finite.
    """
    if x < -50.0:
        # y = exp(x - y), and y is below the spacing of x.
        return np.exp(x)
    y = np.exp(x - np.exp(x)) if x < -1.0 else (x - np.log(x) if x > 2.0 else 0.5 * (x + 1.0) + 0.1)
    if y <= 0.0:
        y = 0.05
    for _ in range(_STEPS):
        # Newton on ln y, quadratic and safe from both sides: ln y + y - x.
        step = (np.log(y) + y - x) / (1.0 + y)
        after = y * np.exp(-step)
        if abs(after - y) <= 2.3e-16 * y:
            return after
        y = after
    return y


@njit(cache=True, nogil=True, error_model="numpy")
def inclusion_chance(a: float, s: float, bribe: float) -> float:
    """``1/(1 + exp(-(a + s bribe)))`` without overflow."""
    logit = a + s * bribe
    if logit >= 0.0:
        return 1.0 / (1.0 + np.exp(-logit))
    odds = np.exp(logit)
    return odds / (1.0 + odds)


@njit(cache=True, nogil=True, error_model="numpy")
def best_bribe(a: float, s: float, value: float, all_pay: bool) -> tuple[float, float, float]:
    """Bribe that maximises the expected utility of one transaction.

    Parameters
    ----------
    a, s : float
        Log odds of inclusion without a bribe, and their gain per USD, >= 0.
    value : float
        Worth of being included, USD.
    all_pay : bool
        Whether the bribe is lost without inclusion.

    Returns
    -------
    bribe, probability, utility : float
        USD, in [0, 1], USD. As :func:`ethpredict.quoting.bribe.optimal_bribe` (no cost of
        failure) and :func:`ethpredict.quoting.bribe.optimal_bribe_all_pay`.
    """
    idle = inclusion_chance(a, s, 0.0)
    if not s > 0.0:
        return 0.0, idle, idle * value
    if all_pay:
        stake = s * value
        if stake > 4.0:
            high = 0.5 * (1.0 + np.sqrt(1.0 - 4.0 / stake))
            bribe = (np.log(stake) + 2.0 * np.log(high) - a) / s
            gain = high * value - bribe
            if bribe > 0.0 and gain > idle * value:
                return bribe, high, gain
        return 0.0, idle, idle * value
    exponent = a + s * value - 1.0
    y = wright_omega(exponent)
    bribe = ((np.log(y) if y > 1.0 else exponent - y) - a) / s
    if bribe > 0.0:
        return bribe, y / (1.0 + y), y / s
    return 0.0, idle, idle * value
