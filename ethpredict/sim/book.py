"""Limit order book with price-time priority, in whole ticks and lots.

One class over the compiled book of ``_book_kernels.py``. Orders come one at a time
or as an array of messages; both take the same path.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ethpredict.errors import ConfigError
from ethpredict.sim import _book_kernels as kernels
from ethpredict.sim._id_map_kernels import copy_keys, find_key

Ints = npt.NDArray[np.int64]

KINDS = {
    "limit": kernels.LIMIT,
    "market": kernels.MARKET,
    "ioc": kernels.IOC,
    "post_only": kernels.POST_ONLY,
}
SELF_TRADE = {
    "allow": kernels.ALLOW,
    "cancel_resting": kernels.CANCEL_RESTING,
    "cancel_taker": kernels.CANCEL_TAKER,
    "cancel_both": kernels.CANCEL_BOTH,
}
_LEGAL = {
    kernels.BAD_KIND: (kernels.M_KIND, "kind", "0 (limit) to 6 (reduce)"),
    kernels.BAD_SIDE: (kernels.M_SIDE, "side", "+1 (buy) or -1 (sell)"),
    kernels.BAD_TICK: (kernels.M_TICK, "price_tick", "a whole number from -2**62 to 2**62"),
    kernels.BAD_QTY: (kernels.M_QTY, "qty", "a whole number of lots from 1 to 2**62"),
    kernels.BAD_ID: (kernels.M_ID, "order_id", "an id that does not rest in the book"),
    kernels.OVERFLOW: (kernels.M_QTY, "qty", "so small that its level holds less than 2**63 lots"),
}


class Trade(NamedTuple):
    """One match, at the maker's price.

    Attributes
    ----------
    taker, maker : int
        Ids of the incoming and of the resting order.
    price_tick, qty : int
        Ticks and lots.
    """

    taker: int
    maker: int
    price_tick: int
    qty: int


class Order(NamedTuple):
    """What rests of an order: ticks, lots, and the lots before it at its price."""

    side: int
    price_tick: int
    qty: int
    ahead: int
    owner: int


def whole(key: str, value: Any, legal: str) -> int:
    """Return an int64, or raise ConfigError for anything that is none."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise ConfigError(key, value, legal)
    if not -(2**63) <= int(value) < 2**63:
        raise ConfigError(key, value, legal)
    return int(value)


