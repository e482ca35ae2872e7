"""Synthetic markets that several test modules share, and figures of any market."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from ethpredict.config.schema import leaves
from ethpredict.data.market import Market
from ethpredict.data.synthetic import generate, mid_path

MARKET_KEYS = ("symbol", "interval", "start", "max_gap")


def settings(**changes: Any) -> dict[str, Any]:
    """Schema defaults of the synthetic market, with changes to data.* or data.synthetic.*."""
    synthetic = {
        key.rsplit(".", 1)[1]: leaf.rule["default"]
        for key, leaf in leaves().items()
        if key.startswith("data.synthetic.")
    }
    data: dict[str, Any] = {key: leaves()[f"data.{key}"].rule["default"] for key in MARKET_KEYS}
    for key, value in changes.items():
        assert key in synthetic or key in data, key
        (synthetic if key in synthetic else data)[key] = value
    return {"data": {**data, "synthetic": synthetic}}


@lru_cache(maxsize=1)
def default_market() -> Market:
    """The embedded default: 90 days with 20,000 trades a day."""
    return generate(settings())


@lru_cache(maxsize=1)
def month() -> tuple[Market, np.ndarray]:
    """First 30 days of the default, and their mid by the second, USD."""
    return generate(settings(days=30)), mid_path(settings(days=30))[1]


@dataclass(frozen=True)
class Figures:
    """Stylised facts of a series of candles."""

    annual_volatility: float
    kurtosis: float
    daily_volume: float
    daily_volume_cv: float
    volume_season: float
    return_season: float


def figures(ts_open: np.ndarray, close: np.ndarray, volume: np.ndarray) -> Figures:
    """Measure candles of one length.

    The season figures are the busiest UTC hour's mean volume (mean absolute
    log return) over the quietest hour's; kurtosis is not in excess of 3.
    """
    step = int(ts_open[1] - ts_open[0])
    per_day = 86_400 * 10**9 // step
    r = np.diff(np.log(close))
    day = ts_open // (86_400 * 10**9)
    hour = ts_open // (3600 * 10**9) % 24
    daily = pd.Series(volume).groupby(day).agg(["sum", "size"])
    daily = daily.loc[daily["size"] == per_day, "sum"]
    by_hour = pd.Series(volume).groupby(hour).mean()
    moves = pd.Series(np.abs(r)).groupby(hour[1:]).mean()
    deviation = r - r.mean()
    return Figures(
        annual_volatility=float(r.std() * np.sqrt(per_day * 365)),
        kurtosis=float((deviation**4).mean() / (deviation**2).mean() ** 2),
        daily_volume=float(daily.mean()),
        daily_volume_cv=float(daily.std() / daily.mean()),
        volume_season=float(by_hour.max() / by_hour.min()),
        return_season=float(moves.max() / moves.min()),
    )


def hourly(
    ts_open: np.ndarray, close: np.ndarray, volume: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Aggregate shorter candles without gaps to whole hours."""
    per_hour = 3600 * 10**9 // int(ts_open[1] - ts_open[0])
    n = len(close) // per_hour
    return (
        ts_open[: n * per_hour : per_hour],
        close[per_hour - 1 : n * per_hour : per_hour],
        volume[: n * per_hour].reshape(n, per_hour).sum(axis=1),
    )
