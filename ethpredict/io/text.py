"""Comma-separated text to columns, keeping the line number of every row."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.csv as pa_csv

# In place of a count of fields.
_HEADER = -1
_NUMBER = re.compile(r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$")


@dataclass(frozen=True)
class SplitText:
    """The lines of a text, sorted into rows and lines that are none.

    Parameters
    ----------
    names : tuple of str or None
        Header, stripped; None where the first line already holds numbers.
    n_fields : int
        Fields of the first line, which every row must have; 0 for a text
        without any.
    rows : list of int
        1-based line of each row.
    lines : list of str
        Text of each row, without quotes or line ends.
    malformed : list of (int, str, str)
        Line, reason and text of what is no row.
    """

    names: tuple[str, ...] | None
    n_fields: int
    rows: list[int]
    lines: list[str]
    malformed: list[tuple[int, str, str]]


def split_lines(text: str) -> SplitText:
    r"""Sort the lines of a csv text; nothing is dropped but empty lines at the end.

    A first line without any number is the header. Its number of fields, or
    that of the first row, holds for the whole text.

    Parameters
    ----------
    text : str
        The whole file; ``\n`` or ``\r\n`` line ends.

    Returns
    -------
    SplitText
        Rows and malformed lines; together they are all lines below the header.

    Examples
    --------
    >>> split = split_lines("a,b\n1,2\n3\n4,5\n")
    >>> split.rows, split.malformed
    ([2, 4], [(3, 'field count: 1 field instead of 2', '3')])
    """
    lines = text.replace("\r\n", "\n").split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    first = next((i for i, line in enumerate(lines) if line.strip()), None)
    if first is None:
        return SplitText(None, 0, [], [], [])
    head = _fields(lines[first])
    names = None
    if not any(_NUMBER.match(name) for name in head):
        names = tuple(name.strip() for name in head)
    if '"' in text:
        plain, counts = map(list, zip(*map(_unquoted, lines), strict=True))
    else:
        plain, counts = lines, [line.count(",") + 1 for line in lines]
    if names is not None:
        counts[first] = _HEADER
    good = [i for i, count in enumerate(counts) if count == len(head)]
    bad = [i for i, count in enumerate(counts) if count not in (len(head), _HEADER)]
    return SplitText(
        names=names,
        n_fields=len(head),
        rows=[i + 1 for i in good],
        lines=[plain[i] for i in good],
        malformed=[(i + 1, _complaint(lines[i], counts[i], len(head)), lines[i]) for i in bad],
    )


def _complaint(line: str, count: int, wanted: int) -> str:
    if not line.strip():
        return "empty line"
    return f"field count: {count} field{'s' if count != 1 else ''} instead of {wanted}"


def _fields(line: str) -> list[str]:
    try:
        return next(csv.reader([line]))
    except csv.Error:  # a field beyond csv's size limit, which no number reaches
        return []


def _unquoted(line: str) -> tuple[str, int]:
    """Return the line without quotes, and its number of fields."""
    if '"' not in line:
        return line, line.count(",") + 1
    fields = _fields(line)
    # A comma inside quotes would read as a border below; no number holds one.
    return ",".join(field.replace(",", ";").replace('"', "'") for field in fields), len(fields)


def to_columns(lines: list[str], n_fields: int) -> tuple[pa.Array, ...]:
    """Cut rows into text columns.

    Parameters
    ----------
    lines : list of str, length n
        Rows with exactly `n_fields` fields each, without quotes.
    n_fields : int
        Number of columns, >= 1.

    Returns
    -------
    tuple of pyarrow.Array of shape (n,)
        One text column per field.
    """
    if not lines:
        return tuple(pa.array([], pa.string()) for _ in range(n_fields))
    names = [str(i) for i in range(n_fields)]
    content = ("\n".join(lines) + "\n").encode()
    table = pa_csv.read_csv(
        io.BytesIO(content),
        read_options=pa_csv.ReadOptions(
            column_names=names, use_threads=False, block_size=max(1 << 20, len(content))
        ),
        parse_options=pa_csv.ParseOptions(quote_char=False, ignore_empty_lines=False),
        convert_options=pa_csv.ConvertOptions(
            column_types={name: pa.string() for name in names}, strings_can_be_null=False
        ),
    )
    return tuple(column.combine_chunks() for column in table.columns)
