"""Exact quotes for drifts that end, from a lattice that all parameter sets share.

In units of eta the equation of the exact quotes has three numbers left: ``a =
alpha/eta`` (risk), ``x = k mu h`` (the forecast move in units of 1/k) and ``T = h eta``
(how many orders fill at best while it lasts). One lattice over (ln a, asinh x, ln T)
therefore serves every sigma, A, k, xi, gamma, order size, drift and horizon at one Q, and
a node is solved once. Between nodes the log ratios are interpolated linearly. Places in it
are counted in steps, see :mod:`ethpredict.quoting._lattice_kernels`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ethpredict.errors import ConfigError
from ethpredict.quoting import _lattice_kernels as kernels
from ethpredict.quoting._evolution_kernels import evolve_many
from ethpredict.quoting._lattice_kernels import STEP_A, STEP_T, STEP_X
from ethpredict.quoting._table_kernels import table_log_ratios
from ethpredict.quoting.checks import check_positive
from ethpredict.quoting.exact import evolved

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Largest error of a distance by interpolation, in units of (1 + |x|)/k; tested.
ERROR_BOUND = 2.5e-3
# A lattice takes a few thousand nodes; one costs milliseconds at 50 lots and seconds at 1,000.
LARGEST_Q = 1000
TERMINALS = ("stationary", "liquidation")
# Work of one evolution that the compiled loop takes on; above, the bounded solver does.
_COMPILED_WORK = 2e6


@dataclass(frozen=True)
class Places:
    """Where the rows of runs stand: what each row says, and what each fit says of a run.

    Attributes
    ----------
    risk, reach, life : ndarray, shape (n,)
        From :func:`ethpredict.quoting._lattice_kernels.row_places`; nan = not known.
    fit_risk, fit_life : ndarray, shape (fits, runs)
        From :func:`ethpredict.quoting._lattice_kernels.fit_places`.
    epoch : ndarray of int64, shape (n,)
        Fit of each row.
    """

    risk: Array
    reach: Array
    life: Array
    fit_risk: Array
    fit_life: Array
    epoch: Ints

    @classmethod
    def of(
        cls, a: npt.ArrayLike, x: npt.ArrayLike, time: npt.ArrayLike, ending: bool = False
    ) -> Places:
        """Places of one run from the three numbers themselves.

        Parameters
        ----------
        a, x, time : array_like, shape (n,)
            ``alpha/eta`` >= 0, ``k mu h`` and ``h eta`` >= 0, no unit; nan = not known.
        ending : bool
            Whether the lattice's horizon ends in a liquidation.
        """
        wide = np.broadcast_arrays(
            *(np.atleast_1d(np.asarray(v, np.float64)) for v in (a, x, time))
        )
        known = np.where(np.isnan(wide[2]), np.nan, 1.0)
        risk, reach, life = kernels.row_places(np.sqrt(wide[0]), wide[1], known, ending)
        with np.errstate(divide="ignore"):
            left = np.log(wide[2])[:, None] / STEP_T
        return cls(risk, reach, life, np.zeros_like(left), left, np.arange(len(left)))


@dataclass(frozen=True)
class Cells:
    """Cells of the rows of one run.

    Attributes
    ----------
    corners : ndarray of int64, shape (n, 8)
        Rows of :attr:`QuoteLattice.nodes`; -1 where the row is not known.
    weights : ndarray, shape (n, 3)
        Place between the corners in a, x and T.
    """

    corners: Ints
    weights: Array


class QuoteLattice:
    """Nodes solved so far at one inventory limit. What it gives never depends on what it held.

    Parameters
    ----------
    Q : int
        Inventory limit, lots, 1 to 1,000.
    terminal : {"stationary", "liquidation"}
        What holds after the horizon: the driftless stationary quotes, or liquidation at
        the mid (``v = 1``).

    Attributes
    ----------
    terminal : str
        As given.
    nodes : ndarray, shape (m, 2Q)
        Log ratios of the nodes solved.
    index : ndarray of int32, shape (entries,)
        Row of every node of a box, -1 where it is not solved.
    box : ndarray of int64, shape (6,)
        Lowest node of the index along ln(a), asinh(x), ln(T), and how many it has along each.

    Raises
    ------
    ConfigError
        If an argument is outside its range.
    """

    def __init__(self, Q: int, terminal: str = "stationary") -> None:
        check_positive(Q=Q)
        if Q > LARGEST_Q:
            raise ConfigError(
                "quoting.max_inventory / quoting.order_size",
                int(Q),
                f"<= {LARGEST_Q} where quotes are exact",
                "Raise quoting.order_size, or choose quoting.strategy: glft.",
            )
        if terminal not in TERMINALS:
            raise ConfigError("lattice.terminal", terminal, "one of " + ", ".join(TERMINALS))
        self.terminal = terminal
        self.nodes = np.empty((0, 2 * int(Q)))
        self.index = np.empty(0, dtype=np.int32)
        self.box = np.zeros(6, dtype=np.int64)

    def __len__(self) -> int:
        """Nodes solved."""
        return len(self.nodes)

    def solve(self, places: Places) -> None:
        """Solve the nodes that rows need and that are missing.

        Raises
        ------
        ConfigError
            If a place is beyond what the lattice covers; the message names it.
        """
        rows = places.risk, places.reach, places.life
        fits = places.fit_risk, places.fit_life, places.epoch
        extremes = kernels.place_extremes(*rows, *fits)
        if extremes[0, 0] > extremes[0, 1]:
            return
        for name, value, most in (
            ("alpha/eta", np.exp(extremes[0, 1] * STEP_A), kernels.LARGEST_A),
            ("k mu h", np.sinh(extremes[1, 1] * STEP_X), kernels.LARGEST_X),
            ("h eta", np.exp(extremes[2, 1] * STEP_T), kernels.LARGEST_T),
        ):
            if value > most:
                raise ConfigError(
                    f"quoting lattice {name}",
                    float(value),
                    f"<= {most:g}",
                    "Lower quoting.gamma or the horizon of the prediction.",
                )
        self._widen(np.floor(extremes).astype(np.int64))
        marks = np.zeros(len(self.index), dtype=np.uint8)
        kernels.mark_cells(*rows, *fits, self.box, marks)
        missing = kernels.missing_nodes(marks, self.index, self.box)
        if len(missing):
            solved = self._solved(missing)
            self.index[missing] = len(self.nodes) + np.arange(len(missing))
            self.nodes = np.concatenate((self.nodes, solved))

    def cells(self, places: Places) -> Cells:
        """Cells of the rows of one run; nodes that are missing are solved.

        Parameters
        ----------
        places : Places
            Of one run.

        Returns
        -------
        Cells

        Raises
        ------
        ConfigError
            If a place is beyond what the lattice covers; the message names it.
        """
        self.solve(places)
        n = len(places.risk)
        cells = Cells(np.full((n, 8), -1, dtype=np.int64), np.zeros((n, 3)))
        kernels.fill_cells(
            places.risk,
            places.reach,
            places.life,
            places.fit_risk[places.epoch, 0],
            places.fit_life[places.epoch, 0],
            self.index,
            self.box,
            cells.corners,
            cells.weights,
        )
        return cells

    def _widen(self, cells: Ints) -> None:
        """Let the index hold the corners of the cells from the least to the largest, (3, 2)."""
        low, high = cells[:, 0], cells[:, 1] + 2
        if len(self.index):
            low = np.minimum(low, self.box[:3])
            high = np.maximum(high, self.box[:3] + self.box[3:])
        box = np.concatenate((low, high - low))
        if np.array_equal(box, self.box):
            return
        wide = np.full(box[3:], -1, dtype=np.int32)
        if len(self.index):
            inside = tuple(
                slice(start, start + count)
                for start, count in zip(self.box[:3] - low, self.box[3:], strict=True)
            )
            wide[inside] = self.index.reshape(self.box[3:])
        self.index, self.box = wide.ravel(), box

    def _solved(self, entries: Ints) -> Array:
        """Log ratios of the nodes at entries of the index, shape (m, 2Q)."""
        width = self.nodes.shape[1]
        place_a, place_x, place_t = np.unravel_index(entries, tuple(self.box[3:]))
        risk = np.exp((place_a + self.box[0]) * STEP_A)
        move = np.sinh((place_x + self.box[1]) * STEP_X)
        left = np.exp((place_t + self.box[2]) * STEP_T)
        ends = np.zeros((len(entries), width))
        moving = np.ones(len(entries), dtype=bool)
        if self.terminal == "stationary":
            distinct, which = np.unique(risk, return_inverse=True)
            # Rising in a: sixteen neighbours share the number of steps.
            still = np.empty((len(distinct), width))
            flat = np.zeros(len(distinct))
            table_log_ratios(width // 2, distinct, flat, flat + 1.0, still)
            ends, moving = still[which.ravel()], move > 0.0
        out = ends.copy()
        drift = move / left
        work = left * (0.25 * risk * width**2 + drift * width + 2.0) * width
        quick = np.flatnonzero(moving & (work <= _COMPILED_WORK))
        fast = np.empty((len(quick), width))
        evolve_many(ends[quick], risk[quick], drift[quick], left[quick], fast)
        out[quick] = fast
        for i in np.flatnonzero(moving & (work > _COMPILED_WORK)):
            out[i] = evolved(ends[i], float(risk[i]), float(drift[i]), 1.0, float(left[i]))
        return out
