"""Fractional differentiation with a fixed width."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ethpredict import rolling
from ethpredict.features import _convolution_kernels as _kernels
from ethpredict.features.block import Column, Floats, Input, Item, Market, Part, Settings

LEVEL, LAGS, STEP = 0.05, 1, 0.05
"""Of the search for the smallest order: size of the test, its lags, step between orders."""


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
    Up to 64 weights each row adds its products in one order, newest first.
    Wider ones are cut at absolute rows into blocks of 128: a row adds its own
    block directly and whole earlier blocks through their Fourier transforms.
    Either way, appending or altering later rows changes no bit of an earlier
    one, which an FFT of the whole series would.

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
    return whole_fracdiff(values, np.zeros(len(values), dtype=bool), d, tau)


def whole_fracdiff(values: Floats, gap: npt.NDArray[np.bool_], d: float, tau: float) -> Floats:
    """:func:`fracdiff` of each stretch between gaps and missing values on its own."""
    weights = fracdiff_weights(d, tau, longest=len(values) + 1)
    values = values.view()
    values.setflags(write=False)  # one kernel for the caller's own rows and those of a table
    return _kernels.convolve_stretches(values, rolling.run_lengths(values, gap), weights)


def fracdiff_memory(width: int) -> int:
    """Rows that can touch a value, its last bit included: whole blocks where they are used.

    Examples
    --------
    >>> fracdiff_memory(55), fracdiff_memory(282)
    (54, 511)
    """
    if width <= _kernels.DIRECT:
        return width - 1
    return (1 + -(-(width - 1) // _kernels.BLOCK)) * _kernels.BLOCK - 1


def fractional(market: Market, settings: Settings) -> list[Part]:
    """Fractional difference of the log close.

    Parameters
    ----------
    market : Market
        Bars.
    settings : mapping
        ``fracdiff_d``, ``fracdiff_tau``.

    Returns
    -------
    list of Column or Input
        ``fracdiff``; warm-up: width - 1 rows; memory: the same up to a width
        of 64, else whole blocks of 128 rows (:func:`fracdiff_memory`). With
        ``fracdiff_d`` null the order is fitted per training window, and the
        block gives the log close for it.
    """
    d, tau = settings["fracdiff_d"], float(settings["fracdiff_tau"])
    if d is None:
        options = {"tau": tau, "level": LEVEL, "lags": LAGS, "step": STEP}
        return [
            Input("input_log_close", market.log_close, 0, 0),
            Item("fracdiff_min_d", "min_d", ("input_log_close",), options),
        ]
    width = len(fracdiff_weights(d, tau, len(market.close) + 1))
    values = whole_fracdiff(market.log_close, market.gap, d, tau)
    return [Column("fracdiff", values, width - 1, fracdiff_memory(width))]
