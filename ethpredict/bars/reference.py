"""Bars in plain Python: the definition that the compiled builders are tested against."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from ethpredict.bars.rules import Count, SignedFlow

DAY_NS = 8.64e13


@dataclass
class _Part:
    """A partial bar."""

    first: int
    ts_first: int
    open: float
    high: float
    low: float
    volume: float = 0.0
    dollars: float = 0.0
    taker: float = 0.0
    trades: int = 0
    buys: float = 0.0
    sells: float = 0.0
    squares: float = 0.0

    def summary(self, last: int, ts_last: int, close: float) -> dict[str, Any]:
        return {
            "first": self.first,
            "last": last,
            "ts_first": self.ts_first,
            "ts_last": ts_last,
            "open": self.open,
            "high": self.high,
            "low": self.low,
            "close": close,
            "volume": self.volume,
            "dollars": self.dollars,
            "trades": self.trades,
            "taker_buy_volume": self.taker,
        }


class _Counted:
    """When a bar of one count closes."""

    def __init__(self, rule: Count) -> None:
        self.rule, self.limit, self.rate = rule, rule.threshold, rule.threshold * rule.per_day
        self.clock: int | None = None

    def reached(self, part: _Part) -> float:
        return float(getattr(part, self.rule.measure))

    def closes(self, part: _Part) -> str | None:
        return "threshold" if self.reached(part) >= self.limit else None

    def closed(self, part: _Part | None, now: int) -> None:
        if self.rule.per_day > 0 and self.clock is not None:
            decay, days = 1.0 / self.rule.average_days, (now - self.clock) / DAY_NS
            amount = self.reached(part) if part else 0.0
            self.rate = (self.rate + decay * amount) / (1.0 + decay * days)
            self.limit = self.rate / self.rule.per_day
            self.clock = now

    def paused(self, part: _Part | None, last: int, now: int) -> None:
        self.closed(part, last)
        self.clock = now


class _Signed:
    """When an imbalance or run bar closes."""

    def __init__(self, rule: SignedFlow) -> None:
        self.rule, self.limit = rule, math.nan
        self.means: list[float] | None = None
        self.clock: int | None = None

    def reached(self, part: _Part) -> float:
        if self.rule.kind == "run":
            return max(part.buys, part.sells)
        return abs(part.buys - part.sells)

    def closes(self, part: _Part) -> str | None:
        if self.means is None:
            return "warm-up" if part.trades >= self.rule.expected_trades else None
        if self.reached(part) >= self.limit:
            return "threshold"
        longest = self.rule.expected_trades * self.rule.bound
        return "longest length" if part.trades >= longest else None

    def closed(self, part: _Part, now: int) -> None:
        rule, new = self.rule, [float(part.trades), part.buys, part.sells, part.squares]
        weight = 2.0 / (rule.average_bars + 1.0)
        old = self.means
        self.means = [m + weight * (x - m) for m, x in zip(old, new, strict=True)] if old else new
        trades, buys, sells, squares = self.means
        length = min(
            max(trades, rule.expected_trades / rule.bound), rule.expected_trades * rule.bound
        )
        buy, sell = buys / trades, sells / trades
        noise = math.sqrt(squares / trades / length)
        if rule.kind == "imbalance":
            share = max(abs(buy - sell), noise)
        else:
            share = max(buy, sell, 0.5 * (buy + sell + math.sqrt(2.0 / math.pi) * noise))
        self.limit = length * share or math.inf

    def paused(self, part: _Part | None, last: int, now: int) -> None:
        """A pause leaves the averages as they are."""


def cut_trades(
    ts: Sequence[int],
    price: Sequence[float],
    size: Sequence[float],
    rule: Count | SignedFlow,
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
    rule : Count or SignedFlow
        When a bar closes.
    max_gap_ns : int, optional
        A longer pause throws the partial bar away. None = none is too long.
    side : sequence of int, optional
        +1 where the taker bought, -1 where he sold; without it the taker volume
        is 0 and the tick rule signs the trades.

    Returns
    -------
    bars, tails : list of dict
        Closed bars, and the partial bars before a pause and at the end.
    """
    bars: list[dict[str, Any]] = []
    tails: list[dict[str, Any]] = []
    when: _Counted | _Signed = _Counted(rule) if isinstance(rule, Count) else _Signed(rule)
    part: _Part | None = None
    sign = 0
    for i in range(len(ts)):
        t, p, s = ts[i], price[i], size[i]
        if i == 0:
            when.clock = t
        elif max_gap_ns is not None and t - ts[i - 1] > max_gap_ns:
            when.paused(part, ts[i - 1], t)
            if part:
                tails.append(part.summary(i - 1, ts[i - 1], price[i - 1]) | {"reason": "gap"})
            part = None
        if part is None:
            part = _Part(i, t, p, p, p)
        part.high, part.low = max(part.high, p), min(part.low, p)
        part.volume += s
        part.dollars += p * s
        part.trades += 1
        given = 0 if side is None else side[i]
        if given > 0:
            part.taker += s
        if given:
            sign = given
        elif i > 0 and p != price[i - 1]:
            sign = 1 if p > price[i - 1] else -1
        amount = {"trades": 1.0, "volume": s, "dollars": p * s}[rule.measure]
        part.squares += amount * amount
        part.buys += amount if sign > 0 else 0.0
        part.sells += amount if sign < 0 else 0.0
        reason = when.closes(part)
        if reason:
            bar = part.summary(i, t, p)
            bars.append(bar | {"threshold": when.limit, "closed_by": reason})
            when.closed(part, t)
            part = None
    if part:
        tails.append(part.summary(len(ts) - 1, ts[-1], price[-1]) | {"reason": "end"})
    return bars, tails


