"""Quotes and sizes of every row of a run, before it is played.

What does not depend on inventory is worked out here, for all rows at once; the kernels
add the inventory.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from ethpredict.errors import TrialError
from ethpredict.quoting._lattice_kernels import fit_places, row_places
from ethpredict.quoting.confidence import confident_return
from ethpredict.quoting.lattice import Places, QuoteLattice
from ethpredict.quoting.sizing import bet_size, kelly_share, volatility_target_size
from ethpredict.sim._path_kernels import drift_path
from ethpredict.sim._quote_kernels import closed_form_rows, drift_rows
from ethpredict.sim.rows import Floats, MarketRows, PathRows, frozen
from ethpredict.sim.run import BPS, Run
from ethpredict.sim.settings import whole_lots

DAY_S = 86_400.0
CONFIDENCES = ("payoff", "linear", "none")


@dataclass(frozen=True)
class QuoteRows:
    """Quotes of every row, known at its close, shape (n,) each.

    Parameters
    ----------
    mu : ndarray
        Drift that the strategy follows, USD/s.
    centre, slope, target : ndarray
        ``delta_bid = centre + (q - target + 1/2) slope`` and ``delta_ask = centre -
        (q - target - 1/2) slope``: USD, USD per lot, lots. With nodes only the centre
        counts, and the target is that of the closed form.
    shift : ndarray
        Move of the price that distances count from, USD.
    decay : ndarray
        k, 1/USD.
    nodes, corners, weights : ndarray
        Exact quotes, see :class:`ethpredict.quoting.lattice.Cells`; nodes of shape (0, 0)
        without them.
    falling : ndarray of bool
        Whether the drift is negative: exact quotes are those of -q, sides swapped.
    """

    mu: Floats
    centre: Floats
    slope: Floats
    target: Floats
    shift: Floats
    decay: Floats
    nodes: Floats
    corners: np.ndarray
    weights: Floats
    falling: np.ndarray


@dataclass
class Lattices:
    """Exact quotes of a pack: one lattice per inventory limit and terminal, shared by runs."""

    _held: dict[tuple[int, str], QuoteLattice] = field(default_factory=dict)

    def get(self, Q: int, terminal: str) -> QuoteLattice:
        """The lattice of one limit."""
        key = Q, terminal
        if key not in self._held:
            self._held[key] = QuoteLattice(Q, terminal)
        return self._held[key]


def signal_rows(run: Run, path: PathRows, mid: Floats) -> tuple[Floats, Floats]:
    """Drift and how long it lasts, after `quoting.confidence`; zeros where ignored; read-only.

    Raises
    ------
    TrialError
        If the confidence mode needs a probability that no row has.
    """
    if not run.uses_prediction:
        return frozen(np.zeros(len(mid))), frozen(np.zeros(len(mid)))
    mode = run.word("quoting.confidence", CONFIDENCES)
    if mode == "none":
        return path.mu, path.h_rem
    needed = {"payoff": ("p", "gain", "loss"), "linear": ("p", "base_rate")}[mode]
    for name in needed:
        if not np.isfinite(getattr(path, name)).any():
            raise TrialError(
                run.run_id,
                f"quoting.confidence = {mode!r} needs {name} of a second-level model, and none of "
                f"the {len(mid)} rows has it; train one or set quoting.confidence: none",
            )
    m = confident_return(mode, path.m, path.p, path.gain, path.loss, path.base_rate)
    # No bet, no drift: not even the one that a zero log return stands for.
    mu = np.where(m == 0.0, 0.0, drift_path(mid, m, path.sigma, path.horizon_s))
    usable = np.isfinite(mu)
    return frozen(np.where(usable, mu, 0.0)), frozen(np.where(usable, path.h_rem, 0.0))


def quote_rows(run: Run, market: MarketRows, path: PathRows, lattices: Lattices) -> QuoteRows:
    """Quotes of a run on the order book.

    Parameters
    ----------
    run : Run
        Its settings.
    market, path : MarketRows, PathRows
        Its rows.
    lattices : Lattices
        Exact quotes that the pack's runs share.

    Returns
    -------
    QuoteRows

    Raises
    ------
    TrialError
        If a setting is out of its range.
    ConfigError
        If the parameters are beyond the lattice, or a probability is none.
    """
    n, mid = len(market.close), market.close
    zeros, still, strategy = np.zeros(n), frozen(np.zeros(n)), run.strategy
    rows: dict[str, np.ndarray] = dict.fromkeys(("slope", "target", "shift"), zeros)
    rows |= {"mu": still, "centre": np.full(n, np.nan), "decay": path.k}
    rows |= {"nodes": np.empty((0, 0)), "corners": np.full((n, 8), -1, dtype=np.int64)}
    rows |= {"weights": np.zeros((n, 3)), "falling": np.zeros(n, dtype=np.bool_)}
    if strategy in ("none", "hold"):
        return QuoteRows(**rows)
    if strategy == "fixed_spread":
        half = run.number("quoting.half_spread_bps", 0.0, 5000.0) * BPS
        return QuoteRows(**(rows | {"centre": half * mid}))
    mu, h_rem = signal_rows(run, path, mid)
    rows["mu"] = mu
    if run.uses_prediction and run.get("quoting.alpha") == "shift":
        rows["shift"] = mu * h_rem
        mu, h_rem = still, still
    gamma, zeta = aversions(run)
    size, most = whole_sizes(run)
    limit = most / size
    if strategy == "avellaneda_stoikov":
        left = run.number("quoting.time_left", 0.0, open_low=True)
        rows |= _avellaneda_stoikov(gamma, left, path, mu, h_rem, limit)
        return QuoteRows(**rows)
    fit = path.sigma, path.A, path.k, path.xi
    centre, slope, target = closed_form_rows(gamma, zeta, *fit, mu, h_rem, limit)
    rows |= {"centre": centre, "slope": slope, "target": target}
    if strategy == "glft_exact":
        lattice = run_lattice(run, lattices)
        risk, reach, life = lattice_rows(run, path, mu, h_rem)
        risk_fit, life_fit = lattice_fits(run, path.A, path.k, path.xi)
        cells = lattice.cells(
            Places(risk, reach, life, risk_fit[:, None], life_fit[:, None], np.arange(n))
        )
        rows |= {"nodes": lattice.nodes, "corners": cells.corners}
        rows |= {"weights": cells.weights, "falling": mu < 0.0}
    return QuoteRows(**rows)


def whole_sizes(run: Run) -> tuple[float, float]:
    """Size of an order and largest position in whole lots, as they are traded, ETH."""
    lot = run.number("sim.lob.lot_size", 0.0, open_low=True)
    order, most = "quoting.order_size", "quoting.max_inventory"
    return whole_lots(run, order, lot) * lot, whole_lots(run, most, lot) * lot


def aversions(run: Run) -> tuple[float, float]:
    """Aversion to inventory and to execution risk times order size, 1/USD."""
    size, _ = whole_sizes(run)
    gamma = zeta = run.number("quoting.gamma", 0.0, open_low=True) * size
    if run.strategy != "avellaneda_stoikov" and run.get("quoting.zeta") is not None:
        zeta = run.number("quoting.zeta", 0.0, 1000.0) * size
    return gamma, zeta


def _avellaneda_stoikov(
    gamma: float, left: float, path: PathRows, mu: Floats, h_rem: Floats, limit: float
) -> dict[str, np.ndarray]:
    """Reservation price and spread of 2008 with a constant time left, as centre and slope."""
    lean, pace = drift_rows(path.sigma, mu, h_rem, True)
    growth = gamma * left
    return {
        "centre": np.log1p(gamma / path.k) / gamma,
        "slope": (path.sigma * path.sigma) * growth,
        "target": np.clip(lean * (1.0 / growth) * np.minimum(pace, left), -limit, limit),
    }


def lattice_size(run: Run) -> int:
    """Inventory limit of a run's lattice, lots of its order."""
    size, most = whole_sizes(run)
    offset = abs(run.number("quoting.inventory_target", -run.max_inventory, run.max_inventory))
    return math.ceil((most / size + offset / size) - 1e-9)


