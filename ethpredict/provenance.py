"""Which code made a result: digests of syntax trees, and the state of the checkout.

Snakemake does not see edits of imported modules, so every rule carries a
digest over the syntax trees of its script and of the package modules in its
import closure. Comments and docstrings are not part of a syntax tree's digest:
rewording them reruns nothing.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ethpredict.config.template import looks_secret
from ethpredict.io.atomic import atomic_path

ROOT = Path(__file__).resolve().parent.parent
_PACKAGE = "ethpredict"
# Messages, log lines and where compiled code is kept change no result.
_LEFT_OUT = {f"{_PACKAGE}.{name}" for name in ("log", "errors", "kernel_cache")}
_LIBRARIES = (
    "snakemake", "numpy", "pandas", "pyarrow", "numba", "scipy", "xgboost-cpu", "xgboost", "torch",
    "jinja2",
)  # fmt: skip


def code_digest(script: str | Path, assets: Iterable[str] = (), root: Path = ROOT) -> str:
    """Digest of a script, the package modules it imports, and named assets.

    Parameters
    ----------
    script : path-like
        Python file, relative to `root`.
    assets : iterable of str
        Further files or folders (templates, style sheets), relative to `root`.
    root : Path
        The project.

    Returns
    -------
    str
        16 hex digits.

    Notes
    -----
    ``from package import symbol`` is followed to the module that defines the
    symbol; the package's ``__init__`` itself counts only for what it defines.
    """
    sha = hashlib.sha256()
    for part in sorted(_closure(str(script), str(root))):
        sha.update(part.encode())
    for name in sorted(assets):
        path = root / name
        files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        for file in files:
            if file.suffix not in (".py", ".pyc"):
                sha.update(file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes())
    return sha.hexdigest()[:16]


@cache
def _closure(script: str, root: str) -> frozenset[str]:
    """``name:digest`` of every file that the script's results depend on."""
    seen: set[str] = set()
    parts: set[str] = set()
    queue = [str(Path(root) / script)]
    while queue:
        path = queue.pop()
        if path in seen:
            continue
        seen.add(path)
        digest, imports = _module(path)
        name = Path(path).relative_to(root).as_posix()
        parts.add(f"{name}:{digest}")
        for module, symbol, _ in imports:
            queue.extend(_resolve(module, symbol, root))
    return frozenset(parts)


def remember(path: Path) -> None:
    """Take over what an earlier process knew of files that have not been written since.

    Parameters
    ----------
    path : Path
        File of :func:`keep`; without it everything is parsed.
    """
    if not path.is_file():
        return
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:  # a cache that cannot be read is none
        return
    if isinstance(kept, dict) and kept.get("made_by") == _maker():
        _KNOWN.update(kept["files"])


def _maker() -> list[str]:
    """Who made the digests: another Python or another way of taking them starts afresh."""
    own = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    return [platform.python_version(), own]


def keep(path: Path) -> None:
    """Leave what is known of the source files to the next process.

    Parameters
    ----------
    path : Path
        A file in Snakemake's own folder; nothing is written where that is absent.
    """
    if path.parent.is_dir():
        with atomic_path(path) as temporary:
            kept = {"made_by": _maker(), "files": _KNOWN}
            temporary.write_text(json.dumps(kept), encoding="utf-8")


# Source file to [time of writing (ns), size, digest, [[module, symbol, local name], …]].
_KNOWN: dict[str, list[Any]] = {}


def _module(path: str) -> tuple[str, list[list[Any]]]:
    """Digest of one file's syntax, and what it imports of the package, unresolved."""
    stat = os.stat(path)
    known = _KNOWN.get(path)
    if known is None or known[:2] != [stat.st_mtime_ns, stat.st_size]:
        known = _KNOWN[path] = [stat.st_mtime_ns, stat.st_size, *_parsed(path)]
    return known[2], known[3]


def file_digest(path: str) -> str:
    """SHA-256 of a file's content; a file that has not been written since is not read again.

    Snakemake compares times: a file replaced by an older one would go unseen.
    """
    stat = os.stat(path)
    known = _KNOWN.get(f"content:{path}")
    if known is None or known[:2] != [stat.st_mtime_ns, stat.st_size]:
        with open(path, "rb") as handle:
            content = hashlib.file_digest(handle, "sha256").hexdigest()
        known = _KNOWN[f"content:{path}"] = [stat.st_mtime_ns, stat.st_size, content]
    return str(known[2])


