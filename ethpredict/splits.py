"""Splits of labelled rows that do not leak: walk-forward, purged K-fold, combinatorial.

A label is a closed interval ``[t0, t1]`` of bar positions: it is known only
once bar ``t1`` has closed. A training row whose interval meets a test block's
interval has seen the block, so it is dropped (purging); rows just after the
block share its features and are dropped as well (embargo). Everything is
counted in bar positions, never in samples or in clock time, because labels of
different lengths end at different bars.

References
----------
Lopez de Prado (2018), Advances in Financial Machine Learning, ch. 7 and 12.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
import numpy.typing as npt

from ethpredict.errors import ConfigError

Index = npt.NDArray[np.int64]
DAY_NS = 86_400_000_000_000
VALIDATION, LOCKED = 0, 1


@dataclass(frozen=True, slots=True)
class Window:
    """One refit: train on some bar rows, predict later ones; all ranges half-open.

    Parameters
    ----------
    window : int
        0, 1, 2, ... over both segments.
    segment : int
        0 validation, 1 locked test.
    train_start, train_stop : int
        Bar rows to train on, before purging; empty where the training days
        hold no bars (a long gap). ``train_stop == test_start``.
    test_start, test_stop : int
        Bar rows to predict; never empty.
    """

    window: int
    segment: int
    train_start: int
    train_stop: int
    test_start: int
    test_stop: int


def walk_forward(
    bar_ts_close: npt.ArrayLike,
    train_days: float,
    test_days: float,
    locked_days: float,
    scheme: str,
) -> list[Window]:
    """Cut bars into training and test windows by time.

    The windows depend on the bars' times and on nothing else, so every model
    of one bar set predicts the same rows. With ``start = ts_close[0]`` and
    ``locked = ts_close[-1] - locked_days``, a row is validation when its close
    lies in ``(start + train_days, locked]`` and locked when it is later. Each
    segment is cut from its own start into steps of `test_days` (the last one
    may be shorter), so no window straddles the start of the locked test. A
    step without a bar makes no window. The validation windows before `locked`
    do not change when bars are appended.

    Parameters
    ----------
    bar_ts_close : array_like of int64, shape (n,), UTC nanoseconds
        Close times, never falling.
    train_days, test_days : float, days, > 0
        Length of the first training window and of one test window.
    locked_days : float, days, >= 0
        Length of the locked test at the end of the data.
    scheme : {"rolling", "expanding"}
        Train on the last `train_days`, or on everything since the first bar.

    Returns
    -------
    list of Window
        In time order; test ranges are disjoint and leave no bar out between
        the first test row and the last bar.

    Raises
    ------
    ConfigError
        If no bar is left to test between training and the locked test
        (``validation.train_days``, or ``validation.locked_days`` when that
        alone takes all), or if the scheme is unknown.
    ValueError
        If the close times fall.

    Examples
    --------
    >>> ts = np.arange(1, 11) * DAY_NS
    >>> for w in walk_forward(ts, train_days=4, test_days=2, locked_days=3, scheme="rolling"):
    ...     print(w.segment, (w.train_start, w.train_stop), (w.test_start, w.test_stop))
    0 (1, 5) (5, 7)
    1 (3, 7) (7, 9)
    1 (5, 9) (9, 10)
    """
    if scheme not in ("rolling", "expanding"):
        raise ConfigError("validation.scheme", scheme, "rolling or expanding")
    ts = np.asarray(bar_ts_close, dtype=np.int64)
    if np.any(ts[1:] < ts[:-1]):
        raise ValueError("bar_ts_close falls; sort the bars by time")
    train, test, hold = (round(float(d) * DAY_NS) for d in (train_days, test_days, locked_days))
    test = max(test, 1)
    span = int(ts[-1] - ts[0]) if len(ts) else 0
    _check_span(span, train, hold)
    first, locked, end = int(ts[0]) + train, int(ts[-1]) - hold, int(ts[-1])
    windows: list[Window] = []
    for segment, start, stop in ((VALIDATION, first, locked), (LOCKED, locked, end)):
        low, high = (int(row) for row in np.searchsorted(ts, [start, stop], side="right"))
        step = (ts[low:high] - start - 1) // test
        cuts = [low, *(np.flatnonzero(np.diff(step)) + 1 + low).tolist(), high]
        for test_start, test_stop in pairwise(cuts if high > low else []):
            begin = start + int(step[test_start - low]) * test
            train_start = int(np.searchsorted(ts, begin - train, side="right"))
            windows.append(
                Window(
                    window=len(windows),
                    segment=segment,
                    train_start=0 if scheme == "expanding" else train_start,
                    train_stop=test_start,
                    test_start=test_start,
                    test_stop=test_stop,
                )
            )
    if windows[0].segment != VALIDATION:
        raise ConfigError(
            "validation.train_days",
            train / DAY_NS,
            "such that a bar closes between the training window and the locked test; "
            "the data has a gap there",
            "Lower it, change validation.locked_days, or give more data.",
        )
    return windows


def _check_span(span: int, train: int, hold: int) -> None:
    if hold > 0 and hold >= span:
        raise ConfigError(
            "validation.locked_days",
            hold / DAY_NS,
            f"less than {span / DAY_NS:.6g} (the days that the bars cover)",
            "Lower it or give more data (data.start, data.end, data.synthetic.days).",
        )
    if train >= span - hold:
        raise ConfigError(
            "validation.train_days",
            train / DAY_NS,
            f"less than {(span - hold) / DAY_NS:.6g} so that a test window remains: the bars "
            f"cover {span / DAY_NS:.6g} days, of which validation.locked_days takes "
            f"{hold / DAY_NS:.6g}",
            "Lower it or give more data (data.start, data.end, data.synthetic.days).",
        )


def purged_train_rows(
    t0: npt.ArrayLike, t1: npt.ArrayLike, window: Window, embargo: int = 0
) -> Index:
    """Rows that may train a walk-forward window.

    Parameters
    ----------
    t0, t1 : array_like of int64, shape (n,), bar positions
        Closed label intervals. A row without a label has ``t1 < t0`` (-1) and
        is never returned.
    window : Window
        From :func:`walk_forward`.
    embargo : int, bars, >= 0
        Extra bars left free **before** the test block. The embargo of purged
        K-fold lies after a block, where walk-forward has no training rows:
        0 is the rule, more is a safety margin.

    Returns
    -------
    ndarray of int64
        Indices i, rising, with ``train_start <= t0[i] < train_stop`` and
        ``t1[i] < test_start - embargo``.

    Examples
    --------
    >>> purged_train_rows(range(6), [2, 3, 4, 5, -1, -1], Window(0, 0, 1, 4, 4, 6))
    array([1])
    """
    starts, ends = np.asarray(t0, dtype=np.int64), np.asarray(t1, dtype=np.int64)
    if embargo < 0:
        raise ValueError(f"embargo = {embargo}: must be >= 0")
    inside = (starts >= window.train_start) & (starts < window.train_stop)
    return np.flatnonzero(inside & (ends >= starts) & (ends < window.test_start - embargo))


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
