"""Labels and weights by definition: what the compiled kernels must agree with."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pandas as pd


def triple_barrier(
    bars: pd.DataFrame,
    t0: npt.NDArray[np.int64],
    sigma: npt.NDArray[np.float64],
    horizon: int | npt.NDArray[np.int64],
    profit: float,
    stop: float,
    side: npt.NDArray[np.int64] | None = None,
    tie: str = "drop",
    vertical: str = "zero",
) -> pd.DataFrame:
    """Walk bar by bar; `bars` has open, high, low, close and gap. Parameters as in the package."""
    rows = []
    reach = np.broadcast_to(horizon, len(t0))
    for i, start in enumerate(t0):
        direction = 1 if side is None else int(np.sign(side[i]))
        outcome = (-1, math.nan, math.nan, -2)
        if direction != 0 and sigma[i] > 0:
            outcome = _walk(
                bars,
                int(start),
                float(sigma[i]) * (profit if direction > 0 else stop),
                float(sigma[i]) * (stop if direction > 0 else profit),
                direction,
                int(reach[i]),
                "stop" if side is not None and tie == "drop" else tie,
                vertical,
            )
        rows.append((int(start), *outcome))
    return pd.DataFrame(rows, columns=["t0", "t1", "label", "ret", "touch"])


def _walk(
    bars: pd.DataFrame,
    start: int,
    above: float,
    below: float,
    direction: int,
    horizon: int,
    tie: str,
    vertical: str,
) -> tuple[int, float, float, int]:
    """Bar, label, return and touch of one event; `above` and `below` are log distances."""
    entry = bars["close"].iloc[start]
    for row in range(start + 1, start + horizon + 1):
        if row >= len(bars) or bars["gap"].iloc[row]:
            return -1, math.nan, math.nan, -2
        opened, high, low = (
            math.log(bars[name].iloc[row] / entry) for name in ("open", "high", "low")
        )
        if opened >= above or opened <= -below:
            touch = direction if opened > 0 else -direction
            return row, touch, opened, touch
        up, down = high >= above, low <= -below
        if up and down:
            if tie == "drop":
                return row, math.nan, math.nan, 2
            up = (direction if tie == "profit" else -direction) > 0
            down = not up
        if up or down:
            touch = direction if up else -direction
            return row, touch, above if up else -below, touch
    ret = math.log(bars["close"].iloc[start + horizon] / entry)
    return start + horizon, float(np.sign(ret)) * direction if vertical == "sign" else 0.0, ret, 0


def average_uniqueness(
    t0: npt.NDArray[np.int64], t1: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """From the indicator matrix of bars and labels, O(bars x labels)."""
    bars = np.arange(max(t1.max(initial=-1) + 1, 0))[:, None]
    alive = (t0 <= bars) & (bars <= t1)
    count = alive.sum(axis=1)[:, None]
    share = np.divide(alive, count, out=np.zeros(alive.shape), where=count > 0)
    life = alive.sum(axis=0)
    return np.divide(share.sum(axis=0), life, out=np.full(len(t0), np.nan), where=life > 0)


def return_attribution(
    log_return: npt.NDArray[np.float64], t0: npt.NDArray[np.int64], t1: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """From the indicator matrix of bars and labels, on (t0, t1]."""
    bars = np.arange(len(log_return))[:, None]
    alive = (t0 < bars) & (bars <= t1)
    count = np.maximum(alive.sum(axis=1), 1)
    sums = np.abs((alive * (np.nan_to_num(log_return) / count)[:, None]).sum(axis=0))
    return np.where(t1 >= t0, sums, np.nan)


def scan_trends(
    log_close: npt.NDArray[np.float64], start: int, horizon: int, shortest: int
) -> tuple[int, float]:
    """Length and t-value of the line with the largest absolute t-value, by least squares."""
    best = (0, math.nan)
    for length in range(shortest, horizon + 1):
        x = np.arange(length + 1.0)
        y = log_close[start : start + length + 1]
        design = np.column_stack([np.ones(len(x)), x])
        beta = np.linalg.lstsq(design, y, rcond=None)[0]
        residual = y - design @ beta
        variance = residual @ residual / (len(x) - 2)
        error = math.sqrt(variance * np.linalg.inv(design.T @ design)[1, 1])
        value = float(beta[1] / error)
        if math.isnan(best[1]) or abs(value) > abs(best[1]):
            best = (length, value)
    return best


def sequential_draws(
    t0: npt.NDArray[np.int64], t1: npt.NDArray[np.int64], draws: int, rng: np.random.Generator
) -> list[int]:
    """Sequential bootstrap by its definition: all probabilities anew from the indicator matrix."""
    bars = np.arange(t1.max() + 1)[:, None]
    alive = (t0 <= bars) & (bars <= t1)
    drawn: list[int] = []
    for _ in range(draws):
        count = alive[:, drawn].sum(axis=1)[:, None]
        unique = (alive / (count + 1)).sum(axis=0) / alive.sum(axis=0)
        drawn.append(int(rng.choice(len(t0), p=unique / unique.sum())))
    return drawn


def horizon_targets(
    close: npt.NDArray[np.float64],
    gap: npt.NDArray[np.bool_],
    vertical: npt.NDArray[np.int64],
) -> tuple[list[int], list[float]]:
    """End row and log return of each row's horizon."""
    ends, returns = [], []
    for start in range(len(close)):
        end = int(vertical[start])
        reached = end < len(close) and not gap[start + 1 : end + 1].any()
        ends.append(end if reached else -1)
        returns.append(math.log(close[end] / close[start]) if reached else math.nan)
    return ends, returns


def mean_duration(
    ts_open: npt.NDArray[np.int64],
    ts_close: npt.NDArray[np.int64],
    gap: npt.NDArray[np.bool_],
    window: int,
) -> list[float]:
    """Mean seconds from close to close over the last `window` bars since a gap."""
    means = []
    for row in range(len(ts_close)):
        back = row
        while back > 0 and not gap[back] and row - back < window:
            back -= 1
        since = ts_close[back] if back < row else ts_open[row]
        seconds = (int(ts_close[row]) - int(since)) / 1e9 / max(row - back, 1)
        means.append(seconds if seconds > 0 or back < row else math.nan)
    return means
