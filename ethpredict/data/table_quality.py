"""What each written table of a market holds and lacks, in one pass over its row groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ethpredict.data.quality import OUTLIER_SDS
from ethpredict.data.timestamps import NS_PER_SECOND, iso
from ethpredict.io.artefact import iter_table, read_table

_MAD_TO_SD = 1.4826
# Rows from the beginning whose changes tell what is usual.
_SAMPLE = 100_000
_FEWEST = 10


@dataclass(frozen=True)
class Kind:
    """How one table is described.

    Parameters
    ----------
    time : str
        Column of the moment.
    key : tuple of str
        Columns that no two neighbouring rows share.
    value : str or None
        Positive column whose relative changes are searched for outliers.
    regular : bool
        Whether rows come in equal steps: then a gap is a step of more than
        one and a half usual ones, otherwise a pause beyond ``max_gap``.
    """

    time: str
    key: tuple[str, ...]
    value: str | None = None
    regular: bool = False


KINDS: dict[str, Kind] = {
    "candles": Kind("ts_open", ("ts_open",), "close", True),
    "trades": Kind("ts", ("id",), "price"),
    "book": Kind("ts", ("id", "side", "price", "size", "snapshot")),
    "orders": Kind("ts", ("order_id", "kind", "price", "size")),
    "pool_events": Kind("ts", ("block", "log_index")),
    "blocks": Kind("ts", ("number",), "base_fee_wei", True),
    "tips": Kind("ts", ("block", "tip_gwei", "included")),
    "funding": Kind("ts", ("ts",), None, True),
    "onchain_daily": Kind("ts", ("ts",), "value", True),
}
# What the reasons of rows that were set aside begin with; candles' begin with the fault itself.
_WORDS = {
    "trade": "trades",
    "book level": "book",
    "snapshot": "book",
    "quote": "book",
    "unreadable message": "book",
    "order": "orders",
    "log": "pool_events",
    "pool event": "pool_events",
    "block": "blocks",
    "funding": "funding",
    "fact": "onchain_daily",
    "protocol": "onchain_daily",
}


class _Steps:
    """Time steps of one table.

    Only regular rows, which are few, are kept: their usual step is known at the end.
    """

    def __init__(self, regular: bool, max_gap: float) -> None:
        self.limit = None if regular else max_gap * NS_PER_SECOND
        self.kept: list[np.ndarray] = []
        self.far = self.longest = 0

    def add(self, steps: np.ndarray) -> None:
        """Take the next steps, ns."""
        if not len(steps):
            return
        self.longest = max(self.longest, int(steps.max()))
        if self.limit is None:
            self.kept.append(steps)
        else:
            self.far += int((steps > self.limit).sum())

    def report(self, max_gap: float) -> dict[str, Any]:
        """Lay gaps out."""
        limit, far = self.limit, self.far
        if limit is None:
            steps = np.concatenate(self.kept) if self.kept else np.zeros(0, dtype=np.int64)
            positive = steps[steps > 0]
            usual = 1.5 * float(np.median(positive)) if len(positive) else 0.0
            limit = usual or max_gap * NS_PER_SECOND
            far = int((steps > limit).sum())
        return {
            "count": far,
            "limit_s": limit / NS_PER_SECOND,
            "longest_s": self.longest / NS_PER_SECOND,
        }


class _Changes:
    """Relative changes of one column, held against those at the beginning."""

    def __init__(self) -> None:
        self.first: list[np.ndarray] = []
        self.held = self.outliers = 0
        self.usual = self.spread = 0.0
        self.known = False

    def add(self, values: np.ndarray) -> None:
        """Take the next values, the last one of the piece before in front."""
        with np.errstate(divide="ignore", invalid="ignore"):
            change = np.diff(np.log(values))
        change = change[np.isfinite(change) & (change != 0)]
        if not self.known:
            taken, change = np.split(change, [_SAMPLE - self.held])
            self.first.append(taken)
            self.held += len(taken)
            if self.held < _SAMPLE:
                return
            self._settle()
        self.outliers += self._beyond(change)

    def count(self) -> int:
        """Changes beyond ten robust standard deviations of those at the beginning."""
        if not self.known:
            self._settle()
        return self.outliers

    def _settle(self) -> None:
        sample = np.concatenate(self.first) if self.first else np.zeros(0)
        self.first, self.known = [], True
        if len(sample) >= _FEWEST:
            self.usual = float(np.median(sample))
            self.spread = float(np.median(np.abs(sample - self.usual))) * _MAD_TO_SD
            self.outliers = self._beyond(sample)

    def _beyond(self, change: np.ndarray) -> int:
        if self.spread <= 0:
            return 0
        return int((np.abs(change - self.usual) > OUTLIER_SDS * self.spread).sum())


class _Tally:
    """Running counts over the pieces of one table, in memory that its length does not change."""

    def __init__(self, kind: Kind, max_gap: float) -> None:
        self.kind, self.max_gap = kind, max_gap
        self.rows = self.duplicates = 0
        self.steps = _Steps(kind.regular, max_gap)
        self.changes = None if kind.value is None else _Changes()
        self.bounds: dict[str, tuple[Any, Any]] = {}
        self.last: pd.DataFrame | None = None
        self.first_ts = self.last_ts = 0

    def add(self, piece: pd.DataFrame) -> None:
        """Take the next rows."""
        if not len(piece):
            return
        ts = piece[self.kind.time].to_numpy()
        joined = piece if self.last is None else pd.concat([self.last, piece])
        same = np.ones(len(joined) - 1, dtype=bool)
        for name in self.kind.key:
            key = joined[name].to_numpy()
            same &= np.asarray(key[1:] == key[:-1], dtype=bool)
        self.duplicates += int(same.sum())
        self.steps.add(np.diff(joined[self.kind.time].to_numpy()))
        if self.changes is not None:
            self.changes.add(joined[self.kind.value].to_numpy(dtype=np.float64))
        if not self.rows:
            self.first_ts = int(ts[0])
        self.last_ts, self.last = int(ts[-1]), piece.iloc[-1:]
        self.rows += len(piece)
        for name in piece.select_dtypes(exclude="bool"):  # a flag may well stay as it is
            low, high = piece[name].min(), piece[name].max()
            known = self.bounds.get(str(name))
            self.bounds[str(name)] = (
                (low, high) if known is None else (min(known[0], low), max(known[1], high))
            )

    def report(self) -> dict[str, Any]:
        """Lay the counts out."""
        return {
            "rows": self.rows,
            "period": {"start": iso(self.first_ts), "end": iso(self.last_ts)},
            "gaps": self.steps.report(self.max_gap),
            "duplicates": self.duplicates,
            "constant_columns": [
                name
                for name, (low, high) in self.bounds.items()
                if self.rows >= _FEWEST and (low == high or pd.isna(low))
            ],
            "outliers": None if self.changes is None else self.changes.count(),
        }


def describe(pieces: Iterable[pd.DataFrame], kind: Kind, max_gap: float) -> dict[str, Any]:
    """Describe one table.

    Parameters
    ----------
    pieces : iterable of DataFrame
        Its rows in order, cut anywhere: the answer does not depend on where.
    kind : Kind
        How.
    max_gap : float
        Longest pause that may be spanned, seconds.

    Returns
    -------
    dict
        ``rows``, ``period`` (of the moments), ``gaps`` (count, the limit that
        they exceed, longest step), ``duplicates`` (neighbours with one key),
        ``constant_columns`` (of ten rows or more), ``outliers`` (None where
        no column is searched).
    """
    tally = _Tally(kind, max_gap)
    for piece in pieces:
        tally.add(piece)
    return tally.report() if tally.rows else {"rows": 0}


def describe_tables(files: Mapping[str, str | Path], max_gap: float) -> dict[str, Any]:
    """Describe every table of a market that has rows, from its files.

    Parameters
    ----------
    files : mapping of str to path-like
        Names of `KINDS`, and ``quarantined``, to parquet files.
    max_gap : float
        Longest pause that may be spanned, seconds.

    Returns
    -------
    dict
        Per table, and per name of facts (``onchain_daily: tvl``), what
        :func:`describe` tells and ``quarantined``: rows that were set aside.
    """
    told: dict[str, Any] = {}
    reasons = read_table(files["quarantined"])["reason"]
    aside = pd.Series([_table_of(reason) for reason in reasons], dtype=object).value_counts()
    for name, kind in KINDS.items():
        if name in ("funding", "onchain_daily"):
            facts = read_table(files[name])
            for (source, fact), rows in facts.groupby(["source", "name"], sort=True):
                ordered = rows.drop(columns=["source", "name"]).sort_values("ts", kind="stable")
                found = describe([ordered], kind, max_gap)
                told[f"{name}: {fact} ({source})"] = found | {
                    "quarantined": int(aside.get(name, 0))
                }
            continue
        found = describe(iter_table(files[name]), kind, max_gap)
        if found["rows"] or name in aside:
            told[name] = found | {"quarantined": int(aside.get(name, 0))}
    return told


def _table_of(reason: str) -> str:
    """Table that a row was meant for, by what its reason begins with."""
    return next((table for word, table in _WORDS.items() if reason.startswith(word)), "candles")
