"""The hybrid venue in plain Python: what the compiled kernel must reproduce bit for bit."""

from __future__ import annotations

import math

from ethpredict.sim import _account_kernels as acc
from ethpredict.sim import _lob_kernels as lob
from ethpredict.sim import _transaction_kernels as amm
from ethpredict.sim._hedge_kernels import WHOLE
from ethpredict.sim._pool_kernels import BISECTIONS
from ethpredict.sim.metrics import Outcome
from ethpredict.sim.quotes import QuoteRows
from ethpredict.sim.reference import Book, choose_tip, close_pool, play_row
from ethpredict.sim.reference_lob import distances, fill_row, largest_position, row_orders
from ethpredict.sim.reference_pool import Pool
from ethpredict.sim.rows import Floats, MarketRows

OWN = acc.AVERAGE, acc.OFFERED, acc.TAKEN
POOL_PARTS = {
    acc.POOL_SPREAD: acc.SPREAD,
    acc.POOL_INVENTORY: acc.INVENTORY,
    acc.POOL_FEES: acc.FEES,
    acc.POOL_LIQUIDATION: acc.LIQUIDATION,
    acc.POOL_CASH: acc.CASH,
    acc.POOL_VOLUME: acc.VOLUME,
}


def run_hybrid(
    market: MarketRows,
    quotes: QuoteRows,
    sizes: tuple[Floats, Floats],
    base_fee: Floats,
    tips: tuple[Floats, Floats, Floats],
    band: float,
    settings: tuple[Floats, Floats],
    tape: Floats | None = None,
) -> Outcome:
    """Quotes on the book, hedges on the pool; see :mod:`ethpredict.sim._hybrid_kernels`.

    Parameters
    ----------
    market : MarketRows
        Rows of the run.
    quotes : QuoteRows
        Its quotes by row.
    sizes : tuple of ndarray, shape (n,)
        Its sizes by row.
    base_fee : ndarray, shape (n,)
        gwei.
    tips : tuple of ndarray, shape (n,)
        Tip, gwei, and believed inclusion curve.
    band : float
        Distance from q* that is not hedged, ETH.
    settings : tuple of ndarray
        Of the book and of the pool.
    tape : ndarray, shape (n, 6), optional
        Reserves of a recorded pool, see :func:`ethpredict.sim.pool_tape.pool_rows`.

    Returns
    -------
    Outcome
        With every detail.
    """
    s, p = ([float(value) for value in values] for values in settings)
    lot, order = s[lob.S_LOT], int(s[lob.S_ORDER_LOTS]) * s[lob.S_LOT]
    close = [float(value) for value in market.close]
    world = Pool(0.5 * p[amm.P_LIQUIDITY] / close[0], 0.5 * p[amm.P_LIQUIDITY], p[amm.P_FEE])
    wallet = amm.ENDOWMENT_USD * p[amm.P_MAX] * close[0]
    book, pool = Book(len(close)), Book(1)
    lots, pool_lots, age = 0, 0, 0.0
    for j in range(len(close)):
        i = max(j - 1, 0)
        reference, held = close[i], lots * lot
        live = j > 0 and not market.gap[j]
        overdue = lots != 0 and age > s[lob.S_TIMEOUT]
        money = s[lob.S_CAPITAL] + book.accounts[acc.CASH] + held * reference
        fill, hedged, sent, cap = 0, 0, 0, int(s[lob.S_MAX_LOTS])
        bid: int | None = None
        ask: int | None = None
        drift = target = 0.0
        if tape is not None:
            world.reserve0, world.reserve1 = float(tape[j, 0]), float(tape[j, 1])
        if j > 0:
            states = None if tape is None else tape[j, 2:]
            legs = lots, pool_lots
            costs = float(base_fee[i]), (float(tips[0][i]), float(tips[1][i]), float(tips[2][i]))
            limits = math.inf if overdue else band, wallet
            sent, hedged = _play_hedge(
                (book, pool, world), market, quotes, j, legs, costs, limits, (s, p), states
            )
        if live and overdue:
            fill = -lots
            fee = s[lob.S_TAKER] * (abs(held) * reference)
            book.fill(held, -held, reference, fee, 0.0, reference, float(market.future_close[j]))
            book.add(acc.N_TIMEOUTS, 1.0)
        elif live:
            cap = largest_position(money, sizes, i, reference, s)
            drift, target = float(quotes.mu[i]), float(quotes.target[i])
            room = cap - lots - max(sent, 0), cap + lots + min(sent, 0)
            orders = row_orders(market, quotes, j, lots, room, s)
            bid, ask = (orders[side][0][0] if orders[side] else None for side in (1, -1))
            fill = fill_row(book, market, j, lots + hedged, orders, s)
        age = age + float(market.seconds[j]) if lots * (lots + fill + hedged) > 0 else 0.0
        lots, pool_lots = lots + fill + hedged, pool_lots + hedged
        free = cap - abs(lots)
        blocked = free < int(s[lob.S_ORDER_LOTS]) if s[lob.S_WHOLE] > 0.0 else free < 1
        book.mark(j, market, lots * lot, reference, blocked)
        pool.add(acc.INVENTORY, pool_lots * lot * (close[j] - reference))
        book.detail[acc.D_BID, j] = math.nan if bid is None else bid * s[lob.S_TICK]
        book.detail[acc.D_ASK, j] = math.nan if ask is None else ask * s[lob.S_TICK]
        book.detail[acc.D_FILL, j] = (fill + hedged) * lot
        book.detail[acc.D_MU, j], book.detail[acc.D_TARGET, j] = drift, target * order
    _close((book, pool, world), (lots, pool_lots), close[-1], float(base_fee[-1]), (s, p))
    return book.outcome()


