"""Volatility of the price from bars, on trailing data only."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

Array = npt.NDArray[np.float64]
NANOSECONDS = 1e9


def price_sigma(bars: pd.DataFrame, window: int) -> Array:
    """Trailing volatility of the price, ``close sqrt(sum r^2 / sum dt)``.

    Parameters
    ----------
    bars : DataFrame
        The `bars` table, T rows.
    window : int
        Number of log returns (close to close), > 0.

    Returns
    -------
    ndarray, shape (T,)
        USD/sqrt(s). nan until `window` returns are known since the start or since the
        last gap: no window spans a gap.
    """
    close = bars["close"].to_numpy(np.float64)
    ts = bars["ts_close"].to_numpy(np.int64)
    n = len(close)
    squares, seconds, run = np.zeros(n), np.zeros(n), np.zeros(n, np.int64)
    if n > 1:
        inside = ~bars["gap"].to_numpy(bool)[1:]
        squares[1:] = np.where(inside, np.log(close[1:] / close[:-1]) ** 2, 0.0)
        seconds[1:] = np.where(inside, np.diff(ts) / NANOSECONDS, 0.0)
        # Returns known since the last border: the position less that of the last border.
        position = np.arange(n)
        border = np.concatenate(([0], np.where(inside, 0, position[1:])))
        run = position - np.maximum.accumulate(border)
    total = np.concatenate(([0.0], np.cumsum(squares)))
    time = np.concatenate(([0.0], np.cumsum(seconds)))
    first = np.maximum(np.arange(1, n + 1) - window, 0)
    last = np.arange(1, n + 1)
    sigma = np.full(n, np.nan)
    whole = run >= window
    variance = (total[last] - total[first])[whole] / (time[last] - time[first])[whole]
    sigma[whole] = close[whole] * np.sqrt(variance)
    return sigma
