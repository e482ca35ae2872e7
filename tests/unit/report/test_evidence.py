"""Scores, quality, provenance and run times."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pandas as pd

from ethpredict.io.artefact import read_json, write_json
from ethpredict.report import load
from ethpredict.report.artefacts import run_times
from ethpredict.report.evidence import (
    devices_used,
    provenance_document,
    quality_tables,
    score_tables,
)
from scripts import render_report

SOURCE = SimpleNamespace(
    checkout=lambda: {"sha": "ab", "dirty": True, "diff": "+x"},
    versions=lambda: {"numpy": "2"},
    machine=lambda: {"cores": 2},
)


def test_scores_stand_beside_baseline_and_placebo(study: SimpleNamespace) -> None:
    causal, folds = score_tables(load(study, study.document))
    assert causal["caption"].startswith("Walk-forward")
    assert [row["head"] for row in causal["rows"]] == ["model", "no change"]
    assert [row["head"] for row in folds["rows"]][-1] == "placebo: shuffled labels"
    assert " ± " in causal["rows"][0]["cells"][0]


def test_intervals_stand_below_the_models_scores(study: SimpleNamespace) -> None:
    found = load(study, study.document)
    assert found.scores is not None
    assert found.best is not None
    model = found.best["runs"][0]["model"]
    values = {"r2_low": -0.01, "r2_high": 0.02, "block_length": 7.4, "ic_low": float("nan")}
    extra = [(model, "walk_forward_interval", -1, key, value) for key, value in values.items()]
    other = [("another", "walk_forward_interval", -1, "r2_low", 9.0)]
    rows = pd.DataFrame(extra + other, columns=list(found.scores.columns))
    scores = pd.concat([found.scores, rows], ignore_index=True)
    causal, folds = score_tables(replace(found, scores=scores))
    assert causal["rows"][1]["head"] == "model, 90% interval (blocks of 7 rows)"
    cells = dict(zip(causal["heads"], causal["rows"][1]["cells"], strict=True))
    assert cells["R² against zero"] == "\u22120.0100 to 0.0200"
    assert cells["IC"] == ""
    assert not any("interval" in row["head"] for row in folds["rows"])


def test_scores_are_pooled_over_folds(study: SimpleNamespace) -> None:
    found = load(study, study.document)
    assert found.scores is not None
    assert found.best is not None
    mine = found.scores[
        (found.scores["model_id"] == found.best["runs"][0]["model"])
        & (found.scores["scheme"] == "walk_forward")
    ]
    sums = mine.groupby("metric")["value"].sum()
    table = score_tables(found)[0]
    place = table["heads"].index("R² against zero")
    model, zero = (row["cells"][place] for row in table["rows"])
    pooled = 1 - sums["sse"] / sums["sse_zero"]
    assert model.startswith(f"{pooled:,.4f} ± ".replace("-", "\u2212"))
    expected = 1 - sums["baseline_zero_sse"] / sums["sse_zero"]
    assert zero.startswith(f"{expected:,.4f} ± ".replace("-", "\u2212"))


def test_every_table_of_the_market_has_a_row(study: SimpleNamespace) -> None:
    data, bars, *_ = quality_tables(load(study, study.document))
    board = data["board"]
    assert [row["head"] for row in board["rows"]] == ["candles", "trades"]
    cells = dict(zip(board["heads"], board["rows"][0]["cells"], strict=True))
    assert cells["rows"] == "25,920"
    assert (cells["from"], cells["to"]) == ("2025-01-01 00:00", "2025-03-31 23:55")
    assert (cells["gaps"], cells["longest step"], cells["set aside"]) == ("2", "2 h 0 min", "3")
    assert cells["constant"] == "taker_buy_volume"
    assert board["rows"][1]["cells"][0] == "0"
    assert all("tables" not in key for key, _ in data["rows"])
    assert bars["board"] is None


def test_quality_names_what_the_best_trial_used(study: SimpleNamespace) -> None:
    tables = quality_tables(load(study, study.document))
    assert [table["group"] for table in tables] == ["Market data", "Bars", "Features", "Labels"]
    assert tables[0]["id"] == "f0 (best trial)"
    assert ("rows", "25,920") in tables[0]["rows"]
    assert ("blocks", "returns (1)") in tables[2]["rows"]
    assert ("dropped.1.reason", "no taker volume") in tables[2]["rows"]


def test_run_times_are_summed_by_stage(study: SimpleNamespace) -> None:
    fetch, train = run_times(Path(study.benchmarks))
    assert (fetch["rule"], train["rule"]) == ("fetch", "train")
    assert (train["jobs"], train["seconds"], train["longest"]) == (2, 20.25, 11.25)
    (only,) = run_times(Path(study.benchmarks), {"train": ["p2"]})
    assert (only["jobs"], only["seconds"]) == (1, 9.0)
    assert run_times(None) == []


def test_what_snakemake_could_not_measure_counts_as_nothing(tmp_path: Path) -> None:
    (tmp_path / "bars").mkdir()
    (tmp_path / "bars" / "x.tsv").write_text("s\tmax_rss\n1.5\t-\n")
    assert run_times(tmp_path)[0]["memory"] == 0.0


def test_provenance_names_seeds_and_input_digests() -> None:
    trials = [{"settings": {"model.seed": seed}} for seed in (11, 12, 11)]
    quality = {"f0": {"inputs": [{"name": "a.csv", "sha256": "cd"}]}, "f1": {"rows": 3}}
    found = provenance_document({"trials": trials}, quality, SOURCE, "2025-01-01T00:00:00+00:00")
    assert found["seeds"] == {"model.seed": [11, 12]}
    assert found["inputs"]["f0"][0]["sha256"] == "cd"
    assert found["inputs"]["f1"] == "generated from the settings"


def test_script_writes_page_and_provenance(study: SimpleNamespace, tmp_path: Path) -> None:
    write_json(study.document, tmp_path / "plan.json")
    outputs = SimpleNamespace(html=tmp_path / "index.html", provenance=tmp_path / "provenance.json")
    spec = {"plan": str(tmp_path / "plan.json"), "rows": 200, "benchmarks": study.benchmarks}
    render_report.main(study, outputs, spec)
    assert outputs.html.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    document = read_json(outputs.provenance)
    assert {"git", "versions", "machine", "seeds", "inputs", "rendered"} <= set(document)
    render_report.main(SimpleNamespace(), outputs, spec)
    assert "not finished" in outputs.html.read_text(encoding="utf-8")


def test_the_device_that_trained_stands_beside_the_one_asked_for(tmp_path) -> None:
    for pack, model, device in (("p1", "a", "cpu"), ("p1", "b", "cpu"), ("p2", "c", "cuda")):
        write_json({"device": device}, tmp_path / "train" / pack / "models" / model / "model.json")
    packs = [("p1", ["a", "b"]), ("p2", ["c"]), ("p3", ["d"])]
    assert devices_used(tmp_path, packs) == {"cpu": 2, "cuda": 1}
