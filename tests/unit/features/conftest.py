"""Random bars and settings for the feature tests."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ethpredict import features

STEP = 300_000_000_000


def _bars(seed: int, n: int, gaps: float = 0.0, flat: float = 0.0) -> pd.DataFrame:
    """Canonical bars; `gaps` and `flat` are the shares of rows after a gap and without a move."""
    rng = np.random.default_rng(seed)
    moves = rng.standard_t(4, n) * 0.002
    moves[rng.random(n) < flat] = 0.0
    close = 3000.0 * np.exp(np.cumsum(moves))
    opened = close * np.exp(-moves * rng.random(n))
    top = np.maximum(opened, close) * np.exp(rng.exponential(0.0005, n))
    bottom = np.minimum(opened, close) * np.exp(-rng.exponential(0.0005, n))
    volume = rng.exponential(50.0, n) * (rng.random(n) >= flat)
    gap = rng.random(n) < gaps
    ts_open = 1_700_000_100_000_000_000 + np.cumsum(STEP * (1 + 99 * gap.astype(np.int64)))
    return pd.DataFrame(
        {
            "ts_open": ts_open,
            "ts_close": ts_open + STEP,
            "open": opened,
            "high": top,
            "low": bottom,
            "close": close,
            "volume": volume,
            "quote_volume": volume * close * np.exp(rng.normal(0, 1e-4, n)),
            "trades": np.ceil(volume),
            "taker_buy_volume": volume * rng.random(n),
            "gap": gap,
        }
    )


@pytest.fixture(scope="session")
def make_bars():
    """Function (seed, n, gaps, flat) -> canonical bars."""
    return _bars


@pytest.fixture(scope="session")
def make_settings():
    """Function (**changes) -> settings of the feature stage, small look-backs."""

    def make(**changes):
        base = {
            "include": list(features.BLOCKS),
            "windows": [3, 8, 20],
            "on_missing": "drop",
            "rsi_window": 5,
            "fracdiff_d": 0.4,
            "fracdiff_tau": 0.005,
            "entropy_window": 12,
            "cusum_multiple": 2.0,
        }
        return {"features": base | changes}

    return make
