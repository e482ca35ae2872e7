"""Immutable row arrays: one preprocessing per (bars, segment, quote path).

Every run of a pack reads the same arrays; nothing here depends on gamma, on
limits or on a venue's fees. Row j of a segment is decided with what had arrived
at the close of row j - 1, so all path arrays hold what was known at their own
close and the kernels look one row back.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from ethpredict.errors import TrialError
from ethpredict.sim._path_kernels import drift_path

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

Blocks = tuple[Ints, Ints, Ints]

SECOND_NS = 1_000_000_000
DAY_NS = 86_400 * SECOND_NS
MARKOUT_NS = 300 * SECOND_NS
# A bar of no length (all its trades in one nanosecond) still has one.
SHORTEST_BAR_S = 1e-9


class FeeRule(Protocol):
    """How a chain sets the base fee of its next block."""

    def next_base_fee(self, base_fee: int, gas_used: int, gas_limit: int) -> int:
        """Wei."""


@dataclass(frozen=True)
class MarketRows:
    """Market of one segment, shape (n,) each, read-only.

    Parameters
    ----------
    first_row : int
        Position of the first row in the bar table.
    ts_close : ndarray of int64
        End of each bar, UTC ns.
    open, high, low, close : ndarray
        Prices, USD.
    duration : ndarray
        Length of each bar, s.
    seconds : ndarray
        Time since the previous close (for the first row: its length), s.
    buy_volume, sell_volume : ndarray
        Volume of taker buys and sells, ETH; half the volume each where unknown.
    gap : ndarray of bool
        True where nothing may span the border before the row.
    future_close, future_open : ndarray
        Mid 5 minutes after the row's close and open, USD, as of then; nan where
        that is shorter than the bar, across a gap or past the segment's end.
    base_fee : ndarray
        Base fee of the last block at each close, gwei; nan without one.
    day : ndarray of int64
        UTC day since the epoch to which the row's close belongs.
    block : tuple of ndarray of int64
        Of the last block at each close: base fee (wei), gas used, gas limit; 0 without one.
    """

    first_row: int
    ts_close: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    duration: Floats
    seconds: Floats
    buy_volume: Floats
    sell_volume: Floats
    gap: Bools
    future_close: Floats
    future_open: Floats
    base_fee: Floats
    day: Ints
    block: Blocks
    _fees: dict[Any, Floats] = field(default_factory=dict, repr=False, compare=False)

    def next_base_fee(self, chain: FeeRule) -> Floats:
        """Base fee of the block after each close by a chain's rule, gwei; nan without a block."""
        if chain not in self._fees:
            found = np.full(len(self.close), np.nan)
            known: dict[tuple[int, int, int], float] = {}
            for j in np.flatnonzero(np.isfinite(self.base_fee)):
                last = (int(self.block[0][j]), int(self.block[1][j]), int(self.block[2][j]))
                if last not in known:
                    known[last] = chain.next_base_fee(*last) * 1e-9
                found[j] = known[last]
            self._fees[chain] = found
        return self._fees[chain]

    @cached_property
    def days(self) -> float:
        """Length of the segment, days."""
        return float(self.seconds.sum()) / 86_400.0

    @cached_property
    def highest(self) -> float:
        """Highest price, USD."""
        return float(self.high.max())

    @cached_property
    def lowest(self) -> float:
        """Lowest price, USD."""
        return float(self.low.min())

    @cached_property
    def mean_mid(self) -> float:
        """Time-mean mid, USD."""
        return float(np.sum(self.close * self.seconds) / np.sum(self.seconds))


