"""Orders of a file that cannot have stood in the exchange's book."""

from __future__ import annotations

import heapq

import numpy as np
import pandas as pd


def ghost_orders(orders: pd.DataFrame) -> list[int]:
    """Orders that stand in the events but cannot have stood in the exchange's book.

    A snapshot that is older than the stream names orders that had gone already, and
    nothing deletes them. Two things give one away: another order of its side was filled at a
    worse price, or one of the other side came to rest at its price or beyond, without a trade.

    Parameters
    ----------
    orders : DataFrame
        `ORDER_COLUMNS`, in the exchange's order; a fill leaves size 0.

    Returns
    -------
    list of int
        Their ids, in the order in which they are found out. Fills tell nothing where every
        deleted order has size 0, because then the size does not tell a fill from a cancel.
        Of crossed orders only one that no later row mentions is a ghost.
    """
    deleted = (orders["kind"] == "deleted").to_numpy()
    told = bool((deleted & (orders["size"].to_numpy() > 0)).any())
    ts = orders["ts"].to_numpy(np.int64)
    by_id = orders.assign(ts=ts).groupby("order_id", sort=False)
    later = by_id["ts"].shift(-1, fill_value=-1).to_numpy(np.int64)
    silent = (by_id["ts"].transform("size") == 1).to_numpy()
    # Still there when its moment is over, or never heard of again.
    stays = ~(later == ts)
    alive: dict[int, dict[int, float]] = {1: {}, -1: {}}
    waiting: dict[int, list[tuple[float, int, int]]] = {1: [], -1: []}
    ghosts: list[int] = []
    names = ("kind", "order_id", "side", "price", "size")
    columns = [*(orders[n].tolist() for n in names), ts.tolist(), silent.tolist(), stays.tolist()]
    for kind, number, side, price, size, now, alone, rests in zip(*columns, strict=True):
        book = alive[side]
        if kind == "created":
            book[number] = price
            other = waiting[-side]
            while rests and other and (price - side * other[0][0]) * side >= 0:
                if alone and other[0][2] == now:
                    # Of two of one snapshot, both never mentioned again, neither is known.
                    break
                found = heapq.heappop(other)[1]
                if alive[-side].pop(found, None) is not None:
                    ghosts.append(found)
            if alone:
                heapq.heappush(waiting[side], (-side * price, number, now))
            continue
        if kind == "deleted":
            book.pop(number, None)
        if told and kind == "deleted" and size == 0:
            passed = [ahead for ahead, at in book.items() if (at - price) * side > 0]
            for ahead in passed:
                del book[ahead]
            ghosts += passed
    return ghosts
