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
from ethpredict.sim.run import BPS, Run
from ethpredict.sim.settings import lob_settings
from ethpredict.sim.venue import require_fit

STRATEGIES = ("glft_exact", "glft", "avellaneda_stoikov", "fixed_spread")
# Terms beyond this go alone: there a product might leave the floats, which lanes do not check.
LARGEST_TERM = 1e100

# What runs must share so that a row's ticks and volumes are worked out once for all.
RULES = (
    "sim.lob.lot_size",
    "sim.lob.tick_size",
    "sim.lob.penetration_ticks",
    "sim.lob.participation",
    "sim.latency_ms",
)

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
    known : ndarray of bool, shape (stretches,)
        Whether A, k and xi are known in it.
    """

    market: MarketRows
    path: PathRows
    epoch: Ints
    first: Ints
    known: Bools

    @classmethod
    def of(cls, market: MarketRows, path: PathRows) -> LaneRows:
        """Find the stretches."""
        changed = np.zeros(len(path.A), dtype=np.bool_)
        for values in (path.A, path.k, path.xi):
            same = (values[1:] == values[:-1]) | (np.isnan(values[1:]) & np.isnan(values[:-1]))
            changed[1:] |= ~same
        first = np.concatenate([[0], np.flatnonzero(changed)])
        return cls(market, path, np.cumsum(changed), first, path.known[first])


@dataclass(frozen=True)
class Motion:
    """What lanes of one key share.

    Parameters
    ----------
    table : ndarray, shape (n, N_ROW)
        Rows, see the ``R_`` constants of :mod:`ethpredict.sim._lane_account_kernels`.
    scale, lean, pace : ndarray, shape (n,)
        What was known at the close of each row, see :mod:`ethpredict.sim._lane_quote_kernels`;
        with exact quotes the places of the rows, see :func:`ethpredict.sim.quotes.lattice_rows`.
    kind : int
        How the quotes come about.
    """

    table: Floats
    scale: Floats
    lean: Floats
    pace: Floats
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
        Quote path, strategy, use of the prediction, confidence, lattice, and the rules of the
        book that say which prices and volumes of a row count.
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
    rules = *(run.get(name) for name in RULES), run.settings["sim"]["lob"].get("fill")
    return run.quote_id, strategy, alpha, confidence, lattice, *rules


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
        layout.V_ROOM: whole[lob.S_MAX_LOTS] - order,
        layout.V_DEBT: order - whole[lob.S_MAX_LOTS],
        layout.V_SIZE: order * lot,
        layout.V_TARGET: whole[lob.S_TARGET],
        layout.V_LEAST: whole[lob.S_LEAST],
        layout.V_MOST: whole[lob.S_MOST],
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
        # Exact quotes have places there, of either sign.
        if run.strategy != "glft_exact" and not (terms[rows.known, 2] > 0.0).all():
            return None
        terms = np.where(rows.known[:, None], terms, 0.0)
    settings = np.zeros(layout.T_CENTRE // layout.LANES)
    for place, value in places.items():
        settings[place // layout.LANES] = value
    # Also false where a term is no number.
    small = (np.abs(terms) <= LARGEST_TERM).all() and places.get(
        layout.V_REACH, 0.0
    ) <= LARGEST_TERM
    return Lane(run, key, settings, terms) if small else None


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
    zeros, known = np.zeros(n), np.ones(n, dtype=np.bool_)
    scale, lean, pace, shift, mu = frozen(np.zeros(n)), zeros, zeros, zeros, zeros
    kind = kinds.EXACT if run.strategy == "glft_exact" else kinds.NO_AIM
    if run.strategy != "fixed_spread":
        timed = run.strategy == "avellaneda_stoikov"
        known = np.isfinite(path.sigma) & path.known
        scale = frozen(path.sigma * path.sigma) if timed else path.sigma
        mu, h_rem = signal_rows(run, path, market.close)
        if run.uses_prediction and run.get("quoting.alpha") == "shift":
            shift, mu, h_rem = mu * h_rem, zeros, zeros
        if kind == kinds.EXACT:
            scale, lean, pace = lattice_rows(run, path, mu, h_rem)
        elif run.uses_prediction and run.get("quoting.alpha") != "shift":
            lean, pace = drift_rows(path.sigma, mu, h_rem, timed)
            kind = kinds.TIMED_AIM if timed else kinds.GLFT_AIM
    table = _book_rows(run, market, shift)
    columns = {
        layout.R_SCALE: scale,
        layout.R_LEAN: lean,
        layout.R_PACE: pace,
        layout.R_FALLING: mu < 0.0,
        layout.R_DECAY: path.k,
        layout.R_QUOTING: known,
    }
    before = np.maximum(np.arange(n) - 1, 0)
    for column, values in columns.items():
        table[:, column] = values[before]
    table[market.gap, layout.R_QUOTING] = table[0, layout.R_QUOTING] = 0.0
    return Motion(table, scale, lean, pace, kind)


def _book_rows(run: Run, market: MarketRows, shift: Floats) -> Floats:
    """What the market and the rules of the book say about every row, whatever the quotes."""
    rules = lob_settings(run, market)
    table, lot = np.zeros((len(market.close), layout.N_ROW)), rules[lob.S_LOT]
    kernels.tick_rows(
        market.low,
        market.high,
        market.close,
        shift,
        rules[lob.S_TICK],
        rules[lob.S_PENETRATION],
        table,
    )
    live = np.maximum(0.0, 1.0 - rules[lob.S_LATENCY] * (1.0 / market.duration))
    share = rules[lob.S_PARTICIPATION] * live
    sides = (
        (layout.R_LEFT_BID, layout.R_ANY_BID, market.sell_volume),
        (layout.R_LEFT_ASK, layout.R_ANY_ASK, market.buy_volume),
    )
    for left, any_left, volume in sides:
        table[:, left] = np.floor(volume / lot * share + 1e-9)
        table[:, any_left] = table[:, left] >= 1.0
    table[:, layout.R_CLOSE], table[:, layout.R_SECONDS] = market.close, market.seconds
    table[0, layout.R_REFERENCE], table[1:, layout.R_REFERENCE] = market.close[0], market.close[:-1]
    table[:, layout.R_MARKED] = ~np.isnan(market.future_close)
    table[:, layout.R_LATER] = np.nan_to_num(market.future_close)
    return table
