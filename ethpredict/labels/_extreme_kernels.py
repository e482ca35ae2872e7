"""First bar of a range that leaves a corridor, in O(log length): blocks are skipped by extremes.

Rows are grouped by eights, these by eights again, and so on; every group knows
its highest high and lowest low. A walk climbs to larger groups as long as the
corridor holds them, and descends into the first group that does not.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ethpredict.kernel_cache import njit

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

SHIFT = 3
MASK = (1 << SHIFT) - 1


@njit(cache=True, nogil=True)
def extremes(
    open_: Floats, high: Floats, low: Floats, longest: int
) -> tuple[Floats, Floats, Integers]:
    """Highest and lowest price of every row and group, level after level, and where levels start.

    Groups longer than `longest` rows are not built. nan prices count nowhere.
    """
    n = high.shape[0]
    depth = 1
    while (1 << (SHIFT * depth)) <= longest:
        depth += 1
    start = np.zeros(depth + 1, dtype=np.int64)
    size = n
    for level in range(depth):
        start[level + 1] = start[level] + size
        size = (size + MASK) >> SHIFT
    top, bottom = np.full(start[depth], -np.inf), np.full(start[depth], np.inf)
    for row in range(n):
        top[row] = max(top[row], high[row])
        top[row] = max(top[row], open_[row])
        bottom[row] = min(bottom[row], low[row])
        bottom[row] = min(bottom[row], open_[row])
    for level in range(1, depth):
        for child in range(start[level - 1], start[level]):
            group = start[level] + ((child - start[level - 1]) >> SHIFT)
            top[group] = max(top[group], top[child])
            bottom[group] = min(bottom[group], bottom[child])
    return top, bottom, start


@njit(cache=True, nogil=True)
def first_beyond(
    top: Floats,
    bottom: Floats,
    start: Integers,
    row: int,
    stop: int,
    upper: float,
    lower: float,
) -> int:
    """First of rows row .. stop - 1 with a price >= upper or <= lower; -1 where there is none."""
    depth = start.shape[0] - 1
    level, at, last = 0, row, stop
    while True:  # climb: at most seven groups a level, then the next level is aligned
        above = last >> SHIFT
        aligned = (at + MASK) >> SHIFT
        climb = level + 1 < depth and aligned < above
        edge = aligned << SHIFT if climb else last
        found = _scan(top, bottom, start[level], at, edge, upper, lower)
        if found < edge:
            return _descend(top, bottom, start, level, found, upper, lower)
        if not climb:
            break
        level, at, last = level + 1, aligned, above
    at = last
    while level > 0:  # what is left at the end is shorter than one group of the level above
        level -= 1
        at, last = at << SHIFT, stop >> (SHIFT * level)
        found = _scan(top, bottom, start[level], at, last, upper, lower)
        if found < last:
            return _descend(top, bottom, start, level, found, upper, lower)
        at = last
    return -1


@njit(cache=True, nogil=True)
def _scan(
    top: Floats, bottom: Floats, offset: int, at: int, edge: int, upper: float, lower: float
) -> int:
    """First group at .. edge - 1 of one level that leaves the corridor, or `edge`."""
    while at < edge and not ((top[offset + at] >= upper) | (bottom[offset + at] <= lower)):
        at += 1
    return at


@njit(cache=True, nogil=True)
def _descend(
    top: Floats, bottom: Floats, start: Integers, level: int, at: int, upper: float, lower: float
) -> int:
    """First row that leaves the corridor, within a group that does."""
    while level > 0:
        level -= 1
        at <<= SHIFT
        at = _scan(top, bottom, start[level], at, start[level + 1] - start[level], upper, lower)
    return at