def run_lattice(run: Run, lattices: Lattices) -> QuoteLattice:
    """The lattice that holds a run's exact quotes."""
    terminal = "stationary" if run.get("quoting.horizon") is None else "liquidation"
    return lattices.get(lattice_size(run), terminal)


def lattice_rows(
    run: Run, path: PathRows, mu: Floats, h_rem: Floats
) -> tuple[Floats, Floats, Floats]:
    """What rows say of their places in a run's lattice, shape (n,) each.

    Parameters
    ----------
    run : Run
        Its settings; only `quoting.horizon` counts.
    path : PathRows
        Its rows.
    mu, h_rem : ndarray, shape (n,)
        Drift that it follows (USD/s) and how long that lasts (s).

    Returns
    -------
    tuple of ndarray
        See :func:`ethpredict.quoting._lattice_kernels.row_places`.
    """
    horizon, held = run.get("quoting.horizon"), h_rem
    if horizon is not None:
        # The forecast move, spread over the whole time to liquidation.
        held = np.minimum(h_rem, run.number("quoting.horizon", 0.0, open_low=True))
    move = np.where(path.known, path.k * mu * held, np.nan)
    return row_places(path.sigma, move, h_rem, horizon is not None)


def lattice_fits(run: Run, A: Floats, k: Floats, xi: Floats) -> tuple[Floats, Floats]:
    """What fits say of the places of a run's rows, shape (fits,) each.

    Parameters
    ----------
    run : Run
        Its settings.
    A, k, xi : ndarray, shape (fits,)
        1/s, 1/USD, USD.

    Returns
    -------
    tuple of ndarray
        See :func:`ethpredict.quoting._lattice_kernels.fit_places`.
    """
    gamma, zeta = aversions(run)
    horizon = 1.0
    if run.get("quoting.horizon") is not None:
        horizon = run.number("quoting.horizon", 0.0, open_low=True)
    return fit_places(gamma, zeta, A, k, xi, horizon)


