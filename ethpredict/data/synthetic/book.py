"""The order book of a synthetic market, one day at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ethpredict.data.synthetic import _book_kernels as places
from ethpredict.data.synthetic._session_kernels import run_book
from ethpredict.data.synthetic.flow import order_flow
from ethpredict.data.synthetic.keyed_random import stream
from ethpredict.data.synthetic.settings import (
    DAY_NS,
    DAY_SECONDS,
    SCALE_MEMORY,
    SCALE_PRIOR_COUNT,
    SIZE_LOG_SD,
    MarketSettings,
)
from ethpredict.data.synthetic.signal import FLOW_DECAY
from ethpredict.data.synthetic.volatility import DayState, day_jumps

# Makers quote every level as far as exp(-6) of the sweeps reach; orders live twice as far.
LADDER_DEPTHS, LEAST_LADDER, MOST_LADDER = 6.0, 10, 4096
# Most orders of the crowd on one side; a new one then takes the place of one at random.
CROWD_LIMIT = 4096
# Mean size of a crowd order over that of a maker order; mean distance in units of 1/k.
CROWD_SIZE, CROWD_DEPTH = 0.5, 0.5
# Rows that one call of the kernel may fill, besides the most that one event fills.
_ROWS = 1 << 17


@dataclass(frozen=True)
class BookDay:
    """What the order book did on one day; times in nanoseconds since the day's start.

    Parameters
    ----------
    updates : int64 array of shape (n, 6)
        Time, side (+1 bid), tick, lots that the level now holds, event, whether
        of a snapshot. A day starts with a snapshot.
    orders : int64 array of shape (m, 6)
        Time, kind (0 created, 1 changed, 2 deleted), order, side (+1 bid), tick,
        lots that it now holds, or left when it was deleted. No rows unless the
        market shows orders.
    trades : int64 array of shape (k, 4)
        Time, tick, lots, aggressor's side.
    points : int64 array of shape (p, 2)
        Time and type of each point: 0..5 of the Hawkes process in the order of
        `flow.TYPES`, 6 a sweep that buys, 7 one that sells.
    mid, candles, drift : float64 arrays
        As in `simulation.MarketDay`.
    """

    updates: np.ndarray
    orders: np.ndarray
    trades: np.ndarray
    points: np.ndarray
    mid: np.ndarray
    candles: np.ndarray
    drift: np.ndarray


@dataclass(frozen=True)
class BookShape:
    """Sizes and distances of the book, in lots and ticks.

    Parameters
    ----------
    ladder : int
        Levels on each side on which makers always quote.
    reach : int
        Levels on each side that may hold orders.
    maker_lots, crowd_lots : float
        Mean size of an order.
    order_log_lots : float
        Mean log size of a market order at the touch.
    crowd_ticks : float
        Mean distance of the crowd's limit orders from the best price that may be quoted.
    """

    ladder: int
    reach: int
    maker_lots: float
    crowd_lots: float
    order_log_lots: float
    crowd_ticks: float


def book_shape(market: MarketSettings) -> BookShape:
    """Return the shape of a market's book.

    Notes
    -----
    Sizes are such that market orders at the touch and sweeps, which take
    1 + exp(-k (h + 3/2 tick))/(1 - exp(-k tick)) levels on average (h the half
    spread), would trade ``daily_volume`` if each level held one maker order and
    no order at the touch were larger than its level.
    """
    tick = 1.0 / market.book_scale
    depth = 1.0 / (market.fill_decay * tick)
    ladder = min(max(math.ceil(LADDER_DEPTHS * depth), LEAST_LADDER), MOST_LADDER)
    nearest = market.half_spread_bps * 1e-4 * market.price + 1.5 * tick
    levels = 1.0 - math.exp(-market.fill_decay * nearest) / math.expm1(-1.0 / depth)
    orders = 1.0 - market.sweep_fraction + market.sweep_fraction * levels
    lots = market.daily_volume / market.trades_per_day / orders * market.size_scale
    return BookShape(
        ladder=ladder,
        reach=2 * ladder,
        maker_lots=lots,
        crowd_lots=CROWD_SIZE * lots,
        order_log_lots=math.log(lots) - 0.5 * SIZE_LOG_SD**2,
        crowd_ticks=max(1.0, CROWD_DEPTH * depth),
    )


def draw_sweeps(
    market: MarketSettings, day: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Draw a day's sweeps and the seed of everything else that happens on the book.

    Returns
    -------
    seed : uint64 array of shape (1,)
        Seed of SplitMix64.
    ns : int64 array of shape (n,)
        Times since the day's start, sorted, nanoseconds.
    depth : float64 array of shape (n,)
        How far from the mid each reaches, USD.
    buys : bool array of shape (n,)
        True for a sweep that buys.
    """
    rng = stream(market.seed, "book", day)
    seed = rng.integers(0, 2**64, 1, dtype=np.uint64)
    count = int(rng.poisson(2 * market.fill_A * DAY_SECONDS))
    ns = np.sort(rng.integers(0, DAY_NS, count))
    depth = rng.standard_exponential(count) / market.fill_decay
    return seed, ns, depth, rng.random(count) < 0.5


