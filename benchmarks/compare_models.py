"""All kinds of models side by side on one data set, with baselines and a shuffled-label placebo.

    python benchmarks/compare_models.py config/examples/eth_1h_real.yaml --test-days 60
    python benchmarks/compare_models.py config/examples/eth_5m_real.yaml [--only ridge,lstm]

The first trial of the file gives data, bars, features, labels and the walk-forward schedule; only
the `model` section changes. Prints two Markdown tables: the forecast m of every kind, and the
confidence p of those with a level 2, both of the first of `--seeds`; of the others only the IC. In
brackets 90 % stationary block-bootstrap intervals over all validation rows. The locked test is
neither predicted nor scored. The placebo is the whole stack once more, all levels, trained on
outcomes that were shuffled over the whole period, and judged on the true ones; with `--shuffles`
above 1 its mean, and in brackets the least and the largest. docs/results.md shows the tables as
they came.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ethpredict import adaptor
from ethpredict import labels as labels_stage
from ethpredict.models.fit import Fit, fit_split, scored_rows
from ethpredict.models.intervals import score_intervals
from ethpredict.models.member import Member
from ethpredict.models.scores import BASELINES, baselines, score
from ethpredict.models.signals import confidence_scores, signal_outcome, window_signals
from ethpredict.models.table import Table, Target, align_tables
from ethpredict.models.walkforward import Schedule, Split, make_schedule
from ethpredict.stats.pooled import pool_folds
from ethpredict.sweep.single import load_specs

UP = {"model__level1__algo": "mlp", "model__level2__algo": "gru"}
BLEND = {"model__level0__algo": "ridge", "model__ensemble__partners": "xgboost+lstm"}
KINDS: dict[str, dict[str, Any]] = {
    "ridge": {"model__level0__algo": "ridge"},
    "xgboost": {"model__level0__algo": "xgboost"},
    "lstm": {"model__level0__algo": "lstm"},
    "gru": {"model__level0__algo": "gru"},
    "mean of ridge+xgboost+lstm": BLEND | {"model__ensemble__kind": "mean"},
    "weighted ridge+xgboost+lstm": BLEND | {"model__ensemble__kind": "weighted"},
    "stacked ridge+xgboost+lstm": BLEND | {"model__ensemble__kind": "stacking"},
    "ridge > gru": {"model__level0__algo": "ridge", "model__level2__algo": "gru"},
    "ridge > mlp > gru": {"model__level0__algo": "ridge", **UP},
    "xgboost > mlp > gru": {"model__level0__algo": "xgboost", **UP},
    "lstm > mlp > gru": {"model__level0__algo": "lstm", **UP},
}
NAMES = {"zero": "zero (random walk)", "mean_24h": "mean of the last 24 h", "drift": "drift"}
FORECAST = ["IC", "R2", "hit rate, %", "MAE, bps", "IC of other seeds", "placebo IC", "CPU s"]
CONFIDENCE = ["signals", "log-loss gain, mnat", "log-loss", "of the training share", "Brier",
              "of the training share", "ECE", "placebo gain, mnat"]  # fmt: skip
DRAWS_SEED = 1


@dataclass(frozen=True)
class Market:
    """What all kinds share."""

    table: Table
    schedule: Schedule
    windows: tuple[Split, ...]

    @property
    def target(self) -> Target:
        """What is predicted."""
        return self.table.targets["horizon"]


def open_market(config: str, fixed: dict[str, Any]) -> Market:
    """Rows and validation windows of the file's first trial."""
    specs = load_specs(config, **fixed)
    data = adaptor.load_data(specs)
    features = adaptor.make_features(data, specs)
    labels = labels_stage.build(data.bars, specs["labels"]["settings"])
    table = align_tables(data.bars, features.frame, features.meta, labels)
    schedule = make_schedule(
        table, table.targets["horizon"], specs["train"]["settings"]["validation"]
    )
    windows = [
        split
        for split in schedule.splits
        if split.window is not None and split.window.test_stop <= schedule.first_locked
    ]
    return Market(table, schedule, tuple(windows))


def shuffled(table: Table, seed: int) -> Table:
    """Outcomes that stand at other rows, both targets alike; label intervals and weights stay."""
    targets = table.targets
    known = np.flatnonzero(np.isfinite(targets["touch"].y) & np.isfinite(targets["horizon"].y))
    mixed = np.random.default_rng(seed).permutation(known)
    made = {}
    for name, target in targets.items():
        y = target.y.copy()
        y[known] = target.y[mixed]
        made[name] = replace(target, y=y)
    return replace(table, targets=made)


def fitted(market: Market, table: Table, members: list[Member]) -> list[dict[str, Fit]]:
    """Every member on every validation window."""
    found = []
    for split in market.windows:
        fits = fit_split(table, table.targets["horizon"], market.schedule, split, members, "cpu")
        for fit in fits.values():
            if not isinstance(fit, Fit):
                raise SystemExit(f"{split.label}: {fit}")
        found.append(fits)
    return found


