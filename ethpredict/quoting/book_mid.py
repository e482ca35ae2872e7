"""Mid of an L2 book, followed update by update, a piece of the table at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pandas as pd

from ethpredict.data.book_check import BookSide

Pieces = Callable[[], Iterable[pd.DataFrame]]
BOOK_MID_INPUTS = ["ts", "side", "price", "size", "snapshot", "id"]
# A mid that does not move is told again this often, so that its age says that the book lives.
_REPEAT_NS = 10**9


def book_mids(book: Pieces) -> Iterator[pd.DataFrame]:
    """Mid after all updates of each moment at which it moves, and once a second.

    Parameters
    ----------
    book : callable
        Gives the pieces of a `book_l2` table in order (columns ``BOOK_MID_INPUTS``).

    Yields
    ------
    DataFrame
        ts (UTC ns, rising) and mid (USD; nan while a side is empty), one per piece. Only the
        levels of the book and one piece are held.

    Examples
    --------
    >>> piece = pd.DataFrame({"ts": [1, 1, 2, 3], "side": [1, -1, 1, 1], "id": [5, 5, 6, 7],
    ...     "price": [10.0, 12.0, 11.0, 11.0], "size": [1.0, 1.0, 2.0, 0.0],
    ...     "snapshot": [True, True, False, False]})
    >>> next(book_mids(lambda: [piece])).to_numpy().tolist()
    [[1.0, 11.0], [2.0, 11.5]]
    >>> [len(part) for part in book_mids(lambda: [piece, piece[:0]])]
    [2, 0, 1]
    """
    sides = {1: BookSide(1), -1: BookSide(-1)}
    told_ts, told = -_REPEAT_NS, np.nan
    before: tuple[int, int] | None = None
    now: int | None = None

    def settle(moment: int, found: list[tuple[int, float]]) -> None:
        nonlocal told_ts, told
        mid = 0.5 * (sides[1].best()[0] + sides[-1].best()[0])
        same = mid == told or (np.isnan(mid) and np.isnan(told))
        if not same or moment - told_ts >= _REPEAT_NS:
            told_ts, told = moment, mid
            found.append((moment, mid))

    for piece in book():
        found: list[tuple[int, float]] = []
        columns = [piece[name].tolist() for name in BOOK_MID_INPUTS]
        for ts, side, price, size, snapshot, number in zip(*columns, strict=True):
            if now is not None and ts != now:
                settle(now, found)
            now = ts
            if snapshot and before != (ts, number):
                sides = {1: BookSide(1), -1: BookSide(-1)}
            before = (ts, number) if snapshot else None
            sides[side].put(price, size)
        yield _table(found)
    if now is not None:
        found = []
        settle(now, found)
        yield _table(found)


def _table(found: list[tuple[int, float]]) -> pd.DataFrame:
    """Rows of one piece."""
    ts, mid = zip(*found, strict=True) if found else ((), ())
    return pd.DataFrame({"ts": np.array(ts, np.int64), "mid": np.array(mid, np.float64)})
