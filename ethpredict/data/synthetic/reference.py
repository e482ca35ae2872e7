"""Plain twins of the compiled loops, written to be read; tests hold both to the same numbers."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field

from ethpredict.data.synthetic import settings as constants
from ethpredict.data.synthetic.signal import FLOW_DECAY


def ornstein_uhlenbeck(
    state: Sequence[float],
    decay: Sequence[float],
    sd: Sequence[float],
    shocks: Sequence[Sequence[float]],
) -> list[list[float]]:
    """Advance stationary AR(1) factors: x' = a x + sd sqrt(1 - a^2) z; one row per step."""
    rows = []
    now = list(state)
    for row in shocks:
        now = [
            a * x + s * math.sqrt(1.0 - a * a) * z
            for x, a, s, z in zip(now, decay, sd, row, strict=True)
        ]
        rows.append(now)
    return rows


def next_base_fee(
    base_fee: int, gas_used: int, gas_limit: int, elasticity: int = 2, denominator: int = 8
) -> int:
    """Next base fee by EIP-1559 in Python integers of any size.

    Examples
    --------
    >>> next_base_fee(1_000_000_000, 10_000_000, 12_000_000)
    1083333333
    """
    target = gas_limit // elasticity
    if gas_used == target:
        return base_fee
    change = base_fee * abs(gas_used - target) // target // denominator
    return base_fee + max(change, 1) if gas_used > target else base_fee - change


def tip_day(
    bids: Sequence[Sequence[float]],
    luck: Sequence[Sequence[float]],
    chance: Sequence[float],
    levels: Sequence[float],
) -> list[tuple[list[int], list[bool], list[float]]]:
    """Settle the bids of each block: steps, whether included, percentiles of the included ones.

    Percentiles interpolate linearly between order statistics, as `numpy.percentile`
    does; nan where nothing was included.

    Examples
    --------
    >>> tip_day([[4.2, 2.9, 9.9]], [[0.1, 0.1, 0.9]], [0.5] * 5, [0.1, 0.5, 0.9])
    [([4, 2, 4], [True, True, False], [2.2, 3.0, 3.8])]
    """
    blocks = []
    for bid, chances in zip(bids, luck, strict=True):
        steps = [min(int(x), len(chance) - 1) for x in bid]
        taken = [bool(u < chance[s]) for s, u in zip(steps, chances, strict=True)]
        ordered = sorted(s for s, take in zip(steps, taken, strict=True) if take)
        row = []
        for level in levels if ordered else ():
            position = level * (len(ordered) - 1)
            low = ordered[int(position)]
            share = position - int(position)
            high = ordered[int(position) + 1] if share > 0 else low
            row.append(low + share * (high - low))
        blocks.append((steps, taken, row if ordered else [math.nan] * len(levels)))
    return blocks


def imbalance(bought: float, volume: float) -> float:
    """Taker imbalance of a candle in -1..1, 0 when nothing traded."""
    return 2.0 * bought / volume - 1.0 if volume > 0 else 0.0


@dataclass
class Signal:
    """Running state of the planted signal, one candle at a time."""

    flow: float = 0.0
    square: float = constants.SCALE_PRIOR**2
    candles: int = 0

    def value(self) -> float:
        """Signal for the next candle."""
        return self.flow / math.sqrt(self.square)

    def update(self, now: float) -> None:
        """Take in the imbalance of a finished candle."""
        self.candles += 1
        self.flow = FLOW_DECAY * self.flow + (1.0 - FLOW_DECAY) * now
        weight = 1.0 / min(constants.SCALE_PRIOR_COUNT + self.candles, constants.SCALE_MEMORY)
        self.square += weight * (self.flow * self.flow - self.square)


@dataclass
class Trader:
    """What one trade knows and draws (see `trades.TradeDraws`)."""

    offset_ns: int
    depth: float
    side_draw: float
    informed_draw: float
    size: float


@dataclass
class DayResult:
    """Mid by second, price and side by trade, candle rows and expected returns."""

    mid: list[float] = field(default_factory=list)
    price: list[float] = field(default_factory=list)
    side: list[int] = field(default_factory=list)
    candles: list[list[float]] = field(default_factory=list)
    drift: list[float] = field(default_factory=list)


def print_trade(
    trader: Trader,
    mid: Sequence[float],
    tilt: Sequence[float],
    informed_fraction: float,
    half_spread: float,
    price_scale: float,
) -> tuple[float, int]:
    """Price and side of one trade.

    A sweep takes a fair side and prints max(touch, its depth) from the mid.
    At the touch an informed trader sides with the move to the minute's last
    second; anyone else buys with probability (1 + tilt)/2.
    """
    second = trader.offset_ns // 1_000_000_000
    here = mid[second]
    minute = second // 60
    touch = half_spread * here
    if trader.depth > 0:
        side, distance = (1 if trader.side_draw < 0.5 else -1), max(touch, trader.depth)
    else:
        move = mid[60 * minute + 59] - here
        distance = touch
        if trader.informed_draw < informed_fraction and move != 0:
            side = 1 if move > 0 else -1
        else:
            side = 1 if trader.side_draw < 0.5 * (1.0 + tilt[minute]) else -1
    ticks = max(1, math.floor((here + side * distance) * price_scale + 0.5))
    return ticks / price_scale, side


