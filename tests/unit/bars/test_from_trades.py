"""Tick, volume and dollar bars against the plain definition and their invariants."""

import math
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpredict.bars import (
    Count,
    bars_from_trades,
    dollar_bars,
    reference,
    tick_bars,
    volume_bars,
)
from ethpredict.data.market import CANDLE_COLUMNS
from ethpredict.errors import ConfigError, DataError

SECOND = 10**9
MEASURES = ["trades", "volume", "dollars"]


@st.composite
def tapes(draw):
    """Return trades whose times often repeat and sometimes pause, with whole sizes and prices."""
    n = draw(st.integers(0, 60))
    steps = draw(st.lists(st.sampled_from([0, 0, 1, 2, 30]), min_size=n, max_size=n))
    ts = np.cumsum(np.array(steps, dtype=np.int64)) * SECOND
    price = np.array(draw(st.lists(st.integers(1, 20), min_size=n, max_size=n)), dtype=float)
    size = np.array(draw(st.lists(st.integers(0, 9), min_size=n, max_size=n)), dtype=float)
    side = np.array(draw(st.lists(st.sampled_from([-1, 1]), min_size=n, max_size=n)), np.int8)
    return ts, price, size, side


def rough_tape(n=3000, seed=4):
    """Trades with sizes and prices that no binary fraction holds exactly."""
    rng = np.random.default_rng(seed)
    ts = np.cumsum(rng.integers(0, 3, n) * rng.integers(0, 10**9, n))
    price = np.round(3000 * np.exp(np.cumsum(rng.normal(0, 1e-4, n))), 2)
    size = np.round(rng.exponential(1.0, n), 3)
    return ts, price, size, rng.choice(np.array([-1, 1], np.int8), n)


def check_against_reference(tape, threshold, measure, max_gap):
    ts, price, size, side = tape
    made = bars_from_trades(ts, price, size, threshold, measure, side, max_gap)
    max_gap_ns = None if max_gap is None else round(max_gap * SECOND)
    bars, tails = reference.cut_trades(
        ts.tolist(),
        price.tolist(),
        size.tolist(),
        Count(measure, threshold),
        max_gap_ns,
        side.tolist(),
    )
    borders = reference.borders([(bar["ts_first"], bar["ts_last"]) for bar in bars])
    expected = {
        "open": "open",
        "high": "high",
        "low": "low",
        "close": "close",
        "volume": "volume",
        "quote_volume": "dollars",
        "trades": "trades",
        "taker_buy_volume": "taker_buy_volume",
    }
    for column, name in expected.items():
        assert made.bars[column].tolist() == [bar[name] for bar in bars], column
    assert list(zip(made.bars["ts_open"], made.bars["ts_close"], strict=True)) == list(borders)
    for column, name in {"volume": "volume", "quote_volume": "dollars", "rows": "trades"}.items():
        assert made.tails[column].tolist() == [tail[name] for tail in tails]
    assert made.tails["reason"].tolist() == [tail["reason"] for tail in tails]
    assert made.tails["ts_from"].tolist() == [tail["ts_first"] for tail in tails]
    assert made.tails["ts_to"].tolist() == [tail["ts_last"] for tail in tails]
    return made


@given(
    tape=tapes(),
    measure=st.sampled_from(MEASURES),
    threshold=st.integers(1, 120),
    max_gap=st.sampled_from([None, 0.5, 2.0, 20.0]),
)
def test_kernel_is_the_reference(tape, threshold, measure, max_gap):
    check_against_reference(tape, float(threshold), measure, max_gap)


@pytest.mark.parametrize(
    ("measure", "threshold"), [("trades", 17), ("volume", 9.3), ("dollars", 4e4)]
)
def test_kernel_is_the_reference_to_the_last_bit(measure, threshold):
    made = check_against_reference(rough_tape(), threshold, measure, 5.0)
    assert len(made.bars) > 50


@given(
    tape=tapes(),
    measure=st.sampled_from(MEASURES),
    threshold=st.integers(1, 120),
    max_gap=st.sampled_from([None, 2.0]),
)
def test_invariants(tape, threshold, measure, max_gap):
    ts, price, size, side = tape
    made = bars_from_trades(ts, price, size, float(threshold), measure, side, max_gap)
    bars, tails = made.bars, made.tails
    assert bars.dtypes.astype(str).to_dict() == CANDLE_COLUMNS
    # Whole numbers add without rounding: conservation is exact.
    assert bars["volume"].sum() + tails["volume"].sum() == size.sum()
    assert bars["quote_volume"].sum() + tails["quote_volume"].sum() == price @ size
    assert bars["trades"].sum() + tails["rows"].sum() == len(ts)
    assert (np.diff(bars["ts_open"]) > 0).all()
    assert (np.diff(bars["ts_close"]) > 0).all()
    assert (bars["ts_close"] > bars["ts_open"]).all()
    assert (bars["ts_open"].to_numpy()[1:] >= bars["ts_close"].to_numpy()[:-1]).all()
    assert (bars["high"] >= bars[["open", "close"]].max(axis=1)).all()
    assert (bars["low"] <= bars[["open", "close"]].min(axis=1)).all()
    assert (bars["taker_buy_volume"] <= bars["volume"]).all()
    if max_gap is not None:
        # Pauses here are 0, 1, 2 or 30 s, which nanoseconds at the borders do not blur.
        pause = bars["ts_open"].to_numpy()[1:] - bars["ts_close"].to_numpy()[:-1]
        assert (bars["gap"].to_numpy()[1:] == (pause > (max_gap + 1) * SECOND)).all()
        assert (bars["ts_close"] - bars["ts_open"] <= 60 * max_gap * SECOND).all()


