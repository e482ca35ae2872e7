"""Bars in plain Python: the definition that the compiled builders are tested against."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any


def cut_trades(
    ts: Sequence[int],
    price: Sequence[float],
    size: Sequence[float],
    threshold: float,
    measure: str,
    max_gap_ns: int | None = None,
    side: Sequence[int] | None = None,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Cut trades into bars, one trade at a time.

    Parameters
    ----------
    ts : sequence of int, length n
        Non-decreasing, ns.
    price, size : sequence of float, length n
        USD and ETH.
    threshold : float
        A bar closes with the trade that brings its count to this, > 0.
    measure : {"trades", "volume", "dollars"}
        What a bar counts.
    max_gap_ns : int, optional
        A longer pause throws the partial bar away. None = none is too long.
    side : sequence of int, optional
        +1 where the taker bought; without it that volume is 0.

    Returns
    -------
    bars, tails : list of dict
        Closed bars, and the partial bars before a pause and at the end.
    """
    bars: list[dict[str, Any]] = []
    tails: list[dict[str, Any]] = []
    part: list[int] = []
    for i in range(len(ts)):
        if part and max_gap_ns is not None and ts[i] - ts[i - 1] > max_gap_ns:
            tails.append(_summary(part, ts, price, size, side) | {"reason": "gap"})
            part = []
        part.append(i)
        summary = _summary(part, ts, price, size, side)
        if summary[measure] >= threshold:
            bars.append(summary)
            part = []
    if part:
        tails.append(_summary(part, ts, price, size, side) | {"reason": "end"})
    return bars, tails


def _summary(
    part: list[int],
    ts: Sequence[int],
    price: Sequence[float],
    size: Sequence[float],
    side: Sequence[int] | None,
) -> dict[str, Any]:
    volume = dollars = taker = 0.0
    for i in part:
        volume += size[i]
        dollars += price[i] * size[i]
        if side is not None and side[i] > 0:
            taker += size[i]
    prices = [price[i] for i in part]
    return {
        "first": part[0],
        "last": part[-1],
        "ts_first": ts[part[0]],
        "ts_last": ts[part[-1]],
        "open": prices[0],
        "high": max(prices),
        "low": min(prices),
        "close": prices[-1],
        "volume": volume,
        "dollars": dollars,
        "trades": len(part),
        "taker_buy_volume": taker,
    }


def borders(times: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Borders of bars whose first and last trades have these times.

    Parameters
    ----------
    times : sequence of (int, int), length b
        First and last trade of each bar, ns.

    Yields
    ------
    ts_open, ts_close : int
        Strictly increasing, and no bar closes before its last trade.

    Examples
    --------
    >>> list(borders([(3, 5), (5, 5), (9, 9)]))
    [(3, 5), (5, 6), (8, 9)]
    """
    closed: int | None = None
    for first, last in times:
        end = last if closed is None else max(last, closed + 1)
        begin = min(first, end - 1)
        yield (begin if closed is None else max(closed, begin)), end
        closed = end


def cut_candles(
    dollars: Sequence[float], breaks: Sequence[bool], threshold: float
) -> list[tuple[int, int, bool]]:
    """Group whole candles until their traded value reaches the threshold.

    Parameters
    ----------
    dollars : sequence of float, length n
        Traded value of each candle, USD.
    breaks : sequence of bool, length n
        True where nothing may span the border before the candle.
    threshold : float
        USD, > 0.

    Returns
    -------
    list of (int, int, bool)
        First candle, one past the last, and whether the bar closed.

    Examples
    --------
    >>> cut_candles([3.0, 4.0, 9.0, 1.0], [False, False, False, True], 7.0)
    [(0, 2, True), (2, 3, True), (3, 4, False)]
    """
    spans: list[tuple[int, int, bool]] = []
    first, total = 0, 0.0
    for i in range(len(dollars)):
        if breaks[i] and i > first:
            spans.append((first, i, False))
            first, total = i, 0.0
        total += dollars[i]
        if total >= threshold:
            spans.append((first, i + 1, True))
            first, total = i + 1, 0.0
    if first < len(dollars):
        spans.append((first, len(dollars), False))
    return spans
