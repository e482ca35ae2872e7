"""A plain table: caption, heads, rows of text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

PLUS_MINUS = "\u00a0±\u00a0"


@dataclass(frozen=True)
class Head:
    """Head of one column.

    Attributes
    ----------
    text : str
        What the reader sees.
    help : str
        Meaning and unit, shown on demand.
    kind : str
        ``num`` (right-aligned), ``text``, or ``wide`` (text that may wrap).
    """

    text: str
    help: str = ""
    kind: str = "num"


@dataclass(frozen=True)
class Grid:
    """A table whose first column names the row.

    Attributes
    ----------
    caption : str
        What the table shows.
    heads : tuple of Head
        One per column.
    rows : tuple of tuple of str
        Cells, in the order of the heads.
    """

    caption: str
    heads: tuple[Head, ...]
    rows: tuple[tuple[str, ...], ...]


def grid(caption: str, heads: Sequence[Head], rows: Sequence[Sequence[str]]) -> Grid:
    """Make a table; columns without any content are left out.

    Parameters
    ----------
    caption : str
        What the table shows.
    heads : sequence of Head
        One per column.
    rows : sequence of sequence of str
        Cells; empty text and ``n/a`` count as no content.

    Examples
    --------
    >>> grid("", [Head("a"), Head("b")], [["1", ""], ["2", "n/a"]]).heads
    (Head(text='a', help='', kind='num'),)
    """
    kept = [
        place
        for place in range(len(heads))
        if place == 0 or any(row[place] not in ("", "n/a") for row in rows)
    ]
    return Grid(
        caption,
        tuple(heads[place] for place in kept),
        tuple(tuple(row[place] for place in kept) for row in rows),
    )


def with_error(value: str, error: str) -> str:
    """Join a figure and its standard error; the figure alone where there is none.

    Examples
    --------
    >>> with_error("1.5", "n/a")
    '1.5'
    """
    return value if error in ("", "n/a") else f"{value}{PLUS_MINUS}{error}"