def _play_hedge(
    books: tuple[Book, Book, Pool],
    market: MarketRows,
    quotes: QuoteRows,
    j: int,
    legs: tuple[int, int],
    costs: tuple[float, tuple[float, float, float]],
    limits: tuple[float, float],
    settings: tuple[list[float], list[float]],
    states: Floats | None,
) -> tuple[int, int]:
    """Blocks of row j with our hedge: lots sent and lots filled."""
    (book, pool, world), (base_fee, curve), (s, p) = books, costs, settings
    i, lot, reference = j - 1, s[lob.S_LOT], float(market.close[j - 1])
    held, order = legs[0] * lot, int(s[lob.S_ORDER_LOTS]) * lot
    unit = p[amm.P_GAS_UNITS] * amm.GWEI * reference
    gas = p[amm.P_GAS_UNITS] * amm.GWEI * base_fee
    cost = (gas + p[amm.P_DATA_FEE] * amm.GWEI) * reference
    spent = pool.accounts[acc.GAS], pool.accounts[acc.BRIBE]
    funds = limits[1] + pool.accounts[acc.CASH] - spent[0] - spent[1]
    wanted = s[lob.S_TARGET] + float(quotes.target[i]) * order - held
    sent, surplus, tip, chance = 0, 0.0, curve[0], 0.0
    if abs(wanted) > limits[0] and world.reserve0 > 0.0:
        at_hand = funds, p[amm.P_MAX] + legs[1] * lot
        price = reference + float(quotes.shift[i])
        sent, surplus = _hedge(world, quotes, i, wanted, price, at_hand, held, s)
        surplus -= p[amm.P_SANDWICH] * (p[amm.P_SLIPPAGE] * abs(world.cost(sent * lot)))
    if sent != 0:
        tip, chance, utility = choose_tip(surplus, cost, curve, unit, p)
        sent = sent if abs(sent) * lot >= p[amm.P_MIN_TRADE] and utility > 0.0 else 0
    leg = Book(1)
    leg.accounts[acc.AVERAGE] = book.accounts[acc.AVERAGE]
    order_sent = sent * lot, tip, chance
    held_funds = held, funds
    filled = play_row(leg, world, (market, j), order_sent, (cost, unit), held_funds, p, states)
    if sent == 0:
        return 0, 0
    _add_leg(book, pool, leg)
    book.add(acc.N_HEDGES, float(filled != 0.0))
    return sent, sent if filled != 0.0 else 0


