"""Compiled trend scan; the plain reference stands in `reference.py`."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from ethpredict.kernel_cache import njit

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@njit(cache=True, nogil=True)
def scan_trends(
    log_close: Floats, t0: Integers, last: Integers, shortest: int
) -> tuple[Integers, Floats]:
    """Length and t-value of the steepest line from each event; 0 and nan where there is none.

    The sums are of prices relative to the event's own, so that a line far down
    the table is as exact as one at its start.
    """
    events = t0.shape[0]
    lengths, values = np.zeros(events, dtype=np.int64), np.full(events, np.nan)
    for i in range(events):
        start = t0[i]
        sum_y = sum_yy = sum_xy = 0.0
        best = -1.0
        for x in range(1, last[i] - start + 1):
            y = log_close[start + x] - log_close[start]
            sum_y += y
            sum_yy += y * y
            sum_xy += x * y
            if x < shortest:
                continue
            n = x + 1.0
            # Centred sums of x = 0 .. n - 1 in closed form.
            sxx = n * (n * n - 1.0) / 12.0
            sxy = sum_xy - (n - 1.0) / 2.0 * sum_y
            syy = sum_yy - sum_y * sum_y / n
            rest = syy - sxy * sxy / sxx
            # What is left of a straight line is rounding error, not scatter.
            rest = max(rest, 1e-12 * syy)
            value = 0.0
            if rest > 0.0:
                value = sxy / math.sqrt(rest * sxx / (n - 2.0))
            if abs(value) > best:
                best = abs(value)
                lengths[i], values[i] = x, value
    return lengths, values
