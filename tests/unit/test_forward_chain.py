"""Forward-chained blocks against the rule, pair by pair."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpredict.splits import forward_chain


@st.composite
def chains(draw):
    """Intervals, the rows of a window among them, and how to chain these."""
    n = draw(st.integers(4, 50))
    t0 = np.cumsum(draw(st.lists(st.integers(0, 3), min_size=n, max_size=n)))
    t1 = t0 + np.array(draw(st.lists(st.integers(0, 10), min_size=n, max_size=n)))
    rows = np.array(sorted(draw(st.sets(st.integers(0, n - 1), min_size=3))))
    blocks = draw(st.integers(2, min(len(rows), 7)))
    return t0, t1, rows, blocks, draw(st.integers(1, blocks - 1)), draw(st.integers(0, 4))


@given(chains())
def test_chain_is_the_brute_force_rule(chain):
    t0, t1, rows, n_blocks, first, embargo = chain
    blocks = [part.tolist() for part in np.array_split(rows, n_blocks)]
    found = list(forward_chain(t0, t1, rows, n_blocks, first, embargo))
    assert [block for block, _, _ in found] == list(range(first + 1, n_blocks + 1))
    for block, train, test in found:
        assert test.tolist() == blocks[block - 1]
        begin = min(t0[test])
        earlier = [i for part in blocks[first - 1 : block - 1] for i in part]
        assert train.tolist() == [i for i in earlier if t1[i] < begin - embargo]


@given(chains())
def test_no_training_label_is_alive_in_its_block_or_later(chain):
    t0, t1, rows, n_blocks, first, _ = chain
    for _, train, test in forward_chain(t0, t1, rows, n_blocks, first):
        assert all(t1[i] < t0[j] for i in train for j in test)


def test_levels_stack():
    t0 = np.arange(40)
    level = [{block for block, _, _ in forward_chain(t0, t0, t0, 4, first)} for first in (1, 2, 3)]
    assert level == [{2, 3, 4}, {3, 4}, {4}]
    (_, train, _), _ = forward_chain(t0, t0, t0, 4, 2)
    assert train.tolist() == list(range(10, 20))  # block 2 only: block 1 has no prediction


def test_what_is_refused():
    t = np.arange(6)
    for rows, options, text in (
        (t, {"n_blocks": 7}, "n_blocks = 7"),
        (t, {"n_blocks": 1}, "n_blocks = 1"),
        (t, {"n_blocks": 3, "first": 3}, "first = 3"),
        (t, {"n_blocks": 3, "embargo": -1}, "embargo = -1"),
        (t[::-1], {"n_blocks": 3}, "time order"),
    ):
        with pytest.raises(ValueError, match=text):
            list(forward_chain(t, t, rows, **options))
    with pytest.raises(ValueError, match="t1 >= t0"):
        list(forward_chain(t, t - 1, t, 2))
