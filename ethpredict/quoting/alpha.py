"""What a prediction does to the quotes: a drift that ends, or a shift of the reference.

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


def shifted_mid(
    mid: npt.ArrayLike, mu: npt.ArrayLike, left: npt.ArrayLike, share: npt.ArrayLike = 1.0
) -> Array:
    """Reference moved by what is left of the prediction (`alpha: shift`, for comparison).

    Parameters
    ----------
    mid : array_like
        USD.
    mu : array_like
        Drift, USD/s, as :func:`drift_rate` gives.
    left : array_like
        Seconds that it still lasts, >= 0.
    share : array_like
        Part of the move that is taken, 1 = all of it.

    Returns
    -------
    ndarray
        ``mid + share mu left``, USD. Unlike a drift, a shift ignores risk aversion, the
        limits and how fast inventory can be built.

    Raises
    ------
    ConfigError
        If the mid is not positive or the time is negative.
    """
    check_positive(("left",), mid=mid, left=left)
    price, drift, time, part = (np.asarray(v, dtype=np.float64) for v in (mid, mu, left, share))
    return np.asarray(price + part * drift * time)


def hedge_size(q: npt.ArrayLike, target: npt.ArrayLike, band: npt.ArrayLike) -> Array:
    """Signed size to trade on the hedging venue: back to the target once outside the band.

    Parameters
    ----------
    q, target : array_like
        Inventory and its target, lots or ETH.
    band : array_like
        Distance that is tolerated, same unit, >= 0.

    Returns
    -------
    ndarray
        ``target - q`` where ``|q - target| > band``, else 0.

    Raises
    ------
    ConfigError
        If the band is negative.
    """
    check_positive(("band",), band=band)
    gap = np.asarray(target, dtype=np.float64) - np.asarray(q, dtype=np.float64)
    return np.where(np.abs(gap) > np.asarray(band, dtype=np.float64), gap, 0.0 * gap)
