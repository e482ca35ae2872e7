"""Play an exchange's order-by-order feed through the matching engine.

The feed says what came to the book, what changed and what left it; the engine finds
the trades by itself. An order that crosses when it is created trades at once, so
later rows of the feed that report the same fills find them done and change nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ethpredict.errors import ConfigError, DataError
from ethpredict.sim import _book_kernels as kernels
from ethpredict.sim.book import Ints, OrderBook

# How far a price or size may lie from the grid, in its steps.
GRID_TOLERANCE = 1e-4
# Size in a next row that does not exist: no less than any.
NEVER = 2**53
KINDS = ("created", "changed", "deleted")


@dataclass(frozen=True)
class Replay:
    """What a feed did.

    Parameters
    ----------
    trades : DataFrame
        One row per match: ts (UTC ns of the taker's row), row (its position in the
        feed), taker, maker (order ids), price, size (maker's price; units of the feed).
    book : OrderBook
        The book after the last row.
    """

    trades: pd.DataFrame
    book: OrderBook


def on_grid(values: pd.Series, step: float, key: str) -> Ints:
    """Whole steps of prices or sizes.

    Parameters
    ----------
    values : Series of float64
        Prices or sizes.
    step : float
        Tick or lot, > 0.
    key : str
        Name of the step for the error.

    Raises
    ------
    ConfigError
        If the step is no finite number > 0.
    DataError
        If a value is not a whole number of steps below 2**53.
    """
    if not (np.isfinite(step) and step > 0.0):
        raise ConfigError(key, step, "a finite number > 0")
    exact = values.to_numpy(np.float64) / step
    whole = np.round(exact)
    off = ~(np.abs(exact - whole) <= GRID_TOLERANCE) | ~(np.abs(whole) < 2.0**53)
    if off.any():
        row = int(np.flatnonzero(off)[0])
        raise DataError(
            "orders", row + 1, f"{values.iloc[row]} is no whole number of {key} = {step:g} steps"
        )
    return whole.astype(np.int64)


def feed_messages(orders: pd.DataFrame, tick_size: float, lot_size: float) -> tuple[Ints, Ints]:
    """Turn feed rows into messages of the book.

    A created order of which the next row shows no less size did not trade when it came:
    it goes in as post-only, so one that crossed is refused, as the exchange refused it.
    (Feeds publish such orders as created and deleted at once.)

    An order that is created with size 0 is a market order by value; it takes what the
    other side loses in the rows of its moment up to its own deletion.

    A change is read against the row of the same order before it: less size at the same
    price is a fill or a partial cancel and keeps the place; more size, or another price
    without less size, is an amend and loses it; another price with less size is either
    (some feeds report a taker's fills at the price of the trade).

    Parameters
    ----------
    orders : DataFrame
        kind (created, changed, deleted), order_id, side (+1 bid, -1 ask), price, size
        (after the row), in the feed's order.
    tick_size, lot_size : float
        Grid of price and size.

    Returns
    -------
    messages : ndarray of int64, shape (n, 6)
        As `OrderBook.apply` takes them, one per row.
    unsure : ndarray of int64
        Rows that are an amend unless the order has traded as a taker.

    Raises
    ------
    DataError
        If a kind or side is unknown or a value lies off the grid.
    """
    kind = orders["kind"].to_numpy()
    side = orders["side"].to_numpy(np.int64)
    for bad, what in ((~np.isin(kind, KINDS), "kind"), (np.abs(side) != 1, "side")):
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            raise DataError("orders", row + 1, f"{what} {orders[what].iloc[row]!r} is not known")
    ticks = on_grid(orders["price"], tick_size, "tick_size")
    lots = on_grid(orders["size"], lot_size, "lot_size")
    table = pd.DataFrame({"id": orders["order_id"].to_numpy(np.int64), "t": ticks, "q": lots})
    by_id = table.groupby("id", sort=False)
    before = by_id[["t", "q"]].shift().fillna(-1).to_numpy(np.int64)
    after = by_id["q"].shift(-1).fillna(NEVER).to_numpy(np.int64)
    created, changed, known = kind == "created", kind == "changed", before[:, 1] >= 0
    moved = changed & known & (ticks != before[:, 0])
    less = lots < before[:, 1]
    amend = changed & known & ~less & (moved | (lots > before[:, 1]))
    messages = np.zeros((len(orders), kernels.N_MESSAGE), np.int64)
    messages[:, kernels.M_KIND] = np.select(
        [created & (after < lots), created, kind == "deleted", amend],
        [kernels.LIMIT, kernels.POST_ONLY, kernels.CANCEL, kernels.AMEND],
        kernels.REDUCE,
    )
    # Nothing left is a cancel, whatever the row is called.
    messages[lots < 1, kernels.M_KIND] = kernels.CANCEL
    messages[:, kernels.M_ID] = table["id"].to_numpy()
    blind = np.flatnonzero(created & (lots < 1))
    if len(blind):
        taken = np.where(changed | (kind == "deleted"), np.maximum(before[:, 1] - lots, 0), 0)
        sizes = blind_sizes(blind, orders["ts"].to_numpy(np.int64), table["id"], side, taken)
        messages[blind, kernels.M_KIND] = np.where(sizes > 0, kernels.MARKET, kernels.CANCEL)
        lots[blind] = sizes
    messages[:, kernels.M_SIDE] = side
    messages[:, kernels.M_TICK] = ticks
    messages[:, kernels.M_QTY] = lots
    return messages, np.flatnonzero(moved & less & (lots > 0))


def blind_sizes(blind: Ints, ts: Ints, ids: pd.Series, side: Ints, taken: Ints) -> Ints:
    """Lots of market orders whose own rows do not say them.

    Parameters
    ----------
    blind : ndarray of int64, shape (m,)
        Rows in which they are created.
    ts, ids, side, taken : shape (n,)
        Time, order id and side of each row, and the lots that its order lost in it.

    Returns
    -------
    ndarray of int64, shape (m,)
        What the other side lost from the order's creation to its deletion, within one
        timestamp.
    """
    number = ids.to_numpy()
    sizes = np.zeros(len(blind), np.int64)
    for k, row in enumerate(blind.tolist()):
        at = row + 1
        last = row
        while at < len(ts) and ts[at] == ts[row]:
            if number[at] == number[row]:
                last = at
            at += 1
        span = slice(row + 1, last + 1)
        sizes[k] = taken[span][side[span] == -side[row]].sum()
    return sizes


def replay_orders(
    orders: pd.DataFrame, tick_size: float, lot_size: float, drop: Iterable[int] = ()
) -> Replay:
    """Replay a feed and return the trades that the engine made.

    Parameters
    ----------
    orders : DataFrame
        ts (UTC ns), kind, order_id, side, price, size; see :func:`feed_messages`.
    tick_size, lot_size : float
        Grid of price and size, > 0.
    drop : iterable of int
        Order ids to leave out: ghosts of a snapshot that had left the book already.

    Returns
    -------
    Replay

    Raises
    ------
    ConfigError, DataError
        If a step is not legal, or a row is not: unknown kind or side, a value off the
        grid, an id created while it rests.
    """
    positions = np.flatnonzero(~orders["order_id"].isin(list(drop)).to_numpy())
    kept = orders.iloc[positions]
    messages, unsure = feed_messages(kept, tick_size, lot_size)
    book = OrderBook()
    takers: set[int] = set()
    parts: list[Ints] = []
    start = 0
    for stop in [*unsure.tolist(), len(messages)]:
        try:
            trades = book.apply(messages[start:stop])
        except ConfigError as error:
            raise DataError("orders", None, f"after row {positions[start] + 1}: {error}") from error
        trades[:, kernels.T_MESSAGE] += start
        parts.append(trades)
        takers.update(np.unique(trades[:, kernels.T_TAKER]).tolist())
        # With everything before it played, it is known whether its order took.
        if stop < len(messages) and int(messages[stop, kernels.M_ID]) not in takers:
            messages[stop, kernels.M_KIND] = kernels.AMEND
        start = stop
    found = np.concatenate(parts)
    row = positions[found[:, kernels.T_MESSAGE]] if len(found) else np.empty(0, np.int64)
    table = pd.DataFrame(
        {
            "ts": orders["ts"].to_numpy(np.int64)[row],
            "row": row,
            "taker": found[:, kernels.T_TAKER],
            "maker": found[:, kernels.T_MAKER],
            "price": found[:, kernels.T_TICK] * tick_size,
            "size": found[:, kernels.T_QTY] * lot_size,
        }
    )
    return Replay(table, book)
