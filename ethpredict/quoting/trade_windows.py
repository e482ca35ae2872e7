"""What orders at several distances would have seen: waiting times and counts per window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ethpredict.errors import ConfigError

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
NANOSECONDS = 1e9


@dataclass(frozen=True)
class TradeWindows:
    """Fills of would-be orders on one side, re-quoted around the mid every window.

    Attributes
    ----------
    deltas : ndarray, shape (J,)
        Distances of the orders from the mid at the window's start, USD, rising.
    seconds : float
        Length of a window, s.
    windows : int
        Windows observed, W.
    first : ndarray, shape (V, J)
        Time to the first print through each order, s; `seconds` where there was none. Only
        the V windows in which the nearest order filled have a row.
    counts : ndarray of int64, shape (V, J)
        Prints through each order.
    """

    deltas: Array
    seconds: float
    windows: int
    first: Array
    counts: Ints

    @property
    def fills(self) -> Ints:
        """Windows in which each order filled, shape (J,)."""
        return np.asarray((self.counts > 0).sum(axis=0), dtype=np.int64)

    @property
    def waited(self) -> Array:
        """Time that each order rested, ``sum min(tau, dT)``, s, shape (J,)."""
        rest = (self.windows - len(self.first)) * self.seconds
        return np.asarray(self.first.sum(axis=0) + rest, dtype=np.float64)

    def rates(self) -> tuple[Array, Array]:
        """``sum 1{tau < dT} / sum min(tau, dT)`` of each order and standard errors, 1/s."""
        rate = self.fills / self.waited
        return rate, np.sqrt(self.fills) / self.waited

    def with_side(self, other: TradeWindows) -> TradeWindows:
        """Both sides pooled.

        Raises
        ------
        ConfigError
            If the distances or the windows' lengths differ.
        """
        if self.seconds != other.seconds or not np.array_equal(self.deltas, other.deltas):
            raise ConfigError(
                "calibration.deltas", other.deltas.tolist(), "those of the other side"
            )
        return TradeWindows(
            self.deltas,
            self.seconds,
            self.windows + other.windows,
            np.concatenate((self.first, other.first)),
            np.concatenate((self.counts, other.counts)),
        )


def observe_trades(
    ts: npt.ArrayLike,
    price: npt.ArrayLike,
    aggressor_side: npt.ArrayLike,
    mid_ts: npt.ArrayLike,
    mid: npt.ArrayLike,
    deltas: npt.ArrayLike,
    window_s: float,
    start: int,
    stop: int,
    through: float = 0.0,
    max_age_s: float = np.inf,
) -> dict[str, TradeWindows]:
    """Watch would-be orders at `deltas` from the mid, re-quoted every `window_s`.

    An order fills under the simulator's own rule: strict trade-through. A bid at
    ``mid - delta`` fills with the first sell that prints below ``mid - delta - through``,
    an ask with the first buy above ``mid + delta + through``.

    Parameters
    ----------
    ts, price, aggressor_side : array_like, shape (N,)
        Trades, sorted by time: UTC ns, USD, +1 buy or -1 sell.
    mid_ts, mid : array_like, shape (M,)
        The mid as it was known from each moment on, sorted: UTC ns, USD; nan where unknown,
        and no window opens.
    deltas : array_like, shape (J,)
        Distances, USD, >= 0, strictly rising.
    window_s : float
        Length of a window, s, > 0. With A the intensity at 0, A dT <= 1 is advisable, and a
        window in which the mid hardly moves: a resting order is also reached by the mid.
    start, stop : int
        Span, UTC ns: the windows ``[start + i dT, start + (i+1) dT)`` that end by `stop`.
    through : float
        How far beyond the order the print must lie, USD, >= 0.
    max_age_s : float
        A window whose mid is older at its start is left out, s.

    Returns
    -------
    dict of str to TradeWindows
        ``bid`` and ``ask``.

    Raises
    ------
    ConfigError
        If the arguments are out of range, unsorted or of different lengths.
    """
    when, at = np.asarray(ts, dtype=np.int64), np.asarray(mid_ts, dtype=np.int64)
    paid, middle, side = (np.asarray(v, dtype=np.float64) for v in (price, mid, aggressor_side))
    steps = np.asarray(deltas, dtype=np.float64)
    _check(when, paid, side, at, middle, steps, window_s, through)
    length = round(window_s * NANOSECONDS)
    total = max(0, (int(stop) - int(start)) // length)
    opening = int(start) + np.arange(total, dtype=np.int64) * length
    place = np.searchsorted(at, opening, side="right") - 1
    known = place >= 0
    if total and len(at):
        known &= opening - at[np.maximum(place, 0)] <= max_age_s * NANOSECONDS
        reference = np.where(known, middle[np.maximum(place, 0)], np.nan)
        known &= ~np.isnan(reference)
    else:
        known, reference = np.zeros(total, bool), np.full(total, np.nan)
    low, high = np.searchsorted(when, [int(start), int(start) + total * length], side="left")
    inside = slice(int(low), int(high))
    window = (when[inside] - int(start)) // length
    elapsed = (when[inside] - int(start) - window * length) / NANOSECONDS
    depth = (paid[inside] - reference[window]) * side[inside] - through
    found = {}
    for name, sign in (("bid", -1.0), ("ask", 1.0)):
        near = (side[inside] == sign) & (depth > steps[0])
        found[name] = _one_side(
            steps, length / NANOSECONDS, int(known.sum()), window[near], elapsed[near], depth[near]
        )
    return found


def _one_side(
    steps: Array, seconds: float, windows: int, window: Ints, elapsed: Array, depth: Array
) -> TradeWindows:
    """Group the prints beyond the nearest order by window."""
    rows, row = np.unique(window, return_inverse=True)
    first = np.full((len(rows), len(steps)), seconds)
    counts = np.zeros((len(rows), len(steps)), dtype=np.int64)
    for j, step in enumerate(steps):
        beyond = depth > step
        np.minimum.at(first[:, j], row[beyond], elapsed[beyond])
        counts[:, j] = np.bincount(row[beyond], minlength=len(rows))
    return TradeWindows(steps, seconds, windows, first, counts)


def _check(
    when: Ints,
    paid: Array,
    side: Array,
    at: Ints,
    middle: Array,
    steps: Array,
    window_s: float,
    through: float,
) -> None:
    """Refuse what cannot be observed."""
    if not (len(when) == len(paid) == len(side)) or len(at) != len(middle):
        raise ConfigError(
            "calibration trades",
            (len(when), len(paid), len(side), len(at), len(middle)),
            "ts, price and side of one length, mid_ts and mid of one length",
        )
    for name, times in (("ts", when), ("mid_ts", at)):
        if np.any(times[1:] < times[:-1]):
            raise ConfigError(f"calibration.{name}", "unsorted", "sorted by time")
    if steps.ndim != 1 or not len(steps) or steps[0] < 0.0 or np.any(np.diff(steps) <= 0.0):
        raise ConfigError("calibration.deltas", steps.tolist(), ">= 0 and strictly rising")
    if not window_s * NANOSECONDS >= 1.0 or not np.isfinite(window_s):
        raise ConfigError("calibration.window_s", window_s, "> 0 and finite")
    if not through >= 0.0:
        raise ConfigError("calibration.through", through, ">= 0")
