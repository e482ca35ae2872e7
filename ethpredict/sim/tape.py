"""The market's events as arrays: one preprocessing per (segment, tick, lot), shared by runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ethpredict.data.market import empty_book, empty_facts, empty_pool_events, empty_trades
from ethpredict.errors import TrialError
from ethpredict.io.artefact import read_table, row_count
from ethpredict.sim import _tape_kernels as tk
from ethpredict.sim._order_kernels import UNITS
from ethpredict.sim.rows import SECOND_NS, Floats, Ints, MarketRows

# Beyond this a price or size in whole steps is no longer exact.
LARGEST = 2.0**53
MOST_TRADED = 2.0**62
NO_LEVELS = (np.empty(0, np.int64),) * 8
# Trades before the segment: the last one is the first reference.
WARM_UP_NS = 86_400 * SECOND_NS
NO_TRADES = (
    "sim.fidelity = 'trades' or 'l2' needs trades of the segment and the data has none; "
    "give data with trades or set sim.fidelity: bars"
)


@dataclass(frozen=True)
class Records:
    """What the simulator may replay; each table is read when a run needs it.

    Parameters
    ----------
    trades : callable
        Gives the `trades` table.
    book : callable
        Gives the `book` table.
    funding : DataFrame or None
        Facts of the perpetual's funding.
    filled : tuple of str
        Which of `trades` and `book` have rows, known without reading them.
    pool_events : callable
        Gives the `pool_events` table.
    """

    trades: Callable[[], pd.DataFrame]
    book: Callable[[], pd.DataFrame]
    funding: pd.DataFrame | None = None
    filled: tuple[str, ...] = ("trades", "book")
    pool_events: Callable[[], pd.DataFrame] = empty_pool_events


def read_records(paths: Sequence[str]) -> Records | None:
    """Records of a market's files, told apart by name; None without any.

    Parameters
    ----------
    paths : sequence of path-like
        Any of `trades.parquet`, `funding.parquet`, `book.parquet` and `pool_events.parquet`
        of one market; what is not there is empty.
    """
    if not paths:
        return None
    files = {Path(path).stem: path for path in paths}

    def table(name: str, empty: Callable[[], pd.DataFrame]) -> pd.DataFrame:
        return read_table(files[name]) if name in files else empty()

    return Records(
        lambda: table("trades", empty_trades),
        lambda: table("book", empty_book),
        table("funding", empty_facts),
        tuple(name for name in ("trades", "book") if name in files and row_count(files[name])),
        lambda: table("pool_events", empty_pool_events),
    )


@dataclass(frozen=True)
class Tape:
    """Events of one segment.

    Parameters
    ----------
    base : int
        Moment that all times count from, UTC ns.
    events : ndarray of int64, shape (n, N_EVENT)
        Trades and levels (or best quotes) in order of time; at one moment trades stand first.
    quotes : ndarray of int64, shape (m, N_QUOTE)
        Best ticks after each batch of levels; without a book one per trade, both at its
        price.
    ranks : ndarray of int64
        Ticks that levels use, increasing.
    has_book : bool
        Whether the quotes are the book's.
    """

    base: int
    events: Ints
    quotes: Ints
    ranks: Ints
    has_book: bool


def whole_steps(run_id: str, values: pd.Series, step: float, key: str, parts: int = 1) -> Ints:
    """Nearest whole parts of a step.

    Raises
    ------
    TrialError
        If one is too large to be exact.
    """
    steps = np.rint(values.to_numpy(np.float64) / (step / parts))
    if len(steps) and not float(np.abs(steps).max()) < LARGEST:
        raise TrialError(
            run_id,
            f"{key} = {step:g}: {values.abs().max():g} is 2**53 parts of {step / parts:g} or more; "
            "enlarge it",
        )
    return steps.astype(np.int64)


def cut_span(table: pd.DataFrame, first: int, last: int) -> pd.DataFrame:
    """Rows from `first` to `last`, both included, by ts (sorted)."""
    ts = table["ts"].to_numpy(np.int64)
    return table.iloc[np.searchsorted(ts, first) : np.searchsorted(ts, last, side="right")]


def from_snapshot(book: pd.DataFrame, first: int) -> pd.DataFrame:
    """Leave out what a snapshot before the segment replaces on both sides."""
    ts, side = book["ts"].to_numpy(np.int64), book["side"].to_numpy(np.int64)
    early = book["snapshot"].to_numpy(np.bool_) & (ts < first)
    if not (early & (side > 0)).any() or not (early & (side < 0)).any():
        return book
    last = max(np.flatnonzero(early & (side == sign))[-1] for sign in (1, -1))
    return book.iloc[np.searchsorted(ts, ts[last]) :]


def _trade_columns(
    run_id: str, trades: pd.DataFrame, tick: float, lot: float
) -> tuple[Ints, Ints, Ints, Ints]:
    """Moments, sides, ticks and units of trades, in order of time."""
    units = whole_steps(run_id, trades["size"], lot, "sim.lob.lot_size", UNITS)
    # A queue counts what traded at its price in int64: all of it must fit.
    if not float(units.sum(dtype=np.float64)) < MOST_TRADED:
        raise TrialError(
            run_id,
            f"sim.lob.lot_size = {lot:g}: the trades of the segment are {MOST_TRADED:g} or more "
            f"parts of {lot / UNITS:g} together; enlarge it",
        )
    return (
        trades["ts"].to_numpy(np.int64),
        trades["aggressor_side"].to_numpy(np.int64),
        whole_steps(run_id, trades["price"], tick, "sim.lob.tick_size"),
        units,
    )


def _level_columns(
    run_id: str, book: pd.DataFrame, tick: float, lot: float
) -> tuple[tuple[Ints, ...], Ints]:
    """Moments, sides, ticks, ranks, units, snapshots, ids and arrivals of levels; the ranks."""
    ticks = whole_steps(run_id, book["price"], tick, "sim.lob.tick_size")
    units = whole_steps(run_id, book["size"], lot, "sim.lob.lot_size", UNITS)
    # Something that is left is never rounded to nothing.
    units[(units == 0) & (book["size"].to_numpy() > 0.0)] = 1
    ranks, rank = _ranks(ticks)
    names = ("snapshot", "id", "ts_local")
    more = (book[name].to_numpy(np.int64) for name in names)
    ts, side = (book[name].to_numpy(np.int64) for name in ("ts", "side"))
    return (ts, side, ticks, rank, units, *more), ranks


def _ranks(ticks: Ints) -> tuple[Ints, Ints]:
    """Ticks that occur, increasing, and the place of each row's among them."""
    room, place = 1 << 14, np.empty(len(ticks), np.int64)
    while True:
        found = np.empty(room, np.int64)
        count = tk.number_ticks(ticks, np.full((2 * room, 2), -1, np.int64), found, place)
        if count >= 0:
            break
        room *= 4
    order = np.argsort(found[:count])
    rank = np.empty(count, np.int64)
    rank[order] = np.arange(count)
    return found[order], rank[place]


