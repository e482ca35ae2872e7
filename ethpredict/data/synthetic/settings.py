"""Settings of the synthetic market and the constants that no setting moves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ethpredict.data.timestamps import INTERVAL_SECONDS, NS_PER_SECOND, interval_ns, parse_moment
from ethpredict.errors import ConfigError

DAY_SECONDS = 86_400
DAY_MINUTES = 1_440
DAY_NS = DAY_SECONDS * NS_PER_SECOND
YEAR_SECONDS = 365 * DAY_SECONDS
DEFAULT_START = "2025-01-01"

# Most limit orders (and as many cancels) a day: a day of the book is held in memory.
MOST_ORDERS_PER_DAY = 20_000_000
# Settings that say nothing without an order book.
BOOK_ONLY = {"hawkes_branching", "hawkes_half_life", "limits_per_trade"}

# Two Ornstein-Uhlenbeck factors of log volatility: days and hours (sd, half-life in seconds).
SLOW_SD, SLOW_HALF_LIFE = 0.32, 4 * DAY_SECONDS
FAST_SD, FAST_HALF_LIFE = 0.45, 5400
# Trading that volatility does not explain (sd of its log, half-life in seconds).
ACTIVITY_SD, ACTIVITY_HALF_LIFE = 0.35, 4 * 3600
# Elasticity of trading in volatility.
ACTIVITY_ELASTICITY = 1.3
# Persistent tilt of the noise traders towards buying.
FLOW_SD, FLOW_HALF_LIFE, FLOW_LIMIT = 0.2, 15 * 60, 0.9
# Log standard deviation of trade sizes.
SIZE_LOG_SD = 1.1
# Informed traders know the price at the end of their minute; minutes never cross a candle.
INFORMED_SECONDS = 60
# The planted signal: half-life of the flow average, and the memory of its scale, in candles.
SIGNAL_HALF_LIFE = 2.0
SCALE_MEMORY, SCALE_PRIOR_COUNT, SCALE_PRIOR = 2_000, 50, 0.155
# Largest mean depth 1/k of a sweep as a share of the price.
MAX_RELATIVE_DEPTH = 0.01

GAS_LIMIT = 36_000_000
ELASTICITY, DENOMINATOR = 2, 8
FIRST_BLOCK = 21_500_000
DEMAND_SD, DEMAND_HALF_LIFE, DEMAND_NOISE = 0.4, 3 * 3600, 0.5
TIP_BIDS = 16
TIP_STEPS_PER_MEAN, TIP_STEPS = 20, 200
SWAP_GAS = 120_000
# Mean noise swap as a share of the pool's value at the start.
NOISE_SWAP_SHARE = 5e-4


@dataclass(frozen=True)
class MarketSettings:
    """One synthetic market, checked.

    Parameters
    ----------
    symbol : str
        Market symbol.
    seed : int
        Seed; every draw is keyed by (seed, purpose, day).
    days : int
        Length, days of 24 hours, >= 1.
    start_ns : int
        First moment, UTC nanoseconds, on the border of a candle.
    candle_seconds : int
        Length of a candle; divides a day.
    max_gap : float
        Longest pause that may be spanned, seconds.
    price : float
        Mid at the start, USD.
    annual_volatility : float
        Volatility of one candle's log return, per sqrt(year).
    predictability : float
        Planted R2 of one candle's return.
    jumps_per_day, jump_variance_share : float
        Mean number of jumps a day; share of the unpredictable variance that they carry.
    trades_per_day : float
        Mean number of trades a day.
    daily_volume : float
        Mean traded size a day, ETH.
    informed_fraction : float
        Share of the trades at the touch that know the minute's last price.
    half_spread_bps : float
        Distance of the touch from the mid, bps.
    sweep_fraction : float
        Share of the trades that print deeper than the touch.
    fill_decay : float
        k of the fill intensity, 1/USD.
    pool_liquidity : float
        Value of the pool at the start, USD.
    pool_fee_bps : int
        Fee of the pool, bps.
    pool_turnover : float
        Mean noise flow a day as a share of the pool's value at the start.
    block_time : float
        Seconds between blocks.
    base_fee_gwei : float
        Level that the base fee returns to, gwei.
    inclusion_a, inclusion_s : float
        Inclusion probability 1/(1+exp(-(a + s tip))), tip in gwei.
    tips_per_block : int
        Transactions of each block that the table of tips shows, 0..16.
    book : str
        none, l2 or orders: how much of an order-by-order book is simulated and shown.
    hawkes_branching : float
        Mean number of events that one event of the order flow sets off at once, in [0, 1).
    hawkes_half_life : float
        Half-life of that excitation, seconds.
    limits_per_trade : float
        Mean number of limit orders (and of cancels) per market order.
    """

    symbol: str
    seed: int
    days: int
    start_ns: int
    candle_seconds: int
    max_gap: float
    price: float
    annual_volatility: float
    predictability: float
    jumps_per_day: float
    jump_variance_share: float
    trades_per_day: float
    daily_volume: float
    informed_fraction: float
    half_spread_bps: float
    sweep_fraction: float
    fill_decay: float
    pool_liquidity: float
    pool_fee_bps: int
    pool_turnover: float
    block_time: float
    base_fee_gwei: float
    inclusion_a: float
    inclusion_s: float
    tips_per_block: int
    book: str
    hawkes_branching: float = 0.0
    hawkes_half_life: float = 1.0
    limits_per_trade: float = 0.0

    @property
    def fill_A(self) -> float:  # noqa: N802 - the field's symbol
        """A of the fill intensity on each side, 1/s."""
        return self.sweep_fraction * self.trades_per_day / (2 * DAY_SECONDS)

    @property
    def touch_rate(self) -> float:
        """Mean number of trades a second at the touch."""
        return (1 - self.sweep_fraction) * self.trades_per_day / DAY_SECONDS

    @property
    def candle_sigma(self) -> float:
        """Standard deviation of one candle's log return."""
        return self.annual_volatility * math.sqrt(self.candle_seconds / YEAR_SECONDS)

    @property
    def sigma(self) -> float:
        """Root mean square of the diffusive volatility, log return per sqrt(s)."""
        jumps = self.jump_variance_share if self.jumps_per_day > 0 else 0.0
        share = (1 - self.predictability) * (1 - jumps)
        return self.annual_volatility * math.sqrt(share / YEAR_SECONDS)

    @property
    def jump_sd(self) -> float:
        """Standard deviation of one jump, log return."""
        if self.jumps_per_day == 0:
            return 0.0
        variance = self.annual_volatility**2 * (1 - self.predictability) / 365
        return math.sqrt(variance * self.jump_variance_share / self.jumps_per_day)

    @property
    def drift_per_unit(self) -> float:
        """Expected log return of one candle per unit of the standardised signal."""
        return math.sqrt(self.predictability) * self.candle_sigma

    @property
    def price_scale(self) -> float:
        """Ticks per USD: five digits after the first digit of the starting price."""
        return 10.0 ** (5 - math.floor(math.log10(self.price)))

    @property
    def book_scale(self) -> float:
        """Ticks of the order book per USD: four digits after the first, ten times coarser."""
        return self.price_scale / 10

    @property
    def size_scale(self) -> float:
        """Lots per ETH: five digits after the first digit of the mean size."""
        return 10.0 ** (5 - math.floor(math.log10(self.daily_volume / self.trades_per_day)))

    @property
    def block_step_ns(self) -> int:
        """Nanoseconds between blocks."""
        return round(self.block_time * NS_PER_SECOND)

    @property
    def tip_step(self) -> float:
        """Step of the tips that are bid, gwei; the mean bid stands near the inclusion's centre."""
        return max(0.5 - self.inclusion_a, 1.0) / self.inclusion_s / TIP_STEPS_PER_MEAN


