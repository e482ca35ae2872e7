"""Dollar bars against a pandas groupby and pure Python loops; a long tape against memory.

    python benchmarks/bench_bars.py [--trades 5000000] [--ticks FILE.csv.gz]
    python benchmarks/bench_bars.py --stream 100000000

The first form cuts the same trades five ways in one run and demands identical bars: prices are
quarters and sizes sixty-fourths, so that every sum is exact in float64 in any order. The loops do
what `dollar_bars` does: check each trade, find where bars close, sum up. `--ticks` (default: the
real ticks beside the checkout, where there are any) adds a tape with DateTime, Price and Volume.
The goals are 10 x pandas and 400 x a loop. The second form writes a parquet file of that many
trades, streams it through the bars stage and prints CPU time and the peak of memory.
"""

from __future__ import annotations

import argparse
import gc
import gzip
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ethpredict.bars import build, dollar_bars
from ethpredict.data.market import Chunks, empty_candles
from ethpredict.io.artefact import iter_table, write_table

COLUMNS = [
    "ts_open",
    "ts_close",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "quote_volume",
    "trades",
]
TICKS = Path(__file__).resolve().parents[2] / "shared/data/ticks/es_ticks_2013-09.csv.gz"
INF = float("inf")


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def loop(trades: Iterable[tuple[int, float, float]], limit: float) -> list:
    """Cut bars one trade at a time, as one would write it down."""
    bars = []
    count = 0
    last = -INF
    for i, (t, p, s) in enumerate(trades):
        if t < last or not 0.0 < p < INF or not 0.0 <= s < INF:
            raise ValueError(f"row {i + 1} cannot be used")
        last = t
        if count == 0:
            first, opened, high, low = t, p, p, p
            volume = dollars = 0.0
        if p > high:  # noqa: PLR1730 - faster than max()
            high = p
        if p < low:  # noqa: PLR1730
            low = p
        count += 1
        volume += s
        dollars += p * s
        if dollars >= limit:
            bars.append((first, t, opened, high, low, p, volume, dollars, count))
            count = 0
    return bars


def rows(frame: pd.DataFrame) -> Iterator[tuple[int, float, float]]:
    """Trades of a table, row by row."""
    for row in frame.itertuples(index=False):
        yield row.ts, row.price, row.volume


def grouped(ts: np.ndarray, price: np.ndarray, size: np.ndarray, limit: float) -> pd.DataFrame:
    """Find the borders in the running value, then a groupby."""
    frame = pd.DataFrame({"ts": ts, "price": price, "size": size})
    frame["dollars"] = frame["price"] * frame["size"]
    value = frame["dollars"].cumsum().to_numpy()
    stops, done = [], 0.0
    while (stop := int(np.searchsorted(value, done + limit))) < len(value):
        stops.append(stop + 1)
        done = value[stop]
    frame = frame.iloc[: stops[-1] if stops else 0]
    bar = np.repeat(np.arange(len(stops)), np.diff([0, *stops]))
    return frame.groupby(bar).agg(
        ts_open=("ts", "first"),
        ts_close=("ts", "last"),
        open=("price", "first"),
        high=("price", "max"),
        low=("price", "min"),
        close=("price", "last"),
        volume=("size", "sum"),
        quote_volume=("dollars", "sum"),
        trades=("ts", "size"),
    )