def judge(market: Market, m: Sequence[Any]) -> dict[str, float]:
    """Pooled scores and intervals of one forecast; `m` has one array per window."""
    parts, folds = [], []
    for split, values in zip(market.windows, m, strict=True):
        scored = scored_rows(market.table, market.target, market.schedule, split)
        assert scored is not None
        y, usable = scored[0], scored[1] & np.isfinite(values)
        weight = market.target.weight[split.test][usable]
        parts.append((y[usable], values[usable], weight, np.full(len(weight), split.fold)))
        folds.append({"all": 0, **score(y[usable], values[usable], weight)})
    y, values, weight, fold = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    rng = np.random.default_rng(DRAWS_SEED)
    pooled = pool_folds(pd.DataFrame(folds), ["all"]).iloc[0].to_dict()
    return pooled | score_intervals(y, values, weight, fold, rng)


def confidence(market: Market, member: Member, fits: Sequence[Fit]) -> dict[str, float]:
    """Scores of p on the validation windows, against the true outcomes."""
    outcome, cost = signal_outcome(market.table, market.target, member.model)
    y = outcome.sealed(market.schedule.first_locked)
    parts = []
    for split, fit in zip(market.windows, fits, strict=True):
        assert fit.payoff is not None
        rate, at = fit.payoff.base_rate, split.test
        parts.append(window_signals(y[at], outcome.weight[at], fit.m, fit.p, cost, rate))
    rng = np.random.default_rng(DRAWS_SEED)
    return {
        metric: value
        for scheme, _, metric, value in confidence_scores(parts, rng)
        if scheme == "confidence"
    }


def spread(found: dict[str, float], name: str, scale: float = 1.0, digits: int = 4) -> str:
    """A score with its interval; one that is not defined stays empty."""
    values = [scale * found.get(name + end, float("nan")) for end in ("", "_low", "_high")]
    if np.isnan(values[0]):
        return ""
    text = f"{values[0]:.{digits}f}"
    if not np.isnan(values[1]):
        text += f" [{values[1]:.{digits}f}, {values[2]:.{digits}f}]"
    return text


def row(name: str, found: dict[str, float], *more: str) -> str:
    """One line of the first table."""
    cells = [spread(found, "ic", digits=3), spread(found, "r2"), spread(found, "hit_rate", 100, 1)]
    return " | ".join(["", name, *cells, spread(found, "mae", 1e4, 2), *more, ""]).strip()


def compare(name: str, market: Market, settings: Any, seeds: int, shuffles: int) -> Any:
    """Print one kind's line; give its name and scores of p, or None without a level 2."""
    members = [Member(f"seed{seed}", settings, seed) for seed in range(seeds)]
    first = members[0].id
    began = time.process_time()
    true = fitted(market, market.table, members)
    spent = (time.process_time() - began) / seeds
    found = [judge(market, [fits[member.id].m for fits in true]) for member in members]
    placebos = [
        fitted(market, shuffled(market.table, DRAWS_SEED + k), members[:1]) for k in range(shuffles)
    ]
    lucks = [judge(market, [fits[first].m for fits in placebo]) for placebo in placebos]
    told = spread(lucks[0], "ic", digits=3)
    if shuffles > 1:
        ic = [luck["ic"] for luck in lucks]
        told = f"{np.mean(ic):.3f} [{min(ic):.3f}, {max(ic):.3f}]"
    others = ", ".join(f"{one['ic']:.3f}" for one in found[1:])
    print(row(name, found[0], others, told, f"{spent:.0f}"), flush=True)
    if members[0].level2 == "none":
        return None
    both = (true, placebos[0])
    return name, *(confidence(market, members[0], [fits[first] for fits in made]) for made in both)


def head(names: Sequence[str]) -> None:
    """Print the head of a table."""
    print(" | ".join(["", "model", *names, ""]).strip())
    print("|---" * (len(names) + 1) + "|", flush=True)


def main() -> None:
    """Train, judge, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("config")
    parser.add_argument("--only", default="", help="kinds, separated by commas")
    parser.add_argument("--seeds", type=int, default=1, help="training seeds of every kind")
    parser.add_argument("--shuffles", type=int, default=1, help="shuffles of the placebo")
    parser.add_argument(
        "--test-days", type=float, help="instead of the file's validation.test_days"
    )
    chosen = parser.parse_args()
    fixed = {"validation__test_days": chosen.test_days} if chosen.test_days else {}
    market = open_market(chosen.config, fixed)
    head(FORECAST)
    sure = []
    for name in chosen.only.split(",") if chosen.only else KINDS:
        settings = load_specs(chosen.config, **fixed, **KINDS[name])["train"]["settings"]
        sure.append(compare(name, market, settings, chosen.seeds, chosen.shuffles))
    sealed = replace(market.target, y=market.target.sealed(market.schedule.first_locked))
    made = [baselines(market.table, sealed, one.train, one.test) for one in market.windows]
    for key in BASELINES:
        print(row(NAMES[key], judge(market, [one[key] for one in made]), "", "", ""))
    print()
    head(CONFIDENCE)
    for name, true, placebo in filter(None, sure):
        rest = ("log_loss", "prior_log_loss", "brier", "prior_brier", "ece")
        cells = [f"{true['n_rows']:.0f}", spread(true, "log_loss_gain", 1e3, 2)]
        cells += [f"{true[key]:.4f}" for key in rest]
        cells += [spread(placebo, "log_loss_gain", 1e3, 2)]
        print(" | ".join(["", name, *cells, ""]).strip())


if __name__ == "__main__":
    main()
