"""Time and memory of exact quote tables: 1,000 sets x 50 sigma x 9 drift buckets, Q = 50.

    python benchmarks/bench_quotes.py [--sets 1000] [--limit 50]

Prints one line of JSON. The goal is less than 10 s on one core and less than 1 GB. A sample of
the tables is compared with `exact_quotes`. Then the lattice of the simulator at the same limit:
200,000 rows of walking sigma and drift, cold and again, and one optimal bribe.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ethpredict.quoting.bribe import optimal_bribe_once
from ethpredict.quoting.exact import exact_quotes
from ethpredict.quoting.lattice import Places, QuoteLattice
from ethpredict.quoting.tables import exact_tables

SIGMAS, DRIFTS = 50, 9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=1000)
    parser.add_argument("--limit", type=int, default=50)
    options = parser.parse_args()
    rng = np.random.default_rng(1)
    shape = (options.sets, 1, 1)
    gamma, A = 10 ** rng.uniform(-4, 0, shape), 10 ** rng.uniform(-2, 1, shape)
    k = 10 ** rng.uniform(-1.5, 1, shape)
    sigma = np.geomspace(0.01, 3.0, SIGMAS)[None, :, None]
    mu = np.linspace(-2e-3, 2e-3, DRIFTS)[None, None, :]
    start = time.perf_counter()
    exact_tables(gamma[:1], sigma, A[:1], k[:1], options.limit, mu)
    compiled = time.perf_counter() - start
    start, cpu = time.perf_counter(), time.process_time()
    tables = exact_tables(gamma, sigma, A, k, options.limit, mu)
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    worst = 0.0
    for row in rng.integers(0, len(tables.centre), 100):
        i, j, m = np.unravel_index(row, (options.sets, SIGMAS, DRIFTS))
        bid, _ = exact_quotes(
            float(gamma[i, 0, 0]),
            float(sigma[0, j, 0]),
            float(A[i, 0, 0]),
            float(k[i, 0, 0]),
            options.limit,
            float(mu[0, 0, m]),
        )
        got, _ = tables.quotes(row, np.arange(-options.limit, options.limit))
        worst = max(worst, float(np.max(np.abs(got / bid[:-1] - 1.0))))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures = {
        "tables": len(tables.centre),
        "wall_s": round(wall, 2),
        "cpu_s": round(cpu, 2),
        "us_per_table": round(1e6 * wall / len(tables.centre), 2),
        "first_call_s": round(compiled, 2),
        "peak_mb": round(peak),
        "worst_relative": worst,
    }
    figures |= lattice_cost(options.limit) | {"us_per_bribe": round(bribe_cost(), 2)}
    sys.stdout.write(json.dumps(figures) + "\n")


def lattice_cost(limit: int) -> dict[str, float]:
    """CPU seconds of the cells of 200,000 rows, with and without their nodes solved before."""
    rng, n = np.random.default_rng(2), 200_000
    sigma = 0.3 * np.exp(0.5 * np.sin(np.arange(n) / 3e4) + 0.1 * rng.normal(size=n))
    a, move = 0.02 * sigma**2 / 0.09, rng.normal(size=n)
    lattice = QuoteLattice(limit)
    lattice.cells(Places.of(a[:2], move[:2], 5.0))
    start = time.process_time()
    lattice.cells(Places.of(a, move, 5.0))
    cold = time.process_time() - start
    start = time.process_time()
    lattice.cells(Places.of(a, move, 5.0))
    again = time.process_time() - start
    return {"lattice_nodes": len(lattice), "lattice_s": round(cold, 2), "again_s": round(again, 2)}


def bribe_cost() -> float:
    """Microseconds of one optimal bribe, the best of 20 runs of 1,000."""
    best = float("inf")
    for _ in range(20):
        start = time.perf_counter()
        for _ in range(1_000):
            optimal_bribe_once(-3.0, 1.0, 10.0, 0.1)
        best = min(best, time.perf_counter() - start)
    return 1e3 * best


if __name__ == "__main__":
    main()
