"""Average uniqueness of overlapping labels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ethpredict.labels import _kernels


def concurrency(t0: npt.ArrayLike, t1: npt.ArrayLike, n_bars: int) -> npt.NDArray[np.int64]:
    """Number of labels alive at each bar: c_t = #{i : t0_i <= t <= t1_i}.

    Parameters
    ----------
    t0, t1 : array_like of int, shape (m,), bar positions
        Closed intervals; one with ``t1 < t0`` (-1: missing) counts nowhere.
    n_bars : int
        Bars in all; every position must be smaller.

    Returns
    -------
    ndarray of int64, shape (n_bars,)
        Counts.

    Examples
    --------
    >>> concurrency([0, 1, 4], [2, 2, 4], 6)
    array([1, 2, 2, 0, 1, 0])
    """
    starts, ends = np.asarray(t0, dtype=np.int64), np.asarray(t1, dtype=np.int64)
    alive = ends >= starts
    if starts.shape != ends.shape or starts.ndim != 1:
        raise ValueError(f"t0 and t1 must have one shape (m,), not {starts.shape}, {ends.shape}")
    if alive.any() and not (starts[alive].min() >= 0 and ends[alive].max() < n_bars):
        raise ValueError(f"label positions must lie in 0 .. {n_bars - 1}")
    return _kernels.count_alive(starts, ends, n_bars)


def average_uniqueness(
    t0: npt.ArrayLike, t1: npt.ArrayLike, count: npt.NDArray[np.int64] | None = None
) -> npt.NDArray[np.float64]:
    """Mean of one over the number of labels alive, over each label's life.

    ``u_i = mean of 1/c_t over t in [t0_i, t1_i]``, in O(bars + labels).

    Parameters
    ----------
    t0, t1 : array_like of int, shape (m,), bar positions
        Closed intervals; one with ``t1 < t0`` is missing.
    count : ndarray of int64, shape (n_bars,), optional
        :func:`concurrency`; by default that of these labels.

    Returns
    -------
    ndarray of float64, shape (m,), in (0, 1]
        nan where the label is missing. Not normalised: a mean over all labels
        would carry the future into the weight.

    References
    ----------
    Lopez de Prado (2018), snippets 4.1-4.2.

    Examples
    --------
    >>> average_uniqueness([0, 1, 4], [2, 2, 4])
    array([0.66666667, 0.5       , 1.        ])
    """
    starts, ends = np.asarray(t0, dtype=np.int64), np.asarray(t1, dtype=np.int64)
    if count is None:
        count = concurrency(starts, ends, int(ends.max(initial=-1)) + 1)
    return _kernels.mean_inverse(starts, ends, count)