def cut_clock(
    ts: Sequence[int], length_ns: int, max_gap_ns: int
) -> tuple[list[tuple[int, int]], list[tuple[int, int, str]]]:
    """Cut trades on the clock's grid.

    Parameters
    ----------
    ts : sequence of int, length n
        Non-decreasing, ns.
    length_ns, max_gap_ns : int
        Length of a slot, and the longest pause that may reach into a bar, ns.

    Returns
    -------
    bars : list of (int, int)
        First and last trade of each.
    tails : list of (int, int, str)
        The same of the slots that are no bar, and why.
    """
    bars, tails = [], []
    slots: dict[int, list[int]] = {}
    for i, t in enumerate(ts):
        slots.setdefault(t // length_ns, []).append(i)
    pauses = [(a, b) for a, b in pairwise(ts) if b - a > max_gap_ns]
    for slot, rows in slots.items():
        begin, end = slot * length_ns, (slot + 1) * length_ns
        first, last = rows[0], rows[-1]
        if slot == max(slots):
            tails.append((first, last, "end"))
        elif slot == min(slots) and ts[first] > begin:
            inside = any(begin <= a < end for a, b in pauses if min(b, end) - a > max_gap_ns)
            tails.append((first, last, "gap" if inside else "start"))
        elif any(a < end and b > begin and min(b, end) - a > max_gap_ns for a, b in pauses):
            tails.append((first, last, "gap"))
        else:
            bars.append((first, last))
    return bars, tails


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
    amounts: Sequence[float],
    breaks: Sequence[bool],
    threshold: float,
    borders: Sequence[tuple[int, int]] | None = None,
    per_day: float = 0.0,
    average_days: float = 7.0,
) -> list[tuple[int, int, bool]]:
    """Group whole candles until their count reaches the threshold.

    Parameters
    ----------
    amounts : sequence of float, length n
        What each candle adds to the count.
    breaks : sequence of bool, length n
        True where nothing may span the border before the candle.
    threshold : float
        > 0; where it moves, the one that it starts from.
    borders : sequence of (int, int), length n, optional
        ts_open and ts_close, ns; needed where the threshold moves.
    per_day, average_days : float
        As in :class:`ethpredict.bars.rules.Count`.

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
    when = _Counted(Count("volume", threshold, per_day, average_days))
    when.clock = borders[0][0] if borders else None
    first, total = 0, 0.0

    def leave(stop: int, closed: bool) -> None:
        spans.append((first, stop, closed))
        if borders:
            when.closed(_Part(first, 0, 0.0, 0.0, 0.0, volume=total), borders[stop - 1][1])

    for i in range(len(amounts)):
        if breaks[i]:
            if i > first:
                leave(i, False)
                first, total = i, 0.0
            if borders:
                when.clock = borders[i][0]
        total += amounts[i]
        if total >= when.limit:
            leave(i + 1, True)
            first, total = i + 1, 0.0
    if first < len(amounts):
        leave(len(amounts), False)
    return spans
