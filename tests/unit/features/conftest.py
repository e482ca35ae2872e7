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


DAY = 86_400_000_000_000
DAILY = ("daily_active_addresses", "dev_activity", "social_dominance_total", "tvl")


def _facts(seed: int, ts: np.ndarray) -> pd.DataFrame:
    """Facts around the bars: daily ones, funding every 8 hours, a mark price every hour."""
    rng = np.random.default_rng(seed)
    first, last = int(ts.min()) - 20 * DAY, int(ts.max()) + 3 * DAY
    tables = []
    for name in (*DAILY, "funding_rate", "mark_price"):
        step = {"funding_rate": DAY // 3, "mark_price": DAY // 24}.get(name, DAY)
        when = np.arange(first // DAY * DAY, last, step)
        value = np.exp(rng.normal(8.0 if name != "funding_rate" else -9.0, 0.1, len(when)))
        known = when + (DAY if name in DAILY else 0)
        tables.append(
            pd.DataFrame({"ts": when, "ts_known": known, "source": "x", "name": name,
                          "value": value})
        )  # fmt: skip
    return pd.concat(tables, ignore_index=True)


@pytest.fixture(scope="session")
def make_facts():
    """Function (seed, moments) -> facts."""
    return _facts


@pytest.fixture(scope="session")
def build():
    """``features.build`` with facts that belong to the bars' first moment."""

    def run(bars, settings):
        ts = bars["ts_close"].to_numpy() if len(bars) else np.zeros(1, np.int64)
        span = np.array([1_700_000_100_000_000_000, 1_700_000_100_000_000_000 + 40 * DAY])
        facts = _facts(7, span if len(bars) and ts[0] > span[0] else ts)
        return features.build(bars, settings, facts)

    return run


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
            "regime_methods": ["quantiles", "hmm"],
            "regime_window": 10,
            "regime_bins": 3,
            "regime_states": 2,
            "max_age_days": 3,
        }
        return {"features": base | changes}

    return make
