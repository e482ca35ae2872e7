"""CPU time of training on 17,544 hourly bars with 20 features; ratios in one run, one core.

    python benchmarks/bench_train.py [segments] [processes] [trees] [nets] [gpu] [--models 25]
    python benchmarks/bench_train.py trees --run 1000

segments: one LSTM trained by segments against exact windows, equal epochs (goal 10x less CPU).
processes: a pack of XGBoost models against one process for each (goal 5x less).
trees: XGBoost trials, walk-forward and five folds, projected to 1,000 (goal 20 min on 2 cores).
    With --run they are trained, in packs of 50 by two processes at a time.
nets: LSTM -> MLP -> GRU trials, projected to 1,000 (goal 2 h on 2 cores).
gpu: LSTMs one by one against one stack, and how busy the GPU is (goal 90 %).
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ethpredict import gpu
from ethpredict.config.load import load, nest
from ethpredict.config.schema import applicable
from ethpredict.models import train_pack
from ethpredict.models.base import Sample, Spans
from ethpredict.models.lstm import PriceLstm

BARS, FEATURES, HORIZON, HOUR_NS = 17_544, 20, 4, 3_600_000_000_000
SCHEDULE = {
    "validation__train_days": 240,
    "validation__test_days": 120,
    "validation__locked_days": 60,
}


def tables() -> tuple[Any, ...]:
    """Bars, features and labels; the next return has R2 = 0.05 given two features."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((BARS, FEATURES))
    step = 0.01 * (np.sqrt(0.05 / 2) * (x[:, 0] - x[:, 1]) + rng.standard_normal(BARS))
    price = np.concatenate([[0.0], np.cumsum(step[:-1])])
    ts = 1_700_000_000_000_000_000 + np.arange(BARS) * HOUR_NS
    bars = pd.DataFrame({"ts_open": ts - HOUR_NS, "ts_close": ts, "gap": False})
    names = [f"f{j}" for j in range(FEATURES)]
    frame = pd.DataFrame(x, columns=names)
    frame.insert(0, "ts_close", ts)
    rows = np.arange(BARS)
    end = rows + HORIZON
    whole = end < BARS
    ret = np.where(whole, price[np.minimum(end, BARS - 1)] - price, np.nan)
    t1, weight = np.where(whole, end, -1), np.where(whole, 1.0 / HORIZON, np.nan)
    labels = pd.DataFrame(
        {"t0": rows, "t1": t1, "ret": ret, "weight": weight, "t1_horizon": t1,
         "ret_horizon": ret, "weight_horizon": weight, "horizon_s": HORIZON * 3600.0}
    )  # fmt: skip
    meta = {"columns": [{"name": name, "memory": 24} for name in names]}
    return bars, frame, meta, labels


def member(id: str, **settings: Any) -> dict[str, Any]:
    """A pack member with the schema's defaults and the sweep schedule."""
    values = applicable(load([], SCHEDULE | settings).values)
    tree = nest({k: v for k, v in values.items() if k.split(".")[0] in ("model", "validation")})
    return {"id": id, "settings": tree, "replicate": 0}


def trees(count: int, first: int = 0) -> list[dict[str, Any]]:
    """Distinct XGBoost settings, from the `first` of an endless list on."""
    rng = np.random.default_rng(2)
    drawn = [(float(rng.uniform(0.02, 0.2)), int(rng.integers(2, 5))) for _ in range(first + count)]
    return [
        member(
            f"x{k:04d}",
            model__level0__algo="xgboost",
            model__level0__xgboost__eta=eta,
            model__level0__xgboost__max_depth=depth,
        )
        for k, (eta, depth) in enumerate(drawn[first:], start=first)
    ]


def nets(count: int) -> list[dict[str, Any]]:
    """Distinct LSTM -> MLP -> GRU settings."""
    rng = np.random.default_rng(3)
    return [
        member(
            f"n{k:04d}",
            model__level0__algo="lstm",
            model__level1__algo="mlp",
            model__level2__algo="gru",
            model__level0__network__learning_rate=float(rng.uniform(0.002, 0.01)),
            model__level1__mlp__dropout=float(rng.uniform(0.0, 0.3)),
            validation__kfold=2,
        )
        for k in range(count)
    ]


