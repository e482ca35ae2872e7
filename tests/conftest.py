"""Fixtures that every test may use, and how the tests are shared out among processes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import pytest
from hypothesis import configuration, settings
from numba.core import compiler

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
# Files whose tests look at one finished study; running it twice would cost a minute.
ONE_STUDY = ("tests/workflow/test_reruns.py", "tests/workflow/test_usage.py")

configuration.set_hypothesis_home_dir(ROOT / ".cache" / "hypothesis")
settings.register_profile("suite", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("suite")


def _untraced(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, which coverage does not follow: nothing of the package runs in it."""

    @wraps(function)
    def quick(*args: Any, **options: Any) -> Any:
        tracer = sys.gettrace()
        sys.settrace(None)
        try:
            return function(*args, **options)
        finally:
            sys.settrace(tracer)

    return quick


# Traced, numba's own Python takes twice the time to compile a kernel.
compiler.compile_extra = _untraced(compiler.compile_extra)


def _shared(name: str) -> Path:
    """Folder of real files beside the checkout; the test is skipped where it is absent."""
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"needs ../shared/{name}, which is not beside this checkout")
    return folder


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Runs of the Snakefile first: nothing else takes as long, and nothing should wait for them."""
    items.sort(key=lambda item: item.path.parent.name != "workflow")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep a file on one process, whose kernels and fixtures its tests share, in the order above.

    ``--dist loadfile`` alone starts with the files that have most tests and runs one study twice.
    """
    from xdist.scheduler.loadscope import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.split("::", 1)[0]
            return ONE_STUDY[0] if file in ONE_STUDY else file

    config.option.loadscopereorder = False
    return ByFile(config, log)


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
