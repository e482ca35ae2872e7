"""Features against plain references in one run, and the whole block set on a million bars.

    python benchmarks/bench_features.py [--bars 1000000] [--skip-whole]

CPU seconds of one core after compilation. The references stand in this file; the results are
compared before anything is timed. The cases of labels and splits are added where
benchmarks/label_cases.py is present.
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ethpredict import features, rolling
from ethpredict.features import _kernels, _message_kernels
from ethpredict.features.fractional import fracdiff_weights

Case = tuple[str, float, float, str]
WINDOW = 288
DAY = 86_400_000_000_000


def cpu(call: Callable[[], Any], least: float = 0.2) -> float:
    """CPU seconds of one call: the mean over calls that take `least` seconds together."""
    start, calls = time.process_time(), 0
    while True:
        call()
        calls += 1
        spent = time.process_time() - start
        if spent >= least:
            return spent / calls


def walk(n: int) -> np.ndarray:
    return 8.0 + np.cumsum(np.random.default_rng(1).standard_t(4, n) * 0.002)


def sadf_by_least_squares(y: np.ndarray, rows: range, shortest: int) -> list[float]:
    """Supremum at some rows: each window's own least squares, as in snippet 17.2-17.4."""
    out = []
    for row in rows:
        best = -np.inf
        for start in range(row + 2 - shortest):
            part = y[start : row + 1]
            change = np.diff(part)
            design = np.column_stack([part[:-1], np.ones(len(change))])
            inverse = np.linalg.inv(design.T @ design)
            coefficients = inverse @ design.T @ change
            residual = change - design @ coefficients
            variance = residual @ residual / (len(change) - 2) * inverse[0, 0]
            best = max(best, coefficients[0] / math.sqrt(variance))
        out.append(best)
    return out


def sadf_case() -> Case:
    """N = 2,000; the plain one is timed at every 100th row and scaled by its windows."""
    n, shortest = 2000, 50
    y = walk(n)
    found = features.sadf(y, shortest)
    rows = range(shortest - 1 + 50, n, 100)
    start = time.process_time()
    plain = sadf_by_least_squares(y, rows, shortest)
    spent = time.process_time() - start
    np.testing.assert_allclose(found[list(rows)], plain, rtol=1e-5)
    windows = sum(row + 2 - shortest for row in rows)
    total = (n - shortest + 1) * (n - shortest + 2) / 2
    fast = cpu(lambda: features.sadf(y, shortest))
    return "SADF, n = 2,000", fast, spent * total / windows, "<= 0.1 s and >= 800x"


def fracdiff_by_pandas(series: pd.Series, weights: np.ndarray) -> pd.Series:
    """Fixed-width fractional differences, row by row, as in snippet 5.3."""
    reverse, width = weights[::-1].reshape(-1, 1), len(weights) - 1
    frame = series.to_frame().ffill().dropna()
    out = pd.Series(dtype="float64")
    for i in range(width, frame.shape[0]):
        first, last = frame.index[i - width], frame.index[i]
        if np.isfinite(series.loc[last]):
            out[last] = np.dot(reverse.T, frame.loc[first:last])[0, 0]
    return out


def fracdiff_case() -> Case:
    """1,000,000 rows; pandas is timed on 2,000 rows and scaled."""
    n, sample = 1_000_000, 2000
    y = walk(n)
    weights = fracdiff_weights(0.4, 1e-5)
    short = pd.Series(y[: sample + len(weights) - 1])
    found = features.fracdiff(y, 0.4, 1e-5)
    start = time.process_time()
    plain = fracdiff_by_pandas(short, weights)
    spent = time.process_time() - start
    np.testing.assert_allclose(found[len(weights) - 1 : len(short)], plain, atol=1e-11)
    fast = cpu(lambda: features.fracdiff(y, 0.4, 1e-5))
    rows = n - len(weights) + 1
    return "fracdiff, width 1458, 1M rows", fast, spent / sample * rows, ">= 500x"


def entropy_by_counts(letters: np.ndarray) -> float:
    """Shannon entropy of one window."""
    _, counts = np.unique(letters, return_counts=True)
    share = counts / counts.sum()
    return float(-(share * np.log2(share)).sum())


def phrases(message: str) -> int:
    """Library of Lempel and Ziv, as in snippet 18.2."""
    library, i = [], 0
    while i < len(message):
        for j in range(i, len(message)):
            if message[i : j + 1] not in library:
                library.append(message[i : j + 1])
                break
        i = j + 1
    return len(library)


def match_sum(message: str, look: int) -> float:
    """Kontoyiannis' estimate, as in snippets 18.3-18.4."""
    parts = []
    for i in range(look, len(message) - look + 1):
        length = 0
        while length < look and message[i : i + length + 1] in message[i - look : i + length]:
            length += 1
        parts.append(math.log2(look + 1) / (length + 1))
    return float(np.mean(parts))


