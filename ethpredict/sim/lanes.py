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
from ethpredict.sim.rows import Ints, MarketRows, PathRows
from ethpredict.sim.settings import Run

LANES = layout.LANES * layout.BLOCKS


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
    market, width = rows.market, layout.LANES
    count = -(-len(lanes) // width)
    blocks = np.zeros((count, layout.N_BLOCK // width, width))
    # An empty lane: orders of one lot and no room for any.
    blocks[:, [layout.V_ORDER // width, layout.V_SIZE // width]] = 1.0
    terms = np.zeros((len(rows.first), count, 3, width))
    for place, lane in enumerate(lanes):
        b, column = divmod(place, width)
        blocks[b, : len(lane.settings), column] = lane.settings
        terms[:, b, :, column] = lane.terms
    slots = np.full(len(market.close), -1, dtype=np.int64)
    slots[kept] = np.arange(len(kept))
    accounts = np.zeros((count, width, acc.N_ACCOUNTS))
    path, water = np.empty((3, len(kept), count, width)), np.empty((2, count, width))
    first = lanes[0].run
    exact = motion.kind == kinds.EXACT
    lattice = lane_lattice(lanes, rows, motion, lattices) if exact else QuoteLattice(1)
    kernels.run_lanes(
        market.close,
        *motion.ticks,
        motion.rate,
        market.seconds,
        motion.buy_lots,
        motion.sell_lots,
        market.future_close,
        motion.quoting,
        motion.scale,
        motion.lean,
        motion.pace,
        motion.shift,
        motion.mu < 0.0,
        rows.path.k,
        motion.kind,
        rows.epoch,
        terms.reshape(len(rows.first), count, 3 * width),
        float(first.get("sim.lob.lot_size")),
        float(first.get("sim.lob.tick_size")),
        lattice.nodes,
        lattice.index,
        lattice.box,
        len(lanes),
        blocks.reshape(count, layout.N_BLOCK),
        slots,
        accounts,
        path,
        water,
    )
    own = accounts.reshape(-1, acc.N_ACCOUNTS)
    paths, waters = path.reshape(3, len(kept), -1), water.reshape(2, -1)
    return [
        Kept(
            accounts=own[place].copy(),
            rows=kept,
            equity=paths[0, :, place].copy(),
            inventory=paths[1, :, place].copy(),
            below=paths[2, :, place].copy(),
            largest=float(waters[0, place]),
            under_water=float(waters[1, place]),
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
        By run id. A run with a bad setting is left out: playing it alone names what is wrong.
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
            try:
                results = simulate_lanes(batch, own, motion, kept, lattices)
            except ConfigError:
                # A run is beyond the lattice: alone, it says so, and the others are played.
                continue
            played |= {lane.run.run_id: result for lane, result in zip(batch, results, strict=True)}
    return played
