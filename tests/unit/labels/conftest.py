"""Random bars for the label tests."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

STEP = 60_000_000_000


def _bars(seed: int, n: int, gaps: float = 0.0, coarse: bool = False) -> pd.DataFrame:
    """Bars of a random walk; `coarse` rounds prices, so that equalities are common."""
    rng = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0, 0.01, n)))
    opened = np.concatenate([[100.0], close[:-1]])[:n] * np.exp(rng.normal(0, 0.003, n))
    high = np.maximum(opened, close) * np.exp(rng.exponential(0.004, n))
    low = np.minimum(opened, close) * np.exp(-rng.exponential(0.004, n))
    prices = [np.round(x, 0) if coarse else x for x in (opened, high, low, close)]
    gap = rng.random(n) < gaps
    ts_close = 1_700_000_000_000_000_000 + np.cumsum(
        STEP * (rng.integers(1, 5, n) + 600 * gap.astype(np.int64))
    )
    return pd.DataFrame(
        {
            "ts_open": ts_close - STEP // 2,
            "ts_close": ts_close,
            **dict(zip(("open", "high", "low", "close"), prices, strict=True)),
            "gap": gap,
        }
    )


@pytest.fixture(scope="session")
def make_bars():
    """Function (seed, n, gaps, coarse) -> bars."""
    return _bars


@pytest.fixture(scope="session")
def make_settings():
    """Function (**changes) -> settings of the label stage, small look-backs."""

    def make(**changes):
        base = {
            "clock": "bars",
            "horizon": 6,
            "horizons": [],
            "events": "every",
            "trend_scan": False,
            "profit": 1.0,
            "stop": 1.0,
            "scale": "horizon",
            "volatility_window": 10,
            "vertical": "zero",
            "tie": "drop",
            "weights": "uniqueness",
        }
        return {"labels": base | changes}

    return make
