"""Priority fees and builder tips that pay for themselves.

A transaction that offers the bribe b is included with probability
``p(b) = 1/(1 + exp(-(a + s b)))``. The optimum values the opportunity; it never aims
at a probability for its own sake. Units of value, cost and bribe are the same (USD,
or gwei per gas), and `s` is the inverse of that unit.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit, wrightomega

from ethpredict.errors import ConfigError

Array = npt.NDArray[np.float64]


def _arrays(**values: Any) -> list[Array]:
    """Broadcast float arrays; a negative slope or cost is refused."""
    for name in ("s", "fail_cost"):
        given = np.asarray(values.get(name, 0.0), dtype=np.float64)
        if np.any(given < 0.0):
            raise ConfigError(f"bribe.{name}", float(given[given < 0.0].ravel()[0]), ">= 0")
    return list(np.broadcast_arrays(*(np.asarray(v, dtype=np.float64) for v in values.values())))


def optimal_bribe(
    a: npt.ArrayLike, s: npt.ArrayLike, value: npt.ArrayLike, fail_cost: npt.ArrayLike = 0.0
) -> tuple[Array, Array, Array]:
    """Bribe that maximises ``p(b)(value - b) - (1 - p(b)) fail_cost`` over b >= 0.

    The bribe is paid on inclusion only.

    Parameters
    ----------
    a : array_like
        Log odds of inclusion without a bribe.
    s : array_like
        Gain of log odds per unit of bribe, 1/USD, >= 0.
    value : array_like
        Worth of being included, USD.
    fail_cost : array_like
        Cost of not being included, USD, >= 0.

    Returns
    -------
    bribe, probability, utility : ndarray
        USD, in [0, 1], USD; broadcast shape of the arguments. Send iff utility > 0.

    Raises
    ------
    ConfigError
        If `s` or `fail_cost` is negative.

    Notes
    -----
    With ``y = W(exp(a + s (v+c) - 1)) = wrightomega(a + s (v+c) - 1)``:
    ``b* = v + c - (1+y)/s = (ln y - a)/s``, ``p* = y/(1+y)``, ``U* = y/s - c``. The second
    form of b* is the one computed: the first cancels where s v is large.

    Examples
    --------
    >>> bribe, p, utility = optimal_bribe(a=-3.0, s=1.0, value=10.0)
    >>> round(float(bribe), 4), round(float(p), 4), round(float(utility), 4)
    (4.5033, 0.8181, 4.4967)
    """
    a_, s_, v, c = _arrays(a=a, s=s, value=value, fail_cost=fail_cost)
    exponent = a_ + s_ * (v + c) - 1.0
    y = np.asarray(wrightomega(exponent), dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        # y + ln y = exponent; each branch takes the side that does not cancel.
        log_y = np.where(y > 1.0, np.log(y), exponent - y)
        inner = (log_y - a_) / s_
        paid = (s_ > 0.0) & (inner > 0.0)
        odds_off = expit(a_)
        bribe = np.where(paid, inner, 0.0)
        probability = np.where(paid, y / (1.0 + y), odds_off)
        utility = np.where(paid, y / s_ - c, odds_off * v - expit(-a_) * c)
    missing = np.isnan(exponent)
    bribe, probability, utility = (
        np.where(missing, np.nan, part) for part in (bribe, probability, utility)
    )
    return bribe, probability, utility


def optimal_bribe_once(
    a: float, s: float, value: float, fail_cost: float = 0.0
) -> tuple[float, float, float]:
    """Twin of :func:`optimal_bribe` for one opportunity, in a few microseconds.

    Parameters
    ----------
    a, s, value, fail_cost : float
        As in :func:`optimal_bribe`.

    Returns
    -------
    bribe, probability, utility : float
        As there, to the last bits.

    Raises
    ------
    ConfigError
        If `s` or `fail_cost` is negative.
    """
    if s < 0.0 or fail_cost < 0.0:
        name, given = ("s", s) if s < 0.0 else ("fail_cost", fail_cost)
        raise ConfigError(f"bribe.{name}", given, ">= 0")
    exponent = a + s * (value + fail_cost) - 1.0
    if math.isnan(exponent):
        return math.nan, math.nan, math.nan
    y = float(wrightomega(exponent))
    if s > 0.0:
        bribe = ((math.log(y) if y > 1.0 else exponent - y) - a) / s
        if bribe > 0.0:
            return bribe, y / (1.0 + y), y / s - fail_cost
    idle = float(expit(a))
    return 0.0, idle, idle * value - float(expit(-a)) * fail_cost


def optimal_bribe_all_pay(
    a: npt.ArrayLike, s: npt.ArrayLike, value: npt.ArrayLike
) -> tuple[Array, Array, Array]:
    """Bribe that maximises ``p(b) value - b`` over b >= 0: it is paid in any case.

    Parameters
    ----------
    a, s, value : array_like
        As in :func:`optimal_bribe`.

    Returns
    -------
    bribe, probability, utility : ndarray
        As in :func:`optimal_bribe`.

    Raises
    ------
    ConfigError
        If `s` is negative.

    Notes
    -----
    Interior maximum where ``s v > 4``: ``p* = (1 + sqrt(1 - 4/(s v)))/2``,
    ``b* = (ln(p*/(1-p*)) - a)/s``, taken only if it beats b = 0. ``p*(1-p*) = 1/(s v)``
    gives ``p*/(1-p*) = s v p*^2`` without cancellation.
    """
    a_, s_, v = _arrays(a=a, s=s, value=value)
    stake = s_ * v
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        high = 0.5 * (1.0 + np.sqrt(1.0 - 4.0 / stake))
        inner = (np.log(stake) + 2.0 * np.log(high) - a_) / s_
        gain = high * v - inner
        idle = expit(a_) * v
        paid = (stake > 4.0) & (inner > 0.0) & (gain > idle)
    missing = np.isnan(a_ + stake)
    bribe, probability, utility = (
        np.where(missing, np.nan, np.where(paid, inside, outside))
        for inside, outside in ((inner, 0.0), (high, expit(a_)), (gain, idle))
    )
    return bribe, probability, utility
