"""Many order-book runs side by side over the rows of a pack.

The runs that lanes cannot play (see :func:`ethpredict.sim.lane_settings.lane_key`), and those of
which every row is kept, are played one by one. Either way a run gives the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ethpredict.errors import ConfigError, TrialError
from ethpredict.quoting.lattice import Places, QuoteLattice
from ethpredict.sim import _account_kernels as acc
from ethpredict.sim import _lane_account_kernels as layout
from ethpredict.sim import _lane_kernels as kernels
from ethpredict.sim import _lane_quote_kernels as kinds
from ethpredict.sim.kept import Kept, kept_rows
from ethpredict.sim.lane_settings import Lane, LaneKey, LaneRows, Motion, lane_motion, read_lane
from ethpredict.sim.quotes import Lattices, run_lattice
from ethpredict.sim.rows import Floats, Ints, MarketRows, PathRows
from ethpredict.sim.run import Run

LANES = layout.LANES
# Floats of a cache line.
CACHE_LINE = 8


def lane_lattice(
    lanes: Sequence[Lane], rows: LaneRows, motion: Motion, lattices: Lattices
) -> QuoteLattice:
    """The lattice of lanes with exact quotes, in which all their cells are solved.

    Parameters
    ----------
    lanes, rows, motion, lattices
        As for :func:`simulate_lanes`.

    Raises
    ------
    ConfigError
        If a run's exact quotes are beyond the lattice.
    """
    lattice = run_lattice(lanes[0].run, lattices)
    risk, life = (np.stack([lane.terms[:, place] for lane in lanes], axis=1) for place in (1, 2))
    lattice.solve(Places(motion.scale, motion.lean, motion.pace, risk, life, rows.epoch))
    return lattice


def _empty_block() -> Floats:
    """A block of zeros that starts a cache line: no vector of it lies across two."""
    spare = np.zeros(layout.N_BLOCK + CACHE_LINE)
    first = -(spare.ctypes.data // spare.itemsize) % CACHE_LINE
    return spare[first : first + layout.N_BLOCK].reshape(-1, LANES)


def simulate_lanes(
    lanes: Sequence[Lane], rows: LaneRows, motion: Motion, kept: Ints, lattices: Lattices
) -> list[Kept]:
    """Play up to 64 runs of one :func:`lane_key` over the same rows.

    Parameters
    ----------
    lanes : sequence of Lane
        1 to 64 runs.
    rows, motion : LaneRows, Motion
        Their rows, and what they share on them.
    kept : ndarray of int64, shape (r,)
        Rising rows whose equity, inventory and drawdown are returned.
    lattices : Lattices
        Exact quotes that the pack's runs share; solved where they are missing.

    Returns
    -------
    list of Kept
        In the order of the runs.

    Raises
    ------
    ConfigError
        If a run's exact quotes are beyond the lattice.
    """
    n, run = len(rows.market.close), lanes[0].run
    block = _empty_block()
    # An empty lane: orders of one lot and no room for any.
    block[[layout.V_ORDER // LANES, layout.V_SIZE // LANES]] = 1.0
    block[layout.V_ROOM // LANES], block[layout.V_DEBT // LANES] = -1.0, 1.0
    terms = np.zeros((len(rows.first), 3, LANES))
    for place, lane in enumerate(lanes):
        block[: len(lane.settings), place] = lane.settings
        terms[:, :, place] = lane.terms
    room, target, size = (
        block[name // LANES] for name in (layout.V_ROOM, layout.V_TARGET, layout.V_SIZE)
    )
    block[layout.L_SKEW // LANES] = (0.0 - target) / size
    block[layout.L_BID_CAP // LANES] = np.where(room >= 0.0, np.inf, 0.0)
    block[layout.L_ASK_CAP // LANES] = np.where(room >= 0.0, 0.0, layout.NO_ASK)
    slots = np.full(n, -1, dtype=np.int64)
    slots[kept] = np.arange(len(kept))
    accounts = np.zeros((LANES, acc.N_ACCOUNTS))
    path, water = np.empty((3, len(kept), LANES)), np.empty((2, LANES))
    exact = motion.kind == kinds.EXACT
    lattice = lane_lattice(lanes, rows, motion, lattices) if exact else QuoteLattice(1)
    kernels.run_lanes(
        motion.table,
        motion.kind,
        rows.epoch,
        terms.reshape(len(rows.first), 3 * LANES),
        float(run.get("sim.lob.lot_size")),
        float(run.get("sim.lob.tick_size")),
        lattice.nodes,
        lattice.index,
        lattice.box,
        len(lanes),
        block.reshape(-1),
        slots,
        accounts,
        path,
        water,
    )
    return [
        Kept(
            accounts=accounts[place].copy(),
            rows=kept,
            equity=path[0, :, place].copy(),
            inventory=path[1, :, place].copy(),
            below=path[2, :, place].copy(),
            largest=float(water[0, place]),
            under_water=float(water[1, place]),
        )
        for place in range(len(lanes))
    ]


def play_lanes(
    runs: Sequence[Run],
    rows: Callable[[str], tuple[MarketRows, PathRows]],
    failed: Mapping[str, str],
    lattices: Lattices,
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
    lattices : Lattices
        Exact quotes that the pack's runs share.

    Returns
    -------
    dict
        By run id. Left out are runs with a bad setting (playing them alone names what is wrong)
        and runs with which none shares its lanes.
    """
    shared: dict[str, LaneRows] = {}
    groups: dict[LaneKey, list[Lane]] = {}
    for run in runs:
        try:
            if run.quote_id in failed:
                continue
            if run.quote_id not in shared:
                shared[run.quote_id] = LaneRows.of(*rows(run.quote_id))
            lane = read_lane(run, shared[run.quote_id])
        except TrialError:
            continue
        if lane is not None:
            groups.setdefault(lane.key, []).append(lane)
    played: dict[str, Kept] = {}
    for group in groups.values():
        own = shared[group[0].run.quote_id]
        try:
            motion = lane_motion(group[0].run, own)
        except TrialError:
            # What lanes share is missing, such as a probability: each run says so alone.
            continue
        kept = kept_rows(own.market)
        for start in range(0, len(group), LANES):
            batch = group[start : start + LANES]
            if len(batch) == 1:
                # All lanes of a block take their time, also the empty ones: alone it is faster.
                continue
            try:
                results = simulate_lanes(batch, own, motion, kept, lattices)
            except ConfigError:
                # A run is beyond the lattice: alone, it says so, and the others are played.
                continue
            played |= {lane.run.run_id: result for lane, result in zip(batch, results, strict=True)}
    return played
