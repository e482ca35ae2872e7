"""What a prediction does to the quotes: a drift that ends.

Arguments broadcast against each other; nan in, nan out.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ethpredict.quoting.checks import check_positive

Array = npt.NDArray[np.float64]
NANOSECONDS = 1e9


def remaining_seconds(ts: npt.ArrayLike, t_pred: npt.ArrayLike, horizon_s: npt.ArrayLike) -> Array:
    """Time for which a prediction still holds: ``max(0, t_pred + h - t)``.

    Parameters
    ----------
    ts, t_pred : array_like of int
        Now, and when the prediction was made, UTC ns.
    horizon_s : array_like
        Its horizon h, s, > 0.

    Returns
    -------
    ndarray
        s.
    """
    age = np.asarray(ts, dtype=np.int64) - np.asarray(t_pred, dtype=np.int64)
    return np.maximum(0.0, np.asarray(horizon_s, dtype=np.float64) - age / NANOSECONDS)


def drift_rate(
    mid: npt.ArrayLike, m: npt.ArrayLike, sigma_r: npt.ArrayLike, horizon_s: npt.ArrayLike
) -> Array:
    """Price drift that a predicted log return stands for (`alpha: drift`).

    Parameters
    ----------
    mid : array_like
        USD, > 0.
    m : array_like
        Predicted log return over the horizon.
    sigma_r : array_like
        Volatility of log returns, 1/sqrt(s), >= 0.
    horizon_s : array_like
        Horizon h, s, > 0.

    Returns
    -------
    ndarray
        ``mu = mid expm1(m + sigma_r^2 h/2)/h``, USD/s. It lasts for
        :func:`remaining_seconds`.

    Raises
    ------
    ConfigError
        If the mid or the horizon is not positive, or sigma_r is negative.

    Examples
    --------
    >>> round(float(drift_rate(mid=3000.0, m=0.001, sigma_r=0.0, horizon_s=300.0)), 6)
    0.010005
    """
    check_positive(("sigma_r",), mid=mid, sigma_r=sigma_r, horizon_s=horizon_s)
    price, ahead, vol, h = (np.asarray(v, dtype=np.float64) for v in (mid, m, sigma_r, horizon_s))
    return np.asarray(price * np.expm1(ahead + 0.5 * vol * vol * h) / h)
