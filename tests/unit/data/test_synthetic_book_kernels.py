"""The compiled order book against its plain twin, and against itself in other pieces."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ethpredict.data.synthetic import _hawkes_kernels, book_reference, reference
from ethpredict.data.synthetic import book as book_module
from ethpredict.data.synthetic.book import BookDay, OrderBook, book_shape, draw_sweeps
from ethpredict.data.synthetic.flow import order_flow
from ethpredict.data.synthetic.keyed_random import stream
from ethpredict.data.synthetic.settings import (
    SCALE_PRIOR,
    SIZE_LOG_SD,
    MarketSettings,
    read_settings,
)
from ethpredict.data.synthetic.volatility import (
    DayState,
    day_jumps,
    day_state,
    initial_factors,
)
from tests.unit.data.synthetic_markets import settings

SECONDS = 900
BUSY: dict[str, Any] = {
    "book": "orders",
    "trades_per_day": 100_000.0,
    "sweep_fraction": 0.2,
    "predictability": 0.2,
    "informed_fraction": 0.5,
    "jumps_per_day": 400.0,
}
# So low a price that some of the ladder's ticks would be below one.
THIN = BUSY | {"price": 10.0, "fill_decay": 40.0, "annual_volatility": 10.0, "half_spread_bps": 50}
LOW = 0.05


def _kernel(market: MarketSettings, state: DayState, start: float) -> BookDay:
    carried = np.array([np.log(start), 0.0, SCALE_PRIOR**2, market.price])
    return OrderBook(market).run_day(0, state, carried, SECONDS)


def _plain(
    market: MarketSettings, state: DayState, start: float, crowd_limit: int
) -> tuple[book_reference.Book, reference.DayResult, list[tuple[int, int]]]:
    shape, flow = book_shape(market), order_flow(market)
    trading = book_reference.Trading(
        market.informed_fraction, market.half_spread_bps * 1e-4, market.book_scale,
        market.size_scale, shape.order_log_lots, SIZE_LOG_SD, shape.maker_lots, shape.crowd_lots,
        shape.crowd_ticks, market.drift_per_unit, market.candle_seconds,
    )  # fmt: skip
    seed, ns, depth, buys = draw_sweeps(market, 0)
    book = book_reference.Book(shape.ladder, shape.reach, crowd_limit)
    hawkes = book_reference.Hawkes(flow.kernel.tolist(), flow.decay, [0.0] * 6, [0.0] * 6)
    made, points = book_reference.run(
        book, hawkes, flow.base.tolist(), book_reference.SplitMix(int(seed[0])), trading,
        float(np.log(start)), market.price, reference.Signal(), SECONDS,
        state.sigma.tolist(), state.activity.tolist(), state.tilt.tolist(),
        stream(market.seed, "price").standard_normal(86_400).tolist(),
        day_jumps(market, 0).tolist(),
        list(zip(ns.tolist(), depth.tolist(), buys.tolist(), strict=True)),
    )  # fmt: skip
    return book, made, points


@pytest.mark.parametrize(
    ("changes", "crowd_limit", "rows"),
    [(BUSY, 4096, 1 << 17), (BUSY, 10, 40), (THIN, 50, 1 << 17)],
    ids=["busy", "small crowd, many calls", "thin"],
)
def test_run_book_parity(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], crowd_limit: int, rows: int
) -> None:
    monkeypatch.setattr(book_module, "CROWD_LIMIT", crowd_limit)
    monkeypatch.setattr(book_module, "_ROWS", rows)
    market = read_settings(settings(**changes))
    state = day_state(market, 0, initial_factors(market.seed))
    start = LOW if changes is THIN else market.price
    day = _kernel(market, state, start)
    book, made, points = _plain(market, state, start, crowd_limit)
    if changes is THIN:
        assert day.updates[:, 2].min() == 1
    assert len(points) > 5_000
    np.testing.assert_array_equal(day.points, points)
    np.testing.assert_array_equal(day.trades, book.trades)
    np.testing.assert_array_equal(day.orders, book.orders)
    np.testing.assert_array_equal(day.updates, book.updates)
    np.testing.assert_allclose(day.candles, made.candles, rtol=1e-12)
    np.testing.assert_allclose(day.mid, made.mid, rtol=1e-12)
    np.testing.assert_allclose(day.drift, made.drift, rtol=1e-9, atol=1e-15)
    kinds = {kind for _, kind, *_ in book.orders}
    assert kinds == {0, 1, 2}


def test_hawkes_parity() -> None:
    flow = order_flow(read_settings(settings(book="l2")))
    when, kinds = np.empty(2_000), np.empty(2_000, np.int64)
    rng, excite = np.array([5], np.uint64), np.zeros(6)
    n = _hawkes_kernels.hawkes(flow.base, excite, flow.kernel, flow.decay, 300.0, rng, when, kinds)
    plain = book_reference.Hawkes(flow.kernel.tolist(), flow.decay, [0.0] * 6, flow.base.tolist())
    draws = book_reference.SplitMix(5)
    now, points = 0.0, []
    while True:
        wait = plain.wait(draws)
        now += wait
        if now >= 300.0:
            break
        plain.advance(wait)
        points.append((now, plain.point(draws)))
    assert n == len(points) > 300
    np.testing.assert_allclose(when[:n], [t for t, _ in points], rtol=1e-12)
    assert kinds[:n].tolist() == [kind for _, kind in points]
