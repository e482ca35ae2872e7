"""Training sequences: segments that train many overlapping windows at once.

A window of L bars ends at every training row. A segment of L + S - 1 bars holds
S such windows; one pass over it gives the loss of its last S steps, where one
window per sample would take S passes over L bars. Later steps of a segment see
more than L bars of context; prediction always uses exactly L.

Only bars in :attr:`Sequences.readable` runs are used, context included: a run
ends at a gap, at a bar with a missing feature, and at every sample that the
split keeps from training (the test block, purged and embargoed rows).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ethpredict.models.base import Rows

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Sequences:
    """Bar rows of equally long training sequences.

    Parameters
    ----------
    bars : ndarray of int64, shape (n, T), bar positions
        Bars of each sequence; padding repeats the last bar.
    sample : ndarray of int64, shape (n, T)
        Position in the training rows whose loss the step carries; -1 for none
        (context, padding, a bar that is no training row).
    """

    bars: Rows
    sample: Rows


def runs(readable: Bools, gap: Bools) -> list[tuple[int, int]]:
    """Longest stretches of readable bars without a gap inside.

    Parameters
    ----------
    readable : ndarray of bool, shape (n,)
        Bars that training may read.
    gap : ndarray of bool, shape (n,)
        Whether data is missing between a bar and the one before it.

    Returns
    -------
    list of (start, stop)
        Half-open, in time order.

    Examples
    --------
    >>> runs(np.array([1, 1, 0, 1, 1], dtype=bool), np.array([0, 0, 0, 0, 1], dtype=bool))
    [(0, 2), (3, 4), (4, 5)]
    """
    before = np.concatenate([[False], readable[:-1]])
    starts = np.flatnonzero(readable & (~before | gap))
    after = np.concatenate([readable[1:] & ~gap[1:], [False]])
    stops = np.flatnonzero(readable & ~after) + 1
    return list(zip(starts.tolist(), stops.tolist(), strict=True))


def run_lengths(readable: Bools, gap: Bools) -> Rows:
    """Readable bars without a gap up to each bar, the bar included; 0 where it is not readable.

    Examples
    --------
    >>> gap = np.array([0, 0, 0, 0, 1], dtype=bool)
    >>> run_lengths(np.array([1, 1, 0, 1, 1], dtype=bool), gap).tolist()
    [1, 2, 0, 1, 1]
    """
    found = np.zeros(len(readable), dtype=np.int64)
    for start, stop in runs(readable, gap):
        found[start:stop] = np.arange(1, stop - start + 1)
    return found


def cut_sequences(rows: Rows, readable: Bools, gap: Bools, length: int, steps: int) -> Sequences:
    """Cut training rows into segments (or windows, with ``steps = 1``).

    Parameters
    ----------
    rows : ndarray of int64, shape (n,), bar positions
        Rising training rows, all readable.
    readable, gap : ndarray of bool, shape (n_bars,)
        As in :func:`runs`.
    length : int, >= 1
        Bars L of a window.
    steps : int, >= 1
        Windows S of a segment.

    Returns
    -------
    Sequences
        Every training row with L readable bars up to it stands in exactly one
        step; sequences without a training row are left out. A training row
        with fewer bars before it in its run is not trained on.
    """
    position = np.full(len(readable), -1)
    position[rows] = np.arange(len(rows))
    offsets = np.arange(length + steps - 1)
    bars: list[Rows] = []
    samples: list[Rows] = []
    for start, stop in runs(readable, gap):
        firsts = np.arange(start, stop - length + 1, steps)
        if not len(firsts):
            continue
        at = firsts[:, None] + offsets
        inside = at < stop
        at = np.minimum(at, stop - 1)
        carried = np.where(inside & (offsets >= length - 1), position[at], -1)
        kept = (carried >= 0).any(axis=1)
        bars.append(at[kept])
        samples.append(carried[kept])
    if not bars:
        empty = np.empty((0, len(offsets)), dtype=np.int64)
        return Sequences(empty, empty)
    return Sequences(np.concatenate(bars), np.concatenate(samples))
