"""Many order-book runs side by side: which runs may share lanes, and their terms.

A run goes into lanes where its quotes are linear in inventory (closed form or fixed spread),
its size is fixed, and no path of every row is asked for; the others are played one by one.
Either way a run gives the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ethpredict.errors import TrialError
from ethpredict.sim import _account_kernels as acc
from ethpredict.sim import _lane_account_kernels as layout
from ethpredict.sim import _lane_kernels as kernels
from ethpredict.sim import _lob_kernels as lob
from ethpredict.sim._quote_kernels import epoch_terms
from ethpredict.sim.kept import Kept, kept_rows
from ethpredict.sim.quotes import signal_rows
from ethpredict.sim.rows import Floats, Ints, MarketRows, PathRows
from ethpredict.sim.settings import BPS, Run, lob_settings
from ethpredict.sim.venue import require_fit

LANES = layout.LANES


def lane_key(run: Run) -> tuple[object, ...] | None:
    """What runs must share to stand in the same lanes; None for a run that has to go alone.

    Parameters
    ----------
    run : Run
        A run.

    Returns
    -------
    tuple or None
        Quote path, confidence, lot and tick.
    """
    if run.venue != "lob" or run.strategy not in ("glft", "fixed_spread"):
        return None
    if run.get("sim.fidelity") != "bars":
        return None
    alone = (
        run.get("quoting.layers.count") != 1
        or run.sizing != "fixed"
        or run.get("quoting.sizing.max_leverage") is not None
        or run.get("quoting.inventory_timeout") is not None
    )
    if alone:
        return None
    follows = run.strategy == "glft" and run.uses_prediction
    confidence = run.get("quoting.confidence") if follows else "none"
    return run.quote_id, confidence, run.get("sim.lob.lot_size"), run.get("sim.lob.tick_size")


def fit_epochs(path: PathRows) -> tuple[Ints, Ints]:
    """Stretches of rows in which A, k and xi stay as they are.

    Returns
    -------
    epoch : ndarray of int64, shape (n,)
        Number of each row's stretch.
    first : ndarray of int64, shape (stretches,)
        First row of each.
    """
    changed = np.zeros(len(path.A), dtype=np.bool_)
    for values in (path.A, path.k, path.xi):
        same = (values[1:] == values[:-1]) | (np.isnan(values[1:]) & np.isnan(values[:-1]))
        changed[1:] |= ~same
    return np.cumsum(changed), np.concatenate([[0], np.flatnonzero(changed)])


def lane_settings(run: Run, market: MarketRows) -> Floats:
    """Column of one run.

    Returns
    -------
    ndarray, shape (16,)
        In the order of the ``V_`` constants.

    Raises
    ------
    TrialError
        If a setting is out of its range.
    """
    whole = lob_settings(run, market)
    values = np.zeros(layout.N_LANE_SETTINGS // LANES)
    size = whole[lob.S_ORDER_LOTS] * whole[lob.S_LOT]
    places = {
        layout.V_ORDER: whole[lob.S_ORDER_LOTS],
        layout.V_MAX: whole[lob.S_MAX_LOTS],
        layout.V_SIZE: size,
        layout.V_LEAST: whole[lob.S_LEAST],
        layout.V_MOST: whole[lob.S_MOST],
        layout.V_LATENCY: whole[lob.S_LATENCY],
        layout.V_PENETRATION: whole[lob.S_PENETRATION],
        layout.V_PARTICIPATION: whole[lob.S_PARTICIPATION],
        layout.V_MAKER: whole[lob.S_MAKER],
        layout.V_TAKER: whole[lob.S_TAKER],
        layout.V_TARGET: whole[lob.S_TARGET],
    }
    if run.strategy == "fixed_spread":
        places[layout.V_HALF] = run.number("quoting.half_spread_bps", 0.0, 5000.0) * BPS
    else:
        order = run.number("quoting.order_size", 0.0, open_low=True)
        places[layout.V_GAMMA] = run.number("quoting.gamma", 0.0, open_low=True) * order
        places[layout.V_LIMIT] = run.max_inventory / order
        if run.uses_prediction:
            shifts = run.get("quoting.alpha") == "shift"
            places[layout.V_SHIFTS if shifts else layout.V_FOLLOWS] = 1.0
    for place, value in places.items():
        values[place // LANES] = value
    return values


def lane_terms(run: Run, path: PathRows, first: Ints) -> Floats:
    """Centre, growth and pull of one run at every fit, shape (3, stretches)."""
    if run.strategy == "fixed_spread":
        return np.zeros((3, len(first)))
    order = run.number("quoting.order_size", 0.0, open_low=True)
    gamma = run.number("quoting.gamma", 0.0, open_low=True) * order
    zeta = gamma
    if run.get("quoting.zeta") is not None:
        zeta = run.number("quoting.zeta", 0.0, 1000.0) * order
    return epoch_terms(gamma, zeta, path.A[first], path.k[first], path.xi[first])


def simulate_lanes(
    runs: Sequence[Run], market: MarketRows, path: PathRows, kept: Ints
) -> list[Kept]:
    """Play up to 64 runs of one :func:`lane_key` over the same rows.

    Parameters
    ----------
    runs : sequence of Run
        1 to 64 runs.
    market, path : MarketRows, PathRows
        Their rows.
    kept : ndarray of int64, shape (r,)
        Rising rows whose equity, inventory and drawdown are returned.

    Returns
    -------
    list of Kept
        In the order of the runs.

    Raises
    ------
    TrialError
        If a setting is out of its range.
    """
    n = len(market.close)
    epoch, first = fit_epochs(path)
    settings = np.zeros((layout.N_LANE_SETTINGS // LANES, LANES))
    # An empty lane: orders of one lot and no room for any.
    settings[[layout.V_ORDER // LANES, layout.V_SIZE // LANES]] = 1.0
    terms = np.zeros((3, len(first), LANES))
    for lane, run in enumerate(runs):
        settings[:, lane] = lane_settings(run, market)
        terms[:, :, lane] = lane_terms(run, path, first)
    mu, h_rem = np.zeros(n), np.zeros(n)
    for run in runs:
        if run.strategy == "glft" and run.uses_prediction:
            mu, h_rem = signal_rows(run, path, market.close)
            break
    lot, tick = float(runs[0].get("sim.lob.lot_size")), float(runs[0].get("sim.lob.tick_size"))
    places = np.full(n, -1, dtype=np.int64)
    places[kept] = np.arange(len(kept))
    accounts = np.zeros((LANES, acc.N_ACCOUNTS))
    kept_path, water = np.empty((3, len(kept), LANES)), np.empty((2, LANES))
    kernels.run_lanes(
        market.close,
        *kernels.tick_rows(market.low, market.high, market.close, tick),
        market.duration,
        market.seconds,
        market.buy_volume,
        market.sell_volume,
        market.gap,
        market.future_close,
        path.sigma,
        mu,
        h_rem,
        epoch,
        *terms,
        lot,
        tick,
        settings.ravel(),
        places,
        accounts,
        kept_path,
        water,
    )
    return [
        Kept(
            accounts=accounts[lane].copy(),
            rows=kept,
            equity=kept_path[0, :, lane].copy(),
            inventory=kept_path[1, :, lane].copy(),
            below=kept_path[2, :, lane].copy(),
            largest=float(water[0, lane]),
            under_water=float(water[1, lane]),
        )
        for lane in range(len(runs))
    ]


def play_lanes(
    runs: Sequence[Run],
    rows: Callable[[str], tuple[MarketRows, PathRows]],
    failed: Mapping[str, str],
) -> dict[str, Kept]:
    """Play every run of a pack that lanes can play.

    Parameters
    ----------
    runs : sequence of Run
        Runs of a pack.
    rows : callable
        Market and path of a quote id.
    failed : mapping
        Quotes that failed.

    Returns
    -------
    dict
        By run id. A run with a bad setting is left out: playing it alone names what is wrong.
    """
    groups: dict[tuple[object, ...], list[Run]] = {}
    for run in runs:
        try:
            key = None if run.quote_id in failed else lane_key(run)
            if key is not None:
                market, path = rows(run.quote_id)
                require_fit(run, path)
                lane_settings(run, market)
                groups.setdefault(key, []).append(run)
        except TrialError:
            continue
    played: dict[str, Kept] = {}
    for group in groups.values():
        market, path = rows(group[0].quote_id)
        kept = kept_rows(market)
        for start in range(0, len(group), LANES):
            batch = group[start : start + LANES]
            try:
                results = simulate_lanes(batch, market, path, kept)
            except TrialError:
                # What lanes share is missing, such as a probability: each run says so alone.
                continue
            played |= {run.run_id: result for run, result in zip(batch, results, strict=True)}
    return played
