"""Triple-barrier labels: rules one by one, a plain walk, published numbers."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpredict.labels import reference, triple_barrier
from ethpredict.labels.barriers import price_columns, touches

UNIT = 0.02
UP, DOWN = 100 * math.exp(UNIT), 100 * math.exp(-UNIT)


def one(path, horizon=3, profit=1.0, stop=1.0, **options):
    """Label of an entry at 100 followed by bars (open, high, low, close)."""
    columns = np.array([(100.0, 100.0, 100.0, 100.0), *path]).T
    found = triple_barrier(*columns, [0], [UNIT], horizon, profit, stop, **options)
    row = found.iloc[0]
    return int(row["t1"]), row["label"], row["ret"], int(row["touch"])


CALM = (100.0, 100.5, 99.5, 100.0)


def test_a_touch_of_the_high_exits_at_the_barrier():
    assert one([CALM, (100, 103, 99, 100), CALM]) == (2, 1.0, UNIT, 1)
    assert one([CALM, (100, 101, 97, 100), CALM]) == (2, -1.0, -UNIT, -1)


def test_equality_is_a_touch():
    assert one([(100, UP, 99, 100), CALM, CALM]) == (1, 1.0, UNIT, 1)
    assert one([(100, 101, DOWN, 100), CALM, CALM]) == (1, -1.0, -UNIT, -1)
    just_short = np.nextafter(UP, 0) * (1 - 1e-14)
    assert one([(100, just_short, 99, 100), CALM, CALM])[3] == 0


@given(st.floats(1, 1e5), st.floats(1e-4, 0.5), st.floats(0.1, 5))
def test_equality_is_a_touch_at_any_price_however_it_was_computed(entry, sigma, multiple):
    width = multiple * sigma
    for barrier in (entry * math.exp(width), math.exp(math.log(entry) + width)):
        if math.log(barrier / entry) >= width or barrier == entry * math.exp(width):
            columns = [[entry, x] for x in (entry, barrier, entry, entry)]
            found = triple_barrier(*columns, [0], sigma, 1, multiple, 1e3)
            assert found["touch"].tolist() == [1]
            assert found["ret"].tolist() == [width]


def test_an_open_beyond_a_barrier_exits_at_the_open_and_ends_the_bar():
    # later in the bar the other barrier is met as well: no tie, the open came first
    assert one([(104, 104, 90, 95), CALM, CALM]) == (1, 1.0, math.log(1.04), 1)
    assert one([(95, 110, 95, 100), CALM, CALM]) == (1, -1.0, math.log(0.95), -1)


def test_ties_without_a_side():
    both = [(100, 103, 97, 100), CALM, CALM]
    t1, label, ret, touch = one(both)
    assert (t1, touch) == (1, 2)
    assert math.isnan(label)
    assert math.isnan(ret)
    assert one(both, tie="stop") == (1, -1.0, -UNIT, -1)
    assert one(both, tie="profit") == (1, 1.0, UNIT, 1)


def test_ties_with_a_side_are_the_stop_unless_profit_is_asked_for():
    both = [(100, 103, 97, 100), CALM, CALM]
    assert one(both, side=[1]) == (1, -1.0, -UNIT, -1)
    assert one(both, side=[-1]) == (1, -1.0, UNIT, -1)
    assert one(both, side=[-1], tie="stop") == (1, -1.0, UNIT, -1)
    assert one(both, side=[-1], tie="profit") == (1, 1.0, -UNIT, 1)


def test_a_short_side_swaps_the_barriers():
    rise = [(100, 103, 99.5, 102), CALM, CALM]
    assert one(rise, side=[-1]) == (1, -1.0, UNIT, -1)
    assert one(rise, side=[-1], stop=2.0)[3] == 0
    fall = [(100, 100.5, 97, 98), CALM, CALM]
    assert one(fall, side=[-1]) == (1, 1.0, -UNIT, 1)


def test_multiples_are_separate_also_without_a_side():
    rise, fall = [(100, 103, 99.5, 100), CALM, CALM], [(100, 100.5, 97, 100), CALM, CALM]
    assert one(rise, profit=2.0)[3] == 0
    assert one(rise, stop=2.0)[3] == 1
    assert one(fall, profit=2.0)[3] == -1
    assert one(fall, stop=2.0)[3] == 0
    assert one(rise, profit=math.inf, stop=math.inf)[3] == 0


def test_vertical_barrier():
    path = [CALM, CALM, (100, 101, 99, 101)]
    assert one(path) == (3, 0.0, math.log(1.01), 0)
    assert one(path, vertical="sign") == (3, 1.0, math.log(1.01), 0)
    assert one(path, vertical="sign", side=[-1]) == (3, -1.0, math.log(1.01), 0)
    assert one([CALM] * 3, vertical="sign") == (3, 0.0, 0.0, 0)


def missing(found):
    return found[0] == -1 and math.isnan(found[1]) and math.isnan(found[2]) and found[3] == -2


def test_an_incomplete_horizon_is_missing_never_zero():
    assert missing(one([CALM, CALM]))
    assert missing(one([]))
    assert one([CALM, (100, 103, 99, 100)])[0] == 2  # known, although the horizon is not over


def test_nothing_crosses_a_gap():
    late = [CALM, (100, 103, 99, 100), CALM]
    assert missing(one(late, gaps=[False, False, True, False]))
    assert one(late, gaps=[True, False, False, True]) == (2, 1.0, UNIT, 1)
    assert missing(one([CALM] * 3, gaps=[False, False, False, True]))


def test_no_volatility_and_no_side_are_missing():
    columns = np.full((4, 3), 100.0)
    found = triple_barrier(*columns, [0, 0, 0], [np.nan, 0.0, -1.0], 1, 1.0, 1.0)
    assert found["touch"].tolist() == [-2, -2, -2]
    found = triple_barrier(*columns, [0, 0], UNIT, 1, 1.0, 1.0, side=[0, 1])
    assert found["touch"].tolist() == [-2, 0]


def test_touch_and_label_share_one_return_space():
    # A fall to 98.015 is 1.985 % in simple and 2.005 % in log returns: a touch at 2 % in log only.
    assert one([(100, 100, 98.015, 99), CALM, CALM])[3] == -1
    # A rise to 102.01 is 2.01 % in simple and 1.99 % in log returns: no touch.
    assert one([(100, 102.01, 100, 101), CALM, CALM])[3] == 0


@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 60),
    horizon=st.integers(1, 12),
    profit=st.sampled_from([0.5, 1.0, 2.5]),
    stop=st.sampled_from([0.5, 1.0, 2.5]),
    tie=st.sampled_from(["drop", "stop", "profit"]),
    vertical=st.sampled_from(["zero", "sign"]),
    sided=st.booleans(),
    coarse=st.booleans(),
)
def test_kernel_is_the_plain_reference(
    make_bars, seed, n, horizon, profit, stop, tie, vertical, sided, coarse
):
    bars = make_bars(seed, n, 0.03, coarse)
    rng = np.random.default_rng(seed)
    t0 = np.sort(rng.integers(0, n, n))
    sigma = rng.uniform(0.005, 0.03, n)
    sigma[rng.random(n) < 0.1] = np.nan
    side = rng.integers(-1, 2, n) if sided else None
    rules = (horizon, profit, stop, side, tie, vertical)
    prices = [bars[name] for name in ("open", "high", "low", "close")]
    found = triple_barrier(*prices, t0, sigma, *rules, gaps=bars["gap"])
    expected = reference.triple_barrier(bars, t0, sigma, *rules)
    for name in ("t0", "t1", "label", "touch"):
        np.testing.assert_array_equal(found[name], expected[name].astype(found[name].dtype))
    np.testing.assert_allclose(found["ret"], expected["ret"].astype(float), rtol=0, atol=1e-14)


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 60), horizon=st.integers(1, 12))
def test_last_bar_seen_is_that_of_the_plain_reference(make_bars, seed, n, horizon):
    bars = make_bars(seed, n, 0.1)
    sigma = np.where(np.arange(n) % 7 == 3, np.nan, 0.02)
    prices = price_columns(*(bars[name] for name in ("open", "high", "low", "close")))
    *_, seen = touches(
        prices, np.arange(n), sigma, horizon, 1.0, 1.0, None, "drop", "zero", bars["gap"]
    )
    walked = reference.triple_barrier(bars, np.arange(n), sigma, horizon, 1.0, 1.0)
    borders = [*np.flatnonzero(bars["gap"]), n]
    for row in range(n):
        if np.isnan(sigma[row]):
            assert seen[row] == -1
        elif walked["t1"][row] >= 0:
            assert seen[row] == walked["t1"][row]
        else:
            assert seen[row] == min(border for border in borders if border > row) - 1


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(5, 80), cut=st.floats(0, 1))
def test_labels_that_have_ended_need_no_later_bar(make_bars, seed, n, cut):
    bars, last = make_bars(seed, n, 0.02), int(cut * (n - 1))
    prices = [bars[name].to_numpy() for name in ("open", "high", "low", "close")]
    rows, sigma = np.arange(n), np.full(n, 0.012)
    whole = triple_barrier(*prices, rows, sigma, 8, 1.0, 2.0, gaps=bars["gap"])
    short = triple_barrier(
        *(x[: last + 1] for x in prices),
        rows[: last + 1],
        sigma[: last + 1],
        8,
        1.0,
        2.0,
        gaps=bars["gap"][: last + 1],
    )
    ended = whole["t1"].iloc[: last + 1].between(0, last)
    pd.testing.assert_frame_equal(whole.iloc[: last + 1][ended], short[ended], check_exact=True)
    assert (short["t1"][~ended] == -1).all()


def test_stop_first_biases_a_symmetric_walk_and_dropping_ties_does_not():
    rng = np.random.default_rng(5)
    n, steps = 120_000, 12
    walk = 100 * np.exp(np.cumsum(rng.choice([-1.0, 1.0], n * steps) * 0.0005)).reshape(n, steps)
    close, high, low = walk[:, -1], walk.max(axis=1), walk.min(axis=1)
    opened = np.concatenate([[100.0], close[:-1]])
    prices = (opened, np.maximum(high, opened), np.minimum(low, opened), close)
    share = {}
    for tie in ("drop", "stop"):
        label = triple_barrier(*prices, np.arange(n), 0.0012, 12, 1.0, 1.0, tie=tie)["label"]
        share[tie] = (label == -1).sum() / label.notna().sum()
    assert share["drop"] == pytest.approx(0.5, abs=0.006)
    assert share["stop"] > share["drop"] + 0.005


def published():
    rng = np.random.default_rng(42)
    return 3000.0 * np.exp(np.cumsum(rng.standard_t(4, 600) * 0.004))


def test_published_touches(shared_vectors):
    """Closes only, so that touch rules on the close and on the range coincide.

    The published labels compare simple returns with the width; at these widths an event whose
    close lies between the two spaces would differ, and the test says how many do.
    """
    vectors = json.loads((shared_vectors / "labels.json").read_text())["triple_barrier_pt1_sl1"]
    close = pd.Series(published())
    width = (close.pct_change().ewm(span=50).std() * np.sqrt(24)).to_numpy()
    t0 = np.array(vectors["t0"])
    # simple barriers: log distances log(1 + w) above and -log(1 - w) below
    differ = []
    for i, start in enumerate(t0):
        w = width[start]
        found = triple_barrier(
            close, close, close, close, [start], 1.0, 24, math.log1p(w), -math.log1p(-w)
        ).iloc[0]
        simple = math.expm1(found["ret"])
        if (found["t1"], found["label"]) != (vectors["t1"][i], vectors["bin"][i]):
            differ.append(int(start))
            continue
        assert simple == pytest.approx(vectors["ret"][i], abs=1e-12)
    assert differ == []


def test_options_and_shapes_that_are_refused():
    price = [100.0, 101.0, 102.0]
    good = (price, price, price, price)
    for bad, text in (
        ({"tie": "up"}, "tie = 'up'"),
        ({"vertical": "one"}, "vertical = 'one'"),
        ({"gaps": [False]}, "gaps must have the shape"),
    ):
        with pytest.raises(ValueError, match=text):
            triple_barrier(*good, [0], 0.1, 1, 1.0, 1.0, **bad)
    with pytest.raises(ValueError, match="must be positive"):
        triple_barrier(*good, [0], 0.1, 0, 1.0, 1.0)
    with pytest.raises(ValueError, match="must be positive"):
        triple_barrier(*good, [0], 0.1, 1, 1.0, 0.0)
    with pytest.raises(ValueError, match=r"t0 must lie in 0 .. 2"):
        triple_barrier(*good, [3], 0.1, 1, 1.0, 1.0)
    with pytest.raises(ValueError, match="one shape"):
        triple_barrier(price, price, price[:2], price, [0], 0.1, 1, 1.0, 1.0)


def test_no_events_give_an_empty_table_with_its_types():
    found = triple_barrier([1.0], [1.0], [1.0], [1.0], [], [], 1, 1.0, 1.0)
    assert len(found) == 0
    assert [str(kind) for kind in found.dtypes] == ["int64", "int64", "float64", "float64", "int8"]
