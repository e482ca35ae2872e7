"""Compiled loops of the synthetic market; ``reference.py`` holds the plain twins."""

from __future__ import annotations

import math

import numpy as np

from ethpredict.kernel_cache import njit

SECOND_NS = 1_000_000_000
# Columns of a candle row.
OPEN, HIGH, LOW, CLOSE, VOLUME, QUOTE, TRADES, TAKER_BUY = range(8)
# State that is carried from one day to the next.
LOG_MID, FLOW, SCALE, LAST_PRICE = range(4)
# Columns of a pool event.
IN0, IN1, OUT0, OUT1, RESERVE0, RESERVE1 = range(6)


@njit(cache=True, nogil=True)
def ornstein_uhlenbeck(
    state: np.ndarray, decay: np.ndarray, sd: np.ndarray, shocks: np.ndarray
) -> np.ndarray:
    """Advance independent stationary AR(1) factors in place and return their path."""
    steps, factors = shocks.shape
    path = np.empty((steps, factors))
    for j in range(factors):
        innovation = sd[j] * math.sqrt(1.0 - decay[j] * decay[j])
        value = state[j]
        for i in range(steps):
            value = decay[j] * value + innovation * shocks[i, j]
            path[i, j] = value
        state[j] = value
    return path


@njit(cache=True, nogil=True)
def walk_mid(
    log_mid: float,
    drift: float,
    sigma: np.ndarray,
    shocks: np.ndarray,
    jumps: np.ndarray,
    start: int,
    stop: int,
    mid: np.ndarray,
) -> float:
    """Walk the log mid through one candle's seconds; fill `mid` and return the last log mid."""
    step = drift / (stop - start)
    for s in range(start, stop):
        vol = sigma[s // 60]
        log_mid += step + vol * shocks[s] - 0.5 * vol * vol + jumps[s]
        mid[s] = math.exp(log_mid)
    return log_mid


@njit(cache=True, nogil=True)
def print_trade(
    here: float,
    move: float,
    tilt: float,
    depth: float,
    side_draw: float,
    informed: bool,
    half_spread: float,
    price_scale: float,
) -> tuple[float, int]:
    """Price and side of one trade at a mid of `here` that has `move` to go in its minute."""
    distance = half_spread * here
    if depth > 0.0:
        distance = max(distance, depth)
        side = 1 if side_draw < 0.5 else -1
    elif informed and move != 0.0:
        side = 1 if move > 0.0 else -1
    else:
        side = 1 if side_draw < 0.5 * (1.0 + tilt) else -1
    ticks = max(1.0, math.floor((here + side * distance) * price_scale + 0.5))
    return ticks / price_scale, side


@njit(cache=True, nogil=True)
def fill_candle(
    first: int,
    stop: int,
    last_price: float,
    price: np.ndarray,
    side: np.ndarray,
    size: np.ndarray,
    row: np.ndarray,
) -> None:
    """Aggregate the trades in [first, stop) into one candle; flat at the last price if none."""
    row[OPEN] = price[first] if stop > first else last_price
    row[HIGH] = row[LOW] = row[CLOSE] = row[OPEN]
    row[VOLUME] = row[QUOTE] = row[TAKER_BUY] = 0.0
    row[TRADES] = stop - first
    for i in range(first, stop):
        row[HIGH] = max(row[HIGH], price[i])
        row[LOW] = min(row[LOW], price[i])
        row[VOLUME] += size[i]
        row[QUOTE] += price[i] * size[i]
        if side[i] > 0:
            row[TAKER_BUY] += size[i]
    if stop > first:
        row[CLOSE] = price[stop - 1]


@njit(cache=True, nogil=True)
def update_signal(
    flow: float,
    scale: float,
    imbalance: float,
    candles: int,
    decay: float,
    memory: float,
    prior_count: float,
) -> tuple[float, float]:
    """Take the imbalance of candle number `candles` (1 = first) into the flow and its scale."""
    flow = decay * flow + (1.0 - decay) * imbalance
    weight = 1.0 / min(prior_count + candles, memory)
    return flow, scale + weight * (flow * flow - scale)


@njit(cache=True, nogil=True)
def trade_day(
    state: np.ndarray,
    candles_before: int,
    candle_seconds: int,
    sigma: np.ndarray,
    tilt: np.ndarray,
    shocks: np.ndarray,
    jumps: np.ndarray,
    offset_ns: np.ndarray,
    depth: np.ndarray,
    side_draw: np.ndarray,
    informed_draw: np.ndarray,
    size: np.ndarray,
    informed_fraction: float,
    half_spread: float,
    price_scale: float,
    drift_per_unit: float,
    flow_decay: float,
    scale_memory: float,
    scale_prior_count: float,
    mid: np.ndarray,
    price: np.ndarray,
    side: np.ndarray,
    candles: np.ndarray,
    drift: np.ndarray,
) -> None:
    """Run one day second by second and trade by trade.

    Fills `mid` (per second), `price` and `side` (per trade), `candles` and
    `drift` (per candle) and carries `state` on; see `reference.trade_day`.
    """
    n = offset_ns.shape[0]
    i = 0
    for c in range(candles.shape[0]):
        start = c * candle_seconds
        stop = start + candle_seconds
        drift[c] = drift_per_unit * (state[FLOW] / math.sqrt(state[SCALE]))
        state[LOG_MID] = walk_mid(state[LOG_MID], drift[c], sigma, shocks, jumps, start, stop, mid)
        first = i
        while i < n and offset_ns[i] < stop * SECOND_NS:
            second = offset_ns[i] // SECOND_NS
            minute = second // 60
            price[i], side[i] = print_trade(
                mid[second],
                mid[minute * 60 + 59] - mid[second],
                tilt[minute],
                depth[i],
                side_draw[i],
                informed_draw[i] < informed_fraction,
                half_spread,
                price_scale,
            )
            i += 1
        row = candles[c]
        fill_candle(first, i, state[LAST_PRICE], price, side, size, row)
        state[LAST_PRICE] = row[CLOSE]
        imbalance = 2.0 * row[TAKER_BUY] / row[VOLUME] - 1.0 if row[VOLUME] > 0.0 else 0.0
        state[FLOW], state[SCALE] = update_signal(
            state[FLOW],
            state[SCALE],
            imbalance,
            candles_before + c + 1,
            flow_decay,
            scale_memory,
            scale_prior_count,
        )


@njit(cache=True, nogil=True)
def signal_path(
    imbalance: np.ndarray,
    decay: float,
    memory: float,
    prior_count: float,
    scale: float,
    out: np.ndarray,
) -> None:
    """Fill `out` with the standardised signal that is known before each candle."""
    flow = 0.0
    for c in range(imbalance.shape[0]):
        out[c] = flow / math.sqrt(scale)
        flow, scale = update_signal(flow, scale, imbalance[c], c + 1, decay, memory, prior_count)


@njit(cache=True, nogil=True)
def next_base_fee(
    base_fee: int, gas_used: int, gas_limit: int, elasticity: int, denominator: int
) -> int:
    """Next EIP-1559 base fee in int64: the exact integers, without the overflow of bf * delta."""
    target = gas_limit // elasticity
    if gas_used == target:
        return base_fee
    # floor(floor(bf*d/target)/D) = floor(bf*d/(target*D)); split bf so that products stay small.
    divisor = target * denominator
    delta = abs(gas_used - target)
    change = base_fee // divisor * delta + base_fee % divisor * delta // divisor
    if gas_used > target:
        return base_fee + max(change, 1)
    return base_fee - change


@njit(cache=True, nogil=True)
def base_fee_day(
    base_fee: int,
    level_wei: np.ndarray,
    noise: np.ndarray,
    gas_limit: int,
    elasticity: int,
    denominator: int,
    fees: np.ndarray,
    used: np.ndarray,
) -> int:
    """Fill base fees and gas used of consecutive blocks; return the fee of the next one."""
    target = gas_limit // elasticity
    for b in range(level_wei.shape[0]):
        fees[b] = base_fee
        wanted = target * (level_wei[b] / base_fee) * noise[b]
        used[b] = int(min(float(gas_limit), wanted))
        base_fee = next_base_fee(base_fee, used[b], gas_limit, elasticity, denominator)
    return base_fee


@njit(cache=True, nogil=True)
def tip_day(
    bids: np.ndarray,
    luck: np.ndarray,
    chance: np.ndarray,
    levels: np.ndarray,
    steps: np.ndarray,
    taken: np.ndarray,
    percentiles: np.ndarray,
    sent: np.ndarray,
    included: np.ndarray,
) -> None:
    """Settle the bids of each block.

    Fills `steps` and `taken` per bid, `percentiles` (in steps) of the included
    bids per block, and adds to the counts by step.
    """
    n, m = bids.shape
    ordered, key = np.empty(m), np.empty(m, np.int32)
    left_out = np.int32(chance.shape[0])
    for b in range(n):
        count = 0
        for j in range(m):
            step = min(np.int32(bids[b, j]), left_out - np.int32(1))
            take = luck[b, j] < chance[step]
            steps[b, j] = step
            taken[b, j] = take
            sent[step] += 1
            included[step] += take
            count += take
            # Unique, in the order of the included steps, those left out behind.
            key[j] = (step if take else left_out) * m + j
        for j in range(m):
            rank = 0
            for i in range(m):
                rank += key[i] < key[j]
            ordered[rank] = steps[b, j]
        for i in range(levels.shape[0]):
            if count == 0:
                percentiles[b, i] = np.nan
                continue
            position = levels[i] * (count - 1)
            below = int(position)
            share = position - below
            low = ordered[below]
            high = ordered[below + 1] if share > 0.0 else low
            percentiles[b, i] = low + share * (high - low)


@njit(cache=True, nogil=True)
def swap(
    reserves: np.ndarray, amount0: float, amount1: float, keep: float, event: np.ndarray
) -> None:
    """Swap one token in, constant product, fee kept in the pool; fill the event's six numbers."""
    for j in range(6):
        event[j] = 0.0
    if amount0 > 0.0:
        out = keep * amount0 * reserves[1] / (reserves[0] + keep * amount0)
        event[IN0] = amount0
        event[OUT1] = out
        reserves[0] += amount0
        reserves[1] -= out
    else:
        out = keep * amount1 * reserves[0] / (reserves[1] + keep * amount1)
        event[IN1] = amount1
        event[OUT0] = out
        reserves[1] += amount1
        reserves[0] -= out
    event[RESERVE0] = reserves[0]
    event[RESERVE1] = reserves[1]


@njit(cache=True, nogil=True)
def best_arbitrage(r0: float, r1: float, p: float, keep: float) -> tuple[float, float, float]:
    """Most profitable swap against a market at `p`: (amount0 in, amount1 in, profit in USD)."""
    if p * keep * r0 > r1:
        amount1 = (math.sqrt(r0 * r1 * p * keep) - r1) / keep
        return 0.0, amount1, (math.sqrt(p * r0) - math.sqrt(r1 / keep)) ** 2
    if p * r0 < keep * r1:
        amount0 = (math.sqrt(r0 * r1 * keep / p) - r0) / keep
        return amount0, 0.0, (math.sqrt(r1) - math.sqrt(p * r0 / keep)) ** 2
    return 0.0, 0.0, 0.0


@njit(cache=True, nogil=True)
def pool_day(
    reserves: np.ndarray,
    mid: np.ndarray,
    gas_usd: np.ndarray,
    counts: np.ndarray,
    value_usd: np.ndarray,
    buys: np.ndarray,
    keep: float,
    events: np.ndarray,
    block: np.ndarray,
    log_index: np.ndarray,
    arbitrage: np.ndarray,
) -> int:
    """Run the pool through one day's blocks: noise first, then the arbitrageur; count events."""
    n = 0
    drawn = 0
    for b in range(mid.shape[0]):
        index = 0
        for _ in range(counts[b]):
            usd = value_usd[drawn]
            if buys[drawn]:
                swap(reserves, 0.0, usd, keep, events[n])
            else:
                swap(reserves, usd / mid[b], 0.0, keep, events[n])
            block[n] = b
            log_index[n] = index
            arbitrage[n] = False
            drawn += 1
            index += 1
            n += 1
        amount0, amount1, profit = best_arbitrage(reserves[0], reserves[1], mid[b], keep)
        if profit > gas_usd[b] and (amount0 > 0.0 or amount1 > 0.0):
            swap(reserves, amount0, amount1, keep, events[n])
            block[n] = b
            log_index[n] = index
            arbitrage[n] = True
            n += 1
    return n
