"""The order book in plain Python: what the compiled kernel must reproduce bit for bit."""

from __future__ import annotations

import math

from ethpredict.sim import _account_kernels as acc
from ethpredict.sim import _lob_kernels as lob
from ethpredict.sim.metrics import Outcome
from ethpredict.sim.quotes import QuoteRows
from ethpredict.sim.reference import Book
from ethpredict.sim.rows import Floats, MarketRows

# Ticks and lots of the orders of either side, nearest first.
Orders = dict[int, list[tuple[int, int]]]


def _ticks(price: float, tick: float, up: bool) -> int:
    """Price to a whole tick, up or down, with the guard of the kernel."""
    ticks = price / tick
    guard = lob.GUARD_TICKS, lob.GUARD_RELATIVE * ticks
    return math.ceil(ticks - guard[0] - guard[1]) if up else math.floor(ticks + guard[0] + guard[1])


def _layers(
    mid: float, quoted: float, distances: tuple[float, float], s: list[float]
) -> list[tuple[int | None, int | None]]:
    """Bid and ask of every layer in ticks."""
    found: list[tuple[int | None, int | None]] = []
    tick, count = s[lob.S_TICK], int(s[lob.S_LAYERS])
    if any(math.isnan(distance) for distance in distances):
        return [(None, None)] * count
    highest, lowest = _ticks(mid, tick, True) - 1, _ticks(mid, tick, False) + 1
    whole, per_tick = quoted / tick, 1.0 / tick
    guard = lob.GUARD_TICKS + lob.GUARD_RELATIVE * whole
    for layer in range(count):
        away = layer * s[lob.S_LAYER_STEP] * mid
        below = (whole + guard) - (distances[0] + away) * per_tick
        above = (whole - guard) + (distances[1] + away) * per_tick
        bid = min(math.floor(below), highest) if math.isfinite(below) else 0
        ask = max(math.ceil(above), lowest) if math.isfinite(above) else None
        highest, lowest = bid - 1, (ask or lowest) + 1
        legal = ask is not None and ask <= lob.LARGEST_TICK
        found.append((bid if bid >= 1 else None, ask if legal else None))
    return found


def distances(
    quotes: QuoteRows, i: int, q: float, bounds: tuple[float, float]
) -> tuple[float, float]:
    """Distances of bid and ask of one row at an inventory in lots."""
    centre, target = float(quotes.centre[i]), float(quotes.target[i])
    if len(quotes.nodes) == 0 or math.isnan(centre):
        slope = float(quotes.slope[i])
        wanted = centre + (q - target + 0.5) * slope, centre - (q - target - 0.5) * slope
    elif quotes.corners[i, 0] < 0:
        wanted = math.nan, math.nan
    else:
        held, k = -q if quotes.falling[i] else q, float(quotes.decay[i])
        bid = centre - _ratio(quotes, i, held) / k
        ask = centre + _ratio(quotes, i, held - 1.0) / k
        wanted = (ask, bid) if quotes.falling[i] else (bid, ask)
    if any(math.isnan(distance) for distance in wanted):
        return math.nan, math.nan
    return (
        min(max(wanted[0], bounds[0]), bounds[1]),
        min(max(wanted[1], bounds[0]), bounds[1]),
    )


def _ratio(quotes: QuoteRows, i: int, q: float) -> float:
    """Log ratio at an inventory: linear between lots and between the corners of the cell."""
    last = quotes.nodes.shape[1] - 1
    place = min(max(q + (last + 1) / 2, 0.0), float(last))
    low, total = math.floor(place), 0.0
    high = min(low + 1, last)
    weights = [float(weight) for weight in quotes.weights[i]]
    for corner in range(8):
        share = 1.0
        for axis in range(3):
            upper = corner >> (2 - axis) & 1
            share *= weights[axis] if upper else 1.0 - weights[axis]
        if share != 0.0:
            node = quotes.nodes[quotes.corners[i, corner]]
            first, second = float(node[low]), float(node[high])
            total += share * (first + (place - low) * (second - first))
    return total


