"""The plain reference of the book: dictionaries of queues, nothing clever."""

from __future__ import annotations

from collections import OrderedDict

from ethpredict.sim.book import Trade


class DictBook:
    """Price-time book with the methods of `OrderBook`, one dict of orders per price."""

    def __init__(self, self_trade: str = "allow") -> None:
        self.rule = self_trade
        self.sides: dict[int, dict[int, OrderedDict[int, list[int]]]] = {1: {}, -1: {}}
        self.where: dict[int, tuple[int, int]] = {}

    def submit(self, order_id, side, price_tick, qty, kind="limit", owner=0) -> list[Trade]:
        assert order_id not in self.where
        best = self.best(-side)
        crosses = best is not None and (kind == "market" or side * (price_tick - best) >= 0)
        if kind == "post_only" and crosses:
            return []
        trades = []
        while qty > 0 and crosses:
            queue = self.sides[-side][best]
            maker, (resting, other) = next(iter(queue.items()))
            if owner and owner == other and self.rule != "allow":
                if self.rule != "cancel_taker":
                    self.cancel(maker)
                if self.rule != "cancel_resting":
                    qty = 0
            else:
                done = min(resting, qty)
                trades.append(Trade(order_id, maker, best, done))
                qty -= done
                queue[maker][0] -= done
                if queue[maker][0] == 0:
                    self.cancel(maker)
            best = self.best(-side)
            crosses = best is not None and (kind == "market" or side * (price_tick - best) >= 0)
        if qty > 0 and kind in ("limit", "post_only"):
            self.sides[side].setdefault(price_tick, OrderedDict())[order_id] = [qty, owner]
            self.where[order_id] = side, price_tick
        return trades

    def cancel(self, order_id) -> bool:
        if order_id not in self.where:
            return False
        side, tick = self.where.pop(order_id)
        del self.sides[side][tick][order_id]
        if not self.sides[side][tick]:
            del self.sides[side][tick]
        return True

    def amend(self, order_id, price_tick, qty) -> list[Trade]:
        if order_id not in self.where:
            return []
        side, tick = self.where[order_id]
        entry = self.sides[side][tick][order_id]
        if tick == price_tick and qty <= entry[0]:
            entry[0] = qty
            return []
        self.cancel(order_id)
        return self.submit(order_id, side, price_tick, qty, owner=entry[1])

    def reduce(self, order_id, qty) -> None:
        if order_id in self.where:
            side, tick = self.where[order_id]
            entry = self.sides[side][tick][order_id]
            entry[0] = min(entry[0], qty)

    def best(self, side) -> int | None:
        if not self.sides[side]:
            return None
        return max(self.sides[side]) if side > 0 else min(self.sides[side])

    def depth(self, side, levels) -> list[tuple[int, int]]:
        ticks = sorted(self.sides[side], reverse=side > 0)[:levels]
        return [(tick, sum(q for q, _ in self.sides[side][tick].values())) for tick in ticks]

    def queue_ahead(self, order_id) -> int | None:
        if order_id not in self.where:
            return None
        side, tick = self.where[order_id]
        ahead = 0
        for other, (qty, _) in self.sides[side][tick].items():
            if other == order_id:
                break
            ahead += qty
        return ahead
