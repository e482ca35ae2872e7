"""A rebuilt book against the exchange's own best bid and ask."""

from __future__ import annotations

import heapq
from typing import Any

import pandas as pd

from ethpredict.data.market import typed_table

BEST_COLUMNS: dict[str, str] = {
    "id": "int64",
    "ts": "int64",
    "bid": "float64",
    "bid_size": "float64",
    "ask": "float64",
    "ask_size": "float64",
}
_NAN = float("nan")


class BookSide:
    """Levels of one side; the best is found by a heap whose stale entries are skipped."""

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.sizes: dict[float, float] = {}
        self.heap: list[float] = []

    def put(self, price: float, size: float) -> None:
        """Take the new size of a level; 0 = gone."""
        if size == 0:
            self.sizes.pop(price, None)
            return
        if price not in self.sizes:
            heapq.heappush(self.heap, -self.sign * price)
        self.sizes[price] = size

    def best(self) -> tuple[float, float]:
        """Best price and its size; nan where the side is empty."""
        while self.heap:
            price = -self.sign * self.heap[0]
            if price in self.sizes:
                return price, self.sizes[price]
            heapq.heappop(self.heap)
        return _NAN, _NAN


def rebuild_best(book: pd.DataFrame) -> pd.DataFrame:
    """Best bid and ask after every update of a book.

    Parameters
    ----------
    book : DataFrame
        `BOOK_COLUMNS` in the order of the updates; rows of one update share
        ``id`` and ``snapshot``.

    Returns
    -------
    DataFrame
        `BEST_COLUMNS`, one row per update; nan where a side is empty.

    Examples
    --------
    >>> from ethpredict.data.market import BOOK_COLUMNS
    >>> book = typed_table(BOOK_COLUMNS, {
    ...     "ts": [1, 1, 2], "side": [1, -1, 1], "price": [10.0, 12.0, 11.0],
    ...     "size": [1.0, 1.0, 2.0], "snapshot": [True, True, False],
    ...     "id": [5, 5, 6], "ts_local": [1, 1, 2]})
    >>> rebuild_best(book)[["id", "bid", "ask"]].to_numpy().tolist()
    [[5.0, 10.0, 12.0], [6.0, 11.0, 12.0]]
    """
    sides = {1: BookSide(1), -1: BookSide(-1)}
    rows: list[tuple[Any, ...]] = []
    columns = [book[name].tolist() for name in ("id", "ts", "snapshot", "side", "price", "size")]
    before: tuple[int, bool] | None = None
    stamp = 0
    for number, ts, snapshot, side, price, size in zip(*columns, strict=True):
        if before is not None and before != (number, snapshot):
            rows.append((before[0], stamp, *sides[1].best(), *sides[-1].best()))
        if snapshot and before != (number, True):
            sides = {1: BookSide(1), -1: BookSide(-1)}
        sides[side].put(price, size)
        before, stamp = (number, snapshot), ts
    if before is not None:
        rows.append((before[0], stamp, *sides[1].best(), *sides[-1].best()))
    values = list(zip(*rows, strict=True)) or [()] * len(BEST_COLUMNS)
    return typed_table(BEST_COLUMNS, dict(zip(BEST_COLUMNS, map(list, values), strict=True)))


def agreement(book: pd.DataFrame, quotes: pd.DataFrame) -> dict[str, int]:
    """Compare a rebuilt book with the exchange's best bid and ask wherever both have one id.

    Parameters
    ----------
    book : DataFrame
        `BOOK_COLUMNS`.
    quotes : DataFrame
        ``id``, ``bid``, ``bid_size``, ``ask``, ``ask_size``.

    Returns
    -------
    dict of str to int
        ``checks``: update ids that both have; ``prices_equal`` and
        ``sizes_equal``: at how many of them they are the same number.
    """
    both = rebuild_best(book).merge(quotes, on="id", suffixes=("", "_told"))
    prices = (both["bid"] == both["bid_told"]) & (both["ask"] == both["ask_told"])
    sizes = (both["bid_size"] == both["bid_size_told"]) & (
        both["ask_size"] == both["ask_size_told"]
    )
    return {
        "checks": len(both),
        "prices_equal": int(prices.sum()),
        "sizes_equal": int((prices & sizes).sum()),
    }
