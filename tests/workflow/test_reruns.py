"""Reruns are exact: what is counted is what had to change."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest

from tests.workflow.conftest import Folder, copied_project

TAIL = {"summarise_study": 1, "simulate_top": 1, "render_report": 1, "all": 1}


def test_nothing_changed_gives_no_job(finished: Folder) -> None:
    assert finished.plan() == {}


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    jobs = folder.plan()
    assert jobs["fetch_data"] == 1
    assert set(folder.files()) == {"study.yaml"}


def test_an_added_gamma_simulates_and_trains_nothing(finished: Folder) -> None:
    jobs = finished.plan({"quoting": {"gamma": [0.001, 0.01, 0.1]}})
    assert jobs == {"simulate_trials": 2, **TAIL}


def test_an_added_model_trains_alone(finished: Folder) -> None:
    jobs = finished.plan({"model": {"level0": {"ridge": {"alpha": [100, 7]}}}})
    assert jobs == {"train_models": 1, "calibrate_quotes": 1, "simulate_trials": 2, **TAIL}


def test_a_changed_label_leaves_bars_and_features(finished: Folder) -> None:
    jobs = finished.plan({"labels": {"horizon": 9}})
    assert jobs == {
        "build_labels": 1, "train_models": 3, "calibrate_quotes": 1, "simulate_trials": 2, **TAIL,
    }  # fmt: skip


def test_a_changed_title_renders_only(finished: Folder) -> None:
    jobs = finished.plan({"study": {"title": "Another title"}})
    assert jobs == {"render_report": 1, "all": 1}


def test_candles_replaced_by_older_ones_are_read_again(tmp_path: Path) -> None:
    lines = ["timestamp,open,high,low,close,volume"]
    lines += [f"{1735689600 + 900 * i},100,101,99,100,{5 + i % 7}" for i in range(60)]
    path = tmp_path / "candles.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    change = {"data": {"source": "files", "files": {"candles": "candles.csv"}}}
    folder = Folder(tmp_path)
    assert folder.snakemake("--until", "fetch_data", "--cores", "1", change=change).code == 0
    assert "fetch_data" not in folder.plan(change)
    path.write_text("\n".join(lines[:-1]) + "\n", encoding="utf-8")
    os.utime(path, (1_600_000_000, 1_600_000_000))
    assert folder.plan(change)["fetch_data"] == 1


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        (
            "ethpredict/labels/_kernels.py",
            "import njit",
            "import njit  # why",
        ),
        ("ethpredict/labels/stage.py", '"""', '"""Other words. '),
    ],
)
def test_comments_and_docstrings_rerun_nothing(
    finished: Folder, tmp_path: Path, file: str, old: str, new: str
) -> None:
    edited = Folder(finished.path, copied_project(tmp_path / "project"))
    assert edited.plan() == {}
    path = edited.snakefile.parent / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    assert edited.plan() == {}


def test_an_edited_label_kernel_reruns_labels_with_its_new_numbers(
    folder: Folder, tmp_path: Path
) -> None:
    edited = Folder(folder.path, copied_project(tmp_path / "project"))
    before = _returns(folder)
    kernels = edited.snakefile.parent / "ethpredict" / "labels" / "_kernels.py"
    text = kernels.read_text(encoding="utf-8")
    assert "math.log(" in text or "np.log(" in text
    kernels.write_text(
        text.replace("math.log(", "2.0 * math.log(").replace("np.log(", "2.0 * np.log("),
        encoding="utf-8",
    )
    jobs = edited.plan()
    assert "build_labels" in jobs
    assert jobs["train_models"] == 3
    assert "build_bars" not in jobs
    assert "build_features" not in jobs
    answer = edited.snakemake("--cores", "2", "--until", "build_labels")
    assert answer.code == 0, answer.text
    after = _returns(folder)
    assert not after.equals(before)
    assert after.abs().max() > 1.5 * before.abs().max()


def _returns(folder: Folder) -> pd.Series:
    (path,) = folder.path.glob("results/store/labels/*/labels.parquet")
    return pd.read_parquet(path)["ret"]


def test_a_second_folder_holds_the_same_bytes(finished: Folder, tmp_path: Path) -> None:
    second = Folder(tmp_path)
    answer = second.snakemake("--cores", "1")
    assert answer.code == 0, answer.text
    one, two = finished.files(), second.files()
    kept = [name for name in one if _is_result(name)]
    assert len(kept) > 30
    assert [name for name in two if _is_result(name)] == kept
    assert [name for name in kept if one[name] != two[name]] == []


def _is_result(name: str) -> bool:
    """All but provenance and timing: logs, benchmarks, provenance and the page that shows them."""
    timed = ("results/logs/", "results/benchmarks/")
    return (
        name.startswith("results/")
        and not name.startswith(timed)
        and not name.endswith(("provenance.json", "report/index.html", ".lock"))
    )


def test_a_stage_made_again_has_the_same_bytes(folder: Folder) -> None:
    (path,) = folder.path.glob("results/store/labels/*/labels.parquet")
    was = path.read_bytes()
    path.unlink()
    answer = folder.snakemake(
        "--cores", "2", "--forcerun", "build_labels", "--until", "build_labels"
    )
    assert answer.code == 0, answer.text
    assert path.read_bytes() == was
    # newer, but the same: checksums keep everything after it
    assert folder.plan() == {}
