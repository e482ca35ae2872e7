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


def swap_tape(
    bars: pd.DataFrame, keep: bool, fee: float, seed: int = 0, every: float = 60.0
) -> pd.DataFrame:
    """Swaps of a pool that follows the market loosely, with mints and burns of others.

    With `keep` the fee stays in the reserves; without, it leaves them.
    """
    rng = np.random.default_rng(seed)
    first, last = int(bars["ts_open"].iloc[0]), int(bars["ts_close"].iloc[-1])
    count = int((last - first) / SECOND / every)
    blocks = np.sort(rng.integers(0, (last - first) // (12 * SECOND), count))
    at = np.clip(np.searchsorted(bars["ts_close"], first + blocks * 12 * SECOND) - 1, 0, None)
    depth, price = 5e5, float(bars["close"].iloc[0])
    reserves = [depth / np.sqrt(price), depth * np.sqrt(price)]
    rows = []
    for number, block in enumerate(blocks):
        amounts, kind = [0.0, 0.0, 0.0, 0.0], "swap"
        if rng.random() < 0.1:
            kind = "mint" if rng.random() < 0.5 else "burn"
            factor = 1.0 + (0.05 if kind == "mint" else -0.05) * rng.random()
            reserves = [value * factor for value in reserves]
        else:
            aim = bars["close"].iloc[at[number]] * np.exp(rng.standard_normal() * 2e-3)
            into = 1 if aim > reserves[1] / reserves[0] else 0
            root = np.sqrt(reserves[0] * reserves[1] * (aim if into else 1.0 / aim))
            amount = max(abs(root - reserves[into]), 1e-3) * (0.5 + rng.random())
            net = amount * (1.0 - fee)
            out = net * reserves[1 - into] / (reserves[into] + net)
            reserves[into] += amount if keep else net
            reserves[1 - into] -= out
            amounts[into], amounts[3 - into] = amount, out
        rows.append([block, first + block * 12 * SECOND, number, kind, *amounts, *reserves])
    return typed_table(POOL_EVENT_COLUMNS, pd.DataFrame(rows, columns=list(POOL_EVENT_COLUMNS)))


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


def priced_market(
    make_market: Any, events: pd.DataFrame, n: int, bar_s: int = 600, dearer: float = 1.0
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Bars that are priced by a record, times `dearer`."""
    bars, blocks, path = make_market(n=n, flaws=False, bar_s=bar_s, with_blocks=False)
    shift = int(events["ts"].iloc[0]) + 60 * SECOND - int(bars["ts_open"].iloc[0])
    for name in ("ts_open", "ts_close"):
        bars[name] += shift
    for name in ("ts", "t_pred"):
        path[name] += shift
    at = np.searchsorted(events["ts"], bars["ts_close"], side="right") - 1
    price = (events["reserve1"] / events["reserve0"]).to_numpy()[at]
    for name in ("open", "high", "low", "close"):
        bars[name] = price * dearer
    return bars, blocks, path
