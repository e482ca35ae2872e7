"""Blocks inside one training window that are predicted from the blocks before them.

A second-level model must be trained on predictions that the first level made
for rows it had not seen. Chaining forward gives such predictions without any
model that has seen a later label, so whole levels can be stacked.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ethpredict.splits.windows import Index


def forward_chain(
    t0: npt.ArrayLike,
    t1: npt.ArrayLike,
    rows: npt.ArrayLike,
    n_blocks: int,
    first: int = 1,
    embargo: int = 0,
) -> Iterator[tuple[int, Index, Index]]:
    """Predict each block of a training window from the blocks before it.

    The rows are cut into `n_blocks` contiguous blocks 1, 2, ..., whose sizes
    differ by at most one (the longer ones first). For every block
    b = first + 1 .. n_blocks the training rows are those of the blocks
    first .. b - 1 whose label ends before the block starts:
    ``t1_i < min t0(block b) - embargo``.

    Level 0 chains with ``first=1``. A level that learns from level 0's
    out-of-sample output, which starts at block 2, chains with ``first=2``, the
    one above it with ``first=3``.

    Parameters
    ----------
    t0, t1 : array_like of int64, shape (n,), bar positions
        Closed label intervals of all rows.
    rows : array_like of int64, shape (m,), 0 .. n - 1
        Rows of one outer training window, with ``t0`` never falling and
        ``t1 >= t0``; leave out rows without a label.
    n_blocks : int, >= 2
        Number of blocks.
    first : int, 1 <= first < n_blocks
        First block that may train.
    embargo : int, bars, >= 0
        Extra bars left free before each block, as in
        :func:`ethpredict.splits.purged_train_rows`: 0 is the rule.

    Yields
    ------
    block : int
        Number of the predicted block.
    train_rows, block_rows : ndarray of int64
        Parts of `rows`, in their order; `train_rows` may be empty where every
        label reaches into the block.

    Raises
    ------
    ValueError
        If there are fewer rows than blocks, `first` or `embargo` is out of
        range, or the intervals are malformed.

    Examples
    --------
    >>> t0 = np.arange(6)
    >>> for block, train, test in forward_chain(t0, t0 + 1, [0, 1, 2, 3, 4, 5], 3):
    ...     print(block, train, test)
    2 [0] [2 3]
    3 [0 1 2] [4 5]
    """
    index = np.asarray(rows, dtype=np.int64)
    starts = np.asarray(t0, dtype=np.int64)[index]
    ends = np.asarray(t1, dtype=np.int64)[index]
    if not 2 <= n_blocks <= len(index):
        raise ValueError(f"n_blocks = {n_blocks}: must be in 2 .. {len(index)} (the rows)")
    if not 1 <= first < n_blocks:
        raise ValueError(f"first = {first}: must be in 1 .. n_blocks - 1 = {n_blocks - 1}")
    if embargo < 0:
        raise ValueError(f"embargo = {embargo}: must be >= 0")
    if np.any(starts[1:] < starts[:-1]) or np.any(ends < starts):
        raise ValueError("rows must be in time order (t0 never falling) and have t1 >= t0")
    size, longer = divmod(len(index), n_blocks)
    borders = [block * size + min(block, longer) for block in range(n_blocks + 1)]
    for block, (low, high) in enumerate(pairwise(borders), start=1):
        if block <= first:
            continue
        begin = borders[first - 1]
        free = ends[begin:low] < starts[low] - embargo
        yield block, index[begin:low][free], index[low:high].copy()
