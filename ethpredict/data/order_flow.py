"""From what each row of an order file does to what is left of each order.

Feeds that tell executions, partial cancels and replacements become the created, changed
and deleted events that the matching engine replays. An execution without a taker gets one:
an order of its size that comes just before, with a number below 0, because the engine must
find the maker by itself; where both orders of a trade are told, none is needed. An order that
stood before the file begins is known by what happens to it, and is created at its beginning
with the least size that this needs.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping
from math import isnan
from typing import Any

from ethpredict.data.market import ORDER_COLUMNS, typed_table

NO_ID = -(2**62)
# Actions after which an order stands that may not have stood before.
_COMES = ("created", "replaced", "announced")
_DUST = 1e-9


def play_flow(rows: Mapping[str, list[Any]]) -> tuple[Any, dict[int, str]]:
    """Play the rows of a file.

    Parameters
    ----------
    rows : Mapping
        Lists of equal length: ts (UTC ns), action, order_id, side (nan = not told), price,
        size, left (nan), maker, taker, new_id (`NO_ID` where there is none).

    Returns
    -------
    events : DataFrame
        `ORDER_COLUMNS`.
    faults : dict
        Position of a row that cannot be played to the reason.
    """
    flow = _Flow(rows)
    flow.add_prior()
    for i in range(len(rows["ts"])):
        flow.play(i)
    return typed_table(ORDER_COLUMNS, flow.out), flow.faults


class _Standing:
    """What stands of an order."""

    __slots__ = ("left", "price", "side", "told")

    def __init__(self, side: int, price: float, left: float) -> None:
        self.side, self.price, self.left = side, price, left
        self.told = 0.0  # traded, but not yet taken off by a row of its own


class _Flow:
    def __init__(self, rows: Mapping[str, list[Any]]) -> None:
        self.rows = rows
        self.alive: dict[int, _Standing] = {}
        self.out: dict[str, list[Any]] = {name: [] for name in ORDER_COLUMNS}
        self.faults: dict[int, str] = {}
        self.strangers = 0
        self.both_told = _both_told(rows)
        self.bursts = _taker_bursts(rows)
        self.do: dict[str, Callable[[int, int], None]] = {
            "created": self.created, "changed": self.changed, "deleted": self.deleted,
            "reduced": self.reduced, "executed": self.executes, "filled": self.filled,
            "matched": self.matched, "replaced": self.replaced, "cleared": self.cleared,
        }  # fmt: skip

    def play(self, i: int) -> None:
        """Play one row."""
        action, number = self.rows["action"][i], self.rows["order_id"][i]
        if action in self.do:
            if action == "matched" and self.rows["maker"][i] != NO_ID:
                number = self.rows["maker"][i]
            self.do[action](i, number)

    def emit(self, ts: int, kind: str, number: int, side: int, price: float, size: float) -> None:
        values = (ts, kind, number, side, price, size)
        for name, value in zip(ORDER_COLUMNS, values, strict=True):
            self.out[name].append(value)

    def add_prior(self) -> None:
        """Create the orders that stood before the first row, the first executed first."""
        first = self.rows["ts"][0] if self.rows["ts"] else 0
        for number, (side, price, size) in _prior_orders(self.rows).items():
            self.alive[number] = _Standing(side, price, size)
            self.emit(first, "created", number, side, price, size)

    def known(self, i: int, number: int) -> _Standing | None:
        """The order of a row, or a fault."""
        found = self.alive.get(number)
        if found is None:
            self.faults[i] = (
                "order: it does not stand and the row does not tell its side, price and size"
            )
        return found

    def created(self, i: int, number: int) -> None:
        side, price = self.rows["side"][i], self.rows["price"][i]
        left = self.rows["left"][i]
        size = _either(left, self.rows["size"][i])
        if not size > 0 or isnan(price):
            # A market order never stands; what it does is told by its trades.
            return
        if number in self.alive:
            self.faults[i] = "id: it is created while it stands"
            return
        self.alive[number] = _Standing(int(side), price, size)
        self.emit(self.rows["ts"][i], "created", number, int(side), price, size)

    def changed(self, i: int, number: int) -> None:
        order = self.known(i, number)
        if order is None:
            return
        left, price = self.rows["left"][i], self.rows["price"][i]
        left = _either(left, self.rows["size"][i])
        lost = order.left - left
        if not isnan(price) and price != order.price:
            order.price = price
        self.lose(i, number, lost, min(order.told, max(lost, 0.0)))

    def reduced(self, i: int, number: int) -> None:
        order = self.known(i, number)
        if order is not None:
            lost = min(self.amount(i, order), order.left)
            self.lose(i, number, lost, min(order.told, lost))

    def deleted(self, i: int, number: int) -> None:
        order = self.alive.get(number)
        if order is None:
            return
        left = self.rows["left"][i]
        left = _either(left, order.left - order.told)
        self.end(i, number, 0.0 if left <= _DUST * order.left else left)

    def executes(self, i: int, number: int) -> None:
        order = self.known(i, number)
        if order is None:
            return
        traded = min(self.amount(i, order), order.left)
        if self.both_told:
            self.lose(i, number, traded, traded)
        else:
            self.by_nobody(i, number, order, traded)

    def filled(self, i: int, number: int) -> None:
        """A trade that later rows take off the order."""
        order = self.known(i, number)
        if order is not None:
            traded = self.amount(i, order)
            order.told += traded
            self.stranger(i, order, traded, "created")
            self.stranger(i, order, traded, "deleted")

    def matched(self, i: int, number: int) -> None:
        """A trade of which the taker may be named."""
        order = self.known(i, number)
        if order is None:
            return
        traded, taker = min(self.amount(i, order), order.left), self.rows["taker"][i]
        if taker == NO_ID:
            self.by_nobody(i, number, order, traded)
        elif taker in self.alive:
            self.lose(i, number, traded, traded)
            self.lose(i, taker, min(traded, self.alive[taker].left), traded)
        else:
            first, last, size, price = self.bursts[i]
            ts = self.rows["ts"][i]
            if i == first:
                self.emit(ts, "created", taker, -order.side, price, size)
            self.lose(i, number, traded, traded)
            if i == last:
                self.emit(ts, "deleted", taker, -order.side, price, 0.0)

    def replaced(self, i: int, number: int) -> None:
        order = self.known(i, number)
        if order is None:
            return
        new, price = self.rows["new_id"][i], self.rows["price"][i]
        left, size = self.rows["left"][i], self.rows["size"][i]
        size = _either(left, size)
        price = _either(price, order.price)
        self.end(i, number, order.left)
        if size > 0:
            new = number if new == NO_ID else new
            self.alive[new] = _Standing(order.side, price, size)
            self.emit(self.rows["ts"][i], "created", new, order.side, price, size)

    def cleared(self, i: int, _: int) -> None:
        for number in list(self.alive):
            self.end(i, number, self.alive[number].left)

    def amount(self, i: int, order: _Standing) -> float:
        """What an order lost, told by itself or by what is left."""
        size, left = self.rows["size"][i], self.rows["left"][i]
        if isnan(size):
            return float(order.left - left)
        return float(size)

    def lose(self, i: int, number: int, lost: float, traded: float) -> None:
        """Take `lost` off an order, of which `traded` was a trade."""
        order = self.alive[number]
        before, order.left = order.left, order.left - lost
        order.told = max(order.told - traded, 0.0)
        if order.left <= _DUST * before:
            # What ends without having traded is a cancel: it had its size until then.
            self.end(i, number, 0.0 if traded > 0 else before)
        else:
            self.emit(self.rows["ts"][i], "changed", number, order.side, order.price, order.left)

    def end(self, i: int, number: int, size: float) -> None:
        order = self.alive.pop(number)
        self.emit(self.rows["ts"][i], "deleted", number, order.side, order.price, size)

    def by_nobody(self, i: int, number: int, order: _Standing, traded: float) -> None:
        """A trade whose taker has no name."""
        self.stranger(i, order, traded, "created")
        self.lose(i, number, traded, traded)
        self.stranger(i, order, traded, "deleted")

    def stranger(self, i: int, order: _Standing, traded: float, kind: str) -> None:
        """An order of nobody that takes from the best price up to this order's, and its end."""
        self.strangers += kind == "created"
        size = traded if kind == "created" else 0.0
        self.emit(self.rows["ts"][i], kind, -self.strangers, -order.side, order.price, size)


