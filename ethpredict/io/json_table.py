"""A file of JSON objects as a raw table: one a line, a list, or the answer of a JSON-RPC call."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ethpredict.errors import DataError
from ethpredict.io.compression import decompress
from ethpredict.io.raw_table import InputFile, RawTable, read_raw_table


def read_objects_or_table(path: str | Path) -> RawTable:
    """Read JSON objects where the file begins like JSON, otherwise any table.

    Parameters
    ----------
    path : path-like
        JSON lines, a JSON list of objects, an object with such a list under ``result``, or what
        :func:`ethpredict.io.raw_table.read_raw_table` reads; plain, gzip or zip.

    Returns
    -------
    RawTable
        Of JSON every value as text (a list as JSON, nothing as null); `rows` are lines of JSON
        lines and places in a list, from 1 on.

    Raises
    ------
    DataError
        If the file is missing, empty or neither.
    """
    path = Path(path)
    if not path.is_file():
        return read_raw_table(path)  # which says what is wrong
    content = path.read_bytes()
    if not content or content.startswith(b"PAR1"):
        return read_raw_table(path)
    text = decompress(path, content).decode("utf-8-sig", errors="replace")
    if text.lstrip()[:1] not in ("{", "["):
        return read_raw_table(path)
    origin = InputFile(path.name, hashlib.sha256(content).hexdigest(), len(content))
    found, malformed = _objects(path, text)
    if not found and not malformed:
        raise DataError(path, None, "the file holds no rows")
    names = tuple(dict.fromkeys(name for _, row in found for name in row))
    columns = tuple(pa.array([_text(row.get(n)) for _, row in found], pa.string()) for n in names)
    return RawTable(
        path=path,
        names=names,
        columns=columns,
        rows=np.array([number for number, _ in found], dtype=np.int64),
        malformed=tuple(malformed),
        origin=origin,
        lines=tuple(json.dumps(row) for _, row in found),
    )


def _objects(
    path: Path, text: str
) -> tuple[list[tuple[int, dict[str, Any]]], list[tuple[int, str, str]]]:
    """Numbered objects, and what is none."""
    try:
        whole = json.loads(text)
    except ValueError:
        whole = None
    if isinstance(whole, dict):
        whole = whole["result"] if isinstance(whole.get("result"), list) else [whole]
    if whole is None and text.lstrip().startswith("["):
        raise DataError(path, None, "malformed JSON: a list that does not end, or is broken")
    if whole is None:
        lines = [(n, line) for n, line in enumerate(text.splitlines(), 1) if line.strip()]
        parsed = [(n, _parsed(line), line) for n, line in lines]
    else:
        parsed = [(n, item, str(item)) for n, item in enumerate(whole, 1)]
    good = [(n, item) for n, item, _ in parsed if isinstance(item, dict)]
    bad = [
        (n, "malformed JSON: no object", line)
        for n, item, line in parsed
        if not isinstance(item, dict)
    ]
    return good, bad


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def _text(value: Any) -> str | None:
    """A value as a csv would hold it."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)
