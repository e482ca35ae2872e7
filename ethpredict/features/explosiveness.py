"""Tests for explosive prices over nested windows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ethpredict import rolling
from ethpredict.features import _sadf_kernels
from ethpredict.features.block import Floats


def sadf(log_price: npt.ArrayLike, min_window: int, lags: int = 0) -> Floats:
    """Supremum augmented Dickey-Fuller statistic of all windows that end at each row.

    Parameters
    ----------
    log_price : array_like of float, shape (n,)
        Log prices. A row that is not finite starts the windows anew.
    min_window : int, prices, >= lags + 4
        Length of the shortest window, in prices (not in rows of the regression).
    lags : int, >= 0
        Lagged differences in the regression.

    Returns
    -------
    ndarray of float64, shape (n,)
        nan in the first ``min_window - 1`` rows, and where no window moves.

    Notes
    -----
    For each window ``dy_j = c + b y_{j-1} + sum_i g_i dy_{j-i} + e_j`` by
    least squares; the statistic is b over its standard error, and the supremum
    runs over the windows' starts. Windows grow by one older row at a time,
    which adds to their moments: O(n^2) in all instead of O(n^3).

    References
    ----------
    Phillips, Wu and Yu (2011), doi:10.1111/j.1468-2354.2010.00625.x; Phillips,
    Shi and Yu (2015), doi:10.1111/iere.12132 (backward supremum). Lopez de
    Prado (2018), section 17.4.2.

    Examples
    --------
    >>> y = np.log(100.0 + 1.1 ** np.arange(60))
    >>> bool(sadf(y, 20)[-1] > 1.5)
    True
    """
    if lags < 0 or min_window < lags + 4:
        raise ValueError(
            f"min_window = {min_window}, lags = {lags}: must be lags >= 0, min_window >= lags + 4"
        )
    y = np.ascontiguousarray(log_price, dtype=np.float64)
    run = rolling.run_lengths(y, np.zeros(len(y), dtype=bool))
    if lags == 0:
        return _sadf_kernels.sup_adf(y, run, len(y), min_window)
    return _sadf_kernels.sup_adf_lags(y, run, len(y), min_window, lags)


def chu_stinchcombe_white(log_price: npt.ArrayLike) -> tuple[float, float]:
    """Largest and smallest standardised departure of the last price from earlier ones.

    Parameters
    ----------
    log_price : array_like of float, shape (n,), n >= 3
        Log prices, finite.

    Returns
    -------
    up, down : float
        Largest and smallest ``S = (y_t - y_k) / (sigma sqrt(t - k))`` over k < t,
        in standard deviations; nan where the price never moved.

    Notes
    -----
    ``sigma^2 = sum (y_j - y_{j-1})^2 / (t - 1)``, t the position of the last
    price, counted from 0. S is divided by sigma, not by its square: dividing
    by the variance gives a statistic with a unit.

    References
    ----------
    Chu, Stinchcombe and White (1996), doi:10.2307/2171955. Homm and Breitung
    (2012), doi:10.1093/jjfinec/nbr009. Lopez de Prado (2018), section 17.3.2.

    Examples
    --------
    >>> up, down = chu_stinchcombe_white([0.0, 1.0, 0.0, 1.0, 3.0])
    >>> round(up, 12), round(down, 12)
    (1.388730149659, 0.755928946018)
    """
    y = np.ascontiguousarray(log_price, dtype=np.float64)
    if len(y) < 3 or not np.isfinite(y).all():
        raise ValueError("log_price must hold at least 3 prices, all finite")
    up, down = _sadf_kernels.sup_departure(y, np.arange(1, len(y) + 1), len(y) - 1)
    sigma = float(np.sqrt(np.sum(np.diff(y) ** 2) / (len(y) - 2)))
    if sigma == 0.0:
        return float("nan"), float("nan")
    return float(up[-1]) / sigma, float(down[-1]) / sigma
