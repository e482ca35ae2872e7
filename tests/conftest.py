"""Fixtures that every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import configuration, settings

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"

configuration.set_hypothesis_home_dir(ROOT / ".cache" / "hypothesis")
settings.register_profile("suite", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("suite")


def _shared(name: str) -> Path:
    """Folder of real files beside the checkout; the test is skipped where it is absent."""
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"needs ../shared/{name}, which is not beside this checkout")
    return folder


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep a file on one worker of `pytest -n`, and all runs of the Snakefile on another."""
    for item in items:
        folder = item.path.parent.name
        group = folder if folder == "workflow" else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="session")
def root() -> Path:
    """Folder of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real market files."""
    return _shared("data")


@pytest.fixture(scope="session")
def shared_vectors() -> Path:
    """Folder of the published and derived numbers that the formulas must meet."""
    return _shared("vectors")
