"""Plain windows, one at a time: what the compiled kernels must agree with."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def whole(values: Floats, gap: npt.NDArray[np.bool_], row: int, window: int) -> Floats | None:
    """The last `window` values up to `row`, or None where the window is not whole."""
    first = row - window + 1
    if first < 0 or gap[first + 1 : row + 1].any():
        return None
    part = values[first : row + 1]
    return part if np.isfinite(part).all() else None


def window_sum(
    values: Floats, gap: npt.NDArray[np.bool_], window: int, decay: float = 1.0
) -> Floats:
    """Weighted sums by definition."""
    weights = decay ** np.arange(window - 1, -1, -1)
    parts = [whole(values, gap, row, window) for row in range(len(values))]
    return np.array([np.nan if part is None else float(part @ weights) for part in parts])


def window_mean_sd(
    values: Floats, gap: npt.NDArray[np.bool_], window: int, ddof: int = 0
) -> tuple[Floats, Floats]:
    """Means and standard deviations by definition."""
    parts = [whole(values, gap, row, window) for row in range(len(values))]
    mean = np.array([np.nan if part is None else part.mean() for part in parts])
    sd = np.array([np.nan if part is None else part.std(ddof=ddof) for part in parts])
    return mean, sd


def run_lengths(values: Floats, gap: npt.NDArray[np.bool_]) -> list[int]:
    """Longest whole window that ends at each row."""
    lengths = []
    for row in range(len(values)):
        length = 0
        while length <= row and whole(values, gap, row, length + 1) is not None:
            length += 1
        lengths.append(length)
    return lengths


def log_return(close: Floats, gap: npt.NDArray[np.bool_], bars: int) -> Floats:
    """Log of the last over the first price of each whole window."""
    parts = [whole(close, gap, row, bars + 1) for row in range(len(close))]
    return np.array([np.nan if part is None else np.log(part[-1] / part[0]) for part in parts])


def cusum_marks(changes: Floats, limits: Floats) -> npt.NDArray[np.int64]:
    """Events of the symmetric CUSUM filter (Lopez de Prado 2018, snippet 2.4)."""
    out = np.zeros(len(changes), dtype=np.int64)
    up = down = 0.0
    for row, change in enumerate(changes):
        if not np.isfinite(change):
            up = down = 0.0
            continue
        up, down = max(0.0, up + change), min(0.0, down + change)
        if down < -limits[row]:
            down, out[row] = 0.0, -1
        elif up > limits[row]:
            up, out[row] = 0.0, 1
    return out
