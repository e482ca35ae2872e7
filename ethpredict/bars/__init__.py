"""Bars: the market cut by the clock or by what was traded."""

from ethpredict.bars.build import BarSet, build
from ethpredict.bars.from_candles import bars_from_candles, time_bars
from ethpredict.bars.from_trades import (
    bars_from_trades,
    dollar_bars,
    tick_bars,
    volume_bars,
)
from ethpredict.bars.rules import Clock, Count, SignedFlow
from ethpredict.bars.stream import TradeBars, TradeCutter

__all__ = [
    "BarSet",
    "Clock",
    "Count",
    "SignedFlow",
    "TradeBars",
    "TradeCutter",
    "bars_from_candles",
    "bars_from_trades",
    "build",
    "dollar_bars",
    "tick_bars",
    "time_bars",
    "volume_bars",
]
