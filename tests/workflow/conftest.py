"""Runs of the real Snakefile in throw-away folders."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from ethpredict.kernel_cache import cache_folder
from tests.conftest import ROOT

TINY = {
    "study": {"name": "tiny"},
    "sweep": {"replicates": 2, "top": 2},
    "data": {"interval": "15m", "synthetic": {"days": 20, "trades_per_day": 2000}},
    "bars": {"interval": "15m"},
    "features": {
        "include": ["returns", "volatility", "rsi"],
        "windows": [6, 24],
    },
    "labels": {"horizon": 6, "volatility_window": 24},
    "validation": {"train_days": 7, "test_days": 4, "locked_days": 4, "kfold": 3},
    "model": {"level0": {"algo": ["ridge", "xgboost"], "xgboost": {"rounds": 5}}},
    "quoting": {
        "gamma": [0.001, 0.1],
        "calibration": {"volatility_window": 24, "window_days": 3, "min_fills": 20},
    },
    "sim": {"venue": ["lob", "amm"]},
}


def merged(base: dict, change: dict) -> dict:
    """Nested update without touching the base."""
    out = dict(base)
    for key, value in change.items():
        inner = isinstance(value, dict) and isinstance(out.get(key), dict)
        out[key] = merged(out[key], value) if inner else value
    return out


@dataclass
class Answer:
    """What a call of Snakemake said."""

    code: int
    text: str

    @property
    def jobs(self) -> dict[str, int]:
        """Job counts by rule, as Snakemake's table gives them; empty when nothing is to be done."""
        found = re.search(r"^job +count\n-+ +-+\n((?:.+\n)+?)total ", self.text, re.M)
        lines = found.group(1).splitlines() if found else []
        return {line.split()[0]: int(line.split()[1]) for line in lines}


@dataclass
class Folder:
    """A working folder in which studies run."""

    path: Path
    snakefile: Path = field(default=ROOT / "Snakefile")

    def snakemake(self, *words: str, change: dict | None = None, **kinds: object) -> Answer:
        """Call Snakemake on the tiny study, changed as asked."""
        config = self.path / "study.yaml"
        config.write_text(yaml.safe_dump(merged(TINY, change or {})), encoding="utf-8")
        env = {k: v for k, v in os.environ.items() if not k.startswith("ETHPREDICT")}
        env["ETHPREDICT_KERNEL_CACHE"] = str(cache_folder())  # of the checkout, for copies too
        call = [sys.executable, "-m", "snakemake", *words]
        call += ["-s", str(self.snakefile), "-d", str(self.path), "--configfile", str(config)]
        answer = subprocess.run(
            call,
            cwd=self.path,
            env=env | kinds.get("env", {}),
            capture_output=True,
            check=False,
            text=True,
            timeout=900,
        )
        return Answer(answer.returncode, answer.stdout + answer.stderr)

    def plan(self, change: dict | None = None) -> dict[str, int]:
        """Job counts of a dry run."""
        answer = self.snakemake("-n", change=change)
        assert answer.code == 0, answer.text
        return answer.jobs

    def files(self) -> dict[str, bytes]:
        """Every file outside Snakemake's own folder, with its bytes."""
        return {
            path.relative_to(self.path).as_posix(): path.read_bytes()
            for path in sorted(self.path.rglob("*"))
            if path.is_file() and ".snakemake" not in path.relative_to(self.path).parts
        }


def copied_project(target: Path) -> Path:
    """A copy of the workflow and the package that a test may edit; its Snakefile."""
    for name in ("ethpredict", "rules", "scripts", "config", "profiles", "envs"):
        shutil.copytree(ROOT / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Snakefile", target / "Snakefile")
    return target / "Snakefile"


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """A folder in which the tiny study has run to its report; tests must not change it."""
    folder = Folder(tmp_path_factory.mktemp("finished"))
    answer = folder.snakemake("--cores", "2")
    assert answer.code == 0, answer.text
    return folder


@pytest.fixture
def folder(finished: Folder, tmp_path: Path) -> Folder:
    """A copy of the finished folder that a test may change."""
    target = tmp_path / "work"
    shutil.copytree(finished.path, target, copy_function=shutil.copy2)
    return Folder(target)
