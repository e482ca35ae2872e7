"""Rows in time order: which to set aside so that the rest strictly increases."""

from __future__ import annotations

from bisect import bisect_left

import numpy as np


def longest_increasing(ts: np.ndarray) -> np.ndarray:
    """Choose the most rows whose times strictly increase.

    Setting aside whatever does not exceed the running maximum would let one
    row with a stamp in the far future take every later row with it; the
    longest increasing subsequence takes that one row.

    Parameters
    ----------
    ts : int64 array of shape (n,)
        Times in file order.

    Returns
    -------
    bool array of shape (n,)
        True for the rows to keep; of equal times the first is kept.

    Notes
    -----
    Patience sorting, O(n log n); O(n) where the times increase already.

    References
    ----------
    Fredman, M. L. (1975). On computing the length of longest increasing
    subsequences. Discrete Mathematics 11, 29-35.
    doi:10.1016/0012-365X(75)90103-X

    Examples
    --------
    >>> longest_increasing(np.array([1, 2, 99, 3, 3, 4])).tolist()
    [True, True, False, True, False, True]
    """
    n = len(ts)
    if n < 2 or bool((np.diff(ts) > 0).all()):
        return np.ones(n, dtype=bool)
    ends: list[int] = []  # smallest last time of a chain of length 1, 2, ...
    rows: list[int] = []  # the row that this time stands in
    before = np.full(n, -1, dtype=np.int64)
    for i, moment in enumerate(ts.tolist()):
        length = bisect_left(ends, moment)
        before[i] = rows[length - 1] if length else -1
        if length == len(ends):
            ends.append(moment)
            rows.append(i)
        elif ends[length] != moment:
            ends[length], rows[length] = moment, i
    keep = np.zeros(n, dtype=bool)
    row = rows[-1]
    while row >= 0:
        keep[row] = True
        row = int(before[row])
    return keep


def longest_ordered(ts: np.ndarray) -> np.ndarray:
    """Choose the most rows whose times never fall; equal times may follow each other.

    Parameters
    ----------
    ts : int64 array of shape (n,)
        Times in file order.

    Returns
    -------
    bool array of shape (n,)
        True for the rows to keep.

    Examples
    --------
    >>> longest_ordered(np.array([1, 2, 99, 2, 3, 3])).tolist()
    [True, True, False, True, True, True]
    """
    if not len(ts) or bool((np.diff(ts) >= 0).all()):
        return np.ones(len(ts), dtype=bool)
    # A later row of an equal time ranks behind the earlier one.
    rank = np.empty(len(ts), dtype=np.int64)
    rank[np.argsort(ts, kind="stable")] = np.arange(len(ts))
    return longest_increasing(rank)
