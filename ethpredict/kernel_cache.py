"""numba's ``njit``, with compiled kernels kept under a key that sees edits of callees.

numba keys what it keeps by the file of the function alone: after an edit of a
callee in another file the caller's old code would be served. Here the key is the
source of the kernel file *and* of every kernel file that it imports, directly
or not; an edit compiles anew what depends on it, and nothing else. numba's own
index adds the signature, the processor and its instruction set.

Several processes may start at once: one compiles, the others wait and load.
"""

from __future__ import annotations

import ast
import fcntl
import hashlib
import inspect
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import IO, Any

import llvmlite
import numba
import numpy as np
from numba.core import event
from numba.core.caching import CompileResultCacheImpl, FunctionCache, _CacheLocator

_ROOT = Path(__file__).resolve().parent.parent
_VARIABLE = "ETHPREDICT_KERNEL_CACHE"


def njit(**options: Any) -> Any:
    """``numba.njit``; with ``cache=True`` compiled code is kept as this module says.

    Parameters
    ----------
    **options
        As numba takes them.

    Returns
    -------
    Callable
        The decorator.
    """
    kept = options.pop("cache", False)

    def decorate(function: Callable[..., Any]) -> Any:
        kernel = numba.njit(**options)(function)
        if kept and kernel is not function:  # NUMBA_DISABLE_JIT leaves the function as it is
            kernel._cache = KernelCache(function)
        return kernel

    return decorate


def cache_folder() -> Path:
    """Folder of compiled kernels.

    Returns
    -------
    Path
        ``ETHPREDICT_KERNEL_CACHE`` where it is set; else ``.cache/numba`` of the checkout; else,
        for an installed package, ``ethpredict/numba`` among the user's caches.
    """
    chosen = os.environ.get(_VARIABLE)
    if chosen:
        return Path(chosen).resolve()
    if (_ROOT / "Snakefile").is_file():
        return _ROOT / ".cache" / "numba"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ethpredict" / "numba"


def source_key(file: str) -> str:
    """Digest of a kernel file and of the kernel files that it imports, directly or not.

    Parameters
    ----------
    file : str
        A file that is being imported; what it imports has been.

    Returns
    -------
    str
        16 hex digits. Versions of numba, llvmlite and numpy are part of it; folders are not.

    Raises
    ------
    ImportError
        If a kernel file imports relatively: its imports could not be followed.
    """
    _IMPORTED[file] = _read(file)
    queue, seen = [file], {file}
    while queue:
        for name in _IMPORTED[queue.pop()][1]:
            callee = str(sys.modules[name].__file__)
            if callee not in seen:
                _IMPORTED.setdefault(callee, _read(callee))
                queue.append(callee)
                seen.add(callee)
    versions = [numba.__version__, llvmlite.__version__, np.__version__]
    sources = sorted(_IMPORTED[path][0] for path in seen)
    return hashlib.sha256(" ".join(versions + sources).encode()).hexdigest()[:16]


# Digest of a file, and the kernel modules that it names, as they were when it was imported: it may
# have been written since, but its functions are still the old ones.
_IMPORTED: dict[str, tuple[str, tuple[str, ...]]] = {}


def _read(file: str) -> tuple[str, tuple[str, ...]]:
    stat = os.stat(file)
    return _parse(file, stat.st_mtime_ns, stat.st_size)


@cache
def _parse(file: str, mtime: int, size: int) -> tuple[str, tuple[str, ...]]:
    source = Path(file).read_bytes()
    names = dict.fromkeys(_named(ast.parse(source, filename=file), file))
    kernels = tuple(name for name in names if name.endswith("_kernels"))
    return hashlib.sha256(source).hexdigest(), kernels


def _named(tree: ast.Module, file: str) -> Iterator[str]:
    """What a file imports: modules, and symbols of modules."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ImportError(f"{file}:{node.lineno}: a kernel file imports absolutely")
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


class _Locator(_CacheLocator):
    """A folder for each state of a kernel file and of what it imports."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._py_file = inspect.getfile(function)  # numba names it in a warning
        self._line = function.__code__.co_firstlineno
        self._key = source_key(self._py_file)
        module = function.__module__.removeprefix("ethpredict.")
        self._folder = cache_folder() / f"{module}-{self._key}"

    def get_cache_path(self) -> str:
        return str(self._folder)

    def get_source_stamp(self) -> str:
        return self._key

    def get_disambiguator(self) -> str:
        return str(self._line)


class _Entries(CompileResultCacheImpl):
    """Compiled functions, as numba writes them, where :class:`_Locator` says."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._lineno = function.__code__.co_firstlineno
        self._locator = _Locator(function)
        self._filename_base = self.get_filename_base(function.__qualname__, sys.abiflags)


class KernelCache(FunctionCache):
    """The compiled signatures of one kernel on disk; one process compiles it at a time.

    numba's index is read, extended and replaced without a lock: two processes that compile two
    signatures at once could leave the code of one under the name of the other.
    """

    _impl_class = _Entries

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self._held: IO[str] | None = None
        self._depth = 0  # a signature may be compiled while another one is

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The compiled code of a signature; on None the caller compiles, and holds the lock."""
        found = super().load_overload(sig, target_context)
        if found is None:
            self._acquire()
            try:
                found = super().load_overload(sig, target_context)
            except BaseException:
                self.release()
                raise
            if found is not None:
                self.release()
        return found

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep what has been compiled, and let others have it."""
        try:
            if self._held is not None:
                super().save_overload(sig, data)
        finally:
            self.release()

    def _acquire(self) -> None:
        self._depth += 1
        if self._held is not None:
            return
        folder = Path(self.cache_path)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{self._impl.filename_base}.lock"
            self._held = open(path, "a", encoding="utf-8")  # noqa: SIM115 - held while it compiles
        except OSError as error:
            warnings.warn(
                f"every process compiles the kernels anew: {folder.parent} cannot be written "
                f"({error.strerror}); set {_VARIABLE} to a folder that can",
                RuntimeWarning,
                stacklevel=2,
            )
            return
        fcntl.flock(self._held, fcntl.LOCK_EX)

    def release(self) -> None:
        """Let the next process have the kernel."""
        self._depth -= 1
        if self._depth == 0 and self._held is not None:
            fcntl.flock(self._held, fcntl.LOCK_UN)
            self._held.close()
            self._held = None


class _Failures(event.Listener):
    """A kernel that did not compile is released too."""

    def on_start(self, event: Any) -> None:
        """Nothing: the lock has been taken."""

    def on_end(self, event: Any) -> None:
        """Release where nothing came out; what came out numba saves first."""
        kernel = event.data["dispatcher"]
        kept = getattr(kernel, "_cache", None)
        if isinstance(kept, KernelCache) and tuple(event.data["args"]) not in kernel.overloads:
            kept.release()


event.register("numba:compile", _Failures())
