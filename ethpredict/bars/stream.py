"""Trades in, bars out, a piece of the tape at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from ethpredict.bars import _kernels, _signed_kernels, _trade_kernels
from ethpredict.bars._trade_kernels import BLOCK, LIMIT, N_REAL, N_TAIL, N_VALUES, N_WHOLE
from ethpredict.bars.rules import MEASURES, SIGNED, Clock, Count, Rule, SignedFlow
from ethpredict.bars.tails import tail_table
from ethpredict.data.market import CANDLE_COLUMNS, mark_gaps
from ethpredict.errors import DataError

TAIL_REASONS = {
    _trade_kernels.TAIL_GAP: "gap",
    _trade_kernels.TAIL_END: "end",
    _trade_kernels.TAIL_START: "start",
}
CLOSED_BY = {
    _trade_kernels.BY_THRESHOLD: "threshold",
    _trade_kernels.BY_LENGTH: "longest length",
    _trade_kernels.BY_WARM_UP: "warm-up",
}
_NAMES = (
    "open", "high", "low", "close", "volume", "quote_volume", "trades", "taker_buy_volume",
)  # fmt: skip
_NEVER = np.iinfo(np.int64).max
_ROOM = 4 * BLOCK
_ROOM_TAILS = 256
# Of one type, so that nothing is compiled twice.
_WRITABLE: tuple[Literal["C", "W"], ...] = ("C", "W")


@dataclass(frozen=True)
class TradeBars:
    """Closed bars and what was left over.

    Parameters
    ----------
    bars : DataFrame of shape (b, 11)
        In the canonical bar layout.
    tails : DataFrame of shape (g, 6)
        Partial bars that were not emitted (see :mod:`ethpredict.bars.tails`).
        Each trade is in one bar or one tail.
    threshold : float64 array of shape (b,)
        At work for each bar; nan where none is.
    closed_by : int8 array of shape (b,)
        Why each bar closed, a key of `CLOSED_BY`.
    """

    bars: pd.DataFrame
    tails: pd.DataFrame
    threshold: np.ndarray
    closed_by: np.ndarray


class TradeCutter:
    """Cuts a tape that comes in pieces; the bars do not depend on the pieces.

    Parameters
    ----------
    rule : Count, SignedFlow or Clock
        When a bar closes.
    sided : bool
        Whether the aggressor's side is known. Without it the taker volume is
        nan, and signed flow goes by the tick rule.
    max_gap : float, optional
        Longest pause inside a bar, seconds. None = any.

    Notes
    -----
    Memory is that of the bars, the tails and one piece.
    """

    def __init__(self, rule: Rule, sided: bool, max_gap: float | None = None) -> None:
        self.rule, self.sided, self.max_gap = rule, sided, max_gap
        self._whole = np.zeros(N_WHOLE, dtype=np.int64)
        self._real = np.full(N_REAL, np.nan)
        self._real[_trade_kernels.BUYS : _trade_kernels.PRICE] = 0.0
        if isinstance(rule, Count):
            self._real[LIMIT] = rule.threshold
            self._real[_trade_kernels.RATE] = rule.threshold * rule.per_day
        self._times = np.empty((_ROOM, 2), dtype=np.int64)
        self._values = np.empty((_ROOM, N_VALUES))
        self._tail_times = np.empty((_ROOM_TAILS, 2), dtype=np.int64)
        self._tail_values = np.empty((_ROOM_TAILS, N_TAIL))
        self._done: list[tuple[np.ndarray, np.ndarray]] = []
        self._left: list[tuple[np.ndarray, np.ndarray]] = []

    @property
    def rows(self) -> int:
        """Trades taken so far."""
        return int(self._whole[_trade_kernels.SEEN])

    def push(
        self,
        ts: npt.ArrayLike,
        price: npt.ArrayLike,
        size: npt.ArrayLike,
        side: npt.ArrayLike | None = None,
    ) -> None:
        """Take the next trades.

        Parameters
        ----------
        ts : int64 array of shape (n,)
            UTC ns, non-decreasing, not before the last piece.
        price, size : float64 array of shape (n,)
            USD (> 0) and ETH (>= 0).
        side : int8 array of shape (n,), optional
            +1 where the taker bought, -1 where he sold; needed if `sided`.

        Raises
        ------
        DataError
            If a trade cannot be used; it names the row, counted over all pieces.
        """
        times = np.require(ts, np.int64, _WRITABLE)
        prices = np.require(price, np.float64, _WRITABLE)
        sizes = np.require(size, np.float64, _WRITABLE)
        sides = np.empty(0, np.int8)
        if self.sided:
            sides = np.require([] if side is None else side, np.int8, _WRITABLE)
        n_sides = len(sides) if self.sided else len(times)
        if not len(times) == len(prices) == len(sizes) == n_sides:
            raise DataError(
                "trades",
                None,
                f"lengths differ: {len(times)} times, {len(prices)} prices, {len(sizes)} sizes, "
                f"{n_sides} sides",
            )
        at = 0
        while at < len(times):
            at, n_bars, n_tails, faulty = self._cut(times, prices, sizes, sides, at)
            if n_bars:
                self._done.append((self._times[:n_bars].copy(), self._values[:n_bars].copy()))
            if n_tails:
                part = self._tail_times[:n_tails].copy(), self._tail_values[:n_tails].copy()
                self._left.append(part)
            if faulty:
                raise DataError("trades", self.rows + 1, self._fault(prices[at], sizes[at]))

    def _cut(
        self, ts: np.ndarray, price: np.ndarray, size: np.ndarray, side: np.ndarray, at: int
    ) -> tuple[int, int, int, bool]:
        """Run the rule's kernel from row `at`."""
        rule = self.rule
        gap = _NEVER if self.max_gap is None else round(self.max_gap * 1e9)
        carried = (
            self._whole, self._real, self._times, self._values, self._tail_times,
            self._tail_values,
        )  # fmt: skip
        if isinstance(rule, Count):
            return _trade_kernels.cut_counted(
                ts, price, size, side, at, MEASURES[rule.measure], float(rule.per_day),
                1.0 / rule.average_days, gap, *carried,
            )  # fmt: skip
        if isinstance(rule, SignedFlow):
            weight = 2.0 / (rule.average_bars + 1.0)
            return _signed_kernels.cut_signed(
                ts, price, size, side, at, SIGNED[rule.kind], MEASURES[rule.measure],
                float(rule.expected_trades), float(rule.bound), weight, gap, *carried,
            )  # fmt: skip
        return _signed_kernels.cut_clock(ts, price, size, side, at, rule.length_ns, gap, *carried)

    def _fault(self, price: float, size: float) -> str:
        if not (math.isfinite(price) and price > 0):
            return f"the price {price:g} is not a finite number above 0"
        if not (math.isfinite(size) and size >= 0):
            return f"the size {size:g} is not a finite number of at least 0"
        return "the time goes back; sort the trades by time, keeping their order within one time"

    def closed(self) -> pd.DataFrame:
        """Bars that have closed so far, as :meth:`finish` returns them."""
        return self._table(*self._collected())

    def _collected(self) -> tuple[np.ndarray, np.ndarray]:
        """First and last trade of each closed bar, and its values."""
        times = np.concatenate([np.empty((0, 2), np.int64), *(part[0] for part in self._done)])
        values = np.concatenate([np.empty((0, N_VALUES)), *(part[1] for part in self._done)])
        return times, values

    def finish(self) -> TradeBars:
        """End the tape: what is open becomes a tail.

        Returns
        -------
        TradeBars
            All bars and tails. By count or flow, ``ts_close`` is the time of the
            bar's last trade, the moment it is known, and ``ts_open`` that of its
            first; both strictly increase (see
            :func:`ethpredict.bars._kernels.part_bars` for equal times). By the
            clock, both are on the grid.
        """
        n_tails = _signed_kernels.end_tape(
            self._whole, self._real, self._tail_times, self._tail_values
        )
        self._left.append((self._tail_times[:n_tails].copy(), self._tail_values[:n_tails].copy()))
        times, values = self._collected()
        left = np.concatenate([part[0] for part in self._left])
        rest = np.concatenate([part[1] for part in self._left])
        tails = tail_table(
            ts_from=left[:, 0],
            ts_to=left[:, 1],
            rows=rest[:, 0].astype(np.int64),
            volume=rest[:, 1],
            quote_volume=rest[:, 2],
            reason=[TAIL_REASONS[int(kind)] for kind in rest[:, 3]],
        )
        return TradeBars(
            self._table(times, values), tails, values[:, 8].copy(), values[:, 9].astype(np.int8)
        )

    def _table(self, times: np.ndarray, values: np.ndarray) -> pd.DataFrame:
        """Bars in the canonical layout."""
        borders = np.empty_like(times)
        if isinstance(self.rule, Clock):
            borders[:, 0] = times[:, 0] // self.rule.length_ns * self.rule.length_ns
            borders[:, 1] = borders[:, 0] + self.rule.length_ns
        else:
            _kernels.part_bars(times, borders)
        # By the trades' own times, which the borders may leave.
        gap = np.zeros(len(times), bool)
        if self.max_gap is not None:
            gap = mark_gaps(times[:, 0], times[:, 1], self.max_gap)
        columns: dict[str, Any] = {name: values[:, j] for j, name in enumerate(_NAMES)}
        if not self.sided:
            columns["taker_buy_volume"] = np.full(len(times), np.nan)
        columns |= {"ts_open": borders[:, 0], "ts_close": borders[:, 1], "gap": gap}
        # The types are right as they are; looking at each again would cost more than the bars.
        return pd.DataFrame({name: np.ascontiguousarray(columns[name]) for name in CANDLE_COLUMNS})
