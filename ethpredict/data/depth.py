"""Depth updates of Binance to a book that is in step with the exchange's, or known not to be."""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass
from typing import Any

import numpy as np

from ethpredict.data.market import BOOK_COLUMNS

GAP_COLUMNS: dict[str, str] = {
    "stream": "str",
    "row": "int64",
    "ts": "int64",
    "ts_local": "int64",
    "expected": "int64",
    "found": "int64",
}


@dataclass(frozen=True)
class Update:
    """One change of the book.

    Parameters
    ----------
    row : int
        1-based line of the capture.
    ts, ts_local : int
        Exchange's time and arrival, ns; `ts` 0 where the message has none.
    first, last : int
        Ids of the updates that it holds (``U`` and ``u``); of a snapshot both
        are the id up to which it goes.
    before : int or None
        Id of the message before it (``pu``), which futures carry.
    bids, asks : list of (float, float)
        Price and new size of each level; 0 = gone.
    """

    row: int
    ts: int
    ts_local: int
    first: int
    last: int
    before: int | None
    bids: list[tuple[float, float]]
    asks: list[tuple[float, float]]


class DepthBook:
    """Collect the levels of every update that follows the one before it.

    Updates that arrive before a snapshot wait for it. A snapshot with id L is
    followed by the first update that reaches past it: on spot U <= L + 1 <= u,
    on futures U <= L <= u. From then on a spot update begins at the id after
    the last one (U = u' + 1), and a futures update names the last one
    (pu = u'). Where that fails the book is unknown until the next snapshot:
    the gap is recorded and no level is handed out in between.

    Notes
    -----
    Exchange times that step back are held at the latest one, and counted, so
    that the table is sorted in the order of the updates.

    References
    ----------
    Binance API documentation, "How to manage a local order book correctly"
    (spot, USD-M and COIN-M futures).
    """

    def __init__(self) -> None:
        self.columns: dict[str, array[Any]] = {
            name: array("d" if dtype == "float64" else "q") for name, dtype in BOOK_COLUMNS.items()
        }
        self.gaps: list[tuple[str, int, int, int, int, int]] = []
        self.counts = {
            "updates": 0,
            "updates_used": 0,
            "updates_before_a_snapshot": 0,
            "snapshots": 0,
            "snapshots_unused": 0,
            "clock_steps_back": 0,
        }
        self.last: int | None = None  # id of the latest update in the book; None = unknown
        self._aligned = False
        self._waiting: list[Update] = []
        self._undated: Update | None = None  # a snapshot whose time the next update will tell
        self._latest = 0

    def update(self, update: Update) -> None:
        """Take one depth update."""
        self.counts["updates"] += 1
        if self.last is None:
            self._waiting.append(update)
        else:
            self._follow(update)

    def snapshot(self, found: Update) -> None:
        """Take one snapshot; it is only needed where the book is unknown."""
        self.counts["snapshots"] += 1
        if self.last is not None:
            self.counts["snapshots_unused"] += 1
            return
        waiting, self._waiting = self._waiting, []
        ahead = [update for update in waiting if _reaches(update, found.last)]
        self.counts["updates_before_a_snapshot"] += len(waiting) - len(ahead)
        # The spot snapshot has no time: it is as old as what it follows.
        known = found.ts or (ahead[0].ts if ahead else waiting[-1].ts if waiting else 0)
        self._undated = None if known else found
        if known:
            self._write(found, known, True)
        self.last, self._aligned = found.last, False
        for number, update in enumerate(ahead):
            if self.last is None:
                self._waiting += ahead[number:]
                return
            self._follow(update)

    def _follow(self, update: Update) -> None:
        last = self.last
        if last is None or (not self._aligned and not _reaches(update, last)):
            self.counts["updates_before_a_snapshot"] += 1
            return
        if self._undated is not None:
            self._write(self._undated, update.ts, True)
            self._undated = None
        if self._aligned:
            fits = update.first == last + 1 if update.before is None else update.before == last
        else:
            fits = update.first <= (last + 1 if update.before is None else last)
        if not fits:
            found = update.first if update.before is None or not self._aligned else update.before
            expected = last + 1 if update.before is None else last
            self.gaps.append(("book", update.row, update.ts, update.ts_local, expected, found))
            self.last, self._waiting = None, [update]
            return
        self.counts["updates_used"] += 1
        self._write(update, update.ts, False)
        self.last, self._aligned = update.last, True

    def _write(self, update: Update, ts: int, snapshot: bool) -> None:
        if ts < self._latest:
            self.counts["clock_steps_back"] += 1
        self._latest = ts = max(ts, self._latest)
        columns = self.columns
        for side, levels in ((1, update.bids), (-1, update.asks)):
            for price, size in levels:
                columns["price"].append(price)
                columns["size"].append(size)
            n = len(levels)
            columns["ts"].extend([ts] * n)
            columns["side"].extend([side] * n)
            columns["snapshot"].extend([int(snapshot)] * n)
            columns["id"].extend([update.last] * n)
            columns["ts_local"].extend([update.ts_local] * n)

    def table(self) -> dict[str, np.ndarray]:
        """Columns of `BOOK_COLUMNS`, one row per level."""
        if self._undated is not None:  # nothing followed: its arrival is all that is known
            self._write(self._undated, self._undated.ts_local, True)
            self._undated = None
        return {name: np.array(column) for name, column in self.columns.items()}


def _reaches(update: Update, last: int) -> bool:
    """Whether an update goes past a snapshot (spot) or up to it (futures)."""
    return update.last > last if update.before is None else update.last >= last


def levels(rows: Any, contract_size: float | None) -> list[tuple[float, float]]:
    """Read price and size of each level.

    Parameters
    ----------
    rows : list of [str, str]
        As the exchange sends them.
    contract_size : float, optional
        USD per contract where sizes are numbers of contracts; the result is in coins.

    Raises
    ------
    ValueError
        If a price or a size is no number, negative or infinite.
    """
    found = []
    for price_text, size_text, *_ in rows:
        price, size = float(price_text), float(size_text)
        if not (0 < price < math.inf and 0 <= size < math.inf):
            raise ValueError(f"level {price_text!r}, {size_text!r}")
        found.append((price, size if contract_size is None else size * contract_size / price))
    return found
