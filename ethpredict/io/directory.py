"""Whole folders as outputs: complete or absent, never half written."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_directory(path: str | Path) -> Iterator[Path]:
    """Yield a new folder beside `path`; rename it onto `path` on success.

    A stale target (file or folder) is moved aside first, because a folder
    cannot be renamed onto one that holds something, and removed at the end.

    Parameters
    ----------
    path : path-like
        Final name. The folders above it are made.

    Yields
    ------
    Path
        Empty folder to write to. It is removed when the block raises; the
        target then stays as it was.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "models"
    >>> with atomic_directory(target) as folder:
    ...     _ = (folder / "a.json").write_text("{}")
    ...     target.exists()
    False
    >>> [item.name for item in target.iterdir()]
    ['a.json']
    """
    final = Path(path)
    final.parent.mkdir(parents=True, exist_ok=True)
    unique = uuid.uuid4().hex
    temporary = final.with_name(f".{final.name}.{unique}.tmp")
    stale = final.with_name(f".{final.name}.{unique}.old")
    temporary.mkdir()
    try:
        yield temporary
        _flush(temporary)
        if final.is_symlink() or final.exists():
            os.replace(final, stale)
        os.replace(temporary, final)
    finally:
        _remove(temporary)
        _remove(stale)


def _flush(folder: Path) -> None:
    """Bring every file below a folder, and the folders themselves, to the disk."""
    for root, _, names in os.walk(folder):
        for target in (*(Path(root) / name for name in sorted(names)), Path(root)):
            handle = os.open(target, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


def _remove(path: Path) -> None:
    """Remove a file, a link or a folder; nothing there is fine."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
