"""Log returns over several look-backs."""

from __future__ import annotations

from ethpredict import rolling
from ethpredict.features.block import Column, Market, Part, Settings


def returns(market: Market, settings: Settings) -> list[Part]:
    """Log return over 1 bar and over each of `windows` bars.

    Parameters
    ----------
    market : Market
        Bars.
    settings : mapping
        ``windows`` (bars).

    Returns
    -------
    list of Column
        ``return_1`` and ``return_{w}``: log(close_t / close_{t-w}). Warm-up
        and memory: w rows.
    """
    return [
        Column(f"return_{bars}", rolling.log_return(market.close, market.run, bars), bars, bars)
        for bars in (1, *settings["windows"])
    ]
