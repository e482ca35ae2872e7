"""Trailing windows that are causal bit for bit, forget far history and stop at gaps.

Shared by features and labels. A window is whole when it holds `window`
neighbouring rows, all finite and with no gap between them; the result is nan
where it is not. Sums are built from two partial sums that restart at absolute
row numbers (van Herk's scheme), so a value takes O(1) work, nothing is ever
subtracted, rows outside the window cannot touch it even in the last bit, and a
row's value never changes when later rows are appended or altered.

References
----------
van Herk (1992), A fast algorithm for local minimum and maximum filters,
doi:10.1016/0167-8655(92)90069-C (there for extremes; here for sums).
Chan, Golub, LeVeque (1983), Algorithms for computing the sample variance,
doi:10.1080/00031305.1983.10483115, eq. 2.1 (merging two parts).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from ethpredict.rolling import _kernels

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

TAIL = 1e-3


def run_lengths(values: Floats, gap: Flags) -> Counts:
    """Rows in the unbroken stretch that ends at each row.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        A row that is not finite breaks the stretch.
    gap : ndarray of bool, shape (n,)
        True breaks the stretch before the row.

    Returns
    -------
    ndarray of int64, shape (n,)
        0 where the row itself is not finite.

    Examples
    --------
    >>> run_lengths(np.array([1.0, 1.0, np.nan, 1.0, 1.0]), np.array([0, 0, 0, 0, 1], bool))
    array([1, 2, 0, 1, 1])
    """
    return _kernels.run_lengths(values, gap)


def log_ratio(numerator: Floats, denominator: Floats) -> Floats:
    """Natural logarithm of a ratio, row by row; nan where it is not defined."""
    return _kernels.log_ratio(numerator, denominator)


def log_return(close: Floats, run: Counts, bars: int) -> Floats:
    """Log return over `bars` rows.

    Parameters
    ----------
    close : ndarray of float64, shape (n,), USD
        Prices.
    run : ndarray of int64, shape (n,)
        :func:`run_lengths` of `close`.
    bars : int, >= 1
        Look-back.

    Returns
    -------
    ndarray of float64, shape (n,)
        nan where the look-back leaves the data or spans a gap.
    """
    return _kernels.log_return(close, run, bars)


def window_sum(values: Floats, run: Counts, window: int, decay: float = 1.0) -> Floats:
    """Sum over the last `window` rows, the row k rows back weighted by ``decay**k``.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Rows.
    run : ndarray of int64, shape (n,)
        :func:`run_lengths` of `values`.
    window : int, rows, >= 1
        Length of the window.
    decay : float, in (0, 1]
        1 is the plain sum.

    Returns
    -------
    ndarray of float64, shape (n,)
        nan where the window is not whole.

    Examples
    --------
    >>> x = np.array([1.0, 2.0, 3.0, 4.0])
    >>> window_sum(x, np.arange(1, 5), 3)
    array([nan, nan,  6.,  9.])
    """
    return _kernels.window_sum(values, run, window, decay)


def window_mean_sd(
    values: Floats, run: Counts, window: int, ddof: int = 0
) -> tuple[Floats, Floats]:
    """Mean and standard deviation over the last `window` rows.

    Parameters
    ----------
    values, run, window
        As in :func:`window_sum`.
    ddof : int, 0 <= ddof < window
        The sum of squares is divided by ``window - ddof``.

    Returns
    -------
    mean, sd : ndarray of float64, shape (n,)
        nan where the window is not whole. The deviation of equal values is
        exactly 0.
    """
    mean, squares = _kernels.window_moments(values, run, window)
    return mean, np.sqrt(squares / (window - ddof))


def exponential_window(decay: float, tail: float = TAIL) -> int:
    """Rows after which an exponential weight has fallen to `tail` of the newest.

    Exponential means are cut there, so that their memory is finite and an
    embargo can cover it.

    Parameters
    ----------
    decay : float, in (0, 1)
        Weight of a row relative to the next newer one.
    tail : float, in (0, 1)
        Relative weight at which rows are left out.

    Examples
    --------
    >>> exponential_window(0.5, tail=0.25)
    2
    """
    return max(1, math.ceil(math.log(tail) / math.log(decay)))


def exponential_mean(values: Floats, run: Counts, decay: float, tail: float = TAIL) -> Floats:
    """Exponentially weighted mean over :func:`exponential_window` rows, weights summing to one.

    Parameters
    ----------
    values, run
        As in :func:`window_sum`.
    decay : float, in (0, 1)
        ``1 - 2/(span + 1)`` for an EMA of that span, ``1 - 1/window`` for Wilder's.
    tail : float, in (0, 1)
        As in :func:`exponential_window`.

    Returns
    -------
    ndarray of float64, shape (n,)
        nan where the window is not whole.
    """
    window = exponential_window(decay, tail)
    return window_sum(values, run, window, decay) * ((1.0 - decay) / (1.0 - decay**window))