def read_settings(settings: Mapping[str, Any]) -> MarketSettings:
    """Check the settings of a synthetic market.

    Parameters
    ----------
    settings : mapping
        ``{"data": {...}}`` as config/schema.yaml describes it: interval,
        start, symbol, max_gap and all of ``synthetic``.

    Returns
    -------
    MarketSettings
        The market.

    Raises
    ------
    ConfigError
        If a key is missing, or settings that are legal alone do not fit together.
    """
    data = settings["data"]
    step = interval_ns(data["interval"])
    start = parse_moment(data.get("start") or DEFAULT_START)
    if start % step:
        raise ConfigError(
            "data.start", data.get("start"), f"on the border of a {data['interval']} candle (UTC)"
        )
    given = data["synthetic"]
    names = set(MarketSettings.__dataclass_fields__) - {
        "symbol",
        "start_ns",
        "candle_seconds",
        "max_gap",
    }
    if given.get("book") == "none":
        names -= BOOK_ONLY
    for name in sorted(names):
        if name not in given:
            raise ConfigError(f"data.synthetic.{name}", None, "given", "Take the schema's default.")
    market = MarketSettings(
        symbol=data["symbol"],
        start_ns=start,
        candle_seconds=INTERVAL_SECONDS[data["interval"]],
        max_gap=float(data["max_gap"]),
        **{name: given[name] for name in names},
    )
    if market.max_gap < market.candle_seconds:
        raise ConfigError(
            "data.max_gap", market.max_gap, f"at least one candle ({market.candle_seconds} s)"
        )
    if market.fill_decay * market.price * MAX_RELATIVE_DEPTH < 1:
        least = 1 / (MAX_RELATIVE_DEPTH * market.price)
        raise ConfigError(
            "data.synthetic.fill_decay",
            market.fill_decay,
            f"at least {least:g} 1/USD at a price of {market.price:g} USD",
            "A smaller decay prints trades more than 1 % from the mid; scale it with 1/price.",
        )
    if market.limits_per_trade * market.trades_per_day > MOST_ORDERS_PER_DAY:
        most = MOST_ORDERS_PER_DAY / market.trades_per_day
        raise ConfigError(
            "data.synthetic.limits_per_trade",
            market.limits_per_trade,
            f"at most {most:g} with {market.trades_per_day:g} trades a day",
            "A day of the order book is held in memory; trade less or ask for fewer orders.",
        )
    return market