def make_tape(
    run_id: str,
    trades: pd.DataFrame,
    book: pd.DataFrame | None,
    tick: float,
    lot: float,
    first: int,
    last: int,
) -> Tape:
    """Cut and merge the records of one segment.

    Parameters
    ----------
    run_id : str
        For errors.
    trades : DataFrame
        The `trades` table.
    book : DataFrame or None
        The `book` table; None replays trades alone. It is played from its beginning up
        to the segment, so that the book stands when the segment begins.
    tick, lot : float
        Steps of price (USD) and size (ETH).
    first, last : int
        Open of the first and close of the last row, UTC ns.

    Returns
    -------
    Tape

    Raises
    ------
    TrialError
        If there are no trades, or with a book no levels, up to the end of the segment.
    """
    prints = cut_span(trades, first if book is not None else first - WARM_UP_NS, last)
    if len(prints) == 0:
        raise TrialError(run_id, NO_TRADES)
    taken = _trade_columns(run_id, prints, tick, lot)
    if book is None:
        count = len(prints)
        events, seen = np.empty((count, tk.N_EVENT), np.int64), np.empty(count, np.int64)
        tk.merge_tape(first, *taken, *NO_LEVELS, events, seen)
        quotes = np.zeros((count, tk.N_QUOTE), np.int64)
        quotes[:, tk.Q_TS] = quotes[:, tk.Q_SEEN] = seen
        quotes[:, tk.Q_BID] = quotes[:, tk.Q_ASK] = taken[2]
        return Tape(first, events, quotes, np.empty(0, np.int64), False)
    shown = from_snapshot(cut_span(book, 0, last), first)
    if len(shown) == 0:
        raise TrialError(
            run_id,
            "sim.fidelity = 'l2' needs book updates and the data has none up to the end of the "
            "segment; give data.files.book or set sim.fidelity: trades",
        )
    levels, ranks = _level_columns(run_id, shown, tick, lot)
    ts, _, _, _, _, snapshot, number, _ = levels
    batches, snapshots = tk.count_batches(ts, number, snapshot)
    room = len(prints) + len(shown) + 2 * snapshots
    events, seen = np.empty((room, tk.N_EVENT), np.int64), np.empty(room, np.int64)
    tk.merge_tape(first, *taken, *levels, events, seen)
    quotes = np.zeros((batches, tk.N_QUOTE), np.int64)
    sides = np.zeros((2, len(ranks)), np.int64)
    tk.book_quotes(events, seen, ranks, sides[0], sides[1], quotes)
    return Tape(first, events, quotes, ranks, True)


