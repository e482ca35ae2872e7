"""Studies on an order-by-order book and on signed bars reach their report."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from tests.workflow.conftest import Folder

ONE = {"model": {"level0": {"algo": "ridge"}}, "sweep": {"replicates": 1}}


def ran(tmp_path: Path, change: dict) -> tuple[Path, str]:
    """Run a tiny study to its end: its folder and its report."""
    folder = Folder(tmp_path)
    answer = folder.snakemake("--cores", "2", change=ONE | change)
    assert answer.code == 0, answer.text
    trials = pd.read_parquet(tmp_path / "results/tiny/trials.parquet")
    assert len(trials) >= 4
    assert (trials["status"] == "ok").all()
    report = tmp_path / "results/tiny/report/index.html"
    return tmp_path / "results/store", report.read_text(encoding="utf-8")


def quality(store: Path, stage: str) -> dict:
    """Quality report of a stage's only artefact."""
    (path,) = store.glob(f"{stage}/*/quality.json")
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.slow
def test_a_market_of_single_orders_reaches_its_report(tmp_path: Path) -> None:
    synthetic = {"days": 20, "trades_per_day": 500, "book": "orders"}
    store, report = ran(tmp_path, {"data": {"interval": "15m", "synthetic": synthetic}})
    tables = quality(store, "fetch")["tables"]
    assert tables["orders"]["rows"] >= tables["book"]["rows"] > tables["trades"]["rows"] > 0
    assert tables["book"]["duplicates"] == tables["orders"]["duplicates"] == 0
    assert ">book<" in report
    assert ">orders<" in report


@pytest.mark.slow
def test_imbalance_bars_reach_their_report(tmp_path: Path) -> None:
    store, report = ran(tmp_path, {"bars": {"kind": "imbalance", "expected_trades": 40}})
    told = quality(store, "bars")
    assert (told["kind"], told["source"]) == ("imbalance", "trades")
    assert told["closed_by"]["threshold"] > 100
    assert "imbalance" in report
