"""The order book in plain Python, event by event: what the compiled kernels must do.

Prices are whole ticks, sizes whole lots, times nanoseconds of the day. Sides are
+1 (bids) and -1 (asks).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from ethpredict.data.synthetic import reference
from ethpredict.data.synthetic.flow import TYPES

NS = 1_000_000_000
REFILL_DELAY = 20_000_000
CREATED, CHANGED, DELETED = range(3)


class SplitMix:
    """The generator SplitMix64 on Python integers.

    References
    ----------
    Steele, G. L., Lea, D. and Flood, C. H. (2014). Fast splittable pseudorandom
    number generators. OOPSLA. doi:10.1145/2660193.2660195

    Examples
    --------
    >>> hex(SplitMix(0).integer())
    '0xe220a8397b1dcdaf'
    """

    def __init__(self, seed: int) -> None:
        self.state = seed

    def integer(self) -> int:
        """Next 64 bits."""
        mask = (1 << 64) - 1
        self.state = (self.state + 0x9E3779B97F4A7C15) & mask
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        return z ^ (z >> 31)

    def uniform(self) -> float:
        """Next number of [0, 1)."""
        return (self.integer() >> 11) * 2.0**-53

    def exponential(self) -> float:
        """Next exponential number of mean 1."""
        return -math.log(1.0 - self.uniform())

    def lots(self, mean: float) -> int:
        """Next exponential size, at least one lot."""
        return max(1, math.floor(0.5 + self.exponential() * mean))


@dataclass
class Hawkes:
    """A Hawkes process with one decay: `kernel[i][j]` is the jump of intensity i at type j."""

    kernel: Sequence[Sequence[float]]
    decay: float
    excite: list[float]
    base: list[float]

    def wait(self, rng: SplitMix) -> float:
        """Seconds to the next point if nothing happens before (Dassios and Zhao 2013)."""
        constant, falling = sum(self.base), sum(self.excite)
        first = rng.exponential() / constant if constant > 0 else math.inf
        left = 1.0 - self.decay * rng.exponential() / falling if falling > 0 else 0.0
        return min(first, -math.log(left) / self.decay) if left > 0 else first

    def advance(self, seconds: float) -> None:
        """Let time pass without a point."""
        self.excite = [x * math.exp(-self.decay * seconds) for x in self.excite]

    def point(self, rng: SplitMix) -> int:
        """Type of the point that happens now."""
        mark = rng.uniform() * (sum(self.base) + sum(self.excite))
        passed = 0.0
        kind = len(self.base) - 1
        for i, (base, excite) in enumerate(zip(self.base, self.excite, strict=True)):
            passed += base + excite
            if passed > mark:
                kind = i
                break
        self.excite = [x + row[kind] for x, row in zip(self.excite, self.kernel, strict=True)]
        return kind


@dataclass
class Order:
    """One resting order."""

    number: int
    side: int
    tick: int
    lots: int
    crowd: bool


@dataclass
class Book:
    """Orders by side and tick, first in line first, and what happened to them."""

    ladder: int
    reach: int
    crowd_limit: int
    levels: dict[int, dict[int, list[Order]]] = field(default_factory=lambda: {1: {}, -1: {}})
    crowd: dict[int, list[Order]] = field(default_factory=lambda: {1: [], -1: []})
    reference: dict[int, int] = field(default_factory=lambda: {1: 0, -1: 0})
    now: int = 0
    event: int = 0
    created: int = 0
    refill: int | None = None
    updates: list[tuple[int, ...]] = field(default_factory=list)
    orders: list[tuple[int, ...]] = field(default_factory=list)
    trades: list[tuple[int, ...]] = field(default_factory=list)

    def best(self, side: int) -> int | None:
        """Best tick of a side."""
        ticks = self.levels[side]
        return (max(ticks) if side > 0 else min(ticks)) if ticks else None

    def note(self, side: int, tick: int, snapshot: int = 0) -> None:
        """Write down what a level holds."""
        lots = sum(order.lots for order in self.levels[side].get(tick, []))
        self.updates.append((self.now, side, tick, lots, self.event, snapshot))

    def _tell(self, order: Order, kind: int) -> None:
        self.orders.append((self.now, kind, order.number, order.side, order.tick, order.lots))

    def add(self, side: int, tick: int, lots: int, crowd: bool) -> None:
        """Queue an order."""
        self.created += 1
        order = Order(self.created, side, tick, lots, crowd)
        self.levels[side].setdefault(tick, []).append(order)
        if crowd:
            self.crowd[side].append(order)
        self._tell(order, CREATED)
        self.note(side, tick)

    def remove(self, order: Order) -> None:
        """Take an order off; the last one of the crowd's list takes its place there."""
        self._tell(order, DELETED)
        queue = self.levels[order.side][order.tick]
        queue.remove(order)
        if not queue:
            del self.levels[order.side][order.tick]
        if order.crowd:
            crowd = self.crowd[order.side]
            at = crowd.index(order)
            crowd[at] = crowd[-1]
            crowd.pop()

    def call_makers(self) -> None:
        """Makers answer after a delay."""
        if self.refill is None:
            self.refill = self.now + REFILL_DELAY

    def cancel(self, side: int, rng: SplitMix) -> None:
        """Cancel an order of the crowd at random."""
        pick = int(rng.uniform() * len(self.crowd[side]))
        if not self.crowd[side]:
            return
        order = self.crowd[side][pick]
        self.remove(order)
        self.note(side, order.tick)
        if order.tick not in self.levels[side]:
            self.call_makers()

    def hit(self, side: int, limit: int, lots: float) -> None:
        """Match a market order against `side`, no deeper than the tick `limit`."""
        while lots > 0:
            tick = self.best(side)
            if tick is None or side * (tick - limit) < 0:
                return
            while lots > 0 and tick in self.levels[side]:
                order = self.levels[side][tick][0]
                filled = int(min(lots, order.lots))
                lots -= filled
                order.lots -= filled
                self.trades.append((self.now, tick, filled, -side))
                if order.lots == 0:
                    self.remove(order)
                else:
                    self._tell(order, CHANGED)
            self.note(side, tick)
            if tick not in self.levels[side]:
                self.call_makers()

    def anchor(self, side: int, tick: int) -> None:
        """Move the best price that `side` may quote; cancel what is too near or too far."""
        self.reference[side] = tick
        gone = [t for t in self.levels[side] if not 0 <= side * (tick - t) < self.reach]
        for old in sorted(gone, key=lambda t: -side * t):
            for order in list(self.levels[side][old]):
                self.remove(order)
            self.note(side, old)

    def fill(self, mean_lots: float, rng: SplitMix) -> None:
        """One maker order on every empty level of the ladder."""
        for side in (1, -1):
            for step in range(self.ladder):
                tick = self.reference[side] - side * step
                if tick not in self.levels[side] and tick > 0:
                    self.add(side, tick, rng.lots(mean_lots), False)
        self.refill = None

    def show(self) -> None:
        """Write a snapshot."""
        for side in (1, -1):
            for tick in sorted(self.levels[side], key=lambda t: -side * t):
                self.note(side, tick, 1)