def _either(first: float, second: float) -> float:
    """The first number, or the second where it is not told."""
    return second if isnan(first) else first


def _both_told(rows: Mapping[str, list[Any]]) -> bool:
    """Whether executions come in pairs, the taker's and the maker's, in most of their volume."""
    sides: dict[int, float] = {}
    moments: dict[int, list[float]] = defaultdict(lambda: [0.0, 0.0])
    columns = (rows[name] for name in ("ts", "action", "order_id", "side", "size"))
    for ts, action, number, side, size in zip(*columns, strict=True):
        if not isnan(side):
            sides.setdefault(number, side)
        if action == "executed" and not isnan(size):
            moments[ts][sides.get(number, 1.0) > 0] += size
    volume = sum(max(both) for both in moments.values())
    paired = sum(bought for sold, bought in moments.values() if math.isclose(sold, bought))
    return paired > 0.5 * volume


def _taker_bursts(rows: Mapping[str, list[Any]]) -> dict[int, tuple[int, int, float, float]]:
    """First and last row, size and furthest price of the trades that one taker makes at once."""
    open_: dict[int, list[int]] = {}
    closed: list[list[int]] = []
    columns = (rows["action"], rows["order_id"], rows["taker"])
    for i, (action, number, taker) in enumerate(zip(*columns, strict=True)):
        if action == "matched" and taker != NO_ID:
            open_.setdefault(taker, []).append(i)
        elif number in open_:
            closed.append(open_.pop(number))
    found: dict[int, tuple[int, int, float, float]] = {}
    for burst in [*closed, *open_.values()]:
        prices = [rows["price"][i] for i in burst]
        side = rows["side"][burst[0]]
        furthest = max(prices) if side < 0 else min(prices)
        size = math.fsum(rows["size"][i] for i in burst)
        found |= dict.fromkeys(burst, (burst[0], burst[-1], size, furthest))
    return found


