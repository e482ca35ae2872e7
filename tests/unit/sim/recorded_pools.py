"""Drawn records of a pool, for the tests of everything that a recorded pool drives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ethpredict.data.market import POOL_EVENT_COLUMNS, typed_table
from ethpredict.sim import simulate_pack
from ethpredict.sim.tape import Records

SECOND = 1_000_000_000


def random_tape(bars: pd.DataFrame, seed: int = 0, every: float = 70.0) -> pd.DataFrame:
    """Syncs on blocks of 12 s around the market's price, sometimes two in one block."""
    rng = np.random.default_rng(seed)
    first, last = int(bars["ts_open"].iloc[0]), int(bars["ts_close"].iloc[-1])
    count = int((last - first) / SECOND / every)
    block = np.sort(rng.integers(0, (last - first) // (12 * SECOND), count))
    ts = first + block * 12 * SECOND
    at = np.clip(np.searchsorted(bars["ts_close"].to_numpy(), ts) - 1, 0, None)
    price = bars["close"].to_numpy()[at] * (1.0 + rng.standard_normal(count) * 0.002)
    depth = rng.uniform(4e5, 6e5, count)  # square root of the product
    values: dict[str, Any] = dict.fromkeys(POOL_EVENT_COLUMNS, 0.0)
    values |= {"block": block, "ts": ts, "log_index": np.arange(count), "kind": ["sync"] * count}
    values |= {"reserve0": depth / np.sqrt(price), "reserve1": depth * np.sqrt(price)}
    table = pd.DataFrame(values)
    table.loc[:2, ["reserve0", "reserve1"]] = np.nan
    return typed_table(POOL_EVENT_COLUMNS, table)


def scrambled_after(events: pd.DataFrame, moment: int, seed: int) -> pd.DataFrame:
    """The same record with every amount and reserve after a moment drawn anew."""
    draws = np.random.default_rng(seed)
    other, late = events.copy(), events["ts"] > moment
    for name in list(POOL_EVENT_COLUMNS)[4:]:
        other[name] = other[name].where(~late, other[name] * draws.uniform(0.5, 2.0, len(events)))
    return other


def records(events: pd.DataFrame) -> Records:
    """A market that has these events and nothing else."""
    return Records(lambda: None, lambda: None, None, (), lambda: events)


def play(market: Any, events: pd.DataFrame, members: list[dict]) -> Any:
    """Every row of some runs on a record."""
    return simulate_pack(*market, members, detail=True, records=records(events))