@dataclass
class Trading:
    """What `run` needs besides the book: see `book.BookShape` and `settings.MarketSettings`."""

    informed_fraction: float
    half_spread: float
    book_scale: float
    size_scale: float
    order_log_lots: float
    order_log_sd: float
    maker_lots: float
    crowd_lots: float
    crowd_ticks: float
    drift_per_unit: float
    candle_seconds: int


def base_rates(
    rates: Sequence[float], activity: float, tilt: float, move: float, informed: float
) -> list[float]:
    """Base rates of a second whose minute still has `move` to go."""
    up = 0.5 if move == 0 else float(move > 0)
    buys = (1 - informed) * 0.5 * (1 + tilt) + informed * up
    base = [rate * activity for rate in rates]
    market = base[0] + base[1]
    return [market * buys, market * (1 - buys), *base[2:]]


def act(book: Book, kind: str, trading: Trading, rng: SplitMix) -> None:
    """Let one point of the order flow act on the book."""
    if kind in ("buy", "sell"):
        side = -1 if kind == "buy" else 1
        turn = 2 * math.pi * rng.uniform()
        shock = math.sqrt(2 * rng.exponential()) * math.cos(turn)
        size = math.exp(trading.order_log_lots + trading.order_log_sd * shock)
        best = book.best(side)
        if best is not None:
            book.hit(side, best, max(1, math.floor(0.5 + size)))
        return
    side = 1 if kind.endswith("bid") else -1
    if kind.startswith("cancel"):
        book.cancel(side, rng)
        return
    if len(book.crowd[side]) == book.crowd_limit:
        book.cancel(side, rng)
    behind = min(int(rng.exponential() * trading.crowd_ticks), book.reach - 1)
    lots = rng.lots(trading.crowd_lots)
    tick = book.reference[side] - side * behind
    if tick > 0:
        book.add(side, tick, lots, True)


