"""Segments against exact windows on real candles: equal validation loss, a tenth of the CPU."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from ethpredict import adaptor
from ethpredict import labels as labels_stage
from ethpredict.models.base import Sample, Spans
from ethpredict.models.lstm import PriceLstm
from ethpredict.models.table import align_tables
from ethpredict.sweep.single import load_specs

ROOT = Path(__file__).resolve().parents[3]
CANDLES = "lighter/candles_ETH_perp_5m_20260328_20260628.csv"
DAY = 288
TRAIN = 30 * DAY
SEEDS = (1, 2, 3)


@pytest.mark.slow  # two modes, three seeds
def test_segments_and_windows_learn_equally_well(
    shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANDLES", str(shared_data / CANDLES))
    specs = load_specs(ROOT / "config/examples/eth_5m_real.yaml", model__level0__algo="lstm")
    data = adaptor.load_data(specs)
    features = adaptor.make_features(data, specs)
    labels = labels_stage.build(data.bars, specs["labels"]["settings"])
    table = align_tables(data.bars, features.frame, features.meta, labels)
    target = table.targets["horizon"]
    rows = table.samples(target)
    start = int(rows[0])
    train = rows[(rows < start + TRAIN) & (target.t1[rows] < start + TRAIN)]
    readable = table.complete.copy()
    readable[start + TRAIN :] = False
    spans = Spans(target.t1, readable, table.gap)
    sample = Sample(table.x, train, target.y[train], target.weight[train], spans)

    losses: dict[str, list[float]] = {}
    seconds: dict[str, float] = {}
    for mode in ("segments", "windows"):
        chosen = dict(specs["train"]["settings"]["model"])
        network = chosen["level0"]["network"] | {"mode": mode, "epochs": 8, "patience": 8}
        chosen["level0"] = chosen["level0"] | {"network": network}
        prepared = PriceLstm().prepare(sample, chosen)
        if not seconds:  # imports torch, touches the memory
            PriceLstm().fit(prepared, chosen, 0, "cpu")
        begun = time.process_time()
        nets = [PriceLstm().fit(prepared, chosen, seed, "cpu") for seed in SEEDS]
        seconds[mode] = time.process_time() - begun
        losses[mode] = [float(net.curve[:, 1].min()) for net in nets]
    ratio = seconds["windows"] / seconds["segments"]
    print(f"\n{len(train)} rows; CPU s {seconds}; ratio {ratio:.1f}")
    for mode, found in losses.items():
        print(mode, np.round(found, 4), "mean", np.mean(found).round(5))
    spread = max(np.ptp(found) for found in losses.values())
    gap = abs(np.mean(losses["segments"]) - np.mean(losses["windows"]))
    print(f"gap {gap:.5f}, spread over seeds {spread:.5f}")
    assert gap < spread
    assert ratio > 10.0
