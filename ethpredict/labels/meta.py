"""Meta-labels: did acting on the primary model's side pay."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def meta_labels(
    side: npt.ArrayLike, ret: npt.ArrayLike, cost: npt.ArrayLike
) -> npt.NDArray[np.float64]:
    """1 where the signal paid net of costs, 0 where it did not, nan where there is no sample.

    Parameters
    ----------
    side : array_like of float, shape (n,)
        Sign of the primary model's prediction; only the sign counts. It must
        be **out of sample**: a side from a model that has seen the outcome
        makes a meta-model that trusts it too much.
    ret : array_like of float, shape (n,), log return of the price
        To the first touch, whatever the side; nan where there is no label.
    cost : array_like of float, shape (n,) or scalar, log return
        Cost of the round trip: the maker's where the strategy makes (negative
        for a rebate), the taker's where it takes.

    Returns
    -------
    ndarray of float64, shape (n,)
        1 iff ``sign(side) ret - cost > 0``, else 0. nan where the side is 0 or
        nan, or the return or the cost is missing.

    References
    ----------
    Lopez de Prado (2018), Advances in Financial Machine Learning, section 3.6
    (there before costs).

    Examples
    --------
    >>> meta_labels([0.3, -0.1, -2.0, 0.0], [0.01, 0.01, -0.01, 0.01], 0.001)
    array([ 1.,  0.,  1., nan])
    """
    direction = np.sign(np.asarray(side, dtype=np.float64))
    moved, paid = np.asarray(ret, dtype=np.float64), np.asarray(cost, dtype=np.float64)
    if direction.shape != moved.shape or paid.shape not in ((), direction.shape):
        raise ValueError(
            f"side {direction.shape} and ret {moved.shape} must have one shape (n,), "
            f"cost {paid.shape} too, or be a number"
        )
    net = direction * moved - paid
    return np.where((direction != 0) & np.isfinite(net), (net > 0).astype(np.float64), np.nan)