def candle(prices: Sequence[float], sides: Sequence[int], sizes: Sequence[float]) -> list[float]:
    """OHLC, volume, quote volume, count and taker buy volume of at least one trade, in order."""
    volume = quote = bought = 0.0
    for price, side, size in zip(prices, sides, sizes, strict=True):
        volume += size
        quote += price * size
        bought += size if side > 0 else 0.0
    ohlc = [prices[0], max(prices), min(prices), prices[-1]]
    return [*ohlc, volume, quote, float(len(prices)), bought]


def trade_day(
    log_mid: float,
    last_price: float,
    signal: Signal,
    candle_seconds: int,
    seconds: int,
    sigma: Sequence[float],
    tilt: Sequence[float],
    shocks: Sequence[float],
    jumps: Sequence[float],
    traders: Sequence[Trader],
    informed_fraction: float,
    half_spread: float,
    price_scale: float,
    drift_per_unit: float,
) -> DayResult:
    """Run `seconds` seconds: the mid of a candle first, then the trades in it, then the signal.

    `sigma` and `tilt` stand by the minute, `shocks` and `jumps` by the second.
    """
    day = DayResult()
    times = [t.offset_ns for t in traders]
    for start in range(0, seconds, candle_seconds):
        stop = start + candle_seconds
        drift = drift_per_unit * signal.value()
        day.drift.append(drift)
        for s in range(start, stop):
            vol = sigma[s // 60]
            log_mid += drift / candle_seconds + vol * shocks[s] - 0.5 * vol * vol + jumps[s]
            day.mid.append(math.exp(log_mid))
        first, last = (bisect_left(times, t * 1_000_000_000) for t in (start, stop))
        inside = traders[first:last]
        printed = [
            print_trade(t, day.mid, tilt, informed_fraction, half_spread, price_scale)
            for t in inside
        ]
        prices, sides = [p for p, _ in printed], [s for _, s in printed]
        row = [last_price] * 4 + [0.0] * 4
        if inside:
            row = candle(prices, sides, [t.size for t in inside])
        day.price += prices
        day.side += sides
        day.candles.append(row)
        last_price = row[3]
        signal.update(imbalance(row[7], row[4]))
    return day


def swap(
    reserves: tuple[float, float], amount0: float, amount1: float, keep: float
) -> tuple[float, ...]:
    """Swap one token into x y = const with share `keep` of the input counted.

    Returns
    -------
    tuple of 6 float
        amount0_in, amount1_in, amount0_out, amount1_out, reserve0, reserve1.

    Examples
    --------
    >>> swap((100.0, 100.0), 100.0, 0.0, 1.0)
    (100.0, 0.0, 0.0, 50.0, 200.0, 50.0)
    """
    r0, r1 = reserves
    if amount0 > 0:
        out = keep * amount0 * r1 / (r0 + keep * amount0)
        return amount0, 0.0, 0.0, out, r0 + amount0, r1 - out
    out = keep * amount1 * r0 / (r1 + keep * amount1)
    return 0.0, amount1, out, 0.0, r0 - out, r1 + amount1


def arbitrage(
    reserves: tuple[float, float], price: float, keep: float
) -> tuple[float, float, float]:
    """Most profitable swap against a market at `price`: (amount0 in, amount1 in, profit in USD)."""
    r0, r1 = reserves
    if price * keep * r0 > r1:
        amount1 = (math.sqrt(r0 * r1 * price * keep) - r1) / keep
        return 0.0, amount1, (math.sqrt(price * r0) - math.sqrt(r1 / keep)) ** 2
    if price * r0 < keep * r1:
        amount0 = (math.sqrt(r0 * r1 * keep / price) - r0) / keep
        return amount0, 0.0, (math.sqrt(r1) - math.sqrt(price * r0 / keep)) ** 2
    return 0.0, 0.0, 0.0


def pool_day(
    reserves: tuple[float, float],
    mid: Sequence[float],
    gas_usd: Sequence[float],
    noise: Sequence[Sequence[tuple[float, bool]]],
    keep: float,
) -> list[tuple[int, int, bool, tuple[float, ...]]]:
    """Run the pool through blocks.

    Parameters
    ----------
    reserves : tuple of 2 float
        ETH and USD.
    mid, gas_usd : sequence of float, one per block
        Market price and cost of one swap, USD.
    noise : sequence of lists, one per block
        (value in USD, True when ETH is bought) of each noise swap.
    keep : float
        1 - fee.

    Returns
    -------
    list of tuple
        (block, log index, whether the arbitrageur's, the six numbers of the swap).
    """
    events = []
    for b, (price, cost, swaps) in enumerate(zip(mid, gas_usd, noise, strict=True)):
        for index, (usd, buys) in enumerate(swaps):
            made = swap(reserves, 0.0 if buys else usd / price, usd if buys else 0.0, keep)
            reserves = made[4], made[5]
            events.append((b, index, False, made))
        amount0, amount1, profit = arbitrage(reserves, price, keep)
        if profit > cost and amount0 + amount1 > 0:
            made = swap(reserves, amount0, amount1, keep)
            reserves = made[4], made[5]
            events.append((b, len(swaps), True, made))
    return events
