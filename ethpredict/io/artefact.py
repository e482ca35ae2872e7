"""Stage outputs: written whole or not at all, the same bytes every time.

Every stage folder holds a sidecar ``spec.json`` with the full specification
that made it; :func:`verify` refuses a folder whose sidecar says otherwise.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ethpredict.errors import DataError
from ethpredict.io.atomic import atomic_path

ROW_GROUP = 65_536
_ID = re.compile("[0-9a-f]{16}")


def write_table(frame: pd.DataFrame | pa.Table, path: str | Path) -> None:
    """Write a parquet file with fixed row groups, compression and no clock.

    Parameters
    ----------
    frame : DataFrame or pyarrow.Table
        Rows in their final order; the index is not written.
    path : path-like
        Final name.
    """
    table = (
        frame if isinstance(frame, pa.Table) else pa.Table.from_pandas(frame, preserve_index=False)
    )
    table = table.replace_schema_metadata(None)
    with atomic_path(path) as temporary:
        pq.write_table(
            table, temporary, compression="zstd", compression_level=3, row_group_size=ROW_GROUP
        )


def read_table(path: str | Path, columns: list[str] | None = None, **filters: Any) -> pd.DataFrame:
    """Read a parquet file of this project.

    Parameters
    ----------
    path : path-like
        The file.
    columns : list of str, optional
        Only these columns.
    **filters
        Keep only rows whose column equals the value, or is in the list.

    Raises
    ------
    DataError
        If the file is missing or is no parquet file.
    """
    conditions = [
        (name, "in", list(value)) if isinstance(value, (list, tuple, set)) else (name, "==", value)
        for name, value in sorted(filters.items())
    ]
    try:
        return pq.read_table(path, columns=columns, filters=conditions or None).to_pandas()
    except (FileNotFoundError, pa.ArrowInvalid) as error:
        raise DataError(
            path, None, f"cannot be read as parquet ({error}); remove it and rerun"
        ) from error


def read_members(
    paths: str | Path | Sequence[str | Path], key: str, ids: Iterable[str], **filters: Any
) -> pd.DataFrame:
    """Read members' rows from the tables of several packs; a later pack replaces an earlier one.

    Parameters
    ----------
    paths : path-like or sequence of path-like
        Tables of the same columns, oldest pack first.
    key : str
        Column with the member's id.
    ids : iterable of str
        Members to read.
    **filters
        As in :func:`read_table`.
    """
    files = [paths] if isinstance(paths, (str, Path)) else list(paths)
    wanted = sorted(set(ids))
    tables: list[pd.DataFrame] = []
    for path in files:
        table = read_table(path, **{key: wanted}, **filters)
        newer = set(table[key])
        tables = [older[~older[key].isin(newer)] for older in tables] + [table]
    return pd.concat(tables, ignore_index=True)


def _plain(value: Any) -> Any:
    """Python scalars only; a number that JSON cannot hold becomes null."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def write_json(value: Any, path: str | Path) -> None:
    """Write JSON with sorted keys; numpy scalars and arrays are accepted, nan becomes null."""
    with atomic_path(path) as temporary:
        temporary.write_text(
            json.dumps(_plain(value), indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
            + "\n",
            encoding="utf-8",
        )


def read_json(path: str | Path) -> Any:
    """Read JSON; a missing or broken file is a DataError."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError) as error:
        raise DataError(
            path, None, f"cannot be read as JSON ({error}); remove it and rerun"
        ) from error


def verify(paths: Iterable[str | Path]) -> None:
    """Refuse inputs whose sidecar does not belong to the folder that they lie in.

    Parameters
    ----------
    paths : iterable of path-like
        Inputs of a job. Files outside the store (a user's candles, a study's tables)
        have no sidecar and are left alone.

    Raises
    ------
    DataError
        If a sidecar is missing, broken or carries another id than its folder.
    """
    for folder in sorted({Path(path).parent for path in paths}):
        if _ID.fullmatch(folder.name) is None:
            continue
        spec = read_json(folder / "spec.json")
        if spec.get("id") != folder.name:
            reason = f"belongs to {spec.get('id')}; remove the folder and rerun"
            raise DataError(folder / "spec.json", None, reason)