def run_lob(
    market: MarketRows, quotes: QuoteRows, sizes: tuple[Floats, Floats], settings: Floats
) -> Outcome:
    """Order book at fidelity 0; see :func:`ethpredict.sim._maker_kernels.run_lob`.

    Parameters
    ----------
    market : MarketRows
        Rows of the run.
    quotes : QuoteRows
        Its quotes by row.
    sizes : tuple of ndarray, shape (n,)
        Its sizes by row, see :func:`ethpredict.sim.quotes.size_rows`.
    settings : ndarray, shape (N_LOB_SETTINGS,)
        As for the kernel.

    Returns
    -------
    Outcome
        With every detail.
    """
    s = [float(value) for value in settings]
    strategy = int(s[lob.S_STRATEGY])
    order, most = int(s[lob.S_ORDER_LOTS]), int(s[lob.S_MAX_LOTS])
    lot, tick = s[lob.S_LOT], s[lob.S_TICK]
    close = [float(value) for value in market.close]
    book, lots, age = Book(len(close)), 0, 0.0
    for j in range(len(close)):
        i = max(j - 1, 0)
        reference, held, fill, cap = close[i], lots * lot, 0, most
        bid: int | None = None
        ask: int | None = None
        drift = target = 0.0
        future = float(market.future_close[j])
        live = j > 0 and not market.gap[j]
        quoting = live and strategy not in (lob.NONE, lob.HOLD)
        overdue = quoting and lots != 0 and age > s[lob.S_TIMEOUT]
        if overdue or (live and strategy == lob.HOLD and lots == 0):
            fill = -lots if overdue else most
            fee = s[lob.S_TAKER] * (abs(fill * lot) * reference)
            paid = reference + fee / (fill * lot)
            book.fill(held, fill * lot, reference, fee, paid, reference, future)
            book.add(acc.N_TIMEOUTS, float(overdue))
        elif quoting:
            money = s[lob.S_CAPITAL] + book.accounts[acc.CASH] + held * reference
            cap = largest_position(money, sizes, i, reference, s)
            drift, target = float(quotes.mu[i]), float(quotes.target[i])
            orders = row_orders(market, quotes, j, lots, (cap - lots, cap + lots), s)
            bid, ask = (orders[side][0][0] if orders[side] else None for side in (1, -1))
            fill = fill_row(book, market, j, lots, orders, s)
        age = age + float(market.seconds[j]) if lots * (lots + fill) > 0 else 0.0
        lots += fill
        free = cap - abs(lots)
        blocked = free < order if s[lob.S_WHOLE] > 0.0 else free < min(order, 1)
        book.mark(j, market, lots * lot, reference, strategy != lob.NONE and blocked)
        book.detail[acc.D_BID, j] = math.nan if bid is None else bid * tick
        book.detail[acc.D_ASK, j] = math.nan if ask is None else ask * tick
        book.detail[acc.D_FILL, j] = fill * lot
        book.detail[acc.D_MU, j], book.detail[acc.D_TARGET, j] = drift, target * (order * lot)
    book.accounts[acc.OFFERED] *= lot
    held = lots * lot
    cost = abs(held) * close[-1] * s[lob.S_TAKER]
    book.add(acc.LIQUIDATION, -cost)
    book.add(acc.CASH, held * close[-1] - cost)
    return book.outcome()


def row_orders(
    market: MarketRows,
    quotes: QuoteRows,
    j: int,
    lots: int,
    room: tuple[int, int],
    s: list[float],
) -> Orders:
    """Orders of row j at an inventory, by what was known at the close of the row before."""
    i, order, lot = j - 1, int(s[lob.S_ORDER_LOTS]), s[lob.S_LOT]
    reference = float(market.close[i])
    bounds = s[lob.S_LEAST] * reference, s[lob.S_MOST] * reference
    q = (lots * lot - s[lob.S_TARGET]) / (order * lot)
    wanted = distances(quotes, i, q, bounds)
    layers = _layers(reference, reference + float(quotes.shift[i]), wanted, s)
    return _orders(layers, order, room, s[lob.S_WHOLE] > 0.0)