class OrderBook:
    """An empty book.

    Parameters
    ----------
    self_trade : str
        What happens when an order meets one of its own owner (owners are given
        to `submit`; 0 is nobody): ``allow`` trades, ``cancel_resting`` removes
        the resting order and goes on, ``cancel_taker`` drops what is left of the
        incoming one, ``cancel_both`` does both.

    Raises
    ------
    ConfigError
        If the rule is none of these.

    Examples
    --------
    >>> book = OrderBook()
    >>> book.submit(1, -1, 100, 5)
    []
    >>> book.submit(2, 1, 101, 7)
    [Trade(taker=2, maker=1, price_tick=100, qty=5)]
    >>> book.depth(1, 3), book.depth(-1, 3)
    ([(101, 2)], [])
    """

    def __init__(self, self_trade: str = "allow") -> None:
        if self_trade not in SELF_TRADE:
            raise ConfigError("self_trade", self_trade, f"one of {', '.join(SELF_TRADE)}")
        self._state = np.zeros(kernels.N_STATE, np.int64)
        self._state[kernels.B_BID] = kernels.NO_BID
        self._state[kernels.B_ASK] = kernels.NO_ASK
        self._state[kernels.B_FREE] = -1
        self._state[kernels.B_RULE] = SELF_TRADE[self_trade]
        self._orders = np.zeros((64, kernels.N_ORDER), np.int64)
        self._ids = np.full((256, 2), -1, np.int64)
        self._levels = np.zeros((8 * kernels.PAGE_TICKS, kernels.N_LEVEL), np.int64)
        self._words = np.zeros(8, np.uint64)
        self._pages = np.full((8, kernels.N_PAGE), -1, np.int64)
        self._page_map = np.full((32, 2), -1, np.int64)
        # Pages in order of price: their keys, and their places.
        self._keys: list[int] = []
        self._places: list[int] = []
        self._one = np.zeros((1, kernels.N_MESSAGE), np.int64)

    def submit(
        self,
        order_id: int,
        side: int,
        price_tick: int | None,
        qty: int,
        kind: str = "limit",
        owner: int = 0,
    ) -> list[Trade]:
        """Send an order.

        Parameters
        ----------
        order_id : int
            An id that does not rest in the book.
        side : int
            +1 buy, -1 sell.
        price_tick : int or None
            Limit in ticks, -2**62 to 2**62; ignored for a market order.
        qty : int
            Lots, 1 to 2**62.
        kind : {"limit", "market", "ioc", "post_only"}
            What is left of a limit order rests; of a market or an IOC order it is
            dropped. A post-only order that would trade is dropped whole.
        owner : int
            For the self-trade rule; 0 is nobody.

        Returns
        -------
        list of Trade
            At the makers' prices, in the order in which they happened.

        Raises
        ------
        ConfigError
            If a value is out of its range, the id rests already, or the level would
            hold 2**63 lots. The book is unchanged.
        """
        if kind not in KINDS:
            raise ConfigError("kind", kind, f"one of {', '.join(KINDS)}")
        tick = 0 if kind == "market" else price_tick
        return self._send(KINDS[kind], order_id, side, tick, qty, owner)

    def amend(self, order_id: int, price_tick: int, qty: int) -> list[Trade]:
        """Change the price and the remaining size of a resting order.

        The same price and no more lots keeps the place in the queue; anything else is
        a new order at the end of its queue, which may trade. An unknown id is ignored.

        Parameters
        ----------
        order_id, price_tick, qty : int
            As in `submit`.

        Returns
        -------
        list of Trade

        Raises
        ------
        ConfigError
            As in `submit`.
        """
        return self._send(kernels.AMEND, order_id, 0, price_tick, qty, 0)

    def cancel(self, order_id: int) -> bool:
        """Remove a resting order; False where there is none of that id."""
        known = order_id in self
        if known:
            self._send(kernels.CANCEL, order_id, 0, 0, 0, 0)
        return known

    def reduce(self, order_id: int, qty: int) -> None:
        """Leave at most `qty` >= 1 lots of a resting order, in its place of the queue."""
        self._send(kernels.REDUCE, order_id, 0, 0, qty, 0)

    def apply(self, messages: npt.ArrayLike) -> Ints:
        """Apply an array of messages, the fast path.

        Parameters
        ----------
        messages : array_like of int64, shape (n, 6)
            Kind (0 limit, 1 market, 2 ioc, 3 post_only, 4 cancel, 5 amend, 6 reduce),
            order_id, side, price_tick, qty, owner. A reduce leaves at most `qty` lots and
            the place in the queue. Kinds 4 to 6 ignore an unknown id.

        Returns
        -------
        ndarray of int64, shape (m, 5)
            taker, maker, price_tick, qty and number of the message of each trade.

        Raises
        ------
        ConfigError
            If a message is not legal; those before it have been applied.
        """
        rows = np.ascontiguousarray(messages, dtype=np.int64)
        if rows.ndim != 2 or rows.shape[1] != kernels.N_MESSAGE:
            raise ConfigError("messages", rows.shape, f"of shape (n, {kernels.N_MESSAGE})")
        # Each trade ends a resting order or its message: this is always enough.
        room = int(self._state[kernels.B_LIVE]) + 2 * len(rows)
        trades = np.empty((room, kernels.N_TRADE), np.int64)
        self._state[kernels.B_TRADES] = 0
        at = 0
        while at < len(rows):
            code, at = kernels.apply_messages(
                rows,
                at,
                self._state,
                self._orders,
                self._ids,
                self._levels,
                self._words,
                self._pages,
                self._page_map,
                trades,
            )
            if code != kernels.DONE:
                self._make_room(code, rows[at], at)
        return trades[: int(self._state[kernels.B_TRADES])]

    def depth(self, side: int, levels: int) -> list[tuple[int, int]]:
        """Return the best `levels` prices of a side: (price_tick, lots), best first.

        Raises
        ------
        ConfigError
            If the side is not +1 or -1 or `levels` is negative.
        """
        if side not in (1, -1):
            raise ConfigError("side", side, "+1 (buy) or -1 (sell)")
        count = whole("levels", levels, "a whole number >= 0")
        if count < 0:
            raise ConfigError("levels", levels, "a whole number >= 0")
        out = np.empty((min(count, len(self)), 2), np.int64)
        n = kernels.read_depth(
            side, self._state, self._levels, self._words, self._pages, self._page_map, out
        )
        return [(int(tick), int(total)) for tick, total in out[:n]]

    def order(self, order_id: int) -> Order | None:
        """Return what rests of an order and how many lots stand before it; None if nothing."""
        at = int(find_key(self._ids, order_id))
        if at < 0:
            return None
        row = self._orders[at]
        return Order(
            int(row[kernels.O_SIDE]),
            int(row[kernels.O_TICK]),
            int(row[kernels.O_QTY]),
            int(kernels.queue_before(at, self._orders)),
            int(row[kernels.O_OWNER]),
        )

    def queue_ahead(self, order_id: int) -> int | None:
        """Lots before an order at its price; None where it does not rest."""
        order = self.order(order_id)
        return None if order is None else order.ahead

    def best(self, side: int) -> int | None:
        """Best price of a side in ticks; None where it is empty."""
        tick = int(self._state[kernels.B_BID if side > 0 else kernels.B_ASK])
        return None if tick in (kernels.NO_BID, kernels.NO_ASK) else tick

    def __contains__(self, order_id: int) -> bool:
        return bool(find_key(self._ids, order_id) >= 0)

    def __len__(self) -> int:
        return int(self._state[kernels.B_LIVE])

    def _send(
        self, kind: int, order_id: Any, side: Any, tick: Any, qty: Any, owner: Any
    ) -> list[Trade]:
        """One message; every value checked to be an int64."""
        row = self._one[0]
        row[kernels.M_KIND] = kind
        row[kernels.M_ID] = whole("order_id", order_id, "a whole number of 64 bits")
        row[kernels.M_SIDE] = whole("side", side, "+1 (buy) or -1 (sell)")
        row[kernels.M_TICK] = whole("price_tick", tick, _LEGAL[kernels.BAD_TICK][2])
        row[kernels.M_QTY] = whole("qty", qty, _LEGAL[kernels.BAD_QTY][2])
        row[kernels.M_OWNER] = whole("owner", owner, "a whole number of 64 bits")
        trades: Sequence[Sequence[int]] = self.apply(self._one)[:, : kernels.T_MESSAGE].tolist()
        return [Trade(*trade) for trade in trades]

    def _make_room(self, code: int, message: Ints, at: int) -> None:
        """Enlarge what was full, or say what was wrong with a message."""
        if code == kernels.ROOM_ORDERS:
            self._orders = np.concatenate([self._orders, np.zeros_like(self._orders)])
        elif code == kernels.ROOM_IDS:
            ids = np.full((2 * len(self._ids), 2), -1, np.int64)
            copy_keys(self._ids, ids)
            self._ids = ids
        elif code == kernels.ROOM_PAGE:
            self._add_page(int(message[kernels.M_TICK]) >> kernels.PAGE_BITS)
        else:
            column, name, legal = _LEGAL[code]
            raise ConfigError(name, int(message[column]), legal, f"Message {at} was not applied.")

    def _add_page(self, key: int) -> None:
        """Add the 64 ticks of a page, linked to its neighbours in price."""
        place = int(self._state[kernels.B_PAGES])
        if place == len(self._words):
            self._levels = np.concatenate([self._levels, np.zeros_like(self._levels)])
            self._words = np.concatenate([self._words, np.zeros_like(self._words)])
            self._pages = np.concatenate([self._pages, np.full_like(self._pages, -1)])
            page_map = np.full((2 * len(self._page_map), 2), -1, np.int64)
            copy_keys(self._page_map, page_map)
            self._page_map = page_map
        at = bisect_left(self._keys, key)
        below = self._places[at - 1] if at > 0 else -1
        above = self._places[at] if at < len(self._places) else -1
        self._keys.insert(at, key)
        self._places.insert(at, place)
        self._pages[place] = key, below, above
        if below >= 0:
            self._pages[below, kernels.P_ABOVE] = place
        if above >= 0:
            self._pages[above, kernels.P_BELOW] = place
        added = np.array([[key, place]], np.int64)
        copy_keys(added, self._page_map)
        self._state[kernels.B_PAGES] += 1
