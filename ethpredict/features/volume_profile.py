"""At which prices the volume was traded."""

from __future__ import annotations

from ethpredict import rolling
from ethpredict.features import _kernels
from ethpredict.features.block import Column, Market, Part, Settings

BINS = 24


def volume_profile(market: Market, settings: Settings) -> list[Part]:
    """Point of control and value area of the volume by price.

    Parameters
    ----------
    market : Market
        Bars.
    settings : mapping
        ``windows`` (the longest, w, is the look-back here).

    Returns
    -------
    list of Column
        The volume of each of the last w bars stands at its typical price
        (high + low + close) / 3, in 24 equal bins between the lowest and the
        highest of them. ``profile_poc`` = ln(close / P), P the middle of the
        fullest bin (the lowest of equals), the point of control;
        ``profile_value_high`` = ln(upper border / close) and
        ``profile_value_low`` = ln(close / lower border) of the value area: the
        bins around P, grown to the fuller neighbour (the upper of equals) until
        they hold 70 % of the volume; ``profile_above``: share of the volume
        at typical prices above the close. Warm-up and memory: w - 1 rows.

    References
    ----------
    Steidlmayer and Koy (1986), Markets and Market Logic (market profile);
    volume in place of time at price.
    """
    window = max(int(bars) for bars in settings["windows"])
    price = (market.high + market.low + market.close) / 3.0
    traded = rolling.run_lengths(price * market.volume, market.gap)
    found = _kernels.volume_profile(price, market.volume, market.close, traded, window, BINS)
    names = ("profile_poc", "profile_value_high", "profile_value_low", "profile_above")
    return [
        Column(name, values, window - 1, window - 1)
        for name, values in zip(names, found, strict=True)
    ]
