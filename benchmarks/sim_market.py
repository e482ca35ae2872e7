"""A market of 5-minute bars with a calibrated quote path, and settings to play on it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ethpredict.config.load import nest
from ethpredict.config.schema import applicable, leaves
from ethpredict.data.synthetic import planted_drift, stream
from ethpredict.quoting.paths import build_paths
from ethpredict.sim.rows import MarketRows, PathRows, market_rows, path_rows
from ethpredict.sim.run import Run

BARS_A_DAY, HORIZON_BARS = 288, 12


def defaults(part: str) -> dict[str, Any]:
    """Defaults of the schema below a key, by their last names."""
    names = [key for key in leaves() if key.rpartition(".")[0] == part]
    return {key.rpartition(".")[2]: leaves()[key].default for key in names}


def make_rows(count: int) -> tuple[MarketRows, PathRows]:
    """Rows of the embedded synthetic market, with a prediction that knows a part of its drift."""
    data = {key: defaults("data")[key] for key in ("symbol", "interval", "start", "max_gap")}
    data["synthetic"] = defaults("data.synthetic") | {"days": -(-count // BARS_A_DAY)}
    market = stream({"data": data})
    bars = market.candles.iloc[:count].reset_index(drop=True)
    known = np.nan_to_num(planted_drift(bars, market.truth))
    rng = np.random.default_rng(0)
    told = pd.DataFrame(
        {
            "model_id": "m",
            "row": np.arange(count),
            "ts": bars["ts_close"],
            "segment": np.int8(0),
            "m": 0.5 * HORIZON_BARS * known + rng.standard_normal(count) * 2e-4,
            "p": np.nan,
            "gain": np.nan,
            "loss": np.nan,
            "horizon_s": 300.0 * HORIZON_BARS,
        }
    )
    settings = {"quoting": {"calibration": defaults("quoting.calibration")}}
    member = {"id": "q", "settings": settings, "upstream": {"train": "m"}}
    paths = build_paths(bars, told, [member])[0]
    rows = market_rows(bars, bars[:0], 0, count - 1)
    return rows, path_rows(paths, rows.close)


def make_runs(count: int, strategy: str, least_bps: tuple[float, float]) -> list[Run]:
    """Runs on the order book with drawn aversion, order size and least half spread."""
    rng = np.random.default_rng(1)
    base = {key: leaf.default for key, leaf in leaves().items()}
    runs = []
    for place in range(count):
        values = base | {
            "quoting.strategy": strategy,
            "quoting.gamma": float(10.0 ** rng.uniform(-3.0, -1.0)),
            "quoting.order_size": float(rng.choice([0.5, 1.0, 2.0])),
            "quoting.max_inventory": 10.0,
            "quoting.min_half_spread_bps": float(rng.uniform(*least_bps)),
        }
        own = {k: v for k, v in applicable(values).items() if leaves()[k].stage == "simulate"}
        runs.append(Run(f"r{place:04d}", "q", nest(own)))
    return runs
