"""Rules of the tree that no linter knows."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "ethpredict"
MODULES = sorted(PACKAGE.rglob("*.py"))
KERNELS = [path for path in MODULES if path.stem.endswith("_kernels")]
OWN = [".git", ".venv", ".cache", ".snakemake", "results", "__pycache__"]
TEXT = {"", ".py", ".smk", ".yaml", ".yml", ".toml", ".txt", ".md", ".html", ".js", ".css", ".j2"}

# In two halves, so that this file does not hold what it forbids.
HOSTS = [("pypi", r"\.org"), ("pythonhosted", r"\."), ("download", r"\.pytorch")]
LATER = [
    ("TO", "DO"),
    ("FIX", "ME"),
    ("XX", "X"),
    ("raise NotImplemented", "Error"),
    ("pragma: no", " cover"),
]

# What a part may import: only parts of a lower rank, or itself.
RANKS = {
    "errors": 0,
    "kernel_cache": 0,
    "log": 1,
    "io": 1,
    "gpu": 1,
    "rolling": 1,
    "bootstrap": 1,
    "data": 2,
    "bars": 3,
    "features": 4,
    "labels": 4,
    "splits": 5,
    "models": 6,
    "quoting": 7,
    "risk": 7,
    "sim": 8,
    "stats": 9,
    "report": 10,
    "adaptor": 11,
}
PLANNING = {"config", "sweep", "provenance"}  # import no part that computes


def sources() -> list[Path]:
    """Text files of the checkout."""
    return [
        path
        for path in sorted(ROOT.rglob("*"))
        if path.is_file()
        and path.suffix in TEXT
        and not any(part in OWN for part in path.relative_to(ROOT).parts)
    ]


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> Iterator[str]:
    """Dotted modules that a file imports."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(path)}:{node.lineno} imports relatively"
            module = node.module or ""
            yield from (f"{module}.{alias.name}" for alias in node.names)


def compiled(path: Path) -> list[str]:
    """Public functions that numba compiles."""
    return [
        node.name
        for node in tree_of(path).body
        if isinstance(node, ast.FunctionDef)
        and not node.name.startswith("_")
        and any("njit" in ast.unparse(mark) for mark in node.decorator_list)
    ]


def test_excluded_from_coverage_are_the_kernels() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["tool"]["coverage"]["run"]["omit"] == ["ethpredict/**/*_kernels.py"]
    assert KERNELS
    plain = [name(path) for path in KERNELS if not compiled(path)]
    assert not plain


def test_compiled_code_stands_in_kernel_files() -> None:
    others = [name(path) for path in MODULES if path not in KERNELS and compiled(path)]
    assert not others


@cache
def uses(path: Path) -> dict[str, set[str]]:
    """Names that each public function of a file uses."""
    found: dict[str, set[str]] = {}
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
            names |= {n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute)}
            found.setdefault(node.name, set()).update(names)
    return found


def callers(kernel: str, part: str) -> set[str]:
    """Public functions outside the kernel files, in one part, that use a kernel."""
    plain = set((PACKAGE / part).rglob("*.py")) - set(KERNELS)
    return {user for path in plain for user, names in uses(path).items() if kernel in names}


@pytest.mark.parametrize("path", KERNELS, ids=name)
def test_kernel_has_parity_test(path: Path) -> None:
    """Each kernel that Python calls is compared with its plain reference.

    A test file of the same part has a ``test_…parity…`` or ``test_…reference…`` and names the
    kernel, or a public function that calls it.
    """
    part = path.relative_to(PACKAGE).parts[0]
    texts = [
        test.read_text(encoding="utf-8") for test in (ROOT / "tests/unit" / part).rglob("*.py")
    ]
    marked = re.compile(r"^def test_\w*(parity|reference)\w*\(", re.MULTILINE)
    compared = " ".join(text for text in texts if marked.search(text))
    words = set(re.findall(r"\w+", compared))
    entries = {kernel: callers(kernel, part) for kernel in compiled(path)}
    missing = [k for k, users in entries.items() if users and not words & {k, *users}]
    assert not missing, f"no parity test in tests/unit/{part} for: {missing}"
    assert words, f"no parity test in tests/unit/{part}"


@pytest.mark.parametrize("path", KERNELS, ids=name)
def test_kernel_imports_numpy_and_kernels_only(path: Path) -> None:
    """The key of a compiled kernel covers no other file; numba's own njit would not have it."""
    for module in imports(path):
        top = module.split(".")[0]
        known = top in {"__future__", "math", "numba", "numpy"} or "_kernels" in module
        assert known or module == "ethpredict.kernel_cache.njit", module
        assert module not in {"numba", "numba.njit"}, "import njit from ethpredict.kernel_cache"


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_imports_point_one_way(path: Path) -> None:
    part = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    for module in imports(path):
        if not module.startswith("ethpredict."):
            continue
        other = module.split(".")[1]
        if part in (other, "__init__") or other.startswith("__"):
            continue
        if part in PLANNING:
            assert other in PLANNING | {"errors", "log", "io"}, f"{part} imports {module}"
        else:
            assert RANKS.get(other, 99) < RANKS[part], f"{part} imports {module}"


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_package_neither_prints_nor_swallows(path: Path) -> None:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id != "print", f"line {node.lineno}: log it"
        if isinstance(node, ast.ExceptHandler):
            caught = ast.unparse(node.type) if node.type else ""
            broad = not caught or re.search(r"\b(Base)?Exception\b", caught)
            ends = isinstance(node.body[-1], ast.Raise)
            assert ends or not broad, f"line {node.lineno}: name the exception"


def test_scripts_are_adapters() -> None:
    for path in [ROOT / "Snakefile", *sorted((ROOT / "scripts").glob("*.py"))]:
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines <= 60, f"{name(path)} has {lines} lines"


def test_files_are_short() -> None:
    for path in sources():
        if path.suffix in {".py", ".smk", ".js"}:
            lines = len(path.read_text(encoding="utf-8").splitlines())
            assert lines <= 400, f"{name(path)} has {lines} lines"


def test_rules_have_no_run_and_no_lambda() -> None:
    for path in [ROOT / "Snakefile", *sorted((ROOT / "rules").glob("*.smk"))]:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"^\s*run:|\blambda\b", text, re.MULTILINE), name(path)


def test_nothing_names_a_machine_or_registry() -> None:
    """Neither a folder of one machine nor the host of one registry."""
    folders = "|".join(["work", "home", "root", "tmp", "Users", "opt"])
    hosts = "|".join(f"{word}{rest}" for word, rest in HOSTS)
    pattern = re.compile(rf"(?<![\w.~}}*/-])/({folders})/\w|{hosts}")
    for path in sources():
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            assert not pattern.search(line), f"{name(path)}:{number}: {line.strip()}"


def test_nothing_is_left_for_later() -> None:
    words = "|".join(f"{word}{rest}" for word, rest in LATER)
    for path in sources():
        if path.suffix in {".py", ".smk"} or path.name == "Snakefile":
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                assert not re.search(words, line), f"{name(path)}:{number}: {line.strip()}"
