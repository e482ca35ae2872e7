"""The simulator in plain Python: what the compiled kernels must reproduce bit for bit.

One row at a time, Python numbers only, no numba of its own. It is two hundred times
slower and meant for reading and for tests.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from ethpredict.quoting._bribe_kernels import best_bribe, inclusion_chance
from ethpredict.sim import _account_kernels as acc
from ethpredict.sim import _pool_kernels as pools
from ethpredict.sim import _transaction_kernels as amm
from ethpredict.sim._attack_kernels import FRONT_RUN, SANDWICH
from ethpredict.sim.metrics import Outcome
from ethpredict.sim.reference_pool import Pool, best_trade, draw_normal, draw_uniform
from ethpredict.sim.rows import Floats, MarketRows, PathRows

# Purposes of the draws of the blocks up to ours and after it: noise, quiet blocks, late noise.
INCLUSION_DRAWS = pools.INCLUSION_NOISE, pools.INCLUSION_ARBITRAGE, pools.INCLUSION_LATE_NOISE
LATER_DRAWS = pools.EARLY_NOISE, pools.QUIET_BLOCKS, pools.LATE_NOISE


@dataclass
class Book:
    """Accounts and path of one run while it is played."""

    rows: int
    accounts: list[float] = field(default_factory=lambda: [0.0] * acc.N_ACCOUNTS)

    def __post_init__(self) -> None:
        self.equity, self.inventory = np.empty(self.rows), np.empty(self.rows)
        self.detail = np.full((acc.N_DETAIL, self.rows), np.nan)

    def add(self, name: int, value: float) -> None:
        """Add to one account."""
        self.accounts[name] += value

    def fill(
        self,
        position: float,
        signed: float,
        price: float,
        fee: float,
        effective: float,
        mid: float,
        future: float,
    ) -> None:
        """Book one fill; see :func:`ethpredict.sim._account_kernels.record_fill`."""
        size = abs(signed)
        self.add(acc.SPREAD, signed * (mid - price))
        self.add(acc.FEES, -fee)
        self.add(acc.CASH, -(signed * price + fee))
        self.add(acc.VOLUME, size)
        self.add(acc.NOTIONAL, size * price)
        self.add(acc.N_BUYS if signed > 0 else acc.N_SELLS, 1.0)
        if not math.isnan(future):
            self.add(acc.MARKOUT, signed * (future - price))
            self.add(acc.MARKOUT_NOTIONAL, size * price)
        average, after = self.accounts[acc.AVERAGE], position + signed
        if position == 0 or (position > 0) == (signed > 0):
            share = signed / after
        else:
            # What turns the position round starts a new one; nobody reads the cost of none.
            share = float(after * signed > 0.0 or (after == 0.0 and signed > 0.0))
            self.add(acc.CLOSES, 1.0)
            won = effective > average if position > 0 else effective < average
            self.add(acc.WINS, float(won))
        self.add(acc.AVERAGE, (effective - average) * share)

    def mark(
        self, j: int, market: MarketRows, held: float, reference: float, at_limit: bool
    ) -> None:
        """Mark the position at the row's close."""
        seconds = float(market.seconds[j])
        self.add(acc.INVENTORY, held * (float(market.close[j]) - reference))
        self.add(acc.ABS_INVENTORY_S, abs(held) * seconds)
        if at_limit:
            self.add(acc.LIMIT_S, seconds)
        self.equity[j] = self.accounts[acc.CASH] + held * float(market.close[j])
        self.inventory[j] = held
        self.detail[acc.D_CASH, j] = self.accounts[acc.CASH]

    def outcome(self) -> Outcome:
        """The finished run."""
        return Outcome(np.array(self.accounts), self.equity, self.inventory, self.detail)


