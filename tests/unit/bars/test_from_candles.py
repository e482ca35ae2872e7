"""Time and dollar bars from candles: whole, conserved, and never across a pause."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ethpredict.bars import Count, _kernels, bars_from_candles, reference, time_bars
from ethpredict.data.market import CANDLE_COLUMNS, mark_gaps, typed_table
from ethpredict.errors import ConfigError, DataError

STEP = 300 * 10**9
PER_HOUR = 12
DOLLARS = Count("dollars", 9000.0)


def candles_at(slots, seed=2, **changes):
    """5m candles at these multiples of 5 minutes, with whole volumes."""
    slots = np.asarray(slots, dtype=np.int64)
    n = len(slots)
    rng = np.random.default_rng(seed)
    close = 100.0 + rng.integers(-5, 6, n)
    opened = 100.0 + rng.integers(-5, 6, n)
    values = {
        "ts_open": slots * STEP,
        "ts_close": (slots + 1) * STEP,
        "open": opened,
        "high": np.maximum(opened, close) + rng.integers(0, 3, n),
        "low": np.minimum(opened, close) - rng.integers(0, 3, n),
        "close": close,
        "volume": rng.integers(1, 50, n),
        "quote_volume": rng.integers(100, 5000, n),
        "trades": rng.integers(1, 9, n),
        "taker_buy_volume": rng.integers(0, 2, n),
        "gap": mark_gaps(slots * STEP, (slots + 1) * STEP, 3600.0),
    }
    return typed_table(CANDLE_COLUMNS, values | changes)


def hours(bars):
    return (bars["ts_open"] // (PER_HOUR * STEP)).tolist()


def test_whole_hours():
    candles = candles_at(range(48))
    made = time_bars(candles, "1h", 3600.0)
    groups = candles.groupby(np.arange(48) // PER_HOUR)
    expected = groups.agg(
        ts_open=("ts_open", "first"),
        ts_close=("ts_close", "last"),
        open=("open", "first"),
        high=("high", "max"),
        low=("low", "min"),
        close=("close", "last"),
        volume=("volume", "sum"),
        quote_volume=("quote_volume", "sum"),
        trades=("trades", "sum"),
        taker_buy_volume=("taker_buy_volume", "sum"),
        gap=("gap", "any"),
    )
    pd.testing.assert_frame_equal(made.bars, expected, check_exact=True)
    assert made.missing.tolist() == [0, 0, 0, 0]
    assert made.tails.empty


def test_bars_as_long_as_candles_are_the_candles():
    candles = candles_at([3, 4, 5, 30, 31])
    pd.testing.assert_frame_equal(time_bars(candles, "5m", 3600.0).bars, candles)


def test_incomplete_ends_are_tails():
    made = time_bars(candles_at(range(5, 40)), "1h", 3600.0)
    assert hours(made.bars) == [1, 2]
    assert made.tails["reason"].tolist() == ["start", "end"]
    assert made.tails["rows"].tolist() == [7, 4]


def test_a_bar_may_lack_candles_when_no_pause_is_too_long():
    slots = [s for s in range(48) if s not in (14, 15, 23, 24, 36)]
    made = time_bars(candles_at(slots), "1h", 3600.0)
    assert hours(made.bars) == [0, 1, 2, 3]
    assert made.missing.tolist() == [0, 3, 1, 1]
    assert not made.bars["gap"].any()


@pytest.mark.parametrize(
    ("missing", "kept", "gapped"),
    [
        # From 1:30 to 3:20: hour 1 has seen half an hour of silence at its end, hour 3 begins in
        # a pause that is already too long.
        (range(18, 40), [0, 1, 4, 5], [4]),
        # A pause of 65 minutes from 1:55: hour 2 is empty, hour 3 whole.
        (range(23, 36), [0, 1, 3, 4, 5], [3]),
        # 60 minutes are not longer than max_gap.
        (range(24, 36), [0, 1, 3, 4, 5], []),
        # 75 minutes from 1:10 to 2:25: hour 2 is torn; hour 1 has waited 50 minutes at its end.
        (range(14, 29), [0, 1, 3, 4, 5], [3]),
    ],
)
def test_no_bar_spans_a_long_pause(missing, kept, gapped):
    candles = candles_at([s for s in range(72) if s not in missing])
    made = time_bars(candles, "1h", 3600.0)
    assert hours(made.bars) == kept
    assert [hour for hour, gap in zip(hours(made.bars), made.bars["gap"], strict=True) if gap] == (
        gapped
    )
    assert set(made.tails["reason"]) <= {"gap"}


def test_a_pause_inside_a_long_bar_tears_it():
    candles = candles_at([s for s in range(144) if not 60 <= s < 74])
    made = time_bars(candles, "4h", 3600.0)
    assert made.bars["ts_open"].tolist() == [0, 96 * STEP]
    assert made.bars["gap"].tolist() == [False, True]
    assert made.tails["reason"].tolist() == ["gap"]


def test_a_bar_whose_end_is_silent_for_too_long_is_none():
    # From 6:40 to 9:00; at 8:00 the bar from 4:00 has been silent for 80 minutes.
    candles = candles_at([s for s in range(192) if not 80 <= s < 108])
    made = time_bars(candles, "4h", 3600.0)
    assert made.bars["ts_open"].tolist() == [0, 144 * STEP]
    assert made.tails["ts_from"].tolist() == [48 * STEP, 108 * STEP]
    assert made.bars["gap"].tolist() == [False, True]


slot_sets = st.sets(st.integers(0, 80), min_size=1, max_size=70).map(sorted)


@settings(max_examples=25)
@given(
    slot_sets, st.sampled_from(["5m", "15m", "30m", "1h"]), st.sampled_from([300.0, 900.0, 3600.0])
)
def test_time_bars_conserve_and_keep_to_the_grid(slots, interval, max_gap):
    candles = candles_at(slots)
    made = time_bars(candles, interval, max_gap)
    for column in ("volume", "quote_volume"):
        total = made.bars[column].sum() + made.tails[column].sum()
        assert total == candles[column].sum()
    length = {"5m": 1, "15m": 3, "30m": 6, "1h": 12}[interval] * STEP
    assert (made.bars["ts_open"] % length == 0).all()
    assert (made.bars["ts_close"] - made.bars["ts_open"] == length).all()
    assert (np.diff(made.bars["ts_open"]) > 0).all()
    pause = made.bars["ts_open"].to_numpy()[1:] - made.bars["ts_close"].to_numpy()[:-1]
    assert made.bars["gap"].to_numpy()[1:][pause > max_gap * 1e9].all()
    assert not made.bars["gap"].iloc[:1].any()


@settings(max_examples=25)
@given(slot_sets, st.sampled_from(["15m", "1h"]), st.integers(1, 70))
def test_later_candles_change_no_time_bar(slots, interval, cut):
    candles = candles_at(slots)
    whole = time_bars(candles, interval, 900.0).bars
    part = time_bars(candles.iloc[:cut], interval, 900.0).bars
    pd.testing.assert_frame_equal(part, whole.iloc[: len(part)], check_exact=True)


def test_bars_must_be_a_multiple_of_candles():
    hourly = candles_at(range(0, 48, 12))
    hourly["ts_close"] = hourly["ts_open"] + PER_HOUR * STEP
    with pytest.raises(ConfigError, match=r"bars\.interval = '5m'.*data\.interval = 1h"):
        time_bars(hourly, "5m", 3600.0)
    assert len(time_bars(hourly, "4h", 3600.0).bars) == 1


def test_candles_must_be_of_one_length():
    mixed = candles_at(range(4))
    mixed.loc[2, "ts_close"] += 1
    with pytest.raises(DataError, match="row 3: is 300 s long, the first one 5m"):
        time_bars(mixed, "1h", 3600.0)
    with pytest.raises(DataError, match="there are none"):
        time_bars(mixed.iloc[:0], "1h", 3600.0)


@given(
    st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=40),
    st.integers(1, 30),
    st.sampled_from([0.0, 50.0]),
)
def test_candle_kernel_is_the_reference(rows, threshold, per_day):
    amounts = np.array([d for d, _ in rows], dtype=float)
    breaks = np.array([b for _, b in rows], dtype=bool)
    ts_open = np.cumsum(1 + 20 * breaks, dtype=np.int64) * STEP
    borders = ts_open, ts_open + STEP
    spans, limits = np.empty((len(rows), 3), dtype=np.int64), np.empty(len(rows))
    n = _kernels.cut_candles(
        amounts, breaks, *borders, float(threshold), per_day, 1 / 0.02, spans, limits
    )
    assert [(a, b, bool(c)) for a, b, c in spans[:n].tolist()] == reference.cut_candles(
        amounts.tolist(),
        breaks.tolist(),
        float(threshold),
        list(zip(*(b.tolist() for b in borders), strict=True)),
        per_day,
        0.02,
    )


@settings(max_examples=25)
@given(slot_sets, st.integers(1, 20_000))
def test_dollar_bars_conserve_and_cross_no_gap(slots, threshold):
    candles = candles_at(slots)
    made = bars_from_candles(candles, Count("dollars", threshold), 900.0)
    for column in ("volume", "quote_volume"):
        total = made.bars[column].sum() + made.tails[column].sum()
        assert total == candles[column].sum()
    assert (made.bars["quote_volume"] >= threshold).all()
    pause = made.bars["ts_open"].to_numpy()[1:] - made.bars["ts_close"].to_numpy()[:-1]
    assert (made.bars["gap"].to_numpy()[1:] >= (pause > 900 * 10**9)).all()
    inside = mark_gaps(candles["ts_open"].to_numpy(), candles["ts_close"].to_numpy(), 900.0)
    broken = candles["ts_open"].to_numpy()[inside]
    for bar in made.bars.itertuples():
        assert not ((broken > bar.ts_open) & (broken < bar.ts_close)).any()


@settings(max_examples=25)
@given(slot_sets, st.integers(1, 70))
def test_later_candles_change_no_dollar_bar(slots, cut):
    candles = candles_at(slots)
    whole = bars_from_candles(candles, DOLLARS, 900.0).bars
    part = bars_from_candles(candles.iloc[:cut], DOLLARS, 900.0).bars
    pd.testing.assert_frame_equal(part, whole.iloc[: len(part)], check_exact=True)


def test_unknown_value_is_estimated_to_close_bars_but_not_written():
    candles = candles_at(range(4))
    candles["quote_volume"] = np.nan
    candles[["open", "high", "low", "close"]] = [10.0, 12.0, 8.0, 10.0]
    candles["volume"] = 1.0
    made = bars_from_candles(candles, Count("dollars", 20.0), 3600.0)
    assert made.estimated == 4
    assert made.bars["volume"].tolist() == [2.0, 2.0]
    assert made.bars["quote_volume"].isna().all()


def test_volume_and_tick_bars_of_candles():
    candles = candles_at(range(6))
    candles["volume"] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    candles["trades"] = [10.0, 10.0, 10.0, 10.0, 30.0, 10.0]
    made = bars_from_candles(candles, Count("volume", 6.0), 3600.0)
    assert made.bars["volume"].tolist() == [6.0, 9.0, 6.0]
    assert made.threshold.tolist() == [6.0] * 3
    made = bars_from_candles(candles, Count("trades", 30), 3600.0)
    assert made.bars["trades"].tolist() == [30.0, 40.0]
    assert made.tails["rows"].tolist() == [1]
    candles.loc[3, "trades"] = np.nan
    with pytest.raises(DataError, match="row 4: has no count of trades"):
        bars_from_candles(candles, Count("trades", 30), 3600.0)
