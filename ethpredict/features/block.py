"""What a feature block takes and gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ethpredict import rolling
from ethpredict.data.market import empty_facts

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Column:
    """One finished feature.

    Parameters
    ----------
    name : str
        Column name.
    values : ndarray of float64, shape (n,)
        One value per bar, nan until the look-back is whole.
    warmup : int, rows
        Rows at the start of the data, and after a gap, without a value.
    memory : int, rows
        How far back a value can reach: row t depends on rows t - memory .. t.
    """

    name: str
    values: Floats
    warmup: int
    memory: int


@dataclass(frozen=True, slots=True)
class Missing:
    """A feature that these bars cannot give.

    Parameters
    ----------
    name : str
        Column name.
    reason : str
        Which input is missing, and how it shows.
    """

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Input(Column):
    """A column that is no feature: only fitted transforms read it."""


@dataclass(frozen=True, slots=True)
class Item:
    """A feature that must be fitted: described here, fitted in training, per window.

    Parameters
    ----------
    name : str
        Name of the transform and, alone or with a suffix, of its columns.
    kind : str
        One of :data:`ethpredict.features.fitted.KINDS`.
    inputs : tuple of str
        Columns that it reads.
    options : mapping
        What the kind wants to know; JSON.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Market:
    """Bars as contiguous arrays, with what several blocks share.

    Parameters
    ----------
    ts_close : ndarray of int64, shape (n,), UTC nanoseconds
        When the bar is known.
    gap : ndarray of bool, shape (n,)
        True where nothing may span the border before the bar.
    open, high, low, close : ndarray of float64, shape (n,), USD
        Prices.
    volume, taker_buy : ndarray of float64, shape (n,), ETH
        Traded size, and the part of it that buyers took (nan where unknown).
    quote_volume : ndarray of float64, shape (n,), USD
        Traded value (nan where unknown).
    run : ndarray of int64, shape (n,)
        Bars since the last gap, this one included.
    log_close : ndarray of float64, shape (n,)
        Natural logarithm of the close.
    returns : ndarray of float64, shape (n,)
        Log return of one bar; nan on the first bar and after a gap.
    returns_run : ndarray of int64, shape (n,)
        Returns since the last gap, this one included.
    facts : DataFrame
        `FACT_COLUMNS`; what else was published, with the moment it arrived.
    max_age : float, seconds
        Age since its arrival at which a fact is missing rather than carried on.
    """

    ts_close: npt.NDArray[np.int64]
    gap: npt.NDArray[np.bool_]
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    taker_buy: Floats
    quote_volume: Floats
    run: npt.NDArray[np.int64]
    log_close: Floats
    returns: Floats
    returns_run: npt.NDArray[np.int64]
    facts: pd.DataFrame
    max_age: float

    def window_sum(self, values: Floats, window: int) -> Floats:
        """Sum over the last `window` bars, shape (n,); nan across gaps and missing values."""
        return rolling.window_sum(values, rolling.run_lengths(values, self.gap), window)

    @classmethod
    def from_bars(
        cls, bars: pd.DataFrame, facts: pd.DataFrame | None = None, max_age: float = 0.0
    ) -> Market:
        """Take the canonical bars table apart; without facts none are known."""

        def column(name: str) -> Floats:
            return np.ascontiguousarray(bars[name], dtype=np.float64)

        close, gap = column("close"), np.ascontiguousarray(bars["gap"], dtype=bool)
        run = rolling.run_lengths(close, gap)
        returns = rolling.log_return(close, run, 1)
        return cls(
            ts_close=np.ascontiguousarray(bars["ts_close"], dtype=np.int64),
            gap=gap,
            open=column("open"),
            high=column("high"),
            low=column("low"),
            close=close,
            volume=column("volume"),
            taker_buy=column("taker_buy_volume"),
            quote_volume=column("quote_volume"),
            run=run,
            log_close=rolling.log_ratio(close, np.ones_like(close)),
            returns=returns,
            returns_run=rolling.run_lengths(returns, gap),
            facts=empty_facts() if facts is None else facts,
            max_age=max_age,
        )


Settings = Mapping[str, Any]
Part = Column | Input | Item | Missing
Block = Callable[[Market, Settings], list[Part]]
