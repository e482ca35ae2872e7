"""Compiled kernels are served exactly as long as nothing that they call has changed."""

from __future__ import annotations

import fcntl
import importlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numba
import pytest

from ethpredict import kernel_cache

HEAD = "from ethpredict.kernel_cache import njit\n"
NJIT = "\n\n@njit(cache=True)\n"
INNER = HEAD + NJIT + "def g(x):\n    return {} * x\n"
FILES = {
    "inner_kernels.py": INNER.format(1),
    "middle_kernels.py": f"from inner_kernels import g\n{HEAD}{NJIT}def m(x):\n    return g(x)\n",
    "outer_kernels.py": f"from middle_kernels import m\n{HEAD}{NJIT}def f(x):\n    return m(x)\n",
    "lone_kernels.py": f"{HEAD}{NJIT}def h(x):\n    return len(x)\n",
}
MODULES = [name.removesuffix(".py") for name in FILES]


class Checkout:
    """A folder of kernel files, imported as a new process would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        for name, text in FILES.items():
            (folder / name).write_text(text, encoding="utf-8")

    def load(self, name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
        for known in MODULES:
            monkeypatch.delitem(sys.modules, known, raising=False)
        monkeypatch.setattr(sys, "path", [str(self.folder), *sys.path])
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        importlib.invalidate_caches()
        return importlib.import_module(name)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Checkout]:
    monkeypatch.setenv("ETHPREDICT_KERNEL_CACHE", str(tmp_path / "cache"))
    yield Checkout(tmp_path / "one")
    for name in [*MODULES, "own", "own.a_kernels"]:
        sys.modules.pop(name, None)


def served(kernel: object) -> tuple[int, int]:
    """Signatures loaded and compiled."""
    stats = kernel.stats  # type: ignore[attr-defined]
    return sum(stats.cache_hits.values()), sum(stats.cache_misses.values())


def test_an_edit_compiles_anew_what_depends_on_it_and_nothing_else(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    outer = checkout.load("outer_kernels", monkeypatch)
    lone = importlib.import_module("lone_kernels")
    assert (outer.f(3), served(outer.f)) == (3, (0, 1))
    assert (lone.h((1, 2)), served(lone.h)) == (2, (0, 1))

    outer = checkout.load("outer_kernels", monkeypatch)
    assert (outer.f(3), served(outer.f)) == (3, (1, 0))
    assert served(outer.m) == (0, 0)  # the caller's code holds the callee's

    (checkout.folder / "inner_kernels.py").write_text(INNER.format(20), encoding="utf-8")
    outer = checkout.load("outer_kernels", monkeypatch)
    lone = importlib.import_module("lone_kernels")
    assert (outer.f(3), served(outer.f)) == (60, (0, 1))
    assert (lone.h((1, 2)), served(lone.h)) == (2, (1, 0))

    (checkout.folder / "inner_kernels.py").write_text(INNER.format(1), encoding="utf-8")
    outer = checkout.load("outer_kernels", monkeypatch)
    assert (outer.f(3), served(outer.f)) == (3, (1, 0))


def test_a_file_written_since_it_was_imported_counts_as_imported(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A caller that is imported late calls the old callee, and must not pass for the new one."""
    checkout.load("inner_kernels", monkeypatch)
    (checkout.folder / "inner_kernels.py").write_text(INNER.format(20), encoding="utf-8")
    assert importlib.import_module("outer_kernels").f(3) == 3
    assert checkout.load("outer_kernels", monkeypatch).f(3) == 60


def test_two_checkouts_of_the_same_source_share_a_cache(
    checkout: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert checkout.load("outer_kernels", monkeypatch).f(3) == 3
    other = Checkout(tmp_path / "two").load("outer_kernels", monkeypatch)
    assert (other.f(3), served(other.f)) == (3, (1, 0))


def test_versions_are_part_of_the_key(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    before = checkout.load("lone_kernels", monkeypatch).h.stats.cache_path
    assert before == checkout.load("lone_kernels", monkeypatch).h.stats.cache_path
    monkeypatch.setattr(numba, "__version__", "0.0")
    assert before != checkout.load("lone_kernels", monkeypatch).h.stats.cache_path


CHILD = """
import sys, outer_kernels
print("ready", flush=True)
value = outer_kernels.f(3)
stats = outer_kernels.f.stats
print(value, sum(stats.cache_hits.values()), sum(stats.cache_misses.values()))
"""


def start(checkout: Checkout, **variables: str) -> subprocess.Popen[str]:
    root = Path(kernel_cache.__file__).resolve().parents[1]
    path = os.pathsep.join([str(checkout.folder), str(root)])
    return subprocess.Popen(
        [sys.executable, "-c", CHILD], env={**os.environ, "PYTHONPATH": path, **variables},
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_one_process_compiles_and_the_others_wait(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    f = checkout.load("outer_kernels", monkeypatch).f
    f._cache._acquire()
    with start(checkout) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        time.sleep(0.3)
        assert child.poll() is None
        assert f(3) == 3
        f._cache.release()
        assert child.stdout.readline() == "3 1 0\n"
    assert child.returncode == 0


def test_processors_of_two_kinds_share_a_folder(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nodes of a cluster may differ: each finds its own code, and neither loses it."""
    assert checkout.load("outer_kernels", monkeypatch).f(3) == 3
    plain = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
    for expected in ("3 0 1", "3 1 0"):
        with start(checkout, **plain) as child:
            assert child.communicate()[0].split("\n")[1] == expected
    f = checkout.load("outer_kernels", monkeypatch).f
    assert (f(3), served(f)) == (3, (1, 0))


def test_a_kernel_that_does_not_compile_keeps_no_one_waiting(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    h = checkout.load("lone_kernels", monkeypatch).h
    with pytest.raises(numba.TypingError):
        h(1)
    (lock,) = Path(h.stats.cache_path).glob("h-*.lock")
    with lock.open("a", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert (h((1,)), served(h)) == (1, (0, 2))


def test_a_folder_that_cannot_be_written_is_named(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ETHPREDICT_KERNEL_CACHE", "/proc/none")  # not even root may make it
    h = checkout.load("lone_kernels", monkeypatch).h
    with pytest.warns(RuntimeWarning, match="set ETHPREDICT_KERNEL_CACHE to a folder"):
        assert h((1, 2, 3)) == 3


def test_relative_imports_are_refused(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    (checkout.folder / "own").mkdir()
    (checkout.folder / "own" / "__init__.py").write_text("", encoding="utf-8")
    (checkout.folder / "own" / "a_kernels.py").write_text(
        FILES["lone_kernels.py"], encoding="utf-8"
    )
    text = "from .a_kernels import h\n" + INNER.format(1)
    (checkout.folder / "own" / "b_kernels.py").write_text(text, encoding="utf-8")
    with pytest.raises(ImportError, match=r"b_kernels.py:1: .* absolutely"):
        checkout.load("own.b_kernels", monkeypatch)


def test_where_the_cache_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ETHPREDICT_KERNEL_CACHE", raising=False)
    assert kernel_cache.cache_folder() == Path(__file__).resolve().parents[2] / ".cache" / "numba"
    monkeypatch.setattr(kernel_cache, "_ROOT", tmp_path)  # site-packages
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    assert kernel_cache.cache_folder() == tmp_path / "user" / "ethpredict" / "numba"
    monkeypatch.setenv("ETHPREDICT_KERNEL_CACHE", str(tmp_path / "own"))
    assert kernel_cache.cache_folder() == tmp_path / "own"
