"""A small, made-up study in the shapes that the workflow writes."""

from __future__ import annotations

import itertools
import types
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ethpredict.io.artefact import write_json, write_table
from ethpredict.stats import summarise

DAY = 86_400_000_000_000
START_DAY = 20_089  # 2025-01-01
AXES = [
    {"key": "bars.interval", "values": ["15m", "1h"]},
    {"key": "model.level0.algo", "values": ["ridge", "xgboost"]},
    {"key": "quoting.gamma", "values": [0.001, 0.01, 0.1]},
    {"key": "sim.venue", "values": ["lob", "amm"]},
]
PARTS = ("spread", "inventory", "fees", "funding", "gas", "bribe", "lp_fees", "lp_adverse")
LEVELS = {"ic": 0.06, "mae": 0.009, "rmse": 0.011, "r2": 0.002, "hit_rate": 0.52}
LEVELS |= {"n_rows": 600.0, "weight": 300.0, "sse": 0.0363, "sse_zero": 0.03763}
LEVELS |= {"baseline_zero_rmse": 0.0112, "baseline_zero_sse": 0.03763}
EMPTY_PARTS = ("funding", "bribe", "lp_fees", "lp_adverse")


def _trial(index: int, settings: dict[str, Any], baseline: str, replicates: int) -> dict[str, Any]:
    name = f"{index:016x}"
    model = f"m{settings['bars.interval']}{settings['model.level0.algo']}"
    return {
        "id": name,
        "name": f"t{index:04d}",
        "baseline": baseline,
        "seq": 1,
        "settings": settings,
        "runs": [
            {
                "id": f"r{index:04d}{replicate}",
                "replicate": replicate,
                "model": f"{model}{replicate}",
                "quote": f"q{model}{replicate}",
                "bars": f"b{settings['bars.interval']}",
                "fetch": "f0",
            }
            for replicate in range(replicates)
        ],
    }


def trials(replicates: int = 1) -> list[dict[str, Any]]:
    """24 combinations of the axes and a baseline at every distinct setting of theirs."""
    found: list[dict[str, Any]] = []
    for values in itertools.product(*(axis["values"] for axis in AXES)):
        settings = dict(zip((axis["key"] for axis in AXES), values, strict=True))
        settings |= {"quoting.strategy": "glft", "quoting.alpha": "drift"}
        settings |= {"quoting.order_size": 0.5, "quoting.max_inventory": 10.0}
        settings |= {"quoting.calibration.source": "bars", "quoting.calibration.min_fills": 50}
        if settings["sim.venue"] == "amm":
            settings |= {"sim.amm.bribe.mode": "fixed", "sim.amm.bribe.window_days": 2.0}
            settings |= {"sim.amm.inclusion": "fitted"}
        found.append(_trial(len(found), settings, "", replicates))
    kinds = [("do_nothing", None), ("hold", None), ("fixed_spread", None)]
    kinds += [("no_signal", gamma) for gamma in AXES[2]["values"]]
    for interval, venue in itertools.product(["15m", "1h"], ["lob", "amm"]):
        for baseline, gamma in kinds:
            if venue == "amm" and baseline == "fixed_spread":
                continue
            settings = {
                "bars.interval": interval,
                "model.level0.algo": "zero",
                "sim.venue": venue,
                "quoting.strategy": "glft" if baseline == "no_signal" else baseline,
            }
            if baseline == "no_signal":
                settings |= {"quoting.gamma": gamma, "quoting.alpha": "off"}
            found.append(_trial(len(found), settings, baseline, 1))
    return found


def _drift(trial: dict[str, Any]) -> float:
    """Planted mean P&L in USD per 1,000 USD and day."""
    settings = trial["settings"]
    if trial["baseline"]:
        return {"do_nothing": 0.0, "hold": -0.3, "fixed_spread": -0.9, "no_signal": 0.2}[
            trial["baseline"]
        ]
    gain = {0.001: 0.3, 0.01: 0.6, 0.1: -0.2}[settings["quoting.gamma"]]
    gain += 0.5 * (settings["model.level0.algo"] == "ridge")
    return gain - 0.8 * (settings["sim.venue"] == "amm")


