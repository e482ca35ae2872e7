"""Average uniqueness against the indicator matrix and published weights."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpredict.labels import average_uniqueness, concurrency, reference


@st.composite
def intervals(draw):
    n = draw(st.integers(0, 40))
    t0 = np.array(draw(st.lists(st.integers(0, 60), min_size=n, max_size=n)), dtype=np.int64)
    length = np.array(draw(st.lists(st.integers(-1, 15), min_size=n, max_size=n)), dtype=np.int64)
    return t0, np.where(length < 0, -1, t0 + length)


@given(intervals())
def test_uniqueness_is_the_plain_reference(labels):
    np.testing.assert_allclose(
        average_uniqueness(*labels), reference.average_uniqueness(*labels), rtol=1e-13
    )


@given(intervals())
def test_concurrency_counts_closed_intervals(labels):
    t0, t1 = labels
    expected = [int(((t0 <= bar) & (bar <= t1)).sum()) for bar in range(80)]
    assert concurrency(t0, t1, 80).tolist() == expected


def test_published_uniqueness(shared_vectors):
    vectors = json.loads((shared_vectors / "labels.json").read_text())
    events = vectors[vectors["avg_uniqueness"]["events"]]
    found = average_uniqueness(events["t0"], events["t1"])
    np.testing.assert_allclose(found, vectors["avg_uniqueness"]["tW"], rtol=1e-12)


def test_first_published_weights_in_a_clone_alone():
    # Bars 32..35 carry two labels: (10 + 4/2)/14 and (4/2 + 14 + 5/2 - ...)/22 by hand.
    found = average_uniqueness([22, 32, 49, 63], [35, 53, 66, 87])
    np.testing.assert_allclose(found[:2], [12 / 14, (4 / 2 + 13 + 5 / 2) / 22])


def test_more_labels_than_a_short_integer_holds():
    n = 70_000
    t0 = np.zeros(n, dtype=np.int64)
    assert concurrency(t0, t0 + 1, 2).tolist() == [n, n]
    np.testing.assert_allclose(average_uniqueness(t0, t0 + 1), 1 / n, rtol=1e-12)


def test_a_label_far_down_a_long_table_is_as_exact_as_the_first():
    # One running sum in a single double would be off by about 1e-11 here.
    n = 1_000_000
    t0 = np.arange(n)
    found = average_uniqueness(t0, t0 + 2)
    assert np.abs(found[2:-2] * 3.0 - 1.0).max() < 1e-15


def test_positions_outside_the_bars_are_refused():
    with pytest.raises(ValueError, match=r"0 .. 4"):
        concurrency([0], [5], 5)
    with pytest.raises(ValueError, match=r"0 .. 4"):
        concurrency([-3], [2], 5)
    with pytest.raises(ValueError, match="one shape"):
        concurrency([0, 1], [2], 5)
