"""Bollinger bands."""

from __future__ import annotations

import numpy as np

from ethpredict import rolling
from ethpredict.features.block import Column, Market, Part, Settings

WINDOW, WIDTH = 20, 2.0


def bollinger(market: Market, settings: Settings) -> list[Part]:
    """Place within, and width of, the customary bands: 20 bars, 2 standard deviations.

    Parameters
    ----------
    market : Market
        Bars.
    settings : mapping
        Not used.

    Returns
    -------
    list of Column
        ``bollinger_percent_b`` = (close - lower) / (upper - lower), 0.5 where
        the bands meet; ``bollinger_bandwidth`` = (upper - lower) / mean. Bands
        are mean +- 2 population standard deviations of 20 closes. Warm-up and
        memory: 19 rows.

    References
    ----------
    Bollinger (2001), Bollinger on Bollinger Bands, ch. 7-8.
    """
    mean, sd = rolling.window_mean_sd(market.close, market.run, WINDOW)
    width = 2.0 * WIDTH * sd
    place = np.divide(
        market.close - (mean - WIDTH * sd), width, out=0.5 + width * 0.0, where=width > 0.0
    )
    memory = WINDOW - 1
    return [
        Column("bollinger_percent_b", place, memory, memory),
        Column("bollinger_bandwidth", width / mean, memory, memory),
    ]
