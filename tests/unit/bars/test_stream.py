"""Trades in pieces: the plain definition, the same bars however cut, exact volume, bounds."""

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpredict.bars import Clock, Count, SignedFlow, TradeCutter, reference
from ethpredict.bars._signed_kernels import add_exactly
from ethpredict.bars.stream import CLOSED_BY
from ethpredict.errors import ConfigError, DataError

SECOND = 10**9
COUNTS = [
    Count("trades", 3),
    Count("volume", 4.5),
    Count("dollars", 25.0),
    Count("trades", 3, per_day=10_000, average_days=0.0005),
    Count("volume", 4.5, per_day=8_000, average_days=0.001),
    Count("dollars", 25.0, per_day=8_000, average_days=0.001),
]
FLOWS = [
    SignedFlow(kind, measure, 4, bound, 3)
    for kind in ("imbalance", "run")
    for measure, bound in (("trades", 3.0), ("volume", 1.0), ("dollars", 2.0))
]
RULES = [*COUNTS, *FLOWS, Clock(4 * SECOND)]


@st.composite
def tapes(draw):
    """Trades whose times repeat and pause, of whole sizes and prices, some of unknown side."""
    n = draw(st.integers(0, 70))
    steps = draw(st.lists(st.sampled_from([0, 0, 1, 2, 30]), min_size=n, max_size=n))
    ts = (1000 + np.cumsum(np.array(steps, dtype=np.int64))) * SECOND
    price = np.array(draw(st.lists(st.integers(5, 9), min_size=n, max_size=n)), dtype=float)
    size = np.array(draw(st.lists(st.integers(0, 5), min_size=n, max_size=n)), dtype=float)
    side = np.array(draw(st.lists(st.sampled_from([-1, 0, 1]), min_size=n, max_size=n)), np.int8)
    return ts, price, size, side


def rough_tape(n, seed=4):
    """Trades with sizes and prices that no binary fraction holds exactly."""
    rng = np.random.default_rng(seed)
    ts = np.cumsum(rng.integers(0, 3, n) * rng.integers(0, 10**9, n))
    price = np.round(3000 * np.exp(np.cumsum(rng.normal(0, 1e-4, n))), 2)
    size = np.round(rng.lognormal(0.0, 1.5, n), 4)
    return ts, price, size, rng.choice(np.array([-1, 1], np.int8), n)


def cut(tape, rule, max_gap, borders=(), sided=True):
    """Cut a tape that comes in pieces."""
    cutter = TradeCutter(rule, sided, max_gap)
    edges = [0, *sorted(borders), len(tape[0])]
    for a, b in pairwise(edges):
        cutter.push(*(column[a:b] for column in (tape if sided else tape[:3])))
    assert cutter.rows == len(tape[0])
    return cutter.finish()


def same(a, b):
    pd.testing.assert_frame_equal(a.bars, b.bars, check_exact=True)
    pd.testing.assert_frame_equal(a.tails, b.tails, check_exact=True)
    np.testing.assert_array_equal(a.threshold, b.threshold)
    np.testing.assert_array_equal(a.closed_by, b.closed_by)


def check_against_reference(tape, rule, max_gap, sided=True):
    made = cut(tape, rule, max_gap, sided=sided)
    ts, price, size, side = (column.tolist() for column in tape)
    gap = None if max_gap is None else round(max_gap * SECOND)
    bars, tails = reference.cut_trades(ts, price, size, rule, gap, side if sided else None)
    names = {name: name for name in ("open", "high", "low", "close", "volume", "trades")}
    names["quote_volume"] = "dollars"
    if sided:
        names["taker_buy_volume"] = "taker_buy_volume"
    for column, name in names.items():
        assert made.bars[column].tolist() == [bar[name] for bar in bars], column
    borders = reference.borders([(bar["ts_first"], bar["ts_last"]) for bar in bars])
    assert list(zip(made.bars["ts_open"], made.bars["ts_close"], strict=True)) == list(borders)
    for column, name in {"volume": "volume", "quote_volume": "dollars", "rows": "trades"}.items():
        assert made.tails[column].tolist() == [tail[name] for tail in tails]
    assert made.tails["reason"].tolist() == [tail["reason"] for tail in tails]
    assert [CLOSED_BY[key] for key in made.closed_by] == [bar["closed_by"] for bar in bars]
    np.testing.assert_array_equal(made.threshold, [bar["threshold"] for bar in bars])
    return made


