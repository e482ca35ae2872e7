"""Bars: the market cut by the clock or by what was traded."""

from ethpredict.bars.build import BarSet, build
from ethpredict.bars.from_candles import dollar_bars_from_candles, time_bars
from ethpredict.bars.from_trades import (
    TradeBars,
    bars_from_trades,
    dollar_bars,
    tick_bars,
    volume_bars,
)

__all__ = [
    "BarSet",
    "TradeBars",
    "bars_from_trades",
    "build",
    "dollar_bars",
    "dollar_bars_from_candles",
    "tick_bars",
    "time_bars",
    "volume_bars",
]
