"""A small market and run members for the simulator's tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ethpredict.config.load import nest
from ethpredict.config.schema import applicable, leaves

SECOND = 1_000_000_000
START = 1_735_689_600 * SECOND  # 2025-01-01

Market = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]
MakeMarket = Callable[..., Market]
MakeMember = Callable[..., dict[str, Any]]


def build_market(
    n: int = 600,
    seed: int = 0,
    bar_s: int = 300,
    locked: int = 0,
    gaps: float = 0.01,
    with_blocks: bool = True,
    flaws: bool = True,
) -> Market:
    """Bars, blocks and one quote path `q` drawn from a random walk.

    With `flaws`: gaps, rows without a fit or a prediction, unknown taker volume.
    The last `locked` rows are the locked segment.
    """
    rng = np.random.default_rng(seed)
    returns = rng.standard_normal(n) * 0.0015
    close = 3000.0 * np.exp(np.cumsum(returns))
    open_ = np.concatenate([[3000.0], close[:-1]]) * (1.0 + rng.standard_normal(n) * 1e-4)
    stretch = 1.0 + np.abs(rng.standard_normal((2, n))) * 0.0008
    volume = rng.exponential(800.0, n)
    ts_open = START + np.arange(n, dtype=np.int64) * bar_s * SECOND
    gap = rng.random(n) < gaps if flaws else np.zeros(n, dtype=bool)
    gap[0] = False
    shift = np.cumsum(gap).astype(np.int64) * 7200 * SECOND
    bars = pd.DataFrame(
        {
            "ts_open": ts_open + shift,
            "ts_close": ts_open + shift + bar_s * SECOND,
            "open": open_,
            "high": np.maximum(open_, close) * stretch[0],
            "low": np.minimum(open_, close) / stretch[1],
            "close": close,
            "volume": volume,
            "quote_volume": volume * close,
            "trades": np.nan,
            "taker_buy_volume": volume * rng.uniform(0.3, 0.7, n),
            "gap": gap,
        }
    )
    path = pd.DataFrame(
        {
            "quote_id": "q",
            "row": np.arange(n, dtype=np.int64),
            "ts": bars["ts_close"],
            "segment": np.where(np.arange(n) < n - locked, 0, 1).astype(np.int8),
            "sigma": close * 0.0015 / np.sqrt(bar_s) * rng.uniform(0.8, 1.2, n),
            "A": np.repeat(rng.uniform(0.05, 0.3, n // 50 + 1), 50)[:n],
            "k": np.repeat(rng.uniform(0.3, 1.2, n // 50 + 1), 50)[:n],
            "xi": np.repeat(rng.uniform(0.0, 0.2, n // 50 + 1), 50)[:n],
            "m": 0.2 * np.append(returns[1:], 0.0) + rng.standard_normal(n) * 2e-4,
            "p": np.random.default_rng(seed + 1).uniform(0.4, 0.8, n),
            "gain": 0.0012,
            "loss": 0.001,
            "base_rate": 0.5,
            "t_pred": bars["ts_close"],
            "horizon_s": 12.0 * bar_s,
        }
    )
    if flaws:
        bars.loc[rng.random(n) < 0.05, "taker_buy_volume"] = np.nan
        path.loc[rng.random(n) < 0.03, "m"] = np.nan
        path.loc[:4, ["sigma", "A", "k"]] = np.nan
        path.loc[rng.random(n) < 0.02, "sigma"] = np.nan
    return bars, build_blocks(bars, rng) if with_blocks else build_blocks(bars[:0], rng), path


def build_blocks(bars: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """One block per bar, from the eleventh bar on."""
    ts = bars["ts_open"].to_numpy(np.int64)[10:] + 7 * SECOND
    return pd.DataFrame(
        {
            "number": np.arange(len(ts), dtype=np.int64),
            "ts": ts,
            "base_fee_wei": (rng.uniform(0.01, 2.0, len(ts)) * 1e9).astype(np.int64),
            "gas_used": 15_000_000,
            "gas_limit": 30_000_000,
        }
    )


def build_member(run_id: str = "r", replicate: int = 0, **changes: Any) -> dict[str, Any]:
    """Member with the schema's defaults; double underscores stand for dots."""
    values = {key: leaf.default for key, leaf in leaves().items()}
    values |= {key.replace("__", "."): value for key, value in changes.items()}
    wanted = {
        key: value for key, value in applicable(values).items() if leaves()[key].stage == "simulate"
    }
    return {
        "id": run_id,
        "settings": nest(wanted),
        "upstream": {"bars": "b", "quote": "q"},
        "replicate": replicate,
    }


def build_tips(bars: pd.DataFrame, a: float = -1.0, s: float = 1.5, seed: int = 8) -> pd.DataFrame:
    """Twenty transactions per bar, included by a known curve."""
    rng = np.random.default_rng(seed)
    ts = (
        np.repeat(bars["ts_open"].to_numpy(np.int64), 20)
        + np.tile(np.arange(20), len(bars)) * SECOND
    )
    tip = rng.uniform(0.0, 3.0, len(ts))
    included = rng.random(len(ts)) < 1.0 / (1.0 + np.exp(-(a + s * tip)))
    return pd.DataFrame({"ts": ts, "tip_gwei": tip, "included": included})


@pytest.fixture(scope="session")
def make_tips() -> Callable[..., pd.DataFrame]:
    """:func:`build_tips`."""
    return build_tips


@pytest.fixture(scope="session")
def make_market() -> MakeMarket:
    """:func:`build_market`."""
    return build_market


@pytest.fixture(scope="session")
def make_member() -> MakeMember:
    """:func:`build_member`."""
    return build_member