def peak_mb() -> int:
    """Peak memory of this process, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def timed(members: list[dict[str, Any]], device: str = "cpu") -> float:
    """CPU seconds of a pack."""
    start = time.process_time()
    result = train_pack(*tables(), members, device=device)
    assert result.status["status"].eq("ok").all(), result.status["error"].tolist()
    own = result.scores.query("scheme == 'walk_forward' and metric == 'ic'")
    print(f"  mean IC of {len(members)} models {own['value'].mean():.4f}", flush=True)
    return time.process_time() - start


def compare_segments() -> None:
    """One fit of 5,760 rows, three epochs in each mode; the least of three runs."""
    _, frame, _, labels = tables()
    rows, cost = np.arange(5760), {}
    spans = Spans(labels["t1"].to_numpy(), np.ones(BARS, dtype=bool), np.zeros(BARS, dtype=bool))
    x = frame.drop(columns="ts_close").to_numpy()
    data = Sample(x, rows, labels["ret"].to_numpy()[rows], np.ones(len(rows)), spans)
    for mode in ("segments", "windows") * 4:  # the first run of each compiles
        chosen = member(
            "s",
            model__level0__algo="lstm",
            model__level0__network__mode=mode,
            model__level0__network__epochs=3,
            model__level0__network__patience=3,
        )["settings"]["model"]
        start = time.process_time()
        PriceLstm().fit(PriceLstm().prepare(data, chosen), chosen, 7, "cpu")
        cost[mode] = min(cost.get(mode, np.inf), time.process_time() - start)
    ratio = cost["windows"] / cost["segments"]
    print(f"segments {cost['segments']:.3f} s, windows {cost['windows']:.2f} s: {ratio:.1f}x")


def compare_processes(count: int) -> None:
    """A pack of `count` in a new process against three processes with one model each."""

    def children(size: int) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        child(size)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    pack, single = children(count), sum(children(1) for _ in range(3)) / 3
    ratio = single * count / pack
    print(f"pack of {count}: {pack:.1f} s; one process: {single:.1f} s x {count}: {ratio:.1f}x")


def child(count: int, first: int = 0) -> None:
    """Train a pack of trees in a new process."""
    chosen = ["--models", str(count), "--first", str(first)]
    command = [sys.executable, __file__, "pack", *chosen]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def run_trees(count: int, size: int = 50) -> None:
    """Train `count` trials, imports and loads included, by two processes at a time."""
    wall = time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        packs = [pool.submit(child, min(size, count - k), k) for k in range(0, count, size)]
        for done, pack in enumerate(packs, start=1):
            pack.result()
            print(f"  {done} packs after {(time.monotonic() - wall) / 60:.1f} min", flush=True)
    wall = time.monotonic() - wall
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    memory = 2 * used.ru_maxrss // 1024 + peak_mb()
    print(
        f"trees: {count} trials run in {wall / 60:.1f} min (goal 20), "
        f"{used.ru_utime + used.ru_stime:.0f} CPU s; peak {memory} MB in all (goal 4,000)"
    )


def compare_gpu(count: int) -> None:
    """LSTMs of 24 bars one by one against one pack; the GPU is sampled meanwhile."""
    if not gpu.visible_gpus():
        print("gpu: no GPU is visible on this machine, so nothing was measured")
        return
    held = gpu.lease()
    minutes, busy = {}, {}
    members = [
        member(
            f"g{k:04d}",
            model__level0__algo="lstm",
            model__level0__network__learning_rate=0.002 + 0.008 * k / count,
        )
        for k in range(count)
    ]
    timed(members[:1], "cuda")  # the libraries choose their kernels
    for name, packs in (("one by one", [[m] for m in members[:5]]), ("packed", [members])):
        samples: list[int] = []
        done = threading.Event()
        sampler = threading.Thread(target=sample_gpu, args=(samples, done))
        sampler.start()
        start = time.monotonic()
        for pack in packs:
            timed(pack, "cuda")
        minutes[name] = sum(map(len, packs)) / (time.monotonic() - start) * 60
        done.set()
        sampler.join()
        busy[name] = float(np.mean(samples)) if samples else float("nan")
    held.close()
    for name, rate in minutes.items():
        print(f"gpu, {name}: {rate:.1f} models a minute, SMs busy {busy[name]:.0f} % of the time")


def sample_gpu(samples: list[int], done: threading.Event) -> None:
    """Utilisation of the leased GPU, in percent, twice a second."""
    device = gpu.visible_gpus()[0]
    query = ["nvidia-smi", "-i", device, "--query-gpu=utilization.gpu", "--format=csv,noheader"]
    while not done.wait(0.5):
        told = subprocess.run(query, capture_output=True, text=True, check=True).stdout
        samples.append(int(told.split()[0]))


def project(name: str, members: list[dict[str, Any]], goal_min: float) -> None:
    """CPU seconds of a pack, projected to 1,000 trials on two cores."""
    cost = timed(members)
    minutes = cost / len(members) * 1000 / 2 / 60
    print(
        f"{name}: {len(members)} trials in {cost:.1f} CPU s; 1,000 on 2 cores {minutes:.1f} min "
        f"(goal {goal_min:g}); peak {peak_mb()} MB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "parts", nargs="*", default=["segments", "processes", "trees", "nets", "gpu"]
    )
    parser.add_argument("--models", type=int, default=25)
    parser.add_argument("--first", type=int, default=0, help="of the trees of a pack")
    parser.add_argument("--run", type=int, default=0, help="trees to train, not only project")
    options = parser.parse_args()
    if "pack" in options.parts:
        timed(trees(options.models, options.first))
    if "segments" in options.parts:
        compare_segments()
    if "processes" in options.parts:
        compare_processes(options.models)
    if "trees" in options.parts and options.run:
        run_trees(options.run)
    elif "trees" in options.parts:
        project("trees", trees(options.models), 20)
    if "nets" in options.parts:
        nets_count = nets(options.models)
        timed(nets_count[:1])  # compiles
        project("nets", nets_count, 120)
    if "gpu" in options.parts:
        compare_gpu(options.models)


if __name__ == "__main__":
    main()
