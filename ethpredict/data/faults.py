"""Why rows are unusable: the first reason found for each, in a fixed order of checks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


class Faults:
    """Reasons per row of one table.

    A reason reads ``kind: detail``; the kind is what reports count by.

    Parameters
    ----------
    n : int
        Number of rows, >= 0.

    Examples
    --------
    >>> faults = Faults(2)
    >>> faults.add(np.array([False, True]), lambda i: f"high below low: row {i}")
    >>> faults.reasons, faults.bad.tolist()
    ({1: 'high below low: row 1'}, [False, True])
    """

    def __init__(self, n: int) -> None:
        self.bad = np.zeros(n, dtype=bool)
        self.reasons: dict[int, str] = {}

    def add(self, mask: np.ndarray, reason: Callable[[int], str]) -> None:
        """Mark rows; a row that is marked already keeps its first reason.

        Parameters
        ----------
        mask : bool array of shape (n,)
            Rows that fail the check.
        reason : callable
            Text for one row, given its position.
        """
        for i in np.flatnonzero(mask & ~self.bad).tolist():
            self.reasons[i] = reason(i)
        self.bad |= mask


def kind_of(reason: str) -> str:
    """Return what a reason is counted under.

    Examples
    --------
    >>> kind_of("field count: 13 fields instead of 12")
    'field count'
    """
    return reason.partition(":")[0]