@given(
    tape=tapes(),
    measure=st.sampled_from(MEASURES),
    threshold=st.integers(1, 60),
    cut=st.integers(0, 60),
)
def test_later_trades_change_no_bar(tape, threshold, measure, cut):
    ts, price, size, side = tape
    whole = bars_from_trades(ts, price, size, float(threshold), measure, side, 2.0).bars
    part = bars_from_trades(
        ts[:cut], price[:cut], size[:cut], float(threshold), measure, side[:cut], 2.0
    ).bars
    pd.testing.assert_frame_equal(part, whole.iloc[: len(part)], check_exact=True)
    # Every bar that had arrived by the cut is there.
    if 0 < cut < len(ts):
        assert len(part) >= (whole["ts_close"] < ts[cut]).sum()


def test_a_bar_is_known_at_its_last_trade_and_never_before():
    ts, price, size, side = rough_tape()
    bars = bars_from_trades(ts, price, size, 0.8, "volume", side).bars
    tape = ts.tolist(), price.tolist(), size.tolist()
    closed, _ = reference.cut_trades(*tape, Count("volume", 0.8))
    last = np.array([bar["ts_last"] for bar in closed])
    late = bars["ts_close"].to_numpy() - last
    shared = np.concatenate(([False], np.diff(last) == 0))
    assert shared.any()
    assert (late[shared] > 0).all()
    assert (late >= 0).all()
    apart = np.diff(last, prepend=-1) > len(ts)
    assert (late[apart] == 0).all()


@given(st.lists(st.integers(1, 5), min_size=1, max_size=20))
def test_distinct_times_stand_as_they_are(steps):
    ts = np.cumsum(steps) * 10
    bars = tick_bars(ts, np.ones(len(ts)), np.ones(len(ts)), 2)
    assert bars["ts_open"].tolist() == ts[: len(bars) * 2 : 2].tolist()
    assert bars["ts_close"].tolist() == ts[1 : len(bars) * 2 : 2].tolist()
    single = tick_bars(ts, np.ones(len(ts)), np.ones(len(ts)), 1)
    assert single["ts_close"].tolist() == ts.tolist()
    assert single["ts_open"].tolist() == (ts - 1).tolist()


def test_many_bars_within_one_nanosecond():
    ts = np.full(10, 5 * SECOND)
    bars = tick_bars(ts, np.arange(1.0, 11.0), np.ones(10), 2)
    assert bars["ts_open"].tolist() == [5 * SECOND + i for i in range(-1, 4)]
    assert bars["ts_close"].tolist() == [5 * SECOND + i for i in range(5)]
    assert bars["close"].tolist() == [2.0, 4.0, 6.0, 8.0, 10.0]


def test_the_crossing_trade_belongs_to_the_bar_and_the_next_one_starts_from_zero():
    bars = dollar_bars([10, 20, 30, 40], [2.0, 2.0, 2.0, 2.0], [3.0, 9.0, 4.0, 1.0], 10.0)
    assert bars["quote_volume"].tolist() == [24.0, 10.0]
    assert bars["ts_close"].tolist() == [20, 40]
    assert volume_bars([10, 20], [1.0, 1.0], [5.0, 5.0], 10.0)["volume"].tolist() == [10.0]
    assert volume_bars([10, 20], [1.0, 1.0], [5.0, 4.9], 10.0).empty


def test_without_sides_the_taker_volume_is_unknown():
    bars = tick_bars([1, 2], [1.0, 2.0], [1.0, 1.0], 1)
    assert bars["taker_buy_volume"].isna().all()
    assert not bars["gap"].any()


def test_fractions_are_conserved_within_rounding():
    ts, price, size, _ = rough_tape(20_000)
    made = bars_from_trades(ts, price, size, 5e4, "dollars", max_gap=1.0)
    total = math.fsum([*made.bars["volume"], *made.tails["volume"]])
    exact = math.fsum(size)
    # Each bar adds at most (trades in it) roundings of half an ulp of its volume.
    longest = made.bars["trades"].max()
    assert abs(total - exact) <= longest * np.finfo(float).eps / 2 * exact
    assert len(made.tails) > 10


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"ts": [1, 3, 2]}, "row 3: the time goes back"),
        ({"price": [1.0, np.nan, 1.0]}, "row 2: the price nan is not a finite number above 0"),
        ({"price": [1.0, 1.0, 0.0]}, "row 3: the price"),
        ({"size": [-1.0, 1.0, 1.0]}, "row 1: the size"),
        ({"size": [1.0, np.inf, 1.0]}, "row 2: the size"),
        ({"size": [1.0]}, "lengths differ: 3 times, 3 prices, 1 sizes"),
    ],
)
def test_bad_trades_are_refused(change, reason):
    trades = {"ts": [1, 2, 3], "price": [1.0, 1.0, 1.0], "size": [1.0, 1.0, 1.0]} | change
    with pytest.raises(DataError, match=reason):
        dollar_bars(**trades, threshold=1.0)


@pytest.mark.parametrize("threshold", [0.0, -1.0, np.nan, np.inf])
def test_threshold_must_be_positive(threshold):
    with pytest.raises(ConfigError, match="a finite number above 0"):
        dollar_bars([1], [1.0], [1.0], threshold)


def test_five_million_trades_take_a_fraction_of_a_second():
    rng = np.random.default_rng(1)
    n = 5_000_000
    ts = np.arange(n, dtype=np.int64) * 10**6
    price = 3000 + np.cumsum(rng.integers(-1, 2, n, dtype=np.int8)) * 0.01
    size = rng.exponential(1.0, n)
    dollar_bars(ts[:9], price[:9], size[:9], 3e6)
    began = time.process_time()
    bars = dollar_bars(ts, price, size, 3e6)
    assert time.process_time() - began < 1.0
    assert abs(len(bars) - price @ size / 3e6) < 50
