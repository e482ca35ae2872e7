"""Walk-forward windows: train on the past, predict what follows."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

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
