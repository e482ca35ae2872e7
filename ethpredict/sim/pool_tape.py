"""A pool driven by its recorded events: the reserves that every row meets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ethpredict.errors import TrialError
from ethpredict.sim.lp_settings import provides
from ethpredict.sim.rows import SECOND_NS, Bools, Floats, Ints, MarketRows
from ethpredict.sim.run import Run

# Of the pool's ETH, the most that a run may hold.
LARGEST_SHARE = 0.25
# Prices of the pool and of the market further apart than this are not of one pair.
MOST_APART = 2.0
NO_ROWS: Floats = np.empty((0, 6))


def driven(run: Run) -> bool:
    """Whether recorded events drive the pool that a run takes from."""
    return not provides(run) and run.driven


@dataclass(frozen=True)
class PoolTape:
    """Reserves of a pool after each of its events, in the order of the chain.

    Parameters
    ----------
    ts : ndarray of int64, shape (m,)
        Time of each event's block, UTC ns, not decreasing.
    reserve0, reserve1 : ndarray, shape (m,)
        ETH and USD after it, > 0; virtual reserves for a pool of concentrated liquidity.
    paid0, paid1 : ndarray, shape (m,)
        ETH and USD that a swap paid in, fee included; 0 for every other event.
    """

    ts: Ints
    reserve0: Floats
    reserve1: Floats
    paid0: Floats
    paid1: Floats


def pool_tape(run_id: str, events: pd.DataFrame) -> PoolTape:
    """Check a market's pool events and keep the states that they tell.

    Parameters
    ----------
    run_id : str
        For errors.
    events : DataFrame
        The `pool_events` table. Events before the first known state (reserves nan) and others
        without one are passed over.

    Returns
    -------
    PoolTape

    Raises
    ------
    TrialError
        If there is no state, events are not in the order of the chain, a reserve is not
        positive and finite, or one of the two is missing.
    """
    if not len(events):
        raise TrialError(
            run_id,
            "sim.amm.flow = 'tape' needs the events of a pool and the data has none; give "
            "data.files.pool_events or set sim.amm.flow: synthetic",
        )
    block, index = events["block"].to_numpy(np.int64), events["log_index"].to_numpy(np.int64)
    ts = events["ts"].to_numpy(np.int64)
    steps = np.diff(block)
    wrong = (steps < 0) | ((steps == 0) & (np.diff(index) <= 0)) | (np.diff(ts) < 0)
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0]) + 1
        raise TrialError(
            run_id,
            f"pool_events, row {at + 1}: block {block[at]}, log {index[at]}, ts {ts[at]} follows "
            f"block {block[at - 1]}, log {index[at - 1]}, ts {ts[at - 1]}: events must stand in "
            "the order of the chain, each once",
        )
    pair = events[["reserve0", "reserve1"]].to_numpy(np.float64)
    told = ~np.isnan(pair).all(axis=1)
    bad = told & ~((pair > 0.0) & np.isfinite(pair)).all(axis=1)
    if bad.any():
        at = int(np.flatnonzero(bad)[0])
        raise TrialError(
            run_id,
            f"pool_events, row {at + 1}: reserves {pair[at, 0]:g} ETH and {pair[at, 1]:g} USD: "
            "both must be finite numbers > 0",
        )
    if not told.any():
        raise TrialError(
            run_id, f"pool_events: none of the {len(events)} events tells the pool's reserves"
        )
    swap = (events["kind"] == "swap").to_numpy()
    paid = events[["amount0_in", "amount1_in"]].to_numpy(np.float64)
    paid = np.where(swap[:, None], paid, 0.0)
    return PoolTape(ts[told], *pair[told].T.copy(), *paid[told].T.copy())


@dataclass(frozen=True)
class Moments:
    """Places in a tape that every row of a run reads, shape (n,) each.

    Parameters
    ----------
    seen : ndarray of int64
        Last state at each decision, that is at the close of the row before; -1 without one.
    known : ndarray of bool
        Whether it is there and young enough for a decision.
    met : ndarray of int64
        Last state of the block that may hold our transaction, or of the row where it is shorter.
    end : ndarray of int64
        Last state at the row's close.
    """

    seen: Ints
    known: Bools
    met: Ints
    end: Ints


def moments(run: Run, market: MarketRows, tape: PoolTape) -> Moments:
    """Find what every row of a run reads of a tape.

    Raises
    ------
    TrialError
        If no decision of the segment knows the pool, or its price is not the market's at the
        first that does.

    Notes
    -----
    Our block is the first after decision + latency on the grid of block times that starts
    at the last event's block: chains with a fixed block time keep it. We come last in it.
    """
    oldest = round(run.number("sim.amm.tape_max_age", 0.0, 31_536_000.0, open_low=True) * SECOND_NS)
    block = round(run.block_time * SECOND_NS)
    latency = round(run.number("sim.latency_ms", 0.0, 3.6e6) * 1e6)
    decision = np.concatenate([market.ts_close[:1], market.ts_close[:-1]])
    seen = np.searchsorted(tape.ts, decision, side="right") - 1
    last = tape.ts[np.maximum(seen, 0)]
    known = (seen >= 0) & (decision - last <= oldest)
    if not known[1:].any():
        raise TrialError(
            run.run_id,
            f"no decision of the segment finds a state of the pool that is at most "
            f"sim.amm.tape_max_age = {oldest / SECOND_NS:g} s old: pool_events run from "
            f"{tape.ts[0]} to {tape.ts[-1]} ns, decisions from {decision[0]} to {decision[-1]} ns",
        )
    start = int(np.flatnonzero(known[1:])[0])
    at = int(seen[start + 1])
    price, mid = float(tape.reserve1[at] / tape.reserve0[at]), float(market.close[start])
    if not 1.0 / MOST_APART <= price / mid <= MOST_APART:
        raise TrialError(
            run.run_id,
            f"the recorded pool's price is {price:g} USD at the first decision and the market's "
            f"{mid:g}: another pair, or its tokens or decimals the wrong way round "
            "(data.files.eth_is_token0, decimals0, decimals1)",
        )
    included = last + ((decision + latency - last) // block + 1) * block
    included = np.minimum(included, market.ts_close)
    met = np.searchsorted(tape.ts, included, side="right") - 1
    end = np.searchsorted(tape.ts, market.ts_close, side="right") - 1
    return Moments(seen, known, met, end)


def pool_rows(run: Run, market: MarketRows, tape: PoolTape) -> Floats:
    """Reserves of the recorded pool at three moments of every row.

    Parameters
    ----------
    run : Run
        Block time, latency and the oldest state that a decision may read.
    market : MarketRows
        Its rows.
    tape : PoolTape
        The pool.

    Returns
    -------
    ndarray, shape (n, 6)
        ETH and USD at the decision, that is at the close of the row before (nan where no state
        is known or it is older than `sim.amm.tape_max_age`); after all events of the block
        that may hold our transaction, or of the row where it is shorter; at the row's end.

    Raises
    ------
    TrialError
        As :func:`moments`, or if the pool is too small at the first decision.
    """
    found = moments(run, market, tape)
    rows = np.empty((len(market.close), 6))
    places = ((found.seen, found.known), (found.met, found.met >= 0), (found.end, found.end >= 0))
    for column, (place, good) in enumerate(places):
        for token, reserve in enumerate((tape.reserve0, tape.reserve1)):
            values = np.where(good, reserve[np.maximum(place, 0)], np.nan)
            rows[:, 2 * column + token] = values
    first = float(rows[1:, 0][found.known[1:]][0])
    if run.max_inventory > LARGEST_SHARE * first:
        raise TrialError(
            run.run_id,
            f"quoting.max_inventory = {run.max_inventory:g} ETH: must be <= a quarter of the "
            f"recorded pool's {first:g} ETH at the first decision",
        )
    return rows
