"""The pipeline as plain functions, for notebooks: the same code and settings as the workflow.

::

    from ethpredict import adaptor
    from ethpredict.sweep.single import load_specs

    specs = load_specs("config/test.yaml", model__level0__algo="ridge")
    data = adaptor.load_data(specs)
    features = adaptor.make_features(data, specs)
    models = adaptor.train_models(data, features, specs)
    predictions = adaptor.walk_forward(models)
    result = adaptor.simulate(data, models, specs)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ethpredict import bars as bars_stage
from ethpredict import features as features_stage
from ethpredict import labels as labels_stage
from ethpredict.data import fetch
from ethpredict.data.market import Market
from ethpredict.errors import DataError, TrialError
from ethpredict.features.stage import FeatureSet
from ethpredict.models import PackResult, load_model, train_pack
from ethpredict.quoting import build_paths
from ethpredict.sim import SimResult, simulate_pack


@dataclass(frozen=True, slots=True)
class Data:
    """A market and the bars cut from it.

    Parameters
    ----------
    market : Market
        Canonical tables.
    bars : DataFrame
        Bars, with their gaps marked.
    """

    market: Market
    bars: pd.DataFrame


def load_data(specs: Mapping[str, dict[str, Any]]) -> Data:
    """Fetch the market and cut bars.

    Parameters
    ----------
    specs : mapping
        From :func:`ethpredict.sweep.single.load_specs`.

    Returns
    -------
    Data

    Raises
    ------
    DataError
        If rows are bad and the settings are strict.
    """
    market = fetch(specs["fetch"]["settings"]).whole()
    max_gap = market.quality["max_gap"]
    made = bars_stage.build(market.candles, market.trades, specs["bars"]["settings"], max_gap)
    return Data(market, made.bars)


def make_features(data: Data, specs: Mapping[str, dict[str, Any]]) -> FeatureSet:
    """Stateless features of every bar; what must be fitted is fitted in training.

    Parameters
    ----------
    data : Data
        From :func:`load_data`, or new bars of the same kind.
    specs : mapping
        From :func:`ethpredict.sweep.single.load_specs`.
    """
    facts = pd.concat([data.market.funding, data.market.onchain_daily], ignore_index=True)
    return features_stage.build(data.bars, specs["features"]["settings"], facts)


def train_models(
    data: Data,
    features: FeatureSet,
    specs: Mapping[str, dict[str, Any]],
    device: str = "cpu",
) -> PackResult:
    """Train the trial's model walk forward and score it on purged folds.

    Parameters
    ----------
    data, features
        From :func:`load_data` and :func:`make_features`.
    specs : mapping
        From :func:`ethpredict.sweep.single.load_specs`.
    device : {"cpu", "cuda"}
        Where to train.

    Returns
    -------
    PackResult
        Predictions, scores and models; :func:`ethpredict.models.save_models` writes them.

    Raises
    ------
    TrialError
        If the model cannot be trained.
    """
    labels = labels_stage.build(data.bars, specs["labels"]["settings"])
    member = specs["train"]
    result = train_pack(data.bars, features.frame, features.meta, labels, [member], device)
    if result.status["status"].iloc[0] != "ok":
        raise TrialError(member["id"], str(result.status["error"].iloc[0]))
    return result


def walk_forward(models: PackResult) -> pd.DataFrame:
    """Out-of-sample predictions of the validation span; the locked test stays closed.

    Parameters
    ----------
    models : PackResult
        From :func:`train_models`.

    Returns
    -------
    DataFrame
        ``row``, ``ts``, ``m``, ``m_se``, ``p`` and the rest; see docs/models.md.
    """
    frame = models.predictions
    return frame[frame["segment"] == 0].reset_index(drop=True)


def simulate(data: Data, models: PackResult, specs: Mapping[str, dict[str, Any]]) -> SimResult:
    """Quote and simulate the predictions of the validation span.

    Parameters
    ----------
    data : Data
        From :func:`load_data`.
    models : PackResult
        From :func:`train_models`.
    specs : mapping
        From :func:`ethpredict.sweep.single.load_specs`.

    Returns
    -------
    SimResult
        Metrics, equity and daily profit of the trial.

    Raises
    ------
    TrialError
        If the fill intensity cannot be calibrated.
    """
    paths, _, status = build_paths(data.bars, models.predictions, [specs["quote"]], models.status)
    if status["status"].iloc[0] != "ok":
        raise TrialError(specs["simulate"]["id"], str(status["error"].iloc[0]))
    seen = paths[paths["segment"] == 0]
    return simulate_pack(data.bars, data.market.blocks, seen, [specs["simulate"]])


def predict(folder: str | Path, features: FeatureSet, bars: pd.DataFrame) -> pd.DataFrame:
    """Serve a saved model on new bars with its latest refit.

    Parameters
    ----------
    folder : path-like
        One model's folder, as ``results/store/train/<pack>/models/<model_id>``.
    features : FeatureSet
        Features of the new bars, by the settings of the training.
    bars : DataFrame
        The new bars, with ``ts_close`` and ``gap``.

    Returns
    -------
    DataFrame
        ``ts_close``, ``m`` (log return), ``p``, ``gain``, ``loss``, ``base_rate``;
        nan where a feature or an earlier bar is missing.

    Raises
    ------
    DataError
        If the rows do not match the bars, or the feature list is not that of
        the training.
    """
    if (
        not features.frame["ts_close"]
        .reset_index(drop=True)
        .equals(bars["ts_close"].reset_index(drop=True))
    ):
        raise DataError("features", None, "rows do not match the bars; rebuild the features")
    model = load_model(folder)
    gap = bars["gap"].to_numpy(bool)
    served = model.confidence(features.frame, gap=gap)
    served.insert(0, "m", model.predict(features.frame, gap=gap))
    served.insert(0, "ts_close", bars["ts_close"].to_numpy())
    return served