def run_amm(
    market: MarketRows,
    path: PathRows,
    mu: Floats,
    base_fee: Floats,
    tips: tuple[Floats, Floats, Floats],
    settings: Floats,
    tape: Floats | None = None,
) -> Outcome:
    """Pool at fidelity 0; see :func:`ethpredict.sim._taker_kernels.run_amm`.

    Parameters
    ----------
    market, path : MarketRows, PathRows
        Rows of the run.
    mu, base_fee : ndarray, shape (n,)
        Drift that the strategy follows, USD/s; base fee, gwei.
    tips : tuple of ndarray, shape (n,)
        Tip, gwei, and believed inclusion curve, see :func:`ethpredict.sim.bribes.tip_rows`.
    settings : ndarray, shape (N_AMM_SETTINGS,)
        As for the kernel.
    tape : ndarray, shape (n, 6), optional
        Reserves that drive the pool, as for the kernel.

    Returns
    -------
    Outcome
        With every detail.
    """
    s = [float(value) for value in settings]
    limit = s[amm.P_MAX]
    close = [float(value) for value in market.close]
    pool = Pool(0.5 * s[amm.P_LIQUIDITY] / close[0], 0.5 * s[amm.P_LIQUIDITY], s[amm.P_FEE])
    gas_eth = s[amm.P_GAS_UNITS] * amm.GWEI
    book, held, funds = Book(len(close)), 0.0, amm.ENDOWMENT_USD * limit * close[0]
    for j in range(len(close)):
        i = max(j - 1, 0)
        reference, fill = close[i], 0.0
        if tape is not None:
            pool.reserve0, pool.reserve1 = float(tape[j, 0]), float(tape[j, 1])
        base_cost = (gas_eth * float(base_fee[i]) + s[amm.P_DATA_FEE] * amm.GWEI) * reference
        unit = gas_eth * reference
        book.detail[acc.D_BID, j] = pool.reserve1 / pool.reserve0 * (1.0 - pool.fee)
        book.detail[acc.D_ASK, j] = pool.reserve1 / pool.reserve0 / (1.0 - pool.fee)
        spent = book.accounts[acc.GAS], book.accounts[acc.BRIBE]
        balance = funds + book.accounts[acc.CASH] - spent[0] - spent[1]
        size, drift, target, tip, chance = 0.0, 0.0, 0.0, 0.0, math.nan
        if j > 0 and pool.reserve0 > 0.0:
            known = reference, float(path.sigma[i]), float(mu[i]), float(path.h_rem[i])
            size, drift, target, tip, chance = _decide(
                pool, known, held, balance, base_cost, (tips[0][i], tips[1][i], tips[2][i]), unit, s
            )
        if j > 0:
            order, costs, states = (size, tip, chance), (base_cost, unit), None
            if tape is not None:
                states = tape[j, 2:]
            fill = play_row(book, pool, (market, j), order, costs, (held, balance), s, states)
        held += fill
        at_limit = s[amm.P_STRATEGY] != amm.NONE and limit - abs(held) <= 1e-9 * limit
        book.mark(j, market, held, reference, at_limit)
        book.detail[acc.D_FILL, j] = fill
        book.detail[acc.D_MU, j], book.detail[acc.D_TARGET, j] = drift, target
    close_pool(book, pool, held, close[-1], float(base_fee[-1]), s)
    return book.outcome()


def play_row(
    book: Book,
    pool: Pool,
    place: tuple[MarketRows, int],
    order: tuple[float, float, float],
    costs: tuple[float, float],
    held: tuple[float, float],
    s: list[float],
    states: Floats | None = None,
) -> float:
    """Blocks of one row with our transaction, if its size is not 0: signed ETH that it filled.

    Parameters
    ----------
    book, pool : Book, Pool
        Changed in place.
    place : tuple
        Rows and number of the row.
    order : tuple of float
        Signed size, ETH; tip, gwei; its believed chance.
    costs : tuple of float
        Base and data fee, and one gwei of tip, USD.
    held : tuple of float
        Inventory, ETH, and balance, USD.
    s : list of float
        The pool's settings.
    states : ndarray, shape (4,), optional
        Recorded reserves before our transaction and at the row's end, in place of the blocks.
    """
    (market, j), (size, tip, chance), (base_cost, unit) = place, order, costs
    key = int(s[amm.P_SEED]), int(s[amm.P_REPLICATE]), market.first_row + j
    noise = s[amm.P_TURNOVER] * s[amm.P_BLOCK_TIME] / amm.DAY_S * math.sqrt(0.5 * math.pi)
    expected, fill = pool.cost(size), 0.0
    first, rest, prices = _blocks(market, j, s)
    competitor = s[amm.P_ARBITRAGE], base_cost + s[amm.P_TIP] * unit
    if states is None:
        _play(pool, first, prices[:2], noise, competitor, key, INCLUSION_DRAWS)
    else:
        pool.reserve0, pool.reserve1 = float(states[0]), float(states[1])
    if size != 0.0:
        luck = draw_uniform(*key, pools.OUR_INCLUSION)
        tip_cost, lucky = _send(book, tip, chance, unit, luck, s)
        if lucky and not market.gap[j]:
            mids = float(market.close[j - 1]), float(market.future_open[j])
            worst = min(expected + s[amm.P_SLIPPAGE] * abs(expected), held[1])
            fill = _execute(book, pool, size, worst, held[0], (base_cost, tip_cost), mids, key, s)
        else:
            book.add(acc.N_NOT_INCLUDED, 1.0)
    if states is None:
        _play(pool, rest, prices[1:], noise, competitor, key, LATER_DRAWS)
    else:
        pool.reserve0, pool.reserve1 = float(states[2]), float(states[3])
    return fill


