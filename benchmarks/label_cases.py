"""Labels, weights and splits against plain references that are kept here.

    python benchmarks/label_cases.py

Prints a table: CPU seconds of the package, of the plain reference, their ratio and the bar. Ratios
are taken in one run; a reference that would take hours is timed on a part and scaled, as its row
says. `cases()` is what the benchmark of all features imports.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from numba import njit

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ethpredict import splits
from ethpredict.labels import average_uniqueness, sequential_bootstrap, triple_barrier

Case = tuple[str, float, float, str]
EVENTS, HORIZON, PART = 200_000, 288, 400


def best(work: Callable[[], object], repeats: int = 5) -> float:
    """Least CPU seconds of some runs, after one that compiles."""
    work()
    found = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return min(found)


def once(work: Callable[[], object]) -> float:
    """CPU seconds of one run."""
    start = time.process_time()
    work()
    return time.process_time() - start


@njit
def simple_walk(opened, high, low, close, gap, t0, width, horizon):  # type: ignore[no-untyped-def]
    """The obvious compiled loop with the same rules: bar by bar until a barrier or a gap."""
    n, events = len(close), len(t0)
    t1, label = np.full(events, -1), np.full(events, np.nan)
    ret = np.full(events, np.nan)
    for i in range(events):
        row = t0[i]
        end, entry, hit = row + horizon, close[row], 0
        upper, lower = entry * math.exp(width[i]), entry * math.exp(-width[i])
        while row < end and row + 1 < n and not gap[row + 1] and hit == 0:
            row += 1
            if opened[row] >= upper or opened[row] <= lower:
                hit, ret[i] = 1, math.log(opened[row] / entry)
            elif high[row] >= upper:
                hit, ret[i] = 1, width[i]
            elif low[row] <= lower:
                hit, ret[i] = 1, -width[i]
        if hit == 0 and row == end:
            t1[i], ret[i], label[i] = row, math.log(close[row] / entry), 0.0
        elif hit:
            t1[i], label[i] = row, np.sign(ret[i])
    return t1, label, ret


def per_event_pandas(bars: pd.DataFrame, t0: np.ndarray, width: np.ndarray) -> list[float]:
    """One event after the other, on slices of the table."""
    ends = []
    for start, w in zip(t0, width, strict=True):
        path = bars.iloc[start + 1 : start + 1 + HORIZON]
        entry = bars["close"].iloc[start]
        up = np.log(path["high"] / entry)
        down = np.log(path["low"] / entry)
        touched = up.index[(up >= w) | (down <= -w)]
        ends.append(touched[0] if len(touched) else path.index[-1])
    return ends


def pandas_uniqueness(t0: np.ndarray, t1: np.ndarray, part: int) -> list[float]:
    """Snippets 4.1 and 4.2: a series of counts, then a mean of slices, label by label."""
    counts = pd.Series(0, index=np.arange(t1.max() + 1))
    for start, end in zip(t0[:part], t1[:part], strict=True):
        counts.loc[start:end] += 1
    return [
        (1.0 / counts.loc[start:end]).mean()
        for start, end in zip(t0[:part], t1[:part], strict=True)
    ]


def matrix_bootstrap(t0: np.ndarray, t1: np.ndarray, draws: int) -> list[int]:
    """Section 4.5 with the indicator matrix; every probability anew before each draw."""
    bars = np.arange(t1.max() + 1)[:, None]
    alive = ((t0 <= bars) & (bars <= t1)).astype(float)
    rng, count, drawn = np.random.default_rng(1), np.zeros((len(bars), 1)), []
    for _ in range(draws):
        unique = (alive / (count + 1)).sum(axis=0) / alive.sum(axis=0)
        drawn.append(int(rng.choice(len(t0), p=unique / unique.sum())))
        count[:, 0] += alive[:, drawn[-1]]
    return drawn


def cases() -> list[Case]:
    """Name, seconds of the package, seconds of the plain reference, and the bar."""
    rng = np.random.default_rng(0)
    n = EVENTS + HORIZON + 1
    close = 100.0 * np.exp(np.cumsum(rng.normal(0, 0.001, n)))
    opened = np.concatenate([[100.0], close[:-1]])
    high = np.maximum(opened, close) * np.exp(rng.exponential(0.0003, n))
    low = np.minimum(opened, close) * np.exp(-rng.exponential(0.0003, n))
    bars = pd.DataFrame({"open": opened, "high": high, "low": low, "close": close})
    t0 = np.arange(EVENTS)
    width = np.full(EVENTS, 0.001 * math.sqrt(HORIZON) * 1.2)
    prices = (opened, high, low, close)
    labels = triple_barrier(*prices, t0, width, HORIZON, 1.0, 1.0)
    t1 = labels["t1"].to_numpy()
    gap = np.zeros(n, dtype=bool)
    if not np.array_equal(simple_walk(*prices, gap, t0, width, HORIZON)[0], t1):
        raise SystemExit("the simple walk disagrees")
    chosen = rng.choice(EVENTS, PART, replace=False)
    if per_event_pandas(bars, chosen, width[chosen]) != t1[chosen].tolist():
        raise SystemExit("the pandas definition disagrees")
    fast = best(lambda: triple_barrier(*prices, t0, width, HORIZON, 1.0, 1.0))
    hold = f"{(t1 - t0).mean():.0f} bars mean hold"
    found: list[Case] = [
        (
            f"triple barrier, 200k events, {hold}, against per-event pandas (x{EVENTS // PART})",
            fast,
            once(lambda: per_event_pandas(bars, chosen, width[chosen])) * EVENTS / PART,
            ">= 1500x",
        ),
        (
            "the same against a simple compiled walk of the same rules",
            fast,
            best(lambda: simple_walk(*prices, gap, t0, width, HORIZON)),
            "aim 4x",
        ),
    ]
    plain = once(lambda: pandas_uniqueness(t0, t1, 2000)) * EVENTS / 2000
    unique = best(lambda: average_uniqueness(t0, t1))
    found.append(
        ("average uniqueness, 200k labels, against pandas (x100)", unique, plain, ">= 2000x")
    )
    few0 = np.sort(rng.integers(0, 3000, 1500))
    few1 = few0 + rng.integers(1, 40, 1500)
    found.append(
        (
            "sequential bootstrap, 1,500 draws, against the indicator matrix (x75)",
            best(lambda: sequential_bootstrap(few0, few1, np.random.default_rng(1))),
            once(lambda: matrix_bootstrap(few0, few1, 20)) * 75,
            "no matrix",
        )
    )
    many0 = np.arange(1_000_000)
    many1 = many0 + rng.integers(1, HORIZON + 1, len(many0))
    folds = best(lambda: [None for _ in splits.purged_kfold(many0, many1, 5, 96)], 9)
    found.append(
        ("purged 5-fold, 1M labels, against the masks", folds, _masks(many0, many1), "< 20 ms")
    )
    return found


def _masks(t0: np.ndarray, t1: np.ndarray) -> float:
    """Purged folds by full-length boolean masks."""

    def work() -> None:
        for block in np.array_split(np.arange(len(t0)), 5):
            first, last = t0[block].min(), t1[block].max()
            kept = ~((t0 <= last) & (t1 >= first)) & ~((t0 > last) & (t0 <= last + 96))
            np.flatnonzero(kept)

    return best(work, 3)


def main() -> None:
    """Print the table."""
    for name, fast, plain, bar in cases():
        line = f"{name:86s} {fast * 1e3:10.2f} ms {plain:10.3f} s {plain / fast:10.1f}x  {bar}"
        sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
