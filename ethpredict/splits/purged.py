"""Purged K-fold and combinatorial purged cross-validation: for scores, never simulated."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise

import numpy as np
import numpy.typing as npt

from ethpredict.errors import ConfigError
from ethpredict.splits.windows import Index


def purged_kfold(
    t0: npt.ArrayLike, t1: npt.ArrayLike, n_splits: int, embargo: int = 0
) -> Iterator[tuple[Index, Index]]:
    """Contiguous test blocks; training rows purged and embargoed around each.

    For a block with ``a = min t0`` and ``b = max t1``, row i is dropped from
    training iff ``t0_i <= b and t1_i >= a`` (purged), or iff
    ``b < t0_i <= b + embargo`` (embargo, after the block only).

    Not causal: most models train on the future of their test block. For
    scores, never for predictions that are simulated.

    Parameters
    ----------
    t0, t1 : array_like of int64, shape (n,), bar positions
        Closed label intervals in time order of the samples, ``t1 >= t0``;
        leave out samples without a label.
    n_splits : int, 2 <= n_splits <= n
        Number of blocks; sizes differ by at most one.
    embargo : int, bars, >= 0
        At least the longest memory of a feature or sequence.

    Yields
    ------
    train_index, test_index : ndarray of int64
        Rising sample indices.

    Raises
    ------
    ConfigError
        If there are fewer samples than blocks.
    ValueError
        If the intervals are malformed or the embargo is negative.

    References
    ----------
    Lopez de Prado (2018), snippets 7.1-7.3. There the block starts at the
    first test label's start too; a widely used implementation reads it from
    the label's end and so keeps rows that overlap the block.

    Examples
    --------
    >>> t0 = np.arange(8); t1 = t0 + 1
    >>> for train, test in purged_kfold(t0, t1, 2, embargo=1):
    ...     print(train, test)
    [6 7] [0 1 2 3]
    [0 1 2] [4 5 6 7]
    """
    starts, ends = _intervals(t0, t1, embargo)
    rows, longest = np.arange(len(starts)), _longest(starts, ends)
    for block in _blocks(len(starts), n_splits, "validation.kfold"):
        low, high, dropped = _dropped(starts, ends, block, embargo, longest)
        train = np.concatenate([rows[:low], rows[low:high][~dropped], rows[high:]])
        yield train, rows[block].copy()


def combinatorial_purged(
    t0: npt.ArrayLike, t1: npt.ArrayLike, n_groups: int, n_test: int, embargo: int = 0
) -> Iterator[tuple[Index, Index]]:
    """Combinatorial purged cross-validation: every choice of `n_test` of `n_groups` blocks.

    ``C(n_groups, n_test)`` splits, from which ``C(n_groups - 1, n_test - 1)``
    whole paths can be put together. Every test block is purged and embargoed
    by itself, so rows between two test blocks are still used. Not causal.

    Parameters
    ----------
    t0, t1 : array_like of int64, shape (n,), bar positions
        As in :func:`purged_kfold`.
    n_groups : int, 2 <= n_groups <= n
        Number of contiguous blocks.
    n_test : int, 1 <= n_test < n_groups
        Blocks in each test set.
    embargo : int, bars, >= 0
        Bars left out after every test block.

    Yields
    ------
    train_index, test_index : ndarray of int64
        Rising sample indices; splits in lexicographic order of their blocks.

    Raises
    ------
    ConfigError
        If there are fewer samples than blocks.
    ValueError
        If the intervals are malformed, the embargo is negative or `n_test` is
        out of range.

    References
    ----------
    Lopez de Prado (2018), section 12.4.

    Examples
    --------
    >>> t = np.arange(6)
    >>> sum(1 for _ in combinatorial_purged(t, t, 6, 2))
    15
    """
    if not 1 <= n_test < n_groups:
        raise ValueError(f"n_test = {n_test}: must be in 1 .. n_groups - 1 = {n_groups - 1}")
    starts, ends = _intervals(t0, t1, embargo)
    blocks = _blocks(len(starts), n_groups, "n_groups")
    rows, longest = np.arange(len(starts)), _longest(starts, ends)
    losses = [_dropped(starts, ends, block, embargo, longest) for block in blocks]
    for chosen in combinations(range(n_groups), n_test):
        kept = np.ones(len(rows), dtype=bool)
        for low, high, dropped in (losses[group] for group in chosen):
            kept[low:high] &= ~dropped
        yield np.flatnonzero(kept), np.concatenate([rows[blocks[group]] for group in chosen])


def _intervals(t0: npt.ArrayLike, t1: npt.ArrayLike, embargo: int) -> tuple[Index, Index]:
    """Check closed intervals and the embargo."""
    starts, ends = np.asarray(t0, dtype=np.int64), np.asarray(t1, dtype=np.int64)
    if starts.shape != ends.shape or starts.ndim != 1:
        raise ValueError(f"t0 and t1 must have one shape (n,), not {starts.shape}, {ends.shape}")
    if np.any(ends < starts):
        row = int(np.argmax(ends < starts))
        raise ValueError(
            f"label {row} ends at {ends[row]}, before its start {starts[row]}; "
            "leave out samples without a label"
        )
    if embargo < 0:
        raise ValueError(f"embargo = {embargo}: must be >= 0")
    return starts, ends


def _blocks(n: int, parts: int, key: str) -> list[slice]:
    """Contiguous blocks of nearly equal size, the longer ones first."""
    if not 2 <= parts <= n:
        raise ConfigError(
            key, parts, f"in 2 .. {n} (the number of labelled rows)", "Lower it or give more data."
        )
    size, longer = divmod(n, parts)
    borders = [part * size + min(part, longer) for part in range(parts + 1)]
    return [slice(a, b) for a, b in pairwise(borders)]


def _longest(starts: Index, ends: Index) -> int | None:
    """Bars from start to end of the longest label; None where starts are not sorted."""
    return int((ends - starts).max()) if bool(np.all(starts[1:] >= starts[:-1])) else None


def _dropped(
    starts: Index, ends: Index, block: slice, embargo: int, longest: int | None
) -> tuple[int, int, npt.NDArray[np.bool_]]:
    """Rows that must not train for this test block, as a mask of the rows low .. high - 1.

    Every test row meets its own block's interval, so purging drops it too. Where
    the starts are sorted, rows that start more than the longest label before the
    block, or after the embargo, need no look.
    """
    first, last = int(starts[block].min()), int(ends[block].max())
    low, high = 0, len(starts)
    if longest is not None:
        low = int(np.searchsorted(starts, first - longest, side="left"))
        high = int(np.searchsorted(starts, last + embargo, side="right"))
    t0, t1 = starts[low:high], ends[low:high]
    return low, high, (t0 <= last + embargo) & ((t0 > last) | (t1 >= first))
