"""A file's rows as they stand, each with the row number that a reader would count."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ethpredict.errors import DataError
from ethpredict.io.compression import decompress
from ethpredict.io.text import split_lines, to_columns

_PARQUET_MAGIC = b"PAR1"


@dataclass(frozen=True)
class InputFile:
    """What a result records about a file that it was made from.

    Parameters
    ----------
    name : str
        Base name; a folder would differ between machines.
    sha256 : str
        Digest of the bytes on disk, 64 hex digits.
    size : int
        Bytes on disk.
    """

    name: str
    sha256: str
    size: int

    def record(self) -> dict[str, Any]:
        """Plain values for a JSON file."""
        return {"name": self.name, "sha256": self.sha256, "bytes": self.size}


@dataclass(frozen=True)
class RawTable:
    """Rows of one file, unconverted.

    Parameters
    ----------
    path : Path
        The file, for errors.
    names : tuple of str or None
        Column names as written; None where the file has no header.
    columns : tuple of pyarrow.Array of shape (n,)
        Text for a text file, the stored types for parquet.
    rows : int64 array of shape (n,)
        1-based line of a text file (the header is line 1), or row of a
        parquet file.
    malformed : tuple of (int, str, str)
        Row, reason and raw text of the lines that have no columns.
    origin : InputFile
        Digest of the file.
    lines : tuple of str
        Raw text per row of a text file; empty for parquet.
    """

    path: Path
    names: tuple[str, ...] | None
    columns: tuple[pa.Array, ...]
    rows: np.ndarray
    malformed: tuple[tuple[int, str, str], ...]
    origin: InputFile
    lines: tuple[str, ...] = field(default=(), repr=False)

    def raw(self, position: int) -> str:
        """Text of one row, 0 <= position < n."""
        if self.lines:
            return self.lines[position]
        return ",".join(str(column[position].as_py()) for column in self.columns)


def input_file(path: str | Path) -> InputFile:
    """Name, digest and size of a file, read in blocks."""
    with open(path, "rb") as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
        return InputFile(Path(path).name, digest, handle.tell())


def read_raw_table(path: str | Path) -> RawTable:
    """Read csv, csv.gz, zip (one csv inside) or parquet; the content decides, not the name.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    RawTable
        Every row, either in `columns` or in `malformed`.

    Raises
    ------
    DataError
        If the file is missing, unreadable, empty, truncated, or is no table.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise DataError(
            path, None, "no such file; a path is relative to the working folder"
        ) from error
    except OSError as error:
        raise DataError(path, None, f"cannot be read ({error.strerror})") from error
    if not content:
        raise DataError(path, None, "the file is empty")
    origin = InputFile(path.name, hashlib.sha256(content).hexdigest(), len(content))
    if content.startswith(_PARQUET_MAGIC):
        return _from_parquet(path, content, origin)
    return _from_text(path, decompress(path, content), origin)


def _from_parquet(path: Path, content: bytes, origin: InputFile) -> RawTable:
    try:
        table = pq.read_table(pa.BufferReader(content))
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(path, None, f"truncated or broken parquet ({error})") from error
    if not table.num_rows:
        raise DataError(path, None, "the file holds no rows")
    columns = tuple(column.combine_chunks() for column in table.columns)
    rows = np.arange(1, table.num_rows + 1, dtype=np.int64)
    return RawTable(path, tuple(table.column_names), columns, rows, (), origin)


def _from_text(path: Path, content: bytes, origin: InputFile) -> RawTable:
    split = split_lines(content.decode("utf-8-sig", errors="replace"))
    if split.n_fields == 0:
        raise DataError(path, None, "the file is empty")
    if not split.lines and not split.malformed:
        raise DataError(path, None, "the file holds a header but no rows")
    return RawTable(
        path=path,
        names=split.names,
        columns=to_columns(split.lines, split.n_fields),
        rows=np.asarray(split.rows, dtype=np.int64),
        malformed=tuple(split.malformed),
        origin=origin,
        lines=tuple(split.lines),
    )