def _parsed(path: str) -> tuple[str, list[list[Any]]]:
    tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    imports: list[list[Any]] = []
    for node in _statements(tree):
        if isinstance(node, ast.Import):
            imports += [[alias.name, None, None] for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            imports += [[node.module, a.name, a.asname or a.name] for a in node.names]
        elif (
            isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
            and ast.get_docstring(node, clean=False) is not None
        ):
            node.body = node.body[1:] or [ast.Pass()]
    text = ast.dump(tree, annotate_fields=False)
    ours = [item for item in imports if item[0].split(".", maxsplit=1)[0] == _PACKAGE]
    return hashlib.sha256(text.encode()).hexdigest(), ours


def _statements(tree: ast.Module) -> Iterator[ast.AST]:
    """The module and all its statements; expressions hold neither imports nor docstrings."""
    queue: list[ast.AST] = [tree]
    while queue:
        node = queue.pop()
        yield node
        for block in ("body", "orelse", "finalbody", "handlers", "cases"):
            inner = getattr(node, block, None)
            if isinstance(inner, list):
                queue.extend(inner)


def _resolve(module: str, symbol: str | None, root: str) -> list[str]:
    """Files of a package module or of the symbol that it gives."""
    if module in _LEFT_OUT:
        return []
    if symbol is not None:
        inner = f"{module}.{symbol}"
        if inner in _LEFT_OUT:
            return []
        file = _file(inner, root)
        if file is not None:
            return [file]
    file = _file(module, root)
    if file is None:
        return []
    if symbol is not None and file.endswith("__init__.py"):
        origin = _origin(file, symbol)
        if origin is not None:
            return _resolve(origin[0], origin[1], root)
    return [file]


def _file(module: str, root: str) -> str | None:
    base = Path(root, *module.split("."))
    for candidate in (base.with_suffix(".py"), base / "__init__.py"):
        if candidate.is_file():
            return str(candidate)
    return None


def _origin(init: str, symbol: str) -> tuple[str, str] | None:
    """Module and name that an ``__init__`` imports a symbol from."""
    for module, name, local in _module(init)[1]:
        if local == symbol:
            return module, name
    return None


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries that results depend on."""
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def checkout(root: Path = ROOT) -> dict[str, str | bool | None]:
    """Commit and uncommitted difference of the checkout, secrets blacked out.

    Returns
    -------
    dict
        ``sha`` (None outside git), ``dirty``, ``diff`` (at most 200 kB).
    """

    def git(*words: str) -> str | None:
        answer = subprocess.run(
            ["git", "-C", str(root), *words], capture_output=True, text=True, check=False
        )
        return answer.stdout if answer.returncode == 0 else None

    sha = git("rev-parse", "HEAD")
    diff = git("diff", "HEAD") or ""
    return {
        "sha": sha.strip() if sha else None,
        "dirty": bool((git("status", "--porcelain") or "").strip()),
        "diff": redact(diff[:200_000]),
    }


_HEADER = re.compile(r"(?i)((?:authorization|bearer)[\"']?\s*[:=]?\s+)(\S.*)")
_ASSIGNMENT = re.compile(
    r"(?i)((?:api[_-]?key|secret|token|passw(?:or)?d|passphrase|credential|private[_-]?key|mnemonic)"
    r"[\w-]*[\"']?\s*[:=]\s*)(\S.*)"
)
_USERINFO = re.compile(r"(://)[^/\s:@]+:[^@\s]+@")


def redact(text: str) -> str:
    """Black out values of secret-looking variables and assignments.

    Examples
    --------
    >>> redact("api_key: abc123")
    'api_key: ***'
    """
    for name, value in os.environ.items():
        if looks_secret(name) and len(value) >= 8:
            text = text.replace(value, "***")
    text = _USERINFO.sub(r"\1***@", text)
    return _ASSIGNMENT.sub(r"\1***", _HEADER.sub(r"\1***", text))


def machine() -> dict[str, str | int | None]:
    """Kind of machine, without its name."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "python": sys.version.split()[0],
    }
