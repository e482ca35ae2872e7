"""Used like this: cores, GPUs, lint, report, bad input, partial reports, several studies."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.workflow.conftest import Folder


def test_many_cores_and_gpus_plan_as_well(finished: Folder) -> None:
    answer = finished.snakemake("--cores", "16", "--resources", "gpu=2", "-n")
    assert answer.code == 0
    assert "Nothing to be done" in answer.text


def test_lint_is_clean(finished: Folder) -> None:
    answer = finished.snakemake("--lint")
    assert answer.code == 0, answer.text
    assert "Congratulations" in answer.text


def test_snakemakes_own_report_holds_the_summary(folder: Folder) -> None:
    answer = folder.snakemake("--report", "report.html")
    assert answer.code == 0, answer.text
    assert "leaderboard.json" in (folder.path / "report.html").read_text(encoding="utf-8")


def test_a_thousand_trials_plan_in_a_few_hundred_jobs(tmp_path: Path) -> None:
    change = {
        "bars": {"kind": ["time", "dollar"]},
        "labels": {"horizon": [3, 6, 12, 24, 48]},
        "model": {"level0": {"algo": ["ridge"], "ridge": {"alpha": [1, 3, 10, 30, 100]}}},
        "quoting": {"gamma": [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3]},
    }
    answer = Folder(tmp_path).snakemake("-n", "--quiet", "rules", change=change)
    assert answer.code == 0, answer.text
    assert sum(answer.jobs.values()) < 400
    assert answer.jobs["train_models"] == 12


def test_a_bad_setting_stops_before_any_job(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    answer = folder.snakemake("--cores", "1", change={"quoting": {"gama": 1}})
    assert answer.code != 0
    assert "quoting.gama" in answer.text
    assert "'quoting.gamma'" in answer.text
    assert not (tmp_path / "results").exists()


def test_a_missing_file_is_named_before_any_job(tmp_path: Path) -> None:
    change = {"data": {"source": "files", "files": {"candles": "nowhere.csv"}}}
    answer = Folder(tmp_path).snakemake("-n", change=change)
    assert answer.code != 0
    assert "data.files.candles = 'nowhere.csv'" in answer.text


def test_a_bad_row_is_one_clear_error_and_leaves_nothing(tmp_path: Path) -> None:
    lines = ["timestamp,open,high,low,close,volume"]
    lines += [f"{1735689600 + 900 * i},100,101,99,100,5" for i in range(50)]
    lines[31] = "1735716600,100,90,99,100,5"
    (tmp_path / "candles.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    change = {"data": {"source": "files", "files": {"candles": "candles.csv"}}}
    answer = Folder(tmp_path).snakemake("--cores", "1", change=change)
    assert answer.code != 0
    assert "candles.csv, row 32" in answer.text
    assert not list(tmp_path.glob("results/store/fetch/*/*"))


def test_a_partly_finished_study_has_a_report_that_says_so(folder: Folder) -> None:
    for path in sorted(folder.path.glob("results/store/simulate/*"))[1:]:
        shutil.rmtree(path)
    for name in ("trials.parquet", "board.json", "leaderboard.json", "top.json"):
        (folder.path / "results" / "tiny" / name).unlink()
    answer = folder.snakemake("partial_report", "--cores", "1")
    assert answer.code == 0, answer.text
    page = (folder.path / "results" / "tiny" / "report" / "partial.html").read_text(
        encoding="utf-8"
    )
    assert "t0001" in page
    assert not list(folder.path.glob("results/tiny/trials.parquet"))


def test_another_study_reuses_what_is_there(folder: Folder) -> None:
    jobs = folder.plan({"study": {"name": "second"}})
    assert jobs == {"summarise_study": 1, "simulate_top": 1, "render_report": 1, "all": 1}


def test_secrets_reach_no_file(folder: Folder) -> None:
    secret = "0f1e2d3c4b5a-very-secret"
    answer = folder.snakemake("--cores", "1", "--forcerun", "render_report",
                              env={"SANTIMENT_API_KEY": secret})  # fmt: skip
    assert answer.code == 0, answer.text
    assert secret not in answer.text
    assert [name for name, raw in folder.files().items() if secret.encode() in raw] == []


GPU_SNAKEFILE = """
include: "{root}/rules/common.smk"

onstart:
    start_run()

rule all:
    default_target: True
    input: expand("{{i}}.txt", i=range(4))

rule one:
    output: "{{i}}.txt"
    resources: gpu=1, mem_mb=1
    shell: "echo start >> times.log; sleep 0.6; echo stop >> times.log; touch {{output}}"
"""


@pytest.mark.parametrize(
    ("words", "most"),
    [((), 1), (("--resources", "mem_mb=500"), 1), (("--resources", "gpu=2"), 2)],
)
def test_gpu_jobs_are_capped_by_default(tmp_path: Path, words: tuple[str, ...], most: int) -> None:
    (tmp_path / "Snakefile").write_text(GPU_SNAKEFILE.format(root=ROOT), encoding="utf-8")
    shutil.copytree(ROOT / "config", tmp_path / "config")
    call = [sys.executable, "-m", "snakemake", "--cores", "4", "--workflow-profile", "none", *words]
    answer = subprocess.run(
        call,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
        text=True,
        timeout=300,
    )
    assert answer.returncode == 0, answer.stderr
    running, peak = 0, 0
    for line in (tmp_path / "times.log").read_text(encoding="utf-8").split():
        running += 1 if line == "start" else -1
        peak = max(peak, running)
    assert peak == most


def test_the_trial_table_agrees_with_the_packs(finished: Folder) -> None:
    import pandas as pd

    study = finished.path / "results" / "tiny"
    plan = json.loads((study / "plan.json").read_text(encoding="utf-8"))
    trials = pd.read_parquet(study / "trials.parquet").set_index("trial_id")
    metrics = pd.concat(
        pd.read_parquet(path)
        for path in finished.path.glob("results/store/simulate/*/metrics.parquet")
    ).set_index("run_id")
    assert len(trials) == len(plan["trials"])
    for trial in plan["trials"]:
        values = metrics.loc[[run["id"] for run in trial["runs"]], "pnl_1k"]
        assert trials.loc[trial["id"], "pnl_1k"] == pytest.approx(values.mean(), abs=1e-12)
