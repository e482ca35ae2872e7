"""Saved models: JSON, XGBoost's own format and safetensors; no pickle, the same bytes every time.

::

    <model_id>/model.json        settings, seed, feature names, library versions
    <model_id>/window_00.json    rows, scaler, coefficients, m_se, hold_s
    <model_id>/window_00.*       trees (.ubj); nets, several levels (.safetensors)

JSON holds a float64 exactly (shortest form that reads back to the same bits).
"""

from __future__ import annotations

import dataclasses
import hashlib
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import ethpredict
from ethpredict.errors import DataError
from ethpredict.io.artefact import read_json, write_json
from ethpredict.io.directory import atomic_directory
from ethpredict.models.base import Floats, Regressor, Rows
from ethpredict.models.hierarchy import NAME, Hierarchy, blob_suffix, load_regressor
from ethpredict.models.predicting import predict_rows, readable_lengths
from ethpredict.models.registry import LEVEL0
from ethpredict.models.segments import Bools
from ethpredict.models.transforms import NOTHING, Transforms
from ethpredict.splits import Window

FORMAT = 2


@dataclass(frozen=True, slots=True)
class WindowModel:
    """One refit.

    Parameters
    ----------
    window : Window
        Rows it was trained for.
    regressor : Regressor
        The fitted model.
    m_se : float, log return
        Root mean squared error on the inner block.
    hold_s : float, seconds
        Mean time to first touch in training.
    n_rows : int
        Training rows after purging.
    transforms : Transforms
        Features fitted on the window, behind the others.
    """

    window: Window
    regressor: Regressor
    m_se: float
    hold_s: float
    n_rows: int
    transforms: Transforms = NOTHING


@dataclass(frozen=True, slots=True)
class Model:
    """All walk-forward refits of one model, ready to predict.

    Parameters
    ----------
    id, kind : str
        Model id; its algorithm, or "hierarchy" where it has several levels.
    settings : mapping
        ``model`` and ``validation`` sections.
    replicate, seed : int
        Which seed of the trial, and the seed itself.
    device : str
        Where it was trained.
    feature_names : tuple of str
        Columns it must be given, in this order.
    input_names : tuple of str
        Columns behind them that only its fitted transforms read.
    windows : tuple of WindowModel
        In time order.
    """

    id: str
    kind: str
    settings: Mapping[str, Any]
    replicate: int
    seed: int
    device: str
    feature_names: tuple[str, ...]
    input_names: tuple[str, ...]
    windows: tuple[WindowModel, ...]

    def predict(self, features: pd.DataFrame, window: int = -1, gap: Bools | None = None) -> Floats:
        """Predict every row with one refit.

        Parameters
        ----------
        features : DataFrame, n rows
            Exactly the feature columns of the training, in their order
            (``ts_close`` may stand among them).
        window : int
            Position of the refit; the last one by default.
        gap : ndarray of bool, shape (n,), optional
            Whether data is missing before a row's bar; no gap where missing.

        Returns
        -------
        ndarray of float64, shape (n,), log return
            nan where a feature is missing, in the row or in the bars that its
            prediction looks back to.

        Raises
        ------
        DataError
            If the feature columns are not those of the training.
        """
        item = self.windows[window]
        x, lengths = self._matrix(features, item, gap)
        return self._rows(item, x, lengths, np.arange(len(x)))

    def confidence(
        self, features: pd.DataFrame, window: int = -1, gap: Bools | None = None
    ) -> pd.DataFrame:
        """Probability that following the prediction pays, with what it paid in training.

        Parameters
        ----------
        features, window, gap
            As in :meth:`predict`.

        Returns
        -------
        DataFrame, n rows
            ``p``, ``gain``, ``loss`` (log return), ``base_rate``; nan for a
            model without level 2.
        """
        item = self.windows[window]
        regressor = item.regressor
        x, lengths = self._matrix(features, item, gap)
        found = dict.fromkeys(("p", "gain", "loss", "base_rate"), np.full(len(x), np.nan))
        if isinstance(regressor, Hierarchy) and regressor.payoff is not None:
            payoff = dataclasses.asdict(regressor.payoff)
            found |= {name: np.full(len(x), value) for name, value in payoff.items()}
            found["p"] = regressor.confidence(x, lengths, np.arange(len(x)))
        return pd.DataFrame(found)

    def replay(self, features: pd.DataFrame, gap: Bools | None = None) -> pd.DataFrame:
        """Walk-forward predictions again: every refit on its own test rows.

        Parameters
        ----------
        features : DataFrame
            The table that the model was trained on.
        gap : ndarray of bool, shape (n,), optional
            As in :meth:`predict`.

        Returns
        -------
        DataFrame
            ``row``, ``window``, ``m``; the same bits as the stage's predictions.

        Raises
        ------
        DataError
            If the columns do not agree or there are fewer rows.
        """
        if len(features) < self.windows[-1].window.test_stop:
            raise DataError(
                "features", None, f"{len(features)} rows, fewer than model {self.id} was tested on"
            )
        parts = []
        for item in self.windows:
            x, lengths = self._matrix(features, item, gap)
            rows = np.arange(item.window.test_start, item.window.test_stop)
            m = self._rows(item, x, lengths, rows)
            parts.append(pd.DataFrame({"row": rows, "window": item.window.window, "m": m}))
        return pd.concat(parts, ignore_index=True)

    def _rows(self, item: WindowModel, x: Floats, lengths: Rows, rows: Rows) -> Floats:
        uses_features = self.kind == NAME or LEVEL0[self.kind].uses_features
        return predict_rows(item.regressor, x, lengths, rows, uses_features)

    def _matrix(
        self, features: pd.DataFrame, item: WindowModel, gap: Bools | None
    ) -> tuple[Floats, Rows]:
        """Feature matrix of one refit and its unbroken lengths; other columns are refused."""
        names = tuple(name for name in features.columns if name != "ts_close")
        wanted = self.feature_names + self.input_names
        if names != wanted:
            missing, extra = sorted(set(wanted) - set(names)), sorted(set(names) - set(wanted))
            raise DataError(
                "features",
                None,
                f"columns are not those of model {self.id} (missing {missing}, not known {extra}, "
                "or another order); build them with the model's feature settings",
            )
        broken = np.zeros(len(features), dtype=np.bool_) if gap is None else gap
        x = np.ascontiguousarray(features[list(self.feature_names)].to_numpy(np.float64))
        x = item.transforms.extend(x, features[list(self.input_names)], broken)
        return x, readable_lengths(x, broken)


