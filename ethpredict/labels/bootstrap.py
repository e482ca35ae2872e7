"""Sequential bootstrap: samples of labels that overlap less than at random."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ethpredict.labels import _bootstrap_kernels
from ethpredict.labels.uniqueness import concurrency

Index = npt.NDArray[np.int64]


def sequential_bootstrap(
    t0: npt.ArrayLike, t1: npt.ArrayLike, rng: np.random.Generator, draws: int | None = None
) -> Index:
    """Draw labels with replacement, the more unique the more likely.

    Before each draw label i has probability proportional to the mean over its
    life of ``1 / (1 + c_t)``, c_t the number of draws so far that are alive at
    bar t. Memory is O(bars + labels), time about O(length + log labels) a
    draw; no indicator matrix of bars and labels is built.

    Parameters
    ----------
    t0, t1 : array_like of int, shape (m,), bar positions, 0 <= t0 <= t1
        Closed label intervals; leave out samples without a label.
    rng : numpy.random.Generator
        Source of the draws.
    draws : int, optional
        Number of draws; by default m.

    Returns
    -------
    ndarray of int64, shape (draws,)
        Positions in `t0`, in order of drawing.

    Raises
    ------
    ValueError
        If an interval is malformed.

    References
    ----------
    Lopez de Prado (2018), section 4.5. Lewis and Shedler (1979), thinning,
    doi:10.1002/nav.3800260304.

    Examples
    --------
    >>> sequential_bootstrap([0, 0, 5], [4, 4, 6], np.random.default_rng(1)).shape
    (3,)
    """
    starts, ends = _intervals(t0, t1)
    number = len(starts) if draws is None else draws
    if not len(starts) and number:
        raise ValueError("there is no label to draw")
    bars = int(ends.max(initial=-1)) + 1
    return _bootstrap_kernels.sequential_draws(starts, ends, bars, number, rng)


def draw_probabilities(
    t0: npt.ArrayLike, t1: npt.ArrayLike, drawn: npt.ArrayLike
) -> npt.NDArray[np.float64]:
    """Probability of each label in the next draw, given those drawn before.

    Parameters
    ----------
    t0, t1 : array_like of int, shape (m,), bar positions
        As in :func:`sequential_bootstrap`.
    drawn : array_like of int, shape (k,)
        Positions drawn so far.

    Returns
    -------
    ndarray of float64, shape (m,)
        Sums to 1.

    Examples
    --------
    >>> (draw_probabilities([0, 2, 4], [2, 3, 5], [1]) * 14).round(12).tolist()
    [5.0, 3.0, 6.0]
    """
    starts, ends = _intervals(t0, t1)
    index = np.asarray(drawn, dtype=np.int64)
    count = concurrency(starts[index], ends[index], int(ends.max(initial=-1)) + 1)
    values = np.array(
        [
            _bootstrap_kernels.uniqueness_if_drawn(first, last, count)
            for first, last in zip(starts, ends, strict=True)
        ]
    )
    return values / values.sum()


def _intervals(t0: npt.ArrayLike, t1: npt.ArrayLike) -> tuple[Index, Index]:
    starts = np.ascontiguousarray(t0, dtype=np.int64)
    ends = np.ascontiguousarray(t1, dtype=np.int64)
    if starts.shape != ends.shape or starts.ndim != 1 or np.any((starts < 0) | (ends < starts)):
        raise ValueError("labels must have one shape (m,) and 0 <= t0 <= t1")
    return starts, ends