def simulated(
    plan: list[dict[str, Any]], days: int, first_day: int, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Metrics, equity and daily tables of all runs."""
    metrics, equity, daily = [], [], []
    market = np.random.default_rng(seed).normal(size=days)
    for trial in plan:
        for run in trial["runs"]:
            rng = np.random.default_rng([seed, int(trial["id"], 16), run["replicate"]])
            scale = 0.0 if trial["baseline"] == "do_nothing" else 2.0
            noise = scale * (0.6 * market + rng.normal(size=days))
            pnl = 30.0 * (_drift(trial) * (scale > 0) + noise)  # on 30,000 USD
            parts = dict.fromkeys((f"pnl_{part}" for part in PARTS), 0.0)
            total = float(pnl.sum())
            if scale:
                parts |= {
                    "pnl_spread": 4200.0,
                    "pnl_fees": -1850.5,
                    "pnl_gas": -310.0 * (trial["settings"]["sim.venue"] == "amm"),
                }
            parts["pnl_liquidation"] = -12.5 * (scale > 0)
            parts["pnl_endowment"] = 0.0
            parts["pnl_inventory"] = total - sum(parts.values())
            curve = np.interp(np.linspace(0, days, 200), np.arange(days + 1), [0, *pnl.cumsum()])
            drawdown = np.maximum.accumulate(curve) - curve
            metrics.append(
                {
                    "run_id": run["id"],
                    "status": "ok",
                    "error": "",
                    "pnl": total,
                    **parts,
                    "pnl_1k": total / 30.0 / days,
                    "capital": 30_000.0,
                    "days": float(days),
                    "n_fills": float(rng.integers(500, 900)) * (scale > 0),
                    "n_buys": 300.0 * (scale > 0),
                    "n_sells": 310.0 * (scale > 0),
                    "volume_base": 610.0 * (scale > 0),
                    "notional": 1.9e6 * (scale > 0),
                    "turnover": 63.0 * (scale > 0),
                    "fill_ratio": 0.12 * (scale > 0),
                    "hit_ratio": 0.53,
                    "mean_abs_inventory": 2.7 * (scale > 0),
                    "time_at_limit": 0.04 * (scale > 0),
                    "max_drawdown": float(drawdown.max()),
                    "time_under_water": 0.6 * (scale > 0),
                    "sharpe": float(np.sqrt(365) * pnl.mean() / pnl.std()) if scale else np.nan,
                    "sortino": 1.2,
                    "calmar": 0.8,
                    "markout_5m": np.nan,
                    "markout_1s": -0.25,
                    "n_sent": 0.0,
                    "n_reverts": 0.0,
                    "n_not_included": 0.0,
                    "n_front_runs": 0.0,
                    "n_sandwiches": 0.0,
                    "pnl_sandwich": 0.0,
                    "mean_tip_gwei": np.nan,
                    "mean_chance": np.nan,
                }
            )
            if trial["settings"].get("sim.amm.bribe.mode"):
                sent = float(10 + int(trial["id"], 16))
                metrics[-1] |= {"n_sent": sent, "n_reverts": 3.0, "n_not_included": 4.0}
                metrics[-1] |= {"n_front_runs": 1.0, "n_sandwiches": 2.0, "pnl_sandwich": -7.5}
                metrics[-1] |= {"mean_tip_gwei": sent / 10.0, "mean_chance": 0.75}
            ts = (first_day * DAY + np.linspace(0, days * DAY, 200)).astype(np.int64)
            equity.append(
                pd.DataFrame(
                    {
                        "run_id": run["id"],
                        "k": np.arange(200, dtype=np.int32),
                        "ts": ts,
                        "equity": curve,
                        "inventory": np.round(3 * np.sin(np.arange(200) / 9) * (scale > 0), 1),
                        "drawdown": drawdown,
                    }
                )
            )
            day = np.arange(first_day, first_day + days, dtype=np.int32)
            daily.append(
                pd.DataFrame(
                    {"run_id": run["id"], "day": day, "pnl": pnl, "per_capital": pnl / 3e4}
                )
            )
    return pd.DataFrame(metrics), pd.concat(equity), pd.concat(daily)


def detail(trial: dict[str, Any], days: int) -> pd.DataFrame:
    """Bar-by-bar path of one trial."""
    n = days * 96
    rng = np.random.default_rng(int(trial["id"], 16))
    mid = 3000 * np.exp(np.cumsum(rng.normal(0, 0.0025, n)))
    inventory = np.clip(np.round(np.cumsum(rng.normal(0, 0.3, n)) % 12 - 6), -10, 10)
    change = np.diff(inventory, prepend=0.0)
    return pd.DataFrame(
        {
            "trial_id": trial["id"],
            "name": trial["name"],
            "baseline": "",
            "run_id": trial["runs"][0]["id"],
            "row": np.arange(n),
            "ts": START_DAY * DAY + np.arange(n, dtype=np.int64) * (DAY // 96),
            "reference": mid,
            "mid": mid,
            "bid": np.where(inventory >= 10, np.nan, mid - 2.5 - 0.2 * inventory),
            "ask": np.where(inventory <= -10, np.nan, mid + 2.5 - 0.2 * inventory),
            "fills": change,
            "inventory": inventory,
            "equity": np.cumsum(rng.normal(0.4, 20, n)),
        }
    )


def scores(plan: list[dict[str, Any]]) -> pd.DataFrame:
    """Scores of all models, with baselines and placebo."""
    rows = []
    models = sorted({run["model"] for trial in plan for run in trial["runs"]})
    for index, model in enumerate(models):
        rng = np.random.default_rng(index)
        for scheme, metric, fold in itertools.product(
            ("walk_forward", "purged_kfold"),
            (*LEVELS, "placebo_ic"),
            range(5),
        ):
            if metric == "placebo_ic" and scheme == "walk_forward":
                continue
            value = LEVELS.get(metric, 0.0) * (1 + 0.02 * rng.normal() * (metric != "n_rows"))
            value += 0.01 * rng.normal() * (metric in ("ic", "placebo_ic"))
            rows.append((model, scheme, fold, metric, value))
    return pd.DataFrame(rows, columns=["model_id", "scheme", "fold", "metric", "value"])


def calibration(plan: list[dict[str, Any]], days: int) -> pd.DataFrame:
    """Daily fits of the fill intensity of every quote path."""
    rows = []
    for quote in sorted({run["quote"] for trial in plan for run in trial["runs"]}):
        rng = np.random.default_rng(len(quote))
        for day, side in itertools.product(range(0, days, 2), ("bid", "ask")):
            a, k = 0.01 * np.exp(0.1 * rng.normal()), 0.4 * np.exp(0.1 * rng.normal())
            ts = (START_DAY + day) * DAY
            rows.append((quote, ts, side, a, a * 0.05, k, k * 0.04, 200 + day, True))
    names = ["quote_id", "ts", "side", "A", "A_se", "k", "k_se", "n_fills", "approximate"]
    return pd.DataFrame(rows, columns=names)


def quotes(plan: list[dict[str, Any]]) -> pd.DataFrame:
    """Status and medians of every quote path."""
    names = sorted({run["quote"] for trial in plan for run in trial["runs"]})
    table = pd.DataFrame({"quote_id": names, "status": "ok", "error": "", "rows": 100})
    medians = {"fitted_rows": 90, "sigma": 0.3, "A": 0.02, "k": 0.4, "xi": 0.1}
    return table.assign(**medians)


def transactions(days: int) -> pd.DataFrame:
    """Transactions with tips, included by the curve a = -1, s = 1.5."""
    rng = np.random.default_rng(5)
    tip = rng.exponential(1.0, 200 * days)
    included = rng.random(tip.size) < 1.0 / (1.0 + np.exp(1.0 - 1.5 * tip))
    ts = START_DAY * DAY + np.sort(rng.integers(0, days * DAY, tip.size))
    return pd.DataFrame({"ts": ts, "tip_gwei": tip, "included": included})


def _provenance() -> dict[str, Any]:
    return {
        "git": {"sha": "0123456789abcdef0123456789abcdef01234567", "dirty": True},
        "diff": "--- a/x.py\n+++ b/x.py\n-<script>alert(1)</script>\n+y = 1\n",
        "versions": {"python": "3.11.2", "numpy": "2.4.0", "pandas": "3.1.0"},
        "machine": {"class": "x86_64", "cores": 2},
        "seeds": {"model.seed": 11, "sim.seed": 23},
        "inputs": {"candles.csv": "ab" * 32},
        "started": "2025-06-01T12:00:00Z",
    }


CANDLES_TOLD = {
    "rows": 25920,
    "period": {"start": "2025-01-01T00:00:00Z", "end": "2025-03-31T23:55:00Z"},
    "gaps": {"count": 2, "limit_s": 450.0, "longest_s": 7200.0},
    "duplicates": 0,
    "quarantined": 3,
    "constant_columns": ["taker_buy_volume"],
    "outliers": 4,
}


def build_study(
    folder: Path, days: int = 60, replicates: int = 1, fail: int = 2
) -> types.SimpleNamespace:
    """Write a whole study below `folder`; returns the inputs of the report script."""
    plan_trials = trials(replicates)
    metrics, equity, daily = simulated(plan_trials, days, START_DAY, seed=3)
    for position in range(fail):
        metrics.loc[5 + position, ["status", "error"]] = ["failed", "k = -0.1: must be above 0."]
        metrics.loc[5 + position, "pnl":] = np.nan
    score = scores(plan_trials)
    sent = {"f0": transactions(days)}
    summary = summarise(
        plan_trials,
        [metrics],
        [score],
        [daily],
        axes=AXES,
        n_trials_ever=30,
        tips=sent.get,
    )
    top = [trial for key in summary.top for trial in plan_trials if trial["id"] == key]
    shown = top + [trial for trial in plan_trials if trial["baseline"]]
    owners = pd.DataFrame(
        [(t["id"], t["name"], t["baseline"], r["id"]) for t in shown for r in t["runs"]],
        columns=["trial_id", "name", "baseline", "run_id"],
    )
    locked, locked_equity, _ = simulated(shown, 20, START_DAY + days, seed=9)
    tables = {
        "trials": summary.trials,
        "equity": equity,
        "daily": daily,
        "scores": score,
        "calibration": calibration(plan_trials, days),
        "quotes": quotes(plan_trials),
        "paths": pd.concat([detail(trial, days) for trial in top], ignore_index=True),
        "locked": owners.merge(locked, on="run_id"),
        "locked_equity": owners.merge(locked_equity, on="run_id"),
    }
    documents = {
        "plan": {
            "study": "demo",
            "title": "A made-up study",
            "tags": {"purpose": "test"},
            "config": {"quoting": {"gamma": [0.001, 0.01, 0.1]}, "sim": {"venue": ["lob", "amm"]}},
            "axes": AXES,
            "settings": {"sweep.mode": "grid"},
            "trials": plan_trials,
            "n_trials_ever": 30,
        },
        "leaderboard": {"study": "demo", **summary.leaderboard},
        "top": {"trials": summary.top},
        "reveal": {
            "trials": summary.top,
            "names": [trial["name"] for trial in top],
            "ledger_seq": 1,
            "count": 1,
            "first_seq": 1,
            "contaminated": [],
        },
        "provenance": _provenance(),
        "fetch/f0/quality": {
            "rows": 25920,
            "gaps": 0,
            "quarantined": 3,
            "constant": ["taker"],
            "tables": {"candles": CANDLES_TOLD, "trades": {"rows": 0, "quarantined": 2}},
        },
        "bars/b15m/quality": {"rows": 5760, "source": "trades", "gaps": 0},
        "features/x0/meta": {
            "columns": [{"name": "ret_6", "block": "returns", "warmup": 6, "memory": 6}],
            "dropped": [{"column": "taker_imbalance", "reason": "no taker volume"}],
        },
        "labels/l0/stats": {"share_tie": 0.012, "share_profit": 0.41, "share_stop": 0.4},
    }
    inputs: dict[str, Any] = {}
    for name, table in tables.items():
        inputs[name] = str(folder / f"{name}.parquet")
        write_table(table, inputs[name])
    for name, value in documents.items():
        inputs[name] = str(folder / f"{name}.json")
        write_json(value, inputs[name])
    for name in ("equity", "daily", "scores", "calibration", "quotes"):
        inputs[name] = [inputs[name]]
    listed = {"quality": "fetch/f0/quality", "bar_quality": "bars/b15m/quality"}
    listed |= {"meta": "features/x0/meta", "label_stats": "labels/l0/stats"}
    for name, key in listed.items():
        inputs[name] = [inputs.pop(key)]
    benchmarks = folder / "benchmarks"
    for name, seconds in (("fetch/f0", 2.5), ("train/p1", 11.25), ("train/p2", 9.0)):
        path = benchmarks / f"{name}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"s\th:m:s\tmax_rss\n{seconds}\t0:00:02\t150.5\n", encoding="utf-8")
    inputs["benchmarks"] = str(benchmarks)
    inputs["document"] = documents["plan"]
    return types.SimpleNamespace(**inputs)
