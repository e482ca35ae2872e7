"""Fractional differentiation with a fixed width."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ethpredict import rolling
from ethpredict.features import _kernels
from ethpredict.features.block import Column, Floats, Market, Missing, Settings


def fracdiff_weights(d: float, tau: float, longest: int | None = None) -> Floats:
    """Weights of (1 - B)^d up to the first that is smaller than `tau`.

    Parameters
    ----------
    d : float, >= 0
        Order.
    tau : float, in (0, 1)
        The first weight with ``|w_k| < tau`` and all later ones are left out.
    longest : int, optional
        Stop after this many weights whatever their size; the width of the data
        plus one is enough to know that no window fits.

    Returns
    -------
    ndarray of float64, shape (width,)
        ``w_0 = 1, w_k = -w_{k-1} (d - k + 1) / k``.

    Examples
    --------
    >>> fracdiff_weights(0.5, 0.1)
    array([ 1.   , -0.5  , -0.125])
    >>> len(fracdiff_weights(0.4, 1e-3))
    55
    """
    if not (0.0 <= d < np.inf and 0.0 < tau < 1.0):
        raise ValueError(f"d = {d}, tau = {tau}: must be d >= 0 and 0 < tau < 1")
    weights = [1.0]
    while longest is None or len(weights) < longest:
        k = len(weights)
        weight = -weights[-1] * (d - k + 1) / k
        if abs(weight) < tau:
            break
        weights.append(weight)
    return np.array(weights)


def fracdiff(x: npt.ArrayLike, d: float, tau: float = 1e-4) -> Floats:
    """Fractional difference of order `d` with a fixed width.

    Parameters
    ----------
    x : array_like of float, shape (n,)
        Series, for example log prices.
    d : float, >= 0
        Order; 1 gives first differences.
    tau : float, in (0, 1)
        Weights below it are cut off; sets the width (:func:`fracdiff_weights`).

    Returns
    -------
    ndarray of float64, shape (n,)
        ``sum_k w_k x[t - k]``; nan in the first width - 1 rows and wherever a
        value under the weights is nan.

    Notes
    -----
    Each row adds its products in one order, newest first, whatever follows
    it: appending or altering later rows changes no bit of an earlier one,
    which an FFT of the whole series would.

    References
    ----------
    Lopez de Prado (2018), Advances in Financial Machine Learning, section
    5.5. Hosking (1981), doi:10.1093/biomet/68.1.165.

    Examples
    --------
    >>> fracdiff([1.0, 2.0, 4.0, 7.0], 1.0)
    array([nan,  1.,  2.,  3.])
    """
    values = np.ascontiguousarray(x, dtype=np.float64)
    weights = fracdiff_weights(d, tau, longest=len(values) + 1)
    return _kernels.convolve_past(values, weights)


def fractional(market: Market, settings: Settings) -> list[Column | Missing]:
    """Fractional difference of the log close.

    Parameters
    ----------
    market : Market
        Bars.
    settings : mapping
        ``fracdiff_d``, ``fracdiff_tau``.

    Returns
    -------
    list of Column
        ``fracdiff``; warm-up and memory: width - 1 rows.
    """
    longest = len(market.close) + 1
    width = len(fracdiff_weights(settings["fracdiff_d"], settings["fracdiff_tau"], longest))
    values = fracdiff(market.log_close, settings["fracdiff_d"], settings["fracdiff_tau"])
    whole = rolling.run_lengths(market.log_close, market.gap) >= width
    return [Column("fracdiff", np.where(whole, values, np.nan), width - 1, width - 1)]
