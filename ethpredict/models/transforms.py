"""Features that are fitted on the training span of each window and travel with the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ethpredict.features import fitted
from ethpredict.models.base import Floats, ModelError, Rows
from ethpredict.models.predicting import readable_lengths
from ethpredict.models.segments import Bools
from ethpredict.models.table import Table, Target
from ethpredict.models.walkforward import KFOLD, PLACEBO, Split


@dataclass(frozen=True, slots=True)
class Transforms:
    """Fitted transforms of one window; empty where the features stage asks for none.

    Parameters
    ----------
    items : tuple of Fitted
        In the order of their columns.
    """

    items: tuple[fitted.Fitted, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns they add."""
        return tuple(name for item in self.items for name in item.columns)

    @property
    def memory(self) -> int:
        """Longest look-back, rows."""
        return max((item.memory for item in self.items), default=0)

    def extend(self, x: Floats, inputs: pd.DataFrame, gap: Bools) -> Floats:
        """Feature matrix with the fitted columns behind the others."""
        if not self.items:
            return x
        return np.hstack([x, *(item.transform(inputs, gap) for item in self.items)])

    def state(self) -> list[dict[str, Any]]:
        """JSON form."""
        return [item.state() for item in self.items]

    @classmethod
    def load(cls, states: Sequence[dict[str, Any]]) -> Transforms:
        """Inverse of :meth:`state`."""
        return cls(tuple(fitted.load(state) for state in states))


NOTHING = Transforms()


def fit_window(table: Table, target: Target, split: Split) -> tuple[Table, Split, Transforms]:
    """Fit the transforms of one split and extend its table.

    Parameters
    ----------
    table, target : Table, Target
        Rows and outcomes.
    split : Split
        Purged training rows and test rows.

    Returns
    -------
    table : Table
        With the fitted columns; rows where one is missing are incomplete.
    split : Split
        Its training rows without those, and in a fold without the rows after
        the test block that a fitted column's look-back ties to it.
    transforms : Transforms
        To be saved with the model.

    Raises
    ------
    ModelError
        If a transform cannot be fitted on the span.
    """
    if not table.items:
        return table, split, NOTHING
    span = training_span(table, target, split)
    try:
        found = Transforms(
            tuple(fitted.fit(item, table.inputs, span, table.gap) for item in table.items)
        )
    except fitted.FitError as error:
        raise ModelError(str(error)) from error
    x = np.ascontiguousarray(found.extend(table.x, table.inputs, table.gap))
    wide = replace(
        table,
        x=x,
        names=table.names + found.names,
        complete=np.asarray(np.isfinite(x).all(axis=1)),
        lengths=readable_lengths(x, table.gap),
    )
    train = split.train[wide.complete[split.train]]
    if split.scheme in (KFOLD, PLACEBO):
        last = int(target.t1[split.test].max())
        train = train[(train <= last) | (train > last + found.memory)]
    return wide, replace(split, train=train), found


def training_span(table: Table, target: Target, split: Split) -> Rows:
    """Bars between a split's first and last training row, without its test block and purged rows.

    Bars without a label count: series models need neighbours.
    """
    if not len(split.train):
        raise ModelError("no training row is left; lengthen validation.train_days")
    kept = np.zeros(len(table.ts), dtype=bool)
    kept[table.samples(target)] = True
    kept[split.train] = False
    kept[split.test[0] : split.test[-1] + 1] = True
    span = np.arange(split.train[0], split.train[-1] + 1)
    return span[~kept[span]]