def _close(
    books: tuple[Book, Book, Pool],
    legs: tuple[int, int],
    mid: float,
    base_fee: float,
    settings: tuple[list[float], list[float]],
) -> None:
    """Close both legs, each at its own venue, and name the pool's parts."""
    (book, pool, world), (s, p) = books, settings
    quoted = (legs[0] - legs[1]) * s[lob.S_LOT]
    cost = abs(quoted) * mid * s[lob.S_TAKER]
    book.add(acc.LIQUIDATION, -cost)
    book.add(acc.CASH, quoted * mid - cost)
    leg = Book(1)
    leg.accounts[acc.AVERAGE] = book.accounts[acc.AVERAGE]
    close_pool(leg, world, legs[1] * s[lob.S_LOT], mid, base_fee, p)
    _add_leg(book, pool, leg)
    for name, part in POOL_PARTS.items():
        book.accounts[name] = pool.accounts[part]


def _add_leg(book: Book, pool: Book, leg: Book) -> None:
    """Book one transaction with the run and with its pool leg."""
    book.accounts[acc.AVERAGE] = leg.accounts[acc.AVERAGE]
    for name, value in enumerate(leg.accounts):
        if name not in OWN:
            book.add(name, value)
            pool.add(name, value)


def _value(quotes: QuoteRows, i: int, q: float) -> float:
    """``(theta(q + 1) - theta(q))/D`` at whole orders: what a bid gives up beyond the centre."""
    bid, _ = distances(quotes, i, q, (-math.inf, math.inf))
    return float(quotes.centre[i]) - bid


def _hedge(
    pool: Pool,
    quotes: QuoteRows,
    i: int,
    wanted: float,
    price: float,
    at_hand: tuple[float, float],
    held: float,
    s: list[float],
) -> tuple[int, float]:
    """Signed lots towards q*, and their gain before gas and bribe."""
    lot, order = s[lob.S_LOT], int(s[lob.S_ORDER_LOTS]) * s[lob.S_LOT]
    side = 1 if wanted > 0.0 else -1
    q = (held - s[lob.S_TARGET]) / order
    keep, product = 1.0 - pool.fee, pool.reserve0 * pool.reserve1
    net = max(0.0, at_hand[0]) * keep
    limit = net * pool.reserve0 / (pool.reserve1 + net) if side > 0 else at_hand[1]
    most = min(abs(wanted), limit)

    def gains(size: float) -> bool:
        place = q + side * size / order
        below = math.floor(place + WHOLE) if side > 0 else math.ceil(place - WHOLE) - 1
        deep = pool.reserve0 - size if side > 0 else pool.reserve0 + size * keep
        paid = product / (deep * deep * keep) if side > 0 else product * keep / (deep * deep)
        return side * (price - paid + _value(quotes, i, float(below))) > 0.0

    if not (most > 0.0 and gains(0.0)):
        return 0, 0.0
    size = most
    if not gains(most):
        size, high = 0.0, most
        for _ in range(BISECTIONS):
            middle = 0.5 * (size + high)
            size, high = (middle, high) if gains(middle) else (size, middle)
    lots = side * math.floor(size / lot + 1e-9)
    if lots == 0:
        return 0, 0.0
    traded, change, place = lots * lot / order, 0.0, q
    end = q + traded
    while side * (end - place) > WHOLE:
        below = math.floor(place + WHOLE) if side > 0 else math.ceil(place - WHOLE) - 1
        stop = min(below + 1.0, end) if side > 0 else max(float(below), end)
        change += (stop - place) * _value(quotes, i, float(below))
        place = stop
    return lots, lots * lot * price + order * change - pool.cost(lots * lot)
