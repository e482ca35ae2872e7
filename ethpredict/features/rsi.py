"""Relative strength index."""

from __future__ import annotations

import numpy as np

from ethpredict import rolling
from ethpredict.features.block import Column, Market, Part, Settings


def rsi(market: Market, settings: Settings) -> list[Part]:
    """Wilder's relative strength index of the close.

    Parameters
    ----------
    market : Market
        Bars.
    settings : mapping
        ``rsi_window`` (bars).

    Returns
    -------
    list of Column
        ``rsi_{w}`` = 100 U / (U + D), in [0, 100]; U and D are the
        exponential means, decay 1 - 1/w, of rises and falls of the close; 50
        where nothing moved. Warm-up and memory: the number of rows after
        which a weight has fallen to 0.1 % of the newest (94 for w = 14).

    Notes
    -----
    The textbook recursion never forgets its first bar. Here older rows are cut
    off, so the memory is finite and an embargo covers it; the two differ by
    less than 0.2 points on typical data.

    References
    ----------
    Wilder (1978), New Concepts in Technical Trading Systems.
    """
    window = int(settings["rsi_window"])
    decay = 1.0 - 1.0 / window
    change = np.diff(market.close, prepend=np.nan)
    change[market.gap] = np.nan
    rise = rolling.exponential_mean(np.maximum(change, 0.0), market.returns_run, decay)
    fall = rolling.exponential_mean(np.maximum(-change, 0.0), market.returns_run, decay)
    moved = rise + fall
    values = 100.0 * np.divide(rise, moved, out=0.5 + moved * 0.0, where=moved > 0.0)
    memory = rolling.exponential_window(decay)
    return [Column(f"rsi_{window}", values, memory, memory)]
