"""The lists of versions and the two profiles agree with each other."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


def requirements(lines: list[str]) -> dict[str, Requirement]:
    parsed = [Requirement(line) for line in lines]
    return {canonicalize_name(requirement.name): requirement for requirement in parsed}


def pins() -> dict[str, str]:
    """Version by package in constraints.txt."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    wanted = requirements([line for line in lines if line and not line.startswith("#")])
    for requirement in wanted.values():
        (specifier,) = requirement.specifier
        assert specifier.operator == "==", requirement
        assert "+" not in specifier.version, f"{requirement}: local versions fit one machine only"
    return {package: next(iter(wanted[package].specifier)).version for package in wanted}


@pytest.mark.parametrize("group", ["", *EXTRAS])
def test_every_direct_dependency_is_pinned_inside_its_range(group: str) -> None:
    known = pins()
    direct = requirements(EXTRAS[group] if group else PROJECT["dependencies"])
    for package, requirement in direct.items():
        assert package in known, f"{package} is not in constraints.txt"
        assert requirement.specifier.contains(known[package]), (requirement, known[package])


def test_conda_environments_have_the_same_versions() -> None:
    known = pins()
    for path in sorted((ROOT / "envs").glob("*.yaml")):
        environment = yaml.safe_load(path.read_text(encoding="utf-8"))
        (pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
        for package, requirement in requirements(pip).items():
            assert str(requirement.specifier) == f"=={known[package]}", (path.name, package)


def profile(name: str) -> dict[str, object]:
    text = (ROOT / "profiles" / name / "config.yaml").read_text(encoding="utf-8")
    settings: dict[str, object] = yaml.safe_load(text)
    return settings


@pytest.mark.parametrize(
    "option", ["rerun-triggers", "max-checksum-file-size", "scheduler", "scheduler-subsample"]
)
def test_profiles_rerun_by_the_same_rules(option: str) -> None:
    assert profile("default")[option] == profile("slurm")[option]


def test_code_enters_through_parameters_only() -> None:
    assert profile("default")["rerun-triggers"] == ["mtime", "params", "input"]


def test_cluster_profile_leaves_gpus_to_the_cluster() -> None:
    assert "resources" not in profile("slurm")
    assert "slurm-array-jobs" not in profile("slurm")


def test_every_environment_of_a_rule_is_there() -> None:
    texts = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "rules").glob("*.smk"))]
    named = set(re.findall(r"envs/[\w.]+", " ".join(texts)))
    assert named == {f"envs/{path.name}" for path in (ROOT / "envs").glob("*.yaml")}
