"""From settings to the canonical tables of a synthetic market."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ethpredict.data.market import Market
from ethpredict.data.synthetic.settings import (
    DAY_SECONDS,
    TIP_STEPS,
    MarketSettings,
    read_settings,
)
from ethpredict.data.synthetic.simulation import MarketDay, run_days
from ethpredict.data.synthetic.tables import candle_table, day_tables
from ethpredict.data.synthetic.truth import describe
from ethpredict.data.timestamps import NS_PER_SECOND
from ethpredict.io.chunks import Joint

logger = logging.getLogger(__name__)


def generate(settings: Mapping[str, Any]) -> Market:
    """Generate a seeded market in memory: candles, trades, a pool, blocks, perhaps a book.

    Parameters
    ----------
    settings : mapping
        ``{"data": {...}}`` as config/schema.yaml describes it.

    Returns
    -------
    Market
        Canonical tables; ``truth`` is JSON-able. The same settings give the
        same bytes, and more days keep the earlier days as they are.

    Raises
    ------
    ConfigError
        If a key is missing, or settings that are legal alone do not fit together.
    """
    market = read_settings(settings)
    pieces: dict[str, list[pd.DataFrame]] = {}

    def keep(day: MarketDay) -> None:
        for made in day_tables(market, day):
            for name, piece in made.items():
                pieces.setdefault(name, []).append(piece)

    surveyed = _survey(market, keep)
    tables = {name: pd.concat(parts, ignore_index=True) for name, parts in pieces.items()}
    return replace(surveyed, **tables)


def stream(settings: Mapping[str, Any]) -> Market:
    """Generate the market of :func:`generate` in memory that does not grow with its trades.

    Parameters
    ----------
    settings : mapping
        As for :func:`generate`.

    Returns
    -------
    Market
        Candles and truth in memory; every other table as `Chunks` of at most
        one day, drawn again in every pass over them. One pass makes them all (see
        :func:`ethpredict.io.artefact.write_tables`).

    Raises
    ------
    ConfigError
        As :func:`generate`.
    """
    market = read_settings(settings)
    made = _survey(market, lambda day: None)

    def tables() -> Iterator[dict[str, pd.DataFrame]]:
        return (made for day in run_days(market) for made in day_tables(market, day))

    joint = Joint(tables)
    names = ["trades", "pool_events", "blocks", "tips"]
    names += {"none": [], "l2": ["book"], "orders": ["book", "orders"]}[market.book]
    parts: dict[str, Any] = {name: joint.part(name) for name in names}
    return replace(made, **parts)


def _survey(market: MarketSettings, visit: Callable[[MarketDay], None]) -> Market:
    """Run the market once; return its candles and truths, and show each day to `visit`."""
    per_day = DAY_SECONDS // market.candle_seconds
    candles, drift = np.empty((market.days * per_day, 8)), np.empty(market.days * per_day)
    sent, included = np.zeros(TIP_STEPS, np.int64), np.zeros(TIP_STEPS, np.int64)
    trades = arbitrages = 0
    for day in run_days(market):
        rows = slice(day.day * per_day, (day.day + 1) * per_day)
        candles[rows], drift[rows] = day.candles, day.drift
        sent += day.blocks.sent
        included += day.blocks.included
        trades += len(day.price)
        arbitrages += int(day.pool.arbitrage.sum())
        visit(day)
    table = candle_table(market, candles)
    logger.info("synthetic market: %d days, %d candles, %d trades", market.days, len(table), trades)
    r2 = _realised_r2(market, drift, table)
    return Market(candles=table, truth=describe(market, sent, included, arbitrages, r2))


def mid_path(settings: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return the mid that no table shows, for tests of recovery.

    Parameters
    ----------
    settings : mapping
        As for :func:`generate`; the same settings give the mid of that market.

    Returns
    -------
    ts : int64 array of shape (n,)
        Start of each second, UTC nanoseconds; the mid holds for that second.
    mid : float64 array of shape (n,)
        Mid, USD.

    Raises
    ------
    ConfigError
        As :func:`generate`.
    """
    market = read_settings(settings)
    mid = np.concatenate([day.mid for day in run_days(market)])
    return market.start_ns + np.arange(len(mid), dtype=np.int64) * NS_PER_SECOND, mid


def _realised_r2(market: MarketSettings, drift: np.ndarray, candles: pd.DataFrame) -> float:
    """Share of the squared candle returns of this very market that the planted drift makes up."""
    log_close = np.log(np.concatenate([[market.price], candles["close"].to_numpy()]))
    return float(np.sum(drift**2) / np.sum(np.diff(log_close) ** 2))
