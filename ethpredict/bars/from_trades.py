"""Tick, volume and dollar bars from arrays of trades."""

from __future__ import annotations

import numpy.typing as npt
import pandas as pd

from ethpredict.bars.rules import Count
from ethpredict.bars.stream import TradeBars, TradeCutter


def bars_from_trades(
    ts: npt.ArrayLike,
    price: npt.ArrayLike,
    size: npt.ArrayLike,
    threshold: float,
    measure: str,
    side: npt.ArrayLike | None = None,
    max_gap: float | None = None,
) -> TradeBars:
    """Cut trades into bars by a count of trades, volume or value.

    The trade that brings the count to the threshold closes the bar and belongs
    to it; the next bar starts from zero. The partial bar at the end, and one
    that a pause longer than `max_gap` interrupts, is no bar but a tail.

    Parameters
    ----------
    ts : int64 array of shape (n,)
        UTC ns, non-decreasing; equal times keep the order of the arrays.
    price : float64 array of shape (n,)
        USD, > 0.
    size : float64 array of shape (n,)
        ETH, >= 0.
    threshold : float
        Trades, ETH or USD, > 0.
    measure : {"trades", "volume", "dollars"}
        What is counted.
    side : int8 array of shape (n,), optional
        +1 where the taker bought, -1 where he sold. Without it the taker
        volume is nan.
    max_gap : float, optional
        Longest pause inside a bar, seconds. None = any.

    Returns
    -------
    TradeBars
        Bars and tails, see :meth:`ethpredict.bars.stream.TradeCutter.finish`.

    Raises
    ------
    ConfigError
        If the threshold is not positive.
    DataError
        If a price, size or time cannot be used; it names the row.

    References
    ----------
    Lopez de Prado, M. (2018). Advances in Financial Machine Learning, ch. 2.
    """
    cutter = TradeCutter(Count(measure, threshold), side is not None, max_gap)
    cutter.push(ts, price, size, side)
    return cutter.finish()


def _closed(
    ts: npt.ArrayLike, price: npt.ArrayLike, size: npt.ArrayLike, rule: Count
) -> pd.DataFrame:
    cutter = TradeCutter(rule, sided=False)
    cutter.push(ts, price, size)
    return cutter.closed()


def dollar_bars(
    ts: npt.ArrayLike, price: npt.ArrayLike, size: npt.ArrayLike, threshold: float
) -> pd.DataFrame:
    """Bars of equal traded value.

    Parameters
    ----------
    ts : int64 array of shape (n,)
        UTC ns, non-decreasing.
    price, size : float64 array of shape (n,)
        USD (> 0) and ETH (>= 0).
    threshold : float
        USD, > 0; the trade that brings ``sum(price * size)`` to it closes the
        bar and belongs to it.

    Returns
    -------
    DataFrame
        Closed bars in the canonical layout (ts_open, ts_close, open, high,
        low, close, volume, quote_volume, trades, taker_buy_volume, gap); the
        last, incomplete bar is left out. See :func:`bars_from_trades`.

    Examples
    --------
    >>> bars = dollar_bars([1, 2, 3, 4], [10.0, 11.0, 9.0, 10.0], [1.0, 1.0, 2.0, 1.0], 20.0)
    >>> bars[["ts_open", "ts_close", "high", "volume"]].values.tolist()
    [[1.0, 2.0, 11.0, 2.0], [3.0, 4.0, 10.0, 3.0]]
    """
    return _closed(ts, price, size, Count("dollars", threshold))


def volume_bars(
    ts: npt.ArrayLike, price: npt.ArrayLike, size: npt.ArrayLike, threshold: float
) -> pd.DataFrame:
    """Bars of equal traded volume.

    Parameters
    ----------
    ts, price, size : array of shape (n,)
        As in :func:`dollar_bars`.
    threshold : float
        ETH, > 0; the trade that brings ``sum(size)`` to it closes the bar.

    Returns
    -------
    DataFrame
        Closed bars, as in :func:`dollar_bars`.

    Examples
    --------
    >>> volume_bars([1, 2, 3], [10.0, 11.0, 9.0], [1.0, 1.0, 2.0], 2.0)["close"].tolist()
    [11.0, 9.0]
    """
    return _closed(ts, price, size, Count("volume", threshold))


def tick_bars(
    ts: npt.ArrayLike, price: npt.ArrayLike, size: npt.ArrayLike, threshold: float
) -> pd.DataFrame:
    """Bars of equally many trades.

    Parameters
    ----------
    ts, price, size : array of shape (n,)
        As in :func:`dollar_bars`.
    threshold : float
        Number of trades, > 0.

    Returns
    -------
    DataFrame
        Closed bars, as in :func:`dollar_bars`.

    Examples
    --------
    >>> tick_bars([1, 1, 3], [10.0, 11.0, 9.0], [1.0, 1.0, 2.0], 2)["trades"].tolist()
    [2.0]
    """
    return _closed(ts, price, size, Count("trades", threshold))
