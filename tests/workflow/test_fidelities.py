"""A study over the fidelities runs to its report on a market with a book."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from tests.workflow.conftest import Folder

CHANGE = {
    "sweep": {"replicates": 1, "top": 3},
    "data": {"synthetic": {"days": 8, "trades_per_day": 1500, "book": "l2"}},
    "features": {"include": ["returns", "volatility"]},
    "validation": {"train_days": 3, "test_days": 1.5, "locked_days": 1.5, "kfold": 2},
    "model": {"level0": {"algo": "ridge"}},
    "quoting": {"calibration": {"window_days": 2}},
    "sim": {"venue": "lob", "fidelity": ["bars", "trades", "l2"]},
}


@pytest.mark.slow
def test_bars_trades_and_l2_run_to_the_report(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    answer = folder.snakemake("--cores", "2", change=CHANGE)
    assert answer.code == 0, answer.text
    study = tmp_path / "results" / "tiny"
    trials = pd.read_parquet(study / "trials.parquet")
    assert (trials["status"] == "ok").all(), trials["error"].tolist()
    locked = pd.read_parquet(study / "top" / "locked.parquet")
    assert (locked["status"] == "ok").all(), locked["error"].tolist()
    finer = pd.read_parquet(study / "top" / "fidelity.parquet")
    assert (finer["status"] == "ok").all(), finer["error"].tolist()
    board = json.loads((study / "leaderboard.json").read_text(encoding="utf-8"))
    own = trials.set_index("trial_id")
    for item in board["bracket"]["brackets"]:
        fills = item["fills"]
        assert (
            set(fills)
            == {
                "bars": {"strict", "touch"},
                "trades": {"strict", "touch"},
                "l2": {"queue", "strict", "touch"},
            }[item["fidelity"]]
        )
        if item["fidelity"] != "bars":
            assert fills["strict"]["n_fills"] <= fills["touch"]["n_fills"]
        if item["fidelity"] == own.loc[item["trial_id"], "axis:sim.fidelity"]:
            # The same run again gives the same figure.
            auto = "queue" if "queue" in fills else "strict"
            assert fills[auto]["pnl"] == own.loc[item["trial_id"], "pnl"]
    assert board["bracket"]["ranks"][1]["n"] >= 1
    page = (study / "report" / "index.html").read_text(encoding="utf-8")
    assert "Fill rules and fidelities" in page
