"""Tables that are made piece by piece and never held whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Joint:
    """Several tables that one pass makes together.

    Parameters
    ----------
    make : callable
        Starts a new pass: an iterator of mappings from a table's name to its
        next piece. Every mapping names every table.

    Examples
    --------
    >>> both = Joint(lambda: iter([{"a": pd.DataFrame({"n": [1]}), "b": pd.DataFrame({"m": [2]})}]))
    >>> both.part("b").frame()["m"].tolist()
    [2]
    """

    make: Callable[[], Iterator[Mapping[str, pd.DataFrame]]]

    def part(self, name: str) -> Chunks:
        """Return one of the tables."""
        return Chunks(lambda: (pieces[name] for pieces in self.make()), self, name)


@dataclass(frozen=True)
class Chunks:
    """A table that is made piece by piece and never held whole.

    Parameters
    ----------
    make : callable
        Starts a new pass over the table: an iterator of at least one DataFrame,
        all with the same columns and dtypes, rows in the table's order. A piece
        may be empty; every pass gives the same rows.
    source : Joint, optional
        What makes this table together with others (see
        :func:`ethpredict.io.artefact.write_tables`).
    name : str, optional
        Its name there.

    Examples
    --------
    >>> halves = Chunks(lambda: iter([pd.DataFrame({"n": [1, 2]}), pd.DataFrame({"n": [3]})]))
    >>> halves.frame()["n"].tolist(), sum(len(piece) for piece in halves)
    ([1, 2, 3], 3)
    """

    make: Callable[[], Iterator[pd.DataFrame]]
    source: Joint | None = None
    name: str | None = None

    def __iter__(self) -> Iterator[pd.DataFrame]:
        """Start a new pass."""
        return self.make()

    def frame(self) -> pd.DataFrame:
        """Return the whole table at once, index 0..n-1."""
        return pd.concat(list(self), ignore_index=True)
