"""What lanes read of a run: which runs may stand side by side, their settings and terms.

A run goes into lanes where its size is fixed, it has one layer, and it has no timeout.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ethpredict.sim import _lane_account_kernels as layout
from ethpredict.sim import _lane_kernels as kernels
from ethpredict.sim import _lane_quote_kernels as kinds
from ethpredict.sim import _lob_kernels as lob
from ethpredict.sim._quote_kernels import drift_rows, epoch_terms
from ethpredict.sim.quotes import (
    CONFIDENCES,
    aversions,
    lattice_fits,
    lattice_rows,
    lattice_size,
    signal_rows,
)
from ethpredict.sim.rows import Bools, Floats, Ints, MarketRows, PathRows, frozen
from ethpredict.sim.settings import BPS, Run, lob_settings
from ethpredict.sim.venue import require_fit

STRATEGIES = ("glft_exact", "glft", "avellaneda_stoikov", "fixed_spread")
# Terms beyond this go alone: there a product might leave the floats, which lanes do not check.
LARGEST_TERM = 1e100

LaneKey = tuple[object, ...]


@dataclass(frozen=True)
class Lane:
    """One run as lanes read it.

    Parameters
    ----------
    run : Run
        The run.
    key : tuple
        What runs must share to stand side by side, see :func:`lane_key`.
    settings : ndarray, shape (settings,)
        In the order of the ``V_`` constants.
    terms : ndarray, shape (fits, 3)
        Centre, growth and pull of every fit, 0 where it is not known; of exact quotes centre
        and what :func:`ethpredict.sim.quotes.lattice_fits` says.
    """

    run: Run
    key: LaneKey
    settings: Floats
    terms: Floats


@dataclass(frozen=True)
class LaneRows:
    """Rows of one quote path, and the stretches in which A, k and xi stay as they are.

    Parameters
    ----------
    market, path : MarketRows, PathRows
        The rows.
    epoch : ndarray of int64, shape (n,)
        Number of each row's stretch.
    first : ndarray of int64, shape (stretches,)
        First row of each.
    """

    market: MarketRows
    path: PathRows
    epoch: Ints
    first: Ints

    @classmethod
    def of(cls, market: MarketRows, path: PathRows) -> LaneRows:
        """Find the stretches."""
        changed = np.zeros(len(path.A), dtype=np.bool_)
        for values in (path.A, path.k, path.xi):
            same = (values[1:] == values[:-1]) | (np.isnan(values[1:]) & np.isnan(values[:-1]))
            changed[1:] |= ~same
        first = np.concatenate([[0], np.flatnonzero(changed)])
        return cls(market, path, np.cumsum(changed), first)


@dataclass(frozen=True)
class Motion:
    """What lanes of one key share, shape (n,) each; see ``run_lanes``.

    With exact quotes `scale`, `lean` and `pace` are the places of the rows, see
    :func:`ethpredict.sim.quotes.lattice_rows`.
    """

    ticks: tuple[Floats, ...]
    rate: Floats
    buy_lots: Floats
    sell_lots: Floats
    quoting: Bools
    scale: Floats
    lean: Floats
    pace: Floats
    shift: Floats
    mu: Floats
    kind: int


def lane_key(run: Run) -> LaneKey | None:
    """What runs must share to stand in the same lanes; None for a run that has to go alone.

    Parameters
    ----------
    run : Run
        A run.

    Returns
    -------
    tuple or None
        Quote path, strategy, use of the prediction, confidence, lattice, lot and tick.
    """
    strategy = run.strategy
    if run.venue != "lob" or strategy not in STRATEGIES or run.get("sim.fidelity") != "bars":
        return None
    alone = (
        run.get("quoting.layers.count") != 1
        or run.sizing != "fixed"
        or run.get("quoting.sizing.max_leverage") is not None
        or run.get("quoting.inventory_timeout") is not None
    )
    if alone:
        return None
    alpha = run.get("quoting.alpha") if run.uses_prediction else "off"
    confidence = "none" if alpha == "off" else run.word("quoting.confidence", CONFIDENCES)
    lattice: LaneKey = ()
    if strategy == "glft_exact":
        lattice = lattice_size(run), run.get("quoting.horizon")
    size = run.get("sim.lob.lot_size"), run.get("sim.lob.tick_size")
    return run.quote_id, strategy, alpha, confidence, lattice, *size


def read_lane(run: Run, rows: LaneRows) -> Lane | None:
    """A run as lanes read it; None where it has to go alone.

    Parameters
    ----------
    run : Run
        A run.
    rows : LaneRows
        Its rows.

    Raises
    ------
    TrialError
        If a setting is out of its range.
    """
    key = lane_key(run)
    if key is None:
        return None
    require_fit(run, rows.path)
    whole = lob_settings(run, rows.market)
    order, lot = whole[lob.S_ORDER_LOTS], whole[lob.S_LOT]
    places = {
        layout.V_ORDER: order,
        layout.V_MAX: whole[lob.S_MAX_LOTS],
        layout.V_SIZE: order * lot,
        layout.V_TARGET: whole[lob.S_TARGET],
        layout.V_LEAST: whole[lob.S_LEAST],
        layout.V_MOST: whole[lob.S_MOST],
        layout.V_LATENCY: whole[lob.S_LATENCY],
        layout.V_PENETRATION: whole[lob.S_PENETRATION],
        layout.V_PARTICIPATION: whole[lob.S_PARTICIPATION],
        layout.V_MAKER: whole[lob.S_MAKER],
        layout.V_TAKER: whole[lob.S_TAKER],
    }
    terms = np.zeros((len(rows.first), 3))
    if run.strategy == "fixed_spread":
        half = run.number("quoting.half_spread_bps", 0.0, 5000.0) * BPS
        places[layout.V_LEAST] = places[layout.V_MOST] = half
    else:
        places[layout.V_REACH], terms = _terms(run, rows)
        places[layout.V_LIMIT] = whole[lob.S_MAX_LOTS] * lot / (order * lot)
        known = _fitted(rows.path, rows.first)
        # Exact quotes have places there, of either sign.
        if run.strategy != "glft_exact" and not (terms[known, 2] > 0.0).all():
            return None
        terms = np.where(known[:, None], terms, 0.0)
    settings = np.zeros(layout.T_CENTRE // layout.LANES)
    for place, value in places.items():
        settings[place // layout.LANES] = value
    # Also false where a term is no number.
    small = (np.abs(terms) <= LARGEST_TERM).all() and places.get(
        layout.V_REACH, 0.0
    ) <= LARGEST_TERM
    return Lane(run, key, settings, terms) if small else None


def _fitted(path: PathRows, rows: Ints | slice) -> Bools:
    """Where A, k and xi are known."""
    return np.isfinite(path.A[rows]) & np.isfinite(path.k[rows]) & np.isfinite(path.xi[rows])


def _terms(run: Run, rows: LaneRows) -> tuple[float, Floats]:
    """Reach of a drift, and the terms of a run at every fit."""
    path, first = rows.path, rows.first
    gamma, zeta = aversions(run)
    if run.strategy == "avellaneda_stoikov":
        left = run.number("quoting.time_left", 0.0, open_low=True)
        growth, ones = gamma * left, np.ones(len(first))
        centre = np.log1p(gamma / path.k[first]) / gamma
        return 1.0 / growth, np.stack([centre, ones * growth, ones * left], axis=1)
    fits = path.A[first], path.k[first], path.xi[first]
    terms = epoch_terms(gamma, zeta, *fits)
    if run.strategy == "glft_exact":
        terms = np.stack([terms[0], *lattice_fits(run, *fits)])
    return 1.0 / gamma, terms.T


def lane_motion(run: Run, rows: LaneRows) -> Motion:
    """What a run shares with all of its key.

    Raises
    ------
    TrialError
        If the confidence mode needs a probability that no row has.
    """
    market, path, n = rows.market, rows.path, len(rows.market.close)
    tick, lot = float(run.get("sim.lob.tick_size")), float(run.get("sim.lob.lot_size"))
    zeros, known = np.zeros(n), np.ones(n, dtype=np.bool_)
    scale, lean, pace, shift, mu = frozen(np.zeros(n)), zeros, zeros, zeros, zeros
    kind = kinds.EXACT if run.strategy == "glft_exact" else kinds.NO_AIM
    if run.strategy != "fixed_spread":
        timed = run.strategy == "avellaneda_stoikov"
        known = np.isfinite(path.sigma) & _fitted(path, slice(None))
        scale = frozen(path.sigma * path.sigma) if timed else path.sigma
        mu, h_rem = signal_rows(run, path, market.close)
        if run.uses_prediction and run.get("quoting.alpha") == "shift":
            shift, mu, h_rem = mu * h_rem, zeros, zeros
        if kind == kinds.EXACT:
            scale, lean, pace = lattice_rows(run, path, mu, h_rem)
        elif run.uses_prediction and run.get("quoting.alpha") != "shift":
            lean, pace = drift_rows(path.sigma, mu, h_rem, timed)
            kind = kinds.TIMED_AIM if timed else kinds.GLFT_AIM
    quoting = np.zeros(n, dtype=np.bool_)
    quoting[1:] = known[:-1] & ~market.gap[1:]
    return Motion(
        ticks=kernels.tick_rows(market.low, market.high, market.close, tick),
        rate=1.0 / market.duration,
        buy_lots=market.buy_volume / lot,
        sell_lots=market.sell_volume / lot,
        quoting=quoting,
        scale=scale,
        lean=lean,
        pace=pace,
        shift=shift,
        mu=mu,
        kind=kind,
    )