def timed(work: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """Least CPU seconds of some repeats, and the result."""
    best = INF
    for _ in range(repeats):
        gc.collect()
        began = time.process_time()
        result = work()
        best = min(best, time.process_time() - began)
    return best, result


def compare(name: str, tape: tuple[np.ndarray, np.ndarray, np.ndarray], limit: float) -> None:
    """Cut one tape five ways, demand identical bars and print the times."""
    plain = [column.tolist() for column in tape]
    frame = pd.DataFrame(dict(zip(("ts", "price", "volume"), tape, strict=True)))
    dollar_bars(*(column[:9] for column in tape), limit)
    compiled, bars = timed(lambda: dollar_bars(*tape, limit), 15)
    ways = {
        "dollar_bars": (compiled, bars),
        "pandas groupby": timed(lambda: grouped(*tape, limit), 3),
        "Python loop over lists": timed(lambda: loop(zip(*plain, strict=True), limit), 2),
        "Python loop over arrays": timed(lambda: loop(zip(*tape, strict=True), limit), 2),
        "Python loop over rows": timed(lambda: loop(rows(frame), limit), 1),
    }
    wanted = bars[COLUMNS].to_numpy(dtype=np.float64)
    shared = np.concatenate(([False], np.diff(bars["ts_close"]) < 1000))
    say(f"\n{name}: {len(tape[0]):,} trades, {len(bars):,} bars of {limit:,.0f}")
    for way, (seconds, result) in ways.items():
        table = pd.DataFrame(result, columns=COLUMNS)[COLUMNS].to_numpy(dtype=np.float64)
        assert table.shape == wanted.shape, f"{way}: {len(table)} bars"
        # Borders: dollar_bars parts bars that share one time by nanoseconds.
        assert (np.abs(table[:, :2] - wanted[:, :2])[~shared] < 1000).all(), way
        assert (table[:, 2:] == wanted[:, 2:]).all(), f"{way}: other bars"
        ratio = seconds / compiled
        per_trade = 1e9 * seconds / len(tape[0])
        say(f"  {way:<24} {seconds:9.4f} s CPU {per_trade:9.2f} ns/trade {ratio:8.1f} x")
    say("  bars are identical")


def synthetic(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Trades at random times, prices in quarters, sizes in sixty-fourths."""
    rng = np.random.default_rng(1)
    ts = np.cumsum(rng.integers(1, 20_000_000, n))
    price = 3000 + np.cumsum(rng.integers(-1, 2, n)) * 0.25
    return ts, np.maximum(price, 0.25), np.ceil(rng.exponential(64.0, n)) / 64


def pieces(n: int, length: int = 1_000_000) -> Iterator[pd.DataFrame]:
    """A long tape, made piece by piece."""
    rng = np.random.default_rng(2)
    start, log_price = 0, np.log(3000.0)
    for first in range(0, n, length):
        count = min(length, n - first)
        ts = start + np.cumsum(rng.integers(1, 600_000_000, count))
        path = log_price + np.cumsum(rng.normal(0, 2e-5, count))
        start, log_price = int(ts[-1]), path[-1]
        yield pd.DataFrame(
            {
                "ts": ts,
                "price": np.round(np.exp(path), 2),
                "size": np.round(rng.lognormal(0, 1, count), 4) + 0.0001,
                "aggressor_side": rng.choice(np.array([-1, 1], np.int8), count),
                "id": np.arange(first, first + count),
            }
        )


def stream(n: int) -> None:
    """Write a long tape and cut it through the bars stage."""
    common = {"threshold": "ewma", "per_day": 288, "average_days": 7, "dollar_threshold": 3e6}
    flow = {"measure": "dollars", "expected_trades": 1000, "bound": 4, "average_bars": 20}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trades.parquet"
        began = time.process_time()
        write_table(pieces(n), path)
        size = path.stat().st_size / 1e9
        say(f"{n:,} trades in {size:.2f} GB of parquet ({time.process_time() - began:.0f} s CPU)")
        columns = ["ts", "price", "size", "aggressor_side"]
        tape = Chunks(lambda: iter_table(path, columns))
        for options in (
            {"kind": "dollar"} | common,
            {"kind": "imbalance"} | flow,
            {"kind": "run"} | flow,
        ):
            began = time.process_time()
            made = build(empty_candles(), tape, {"bars": options}, 3600.0)
            seconds = time.process_time() - began
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            quality = made.quality
            assert quality["trades"] == n
            held = made.bars["trades"].sum() + quality["tails"]["rows"]
            assert held == n, f"{held:,.0f} of {n:,} trades"
            say(
                f"  {options['kind']:<10} {len(made.bars):9,} bars {seconds:7.1f} s CPU "
                f"{1e9 * seconds / n:6.0f} ns/trade, peak {peak:,.0f} MB, "
                f"volume {quality['volume']['source']:.4f}, rounded away "
                f"{quality['volume']['rounding']:.1e}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trades", type=int, default=5_000_000)
    parser.add_argument("--ticks", type=Path, default=TICKS)
    parser.add_argument("--stream", type=int, default=0)
    options = parser.parse_args()
    if options.stream:
        stream(options.stream)
        return
    compare("synthetic", synthetic(options.trades), 3e6)
    if options.ticks.exists():
        with gzip.open(options.ticks) as content:
            frame = pd.read_csv(content)
        ts = pd.to_datetime(frame["DateTime"]).dt.as_unit("ns").astype("int64").to_numpy()
        tape = ts, frame["Price"].to_numpy(float), frame["Volume"].to_numpy(float)
        compare(f"real ticks ({options.ticks.name})", tape, 2e6)
    else:
        say(f"\nno real ticks: {options.ticks} is absent")


if __name__ == "__main__":
    main()
