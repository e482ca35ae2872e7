"""Exact quotes for drifts that end, from a lattice that all parameter sets share.

In units of eta the equation of the exact quotes has three numbers left: ``a =
alpha/eta`` (risk), ``x = k mu h`` (the forecast move in units of 1/k) and ``T = h eta``
(how many orders fill at best while it lasts). One lattice over (ln a, asinh x, ln T)
therefore serves every sigma, A, k, xi, gamma, order size, drift and horizon at one Q, and
a node is solved once. Between nodes the log ratios are interpolated linearly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ethpredict.errors import ConfigError
from ethpredict.quoting._lattice_kernels import evolve_many
from ethpredict.quoting._table_kernels import table_log_ratios
from ethpredict.quoting.checks import check_positive
from ethpredict.quoting.exact import evolved

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

STEP_A, STEP_X, STEP_T = 0.1, 0.05, 0.1
# Beyond these nothing is interpolated: LEAST_T stands for every shorter horizon.
LEAST_A, LARGEST_A = 1e-12, 1e6
LEAST_T, LARGEST_T = 1e-3, 1e9
LARGEST_X = 1e6
# Largest error of a distance by interpolation, in units of (1 + |x|)/k; tested.
ERROR_BOUND = 2.5e-3
# A lattice takes a few thousand nodes; one costs milliseconds at 50 lots and seconds at 1,000.
LARGEST_Q = 1000
TERMINALS = ("stationary", "liquidation")
_FIELD, _BIAS = 20, 1 << 19
# Work of one evolution that the compiled loop takes on; above, the bounded solver does.
_COMPILED_WORK = 2e5


@dataclass(frozen=True)
class Cells:
    """Where rows stand in the lattice.

    Attributes
    ----------
    corners : ndarray of int64, shape (n, 8)
        Rows of :attr:`QuoteLattice.nodes`; -1 where the row is not known.
    weights : ndarray, shape (n, 3)
        Place between the corners in a, x and T.
    falling : ndarray of bool, shape (n,)
        Whether the drift is negative: the quotes are those of -q, sides swapped.
    """

    corners: Ints
    weights: Array
    falling: npt.NDArray[np.bool_]


class QuoteLattice:
    """Nodes solved so far at one inventory limit. What it gives never depends on what it held.

    Parameters
    ----------
    Q : int
        Inventory limit, lots, 1 to 1,000.
    terminal : {"stationary", "liquidation"}
        What holds after the horizon: the driftless stationary quotes, or liquidation at
        the mid (``v = 1``).

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
        self._terminal = terminal
        self._keys, self._order = np.empty(0, np.int64), np.empty(0, np.int64)
        self.nodes = np.empty((0, 2 * int(Q)))

    def __len__(self) -> int:
        """Nodes solved."""
        return len(self.nodes)

    def cells(self, a: npt.ArrayLike, x: npt.ArrayLike, time: npt.ArrayLike) -> Cells:
        """Places of rows; nodes that are missing are solved.

        Parameters
        ----------
        a, x, time : array_like, shape (n,)
            ``alpha/eta`` >= 0, ``k mu h`` and ``h eta`` >= 0, no unit; nan = not known.

        Returns
        -------
        Cells

        Raises
        ------
        ConfigError
            If a value is beyond what the lattice covers; the message names it.
        """
        risk, move, left = np.broadcast_arrays(
            *(np.atleast_1d(np.asarray(v, np.float64)) for v in (a, x, time))
        )
        known = ~(np.isnan(risk) | np.isnan(move) | np.isnan(left))
        for name, value, most in (
            ("alpha/eta", risk, LARGEST_A),
            ("k mu h", np.abs(move), LARGEST_X),
            ("h eta", left, LARGEST_T),
        ):
            if np.any(value[known] > most):
                raise ConfigError(
                    f"quoting lattice {name}",
                    float(value[known].max()),
                    f"<= {most:g}",
                    "Lower quoting.gamma or the horizon of the prediction.",
                )
        still = (move == 0.0) if self._terminal == "stationary" else np.zeros(len(move), bool)
        places = np.stack(
            [
                np.log(np.where(known, np.maximum(risk, LEAST_A), 1.0)) / STEP_A,
                np.arcsinh(np.where(known, np.abs(move), 0.0)) / STEP_X,
                # Without a drift the stationary quotes do not depend on the horizon.
                np.log(np.where(known & ~still, np.maximum(left, LEAST_T), 1.0)) / STEP_T,
            ],
            axis=1,
        )
        low = np.floor(places).astype(np.int64)
        weights = places - low
        base, which = np.unique(_pack(low[known]), return_inverse=True)
        corners = np.full((len(risk), 8), -1, dtype=np.int64)
        corners[known] = self._rows(base)[which.ravel()]
        return Cells(corners, weights, np.asarray(move < 0.0))

    def _rows(self, base: Ints) -> Ints:
        """Rows of the eight nodes above each base node, shape (m, 8)."""
        bits = np.array([[c >> 2 & 1, c >> 1 & 1, c & 1] for c in range(8)], dtype=np.int64)
        offsets = bits @ np.array([1 << 2 * _FIELD, 1 << _FIELD, 1])
        wanted = base[:, None] + offsets
        distinct = np.unique(wanted)
        # The keys are sorted: a search is cheaper than comparing all of them with all.
        at = np.searchsorted(self._keys, distinct)
        held = np.zeros(len(distinct), dtype=bool)
        inside = at < len(self._keys)
        held[inside] = self._keys[at[inside]] == distinct[inside]
        missing = distinct[~held]
        if len(missing):
            rows = len(self.nodes) + np.arange(len(missing))
            self.nodes = np.concatenate((self.nodes, self._solved(missing)))
            keys, order = np.append(self._keys, missing), np.append(self._order, rows)
            sort = np.argsort(keys)
            self._keys, self._order = keys[sort], order[sort]
        return np.asarray(self._order[np.searchsorted(self._keys, wanted)], dtype=np.int64)

    def _solved(self, keys: Ints) -> Array:
        """Log ratios of nodes, shape (m, 2Q)."""
        width = self.nodes.shape[1]
        index = _unpack(keys)
        risk = np.exp(index[:, 0] * STEP_A)
        move, left = np.sinh(index[:, 1] * STEP_X), np.exp(index[:, 2] * STEP_T)
        ends = np.zeros((len(keys), width))
        moving = np.ones(len(keys), dtype=bool)
        if self._terminal == "stationary":
            # Sorted by a: sixteen neighbours share the number of steps.
            table_log_ratios(width // 2, risk, np.zeros(len(keys)), np.ones(len(keys)), ends)
            moving = index[:, 1] > 0
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


def _pack(index: Ints) -> Ints:
    """Three whole numbers in one."""
    return np.asarray(
        ((index[:, 0] + _BIAS) << 2 * _FIELD) | (index[:, 1] << _FIELD) | (index[:, 2] + _BIAS)
    )


def _unpack(keys: Ints) -> Ints:
    """The three whole numbers of each key, shape (m, 3)."""
    mask = (1 << _FIELD) - 1
    return np.stack(
        ((keys >> 2 * _FIELD) - _BIAS, (keys >> _FIELD) & mask, (keys & mask) - _BIAS), axis=1
    )
