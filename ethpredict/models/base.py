"""What every algorithm offers, so that the pack, the store and later levels need not know it.

An :class:`Algorithm` turns a :class:`Sample` (the training rows of one
window) into a :class:`Regressor`. The work is cut in two: ``prepare`` does
what depends on the rows and on a few settings only (:meth:`Algorithm.share`)
and is done once for all models that agree on these; ``fit`` does the rest for
one model. Nothing that ``prepare`` returns may be changed by ``fit``: that is
what keeps a model's bytes free of its pack-mates.

Prediction gets the whole feature table and the wanted rows, not the rows'
features, so that a sequence model can look back from each row.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from ethpredict.errors import EthPredictError

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
Settings = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Spans:
    """What a model must know to look back from a row, and to hold rows out by itself.

    Parameters
    ----------
    t1 : ndarray of int64, shape (n_bars,), bar positions
        Ends of the label intervals; -1 where there is none.
    readable : ndarray of bool, shape (n_bars,)
        Bars that training may read as context: features complete, and no
        sample that this split keeps from training.
    gap : ndarray of bool, shape (n_bars,)
        Whether data is missing between a bar and the one before it.
    """

    t1: Rows
    readable: npt.NDArray[np.bool_]
    gap: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Sample:
    """Training rows of one window.

    Parameters
    ----------
    features : ndarray of float64, shape (n_bars, p)
        All bars; may hold nan outside `rows`.
    rows : ndarray of int64, shape (n,)
        Rising bar rows to train on; features, target and weight are finite there.
    y : ndarray of float64, shape (n,), log return
        Target.
    weight : ndarray of float64, shape (n,), > 0
        Sample weight: the number of independent labels that a row stands for.
    spans : Spans, optional
        For algorithms that look back or stop early; these refuse a sample without.
    """

    features: Floats
    rows: Rows
    y: Floats
    weight: Floats
    spans: Spans | None = None

    @property
    def x(self) -> Floats:
        """Features of the training rows, shape (n, p)."""
        return self.features[self.rows]


class ModelError(EthPredictError):
    """A fit that cannot be done; the pack adds the model and the window."""


class Regressor(ABC):
    """A fitted return model of one window."""

    left_out: tuple[int, ...] = ()
    """Positions of feature columns that were constant in training."""

    lookback: int = 1
    """Bars up to a row, the row included, that its prediction reads."""

    curve: Floats = np.empty((0, 2))
    """Training and inner validation loss per epoch; empty where nothing is learned in epochs."""

    @abstractmethod
    def predict(self, features: Floats, rows: Rows) -> Floats:
        """Predicted log return, shape (len(rows),); no row's value depends on other rows asked."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """Everything that JSON can hold exactly, to be loaded again."""

    def blob(self) -> bytes | None:
        """Fitted parts that JSON does not hold well; None where there are none."""
        return None


class Algorithm(ABC):
    """One way to fit a return model. `settings` is the member's ``model`` section."""

    name: ClassVar[str]
    uses_features: ClassVar[bool] = True
    suffix: ClassVar[str] = ".bin"
    """Ending of the file that holds :meth:`Regressor.blob`."""

    @abstractmethod
    def share(self, settings: Settings) -> tuple[Any, ...]:
        """Values that `prepare` reads: models that agree on them share what it returns."""

    def reach(self, settings: Settings) -> int:
        """Bars of the longest sequence that one fit step reads; 1 without memory."""
        return 1

    @abstractmethod
    def prepare(self, sample: Sample, settings: Settings) -> Any:
        """Shared, read-only work for one window."""

    @abstractmethod
    def fit(self, prepared: Any, settings: Settings, seed: int, device: str) -> Regressor:
        """Fit one model.

        Parameters
        ----------
        prepared : object
            From :meth:`prepare`.
        settings : mapping
            The member's ``model`` section.
        seed : int
            Of this model; see :func:`ethpredict.models.seed.model_seed`.
        device : {"cpu", "cuda"}
            Where to train.

        Raises
        ------
        ModelError
            If no finite model comes out.
        """

    def fit_many(
        self, jobs: Sequence[tuple[Any, Settings, int]], device: str
    ) -> list[Regressor | ModelError]:
        """Fit several models; those that fail give their error.

        Parameters
        ----------
        jobs : sequence of (prepared, settings, seed)
            As in :meth:`fit`.
        device : {"cpu", "cuda"}
            Where to train.

        Returns
        -------
        list of Regressor or ModelError
            In the order of the jobs. Here one after the other; an algorithm
            that can train models together does so where that is faster.
        """
        found: list[Regressor | ModelError] = []
        for prepared, settings, seed in jobs:
            try:
                found.append(self.fit(prepared, settings, seed, device))
            except ModelError as error:
                found.append(error)
        return found

    @abstractmethod
    def load(self, state: dict[str, Any], blob: bytes | None) -> Regressor:
        """Inverse of :meth:`Regressor.state` and :meth:`Regressor.blob`."""