def entropy_cases() -> list[Case]:
    """1,000,000 letters, windows of 288; the plain ones are timed on some windows and scaled."""
    n = 1_000_000
    codes = np.random.default_rng(2).integers(0, 3, n)
    run, text = np.arange(1, n + 1), "".join(map(str, codes[:4000]))
    look = WINDOW // 3

    def matches() -> np.ndarray:
        parts = math.log2(look + 1) / (_message_kernels.match_lengths(codes, run, look) + 1.0)
        count = WINDOW - 2 * look + 1
        whole = rolling.run_lengths(parts, np.zeros(n, dtype=bool))
        return rolling.window_sum(parts, whole, count) / count

    pairs = [
        (
            "Shannon",
            lambda: _kernels.rolling_entropy(codes, run, WINDOW, 3),
            lambda t: entropy_by_counts(codes[t - WINDOW + 1 : t + 1]),
            500,
        ),
        (
            "Lempel-Ziv",
            lambda: _message_kernels.rolling_phrases(codes, run, WINDOW, 3),
            lambda t: phrases(text[t - WINDOW + 1 : t + 1]),
            500,
        ),
        ("Kontoyiannis", matches, lambda t: match_sum(text[t - WINDOW + 1 : t + 1], look), 200),
    ]
    cases = []
    for name, fast, plain, sample in pairs:
        found, rows = fast(), range(WINDOW - 1, WINDOW - 1 + sample)
        start = time.process_time()
        expected = [plain(t) for t in rows]
        spent = (time.process_time() - start) / sample * (n - WINDOW + 1)
        np.testing.assert_allclose(found[list(rows)], expected, rtol=1e-9)
        cases.append((f"rolling entropy, {name}, 288 of 1M", cpu(fast), spent, ">= 100x"))
    return cases


def random_bars(n: int) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    close = np.exp(walk(n) * 0.2 + 6.4)
    opened = np.concatenate([close[:1], close[:-1]])
    volume = rng.exponential(50.0, n)
    ts = 1_600_000_200_000_000_000 + np.arange(n) * 300_000_000_000
    return pd.DataFrame(
        {
            "ts_open": ts,
            "ts_close": ts + 300_000_000_000,
            "open": opened,
            "high": np.maximum(opened, close) * np.exp(rng.exponential(0.0005, n)),
            "low": np.minimum(opened, close) * np.exp(-rng.exponential(0.0005, n)),
            "close": close,
            "volume": volume,
            "quote_volume": volume * close,
            "trades": np.ceil(volume),
            "taker_buy_volume": volume * rng.random(n),
            "gap": np.zeros(n, dtype=bool),
        }
    )


def random_facts(bars: pd.DataFrame) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    first, last = int(bars["ts_close"].iloc[0]) - 20 * DAY, int(bars["ts_close"].iloc[-1])
    daily = ("daily_active_addresses", "dev_activity", "social_dominance_total", "tvl")
    tables = []
    for name in (*daily, "funding_rate", "mark_price"):
        step = DAY if name in daily else DAY // 3
        ts = np.arange(first // DAY * DAY, last, step)
        value = np.exp(rng.normal(8.0 if name != "funding_rate" else -9.0, 0.1, len(ts)))
        known = ts + (DAY if name in daily else 0)
        tables.append(pd.DataFrame({"ts": ts, "ts_known": known, "name": name, "value": value}))
    return pd.concat(tables, ignore_index=True).assign(source="random")


def whole_set(n: int) -> tuple[float, float, int]:
    """CPU seconds, peak MiB and columns of every block."""
    settings = {
        "features": {
            "include": list(features.BLOCKS),
            "windows": [6, 24, 96, WINDOW],
            "on_missing": "stop",
            "rsi_window": 14,
            "fracdiff_d": 0.4,
            "fracdiff_tau": 1e-5,
            "entropy_window": WINDOW,
            "cusum_multiple": 3.0,
            "regime_methods": ["quantiles", "hmm"],
            "regime_window": WINDOW,
            "regime_bins": 3,
            "regime_states": 2,
            "max_age_days": 3,
        }
    }
    small = random_bars(5000)
    features.build(small, settings, random_facts(small))
    bars = random_bars(n)
    facts = random_facts(bars)
    start = time.process_time()
    result = features.build(bars, settings, facts)
    spent = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return spent, peak, result.frame.shape[1] - 1


def label_cases() -> list[Case]:
    """Cases of the label and split bench, where it is present."""
    path = Path(__file__).with_name("label_cases.py")
    if not path.exists():
        return []
    spec = importlib.util.spec_from_file_location("label_cases", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return list(module.cases())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bars", type=int, default=1_000_000)
    parser.add_argument("--skip-whole", action="store_true")
    options = parser.parse_args()
    write = sys.stdout.write
    if not options.skip_whole:
        # First, so that the peak is its own.
        spent, peak, columns = whole_set(options.bars)
        write(
            f"every block, {options.bars:,} bars, {columns} columns: {spent:.1f} CPU-s, "
            f"peak {peak:,.0f} MiB (bar: < 60 s, < 2,000 MiB)\n"
        )
        sys.stdout.flush()
    write(f"{'case':40} {'CPU-s':>10} {'plain CPU-s':>12} {'ratio':>9}  bar\n")
    for name, fast, plain, bar in [sadf_case(), fracdiff_case(), *entropy_cases(), *label_cases()]:
        write(f"{name:40} {fast:10.4f} {plain:12.2f} {plain / fast:8,.0f}x  {bar}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
