"""Purged K-fold and combinatorial purged cross-validation: for scores, never simulated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
import numpy.typing as npt

from ethpredict.errors import ConfigError
from ethpredict.splits.windows import Index


def purged_kfold(
    t0: npt.ArrayLike, t1: npt.ArrayLike, n_splits: int, embargo: int = 0, half_open: bool = False
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
        At least the longest memory of a feature or sequence, see :func:`embargo_bars`.
    half_open : bool
        Read the intervals as ``[t0, t1)``: a label that ends where another
        begins does not meet it, and the embargo begins at ``max t1`` itself.

    Yields
    ------
    train_index, test_index : ndarray of int64
        Rising sample indices; may be read-only.

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
    starts, ends = _intervals(t0, t1, embargo, half_open)
    rows, longest = np.arange(len(starts)), _longest(starts, ends)
    rows.flags.writeable = False  # what is contiguous is a view of it: copies would cost most
    for block in _blocks(len(starts), n_splits, "validation.kfold"):
        loss = _dropped(starts, ends, block, embargo, longest)
        parts = [rows[: loss.low], rows[loss.low : loss.middle][loss.kept], rows[loss.high :]]
        some = [part for part in parts if len(part)] or parts[:1]
        yield some[0] if len(some) == 1 else np.concatenate(some), rows[block]


def combinatorial_purged(
    t0: npt.ArrayLike,
    t1: npt.ArrayLike,
    n_groups: int,
    n_test: int,
    embargo: int = 0,
    half_open: bool = False,
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
    half_open : bool
        As in :func:`purged_kfold`.

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
    starts, ends = _intervals(t0, t1, embargo, half_open)
    blocks = _blocks(len(starts), n_groups, "n_groups")
    rows, longest = np.arange(len(starts)), _longest(starts, ends)
    losses = [_dropped(starts, ends, block, embargo, longest) for block in blocks]
    for chosen in combinations(range(n_groups), n_test):
        kept = np.ones(len(rows), dtype=bool)
        for loss in (losses[group] for group in chosen):
            kept[loss.low : loss.middle] &= loss.kept
            kept[loss.middle : loss.high] = False
        yield np.flatnonzero(kept), np.concatenate([rows[blocks[group]] for group in chosen])


def path_groups(n_groups: int, n_test: int) -> Index:
    """Which split predicts each group on each of the reconstructed paths.

    Every group is tested in ``C(n_groups - 1, n_test - 1)`` splits; path p
    takes, for each group, the p-th of them. So a path is a whole out-of-sample
    history, and every prediction stands on exactly one path.

    Parameters
    ----------
    n_groups : int, >= 2
        Number of contiguous blocks.
    n_test : int, 1 <= n_test < n_groups
        Blocks in each test set.

    Returns
    -------
    ndarray of int64, shape (C(n_groups - 1, n_test - 1), n_groups)
        Number of the split, in the order of :func:`combinatorial_purged`.

    References
    ----------
    Lopez de Prado (2018), section 12.4, figure 12.2.

    Examples
    --------
    >>> path_groups(4, 2)
    array([[0, 0, 1, 2],
           [1, 3, 3, 4],
           [2, 4, 5, 5]])
    """
    if not 1 <= n_test < n_groups:
        raise ValueError(f"n_test = {n_test}: must be in 1 .. n_groups - 1 = {n_groups - 1}")
    tested: list[list[int]] = [[] for _ in range(n_groups)]
    for number, chosen in enumerate(combinations(range(n_groups), n_test)):
        for group in chosen:
            tested[group].append(number)
    return np.array(tested, dtype=np.int64).T


def combine_paths(
    tests: Sequence[Index], values: Sequence[npt.NDArray[np.float64]], n_groups: int, n_test: int
) -> npt.NDArray[np.float64]:
    """Put the splits' predictions together as whole out-of-sample paths.

    Parameters
    ----------
    tests : sequence of ndarray of int64
        Test rows of every split, as :func:`combinatorial_purged` gives them.
    values : sequence of ndarray of float64
        One value for each of these rows.
    n_groups, n_test : int
        As there.

    Returns
    -------
    ndarray of float64, shape (C(n_groups - 1, n_test - 1), n)
        One row per path: a value for each of the n samples.

    Examples
    --------
    >>> t = np.arange(4)
    >>> tests = [test for _, test in combinatorial_purged(t, t, 4, 2)]
    >>> combine_paths(tests, [np.full(2, float(i)) for i in range(6)], 4, 2)
    array([[0., 0., 1., 2.],
           [1., 3., 3., 4.],
           [2., 4., 5., 5.]])
    """
    paths = path_groups(n_groups, n_test)
    n = 1 + max(int(test.max()) for test in tests)
    blocks = _blocks(n, n_groups, "n_groups")
    out = np.full((len(paths), n), np.nan)
    for path, chosen in enumerate(paths):
        for group, split in enumerate(chosen):
            mine = (tests[split] >= blocks[group].start) & (tests[split] < blocks[group].stop)
            out[path, tests[split][mine]] = np.asarray(values[split])[mine]
    return out


def embargo_bars(setting: int, memory: int, sequence: int = 1) -> int:
    """Bars to leave out after a test block.

    Parameters
    ----------
    setting : int, bars, >= 0
        What the user asks for (``validation.embargo``).
    memory : int, bars, >= 0
        Longest look-back of a feature: row t reads rows t - memory .. t.
    sequence : int, bars, >= 1
        Rows that one training sample reads: 1 for a model of single rows, L for
        windows of L rows, L + S - 1 for segments that train S windows at once.

    Returns
    -------
    int
        The longer of the setting and ``memory + sequence - 1``, how far back a
        training sample reads.

    Examples
    --------
    >>> embargo_bars(10, 96, sequence=24)
    119
    """
    return max(setting, memory + sequence - 1)


def _intervals(
    t0: npt.ArrayLike, t1: npt.ArrayLike, embargo: int, half_open: bool
) -> tuple[Index, Index]:
    """Check the intervals and the embargo; a half-open interval [t0, t1) is [t0, t1 - 1]."""
    starts, ends = np.asarray(t0, dtype=np.int64), np.asarray(t1, dtype=np.int64)
    if starts.shape != ends.shape or starts.ndim != 1:
        raise ValueError(f"t0 and t1 must have one shape (n,), not {starts.shape}, {ends.shape}")
    if half_open:
        ends = ends - 1
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


@dataclass(frozen=True, slots=True)
class _Loss:
    """Rows that must not train for one test block.

    Of the rows low .. middle - 1 only those `kept` may train, of middle ..
    high - 1 none, of all others every one.
    """

    low: int
    middle: int
    high: int
    kept: npt.NDArray[np.bool_]


def _dropped(starts: Index, ends: Index, block: slice, embargo: int, longest: int | None) -> _Loss:
    """Find the rows that a test block takes out of training.

    Every test row meets its own block's interval, so purging drops it too.
    Where the starts are sorted, all rows from the block to the end of the
    embargo go, and before the block only rows within the longest label's reach
    need a look.
    """
    last = int(ends[block].max())
    if longest is None:
        first = int(starts[block].min())
        kept = (starts > last + embargo) | ((starts <= last) & (ends < first))
        return _Loss(0, len(starts), len(starts), kept)
    first = int(starts[block.start])
    low = min(int(np.searchsorted(starts, first - longest, side="left")), block.start)
    high = int(np.searchsorted(starts, last + embargo, side="right"))
    return _Loss(low, block.start, high, ends[low : block.start] < first)