def size_rows(run: Run, market: MarketRows, path: PathRows) -> tuple[Floats, Floats]:
    """Largest position of every row as ``base + per_usd x capital``: ETH, ETH per USD.

    Raises
    ------
    TrialError
        If a setting is out of its range, or a mode needs a probability that no row has.
    """
    n = len(market.close)
    mode = run.sizing if run.strategy not in ("none", "hold") else "fixed"
    if mode == "fixed":
        return np.full(n, np.inf), np.zeros(n)
    if mode == "volatility_target":
        target = run.number("quoting.sizing.target", 0.0, 10.0, open_low=True)
        with np.errstate(divide="ignore"):
            size = volatility_target_size(1.0, target, path.sigma, DAY_S)
        return np.zeros(n), np.where(np.isinf(size), 1.0 / market.close, size)
    needed = ("p", "gain", "loss") if mode == "kelly" else ("p",)
    for name in needed:
        if not np.isfinite(getattr(path, name)).any():
            raise TrialError(
                run.run_id,
                f"quoting.sizing.mode = {mode!r} needs {name} of a second-level model, and none of "
                f"the {n} rows has it; train one or set the mode to fixed or volatility_target",
            )
    if mode == "bet_size":
        return run.max_inventory * np.maximum(bet_size(path.p), 0.0), np.zeros(n)
    fraction = run.number("quoting.sizing.fraction", 0.0, 1.0, open_low=True)
    positive = np.where((path.gain > 0.0) & (path.loss > 0.0), 1.0, np.nan)
    share = kelly_share(path.p, path.gain * positive, path.loss * positive, fraction)
    return np.zeros(n), share / market.close
