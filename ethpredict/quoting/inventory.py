"""Inventory book: signed lots at average cost, exact in integers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ethpredict.errors import ConfigError

NANOSECONDS = 10**9


def _whole(name: str, value: Any, least: int | None = None) -> int:
    """A Python integer, or a refusal that names it; numpy integers pass, booleans do not."""
    try:
        number = int(value.__index__()) if not isinstance(value, bool) else None
    except AttributeError:
        number = None
    if number is None or (least is not None and number < least):
        legal = "a whole number" + ("" if least is None else f" >= {least}")
        raise ConfigError(f"inventory.{name}", value, legal)
    return number


@dataclass(frozen=True)
class Fill:
    """What one fill did to the book.

    Attributes
    ----------
    opened, closed : int
        Lots that opened or extended the position, and lots that reduced it, >= 0.
    realised : int
        Profit of the closed lots over their average cost, ticks x lots.
    """

    opened: int
    closed: int
    realised: int


class InventoryBook:
    """Position of one asset at average cost.

    Prices are whole ticks, sizes whole lots and money whole ticks x lots, so that
    ``realised + unrealised = cash + lots x mark`` holds to the integer. The average cost is
    a fraction; a fill that reduces the position takes the share ``cost x closed / lots``
    of its cost, rounded to the nearest whole (halves to even), and the rest stays with the
    remaining lots: rounding moves at most half a tick x lot from realised to unrealised
    and vanishes when the position is flat.

    Parameters
    ----------
    limit : int
        Largest absolute position, lots, >= 0.
    target : int
        Position that `excess` is measured from, lots, |target| <= limit.
    timeout_s : float
        Age after which a position is overdue, s, > 0; ``inf`` = never.

    Raises
    ------
    ConfigError
        If an argument is outside its range.

    Examples
    --------
    >>> book = InventoryBook(limit=10)
    >>> book.fill(side=1, lots=3, price=100, ts=0)
    Fill(opened=3, closed=0, realised=0)
    >>> book.fill(side=-1, lots=5, price=104, ts=1)
    Fill(opened=2, closed=3, realised=12)
    >>> book.lots, book.average_cost, book.unrealised(mark=103)
    (-2, 104.0, 2)
    """

    def __init__(self, limit: int, target: int = 0, timeout_s: float = float("inf")) -> None:
        self._limit = _whole("limit", limit, 0)
        self._target = _whole("target", target)
        if abs(self._target) > self._limit:
            raise ConfigError("inventory.target", target, f"within +-{self._limit} lots (limit)")
        if not timeout_s > 0.0:
            raise ConfigError("inventory.timeout_s", timeout_s, "> 0")
        self._timeout_ns = timeout_s * NANOSECONDS
        self._lots, self._cost, self._realised, self._cash = 0, 0, 0, 0
        self._since: int | None = None
        self._last: int | None = None

    @property
    def lots(self) -> int:
        """Signed position, lots."""
        return self._lots

    @property
    def cash(self) -> int:
        """Received less paid since the start, ticks x lots."""
        return self._cash

    @property
    def cost(self) -> int:
        """Signed cost of the open lots, ticks x lots."""
        return self._cost

    @property
    def realised(self) -> int:
        """Profit of the closed lots, ticks x lots, before fees."""
        return self._realised

    @property
    def average_cost(self) -> float:
        """Cost per open lot, ticks; nan when flat."""
        return self._cost / self._lots if self._lots else float("nan")

    def unrealised(self, mark: int) -> int:
        """Profit of the open lots at a price in ticks, ticks x lots."""
        return self._lots * _whole("mark", mark) - self._cost

    @property
    def excess(self) -> int:
        """Position less target, lots: what a hedge or a skew would remove."""
        return self._lots - self._target

    def room(self, side: int) -> int:
        """Lots that may still be bought (side +1) or sold (side -1) within the limit."""
        if side not in (1, -1):
            raise ConfigError("inventory.side", side, "+1 (buy) or -1 (sell)")
        return self._limit - side * self._lots

    def allowed(self, side: int, lots: int) -> int:
        """Whole order if it fits the limit, else what room is left, lots, >= 0."""
        return min(_whole("lots", lots, 0), self.room(side))

    def overdue(self, ts: int) -> bool:
        """Whether the position has kept its sign for longer than the timeout.

        Parameters
        ----------
        ts : int
            Now, UTC ns.
        """
        return self._since is not None and _whole("ts", ts) - self._since > self._timeout_ns

    def fill(self, side: int, lots: int, price: int, ts: int) -> Fill:
        """Record a fill.

        Parameters
        ----------
        side : {1, -1}
            +1 bought, -1 sold.
        lots : int
            Size, > 0.
        price : int
            Ticks.
        ts : int
            UTC ns, not before the last fill.

        Returns
        -------
        Fill

        Raises
        ------
        ConfigError
            If a value is no whole number, time runs backwards, or the limit would be passed.
            The book is then unchanged.
        """
        size, tick, when = _whole("lots", lots, 1), _whole("price", price), _whole("ts", ts)
        if size > self.room(side):
            raise ConfigError(
                "inventory.lots", lots, f"<= {self.room(side)}, the room left by the limit"
            )
        if self._last is not None and when < self._last:
            raise ConfigError("inventory.ts", ts, f">= {self._last}, the last fill")
        closed = min(size, abs(self._lots)) if side * self._lots < 0 else 0
        opened = size - closed
        realised = 0
        if closed:
            released = _rounded_share(self._cost, closed, abs(self._lots))
            realised = -side * closed * tick - released
            self._cost -= released
        self._cost += side * opened * tick
        before, self._lots = self._lots, self._lots + side * size
        self._cash -= side * size * tick
        self._realised += realised
        if self._lots == 0:
            self._since = None
        elif before * self._lots <= 0:
            self._since = when
        self._last = when
        return Fill(opened, closed, realised)


def _rounded_share(total: int, part: int, whole: int) -> int:
    """``total x part / whole`` to the nearest whole number, halves to even."""
    quotient, rest = divmod(total * part, whole)
    if 2 * rest > whole or (2 * rest == whole and quotient % 2 == 1):
        quotient += 1
    return quotient
