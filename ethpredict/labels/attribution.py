"""Weights by the return that a label accounts for."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ethpredict.labels import _kernels
from ethpredict.labels.uniqueness import concurrency


def return_attribution(
    log_return: npt.ArrayLike,
    t0: npt.ArrayLike,
    t1: npt.ArrayLike,
    count: npt.NDArray[np.int64] | None = None,
) -> npt.NDArray[np.float64]:
    """Size of the return that each label shares with the labels beside it.

    ``w_i = |sum of r_t / c'_t over t in (t0_i, t1_i]|``, where r_t is the
    return of bar t and c'_t the number of labels with ``t0 < t <= t1``: a label
    that enters at the close of bar t0 earns nothing there.

    Parameters
    ----------
    log_return : array_like of float, shape (n,), log return
        From bar to bar; not finite counts as 0 (no label spans a gap).
    t0, t1 : array_like of int, shape (m,), bar positions
        Entry and end; one with ``t1 < t0`` is missing.
    count : ndarray of int64, shape (n,), optional
        c'; by default that of these labels.

    Returns
    -------
    ndarray of float64, shape (m,), log return, >= 0
        nan where the label is missing. Not normalised: a mean over all labels
        would carry the future into the weight.

    References
    ----------
    Lopez de Prado (2018), snippet 4.10.

    Examples
    --------
    >>> return_attribution([0.0, 0.02, 0.01, -0.04], [0, 1], [2, 3])
    array([0.025, 0.035])
    """
    returns = np.nan_to_num(np.asarray(log_return, dtype=np.float64), posinf=0.0, neginf=0.0)
    starts, ends = np.asarray(t0, dtype=np.int64), np.asarray(t1, dtype=np.int64)
    if count is None:
        count = concurrency(*half_open(starts, ends), len(returns))
    shared = np.divide(returns, count, out=np.zeros(len(returns)), where=count > 0)
    sums = np.abs(_kernels.interval_sums(shared, starts + 1, ends))
    return np.where(ends == starts, 0.0, sums)


def half_open(
    t0: npt.NDArray[np.int64], t1: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Bars t0 + 1 .. t1 as closed intervals; the missing and the empty are (0, -1)."""
    some = t1 > t0
    return np.where(some, t0 + 1, 0), np.where(some, t1, -1)
