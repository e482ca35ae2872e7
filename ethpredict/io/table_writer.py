"""One parquet file, written as its rows come."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ethpredict.errors import DataError

ROW_GROUP = 65_536


class TableWriter:
    """Write pieces of one table to row groups of `ROW_GROUP` rows (the last: what is left).

    Parameters
    ----------
    path : Path
        File to write.
    name : path-like
        How errors name it.

    Notes
    -----
    The same rows give the same bytes however they are cut into pieces. A full
    group waits for the row after it, so that no table ends in an empty group.
    """

    def __init__(self, path: Path, name: str | Path) -> None:
        self._path, self._name = path, name
        self._waiting: list[pa.Table] = []
        self._rows = 0
        self._writer: pq.ParquetWriter | None = None

    def __enter__(self) -> TableWriter:
        """Return the writer itself."""
        return self

    def add(self, piece: pd.DataFrame | pa.Table) -> None:
        """Append rows.

        Raises
        ------
        DataError
            If the columns or dtypes are not those of the first piece.
        """
        if not isinstance(piece, pa.Table):
            piece = pa.Table.from_pandas(piece, preserve_index=False)
        table = piece.replace_schema_metadata(None)
        if self._writer is None:
            self._writer = pq.ParquetWriter(
                self._path, table.schema, compression="zstd", compression_level=3
            )
        if table.schema != self._writer.schema:
            reason = f"a piece has the columns {table.schema}, the first {self._writer.schema}"
            raise DataError(self._name, None, reason)
        self._waiting.append(table)
        self._rows += len(table)
        if self._rows > ROW_GROUP:
            whole = pa.concat_tables(self._waiting)
            start = 0
            while self._rows - start > ROW_GROUP:
                self._write(whole.slice(start, ROW_GROUP))
                start += ROW_GROUP
            # A copy, so that the piece it was cut from can go.
            self._waiting = [pa.concat_tables([whole.slice(start)]).combine_chunks()]
            self._rows -= start

    def _write(self, group: pa.Table) -> None:
        assert self._writer is not None
        self._writer.write_table(group.combine_chunks(), row_group_size=ROW_GROUP)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Write what is left and close the file.

        Raises
        ------
        DataError
            If there was no piece: then the columns are not known.
        """
        if self._writer is None:
            if kind is None:
                raise DataError(
                    self._name, None, "the table has no piece, so its columns are not known"
                )
            return
        if kind is None:
            self._write(pa.concat_tables(self._waiting))
        self._writer.close()