@dataclass(frozen=True)
class PathRows:
    """What one quote path knew at the close of each row, shape (n,) each, read-only.

    Parameters
    ----------
    sigma, A, k, xi : ndarray
        USD/sqrt(s), 1/s, 1/USD, USD; nan where there is no fit yet.
    mu : ndarray
        Predicted drift of the mid, USD/s; 0 where there is no prediction.
    h_rem : ndarray
        Seconds that the prediction still lasts.
    m, p, gain, loss, base_rate, horizon_s : ndarray
        The prediction itself: log return, probability that it pays, mean gain and loss
        (log returns), share of signals that paid in training, horizon (s); nan where
        the model does not say.
    """

    sigma: Floats
    A: Floats
    k: Floats
    xi: Floats
    mu: Floats
    h_rem: Floats
    m: Floats
    p: Floats
    gain: Floats
    loss: Floats
    base_rate: Floats
    horizon_s: Floats

    @cached_property
    def fitted(self) -> bool:
        """Whether a row has both A and k."""
        return bool(np.any(np.isfinite(self.A) & np.isfinite(self.k)))

    @property
    def known(self) -> Bools:
        """Rows in which A, k and xi are known, shape (n,)."""
        return np.isfinite(self.A) & np.isfinite(self.k) & np.isfinite(self.xi)


def _freeze(rows: MarketRows | PathRows) -> None:
    """Make every array of a bundle read-only."""
    for item in fields(rows):
        value = getattr(rows, item.name)
        if isinstance(value, np.ndarray):
            frozen(value)


def frozen(values: Floats) -> Floats:
    """The array, made read-only like the rows: kernels are compiled once for either."""
    values.setflags(write=False)
    return values


def _future_mid(moment: Ints, bars: pd.DataFrame, duration: Floats) -> Floats:
    """Mid as of `moment` + 5 minutes; nan across a gap, past the end or inside one bar."""
    ts_close = bars["ts_close"].to_numpy(np.int64)
    close = bars["close"].to_numpy(np.float64)
    gap_count = np.cumsum(bars["gap"].to_numpy(np.bool_))
    target = moment + MARKOUT_NS
    # The bar in which the target lies: if a gap stands before it, the mid is stale.
    holding = np.minimum(np.searchsorted(ts_close, target, side="left"), len(close) - 1)
    as_of = np.searchsorted(ts_close, target, side="right") - 1
    own = np.arange(len(close))
    missing = (
        (target > ts_close[-1])
        | (duration > MARKOUT_NS / SECOND_NS)
        | (gap_count[holding] != gap_count[own])
        | (as_of < 0)
    )
    return np.where(missing, np.nan, close[np.maximum(as_of, 0)])


def _last_block(blocks: pd.DataFrame, ts_close: Ints) -> tuple[Floats, Blocks]:
    """Base fee of the last block at or before each moment (gwei; nan: none), and the block."""
    empty = np.zeros(len(ts_close), dtype=np.int64)
    if len(blocks) == 0:
        return np.full(len(ts_close), np.nan), (empty, empty, empty)
    position = np.searchsorted(blocks["ts"].to_numpy(np.int64), ts_close, side="right") - 1
    place = np.maximum(position, 0)
    names = ("base_fee_wei", "gas_used", "gas_limit")
    columns = tuple(
        np.where(position >= 0, blocks[name].to_numpy(np.int64)[place], 0) for name in names
    )
    fee = np.where(position >= 0, columns[0] * 1e-9, np.nan)
    return fee, (columns[0], columns[1], columns[2])


