"""The tape of a replay against plain lists."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ethpredict.sim import _tape_kernels as tk
from ethpredict.sim._order_kernels import UNITS
from ethpredict.sim.tape import make_tape

SECOND = 1_000_000_000
BASE = 1_735_689_600 * SECOND
TICK, LOT = 0.5, 0.01


def test_merge_parity_with_plain_lists() -> None:
    """Trades first at a moment, a clear of both sides before each snapshot, ticks by rank."""
    rng, merged = np.random.default_rng(5), []
    end, n = BASE + 20 * SECOND, 600
    number = np.sort(rng.integers(1, 150, n))
    stamps = BASE + np.sort(rng.integers(0, 20_000, 151)) * 1_000_000
    book = pd.DataFrame(
        {"ts": stamps[number], "side": rng.choice([-1, 1], n), "size": rng.integers(0, 90, n) / 1e4,
         "price": rng.integers(5900, 6100, n) * TICK, "id": number,
         "snapshot": (number % 7 == 0) | (number % 11 == 5)}
    )  # fmt: skip
    book["ts_local"] = book["ts"] + rng.integers(-40, 90, n) * 1000
    # Half of the trades at moments of the book.
    ts = np.where(rng.random(200) < 0.5, rng.choice(stamps, 200), BASE + rng.integers(0, 2e10, 200))
    trades = pd.DataFrame(
        {"ts": np.sort(ts), "price": rng.integers(5900, 6100, 200) * TICK, "id": np.arange(200),
         "size": rng.integers(1, 800, 200) / 1e4, "aggressor_side": rng.choice([-1, 1], 200)}
    )  # fmt: skip
    tape = make_tape("r", trades, book, TICK, LOT, BASE, end)
    for ts, price, size, side in trades[["ts", "price", "size", "aggressor_side"]].itertuples(
        index=False
    ):
        event = [ts - BASE, tk.TRADE, side, round(price / TICK), 0, round(size / LOT * UNITS), 1]
        merged.append((ts, 0, event, ts - BASE))
    ranks = sorted({round(price / TICK) for price in book["price"]})
    rows = list(book.itertuples(index=False))
    least, latest = np.inf, -np.inf
    for i, row in enumerate(rows):
        key = row.ts, row.id, row.snapshot
        least = min(least, row.ts_local - row.ts)
        latest = max(latest, row.ts_local - BASE - least)
        tick = round(row.price / TICK)
        levels = [row.ts - BASE, tk.LEVEL, row.side, tick, ranks.index(tick)]
        units = round(row.size / LOT * UNITS)
        last = i + 1 == len(rows) or key != (rows[i + 1].ts, rows[i + 1].id, rows[i + 1].snapshot)
        new = i == 0 or key != (rows[i - 1].ts, rows[i - 1].id, rows[i - 1].snapshot)
        if new and row.snapshot:
            for side in (1, -1):
                clear = [levels[0], tk.CLEAR, side, *levels[3:], units, 0]
                merged.append((row.ts, 1, clear, latest))
        merged.append((row.ts, 1, [*levels, units, int(last)], latest))
    merged.sort(key=lambda item: item[:2])
    assert sum(event[1] == tk.CLEAR for _, _, event, _ in merged) > 20
    assert tape.events.tolist() == [event for _, _, event, _ in merged]
    assert tape.ranks.tolist() == ranks
    ends = [at for _, kind, event, at in merged if kind == 1 and event[-1] and event[1] != tk.CLEAR]
    assert tape.quotes[:, tk.Q_SEEN].tolist() == ends
