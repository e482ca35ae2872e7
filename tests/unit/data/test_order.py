"""The rows that are kept are the most that can be, and strictly increase."""

from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ethpredict.data.order import longest_increasing


@given(st.lists(st.integers(0, 9), max_size=9))
def test_no_choice_keeps_more(values):
    ts = np.array(values, dtype=np.int64)
    keep = longest_increasing(ts)
    assert (np.diff(ts[keep]) > 0).all()
    longest = max(
        k
        for k in range(len(ts) + 1)
        if any((np.diff(ts[list(rows)]) > 0).all() for rows in combinations(range(len(ts)), k))
    )
    assert keep.sum() == longest


def test_one_stamp_in_the_future_takes_only_itself():
    ts = np.array([1, 2, 10**9, 3, 4, 5])
    assert longest_increasing(ts).tolist() == [True, True, False, True, True, True]


def test_of_equal_times_the_first_is_kept():
    ts = np.array([1, 2, 2, 2, 3])
    assert longest_increasing(ts).tolist() == [True, True, False, False, True]
