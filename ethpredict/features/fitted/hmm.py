"""Volatility regimes by a hidden Markov model: fitted by EM, read by the filter."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ethpredict import rolling
from ethpredict.features.fitted import _hmm_kernels
from ethpredict.features.fitted.base import (
    FitError,
    Flags,
    Floats,
    Rows,
    column_of,
    one_input,
    training_only,
)

logger = logging.getLogger(__name__)
KIND = "hmm"
MIN_ROWS_PER_STATE = 50
FLOOR = 1e-6
"""Smallest variance of a state relative to the variance of the training rows."""


@dataclass(frozen=True, slots=True)
class GaussianHmm:
    """Filtered probabilities of the states of a Gaussian hidden Markov model.

    Parameters
    ----------
    name : str
        Prefix of the columns.
    input : str
        Column that is read (log returns of one bar).
    means, sds : ndarray of float64, shape (K,), log return per bar
        Normal law of each state, states by rising deviation.
    moves : ndarray of float64, shape (K, K)
        Row j: probabilities of the next state after j.
    start : ndarray of float64, shape (K,)
        Stationary law of `moves`: state of a stretch's first row.
    block : int, rows
        See Notes.
    loglik : float
        Log likelihood of the training rows, nats.
    iterations : int
        EM steps that were taken.

    Notes
    -----
    Columns ``{name}_1 … {name}_{K-1}``: P(state k at t | returns up to t), the
    calmest state left out because all sum to one. These are *filtered*
    probabilities (Hamilton's recursion). Smoothed ones use the future and
    appear only inside EM, on training rows. A filter that runs for ever has no
    finite memory: the rows of block b (absolute rows) are read from a filter
    that began with block b - 1 at the stationary law.

    EM starts from thirds (halves) of the training rows by |return| and moves
    that stay with 0.95; it ends when the log likelihood rises by less than
    1e-8 of itself. Nothing is random.

    References
    ----------
    Hamilton (1989), doi:10.2307/1912559, section 4. Baum et al. (1970),
    doi:10.1214/aoms/1177697196. Rabiner (1989), doi:10.1109/5.18626, eq. 19-40.
    """

    name: str
    input: str
    means: Floats
    sds: Floats
    moves: Floats
    start: Floats
    block: int
    loglik: float
    iterations: int

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the features."""
        return tuple(f"{self.name}_{k}" for k in range(1, len(self.means)))

    @property
    def memory(self) -> int:
        """Longest look-back in rows."""
        return 2 * self.block - 1

    @classmethod
    def fit(
        cls, item: Mapping[str, Any], inputs: pd.DataFrame, rows: Rows, gap: Flags
    ) -> GaussianHmm:
        """Fit by EM; options ``states`` (2 or 3), ``block``, ``steps``."""
        source, options = one_input(item["inputs"], KIND), item["options"]
        states = int(options["states"])
        values = training_only(column_of(inputs, source), rows)
        run = rolling.run_lengths(values, gap)
        known = values[run > 0]
        if len(known) < states * MIN_ROWS_PER_STATE or not np.ptp(known) > 0.0:
            raise FitError(
                f"{item['name']}: {len(known)} training rows with moves of {source}, at least "
                f"{states * MIN_ROWS_PER_STATE} are needed for {states} states; lengthen "
                "validation.train_days or set features.regime_states lower"
            )
        law = _first_guess(known, states)
        floor = FLOOR * float(known.var())
        before, steps = -np.inf, 0
        while steps < int(options["steps"]):
            gamma, counts, loglik = _hmm_kernels.expectations(values, run, *law)
            if loglik - before < 1e-8 * abs(loglik):
                break
            law, before, steps = _maximised(values, gamma, counts, floor), loglik, steps + 1
        else:
            loglik = _hmm_kernels.expectations(values, run, *law)[2]
            logger.warning("%s: EM took all its %d steps", item["name"], steps)
        means, sds, moves, _ = law
        order = np.argsort(sds, kind="stable")
        moves = np.ascontiguousarray(moves[np.ix_(order, order)])
        means, sds = means[order], sds[order]
        block = int(options["block"])
        start = stationary(moves)
        return cls(item["name"], source, means, sds, moves, start, block, float(loglik), steps)

    def transform(self, inputs: pd.DataFrame, gap: Flags) -> Floats:
        """Filtered probabilities, shape (n, K - 1); nan where the input is."""
        values = column_of(inputs, self.input)
        run = rolling.run_lengths(values, gap)
        law = self.means, self.sds, self.moves, self.start
        return _hmm_kernels.filtered(values, run, *law, self.block)[:, 1:]

    def state(self) -> dict[str, Any]:
        """JSON form."""
        arrays = {key: getattr(self, key).tolist() for key in ("means", "sds", "moves", "start")}
        rest = {
            key: getattr(self, key) for key in ("name", "input", "block", "loglik", "iterations")
        }
        return {"kind": KIND, **rest, **arrays}

    @classmethod
    def load(cls, state: Mapping[str, Any]) -> GaussianHmm:
        """Inverse of :meth:`state`."""
        means, sds, moves, start = (
            np.array(state[key], dtype=np.float64) for key in ("means", "sds", "moves", "start")
        )
        rest = (state[key] for key in ("block", "loglik", "iterations"))
        return cls(state["name"], state["input"], means, sds, moves, start, *rest)


Law = tuple[Floats, Floats, Floats, Floats]


def _first_guess(known: Floats, states: int) -> Law:
    """Equal parts of the rows by distance from the mean."""
    away = np.sort(np.abs(known - known.mean()))
    parts = np.array_split(away, states)
    floor = np.sqrt(FLOOR) * known.std()
    sds = np.array([max(np.sqrt(np.mean(part * part)), floor) for part in parts])
    moves = np.full((states, states), 0.05 / (states - 1))
    np.fill_diagonal(moves, 0.95)
    return np.full(states, known.mean()), sds, moves, stationary(moves)


def _maximised(values: Floats, gamma: Floats, counts: Floats, floor: float) -> Law:
    """The law that makes the expected complete likelihood largest (start: stationary)."""
    weight = np.maximum(gamma.sum(axis=0), 1e-12)
    filled = np.nan_to_num(values)[:, None]
    means = (gamma * filled).sum(axis=0) / weight
    variance = (gamma * (filled - means) ** 2).sum(axis=0) / weight
    moves = np.maximum(counts, 1e-12)
    moves = moves / moves.sum(axis=1, keepdims=True)
    return means, np.sqrt(np.maximum(variance, floor)), moves, stationary(moves)


def stationary(moves: Floats) -> Floats:
    """Law that one more move leaves as it is.

    Examples
    --------
    >>> stationary(np.array([[0.9, 0.1], [0.3, 0.7]])).round(12)
    array([0.75, 0.25])
    """
    k = len(moves)
    system = np.vstack([moves.T - np.eye(k), np.ones(k)])
    law = np.linalg.lstsq(system, np.append(np.zeros(k), 1.0), rcond=None)[0]
    law = np.maximum(law, 0.0)
    return np.asarray(law / law.sum())