def close_pool(
    book: Book, pool: Pool, held: float, mid: float, base_fee: float, s: list[float]
) -> None:
    """Close the final inventory through the pool, gas included."""
    if held != 0.0 and -held >= pool.reserve0:
        book.accounts[acc.STUCK] = 1.0
    elif held != 0.0:
        gas = s[amm.P_GAS_UNITS] * (base_fee + s[amm.P_TIP]) + s[amm.P_DATA_FEE]
        received = -pool.cost(-held) - gas * (amm.GWEI * mid)
        book.add(acc.LIQUIDATION, received - held * mid)
        book.add(acc.CASH, received)


def _send(
    book: Book, tip: float, chance: float, unit: float, luck: float, s: list[float]
) -> tuple[float, bool]:
    """Count a transaction: USD of tip that inclusion costs, and whether it is included."""
    book.add(acc.N_SENT, 1.0)
    book.add(acc.OFFERED, 1.0)
    book.add(acc.TIPS, tip)
    book.add(acc.CHANCES, chance)
    cost = tip * unit
    if s[amm.P_ALL_PAY] > 0.0:
        book.add(acc.BRIBE, -cost)
        book.add(acc.CASH, -cost)
        cost = 0.0
    return cost, luck < inclusion_chance(s[amm.P_TRUE_A], s[amm.P_TRUE_S], tip)


def _decide(
    pool: Pool,
    known: tuple[float, float, float, float],
    held: float,
    balance: float,
    cost: float,
    curve: tuple[float, float, float],
    unit: float,
    s: list[float],
) -> tuple[float, float, float, float, float]:
    """Signed ETH to send (0: nothing), drift, target, tip (gwei) and its believed chance."""
    mid, sigma, drift, h_rem = known
    tip, odds, slope = (float(value) for value in curve)
    limit, horizon = s[amm.P_MAX], s[amm.P_RISK_HORIZON]
    chance = inclusion_chance(odds, slope, tip)
    if s[amm.P_STRATEGY] == amm.HOLD and held == 0.0:
        return (0.0 if math.isnan(chance) else limit), 0.0, 0.0, tip, chance
    if s[amm.P_STRATEGY] != amm.GLFT or not sigma > 0.0:
        return 0.0, 0.0, 0.0, tip, chance
    tilt = drift * min(h_rem, horizon)
    curvature = horizon * s[amm.P_GAMMA] * sigma * sigma
    size, surplus = best_trade(pool, mid, held, tilt, curvature, limit, balance)
    surplus -= s[amm.P_SANDWICH] * (s[amm.P_SLIPPAGE] * abs(pool.cost(size)))
    tip, chance, utility = choose_tip(surplus, cost, (tip, odds, slope), unit, s)
    wanted = abs(size) >= s[amm.P_MIN_TRADE] and utility > 0.0
    aim = min(max(tilt / curvature, -limit), limit)
    return (size if wanted else 0.0), drift, aim, tip, chance