def library_versions() -> dict[str, str]:
    """Versions that a model's bytes depend on."""
    found = {"ethpredict": ethpredict.__version__, "python": platform.python_version()}
    for library, names in {
        "numpy": ("numpy",),
        "torch": ("torch",),
        "xgboost": ("xgboost", "xgboost-cpu"),
    }.items():
        for name in names:
            try:
                found[library] = version(name)
            except PackageNotFoundError:
                continue
            break
    return found


def save_models(models: Mapping[str, Model], path: str | Path) -> None:
    """Write a folder with one sub-folder per model, whole or not at all.

    Parameters
    ----------
    models : mapping of str to Model
        By model id; may be empty.
    path : path-like
        Folder; an old one is replaced.
    """
    with atomic_directory(path) as folder:
        for model_id, model in sorted(models.items()):
            _write(model, folder / model_id)


def _write(model: Model, folder: Path) -> None:
    """Write one model into a folder."""
    folder.mkdir()
    head = {
        "format": FORMAT,
        "id": model.id,
        "kind": model.kind,
        "settings": model.settings,
        "replicate": model.replicate,
        "seed": model.seed,
        "device": model.device,
        "feature_names": list(model.feature_names),
        "input_names": list(model.input_names),
        "n_windows": len(model.windows),
        "versions": library_versions(),
    }
    write_json(head, folder / "model.json")
    for position, item in enumerate(model.windows):
        blob = item.regressor.blob()
        names = model.feature_names + item.transforms.names
        body = {
            "window": dataclasses.asdict(item.window),
            "m_se": item.m_se,
            "hold_s": item.hold_s,
            "n_rows": item.n_rows,
            "left_out": [names[column] for column in item.regressor.left_out],
            "state": item.regressor.state(),
            "transforms": item.transforms.state(),
            "blob": hashlib.sha256(blob).hexdigest() if blob is not None else None,
        }
        write_json(body, folder / f"window_{position:02d}.json")
        if blob is not None:
            name = f"window_{position:02d}{blob_suffix(model.kind)}"
            (folder / name).write_bytes(blob)


def load_model(path: str | Path) -> Model:
    """Read a saved model.

    Parameters
    ----------
    path : path-like
        Folder of one model.

    Returns
    -------
    Model
        Its predictions are those of the model that was saved, bit for bit.

    Raises
    ------
    DataError
        If the folder is incomplete, of another format or of an unknown algorithm.
    """
    folder = Path(path)
    head = read_json(folder / "model.json")
    if head.get("format") != FORMAT or head.get("kind") not in (NAME, *LEVEL0):
        raise DataError(
            folder / "model.json",
            None,
            f"format {head.get('format')!r} of kind {head.get('kind')!r} cannot be read "
            f"(format {FORMAT}, kinds {sorted((NAME, *LEVEL0))}); train again",
        )
    windows = tuple(_read_window(folder, head["kind"], k) for k in range(head["n_windows"]))
    return Model(
        id=head["id"],
        kind=head["kind"],
        settings=head["settings"],
        replicate=head["replicate"],
        seed=head["seed"],
        device=head["device"],
        feature_names=tuple(head["feature_names"]),
        input_names=tuple(head["input_names"]),
        windows=windows,
    )


def _read_window(folder: Path, kind: str, position: int) -> WindowModel:
    """Read one refit."""
    body = read_json(folder / f"window_{position:02d}.json")
    file = folder / f"window_{position:02d}{blob_suffix(kind)}"
    blob = None
    if body["blob"] is not None:
        # XGBoost aborts the whole process on bytes that it cannot read.
        blob = file.read_bytes() if file.exists() else b""
        if hashlib.sha256(blob).hexdigest() != body["blob"]:
            raise DataError(file, None, "is missing or was changed; train again")
    regressor = load_regressor(kind, body["state"], blob)
    return WindowModel(
        window=Window(**body["window"]),
        regressor=regressor,
        m_se=_number(body["m_se"]),
        hold_s=_number(body["hold_s"]),
        n_rows=int(body["n_rows"]),
        transforms=Transforms.load(body["transforms"]),
    )


def _number(value: float | None) -> float:
    """JSON writes nan as null."""
    return float("nan") if value is None else float(value)
