"""How far a prediction is believed before it moves the quotes (`quoting.confidence`).

Arguments broadcast against each other; nan in, nan out, so that a row without a
prediction stays one.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ethpredict.errors import ConfigError

Array = npt.NDArray[np.float64]
MODES = ("payoff", "linear", "none")


def _probability(name: str, value: npt.ArrayLike, open_high: bool = False) -> Array:
    p = np.asarray(value, dtype=np.float64)
    bad = (p < 0.0) | ((p >= 1.0) if open_high else (p > 1.0))
    if np.any(bad):
        legal = "in [0, 1)" if open_high else "in [0, 1]"
        raise ConfigError(f"confidence.{name}", float(p[bad].ravel()[0]), legal)
    return p


def payoff_return(
    m: npt.ArrayLike, p: npt.ArrayLike, gain: npt.ArrayLike, loss: npt.ArrayLike
) -> Array:
    """Expected log return of following the signal: ``side max(0, p G - (1-p) L)``.

    Parameters
    ----------
    m : array_like
        Predicted log return; only its sign, the side, is used.
    p : array_like
        Probability that the signal pays, in [0, 1].
    gain, loss : array_like
        Mean out-of-sample gain and loss at first touch, log returns, >= 0.

    Returns
    -------
    ndarray
        Log return; 0 where the bet does not pay on average.

    Raises
    ------
    ConfigError
        If p is no probability, or a gain or loss is negative.

    Examples
    --------
    >>> payoff_return(m=[0.01, -0.01, 0.01], p=[0.6, 0.6, 0.4], gain=0.02, loss=0.02).round(4) + 0.0
    array([ 0.004, -0.004,  0.   ])
    """
    chance = _probability("p", p)
    win, lose = (np.asarray(v, dtype=np.float64) for v in (gain, loss))
    for name, value in (("gain", win), ("loss", lose)):
        if np.any(value < 0.0):
            raise ConfigError(f"confidence.{name}", float(value[value < 0.0].ravel()[0]), ">= 0")
    edge = np.maximum(0.0, chance * win - (1.0 - chance) * lose)
    return np.asarray(np.sign(np.asarray(m, dtype=np.float64)) * edge)


def linear_return(m: npt.ArrayLike, p: npt.ArrayLike, base_rate: npt.ArrayLike) -> Array:
    """Prediction scaled by what p adds to its base rate: ``m max(0, p-p0)/(1-p0)``.

    Parameters
    ----------
    m : array_like
        Predicted log return.
    p : array_like
        Probability that the signal pays, in [0, 1].
    base_rate : array_like
        Share of signals that paid in training, in [0, 1).

    Returns
    -------
    ndarray
        Log return.

    Raises
    ------
    ConfigError
        If p or the base rate is outside its range.
    """
    chance, base = _probability("p", p), _probability("base_rate", base_rate, open_high=True)
    weight = np.maximum(0.0, chance - base) / (1.0 - base)
    return np.asarray(np.asarray(m, dtype=np.float64) * weight)


def confident_return(
    mode: str,
    m: npt.ArrayLike,
    p: npt.ArrayLike = 1.0,
    gain: npt.ArrayLike = 0.0,
    loss: npt.ArrayLike = 0.0,
    base_rate: npt.ArrayLike = 0.0,
) -> Array:
    """Log return that the quotes are given, by the name of the mode.

    Parameters
    ----------
    mode : {"payoff", "linear", "none"}
        ``none`` takes the prediction as it is.
    m, p, gain, loss, base_rate : array_like
        As in :func:`payoff_return` and :func:`linear_return`.

    Returns
    -------
    ndarray
        Log return over the prediction's horizon.

    Raises
    ------
    ConfigError
        If the mode is unknown or a value is outside its range.
    """
    if mode == "payoff":
        return payoff_return(m, p, gain, loss)
    if mode == "linear":
        return linear_return(m, p, base_rate)
    if mode == "none":
        shape = np.broadcast_shapes(*(np.shape(v) for v in (m, p, gain, loss, base_rate)))
        return np.broadcast_to(np.asarray(m, dtype=np.float64), shape).copy()
    raise ConfigError("quoting.confidence", mode, "one of " + ", ".join(MODES))
