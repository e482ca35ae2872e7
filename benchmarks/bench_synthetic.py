"""Time and memory of the synthetic market: candles, trades and the order book, by length.

    python benchmarks/bench_synthetic.py [--quick]

Each row is a process of its own, compiled before the clock starts. Goals: a year of 1-minute bars
in less than 5 s and 10 million trades in less than 10 s of one core, and a peak memory that does
not grow with the length. "written" rows write every table to parquet as the fetch stage does.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

# name, what is done, changes to data.* and data.synthetic.*
CASES = [
    ("year of 1m bars", "bars", {"days": 365, "interval": "1m"}),
    ("10 M trades, 500 days", "trades", {"days": 500}),
    ("10 M trades, 10 days", "trades", {"days": 10, "trades_per_day": 1_000_000}),
    ("bars, 30 days of 1m", "bars", {"days": 30, "interval": "1m"}),
    ("trades, 50 days", "trades", {"days": 50}),
    ("written, 20 days", "write", {"days": 20}),
    ("written, 200 days", "write", {"days": 200}),
    ("book l2, 5 days", "book", {"days": 5, "book": "l2"}),
    ("book l2, 50 days", "book", {"days": 50, "book": "l2"}),
    ("book orders, 10 days", "book", {"days": 10, "book": "orders"}),
    ("book orders written, 4 days", "write", {"days": 4, "book": "orders"}),
    ("book orders written, 8 days", "write", {"days": 8, "book": "orders"}),
]


def settings(changes: dict) -> dict:
    """Return the schema's defaults with changes."""
    from ethpredict.config.schema import leaves

    known = {key: leaf.rule["default"] for key, leaf in leaves().items() if key[:5] == "data."}
    synthetic = {k.split(".")[2]: v for k, v in known.items() if k[:15] == "data.synthetic."}
    data = {k: known[f"data.{k}"] for k in ("symbol", "interval", "start", "max_gap")}
    for key, value in changes.items():
        (data if key in data else synthetic)[key] = value
    return {"data": {**data, "synthetic": synthetic}}


def do(what: str, given: dict) -> tuple[int, str]:
    """Do what a case asks for; return a count of rows."""
    from ethpredict.data.market import TABLES
    from ethpredict.data.synthetic import stream
    from ethpredict.data.synthetic.settings import read_settings
    from ethpredict.data.synthetic.simulation import run_days
    from ethpredict.io.artefact import write_tables

    if what == "bars":
        return len(stream(given).candles), "bars"
    if what == "trades":
        return sum(len(day.price) for day in run_days(read_settings(given))), "trades"
    if what == "book":
        days = run_days(read_settings(given))
        return sum(len(d.book.points) + len(d.book.updates) + len(d.book.orders) for d in days), (
            "points, level updates and order events"
        )
    market = stream(given)
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: Path(folder) / f"{name}.parquet" for name in TABLES}
        write_tables({name: getattr(market, name) for name in TABLES}, paths)
        return sum(path.stat().st_size for path in paths.values()), "bytes"


def child(what: str, changes: dict) -> None:
    """Measure one case in this process."""
    given = settings(changes)
    do(what, settings(changes | {"days": 2}))
    start, cpu = time.perf_counter(), time.process_time()
    count, unit = do(what, given)
    figures = {
        "count": count,
        "unit": unit,
        "cpu_s": round(time.process_time() - cpu, 2),
        "wall_s": round(time.perf_counter() - start, 2),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    sys.stdout.write(json.dumps(figures) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only the first three cases")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child[0], json.loads(options.child[1]))
        return
    sys.stdout.write("| case | rows | CPU s | wall s | peak MB |\n|---|---|---|---|---|\n")
    for name, what, changes in CASES[: 3 if options.quick else None]:
        call = [sys.executable, __file__, "--child", what, json.dumps(changes)]
        made = subprocess.run(call, check=True, capture_output=True, text=True, cwd=ROOT)
        f = json.loads(made.stdout)
        sys.stdout.write(
            f"| {name} | {f['count']:,} {f['unit']} | {f['cpu_s']} | {f['wall_s']} "
            f"| {f['peak_mb']} |\n"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    main()