class OrderBook:
    """The book and its order flow, carried from day to day.

    Parameters
    ----------
    market : MarketSettings
        With ``book`` l2 or orders.
    """

    def __init__(self, market: MarketSettings) -> None:
        self._market = market
        self._flow = order_flow(market)
        self._shape = shape = book_shape(market)
        slots = 2 * (shape.reach + CROWD_LIMIT)
        self._clock = np.zeros(places.CLOCK, np.int64)
        self._clock[places.FREE] = slots
        self._clock[places.BEST : places.BEST + 2] = places.NOWHERE
        self._level = np.full((2, 1 << (shape.reach - 1).bit_length(), 3), -1, np.int64)
        self._level[:, :, places.TOTAL] = 0
        self._order = np.zeros((slots, 6), np.int64)
        self._free = np.arange(slots - 1, -1, -1, dtype=np.int64)
        self._live = np.zeros((2, CROWD_LIMIT), np.int64)
        self._base, self._excite = np.zeros(6), np.zeros(6)
        # Most rows of one event: every order leaves, every level is quoted again.
        most = np.array([4 * shape.reach, slots + 2 * shape.ladder, slots, 1])
        if market.book != "orders":
            most[places.ORDERS] = -_ROWS
        self._room = np.full(4, _ROWS)
        self._rows = most + _ROWS

    def _fixed(self, day: int) -> np.ndarray:
        """Whole-numbered parameters, in the kernel's order."""
        step = self._market.candle_seconds
        return np.array([step, self._shape.ladder, self._shape.reach, day * DAY_SECONDS // step])

    def _real(self) -> np.ndarray:
        """Real parameters, in the kernel's order."""
        market, shape = self._market, self._shape
        return np.array(
            [
                self._flow.decay,
                market.informed_fraction,
                market.half_spread_bps * 1e-4,
                market.book_scale,
                market.size_scale,
                shape.order_log_lots,
                SIZE_LOG_SD,
                shape.maker_lots,
                shape.crowd_lots,
                shape.crowd_ticks,
                market.drift_per_unit,
                FLOW_DECAY,
                SCALE_MEMORY,
                SCALE_PRIOR_COUNT,
            ]
        )

    def run_day(
        self, day: int, state: DayState, carried: np.ndarray, seconds: int = DAY_SECONDS
    ) -> BookDay:
        """Run the next day.

        Parameters
        ----------
        day : int
            Day since the start; days are run in order.
        state : DayState
            Volatility, activity and tilt by the minute.
        carried : float64 array of shape (4,)
            Log mid, flow, scale and last price; changed in place.
        seconds : int
            Length of the run, whole candles, at most a day.

        Returns
        -------
        BookDay
            The day.

        Notes
        -----
        Sweeps are Poisson with the rate A on each side, whatever else happens,
        and take all that rests up to their depth D, exponential with rate k. As
        every level is quoted, P(a price at distance delta is reached) in dt is
        A exp(-k delta) dt.
        """
        market = self._market
        seed, sweep_ns, depth, buys = draw_sweeps(market, day)
        rows = seconds // market.candle_seconds
        mid, drift, candles = np.empty(seconds), np.empty(rows), np.empty((rows, 8))
        shocks = stream(market.seed, "price", day).standard_normal(DAY_SECONDS)
        jumps = day_jumps(market, day)
        outputs = [
            np.empty((n, width), np.int64)
            for n, width in zip(self._rows, (6, 6, 4, 2), strict=True)
        ]
        filled: list[list[np.ndarray]] = [[] for _ in outputs]
        count = np.zeros(4, np.int64)
        self._clock[[places.SECOND, places.SWEEP, places.BEGUN]] = 0
        done = False
        while not done:
            done = run_book(
                self._clock, self._level, self._order, self._free, self._live, self._base,
                self._excite, self._flow.base, self._flow.kernel, seed, carried,
                self._fixed(day), self._real(), state.sigma, state.activity, state.tilt, shocks,
                jumps, sweep_ns, depth, buys, mid, candles, drift, *outputs, self._room, count,
            )  # fmt: skip
            for parts, output, n in zip(filled, outputs, count, strict=True):
                parts.append(output[:n].copy())
            count[:] = 0
        updates, orders, trades, points = (np.concatenate(parts) for parts in filled)
        return BookDay(updates, orders, trades, points, mid, candles, drift)