def _prior_orders(rows: Mapping[str, list[Any]]) -> dict[int, tuple[int, float, float]]:
    """Orders that no row creates, with the least size that explains their rows."""
    came: set[int] = set()
    size: dict[int, float] = defaultdict(float)
    where: dict[int, tuple[int, float]] = {}
    traded: dict[int, None] = {}
    for i, action in enumerate(rows["action"]):
        number = rows["order_id"][i]
        if action == "matched" and rows["maker"][i] != NO_ID:
            number = rows["maker"][i]
        if action == "cleared":
            break
        if action in _COMES:
            came.add(number if action != "replaced" else rows["new_id"][i])
        if number in came or action in (*_COMES, "filled", "ignored"):
            continue
        side, price = rows["side"][i], rows["price"][i]
        if not isnan(side) and not isnan(price):
            where.setdefault(number, (int(side), price))
        left = rows["left"][i]
        told = _either(left if action in ("changed", "deleted") else math.nan, rows["size"][i])
        size[number] += _either(told, 0.0)
        if action in ("executed", "matched"):
            traded[number] = None
        if action in ("changed", "deleted"):
            came.add(number)
    order = [*traded, *(number for number in size if number not in traded)]
    return {
        number: (*where[number], size[number])
        for number in order
        if number in where and size[number] > 0.0
    }
