"""One run on the hybrid venue: quotes on the book, hedges on the pool."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ethpredict.sim import _account_kernels as acc
from ethpredict.sim._hybrid_kernels import run_hybrid
from ethpredict.sim.bribes import base_fees, tip_rows
from ethpredict.sim.funding import pay_at_closes
from ethpredict.sim.metrics import Outcome
from ethpredict.sim.quotes import QuoteRows
from ethpredict.sim.rows import Floats, MarketRows
from ethpredict.sim.run import Run
from ethpredict.sim.settings import amm_settings


def hedge_band(run: Run) -> float:
    """Distance of the inventory from q* that is not hedged, ETH."""
    return run.number("quoting.hedge_band", 0.0)


def simulate_hybrid(
    run: Run,
    market: MarketRows,
    quotes: QuoteRows,
    sizes: tuple[Floats, Floats],
    book: Floats,
    tips: pd.DataFrame,
    facts: pd.DataFrame | None,
    tape: Floats,
    detail: bool,
) -> Outcome:
    """Play one run that quotes on the book and hedges on the pool.

    Parameters
    ----------
    run : Run
        Settings.
    market : MarketRows
        Its rows.
    quotes : QuoteRows
        Its quotes by row.
    sizes : tuple of ndarray, shape (n,)
        See :func:`ethpredict.sim.quotes.size_rows`.
    book : ndarray
        Its settings on the book, from :func:`ethpredict.sim.settings.lob_settings`.
    tips : DataFrame
        Single transactions, see :func:`ethpredict.sim.bribes.tip_rows`.
    facts : DataFrame or None
        Facts of the market: the book leg pays their funding.
    tape : ndarray, shape (n, 6) or (0, 6)
        Reserves of a recorded pool, see :func:`ethpredict.sim.pool_tape.pool_rows`.
    detail : bool
        Whether to keep quotes, fills and targets per row.

    Returns
    -------
    Outcome

    Raises
    ------
    TrialError
        If a setting is out of its range.
    """
    n = len(market.close)
    equity, inventory, pool_inventory = np.empty(n), np.empty(n), np.empty(n)
    details = np.full((acc.N_DETAIL, n if detail else 0), np.nan)
    accounts = run_hybrid(
        market.open,
        market.close,
        market.low,
        market.high,
        market.duration,
        market.seconds,
        market.buy_volume,
        market.sell_volume,
        market.gap,
        market.future_close,
        market.future_open,
        base_fees(run, market),
        *tip_rows(run, market, tips),
        quotes.mu,
        quotes.centre,
        quotes.slope,
        quotes.target,
        quotes.shift,
        quotes.decay,
        quotes.nodes,
        quotes.corners,
        quotes.weights,
        quotes.falling,
        *sizes,
        market.first_row,
        tape,
        hedge_band(run),
        book,
        amm_settings(run, market),
        equity,
        inventory,
        pool_inventory,
        details,
    )
    pay_at_closes(facts, market, accounts, equity, inventory - pool_inventory, details)
    return Outcome(accounts, equity, inventory, details)