def best_quotes(tape: Tape) -> Tape:
    """Leave trades and changes of the best quotes: what trades and best-quote rows tell.

    Parameters
    ----------
    tape : Tape
        With a book.

    Returns
    -------
    Tape
        Without levels; a batch that leaves both best prices and both sizes as they were is
        left out.
    """
    new = np.ones(len(tape.quotes), np.bool_)
    new[1:] = (tape.quotes[1:, tk.Q_BID :] != tape.quotes[:-1, tk.Q_BID :]).any(axis=1)
    batch = (tape.events[:, tk.E_KIND] != tk.TRADE) & (tape.events[:, tk.E_LAST] > 0)
    kept = tape.events[:, tk.E_KIND] == tk.TRADE
    kept[np.flatnonzero(batch)[new]] = True
    events = np.ascontiguousarray(tape.events[kept])
    shown = events[:, tk.E_KIND] != tk.TRADE
    events[shown, tk.E_KIND] = tk.BEST
    quotes = np.ascontiguousarray(tape.quotes[new])
    return Tape(tape.base, events, quotes, np.empty(0, np.int64), True)


def silent_share(tape: Tape, market: MarketRows) -> float:
    """Share of the time in which the bars report volume and the tape has no trade.

    Parameters
    ----------
    tape, market : Tape, MarketRows
        Events and rows of one segment.

    Returns
    -------
    float
        0 where the trades cover the segment; no order can fill in the rest.
    """
    prints = tape.events[tape.events[:, tk.E_KIND] == tk.TRADE, tk.E_TS]
    close = market.ts_close - tape.base
    opened = close - np.round(market.duration * SECOND_NS).astype(np.int64)
    inside = np.searchsorted(prints, close, "right") - np.searchsorted(prints, opened, "left")
    silent = (inside == 0) & (market.buy_volume + market.sell_volume > 0.0)
    return float(market.seconds[silent].sum() / market.seconds.sum())


def mids(tape: Tape, tick: float) -> tuple[Ints, Floats]:
    """Moments and mids of a tape's valid quotes, USD."""
    quotes = tape.quotes[tape.quotes[:, tk.Q_BID] > 0]
    middle: Floats = (quotes[:, tk.Q_BID] + quotes[:, tk.Q_ASK]) * np.float64(0.5 * tick)
    return quotes[:, tk.Q_TS], middle