def begin_second(book: Book, first: bool, mid: float, trading: Trading, rng: SplitMix) -> None:
    """Anchor the quotes to the mid; on a day's first second, show the whole book."""
    offset = trading.half_spread * mid
    bid = max(1, math.floor((mid - offset) * trading.book_scale))
    ask = math.ceil((mid + offset) * trading.book_scale)
    if not first and (bid, ask) == (book.reference[1], book.reference[-1]):
        return
    book.event += 1
    shown = len(book.updates)
    book.anchor(1, bid)
    book.anchor(-1, ask)
    book.fill(trading.maker_lots, rng)
    if first:
        del book.updates[shown:]
        book.show()


def sweep(book: Book, mid: float, depth: float, buys: bool, scale: float) -> None:
    """Take everything up to `depth` from the mid, at least the best price that may be quoted."""
    if buys:
        book.hit(-1, max(math.floor((mid + depth) * scale), book.reference[-1]), math.inf)
    else:
        book.hit(1, min(math.ceil((mid - depth) * scale), book.reference[1]), math.inf)


def run(
    book: Book,
    hawkes: Hawkes,
    rates: Sequence[float],
    rng: SplitMix,
    trading: Trading,
    log_mid: float,
    last_price: float,
    signal: reference.Signal,
    seconds: int,
    sigma: Sequence[float],
    activity: Sequence[float],
    tilt: Sequence[float],
    shocks: Sequence[float],
    jumps: Sequence[float],
    sweeps: Sequence[tuple[int, float, bool]],
) -> tuple[reference.DayResult, list[tuple[int, int]]]:
    """Run `seconds` seconds from the start of a day: candles and the like, and all points.

    `sigma`, `activity` and `tilt` stand by the minute, `shocks` and `jumps` by
    the second; `sweeps` are (time, depth, whether it buys), in the order of time.
    """
    day = reference.DayResult()
    points: list[tuple[int, int]] = []
    waiting = list(sweeps)
    step = trading.candle_seconds
    for start in range(0, seconds, step):
        drift = trading.drift_per_unit * signal.value()
        day.drift.append(drift)
        for s in range(start, start + step):
            vol = sigma[s // 60]
            log_mid += drift / step + vol * shocks[s] - 0.5 * vol * vol + jumps[s]
            day.mid.append(math.exp(log_mid))
        first = len(book.trades)
        for s in range(start, start + step):
            mid, minute = day.mid[s], s // 60
            book.now = s * NS
            begin_second(book, s == 0, mid, trading, rng)
            move = day.mid[minute * 60 + 59] - mid
            hawkes.base = base_rates(
                rates, activity[minute], tilt[minute], move, trading.informed_fraction
            )
            _run_second(book, hawkes, rng, trading, mid, waiting, points)
        made = book.trades[first:]
        row = [last_price] * 4 + [0.0] * 4
        if made:
            row = reference.candle(
                [t[1] / trading.book_scale for t in made],
                [t[3] for t in made],
                [t[2] / trading.size_scale for t in made],
            )
        day.candles.append(row)
        last_price = row[3]
        signal.update(reference.imbalance(row[7], row[4]))
    return day, points


def _run_second(
    book: Book,
    hawkes: Hawkes,
    rng: SplitMix,
    trading: Trading,
    mid: float,
    waiting: list[tuple[int, float, bool]],
    points: list[tuple[int, int]],
) -> None:
    """Play what happens until the next whole second."""
    stop = (book.now // NS + 1) * NS
    while book.now < stop:
        soonest = book.now + 1
        refill = stop if book.refill is None else max(book.refill, soonest)
        swept = max(waiting[0][0], soonest) if waiting else stop
        other = min(stop, refill, swept)
        wait = min(hawkes.wait(rng), 2.0)
        now = min(book.now + max(1, int(wait * 1e9)), other)
        hawkes.advance((now - book.now) * 1e-9)
        book.now = now
        if now < other:
            kind = hawkes.point(rng)
            points.append((now, kind))
            book.event += 1
            act(book, TYPES[kind], trading, rng)
        elif now == stop:
            return
        elif now == refill:
            book.event += 1
            book.fill(trading.maker_lots, rng)
        else:
            _, depth, buys = waiting.pop(0)
            points.append((now, 6 if buys else 7))
            book.event += 1
            sweep(book, mid, depth, buys, trading.book_scale)
