"""The day loop: every day is drawn from its own keyed streams and starts where the last ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ethpredict.data.synthetic._kernels import trade_day
from ethpredict.data.synthetic.blocks import BlockDay, block_day
from ethpredict.data.synthetic.book import BookDay, OrderBook
from ethpredict.data.synthetic.keyed_random import stream
from ethpredict.data.synthetic.pool import PoolDay, initial_reserves, run_pool_day
from ethpredict.data.synthetic.settings import (
    DAY_SECONDS,
    SCALE_MEMORY,
    SCALE_PRIOR,
    SCALE_PRIOR_COUNT,
    MarketSettings,
)
from ethpredict.data.synthetic.signal import FLOW_DECAY
from ethpredict.data.synthetic.trades import draw_day
from ethpredict.data.synthetic.volatility import DayState, day_jumps, day_state, initial_factors


@dataclass(frozen=True)
class MarketDay:
    """One day of the market with what an observer does not see.

    Parameters
    ----------
    day : int
        Day since the start.
    state : DayState
        Volatility, activity, tilt and demand by the minute.
    mid : float64 array of shape (86400,)
        Mid in each second, USD.
    offset_ns : int64 array of shape (n,)
        Times of the n trades, nanoseconds since the day's start.
    price, size : float64 array of shape (n,)
        Prices (USD) and sizes (ETH) of the trades.
    side : int8 array of shape (n,)
        +1 where the aggressor buys.
    trades_before : int
        Trades of all earlier days.
    candles : float64 array of shape (m, 8)
        open, high, low, close, volume, quote volume, trades, taker buy volume.
    drift : float64 array of shape (m,)
        Expected log return of each candle given the ones before it.
    blocks : BlockDay
        Blocks.
    pool : PoolDay
        Pool events.
    book : BookDay or None
        What the order book did, if there is one.
    """

    day: int
    state: DayState
    mid: np.ndarray
    offset_ns: np.ndarray
    price: np.ndarray
    size: np.ndarray
    side: np.ndarray
    trades_before: int
    candles: np.ndarray
    drift: np.ndarray
    blocks: BlockDay
    pool: PoolDay
    book: BookDay | None


@dataclass(frozen=True)
class _Prices:
    """What the trading of one day gives; fields as in `MarketDay`."""

    mid: np.ndarray
    offset_ns: np.ndarray
    price: np.ndarray
    size: np.ndarray
    side: np.ndarray
    candles: np.ndarray
    drift: np.ndarray
    book: BookDay | None = None


def run_days(market: MarketSettings) -> Iterator[MarketDay]:
    """Run the market day by day.

    Parameters
    ----------
    market : MarketSettings
        The market; day d depends on the settings and the days up to d, not on
        how many days follow.

    Yields
    ------
    MarketDay
        Days 0, 1, ..., days - 1.
    """
    factors = initial_factors(market.seed)
    carried = np.array([np.log(market.price), 0.0, SCALE_PRIOR**2, market.price])
    base_fee = max(1, round(market.base_fee_gwei * 1e9))
    reserves = initial_reserves(market)
    order_book = None if market.book == "none" else OrderBook(market)
    trades = 0
    for day in range(market.days):
        state = day_state(market, day, factors)
        if order_book is None:
            made = _trade(market, day, state, carried)
        else:
            book = order_book.run_day(day, state, carried)
            made = _Prices(
                mid=book.mid,
                offset_ns=book.trades[:, 0],
                price=book.trades[:, 1] / market.book_scale,
                size=book.trades[:, 2] / market.size_scale,
                side=book.trades[:, 3].astype(np.int8),
                candles=book.candles,
                drift=book.drift,
                book=book,
            )
        blocks = block_day(market, day, state, base_fee)
        base_fee = blocks.next_base_fee
        pool = run_pool_day(market, day, state, blocks, made.mid, reserves)
        yield MarketDay(
            day=day,
            state=state,
            mid=made.mid,
            offset_ns=made.offset_ns,
            price=made.price,
            size=made.size,
            side=made.side,
            trades_before=trades,
            candles=made.candles,
            drift=made.drift,
            blocks=blocks,
            pool=pool,
            book=made.book,
        )
        trades += len(made.price)


def _trade(market: MarketSettings, day: int, state: DayState, carried: np.ndarray) -> _Prices:
    """Trade one day against quotes around the mid; `carried` is changed in place."""
    per_day = DAY_SECONDS // market.candle_seconds
    draws = draw_day(market, day, state)
    n = len(draws.offset_ns)
    mid, drift = np.empty(DAY_SECONDS), np.empty(per_day)
    price, side = np.empty(n), np.empty(n, dtype=np.int8)
    candles = np.empty((per_day, 8))
    trade_day(
        carried,
        day * per_day,
        market.candle_seconds,
        state.sigma,
        state.tilt,
        stream(market.seed, "price", day).standard_normal(DAY_SECONDS),
        day_jumps(market, day),
        draws.offset_ns,
        draws.depth,
        draws.side_draw,
        draws.informed_draw,
        draws.size,
        market.informed_fraction,
        market.half_spread_bps * 1e-4,
        market.price_scale,
        market.drift_per_unit,
        FLOW_DECAY,
        SCALE_MEMORY,
        SCALE_PRIOR_COUNT,
        mid,
        price,
        side,
        candles,
        drift,
    )
    return _Prices(mid, draws.offset_ns, price, draws.size, side, candles, drift)
