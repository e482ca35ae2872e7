"""The order-by-order book: its tables agree with each other and with what was planted."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ethpredict.data.market import BOOK_COLUMNS, ORDER_COLUMNS, TABLES, Chunks, Market
from ethpredict.data.synthetic import generate, mid_path, planted_drift, stream, tables
from ethpredict.io.artefact import write_table, write_tables
from ethpredict.quoting.inclusion import fit_inclusion
from tests.unit.data.synthetic_markets import settings

QUIET: dict[str, Any] = {
    "days": 2,
    "book": "orders",
    "trades_per_day": 2_000.0,
    "annual_volatility": 0.2,
    "fill_decay": 4.0,
}


@lru_cache(maxsize=1)
def quiet() -> Market:
    """Two quiet days, order by order."""
    return generate(settings(**QUIET))


def _whole(values: pd.Series, step: float) -> np.ndarray:
    units = values.to_numpy() / step
    np.testing.assert_allclose(units, np.rint(units), atol=1e-4)
    return np.rint(units).astype(np.int64)


def _rows(frame: pd.DataFrame, steps: dict[str, Any], first: list[str]) -> dict[int, list[Any]]:
    """Rows by time: the columns `first`, then price in ticks and size in lots."""
    columns = [frame[name].tolist() for name in first]
    columns += [_whole(frame["price"], steps["tick"]).tolist()]
    columns += [_whole(frame["size"], steps["lot"]).tolist()]
    groups: dict[int, list[Any]] = {}
    for ts, row in zip(frame["ts"].tolist(), zip(*columns, strict=True), strict=True):
        groups.setdefault(ts, []).append(row)
    return groups


def test_updates_orders_and_trades_tell_one_story() -> None:
    """Rebuild the book from its orders alone; hold updates and trades to it at every event."""
    market = quiet()
    assert market.truth is not None
    assert market.book.dtypes.astype(str).to_dict() == BOOK_COLUMNS
    assert market.orders.dtypes.astype(str).to_dict() == ORDER_COLUMNS
    steps = market.truth["book"]
    orders = _rows(market.orders, steps, ["kind", "order_id", "side"])
    updates = _rows(market.book, steps, ["snapshot", "side"])
    trades = _rows(market.trades, steps, ["aggressor_side"])
    resting: dict[int, tuple[int, int, int]] = {}
    levels: dict[int, dict[int, int]] = {1: {}, -1: {}}  # by side: ticks and lots, from orders
    shown: dict[int, dict[int, int]] = {1: {}, -1: {}}  # the same from updates
    snapshots = printed = 0
    empty_since = None
    for ts in sorted(set(orders) | set(updates) | set(trades)):
        for aggressor, price, size in trades.get(ts, []):
            side = -aggressor
            best = min(levels[side], key=lambda tick: -side * tick)
            assert price == best
            levels[side][best] -= size
            assert levels[side][best] >= 0
            if levels[side][best] == 0:
                del levels[side][best]
            printed += 1
        changed = {}
        for kind, number, side, price, size in orders.get(ts, []):
            before = resting.pop(number, None)
            assert (before is None) == (kind == "created")
            if before is not None:
                assert before[:2] == (side, price)
                assert size <= before[2]
            if kind != "deleted":
                assert size > 0
                resting[number] = (side, price, size)
            changed[side, price] = changed.get((side, price), 0)
            changed[side, price] += (size if kind != "deleted" else 0) - (before or (0, 0, 0))[2]
        if ts in trades:  # already taken off above: the orders say the same
            taken: dict[tuple[int, int], int] = {}
            for aggressor, price, size in trades[ts]:
                taken[-aggressor, price] = taken.get((-aggressor, price), 0) - size
            assert changed == taken
        else:
            for (side, price), size in changed.items():
                levels[side][price] = levels[side].get(price, 0) + size
                if levels[side][price] == 0:
                    del levels[side][price]
        if any(row[0] for row in updates.get(ts, [])):
            assert all(row[0] for row in updates[ts])
            shown = {1: {}, -1: {}}
            snapshots += 1
        for _, side, price, size in updates.get(ts, []):
            shown[side][price] = size
            if size == 0:
                del shown[side][price]
        assert shown == levels
        assert max(levels[1], default=0) < min(levels[-1], default=10**9)
        # A sweep may take a whole side; makers are back after the planted delay.
        if empty_since is not None:
            assert ts - empty_since <= round(steps["refill_s"] * 1e9)
        if levels[1] and levels[-1]:
            empty_since = None
        elif empty_since is None:
            empty_since = ts
    assert snapshots == 2
    assert printed == len(market.trades) > 2_000
    assert sum(lots for _, _, lots in resting.values()) == sum(
        lots for side in shown.values() for lots in side.values()
    )


def test_events_have_their_own_time_and_number() -> None:
    market = quiet()
    book = market.book
    by_id = book.groupby("id")["ts"]
    assert (by_id.nunique() == 1).all()
    assert (by_id.first().diff().dropna() > 0).all()
    assert (book["ts"].diff().dropna() >= 0).all()
    assert (book["ts_local"] == book["ts"]).all()
    assert set(market.trades["ts"]) <= set(book["ts"])
    assert market.trades["id"].tolist() == list(range(1, len(market.trades) + 1))
    opening = book.groupby(book["ts"] // (86_400 * 10**9))["snapshot"].first()
    assert opening.tolist() == [True, True]


def test_candles_are_the_trades_and_drift_is_planted() -> None:
    market = quiet()
    assert market.truth is not None
    row = np.searchsorted(market.candles["ts_open"].to_numpy(), market.trades["ts"], "right") - 1
    groups = market.trades.groupby(row)
    found = groups["price"].agg(["first", "max", "min", "last"])
    rows = market.candles.loc[found.index]
    np.testing.assert_array_equal(rows[["open", "high", "low", "close"]], found)
    np.testing.assert_allclose(rows["volume"], groups["size"].sum(), rtol=1e-12)
    assert rows["trades"].tolist() == groups.size().tolist()
    ts, mid = mid_path(settings(**QUIET))
    assert len(mid) == 2 * 86_400
    # The mid of each candle drifts as its past candles say: the planted signal is the book's own.
    drift = planted_drift(market.candles, market.truth)
    assert np.std(drift) > 0
    # Best prices straddle the planted mid at the planted distance.
    book = market.book[market.book["size"] > 0]
    off = book["price"].to_numpy() / mid[(book["ts"].to_numpy() - ts[0]) // 10**9] - 1
    signed = -off * book["side"].to_numpy()
    least = market.truth["flow"]["half_spread_bps"] * 1e-4
    assert signed.min() >= least - 1e-9
    assert signed.min() < least + market.truth["book"]["tick"] / 3000.0


@lru_cache(maxsize=1)
def swept() -> tuple[Market, np.ndarray]:
    """Two days with many sweeps, and their mid."""
    changes: dict[str, Any] = {
        "days": 2, "book": "l2", "sweep_fraction": 0.4, "trades_per_day": 40_000.0,
        "limits_per_trade": 1.0,
    }  # fmt: skip
    return generate(settings(**changes)), mid_path(settings(**changes))[1]


@pytest.mark.parametrize("side", [1, -1])
def test_planted_fill_intensity_comes_back(side: int) -> None:
    """Quotes on the grid, re-quoted every second: they are hit at rate A exp(-k distance)."""
    market, mid = swept()
    assert market.truth is not None
    truth, tick = market.truth["fill"], market.truth["book"]["tick"]
    trades = market.trades[market.trades["aggressor_side"] == side]
    deepest = trades.groupby("ts")["price"].agg("max" if side > 0 else "min")
    second = (deepest.index.to_numpy() - market.candles["ts_open"].iloc[0]) // 10**9
    fill = _whole(deepest, tick)
    exact = side * mid / tick
    for distance in (0.8, 1.6, 2.4):
        quote = np.ceil(exact + distance / tick - 1e-9).astype(np.int64)
        hits = int((side * fill >= quote[second]).sum())
        expected = truth["A"] * np.exp(-truth["k"] * (quote - exact) * tick).sum()
        assert expected > 1_500
        assert abs(hits - expected) < 4 * np.sqrt(expected)
    beyond = side * fill - np.ceil(exact + 0.8 / tick).astype(np.int64)[second]
    beyond = beyond[beyond >= 0]  # geometric: P(one tick deeper) = exp(-k tick)
    mean, n = beyond.mean(), len(beyond)
    k = np.log1p(1 / mean) / tick
    error = 1 / (tick * np.sqrt(n * mean * (1 + mean)))
    assert abs(k - truth["k"]) < 4 * error
    assert error < 0.02


def _bytes(market: Market, folder: Path) -> dict[str, bytes]:
    paths = {name: folder / f"{name}.parquet" for name in TABLES}
    write_tables({name: getattr(market, name) for name in TABLES}, paths)
    return {name: path.read_bytes() for name, path in paths.items()}


def test_streamed_market_has_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet()
    monkeypatch.setattr(tables, "PIECE", 7_000)
    given = settings(**QUIET)
    streamed = stream(given)
    for name in ("trades", "book", "orders", "pool_events", "blocks", "tips"):
        assert isinstance(getattr(streamed, name), Chunks)
    assert streamed.truth == quiet().truth
    made = _bytes(streamed, tmp_path)
    for name in TABLES:
        write_table(getattr(quiet(), name), tmp_path / "one.parquet")
        assert (tmp_path / "one.parquet").read_bytes() == made[name], name
    write_table(streamed.trades, tmp_path / "alone.parquet")  # a second pass of its own
    assert (tmp_path / "alone.parquet").read_bytes() == made["trades"]
    whole = streamed.whole()
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(whole, name), getattr(quiet(), name))


def test_a_shorter_market_and_a_coarser_level_are_parts_of_it() -> None:
    short = generate(settings(**QUIET | {"days": 1, "book": "l2"}))
    assert short.orders.empty
    for name in ("candles", "trades", "book", "pool_events", "blocks", "tips"):
        first, whole = getattr(short, name), getattr(quiet(), name)
        assert 0 < len(first) < len(whole)
        pd.testing.assert_frame_equal(first, whole.iloc[: len(first)], check_exact=True)


def test_without_a_book_nothing_is_shown_of_one() -> None:
    market = generate(settings(days=1, tips_per_block=0))
    assert market.book.empty
    assert market.orders.empty
    assert market.tips.empty
    assert market.truth is not None
    assert not {"book", "hawkes"} & set(market.truth)


def test_tips_give_back_the_inclusion_curve() -> None:
    market = generate(settings(days=2, trades_per_day=100.0, tips_per_block=3))
    assert market.truth is not None
    truth, tips = market.truth["inclusion"], market.tips
    assert len(tips) == 3 * len(market.blocks)
    blocks = market.blocks.set_index("number")["ts"]
    assert (blocks[tips["block"]].to_numpy() == tips["ts"].to_numpy()).all()
    fit = fit_inclusion(tips["tip_gwei"], tips["included"])
    assert abs(fit.a - truth["a"]) < 4 * fit.a_se
    assert abs(fit.s - truth["s"]) < 4 * fit.s_se
    assert fit.s_se < 0.05
