"""Events at which a cumulated change leaves a threshold; shared by features and labels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ethpredict.rolling import _kernels


def cusum_events(log_price: npt.ArrayLike, threshold: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Positions at which the cumulated change leaves the threshold on either side.

    Parameters
    ----------
    log_price : array_like of float, shape (n,)
        Log prices.
    threshold : float or array_like of float, shape (n,), > 0
        Size of move that makes an event; an array gives it row by row. A row
        whose threshold is nan makes no event.

    Returns
    -------
    ndarray of int64
        Rising positions.

    Notes
    -----
    With y the change of `log_price`: ``S+ = max(0, S+ + y)``, ``S- = min(0,
    S- + y)``; an event when ``S- < -threshold`` or else ``S+ > threshold``
    (strictly), and that side restarts at 0. The first row has no change. A row
    whose change is not finite restarts both sides.

    References
    ----------
    Lopez de Prado (2018), snippet 2.4. Page (1954), doi:10.1093/biomet/41.1-2.100.

    Examples
    --------
    >>> cusum_events([0.0, 0.6, 1.2, 1.0, -0.2, 0.0], 1.0)
    array([2, 4])
    """
    values = np.ascontiguousarray(log_price, dtype=np.float64)
    limits = np.ascontiguousarray(
        np.broadcast_to(np.asarray(threshold, dtype=np.float64), values.shape)
    )
    if np.any(limits <= 0.0):
        raise ValueError("threshold must be positive")
    return np.flatnonzero(_kernels.cusum_marks(np.diff(values, prepend=np.nan), limits))


def cusum_marks(
    changes: npt.NDArray[np.float64], limits: npt.NDArray[np.float64]
) -> npt.NDArray[np.int64]:
    """Sign of the event at each row, 0 for none; as :func:`cusum_events`, from the changes.

    Parameters
    ----------
    changes : ndarray of float64, shape (n,)
        Changes; one that is not finite (a gap) restarts both sides.
    limits : ndarray of float64, shape (n,)
        Thresholds; where one is nan or not positive there is no event.

    Returns
    -------
    ndarray of int64, shape (n,)
        -1, 0 or 1.
    """
    return _kernels.cusum_marks(changes, np.where(limits > 0.0, limits, np.nan))
