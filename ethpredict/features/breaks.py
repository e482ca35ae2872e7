"""Symmetric CUSUM filter: structural breaks in the mean of returns."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ethpredict import rolling
from ethpredict.features import _kernels
from ethpredict.features.block import Column, Market, Part, Settings


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
    changes = np.diff(values, prepend=np.nan)
    return np.flatnonzero(_kernels.cusum_marks(changes, limits))


def breaks(market: Market, settings: Settings) -> list[Part]:
    """State of a CUSUM filter whose threshold follows the volatility.

    Parameters
    ----------
    market : Market
        Bars.
    settings : mapping
        ``windows`` (the longest, w, is the look-back here) and
        ``cusum_multiple`` m.

    Returns
    -------
    list of Column
        With the threshold h = m x sample standard deviation of the last w
        returns: ``cusum_up`` = S+/h and ``cusum_down`` = S-/h, how far the
        filter is on its way to an event, in [0, 1] and [-1, 0];
        ``cusum_last``: sign of the last event, 0 when there was none;
        ``cusum_age``: bars since the last event over 2 w, 1 when there was
        none. Warm-up: w rows; memory: 3 w - 1 rows.

    Notes
    -----
    A filter that runs for ever has no finite memory. Here it restarts at
    absolute rows: bars of block b (w rows long) are read from a filter that
    began with block b - 1, so it has run for w to 2 w - 1 bars, or since the
    last gap. Flat prices (h = 0) leave the state at 0.
    """
    window = max(int(bars) for bars in settings["windows"])
    _, sd = rolling.window_mean_sd(market.returns, market.returns_run, window, ddof=1)
    limit = float(settings["cusum_multiple"]) * sd
    states = _kernels.cusum_state(market.returns, limit, window)
    names = ("cusum_up", "cusum_down", "cusum_last", "cusum_age")
    return [
        Column(name, values, window, 3 * window - 1)
        for name, values in zip(names, states, strict=True)
    ]