@given(tapes(), st.sampled_from(COUNTS + FLOWS), st.sampled_from([None, 1.5, 20.0]), st.booleans())
def test_kernels_are_the_reference(tape, rule, max_gap, sided):
    check_against_reference(tape, rule, max_gap, sided)


@pytest.mark.parametrize(
    "rule",
    [
        Count("dollars", 4e4, per_day=5_000, average_days=0.01),
        SignedFlow("imbalance", "dollars", 30, 3, 10),
        SignedFlow("run", "volume", 30, 3, 10),
    ],
    ids=["ewma", "imbalance", "run"],
)
@pytest.mark.parametrize("sided", [True, False])
def test_kernels_are_the_reference_to_the_last_bit(rule, sided):
    made = check_against_reference(rough_tape(6000), rule, 3.0, sided)
    assert len(made.bars) > 60


@given(tapes(), st.sampled_from([0, 1, 5, 29]))
def test_clock_bars_are_the_reference(tape, max_gap):
    made = cut(tape, Clock(4 * SECOND), max_gap)
    ts = tape[0].tolist()
    bars, tails = reference.cut_clock(ts, 4 * SECOND, max_gap * SECOND)
    assert made.bars["ts_open"].tolist() == [ts[a] // (4 * SECOND) * 4 * SECOND for a, _ in bars]
    assert (made.bars["ts_close"] - made.bars["ts_open"] == 4 * SECOND).all()
    assert made.bars["trades"].tolist() == [b - a + 1 for a, b in bars]
    assert made.bars["close"].tolist() == [tape[1][b] for _, b in bars]
    assert made.bars["high"].tolist() == [tape[1][a : b + 1].max() for a, b in bars]
    assert made.tails["rows"].tolist() == [b - a + 1 for a, b, _ in tails]
    assert made.tails["reason"].tolist() == [reason for _, _, reason in tails]
    assert made.tails["ts_from"].tolist() == [ts[a] for a, _, _ in tails]


@given(
    tapes(),
    st.sampled_from(RULES),
    st.lists(st.integers(0, 70), max_size=6),
    st.sampled_from([None, 1.5]),
)
def test_bars_do_not_depend_on_the_pieces(tape, rule, borders, max_gap):
    borders = [min(border, len(tape[0])) for border in borders]
    same(cut(tape, rule, max_gap), cut(tape, rule, max_gap, borders))


@pytest.mark.parametrize("rule", [RULES[0], RULES[5], FLOWS[2], FLOWS[5], RULES[-1]])
def test_bars_of_many_blocks_do_not_depend_on_the_pieces(rule):
    """Longer than the kernels' blocks and outputs, with pauses and shared times."""
    tape = rough_tape(30_000)
    whole = cut(tape, rule, 1.9)
    assert len(whole.bars) > 900
    assert len(whole.tails) > 1
    for borders in ([1], range(1, 30_000, 997), [1024, 2048, 29_999]):
        same(whole, cut(tape, rule, 1.9, borders))


@given(tapes(), st.sampled_from(RULES), st.integers(0, 70), st.sampled_from([1.5, 20.0]))
def test_later_trades_change_no_bar(tape, rule, stop, max_gap):
    whole = cut(tape, rule, max_gap)
    part = cut([column[:stop] for column in tape], rule, max_gap)
    pd.testing.assert_frame_equal(part.bars, whole.bars.iloc[: len(part.bars)], check_exact=True)
    np.testing.assert_array_equal(part.threshold, whole.threshold[: len(part.bars)])


@given(tapes(), st.sampled_from(RULES), st.sampled_from([None, 1.5]))
def test_every_trade_is_in_one_bar_or_one_tail(tape, rule, max_gap):
    made = cut(tape, rule, max_gap)
    # Whole numbers add without rounding: what is conserved is conserved exactly.
    assert made.bars["volume"].sum() + made.tails["volume"].sum() == tape[2].sum()
    assert made.bars["trades"].sum() + made.tails["rows"].sum() == len(tape[0])
    assert (np.diff(made.bars["ts_close"]) > 0).all()
    assert (made.bars["ts_close"] > made.bars["ts_open"]).all()


@given(st.lists(st.floats(0, 1e12, allow_subnormal=False), max_size=40))
def test_exact_sum_reference(amounts):
    sums = np.zeros(3)
    for part in (amounts[:7], amounts[7:]):
        add_exactly(np.array(part, dtype=float), sums)
    assert math.fsum(sums) == math.fsum(amounts)


def test_exact_sum_is_exact_where_floats_are_not():
    size = np.random.default_rng(0).lognormal(0, 4, 5_000)
    sums = np.zeros(3)
    add_exactly(size, sums)
    exact = sum((Fraction(x) for x in size.tolist()), Fraction())
    assert sum((Fraction(x) for x in sums.tolist()), Fraction()) == exact
    assert Fraction(float(size.sum())) != exact


def test_moving_threshold_follows_the_turnover():
    """Turnover jumps tenfold; about 100 bars a day close before and long after."""
    day = 86_400 * SECOND
    n = 20 * 5_000
    ts = np.arange(n, dtype=np.int64) * (day // 5_000)
    size = np.where(ts < 10 * day, 1.0, 10.0)
    tape = ts, np.full(n, 2.0), size, np.ones(n, np.int8)
    made = cut(tape, Count("dollars", 10.0, per_day=100, average_days=1.0), None)
    closes = made.bars["ts_close"].to_numpy() // day
    counts = np.bincount(closes)
    # Started at a tenth of the right threshold: too many bars on the first day.
    assert counts[0] > 200
    assert (abs(counts[6:9] - 100) <= 2).all()
    assert counts[10] > 200
    assert (abs(counts[17:19] - 100) <= 2).all()
    np.testing.assert_allclose(made.threshold[-1], 10 * 10_000 / 100, rtol=0.01)


def test_the_clock_of_the_rate_stands_still_over_a_long_pause():
    day = 86_400 * SECOND
    ts = np.arange(2_000, dtype=np.int64) * (day // 1_000)
    ts[1_000:] += 30 * day
    tape = ts, np.ones(2_000), np.ones(2_000), np.ones(2_000, np.int8)
    made = cut(tape, Count("volume", 10.0, per_day=100, average_days=1.0), 3600.0)
    np.testing.assert_allclose(made.threshold, 10.0, rtol=0.02)
    spanned = cut(tape, Count("volume", 10.0, per_day=100, average_days=1.0), None)
    assert spanned.threshold.min() < 2.0


@pytest.mark.parametrize("kind", ["imbalance", "run"])
@pytest.mark.parametrize("measure", ["trades", "dollars"])
def test_signed_thresholds_neither_collapse_nor_explode(kind, measure):
    """Balanced, one-sided and balanced flow again, with heavy-tailed sizes."""
    n = 60_000
    rng = np.random.default_rng(3)
    buys = np.repeat([0.5, 0.98, 0.5], n)
    side = np.where(rng.random(3 * n) < buys, 1, -1).astype(np.int8)
    size = rng.lognormal(0, 1.5, 3 * n)
    ts = np.arange(3 * n, dtype=np.int64) * SECOND
    made = cut((ts, np.full(3 * n, 100.0), size, side), SignedFlow(kind, measure, 100, 4, 20), None)
    trades = made.bars["trades"].to_numpy()
    assert trades.max() <= 400
    assert np.isfinite(made.threshold[1:]).all()
    part = made.bars["ts_close"].to_numpy() // (n * SECOND)
    for regime in range(3):
        assert 25 <= trades[part == regime].mean() < 400
    # Almost all bars close by what they measure, not by their length.
    assert (made.closed_by == 0).mean() > 0.6


def test_imbalance_bars_close_where_flow_is_one_sided():
    """Balanced noise with bursts of buys, a tenth of the tape: nine of ten bars end in them."""
    n = 40_000
    rng = np.random.default_rng(5)
    burst = np.arange(n) % 1000 >= 900
    side = np.where(burst, 1, np.where(np.arange(n) % 2 == 0, 1, -1)).astype(np.int8)
    ts = np.arange(n, dtype=np.int64)
    tape = ts, np.full(n, 10.0), rng.uniform(0.5, 1.5, n), side
    made = cut(tape, SignedFlow("imbalance", "volume", 500, 4, 20), None)
    ends = np.isin(ts, made.bars["ts_close"].to_numpy()[1:])
    assert burst[ends].mean() > 0.9


@pytest.mark.parametrize("size", [1.0, 0.0])
def test_what_has_no_sign_closes_by_length(size):
    n = 1_000
    tape = np.arange(n, dtype=np.int64), np.ones(n), np.full(n, size)
    cutter = TradeCutter(SignedFlow("run", "volume", 50, 2, 5), sided=False)
    cutter.push(*tape)
    made = cutter.finish()
    assert made.bars["trades"].tolist()[:3] == [50.0, 100.0, 100.0]
    assert math.isinf(made.threshold[1]) == (size == 0.0)
    assert (made.threshold[1:] > 0).all()


def test_a_fault_names_the_row_of_the_whole_tape():
    cutter = TradeCutter(Count("trades", 2), sided=False)
    cutter.push(np.arange(2_000), np.ones(2_000), np.ones(2_000))
    with pytest.raises(DataError, match="row 2001: the time goes back"):
        cutter.push([5, 6], [1.0, 1.0], [1.0, 1.0])
    size = np.ones(3_000)
    size[2_500] = -1.0
    cutter = TradeCutter(Count("trades", 2), sided=False)
    with pytest.raises(DataError, match="row 2501: the size -1"):
        cutter.push(np.arange(3_000), np.ones(3_000), size)
    with pytest.raises(DataError, match="lengths differ: 1 times, 1 prices, 1 sizes, 0 sides"):
        TradeCutter(Count("trades", 2), sided=True).push([1], [1.0], [1.0])
    cutter = TradeCutter(Count("volume", 1.0), sided=False)
    cutter.push([1, 2], [1.0, 1.0], [-0.0, 1.0])
    assert cutter.finish().bars["trades"].tolist() == [2.0]


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: Count("apples", 1), "measure = 'apples'"),
        (lambda: Count("trades", 0), "threshold = 0.*a finite number above 0"),
        (lambda: Count("trades", 1, -1), r"bars\.per_day"),
        (lambda: Count("trades", 1, 1, 0), r"bars\.average_days"),
        (lambda: SignedFlow("walk"), r"bars\.kind = 'walk'"),
        (lambda: SignedFlow("run", "apples"), r"bars\.measure"),
        (lambda: SignedFlow("run", bound=0.5), r"bars\.bound = 0\.5.*at least 1"),
        (lambda: SignedFlow("run", expected_trades=0), r"bars\.expected_trades"),
        (lambda: SignedFlow("run", average_bars=math.inf), r"bars\.average_bars"),
        (lambda: Clock(0), r"bars\.interval"),
    ],
)
def test_rules_refuse_what_cannot_be(make, match):
    with pytest.raises(ConfigError, match=match):
        make()
