"""A small market with planted skill, in the layout of the stages' tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pytest

HOUR_NS = 3_600_000_000_000
VALIDATION = {
    "scheme": "rolling",
    "train_days": 30,
    "test_days": 7,
    "locked_days": 10,
    "kfold": 3,
    "cpcv": {"groups": 0},
    "embargo": 0,
}


@dataclass
class World:
    """Row-aligned tables, and members on them."""

    bars: pd.DataFrame
    features: pd.DataFrame
    meta: dict[str, Any]
    labels: pd.DataFrame
    validation: dict[str, Any] = field(default_factory=lambda: dict(VALIDATION))

    @property
    def tables(self) -> tuple[Any, ...]:
        return self.bars, self.features, self.meta, self.labels

    def member(self, id: str, algo: str = "ridge", replicate: int = 0, **changes: Any) -> dict:
        level0: dict[str, Any] = {"algo": algo}
        model: dict[str, Any] = {"level0": level0}
        if algo == "ridge":
            level0["ridge"] = {"alpha": 1.0}
            model["scaler"] = "zscore"
        if algo == "xgboost":
            level0["xgboost"] = {
                "rounds": 15,
                "max_depth": 3,
                "eta": 0.1,
                "subsample": 0.8,
                "colsample": 0.8,
                "min_child_weight": 5.0,
                "reg_lambda": 1.0,
            }
            model["seed"] = 11
        if algo != "zero":
            model["target"] = "horizon"
        validation = dict(self.validation)
        for key, value in changes.items():
            if key in validation:
                validation[key] = value
            elif key in ("scaler", "target", "seed", "weights"):
                model[key] = value
            else:
                level0.setdefault(algo, {})[key] = value
        settings = {"model": model, "validation": validation}
        return {"id": id, "settings": settings, "replicate": replicate}


def make_world(
    n: int = 1400, p: int = 6, skill: float = 0.3, horizon: int = 1, seed: int = 3
) -> World:
    """Hourly bars whose log return over the next `horizon` bars has R2 = `skill` given x0, x1."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, p))
    signal = (x[:, 0] - x[:, 1]) / np.sqrt(2)
    step = 0.01 * (np.sqrt(skill) * signal + np.sqrt(1 - skill) * rng.standard_normal(n))
    log_price = np.concatenate([[0.0], np.cumsum(step[:-1])])  # step[t] moves row t to t + 1
    ts_open = 1_700_000_000_000_000_000 + np.arange(n) * HOUR_NS
    bars = pd.DataFrame({"ts_open": ts_open, "ts_close": ts_open + HOUR_NS, "gap": False})
    features = pd.DataFrame(x, columns=[f"f{j}" for j in range(p)])
    features.insert(0, "ts_close", bars["ts_close"])
    features.iloc[:20, 1] = np.nan
    rows = np.arange(n)
    end = rows + horizon
    whole = end < n
    ret = np.where(whole, log_price[np.minimum(end, n - 1)] - log_price, np.nan)
    t1 = np.where(whole, end, -1)
    labels = pd.DataFrame(
        {
            "t0": rows,
            "t1": t1,
            "label": np.sign(ret),
            "ret": ret,
            "touch": np.where(whole, np.sign(np.nan_to_num(ret)), -2).astype(np.int8),
            "t1_horizon": t1,
            "ret_horizon": ret,
            "horizon_s": np.full(n, horizon * 3600.0),
            "sigma_bar": np.full(n, 0.01),
            "weight": np.where(whole, 1.0 / horizon, np.nan),
            "weight_horizon": np.where(whole, 1.0 / horizon, np.nan),
        }
    )
    columns = [
        {"name": f"f{j}", "block": "planted", "warmup": 20 if j == 0 else 0, "memory": 1}
        for j in range(p)
    ]
    return World(bars, features, {"columns": columns, "dropped": []}, labels)


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def build_world() -> Any:
    return make_world
