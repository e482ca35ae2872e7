"""run.py prints one plain Snakemake command and becomes it."""

from __future__ import annotations

import os
import re
import shlex
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.testing import CliRunner, Result

import run
from ethpredict.config.load import load


class Call(NamedTuple):
    result: Result
    arguments: list[str]
    environment: dict[str, str]
    folder: Path


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch, root: Path):
    """Call run.py up to the point where it becomes Snakemake."""
    monkeypatch.delenv(run.CLOCK, raising=False)
    monkeypatch.chdir(root)

    def call(*words: str) -> Call:
        seen: list[tuple[list[str], dict[str, str], Path]] = []

        def execve(path: str, arguments: list[str], environment: dict[str, str]) -> None:
            assert path == arguments[0] == sys.executable
            assert arguments[1:3] == ["-m", "snakemake"]
            seen.append((arguments[3:], dict(environment), Path.cwd()))

        monkeypatch.setattr(os, "execve", execve)
        result = CliRunner().invoke(run.app, list(words))
        assert len(seen) <= 1
        return Call(result, *seen[0]) if seen else Call(result, [], {}, Path())

    return call


@pytest.fixture
def study(tmp_path: Path) -> Path:
    path = tmp_path / "study.yaml"
    path.write_text("study: {name: fixed}  # no {{ timestamp }} here\n")
    return path


@pytest.fixture
def clocked(tmp_path: Path) -> Path:
    path = tmp_path / "clocked.yaml"
    path.write_text('study: {name: "run-{{ timestamp }}"}\n')
    return path


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        (["run"], []),
        (["run", "--cores", "2", "--gpu", "1"], ["--cores", "2", "--resources", "gpu=1"]),
        (["run", "--profile", "slurm"], ["--workflow-profile", "profiles/slurm"]),
        (["run", "-n", "--", "-q", "rules"], ["-q", "rules", "--dry-run"]),
        (["grid"], ["--config", "sweep={mode: grid}"]),
        (
            ["grid", "--", "--config", "device=cpu"],
            ["--config", "sweep={mode: grid}", "device=cpu"],
        ),
        (["resume"], ["--rerun-incomplete"]),
        (["resume", "--retry-failed"], ["--rerun-incomplete", "--config", "retry_failed=true"]),
        (["report"], ["report"]),
        (["report", "--partial"], ["partial_report"]),
    ],
)
def test_command(invoke, words: list[str], arguments: list[str]) -> None:
    call = invoke(*words)
    assert call.result.exit_code == 0, call.result.output
    assert call.arguments == arguments


def test_printed_command_is_the_one_that_runs(invoke, root: Path, study: Path) -> None:
    call = invoke("grid", "--config", str(study), "--cores", "3")
    assert call.result.output.startswith("$ snakemake ")
    assert shlex.split(call.result.output)[2:] == call.arguments
    assert call.folder == root
    assert (root / call.arguments[call.arguments.index("--configfile") + 1]).resolve() == study


def test_targets_stand_before_options_that_take_lists(invoke, study: Path) -> None:
    arguments = invoke("report", "--config", str(study), "--", "all").arguments
    assert arguments[:2] == ["report", "all"]


def test_clock_is_read_once_and_handed_down(invoke, clocked: Path) -> None:
    call = invoke("run", "--config", str(clocked))
    stamp = call.environment[run.CLOCK]
    assert re.fullmatch(r"\d{8}-\d{6}", stamp)
    assert call.result.output.startswith(f"$ {run.CLOCK}={stamp} snakemake ")


def test_going_on_needs_the_earlier_clock(invoke, clocked: Path) -> None:
    for command in ("resume", "report"):
        refused = invoke(command, "--config", str(clocked))
        assert refused.result.exit_code == 2
        assert "--timestamp" in refused.result.output
        assert refused.arguments == []
    call = invoke("resume", "--config", str(clocked), "--timestamp", "20260131-120000")
    assert call.environment[run.CLOCK] == "20260131-120000"


def test_unknown_profile_and_file_are_refused(invoke) -> None:
    profile = invoke("run", "--profile", "nowhere")
    assert profile.result.exit_code == 2
    assert "known: default, slurm" in profile.result.output
    missing = invoke("run", "--config", "config/none.yaml")
    assert missing.result.exit_code == 2
    assert "config/none.yaml" in missing.result.output


def test_a_study_named_after_the_clock_gets_a_legal_name(clocked: Path, monkeypatch) -> None:
    monkeypatch.delenv(run.CLOCK, raising=False)
    values = load([clocked], env={run.CLOCK: run._now()}).values
    assert re.fullmatch(r"run-\d{8}-\d{6}", values["study.name"])


def test_a_bad_yaml_is_named_before_snakemake_reads_it(invoke, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("study:\n  name: {{ timestamp }}\n")
    call = invoke("run", "--config", str(path))
    assert call.result.exit_code == 2
    assert "line 2" in call.result.output
    assert "Quote values" in call.result.output
    assert call.arguments == []
