"""Plain reference of the event replay: dictionaries, one order at a time, fixed spread.

Written from the description in docs/simulation.md, not from the kernels.
"""

from __future__ import annotations

import math

UNITS = 10_000
MS = 1_000_000


class Mine:
    """One of our orders."""

    def __init__(self, side, tick, left, start) -> None:
        self.side, self.tick, self.left, self.start = side, tick, left, start
        self.end, self.live, self.front, self.got, self.traded = math.inf, False, 0, 0, 0
        self.heard = 0  # when we learn of the last fill, or of the refusal


class PlainReplay:
    """One fixed-spread run without layers; `steps` yields (row, position, cash) per row."""

    def __init__(self, half, order, limit, lot, tick, maker, latency, feed, response, block=0,
                 rule="queue", model="risk_averse", power=3.0, penetration=1) -> None:  # fmt: skip
        self.half, self.order, self.limit, self.lot, self.tick = half, order, limit, lot, tick
        self.maker, self.latency, self.feed, self.response = maker, latency, feed, response
        self.block, self.rule, self.model, self.power = block, rule, model, power
        self.penetration = penetration
        self.book: dict[int, dict[int, int]] = {1: {}, -1: {}}
        self.orders: list[Mine] = []
        self.position, self.cash, self.fills = 0, 0.0, []
        self.quotes: list[tuple[int, int, int]] = []  # ts, bid, ask: valid or repeated

    def moment(self, arrival):
        return (math.ceil(arrival / self.block) - 1) * self.block if self.block else arrival

    def run(self, times, batches):
        """Batches: (ts, "trade", aggressor, tick, units), (ts, "book", [(side, tick, units)])."""
        at, out = 0, []
        while at < len(batches) and batches[at][0] <= times[0]:
            self.event(batches[at])
            at += 1
        for j in range(len(times) - 1):
            if j > 0:
                self.decide(times[j])
            while at < len(batches) and batches[at][0] <= times[j + 1]:
                self.event(batches[at])
                at += 1
            out.append((self.position * self.lot, self.cash))
        return out

    def decide(self, now):
        known = sum(lots for ts, lots, _ in self.fills if ts + self.response <= now)
        seen = [q for q in self.quotes if q[0] + self.feed <= now]
        wanted = []
        if seen and seen[-1][1] > 0:
            _, bid, ask = seen[-1]
            mid = 0.5 * (bid + ask) * self.tick
            half = self.half * self.close[now]
            below = min(
                math.floor((mid - half) / self.tick + 1e-9), math.ceil(mid / self.tick - 1e-9) - 1
            )
            above = max(
                math.ceil((mid + half) / self.tick - 1e-9), math.floor(mid / self.tick + 1e-9) + 1
            )
            if ask > bid:
                below, above = min(below, ask - 1), max(above, bid + 1)
            if known + self.order <= self.limit:
                wanted.append((1, below))
            if known - self.order >= -self.limit:
                wanted.append((-1, above))
        start = self.moment(now + self.latency)
        keep = []
        for side, tick in wanted:
            same = [
                o
                for o in self.orders
                if (o.side, o.tick) == (side, tick)
                and o.end == math.inf
                and (o.left > 0 or o.heard > now)
            ]
            if same:
                keep.append(same[0])
            else:
                keep.append(Mine(side, tick, self.order, start))
                self.orders.append(keep[-1])
        for order in self.orders:
            if order.end == math.inf and not any(order is kept for kept in keep):
                order.end = start

    def arrive(self, now):
        stay = []
        bid, ask = self.quotes[-1][1:] if self.quotes else (0, 0)
        if not self.has_book:
            bid, ask = bid - 1, ask + 1
        for order in self.orders:
            if order.end < now or (order.left == 0 and order.heard <= now):
                continue
            if not order.live and order.start < now:
                if (order.side > 0 and 0 < ask <= order.tick) or (
                    order.side < 0 and bid > 0 and order.tick <= bid
                ):
                    order.left, order.heard = 0, order.start + self.block + self.response
                order.live = True
                order.front = self.book[order.side].get(order.tick, 0)
            stay.append(order)
        self.orders = stay

    def fill(self, order, units, now):
        units = min(units, order.left * UNITS - order.got)
        order.got += units
        lots = min(order.got // UNITS, order.left)
        order.got -= lots * UNITS
        order.left -= lots
        if lots:
            order.heard = now + self.response
            price = order.tick * self.tick
            self.position += order.side * lots
            value = order.side * lots * self.lot * price
            self.cash -= value + self.maker * abs(value)
            self.fills.append((now, order.side * lots, price))
        return units

    def event(self, batch):
        now, kind = batch[:2]
        self.arrive(now)
        if kind == "trade":
            _, _, aggressor, tick, left = batch
            for order in self.orders:
                beyond = (order.tick - tick) * order.side
                if not order.live or order.side == aggressor or beyond < 0 or order.left == 0:
                    continue
                if self.rule == "strict" and beyond < self.penetration:
                    continue
                if self.rule == "queue" and beyond == 0:
                    order.traded += left
                    waiting = min(order.front, left)
                    order.front -= waiting
                    left -= waiting
                else:
                    order.front = 0
                left -= self.fill(order, left, now)
            if not self.has_book:
                self.quotes.append((now, tick, tick))
            return
        for side, tick, units in batch[2]:
            for order in self.orders:
                if self.rule == "queue" and order.live and (order.side, order.tick) == (side, tick):
                    self.requeue(order, self.book[side].get(tick, 0), units)
            self.book[side].pop(tick, None)
            if units:
                self.book[side][tick] = units
        bids, asks = self.book[1], self.book[-1]
        if bids and asks and max(bids) < min(asks):
            self.quotes.append((now, max(bids), min(asks)))
        else:
            self.quotes.append((now, *(self.quotes[-1][1:] if self.quotes else (0, 0))))
        _, bid, ask = self.quotes[-1]
        for order in self.orders:
            other = ask if order.side > 0 else bid
            least = self.penetration if self.rule == "strict" else 0
            if (
                order.live
                and order.left
                and other > 0
                and (order.tick - other) * order.side >= least
            ):
                self.fill(order, self.book[-order.side].get(other, 10**18), now)

    def requeue(self, order, before, after):
        traded, order.traded = order.traded, 0
        cancelled = before - after - traded
        if self.model == "risk_averse" or cancelled <= 0:
            order.front = min(order.front, after)
            return

        def weight(x):
            return math.log(1.0 + x) if self.model == "log" else float(x) ** self.power

        back = max(before - traded - order.front, 0)
        total = weight(order.front) + weight(back)
        ahead = math.ceil((weight(order.front) / total if total > 0 else 1.0) * cancelled)
        extra = max(cancelled - ahead - back, 0)
        order.front = max(min(order.front - ahead - extra, after), 0)
