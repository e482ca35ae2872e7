"""Memory and time of trades on their way from archive files to the written table.

    python benchmarks/bench_archive.py [--days 1 4] [--trades 1000000]

A server on this machine answers as Binance's archive does: one zip with its checksum per day, made
from a seed when it is asked for. For each number of days a fresh process fetches, checks, writes
`trades.parquet` and describes it, as the fetch stage does. Memory must follow one day's trades,
not their sum. The server's own CPU and memory are not counted.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ethpredict.data import fetch
from ethpredict.data.market import TABLES
from ethpredict.data.table_quality import describe_tables
from ethpredict.io.artefact import write_tables
from ethpredict.sweep.single import load_specs
from tests.local_server import Asked, Reply, archived, kline, serving

FIRST = pd.Timestamp("2025-03-03")
DAY_US, MINUTE_US = 86_400_000_000, 60_000_000


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def trades(day: int, count: int) -> str:
    """One day of aggregated trades: eight fields, microseconds."""
    rng = np.random.default_rng(day)
    start = FIRST.value // 1000 + day * DAY_US
    number = np.arange(day * count, (day + 1) * count)
    frame = pd.DataFrame(
        {
            "a": number,
            "p": np.round(3000 * np.exp(np.cumsum(rng.normal(0, 1e-5, count))), 2),
            "q": np.round(rng.lognormal(-1, 1, count), 4) + 0.0001,
            "f": number,
            "l": number,
            "T": start + np.sort(rng.integers(0, DAY_US, count)),
            "m": np.where(rng.random(count) < 0.5, "True", "False"),
            "M": "True",
        }
    )
    return frame.to_csv(index=False, header=False)


def answer(count: int):
    """Files by day, each made once."""

    @lru_cache(maxsize=2)
    def files(path: str) -> dict[str, bytes]:
        day = (pd.Timestamp(path.removesuffix(".zip")[-10:]) - FIRST).days
        if "aggTrades" in path:
            return archived(path, trades(day, count))
        start = FIRST.value // 1000 + day * DAY_US
        rows = (kline(start + i * MINUTE_US, MINUTE_US, 3000 + i % 7) for i in range(1440))
        return archived(path, "".join(",".join(map(str, row)) + "\n" for row in rows))

    def reply(asked: Asked) -> Reply:
        if "/monthly/" in asked.path:
            return Reply("", 404)
        return Reply(files(asked.path.removesuffix(".CHECKSUM"))[asked.path])

    return reply


def fetched(url: str, days: int) -> None:
    """Fetch and write as the stage does; print what it took as JSON."""
    settings = load_specs(
        data__source="binance_archive",
        data__interval="1m",
        data__start=str(FIRST.date()),
        data__end=str((FIRST + pd.Timedelta(days, "D")).date()),
        data__binance__trades="agg",
        data__binance__archive_url=url,
    )["fetch"]["settings"]
    with tempfile.TemporaryDirectory() as folder:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        began, clock = time.process_time(), time.perf_counter()
        market = fetch(settings, Path(folder) / "downloads")
        files = {name: Path(folder) / f"{name}.parquet" for name in TABLES}
        write_tables({name: getattr(market, name) for name in TABLES}, files)
        written = time.process_time() - began
        told = describe_tables(files, settings["data"]["max_gap"])["trades"]
        say(
            json.dumps(
                {
                    "rows": told["rows"],
                    "written_s": written,
                    "described_s": time.process_time() - began - written,
                    "wall_s": time.perf_counter() - clock,
                    "before_mb": before,
                    "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                    "file_mb": files["trades"].stat().st_size / 1e6,
                }
            )
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--days", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--trades", type=int, default=1_000_000, help="a day")
    parser.add_argument("--url", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.url:
        fetched(options.url, options.days[0])
        return
    with serving(answer(options.trades)) as server:
        for days in options.days:
            call = [sys.executable, __file__, "--url", server.url, "--days", str(days)]
            told = json.loads(subprocess.run(call, stdout=subprocess.PIPE, check=True).stdout)
            assert told["rows"] == days * options.trades
            say(
                f"{days} days, {told['rows']:,} trades, {told['file_mb']:.0f} MB of parquet: "
                f"{told['written_s']:.1f} s CPU to fetch, check and write, "
                f"{told['described_s']:.1f} s to describe, {told['wall_s']:.0f} s in all; "
                f"peak {told['peak_mb']:,.0f} MB ({told['before_mb']:,.0f} MB before)"
            )


if __name__ == "__main__":
    main()
