"""Price and volume against the value that is locked on the chain."""

from __future__ import annotations

import numpy as np

from ethpredict import rolling
from ethpredict.features import facts
from ethpredict.features.block import Market, Missing, Part, Settings
from ethpredict.features.vol_adj_flow import absent


def liquidity(market: Market, settings: Settings) -> list[Part]:
    """Ratios to total value locked (TVL).

    Parameters
    ----------
    market : Market
        Bars, with the daily fact ``tvl`` (USD).
    settings : mapping
        ``windows`` (the longest, w).

    Returns
    -------
    list of Column or Missing
        ``price_tvl`` = ln(close / TVL): no warm-up. ``volume_tvl_{w}`` =
        sum of quote volume over w bars / TVL: warm-up w - 1 rows. ``tvl_age``:
        days since the TVL arrived. Memory: the bars of the day that the TVL
        describes, or w - 1 where that is longer. Missing without the fact;
        the second also without quote volume.
    """
    window = max(int(bars) for bars in settings["windows"])
    names = ("price_tvl", f"volume_tvl_{window}", "tvl_age")
    gone = facts.absent(market, "tvl", "tvl")
    if gone:
        return [Missing(name, gone) for name in names]
    tvl, age = facts.joined(market, "tvl", facts.named(market, "tvl"))
    tvl = np.where(tvl > 0.0, tvl, np.nan)
    memory = facts.bars_within(market.ts_close, 1)
    price = {names[0]: rolling.log_ratio(market.close, tvl)}
    parts = facts.columns_of(price, memory)
    quote_gone = absent(market.quote_volume, market.volume)
    if quote_gone:
        parts.append(Missing(names[1], f"quote_volume {quote_gone}"))
    else:
        run = rolling.run_lengths(market.quote_volume, market.gap)
        volume = rolling.window_sum(market.quote_volume, run, window)
        ratio = {names[1]: volume / tvl}
        parts += facts.columns_of(ratio, max(memory, window - 1), window - 1, tvl)
    return parts + facts.columns_of({names[2]: age}, 0)