def fill_row(
    book: Book, market: MarketRows, j: int, lots: int, orders: Orders, s: list[float]
) -> int:
    """Offer the orders of row j (counted in lots) and book their fills: signed lots."""
    lot, fill = s[lob.S_LOT], 0
    reference, future = float(market.close[j - 1]), float(market.future_close[j])
    book.add(acc.OFFERED, float(sum(size for _, size in (*orders[1], *orders[-1]))))
    for price_tick, size in _row_fills(market, j, orders, s):
        signed, price = size * lot, price_tick * s[lob.S_TICK]
        charge = s[lob.S_MAKER] * price
        fee, paid = abs(signed) * charge, price + (charge if size > 0 else -charge)
        book.fill((lots + fill) * lot, signed, price, fee, paid, reference, future)
        book.add(acc.TAKEN, abs(signed))
        fill += size
    return fill


def largest_position(
    money: float, sizes: tuple[Floats, Floats], i: int, mid: float, s: list[float]
) -> int:
    """Largest position in lots by the sizes of row i."""
    base, per_usd = float(sizes[0][i]), float(sizes[1][i])
    most, lot, funds = int(s[lob.S_MAX_LOTS]), s[lob.S_LOT], max(money, 0.0)
    size = base + per_usd * funds if per_usd else base
    if math.isfinite(s[lob.S_LEVERAGE]):
        size = min(size, s[lob.S_LEVERAGE] * funds / mid)
    if math.isnan(size) or size <= 0.0:
        return 0
    return most if size >= most * lot else math.floor(size / lot + 1e-9)


def _orders(
    layers: list[tuple[int | None, int | None]], order: int, room: tuple[int, int], whole: bool
) -> Orders:
    """Ticks and lots of the orders of both sides, nearest first."""
    found: Orders = {1: [], -1: []}
    for side in (1, -1):
        left = room[0 if side > 0 else 1]
        for layer in layers:
            price = layer[0 if side > 0 else 1]
            size = order if left >= order else (0 if whole else max(left, 0))
            if price is not None and size > 0:
                found[side].append((price, size))
                left -= size
    return found


def _row_fills(market: MarketRows, j: int, orders: Orders, s: list[float]) -> list[tuple[int, int]]:
    """Ticks and signed lots that row j fills."""
    lot, tick, beyond = s[lob.S_LOT], s[lob.S_TICK], int(s[lob.S_PENETRATION])
    close = float(market.close[j])
    lowest, highest = (
        _ticks(float(market.low[j]), tick, True),
        _ticks(float(market.high[j]), tick, False),
    )
    reached = {
        1: [(price, size) for price, size in orders[1] if lowest <= price - beyond],
        -1: [(price, size) for price, size in orders[-1] if highest >= price + beyond],
    }
    if not reached[1] and not reached[-1]:
        return []
    side = 1 if reached[1] else -1
    if reached[1] and reached[-1]:
        # The side that is worse at the close; the bid on a tie.
        both = reached[1][0][0] + reached[-1][0][0]
        side = 1 if both >= _ticks(2.0 * close, tick, True) else -1
    live = max(0.0, 1.0 - s[lob.S_LATENCY] * (1.0 / float(market.duration[j])))
    volume = float((market.sell_volume if side > 0 else market.buy_volume)[j])
    left = math.floor(volume / lot * (s[lob.S_PARTICIPATION] * live) + 1e-9)
    fills = []
    for price, size in reached[side]:
        taken = min(size, left)
        if taken > 0:
            fills.append((price, side * taken))
            left -= taken
    return fills