def choose_tip(
    surplus: float,
    cost: float,
    curve: tuple[float, float, float],
    unit: float,
    s: list[float],
) -> tuple[float, float, float]:
    """Tip (gwei), its believed chance and the utility of sending a trade of a surplus (USD)."""
    tip, odds, slope = curve
    success = (1.0 - s[amm.P_REVERT]) * (1.0 - s[amm.P_FRONT_RUN])
    value = success * surplus - cost
    if s[amm.P_ON_SUCCESS] > 0.0:
        value = surplus - cost / success if success > 0.0 else -math.inf
    all_pay = s[amm.P_ALL_PAY] > 0.0
    if s[amm.P_OPTIMAL] > 0.0:
        bribe, chance, utility = best_bribe(odds, slope / unit, value, all_pay)
        return bribe / unit, chance, utility
    chance = inclusion_chance(odds, slope, tip)
    if all_pay:
        return tip, chance, chance * value - tip * unit
    return tip, chance, chance * (value - tip * unit)


def _execute(
    book: Book,
    pool: Pool,
    size: float,
    worst: float,
    held: float,
    costs: tuple[float, float],
    mids: tuple[float, float],
    key: tuple[int, int, int],
    s: list[float],
) -> float:
    """Our included transaction, attacked or not: signed ETH that it filled."""
    if s[amm.P_FRONT_RUN] > 0.0 and draw_uniform(*key, FRONT_RUN) < s[amm.P_FRONT_RUN]:
        book.add(acc.N_FRONT_RUNS, 1.0)
        before = pool.cost(size)
        if not math.isinf(before):
            pool.reserve0, pool.reserve1 = pool.reserve0 - size, pool.reserve1 + before
    cost = pool.cost(size)
    reverted = cost > worst or math.isinf(cost)
    base, tip = costs[0], 0.0 if reverted and s[amm.P_ON_SUCCESS] > 0.0 else costs[1]
    book.add(acc.GAS, -base)
    book.add(acc.BRIBE, -tip)
    book.add(acc.CASH, -(base + tip))
    if reverted:
        book.add(acc.N_REVERTS, 1.0)
        return 0.0
    if size > 0.0:
        fee = cost * pool.fee
        price = (cost - fee) / size
    else:
        fee = -size * pool.fee * mids[0]
        price = (fee - cost) / -size
    pool.reserve0, pool.reserve1 = pool.reserve0 - size, pool.reserve1 + cost
    taken = 0.0
    if s[amm.P_SANDWICH] > 0.0 and draw_uniform(*key, SANDWICH) < s[amm.P_SANDWICH]:
        taken = worst - cost
        book.add(acc.N_SANDWICHES, 1.0)
        book.add(acc.SANDWICHED, -taken)
        book.add(acc.CASH, -taken)
    effective = price + (fee + (base + tip + taken)) / size
    book.fill(held, size, price, fee, effective, *mids)
    book.add(acc.TAKEN, 1.0)
    return size


def _blocks(
    market: MarketRows, j: int, s: list[float]
) -> tuple[int, int, tuple[float, float, float]]:
    """Blocks up to the inclusion block and after it; prices at the row's open, then, at its close.

    See :func:`ethpredict.sim._pool_kernels.inclusion_block`.
    """
    length, block = float(market.duration[j]), s[amm.P_BLOCK_TIME]
    opening, closing = float(market.open[j]), float(market.close[j])
    wait = s[amm.P_LATENCY] + block
    blocks = max(1, math.floor(length / block + 0.5))
    if wait >= length:
        return blocks, 0, (opening, opening + (closing - opening), closing)
    first = min(blocks, max(1, math.floor(wait / block + 0.5)))
    met = opening + (closing - opening) * (wait / length)
    return first, blocks - first, (opening, met, closing)


def _play(
    pool: Pool,
    blocks: int,
    prices: tuple[float, ...],
    noise: float,
    competitor: tuple[float, float],
    key: tuple[int, int, int],
    draws: tuple[int, int, int],
) -> None:
    """Consecutive blocks; see :func:`ethpredict.sim._pool_kernels.play_blocks`."""
    if blocks == 0:
        return
    (start, end), (phi, cost), (early, silence, late) = prices, competitor, draws
    quiet = blocks
    if phi >= 1.0:
        quiet = 0
    elif phi > 0.0:
        log_luck = math.log(draw_uniform(*key, silence))
        quiet = min(blocks, math.floor(log_luck / np.log1p(-phi)))
    if quiet < blocks:
        pool.noise(noise * math.sqrt(blocks - quiet) * draw_normal(*key, early))
        pool.arbitrage(end + (start - end) * (quiet / blocks), cost)
    if quiet > 0:
        pool.noise(noise * math.sqrt(quiet) * draw_normal(*key, late))
