"""Stage outputs: written whole or not at all, the same bytes every time.

Every stage folder holds a sidecar ``spec.json`` with the full specification
that made it; :func:`verify` refuses a folder whose sidecar says otherwise.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ethpredict.errors import DataError
from ethpredict.io.atomic import atomic_path
from ethpredict.io.chunks import Chunks
from ethpredict.io.table_writer import ROW_GROUP, TableWriter

__all__ = [
    "ROW_GROUP",
    "iter_table",
    "newest",
    "read_json",
    "read_members",
    "read_table",
    "verify",
    "write_json",
    "write_table",
    "write_tables",
]
_ID = re.compile("[0-9a-f]{16}")


def write_table(frame: pd.DataFrame | pa.Table | Iterable[pd.DataFrame], path: str | Path) -> None:
    """Write a parquet file with fixed row groups, compression and no clock.

    Parameters
    ----------
    frame : DataFrame, pyarrow.Table or iterable of DataFrame
        Rows in their final order; the index is not written. Pieces of an
        iterable (such as :class:`ethpredict.io.chunks.Chunks`) are written as
        they come, in memory of some row groups; the same rows give the same
        bytes however they are cut.
    path : path-like
        Final name.

    Raises
    ------
    DataError
        If there is no piece, or a piece has other columns or dtypes than the first.
    """
    pieces = [frame] if isinstance(frame, (pd.DataFrame, pa.Table)) else frame
    with atomic_path(path) as temporary, TableWriter(temporary, path) as writer:
        for piece in pieces:
            writer.add(piece)


def write_tables(
    tables: Mapping[str, pd.DataFrame | Chunks], paths: Mapping[str, str | Path]
) -> None:
    """Write several tables; those that one pass makes together are made once.

    Parameters
    ----------
    tables : mapping of str to DataFrame or Chunks
        Tables by name. Those that are made in pieces are written first, so that
        a failure in their making leaves none of the others.
    paths : mapping of str to path-like
        Final names by the same names.

    Raises
    ------
    DataError
        As :func:`write_table`.
    """
    joint: dict[int, list[str]] = {}
    alone: list[str] = []
    for name, table in tables.items():
        if isinstance(table, Chunks) and table.source is not None:
            joint.setdefault(id(table.source), []).append(name)
        elif isinstance(table, Chunks):
            alone.insert(0, name)
        else:
            alone.append(name)
    for names in joint.values():
        _write_joint({name: cast(Chunks, tables[name]) for name in names}, paths)
    for name in alone:
        write_table(tables[name], paths[name])


def _write_joint(parts: Mapping[str, Chunks], paths: Mapping[str, str | Path]) -> None:
    """Write the tables of one pass; all of them appear or none."""
    source = next(iter(parts.values())).source
    assert source is not None
    with ExitStack() as stack:
        temporary = {name: stack.enter_context(atomic_path(paths[name])) for name in parts}
        with ExitStack() as files:
            writers = {
                name: files.enter_context(TableWriter(temporary[name], paths[name]))
                for name in parts
            }
            for pieces in source.make():
                for name, part in parts.items():
                    writers[name].add(pieces[part.name or name])


def iter_table(path: str | Path, columns: list[str] | None = None) -> Iterator[pd.DataFrame]:
    """Read a parquet file one row group at a time, in constant memory.

    Parameters
    ----------
    path : path-like
        The file.
    columns : list of str, optional
        Only these columns.

    Yields
    ------
    DataFrame
        Row groups in order, at least one (without rows where the table has none);
        files of :func:`write_table` have `ROW_GROUP` rows in each but the last.

    Raises
    ------
    DataError
        If the file is missing or is no parquet file.
    """
    try:
        file = pq.ParquetFile(path)
    except (FileNotFoundError, pa.ArrowInvalid) as error:
        raise DataError(
            path, None, f"cannot be read as parquet ({error}); remove it and rerun"
        ) from error
    with file:
        for group in range(file.num_row_groups):
            yield file.read_row_group(group, columns=columns).to_pandas()
        if file.num_row_groups == 0:
            yield (
                file.schema_arrow.empty_table()
                .select(file.schema_arrow.names if columns is None else columns)
                .to_pandas()
            )


def row_count(path: str | Path) -> int:
    """Rows of a parquet file, from its footer.

    Raises
    ------
    DataError
        If the file is missing or is no parquet file.
    """
    try:
        return int(pq.read_metadata(path).num_rows)
    except (FileNotFoundError, pa.ArrowInvalid) as error:
        raise DataError(
            path, None, f"cannot be read as parquet ({error}); remove it and rerun"
        ) from error


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
        if conditions and pq.read_metadata(path).num_rows == 0:
            # Texts of an empty table have no type that a filter could compare.
            conditions = []
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
    return newest((read_table(path, **{key: wanted}, **filters) for path in files), key)


def newest(tables: Iterable[pd.DataFrame], key: str) -> pd.DataFrame:
    """Join the tables of several packs; of a member that two packs hold, the later rows count.

    Parameters
    ----------
    tables : iterable of DataFrame
        Tables of the same columns, oldest pack first.
    key : str
        Column with the member's id.

    Returns
    -------
    DataFrame
        Only the column `key` where there is no table.

    Examples
    --------
    >>> old = pd.DataFrame({"id": ["a", "b"], "x": [1, 2]})
    >>> newest([old, pd.DataFrame({"id": ["a"], "x": [9]})], "id").to_dict("list")
    {'id': ['b', 'a'], 'x': [2, 9]}
    """
    kept: list[pd.DataFrame] = []
    for table in tables:
        newer = set(table[key])
        kept = [older[~older[key].isin(newer)] for older in kept] + [table]
    full = [table for table in kept if len(table)] or kept[:1]
    return pd.concat(full, ignore_index=True) if full else pd.DataFrame({key: []}, dtype=object)


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