def market_rows(bars: pd.DataFrame, blocks: pd.DataFrame, first: int, last: int) -> MarketRows:
    """Cut one segment out of the bars.

    Parameters
    ----------
    bars : DataFrame
        The ``bars`` table; positions are rows.
    blocks : DataFrame
        The ``blocks`` table sorted by ts; may be empty.
    first, last : int
        First and last row, both inclusive.

    Returns
    -------
    MarketRows
    """
    cut = bars.iloc[first : last + 1]
    ts_open, ts_close = cut["ts_open"].to_numpy(np.int64), cut["ts_close"].to_numpy(np.int64)
    duration = (ts_close - ts_open) / SECOND_NS
    previous = np.concatenate([ts_open[:1], ts_close[:-1]])
    seconds = (ts_close - previous) / SECOND_NS
    seconds[:1] = np.maximum(seconds[:1], SHORTEST_BAR_S)
    volume = cut["volume"].to_numpy(np.float64)
    taker_buy = cut["taker_buy_volume"].to_numpy(np.float64)
    known = np.isfinite(taker_buy)
    buy = np.where(known, np.clip(taker_buy, 0.0, volume), 0.5 * volume)
    base_fee, block = _last_block(blocks, ts_close)
    rows = MarketRows(
        first_row=first,
        ts_close=ts_close.copy(),
        open=cut["open"].to_numpy(np.float64, copy=True),
        high=cut["high"].to_numpy(np.float64, copy=True),
        low=cut["low"].to_numpy(np.float64, copy=True),
        close=cut["close"].to_numpy(np.float64, copy=True),
        duration=np.maximum(duration, SHORTEST_BAR_S),
        seconds=seconds,
        buy_volume=buy,
        sell_volume=np.where(known, volume - buy, 0.5 * volume),
        gap=cut["gap"].to_numpy(np.bool_, copy=True),
        future_close=_future_mid(ts_close, cut, duration),
        future_open=_future_mid(ts_open, cut, duration),
        base_fee=base_fee,
        day=(ts_close - 1) // DAY_NS,
        block=block,
    )
    _freeze(rows)
    return rows


def segment_path(
    bars: pd.DataFrame, paths: pd.DataFrame, quote_id: str, segment: int
) -> pd.DataFrame:
    """Rows of one quote path in one segment, checked against the bars.

    Parameters
    ----------
    bars, paths : DataFrame
        The ``bars`` table and the ``paths`` of one or more quotes.
    quote_id : str
        Which path.
    segment : int
        0 validation, 1 locked test.

    Returns
    -------
    DataFrame
        Sorted by row.

    Raises
    ------
    TrialError
        If the segment is empty, has a hole, or belongs to other bars.
    """
    chosen = (paths["quote_id"] == quote_id) & (paths["segment"] == segment)
    path = paths.loc[chosen].sort_values("row", kind="stable")
    name = {0: "validation", 1: "locked"}.get(segment, str(segment))
    if len(path) == 0:
        raise TrialError(quote_id, f"the quote path has no rows in the {name} segment")
    row = path["row"].to_numpy(np.int64)
    if row[0] < 0 or row[-1] >= len(bars) or np.any(np.diff(row) != 1):
        raise TrialError(
            quote_id,
            f"rows {row[0]}..{row[-1]} of the {name} segment must follow each other within "
            f"the {len(bars)} bars; rebuild the quote path",
        )
    stamps = bars["ts_close"].to_numpy(np.int64)[row]
    if not np.array_equal(stamps, path["ts"].to_numpy(np.int64)):
        raise TrialError(quote_id, "the quote path was made from other bars; rebuild it")
    return path


def path_rows(path: pd.DataFrame, close: Floats) -> PathRows:
    """Turn a checked quote path into arrays.

    Parameters
    ----------
    path : DataFrame
        As returned by :func:`segment_path`.
    close : ndarray, shape (n,)
        Mid at the close of the same rows, USD.

    Returns
    -------
    PathRows
    """
    values = {
        name: path[name].to_numpy(np.float64, copy=True) for name in ("sigma", "A", "k", "xi")
    }
    told = {
        name: path[name].to_numpy(np.float64, copy=True)
        for name in ("m", "p", "gain", "loss", "base_rate", "horizon_s")
    }
    horizon = told["horizon_s"]
    age = (path["t_pred"].to_numpy(np.int64) - path["ts"].to_numpy(np.int64)) / SECOND_NS
    mu = drift_path(close, told["m"], values["sigma"], horizon)
    usable = np.isfinite(mu)
    rows = PathRows(
        mu=np.where(usable, mu, 0.0),
        h_rem=np.where(usable, np.maximum(0.0, age + horizon), 0.0),
        **values,
        **told,
    )
    _freeze(rows)
    return rows
