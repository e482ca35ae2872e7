"""The few rows of a run's path that its tables show, and what is summed over all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ethpredict.sim import _account_kernels as acc
from ethpredict.sim._path_kernels import drawdown_path
from ethpredict.sim.rows import Floats, Ints, MarketRows

EQUITY_POINTS = 200


@dataclass(frozen=True)
class Kept:
    """What is kept of one played run, whichever kernel played it.

    Parameters
    ----------
    accounts : ndarray, shape (N_ACCOUNTS,)
        See :mod:`ethpredict.sim._account_kernels`.
    rows : ndarray of int64, shape (r,)
        Rising rows that are kept, see :func:`kept_rows`.
    equity, inventory, below : ndarray, shape (r,)
        After each of them, before the final liquidation: USD, ETH, USD below the running peak
        (the last one after the liquidation).
    largest, under_water : float
        Largest drawdown over all rows, USD, and time below the peak, s.
    markouts : mapping
        Those that need events, bps; empty where only bars are played.
    """

    accounts: Floats
    rows: Ints
    equity: Floats
    inventory: Floats
    below: Floats
    largest: float
    under_water: float
    markouts: Mapping[str, float] = field(default_factory=dict)

    @property
    def final(self) -> float:
        """Equity after the liquidation, USD: the total P&L."""
        return float(self.accounts[acc.CASH])

    def places(self, rows: Ints) -> Ints:
        """Where rows stand among the kept ones."""
        return np.searchsorted(self.rows, rows)


def equity_rows(market: MarketRows) -> Ints:
    """200 equally spaced rows of a segment."""
    return np.round(np.linspace(0, len(market.close) - 1, EQUITY_POINTS)).astype(np.int64)


def day_rows(market: MarketRows) -> tuple[Ints, Ints]:
    """Every UTC day of the span, and the last row at or before its end.

    Returns
    -------
    days, rows : ndarray of int64, shape (d,)
    """
    days = np.arange(market.day[0], market.day[-1] + 1)
    return days, np.searchsorted(market.day, days, side="right") - 1


def kept_rows(market: MarketRows) -> Ints:
    """Rows that a run's tables show: the ends of days, and 200 points of the equity."""
    return np.union1d(equity_rows(market), day_rows(market)[1])


def keep(
    accounts: Floats,
    equity: Floats,
    inventory: Floats,
    market: MarketRows,
    markouts: Mapping[str, float] | None = None,
) -> Kept:
    """Cut a whole path down.

    Parameters
    ----------
    accounts : ndarray, shape (N_ACCOUNTS,)
        After the liquidation.
    equity, inventory : ndarray, shape (n,)
        After every row, before the liquidation; USD, ETH.
    market : MarketRows
        The rows.
    markouts : mapping, optional
        As of :class:`Kept`.
    """
    below, rows = np.empty(len(equity)), kept_rows(market)
    final = float(accounts[acc.CASH])
    largest, under_water = drawdown_path(equity, final, market.seconds, below)
    return Kept(
        accounts=accounts,
        rows=rows,
        equity=equity[rows],
        inventory=inventory[rows],
        below=below[rows],
        largest=float(largest),
        under_water=float(under_water),
        markouts=markouts or {},
    )
