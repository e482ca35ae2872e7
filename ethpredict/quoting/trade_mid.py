"""The mid that trades alone tell, and how far it may be from the true one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ethpredict.errors import TrialError
from ethpredict.quoting.impact import mid_sigma

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
_LATEST = 3
# Steps over which the volatility is measured, in mean ages: the error itself adds 1/30.
_STEP_AGES = 30.0


def trade_mid(price: npt.ArrayLike, aggressor_side: npt.ArrayLike) -> Array:
    """Mid that trades alone tell: halfway between the touches of the latest trades.

    Parameters
    ----------
    price, aggressor_side : array_like, shape (N,)
        USD; +1 buy, -1 sell.

    Returns
    -------
    ndarray, shape (N,)
        USD, as known after each trade; nan before both sides have traded.

    Notes
    -----
    The ask is taken for the lowest of the last three buys, the bid for the highest of the last
    three sells: a print deep in the book does not move the mid.

    Examples
    --------
    >>> trade_mid([101.0, 99.0, 103.0], [1, -1, 1])
    array([ nan, 100., 100.])
    """
    paid, side = np.asarray(price, dtype=np.float64), np.asarray(aggressor_side)
    total = np.zeros(len(paid))
    for sign in (1.0, -1.0):
        own = sign * paid[side == sign]
        best = own.copy()
        for back in range(1, _LATEST):
            best[back:] = np.minimum(best[back:], own[: max(len(own) - back, 0)])
        count = np.cumsum(side == sign)
        touch = np.append(np.nan, sign * best)
        total += touch[count]
    return np.asarray(0.5 * total)


def trade_mid_error(
    ts: Ints, aggressor_side: npt.ArrayLike, mid_ts: Ints, mid: Array, longest_s: float
) -> float:
    """Typical distance of the mid that trades tell from the true one.

    Parameters
    ----------
    ts : ndarray of int64, shape (N,)
        Times of the trades, UTC ns, sorted.
    aggressor_side : array_like, shape (N,)
        +1 buy, -1 sell.
    mid_ts, mid : ndarray, shape (M,)
        :func:`trade_mid` without its nan, and when it was known.
    longest_s : float
        Silences longer than this are left out, s: nobody quotes around a mid so old.

    Returns
    -------
    float
        ``sigma sqrt(age)``, USD: how far the price diffuses in the mean age of the second
        latest trade of either side, on which the mid rests; inf where it is not known.

    Notes
    -----
    Between the trades j and j+1 of a side the second latest is j-1, whose age grows from
    ``t_j - t_{j-1}`` to ``t_{j+1} - t_{j-1}``; the mean is over time, not over trades.
    """
    side, ages = np.asarray(aggressor_side), []
    for sign in (1, -1):
        own = ts[side == sign]
        if len(own) < _LATEST:
            return np.inf
        first, second, third = own[:-2] * 1e-9, own[1:-1] * 1e-9, own[2:] * 1e-9
        near = third - second <= longest_s
        covered = float((third - second)[near].sum())
        squares = ((third - first) ** 2 - (second - first) ** 2)[near]
        if covered <= 0.0:
            return np.inf
        ages.append(0.5 * float(squares.sum()) / covered)
    age = 0.5 * (ages[0] + ages[1])
    try:
        sigma = mid_sigma(mid_ts, mid, max(_STEP_AGES * age, 1e-9)).value
    except TrialError:
        return np.inf
    return float(sigma * np.sqrt(age))
