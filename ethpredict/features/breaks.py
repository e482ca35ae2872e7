"""Structural breaks: symmetric CUSUM filter, departures, explosiveness."""

from __future__ import annotations

import numpy as np

from ethpredict import rolling
from ethpredict.features import _kernels, _sadf_kernels
from ethpredict.features.block import Column, Market, Missing, Part, Settings

SHORTEST = 5
"""Closes of the shortest window: with fewer the regression has no freedom to speak of."""


def breaks(market: Market, settings: Settings) -> list[Part]:
    """State of a CUSUM filter, Chu-Stinchcombe-White departures and rolling SADF.

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

        ``csw_up``, ``csw_down``: largest and smallest of (y_t - y_{t-k}) /
        (sigma_t sqrt(k)), k = 1 .. w, y the log close, sigma_t^2 = sum of the
        last w squared returns / (w - 1); 0 where nothing moved
        (:func:`~ethpredict.features.explosiveness.chu_stinchcombe_white`).
        Warm-up and memory: w rows.

        ``sadf``: supremum of the Dickey-Fuller statistics (constant, no lags)
        of the windows of max(5, (w + 1) // 3) .. w + 1 closes that end at the
        bar (:func:`~ethpredict.features.explosiveness.sadf`); 0 where nothing
        moved. Missing where w < 4. Warm-up and memory: w rows.

    Notes
    -----
    A filter that runs for ever has no finite memory. Here it restarts at
    absolute rows: bars of block b (w rows long) are read from a filter that
    began with block b - 1, so it has run for w to 2 w - 1 bars, or since the
    last gap. Flat prices (h = 0) leave the state at 0.

    References
    ----------
    Lopez de Prado (2018), sections 2.5.2.1, 17.3.2 and 17.4.2.
    """
    window = max(int(bars) for bars in settings["windows"])
    _, sd = rolling.window_mean_sd(market.returns, market.returns_run, window, ddof=1)
    limit = float(settings["cusum_multiple"]) * sd
    states = _kernels.cusum_state(market.returns, limit, window)
    names = ("cusum_up", "cusum_down", "cusum_last", "cusum_age")
    cusum = [
        Column(name, values, window, 3 * window - 1)
        for name, values in zip(names, states, strict=True)
    ]
    return [*cusum, *_departures(market, window), _explosiveness(market, window)]


def _departures(market: Market, window: int) -> list[Column]:
    squares = rolling.window_sum(market.returns * market.returns, market.returns_run, window)
    sigma = np.sqrt(squares / (window - 1))
    columns = []
    suprema = _sadf_kernels.sup_departure(market.log_close, market.run, window)
    for name, moved in zip(("csw_up", "csw_down"), suprema, strict=True):
        values = np.divide(moved, sigma, out=sigma * 0.0, where=sigma > 0.0)
        columns.append(Column(name, values, window, window))
    return columns


def _explosiveness(market: Market, window: int) -> Part:
    if window < SHORTEST - 1:
        return Missing("sadf", f"the longest of features.windows is {window} bars, 4 are needed")
    shortest = max(SHORTEST, (window + 1) // 3)
    found = _sadf_kernels.sup_adf(market.log_close, market.run, window + 1, shortest)
    found = np.where(np.isnan(found), 0.0, found)
    return Column("sadf", np.where(market.run > window, found, np.nan), window, window)
