"""Liquidity and informed trading, from bars."""

from __future__ import annotations

import numpy as np

from ethpredict.features.block import Column, Floats, Market, Missing, Part, Settings
from ethpredict.features.vol_adj_flow import absent

FLAT = 1e-12
"""Variance relative to the mean square below which it is rounding."""


def microstructure(market: Market, settings: Settings) -> list[Part]:
    """Amihud's illiquidity, Roll's spread, Kyle's lambda and VPIN.

    Parameters
    ----------
    market : Market
        Bars.
    settings : mapping
        ``windows`` (bars).

    Returns
    -------
    list of Column or Missing
        For each window w, over the last w bars, r the one-bar log return:

        ``amihud_{w}``: mean of |r| over quote volume in millions of USD; a
        bar without volume counts 0. Missing without quote volume. Warm-up,
        memory: w rows.

        ``roll_spread_{w}``: 2 sqrt(max(0, -cov(r_t, r_{t-1}))), the spread
        relative to the price; w pairs. Warm-up, memory: w + 1 rows.

        ``kyle_lambda_{w}``: slope of r on the taker flow 2 taker_buy - volume,
        log return per ETH; 0 where the flow does not vary. Missing without
        taker volume. Warm-up, memory: w rows.

        ``vpin_{w}``: sum |2 taker_buy - volume| / sum volume, in [0, 1]; 0
        where nothing traded. Missing without taker volume. Warm-up, memory:
        w - 1 rows.

    Notes
    -----
    VPIN is defined on bars of equal volume: take it from volume bars; on time
    bars it is the volume-weighted mean imbalance. The sides are the
    exchange's own, not guessed by bulk classification. Taker imbalance, flow
    and distance from the VWAP stand in ``vol_adj_flow``.

    References
    ----------
    Amihud (2002), doi:10.1016/S1386-4181(01)00024-6, eq. 1. Roll (1984),
    doi:10.1111/j.1540-6261.1984.tb03897.x, eq. 3. Kyle (1985),
    doi:10.2307/1913210. Easley, Lopez de Prado and O'Hara (2012),
    doi:10.1093/rfs/hhs053, eq. 5. Lopez de Prado (2018), ch. 19.
    """
    quote_gone = absent(market.quote_volume, market.volume)
    taker_gone = absent(market.taker_buy, market.volume)
    flow = 2.0 * market.taker_buy - market.volume
    # On arrays of one bar and more: the first bar has no bar before it.
    before = np.concatenate([np.full(min(1, len(flow)), np.nan), market.returns[:-1]])
    parts: list[Part] = []
    for window in settings["windows"]:
        amihud, kyle, vpin = (f"{name}_{window}" for name in ("amihud", "kyle_lambda", "vpin"))
        if quote_gone:
            parts.append(Missing(amihud, f"quote_volume {quote_gone}"))
        else:
            parts.append(Column(amihud, _amihud(market, window), window, window))
        covariance, _ = _covariance(market.returns, before, market, window)
        spread = 2.0 * np.sqrt(np.maximum(0.0 - covariance, 0.0))
        parts.append(Column(f"roll_spread_{window}", spread, window + 1, window + 1))
        if taker_gone:
            reason = f"taker_buy_volume {taker_gone}"
            parts += [Missing(kyle, reason), Missing(vpin, reason)]
            continue
        covariance, variance = _covariance(market.returns, flow, market, window)
        slope = np.divide(covariance, variance, out=covariance * 0.0, where=variance > 0.0)
        traded = market.window_sum(np.abs(flow), window)
        whole = market.window_sum(market.volume, window)
        share = np.divide(traded, whole, out=traded * 0.0, where=whole > 0.0)
        parts += [
            Column(kyle, slope, window, window),
            Column(vpin, share, window - 1, window - 1),
        ]
    return parts


def _amihud(market: Market, window: int) -> Floats:
    millions = market.quote_volume / 1e6
    size = np.abs(market.returns)
    # A bar without volume has no price impact to speak of; an unknown volume stays unknown.
    ratio = np.divide(size, millions, out=size * millions * 0.0, where=millions > 0.0)
    return market.window_sum(ratio, window) / window


def _covariance(x: Floats, y: Floats, market: Market, window: int) -> tuple[Floats, Floats]:
    """Population covariance of x and y, and variance of y, over whole pairs."""
    both = x * y * 0.0
    x, y = x + both, y + both
    mean_x, mean_y = market.window_sum(x, window) / window, market.window_sum(y, window) / window
    square = market.window_sum(y * y, window) / window
    variance = square - mean_y * mean_y
    variance = np.where(variance > FLAT * square, variance, square * 0.0)
    return market.window_sum(x * y, window) / window - mean_x * mean_y, variance
