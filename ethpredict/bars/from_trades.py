"""Tick, volume and dollar bars from trades."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ethpredict.bars import _kernels
from ethpredict.bars.tails import tail_table
from ethpredict.data.market import CANDLE_COLUMNS, mark_gaps, typed_table
from ethpredict.errors import ConfigError, DataError

MEASURES: dict[str, int] = {
    "trades": _kernels.COUNT_TRADES,
    "volume": _kernels.COUNT_VOLUME,
    "dollars": _kernels.COUNT_DOLLARS,
}
_TAIL_REASONS = {_kernels.TAIL_GAP: "gap", _kernels.TAIL_END: "end"}
_NEVER = np.iinfo(np.int64).max
# Far above the rounding of any sum that fits in memory; bounds the number of bars.
_SLACK = 1e-6


@dataclass(frozen=True)
class TradeBars:
    """Closed bars and what was left over.

    Parameters
    ----------
    bars : DataFrame
        In the canonical bar layout.
    tails : DataFrame
        Partial bars that were not emitted (see :mod:`ethpredict.bars.tails`).
        Volume over bars and tails is the volume of all trades.
    """

    bars: pd.DataFrame
    tails: pd.DataFrame


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
        ``ts_close`` is the time of the bar's last trade, the moment it is
        known, and ``ts_open`` that of its first; both strictly increase (see
        :func:`ethpredict.bars._kernels.part_bars` for equal times).

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
    if not (np.isfinite(threshold) and threshold > 0):
        raise ConfigError("threshold", threshold, "a finite number above 0")
    times = np.ascontiguousarray(ts, dtype=np.int64)
    prices = np.ascontiguousarray(price, dtype=np.float64)
    sizes = np.ascontiguousarray(size, dtype=np.float64)
    sides = np.zeros(len(times), np.int8) if side is None else np.ascontiguousarray(side, np.int8)
    _check(times, prices, sizes, sides)
    max_gap_ns = _NEVER if max_gap is None else round(max_gap * 1e9)
    span = np.empty((_most_bars(prices, sizes, threshold, measure), 2), dtype=np.int64)
    values = np.empty((len(span), 8))
    n_gaps = int((np.diff(times) > max_gap_ns).sum())
    tails = np.empty((n_gaps + 1, 5))
    n_bars, n_tails = _kernels.cut_trades(
        times, prices, sizes, sides, MEASURES[measure], threshold, max_gap_ns, span, values, tails
    )
    bars = _bar_table(span[:n_bars], values[:n_bars], side is not None, max_gap)
    return TradeBars(bars, _tail_rows(tails[:n_tails], times))


def _check(ts: np.ndarray, price: np.ndarray, size: np.ndarray, side: np.ndarray) -> None:
    if not len(ts) == len(price) == len(size) == len(side):
        raise DataError(
            "trades",
            None,
            f"lengths differ: {len(ts)} times, {len(price)} prices, {len(size)} sizes, "
            f"{len(side)} sides",
        )
    back = np.zeros(len(ts), dtype=bool)
    back[1:] = ts[1:] < ts[:-1]
    for mask, reason in (
        (back, "the time goes back; sort the trades by time, keeping their order within one time"),
        (~(np.isfinite(price) & (price > 0)), "the price is not a finite number above 0"),
        (~(np.isfinite(size) & (size >= 0)), "the size is not a finite number of at least 0"),
    ):
        if mask.any():
            raise DataError("trades", int(np.argmax(mask)) + 1, reason)


def _most_bars(price: np.ndarray, size: np.ndarray, threshold: float, measure: str) -> int:
    """No more bars than this can close: each holds at least the threshold."""
    if measure == "trades":
        total = float(len(price))
    elif measure == "volume":
        total = float(size.sum())
    else:
        total = float(price @ size)
    return int(min(len(price), total / threshold * (1 + _SLACK) + 1))


def _bar_table(
    span: np.ndarray, values: np.ndarray, sided: bool, max_gap: float | None
) -> pd.DataFrame:
    borders = np.empty_like(span)
    _kernels.part_bars(span, borders)
    # By the trades' own times, which the borders may leave by some nanoseconds.
    gap = np.zeros(len(span), bool)
    if max_gap is not None:
        gap = mark_gaps(span[:, 0], span[:, 1], max_gap)
    names = (
        "open",
        "high",
        "low",
        "close",
        "volume",
        "quote_volume",
        "trades",
        "taker_buy_volume",
    )
    columns: dict[str, Any] = {name: values[:, j] for j, name in enumerate(names)}
    if not sided:
        columns["taker_buy_volume"] = np.full(len(span), np.nan)
    return typed_table(
        CANDLE_COLUMNS, columns | {"ts_open": borders[:, 0], "ts_close": borders[:, 1], "gap": gap}
    )


def _tail_rows(tails: np.ndarray, ts: np.ndarray) -> pd.DataFrame:
    first, last = tails[:, 0].astype(np.int64), tails[:, 1].astype(np.int64)
    return tail_table(
        ts_from=ts[first],
        ts_to=ts[last],
        rows=last - first + 1,
        volume=tails[:, 2],
        quote_volume=tails[:, 3],
        reason=[_TAIL_REASONS[int(kind)] for kind in tails[:, 4]],
    )


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
    return bars_from_trades(ts, price, size, threshold, "dollars").bars


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
    return bars_from_trades(ts, price, size, threshold, "volume").bars


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
    return bars_from_trades(ts, price, size, threshold, "trades").bars
