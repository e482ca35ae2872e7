"""What the confidence (level 2) gains on a planted signal, with and without level 1 below it.

    python benchmarks/bench_confidence.py [--skill 0.3] [--rows 1420] [--markets 8]

Ridge at level 0, default nets above. Per setting: mean over markets, standard error and least value
of how much lower the log-loss of p is than that of the true share that paid, in thousandths of a
nat, on 6,000 rows out of sample; the same of a logistic curve in |m| fitted in hindsight; the
correlation of m with the outcome. CPU seconds at the end.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ethpredict.config.load import load, nest
from ethpredict.config.schema import applicable
from ethpredict.models.calibrators import fit_calibrator
from ethpredict.models.hierarchy import Hierarchy
from ethpredict.models.levels import Levels, Task, fit_levels
from ethpredict.models.member import Member
from ethpredict.models.reliability import log_losses
from ethpredict.models.table import Table, align_tables

TEST, HOUR_NS = 6000, 3_600_000_000_000
UP = {"model__level0__ridge__alpha": 1, "model__level2__algo": "gru"}
ONE = UP | {"model__level1__algo": "mlp"}
KINDS: dict[str, dict[str, Any]] = {
    "without level 1": UP,
    "without level 1, no calibration": UP | {"model__calibration": "none"},
    "with level 1": ONE,
    "with level 1, no calibration": ONE | {"model__calibration": "none"},
    "with level 1, 6 blocks": ONE | {"model__blocks": 6},
    "with level 1, 8 blocks": ONE | {"model__blocks": 8},
}


def market(n: int, skill: float, seed: int) -> Table:
    """Hourly rows with six features; two of them explain `skill` of the next return."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 6))
    y = np.sqrt(skill / 2) * (x[:, 0] - x[:, 1]) + np.sqrt(1 - skill) * rng.standard_normal(n)
    ts = 1_700_000_000_000_000_000 + np.arange(n) * HOUR_NS
    features = pd.DataFrame(x, columns=[f"f{k}" for k in range(6)])
    features.insert(0, "ts_close", ts)
    rows = np.arange(n)
    own = {"ret": 0.01 * y, "t1": np.where(rows + 1 < n, rows + 1, -1), "weight": 1.0}
    labels = pd.DataFrame({"t0": rows, **own, **{f"{key}_horizon": v for key, v in own.items()}})
    bars = pd.DataFrame({"ts_open": ts - HOUR_NS, "ts_close": ts, "gap": False})
    meta = {"columns": [{"name": f"f{k}", "memory": 1} for k in range(6)]}
    return align_tables(bars, features, meta, labels.assign(horizon_s=3600.0))


def gain(table: Table, levels: Hierarchy, rows: Any, cost: float) -> tuple[float, float, float]:
    """Gain of p and of the curve in hindsight (1e-3 nats), and the correlation of m."""
    m = levels.predict(table.x, rows)
    p = levels.confidence(table.x, table.lengths, rows)
    y = table.targets["horizon"].y[rows]
    paid = (np.sign(m) * y > cost).astype(np.float64)
    size = 1.0 / (1.0 + np.exp(-np.abs(m) / m.std()))
    best = fit_calibrator("platt", size, paid, np.ones(len(paid)))(size)
    share = log_losses(paid, np.full(len(paid), paid.mean())).mean()
    both = (1e3 * float(share - log_losses(paid, one).mean()) for one in (p, best))
    return *both, float(np.corrcoef(m, y)[0, 1])


def main() -> None:
    """Train, judge, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--skill", type=float, default=0.3)
    parser.add_argument("--rows", type=int, default=1420)
    parser.add_argument("--markets", type=int, default=8)
    chosen = parser.parse_args()
    members = []
    for name, settings in KINDS.items():
        tree = nest(applicable(load([], settings).values))
        kept = {key: tree[key] for key in ("model", "validation")}
        members.append(Member(name, kept, 0))
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in KINDS}
    began = time.process_time()
    for seed in range(chosen.markets):
        table = market(chosen.rows + TEST + 10, chosen.skill, 100 + seed)
        task = Task(table, table.targets["horizon"], np.arange(chosen.rows), "cpu")
        rows = np.arange(chosen.rows + 5, chosen.rows + 5 + TEST)
        for member in members:
            fitted = fit_levels(task, [member])[member.id]
            if not isinstance(fitted, Levels) or not isinstance(fitted.regressor, Hierarchy):
                raise SystemExit(f"{member.id}: {fitted}")
            cost = 1e-4 * float(member.model["level2"]["cost_bps"])
            found[member.id].append(gain(table, fitted.regressor, rows, cost))
    print("| setting | gain | standard error | least | in hindsight | correlation of m |")
    print("|---|---|---|---|---|---|")
    for name, values in found.items():
        told, best, linked = np.array(values).T
        error = told.std(ddof=1) / np.sqrt(len(told))
        print(
            f"| {name} | {told.mean():.1f} | {error:.1f} | {told.min():.1f} | {best.mean():.1f} "
            f"| {linked.mean():.3f} |"
        )
    print(f"{time.process_time() - began:.0f} CPU s, {chosen.markets} markets")


if __name__ == "__main__":
    main()
