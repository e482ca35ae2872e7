"""What a fitted transform is, and what all of them need of their input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from ethpredict.errors import EthPredictError

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


class FitError(EthPredictError):
    """Training rows from which a transform cannot be fitted."""


class Fitted(Protocol):
    """A transform with everything that it learned.

    Attributes
    ----------
    columns : tuple of str
        Names of the features it makes.
    memory : int, rows
        Row t of the result depends on rows t - memory .. t of the inputs.
    """

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the features."""

    @property
    def memory(self) -> int:
        """Longest look-back in rows."""

    def transform(self, inputs: pd.DataFrame, gap: Flags) -> Floats:
        """Features, shape (n, number of columns); row t from rows <= t only.

        Parameters
        ----------
        inputs : DataFrame of n rows
            The input columns of the item, for every bar.
        gap : ndarray of bool, shape (n,)
            True where nothing may span the border before the bar.
        """

    def state(self) -> dict[str, Any]:
        """JSON form, from which :func:`ethpredict.features.fitted.load` makes it again."""


def column_of(inputs: pd.DataFrame, name: str) -> Floats:
    """One input as a contiguous array."""
    return np.ascontiguousarray(inputs[name], dtype=np.float64)


def training_only(values: Floats, rows: Rows) -> Floats:
    """Copy that is nan outside the training rows, so that no fit can read there."""
    masked = np.full(len(values), np.nan)
    masked[rows] = values[rows]
    return masked


def one_input(item_inputs: Sequence[str], kind: str) -> str:
    """Name of the only input of a kind that takes one."""
    if len(item_inputs) != 1:
        raise ValueError(f"kind {kind} takes one input, not {list(item_inputs)}")
    return item_inputs[0]
