"""A liquidity provider on a recorded pool: what its rows read, and one run of it."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np

from ethpredict.errors import TrialError
from ethpredict.sim import _account_kernels as acc
from ethpredict.sim import _lp_tape_kernels as taped
from ethpredict.sim import _provider_kernels as lp
from ethpredict.sim.metrics import Outcome
from ethpredict.sim.pool_tape import LARGEST_SHARE, PoolTape, moments
from ethpredict.sim.rows import Bools, Floats, Ints, MarketRows, PathRows
from ethpredict.sim.settings import BPS, Run

_LOG = logging.getLogger(__name__)

# How far the fee that the swaps paid may be from the setting: a share of it, and bps.
FEE_SLACK, FEE_SLACK_BPS = 0.05, 0.05
# Inputs below this share of the reserve are dust: rounding hides their fee.
DUST = 1e-9
# Reserves after a swap agree with what it paid to this share of it.
WHOLE_INPUT = 1e-3


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


def without_syncs(tape: PoolTape) -> PoolTape:
    """Leave out syncs that the swap after them, in the same block, tells again.

    The state before such a swap is then the one before its sync.
    """
    swap = tape.paid0 + tape.paid1 > 0.0
    again = (tape.ts[1:] == tape.ts[:-1]) & swap[1:] & ~swap[:-1]
    again &= (tape.reserve0[1:] == tape.reserve0[:-1]) & (tape.reserve1[1:] == tape.reserve1[:-1])
    keep = np.append(~again, True)
    columns = tape.ts, tape.reserve0, tape.reserve1, tape.paid0, tape.paid1
    return PoolTape(*(column[keep] for column in columns))


def recorded_fee(tape: PoolTape, keep: bool) -> tuple[float, int]:
    """Median fee that the recorded swaps paid, told by the reserves.

    Parameters
    ----------
    tape : PoolTape
        The record.
    keep : bool
        Whether its reserves take the fee in (then the product grows by it) or not (then less
        than the input arrives).

    Returns
    -------
    fee : float
        Share of the input; nan where no swap tells it.
    count : int
        Swaps that tell it: of one token, not dust, with the state before them, and within one
        range of concentrated liquidity.
    """
    before = np.stack([tape.reserve0[:-1], tape.reserve1[:-1]])
    after = np.stack([tape.reserve0[1:], tape.reserve1[1:]])
    paid = np.stack([tape.paid0[1:], tape.paid1[1:]])
    into = (paid[1] > 0.0).astype(np.int64)[None]
    one = (paid > 0.0).sum(axis=0) == 1
    r_in, got, amount = (np.take_along_axis(x, into, 0)[0] for x in (before, after, paid))
    growth = after.prod(axis=0) / before.prod(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        if keep:
            told = one & (np.abs(got - r_in - amount) <= WHOLE_INPUT * amount)
            fee = 1.0 - ((r_in + amount) / growth - r_in) / amount
        else:
            told = one & (np.abs(growth - 1.0) <= np.minimum(1e-6, WHOLE_INPUT * amount / r_in))
            fee = 1.0 - (got - r_in) / amount
    told &= amount > DUST * r_in
    if not told.any():
        return float("nan"), 0
    return float(np.median(fee[told])), int(told.sum())


def check_fee(run: Run, tape: PoolTape, fee: float, keep: bool) -> None:
    """Refuse a record whose swaps paid another fee than the setting, or put it elsewhere.

    Raises
    ------
    TrialError
        If there is no swap, or the median of the swaps' fees is another.
    """
    if not (tape.paid0 + tape.paid1 > 0.0).any():
        raise TrialError(
            run.run_id,
            "sim.amm.mode = 'lp' on a recorded pool earns from its swaps, and pool_events has "
            "none with an amount paid in; syncs alone tell no fee: give the Swap logs as well",
        )
    found, count = recorded_fee(tape, keep)
    if count and abs(found - fee) <= FEE_SLACK * fee + FEE_SLACK_BPS * BPS:
        return
    other, others = recorded_fee(tape, not keep)
    if not count and not others:
        _LOG.warning("%s: no recorded swap tells its fee; fee_bps is taken as it is", run.run_id)
        return
    names = ("reserves", "vault") if keep else ("vault", "reserves")
    told = " and ".join(
        f"{value / BPS:.3g} bps (median of {number}) with sim.amm.lp.fees: {name}"
        for name, value, number in zip(names, (found, other), (count, others), strict=True)
        if number
    )
    raise TrialError(
        run.run_id,
        f"sim.amm.fee_bps = {fee / BPS:g} with sim.amm.lp.fees: {names[0]} does not fit the "
        f"record: its swaps paid {told}; concentrated liquidity and Aerodrome need vault, "
        "Uniswap V2 and its forks reserves",
    )


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
