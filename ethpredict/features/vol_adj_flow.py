"""Flow of orders relative to volume."""

from __future__ import annotations

import numpy as np

from ethpredict import rolling
from ethpredict.features.block import Column, Floats, Market, Missing, Part, Settings


def vol_adj_flow(market: Market, settings: Settings) -> list[Part]:
    """Taker imbalance, volume-adjusted signed flow and distance from the VWAP.

    Parameters
    ----------
    market : Market
        Bars.
    settings : mapping
        ``windows`` (bars).

    Returns
    -------
    list of Column or Missing
        For each window w, sums over the last w bars:

        ``taker_imbalance_{w}``: sum(2 taker_buy - volume) / sum(volume), in
        [-1, 1]. Missing without taker volume. Warm-up, memory: w - 1.

        ``vol_adj_flow_{w}``: sum(sign(r) volume) / sum(volume), in [-1, 1]:
        each bar's volume signed by its own return, so that it needs no taker
        volume. Warm-up, memory: w (the oldest return needs one close more).

        ``vwap_distance_{w}``: ln(close / VWAP), VWAP = sum(quote_volume) /
        sum(volume). Missing without quote volume. Warm-up, memory: w - 1.

        A window in which nothing traded gives 0: no flow, and no VWAP to be
        away from.

    Notes
    -----
    An input counts as missing when it is nan in every bar, or 0 in every bar
    although something traded. Single unknown bars leave nan until they have
    left the window.

    References
    ----------
    Order imbalance: Chordia, Roll and Subrahmanyam (2002),
    doi:10.1016/S0304-405X(02)00136-8. Volume signed by the price change:
    the tick rule of Lee and Ready (1991), doi:10.1111/j.1540-6261.1991.tb02683.x,
    applied to bars.
    """
    taker_gone = absent(market.taker_buy, market.volume)
    quote_gone = absent(market.quote_volume, market.volume)
    signed = np.sign(market.returns) * market.volume
    columns: list[Part] = []
    for window in settings["windows"]:
        name = f"taker_imbalance_{window}"
        if taker_gone:
            columns.append(Missing(name, f"taker_buy_volume {taker_gone}"))
        else:
            flow = 2.0 * market.taker_buy - market.volume
            columns.append(Column(name, _share(flow, market, window), window - 1, window - 1))
        columns.append(
            Column(f"vol_adj_flow_{window}", _share(signed, market, window), window, window)
        )
        name = f"vwap_distance_{window}"
        if quote_gone:
            columns.append(Missing(name, f"quote_volume {quote_gone}"))
        else:
            columns.append(Column(name, _vwap_distance(market, window), window - 1, window - 1))
    return columns


def absent(values: Floats, volume: Floats) -> str:
    """Why an input counts as missing; empty where it does not."""
    if np.isnan(values).all():
        return "is missing in every bar"
    if not np.nan_to_num(values).any() and np.nan_to_num(volume).any():
        return "is 0 in every bar, although something traded"
    return ""


def _share(flow: Floats, market: Market, window: int) -> Floats:
    """Sum of flow over sum of volume; 0 where nothing traded."""
    total, volume = market.window_sum(flow, window), market.window_sum(market.volume, window)
    return np.divide(total, volume, out=total * 0.0, where=volume > 0.0)


def _vwap_distance(market: Market, window: int) -> Floats:
    value = market.window_sum(market.quote_volume, window)
    volume = market.window_sum(market.volume, window)
    distance = rolling.log_ratio(market.close * volume, value)
    return np.where(volume == 0.0, value * 0.0, distance)
