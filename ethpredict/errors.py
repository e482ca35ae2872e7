"""Errors that name the place, the value, the legal range and the remedy."""

from __future__ import annotations

from pathlib import Path


class EthPredictError(Exception):
    """Base of every error that a user can mend."""


class ConfigError(EthPredictError):
    """A setting that is refused before any job starts.

    Parameters
    ----------
    key : str
        Dotted key path, for example ``quoting.gamma``.
    value : object
        The value that was given.
    legal : str
        The legal type or range.
    remedy : str, optional
        What to do; for a mistyped key, the nearest valid key.
    """

    def __init__(self, key: str, value: object, legal: str, remedy: str = "") -> None:
        self.key, self.value, self.legal, self.remedy = key, value, legal, remedy
        hint = f" {remedy}" if remedy else ""
        shown = repr(value)
        shown = shown if len(shown) <= 200 else f"{shown[:200]}…"
        super().__init__(f"{key} = {shown}: must be {legal}.{hint}")


class DataError(EthPredictError):
    """A file or row that cannot be used.

    Parameters
    ----------
    path : Path or str
        The file.
    row : int or None
        1-based line or row in that file; None when the whole file is meant.
    reason : str
        What is wrong and what to do.
    """

    def __init__(self, path: Path | str, row: int | None, reason: str) -> None:
        self.path, self.row, self.reason = str(path), row, reason
        where = f"{path}, row {row}" if row is not None else f"{path}"
        super().__init__(f"{where}: {reason}")


class TrialError(EthPredictError):
    """A domain failure of one member of a pack; recorded as ``status=failed``.

    Parameters
    ----------
    member : str
        Id of the model, quote path or simulation.
    reason : str
        What went wrong, with the value and the legal range.
    """

    def __init__(self, member: str, reason: str) -> None:
        self.member, self.reason = member, reason
        super().__init__(f"{member}: {reason}")
