"""Raw websocket captures of Binance: ``local_ns json`` lines to book, trades and quotes."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ethpredict.data.depth import GAP_COLUMNS, DepthBook, Update, levels
from ethpredict.data.market import BOOK_COLUMNS, QUARANTINED_COLUMNS, TRADE_COLUMNS, typed_table
from ethpredict.errors import DataError
from ethpredict.io.lines import numbered_lines

logger = logging.getLogger(__name__)

CAPTURED_TRADE_COLUMNS: dict[str, str] = {**TRADE_COLUMNS, "ts_local": "int64"}
QUOTE_COLUMNS: dict[str, str] = {
    "ts": "int64",
    "ts_local": "int64",
    "id": "int64",
    "bid": "float64",
    "bid_size": "float64",
    "ask": "float64",
    "ask_size": "float64",
}
_NS_PER_MS = 1_000_000


@dataclass(frozen=True)
class Capture:
    """What one capture holds.

    Parameters
    ----------
    book : DataFrame
        `BOOK_COLUMNS`, in the order of the updates; begins with a snapshot,
        and another one follows every gap that could be closed.
    trades : DataFrame
        `CAPTURED_TRADE_COLUMNS`, sorted by ``ts``.
    quotes : DataFrame
        `QUOTE_COLUMNS`: the exchange's own best bid and ask, by update id.
    gaps : DataFrame
        `GAP_COLUMNS`: where a message is missing, which id was expected and
        which came; ``stream`` is ``book`` or ``trade``.
    quarantined : DataFrame
        `QUARANTINED_COLUMNS`; lines that could not be read.
    counts : dict of str to int
        Messages by kind, and what became of them.
    """

    book: pd.DataFrame
    trades: pd.DataFrame
    quotes: pd.DataFrame
    gaps: pd.DataFrame
    quarantined: pd.DataFrame
    counts: dict[str, int] = field(default_factory=dict)


def read_capture(
    path: str | Path, contract_size: float | None = None, quarantine: bool = False
) -> Capture:
    """Read depth updates, snapshots, trades and best quotes of one symbol.

    Parameters
    ----------
    path : path-like
        Lines ``<arrival, ns> <json>``, plain or gzip: stream messages
        (``bookTicker``, ``depthUpdate``, ``trade``) and REST snapshots.
    contract_size : float, optional
        USD per contract of a coin-margined future: sizes become coins.
        Without it sizes stay as they are.
    quarantine : bool
        Set unreadable lines aside instead of stopping at the first.

    Returns
    -------
    Capture
        ``ts`` is the exchange's time (``T`` of futures and trades, ``E`` of
        spot depth), ``ts_local`` the arrival by the capturing machine's clock,
        which may run ahead or behind.

    Raises
    ------
    DataError
        If the file cannot be read, a line is bad (unless `quarantine`), the
        messages are of several symbols, or there are depth updates but no
        snapshot to begin from.

    Notes
    -----
    Spot quotes carry no time. They get the time of the first depth update
    that reaches their id: by then they stood. After the last update the time
    that passed on the local clock is added.
    """
    reader = _Reader(Path(path), contract_size)
    for row, line in numbered_lines(path):
        try:
            reader.take(row, line)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            reason = f"unreadable message: {type(error).__name__} {error}"
            if not quarantine:
                raise DataError(
                    path, row, f"{reason}; mend it or set data.on_bad_rows: quarantine"
                ) from error
            reader.bad.append((row, reason, line[:1000]))
    return reader.capture()


class _Reader:
    def __init__(self, path: Path, contract_size: float | None) -> None:
        self.path, self.contract_size = path, contract_size
        self.book = DepthBook()
        self.bad: list[tuple[int, str, str]] = []
        self.trades: list[tuple[int, float, float, int, int, int]] = []
        self.quotes: list[tuple[int, int, int, float, float, float, float]] = []
        self.depth: list[tuple[int, int, int]] = []  # last id, ts, ts_local
        self.gaps: list[tuple[str, int, int, int, int, int]] = []
        self.counts = {"off_book_trades": 0, "duplicate_trades": 0, "other_messages": 0}
        self.symbol: str | None = None
        self.trade_id: int | None = None

    def take(self, row: int, line: str) -> None:
        """Read one line."""
        stamp, _, text = line.partition(" ")
        local, message = int(stamp), json.loads(text)
        event = message.get("data", message)
        if "lastUpdateId" in event:
            self._snapshot(row, local, event)
            return
        kind = event.get("e") or ("bookTicker" if "B" in event and "A" in event else None)
        takers = {"depthUpdate": self._update, "trade": self._trade, "bookTicker": self._quote}
        if kind not in takers:
            self.counts["other_messages"] += 1
            return
        symbol = event["s"]
        if self.symbol not in (None, symbol):
            raise DataError(
                self.path, row, f"a message of {symbol} among {self.symbol}; one symbol a file"
            )
        takers[kind](row, local, event)
        self.symbol = symbol

    def _snapshot(self, row: int, local: int, event: dict[str, Any]) -> None:
        sides = [levels(event[side], self.contract_size) for side in ("bids", "asks")]
        ts = int(event.get("T", event.get("E", 0))) * _NS_PER_MS
        last = int(event["lastUpdateId"])
        self.book.snapshot(Update(row, ts, local, last, last, None, sides[0], sides[1]))

    def _update(self, row: int, local: int, event: dict[str, Any]) -> None:
        sides = [levels(event[side], self.contract_size) for side in ("b", "a")]
        ts = int(event.get("T", event["E"])) * _NS_PER_MS
        before = int(event["pu"]) if "pu" in event else None
        first, last = int(event["U"]), int(event["u"])
        self.book.update(Update(row, ts, local, first, last, before, sides[0], sides[1]))
        self.depth.append((last, ts, local))

    def _trade(self, row: int, local: int, event: dict[str, Any]) -> None:
        number, ts = int(event["t"]), int(event["T"]) * _NS_PER_MS
        if event.get("X", "MARKET") != "MARKET":  # insurance fund and the like: not on the book
            self.counts["off_book_trades"] += 1
        else:
            ((price, size),) = levels([(event["p"], event["q"])], self.contract_size)
            if self.trade_id is not None and number <= self.trade_id:
                self.counts["duplicate_trades"] += 1
                return
            self.trades.append((ts, price, size, -1 if event["m"] else 1, number, local))
        if self.trade_id is not None and number > self.trade_id + 1:
            self.gaps.append(("trade", row, ts, local, self.trade_id + 1, number))
        self.trade_id = number

    def _quote(self, row: int, local: int, event: dict[str, Any]) -> None:
        sides = [(event["b"], event["B"]), (event["a"], event["A"])]
        bid, ask = levels(sides, self.contract_size)
        ts = int(event.get("T", event.get("E", 0))) * _NS_PER_MS
        self.quotes.append((ts, local, int(event["u"]), *bid, *ask))

    def capture(self) -> Capture:
        """Lay out what was read."""
        book = typed_table(BOOK_COLUMNS, self.book.table())
        if self.book.counts["updates"] and not len(book):
            raise DataError(
                self.path,
                None,
                f"{self.book.counts['updates']} depth updates but no snapshot of the book; put the "
                "REST snapshot into the capture as a line of its own",
            )
        gaps = sorted(self.book.gaps + self.gaps, key=lambda gap: gap[1])
        if gaps:
            logger.warning("%s: %d gaps in the messages", self.path.name, len(gaps))
        trades = _table(CAPTURED_TRADE_COLUMNS, self.trades).sort_values("ts", kind="stable")
        counts = {"trades": len(trades), "quotes": len(self.quotes)}
        return Capture(
            book=book,
            trades=trades.reset_index(drop=True),
            quotes=_timed(_table(QUOTE_COLUMNS, self.quotes), np.array(self.depth, dtype=np.int64)),
            gaps=_table(GAP_COLUMNS, gaps),
            quarantined=_table(QUARANTINED_COLUMNS, self.bad),
            counts=self.book.counts | self.counts | counts,
        )


def _table(columns: dict[str, str], rows: list[Any]) -> pd.DataFrame:
    values = list(zip(*rows, strict=True)) or [()] * len(columns)
    return typed_table(columns, dict(zip(columns, map(list, values), strict=True)))


def _timed(quotes: pd.DataFrame, depth: np.ndarray) -> pd.DataFrame:
    """Give quotes without a time that of the depth update which reaches their id."""
    without = quotes["ts"].to_numpy() == 0
    if not without.any():
        return quotes
    local = quotes["ts_local"].to_numpy()
    ts = local
    if len(depth):
        last, depth_ts, depth_local = np.maximum.accumulate(depth).T
        at = np.searchsorted(last, quotes["id"].to_numpy())
        end = np.minimum(at, len(last) - 1)
        passed = np.where(at < len(last), 0, np.maximum(local - depth_local[end], 0))
        ts = depth_ts[end] + passed
    return quotes.assign(ts=np.where(without, ts, quotes["ts"]))
