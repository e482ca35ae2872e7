"""A liquidity provider on a recorded pool: what its rows read, and one run of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ethpredict.errors import TrialError
from ethpredict.sim import _account_kernels as acc
from ethpredict.sim import _lp_tape_kernels as taped
from ethpredict.sim import _provider_kernels as lp
from ethpredict.sim.metrics import Outcome
from ethpredict.sim.pool_tape import LARGEST_SHARE, PoolTape, moments
from ethpredict.sim.recorded_fee import check_fee, without_syncs
from ethpredict.sim.rows import Bools, Floats, Ints, MarketRows, PathRows
from ethpredict.sim.run import Run


@dataclass(frozen=True)
class ProviderRows:
    """The record as a provider's rows read it.

    Parameters
    ----------
    known : ndarray of bool, shape (n,)
        Whether the decision of each row knows the pool.
    borders : ndarray of int64, shape (n + 1,)
        Events of row j, after the close before it and up to its own, are `borders[j]` to
        `borders[j + 1] - 1`.
    ours : ndarray of int64, shape (n,)
        Our transaction of row j comes before this event.
    events : ndarray, shape (m, 5)
        See the ``E_`` constants of :mod:`ethpredict.sim._lp_tape_kernels`.
    start : ndarray, shape (2,)
        Reserves at the first close, ETH and USD; 0 where they are not known.
    """

    known: Bools
    borders: Ints
    ours: Ints
    events: Floats
    start: Floats


def provider_rows(run: Run, market: MarketRows, tape: PoolTape, settings: Floats) -> ProviderRows:
    """Lay a record out for a provider's run.

    Parameters
    ----------
    run : Run
        Block time, latency and the oldest state that a decision may read.
    market : MarketRows
        Its rows.
    tape : PoolTape
        The pool.
    settings : ndarray, shape (N_LP_SETTINGS,)
        Of the run.

    Raises
    ------
    TrialError
        If no decision knows the pool, it is of another pair or too small for the deposit, or
        its swaps paid another fee.
    """
    tape = without_syncs(tape)
    check_fee(run, tape, float(settings[lp.L_FEE]), settings[lp.L_KEEP] > 0.0)
    found = moments(run, market, tape)
    at = int(found.seen[1:][found.known[1:]][0])
    depth, deposit = 2.0 * float(tape.reserve1[at]), float(settings[lp.L_DEPOSIT])
    if deposit > LARGEST_SHARE * depth:
        raise TrialError(
            run.run_id,
            f"sim.amm.lp.deposit = {deposit:g} USD: must be <= a quarter of the recorded pool's "
            f"{depth:g} USD at the first decision, because the record does not know of it",
        )
    first, last = int(found.seen[0]) + 1, int(found.end[-1]) + 1
    borders = np.concatenate([[first, first], found.end[1:] + 1]) - first
    ours = np.maximum(found.met + 1 - first, 0)
    row = np.repeat(np.arange(len(market.close)), np.diff(borders))
    opened = np.concatenate([market.ts_close[:1], market.ts_close[:-1]])[row]
    events = np.empty((last - first, taped.N_EVENT))
    events[:, taped.E_MOMENT] = (tape.ts[first:last] - opened) / (market.ts_close[row] - opened)
    columns = tape.reserve0, tape.reserve1, tape.paid0, tape.paid1
    for place, column in enumerate(columns, start=taped.E_RESERVE0):
        events[:, place] = column[first:last]
    start = np.zeros(2)
    if first:
        start[:] = tape.reserve0[first - 1], tape.reserve1[first - 1]
    return ProviderRows(found.known, borders.astype(np.int64), ours, events, start)


def provide_on_tape(
    run: Run,
    market: MarketRows,
    path: PathRows,
    signal: tuple[Floats, Floats],
    base_fee: Floats,
    tape: PoolTape,
    settings: Floats,
    detail: bool,
) -> Outcome:
    """Play one provider beside a recorded pool.

    Parameters
    ----------
    run, market, path : Run, MarketRows, PathRows
        The run and its rows.
    signal : tuple of ndarray, shape (n,)
        Predicted drift, USD/s, and what is left of its horizon, s.
    base_fee : ndarray, shape (n,)
        Base fee known at each close, gwei.
    tape : PoolTape
        The record.
    settings : ndarray, shape (N_LP_SETTINGS,)
        Of the run.
    detail : bool
        Whether to keep every row.
    """
    n = len(market.close)
    equity, inventory = np.empty(n), np.empty(n)
    details = np.full((acc.N_DETAIL, n if detail else 0), np.nan)
    rows = provider_rows(run, market, tape, settings)
    accounts = taped.run_lp_tape(
        market.close, market.seconds, market.gap, base_fee, path.sigma, *signal,
        market.first_row, rows.known, rows.borders, rows.ours, rows.events, rows.start, settings,
        equity, inventory, details,
    )  # fmt: skip
    return Outcome(accounts, equity, inventory, details)
