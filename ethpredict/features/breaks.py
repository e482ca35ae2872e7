"""Symmetric CUSUM filter: structural breaks in the mean of returns."""

from __future__ import annotations

from ethpredict import rolling
from ethpredict.features import _kernels
from ethpredict.features.block import Column, Market, Part, Settings


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
