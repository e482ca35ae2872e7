"""The synthetic market's planted signal through bars, features, labels and every level."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from ethpredict import adaptor
from ethpredict.data.synthetic import planted_drift
from ethpredict.models import PackResult
from ethpredict.sweep.single import load_specs

MARKET = {
    "data__interval": "15m",
    "data__synthetic__trades_per_day": 4000,
    "bars__kind": "time",
    "bars__interval": "15m",
    "features__include": ["vol_adj_flow"],
    "features__windows": [2, 4, 8],
    "labels__horizon": 1,
    "labels__volatility_window": 48,
    "validation__train_days": 30,
    "validation__test_days": 10,
    "validation__locked_days": 2,
    "validation__kfold": 2,
}
LEVELS = {
    "model__level1__algo": "mlp",
    "model__level2__algo": "gru",
    "model__level2__cost_bps": 0,
}


def trained(**settings: Any) -> tuple[PackResult, pd.DataFrame, dict[str, Any]]:
    """A pack of one model, and each validation row's forecast, outcome and planted forecast."""
    specs = load_specs(**(MARKET | {"model__level0__ridge__alpha": 10} | settings))
    data = adaptor.load_data(specs)
    result = adaptor.train_models(data, adaptor.make_features(data, specs), specs)
    rows = adaptor.walk_forward(result).set_index("row")
    # bars are the candles here: what bar t + 1 will do is planted and known at the close of t
    drift = planted_drift(data.market.candles, data.market.truth)
    ahead = np.diff(np.log(data.bars["close"].to_numpy()))
    rows["oracle"], rows["y"] = drift[rows.index + 1], ahead[rows.index]
    return result, rows.dropna(subset=["m", "y"]), data.market.truth


def r2(y: pd.Series, m: pd.Series) -> float:
    return float(1.0 - ((y - m) ** 2).sum() / (y**2).sum())


def test_level_0_recovers_what_is_planted() -> None:
    """Between 0.6 and 1.05 times the R2, 0.8 and 1.05 times the IC, of who knows the signal."""
    _, rows, truth = trained(
        data__synthetic__days=72, data__synthetic__predictability=0.1, model__level0__algo="ridge"
    )
    assert len(rows) > 2500
    known, found = r2(rows["y"], rows["oracle"]), r2(rows["y"], rows["m"])
    ic = [float(spearmanr(rows[name], rows["y"]).statistic) for name in ("oracle", "m")]
    # What is planted in these very rows: 10 % of the unconditional variance, 5.7 % of theirs.
    assert truth["predictability"]["r2"] == 0.1
    square, off = (rows["y"] ** 2).sum(), rows["oracle"] * (rows["y"] - rows["oracle"])
    planted = (rows["oracle"] ** 2).sum() / square
    assert abs(known - planted) < 3 * 2 * np.sqrt((off**2).sum()) / square
    assert 0.6 * known < found < 1.05 * known
    assert 0.8 * ic[0] < ic[1] < 1.05 * ic[0]


@pytest.mark.slow
def test_all_levels_keep_what_is_planted() -> None:
    """Level 1 keeps half of the planted R2; level 2 knows more than the share that pays."""
    result, rows, _ = trained(
        data__synthetic__days=122,
        data__synthetic__predictability=0.2,
        validation__train_days=60,
        validation__test_days=20,
        model__level0__algo="ridge",
        **LEVELS,
    )
    assert 0.5 * r2(rows["y"], rows["oracle"]) < r2(rows["y"], rows["m"])
    told = result.scores.query("scheme == 'confidence'").set_index("metric")["value"]
    assert told["log_loss_gain_low"] > 0.0
    assert told["ece"] < 0.08


@pytest.mark.slow
def test_nothing_planted_nothing_found() -> None:
    """Six markets without a signal, all levels: confidence intervals cover zero."""
    ic, sure = [], []
    for seed in range(6):
        _, rows, truth = trained(
            data__synthetic__days=42,
            data__synthetic__predictability=0.0,
            data__synthetic__seed=100 + seed,
            model__level0__algo="ridge",
            **LEVELS,
        )
        assert truth["predictability"]["r2"] == 0.0
        ic.append(float(spearmanr(rows["m"], rows["y"]).statistic))
        seen = rows.dropna(subset=["p"])
        paid = np.sign(seen["m"]) * seen["y"] > 0
        sure.append(float(np.corrcoef(seen["p"], paid)[0, 1]))
    for values in (ic, sure):
        error = np.std(values, ddof=1) / np.sqrt(len(values))
        assert abs(np.mean(values)) < 2.57 * error  # t(5), 95 %
