"""One run at fidelity `trades` or `l2`: settings, events, kernel, markouts."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ethpredict.data.market import empty_pool_events
from ethpredict.errors import TrialError
from ethpredict.sim import _account_kernels as acc
from ethpredict.sim import _l2_kernels as l2
from ethpredict.sim import _lob_kernels as lob
from ethpredict.sim import _order_kernels as orders
from ethpredict.sim._replay_kernels import run_replay
from ethpredict.sim.funding import funding_rates
from ethpredict.sim.metrics import SHORT_MARKOUTS, Outcome
from ethpredict.sim.pool_tape import NO_ROWS, PoolTape, driven, pool_rows, pool_tape
from ethpredict.sim.quotes import QuoteRows
from ethpredict.sim.recorded_fee import warn_of_fee
from ethpredict.sim.rows import MARKOUT_NS, SECOND_NS, Floats, Ints, MarketRows
from ethpredict.sim.run import BPS, Run
from ethpredict.sim.tape import (
    NO_TRADES,
    Records,
    Tape,
    best_quotes,
    cut_span,
    make_tape,
    mids,
    silent_share,
)

FIDELITIES = ("bars", "trades", "l2")
RULES = {"strict": orders.STRICT, "queue": orders.QUEUE, "touch": orders.TOUCH}
MODELS = {"risk_averse": orders.RISK_AVERSE, "power": orders.POWER, "log": orders.LOG}
MS_NS = 1e6


def fidelity(run: Run) -> str:
    """How finely a run is played: ``bars``, ``trades`` or ``l2``; a pool always by bars.

    Raises
    ------
    TrialError
        If a run with a pool leg asks for events.
    """
    if not run.on_book:
        return "bars"
    level = run.word("sim.fidelity", FIDELITIES)
    if run.venue == "hybrid" and level != "bars":
        raise TrialError(
            run.run_id,
            f"sim.fidelity = {level!r}: must be bars with sim.venue hybrid: the pool is played "
            "by bars; use sim.venue lob",
        )
    return level


def event_rules(run: Run) -> Floats:
    """Fill rule, queue model and latencies of a run as the kernel reads them.

    Returns
    -------
    ndarray, shape (N_EVENT_SETTINGS,)

    Raises
    ------
    TrialError
        If a setting is out of its range, or `queue` is asked for without a book.
    """
    rules = np.zeros(l2.N_EVENT_SETTINGS)
    has_book = fidelity(run) == "l2"
    rules[l2.V_BOOK] = has_book
    rules[l2.V_POWER] = 1.0
    if run.strategy in ("none", "hold"):
        return rules
    fill = run.word("sim.lob.fill", ("auto", *RULES))
    if fill == "queue" and not has_book:
        raise TrialError(
            run.run_id,
            "sim.lob.fill = 'queue': must be auto, strict or touch with sim.fidelity trades "
            "(there is no queue to see); use sim.fidelity l2",
        )
    if fill == "auto":
        fill = "queue" if has_book else "strict"
    rules[l2.V_RULE] = RULES[fill]
    if has_book:
        model = run.word("sim.lob.queue_model", tuple(MODELS))
        rules[l2.V_MODEL] = MODELS[model]
        if model == "power":
            rules[l2.V_POWER] = run.number("sim.lob.queue_power", 0.0, 100.0, open_low=True)
        source = run.word("sim.lob.latency_source", ("constant", "data"))
        rules[l2.V_MEASURED] = source == "data"
    for place, key in (
        (l2.V_ENTRY, "sim.latency_ms"),
        (l2.V_FEED, "sim.lob.feed_latency_ms"),
        (l2.V_RESPONSE, "sim.lob.response_latency_ms"),
        (l2.V_BLOCK, "sim.lob.block_ms"),
    ):
        rules[place] = round(run.number(key, 0.0, 3.6e6) * MS_NS)
    return rules


@dataclass
class Tapes:
    """Events of a pack, prepared once per segment, grid and fidelity."""

    records: Records | None

    def __post_init__(self) -> None:
        self._pool: PoolTape | None = None
        self._fees: set[float] = set()
        self._held: dict[tuple[float, float, int, int, str], tuple[Tape, float]] = {}

    def get(self, run: Run, market: MarketRows) -> Tape:
        """The tape of a run.

        Raises
        ------
        TrialError
            If the data has no events for it.
        """
        if self.records is None:
            raise TrialError(
                run.run_id, f"sim.fidelity = {fidelity(run)!r} needs the trades of the market"
            )
        key = self._key(run, market)
        if key not in self._held:
            tape = self._made(run.run_id, self.records, *key)
            silent = silent_share(tape, market)
            if silent >= 1.0:
                raise TrialError(run.run_id, NO_TRADES)
            self._held[key] = tape, silent
        return self._held[key][0]

    def pool(self, run: Run, market: MarketRows) -> Floats:
        """Reserves that drive the pool of a run, without rows where it plays its own blocks.

        Raises
        ------
        TrialError
            If the data has no events of a pool for it.
        """
        if not driven(run):
            return NO_ROWS
        states, bps = self.states(run), run.number("sim.amm.fee_bps", 0.0, 300.0)
        if bps not in self._fees:
            self._fees.add(bps)
            warn_of_fee(bps * BPS, states)
        return pool_rows(run, market, states)

    def states(self, run: Run) -> PoolTape:
        """States and swaps of the recorded pool.

        Raises
        ------
        TrialError
            If the data has no events of a pool for the run.
        """
        if self._pool is None:
            events = self.records.pool_events() if self.records else empty_pool_events()
            self._pool = pool_tape(run.run_id, events)
        return self._pool

    def silent(self, run: Run, market: MarketRows) -> float:
        """Share of the run's time in which bars have volume and the data no trades; nan for bars.

        Raises
        ------
        TrialError
            As :meth:`get`.
        """
        if fidelity(run) == "bars":
            return math.nan
        self.get(run, market)
        return self._held[self._key(run, market)][1]

    @staticmethod
    def _key(run: Run, market: MarketRows) -> tuple[float, float, int, int, str]:
        return *grid(run), *span(market), fidelity(run)

    @staticmethod
    def _made(
        run_id: str, records: Records, tick: float, lot: float, first: int, last: int, level: str
    ) -> Tape:
        """Trades with the levels of the book (`l2`), or with its best quotes where it has any."""
        trades = records.trades()
        book = records.book() if level == "l2" or "book" in records.filled else None
        if level != "l2" and (book is None or len(cut_span(book, 0, last)) == 0):
            return make_tape(run_id, trades, None, tick, lot, first, last)
        tape = make_tape(run_id, trades, book, tick, lot, first, last)
        return tape if level == "l2" else best_quotes(tape)


def grid(run: Run) -> tuple[float, float]:
    """Tick (USD) and lot (ETH) of a run; a fine grid where it does not trade."""
    if run.strategy in ("none", "hold"):
        return 1e-4, 1e-4 if run.strategy == "none" else run.number("sim.lob.lot_size", 0.0)
    return (
        run.number("sim.lob.tick_size", 0.0, open_low=True),
        run.number("sim.lob.lot_size", 0.0, open_low=True),
    )


def span(market: MarketRows) -> tuple[int, int]:
    """Open of the first and close of the last row, UTC ns."""
    first = int(market.ts_close[0]) - round(float(market.seconds[0]) * SECOND_NS)
    return first, int(market.ts_close[-1])


def _room(times: Ints, layers: int, delay: int) -> int:
    """Most orders at a time: those of every decision whose cancel is still on its way."""
    under_way = np.arange(len(times)) - np.searchsorted(times, times - delay)
    return 2 * layers * (int(under_way.max()) + 3)


def markouts(
    fills: Floats, tape: Tape, market: MarketRows, tick: float, lot: float
) -> dict[str, tuple[float, float]]:
    """Gain of the fills against the mid some time later.

    Parameters
    ----------
    fills : ndarray, shape (m, N_FILL)
        Of the kernel.
    tape, market : Tape, MarketRows
        For the mids, the gaps and the end.
    tick, lot : float
        USD, ETH.

    Returns
    -------
    dict
        Name to (gain in USD, notional in USD) over the fills that have one: not across a
        gap longer than `data.max_gap`, not past the end.
    """
    ts, mid = mids(tape, tick)
    at = fills[:, l2.F_TS].astype(np.int64)
    signed, price = fills[:, l2.F_LOTS] * lot, fills[:, l2.F_PRICE]
    close = market.ts_close - tape.base
    gaps = np.concatenate([[0], np.cumsum(market.gap)])
    row = np.searchsorted(close, at)
    found: dict[str, tuple[float, float]] = {}
    for name, seconds in (SHORT_MARKOUTS | {"markout_5m": MARKOUT_NS / SECOND_NS}).items():
        later = at + round(seconds * SECOND_NS)
        then = np.searchsorted(close, later)
        good = later <= close[-1]
        good &= gaps[np.minimum(then, len(close) - 1) + 1] == gaps[np.minimum(row + 1, len(close))]
        future = mid[np.maximum(np.searchsorted(ts, later, side="right") - 1, 0)]
        gain = np.where(good, signed * (future - price), 0.0)
        found[name] = float(gain.sum()), float((np.abs(signed) * price)[good].sum())
    return found


def simulate_replay(
    run: Run,
    market: MarketRows,
    quotes: QuoteRows,
    sizes: tuple[Floats, Floats],
    book: Floats,
    tapes: Tapes,
    detail: bool = False,
) -> Outcome:
    """Play one run against the market's events.

    Parameters
    ----------
    run : Run
        Settings.
    market, quotes, sizes
        Rows, quotes and sizes of the run, as for bars.
    book : ndarray
        Its settings, from :func:`ethpredict.sim.settings.lob_settings`.
    tapes : Tapes
        Events of the pack.
    detail : bool
        Whether to keep quotes, fills and targets per row.

    Returns
    -------
    Outcome

    Raises
    ------
    TrialError
        If a setting is out of its range or the data has no events.
    """
    rules, settings, tape = event_rules(run), book.copy(), tapes.get(run, market)
    rules[l2.V_BOOK] = tape.has_book
    tick, lot = grid(run)
    settings[lob.S_TICK] = tick
    n = len(market.close)
    times = np.concatenate([[span(market)[0]], market.ts_close]) - tape.base
    delay = int(rules[l2.V_ENTRY])
    if rules[l2.V_MEASURED]:
        delay += int((tape.quotes[:, 1] - tape.quotes[:, 0]).max())
    own = np.zeros((_room(times, int(settings[lob.S_LAYERS]), delay), orders.N_OWN), np.int64)
    facts = tapes.records.funding if tapes.records is not None else None
    funding = funding_rates(facts)
    moments = funding["ts"].to_numpy(np.int64) - tape.base
    paid = moments > times[0]
    equity, inventory = np.empty(n), np.empty(n)
    details = np.full((acc.N_DETAIL, n if detail else 0), np.nan)
    fills = np.zeros((1024, l2.N_FILL))
    while True:
        accounts, count = run_replay(
            times, market.gap, tape.events, tape.quotes, tape.ranks, moments[paid],
            funding["value"].to_numpy(np.float64)[paid], quotes.mu, quotes.centre, quotes.slope,
            quotes.target, quotes.shift, quotes.decay, quotes.nodes, quotes.corners,
            quotes.weights, quotes.falling, *sizes, settings, rules, own, fills, equity,
            inventory, details,
        )  # fmt: skip
        if count <= len(fills):
            break
        fills = np.zeros((4 * count, l2.N_FILL))
    found = markouts(fills[:count], tape, market, tick, lot)
    accounts[acc.MARKOUT], accounts[acc.MARKOUT_NOTIONAL] = found.pop("markout_5m")
    bps = {k: 1e4 * gain / value if value else math.nan for k, (gain, value) in found.items()}
    return Outcome(accounts, equity, inventory, details, bps)
