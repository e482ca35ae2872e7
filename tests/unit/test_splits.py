"""Splits against brute force over every pair of rows."""

from __future__ import annotations

import json
from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpredict import splits
from ethpredict.errors import ConfigError
from ethpredict.splits import DAY_NS, LOCKED, VALIDATION, Window

MINUTE = 60_000_000_000


@st.composite
def intervals(draw, smallest=2):
    """Closed label intervals in time order, some starting together, of any length."""
    n = draw(st.integers(smallest, 40))
    steps = draw(st.lists(st.integers(0, 4), min_size=n, max_size=n))
    lengths = draw(st.lists(st.integers(0, 12), min_size=n, max_size=n))
    t0 = np.cumsum(steps)
    return t0, t0 + np.array(lengths)


def brute_force(t0, t1, blocks, embargo, half_open=False):
    """The rule as it is written, row by row and block by block."""
    train = []
    for i in range(len(t0)):
        free = True
        for block in blocks:
            first, last = min(t0[j] for j in block), max(t1[j] for j in block)
            purged = t0[i] <= last and t1[i] >= first
            embargoed = last < t0[i] <= last + embargo
            if half_open:
                purged = t0[i] < last and t1[i] > first
                embargoed = last <= t0[i] < last + embargo
            free = free and i not in block and not purged and not embargoed
        if free:
            train.append(i)
    return train


@given(intervals(), st.integers(2, 6), st.integers(0, 10))
def test_purged_kfold_is_the_brute_force_rule(labels, n_splits, embargo):
    t0, t1 = labels
    n_splits = min(n_splits, len(t0))
    seen = []
    for train, test in splits.purged_kfold(t0, t1, n_splits, embargo):
        assert train.tolist() == brute_force(t0, t1, [test.tolist()], embargo)
        assert np.all(np.diff(test) == 1)
        seen += test.tolist()
    assert seen == list(range(len(t0)))


@given(intervals(), st.integers(2, 6), st.integers(0, 10), st.integers(1, 2))
def test_half_open_intervals_are_the_brute_force_rule(labels, n_splits, embargo, n_test):
    t0, t1 = labels[0], labels[1] + 1  # [t0, t1) is never empty
    n_splits = min(n_splits, len(t0))
    for train, test in splits.purged_kfold(t0, t1, n_splits, embargo, half_open=True):
        assert train.tolist() == brute_force(t0, t1, [test.tolist()], embargo, half_open=True)
    blocks = [block.tolist() for block in np.array_split(np.arange(len(t0)), n_splits)]
    n_test = min(n_test, n_splits - 1)
    found = splits.combinatorial_purged(t0, t1, n_splits, n_test, embargo, half_open=True)
    for (train, _), chosen in zip(found, combinations(blocks, n_test), strict=True):
        assert train.tolist() == brute_force(t0, t1, chosen, embargo, half_open=True)


@given(intervals(), st.integers(2, 5), st.integers(0, 6), st.randoms(use_true_random=False))
def test_purged_kfold_does_not_need_sorted_starts(labels, n_splits, embargo, random):
    order = list(range(len(labels[0])))
    random.shuffle(order)
    t0, t1 = labels[0][order], labels[1][order]
    for train, test in splits.purged_kfold(t0, t1, min(n_splits, len(t0)), embargo):
        assert train.tolist() == brute_force(t0, t1, [test.tolist()], embargo)


@given(intervals(6), st.integers(2, 6), st.integers(1, 5), st.integers(0, 6))
def test_combinatorial_is_the_brute_force_rule(labels, n_groups, n_test, embargo):
    t0, t1 = labels
    n_test = min(n_test, n_groups - 1)
    blocks = [block.tolist() for block in np.array_split(np.arange(len(t0)), n_groups)]
    expected = list(combinations(blocks, n_test))
    found = list(splits.combinatorial_purged(t0, t1, n_groups, n_test, embargo))
    assert len(found) == len(expected) == comb(n_groups, n_test)
    for (train, test), chosen in zip(found, expected, strict=True):
        assert test.tolist() == [row for block in chosen for row in block]
        assert train.tolist() == brute_force(t0, t1, chosen, embargo)


def test_number_of_combinatorial_splits_and_tests_per_row():
    t = np.arange(24)
    found = list(splits.combinatorial_purged(t, t, 6, 2))
    assert len(found) == 15
    # every row is tested in C(5, 1) = 5 splits: 5 whole paths
    assert (np.bincount(np.concatenate([test for _, test in found])) == 5).all()


def test_combinatorial_counts_of_the_vectors(shared_vectors):
    cases = json.loads((shared_vectors / "evaluation.json").read_text())["cpcv"]["cases"]
    t = np.arange(20)
    for case in cases:
        found = [test for _, test in splits.combinatorial_purged(t, t, case["N"], case["k"])]
        assert len(found) == case["splits"]
        assert (np.bincount(np.concatenate(found)) == case["paths"]).all()


@given(st.integers(2, 7), st.integers(1, 6), st.integers(0, 9))
def test_paths_take_every_prediction_once_and_every_row_on_each_path(n_groups, n_test, extra):
    n_test, n = min(n_test, n_groups - 1), n_groups + extra
    t = np.arange(n)
    tests = [test for _, test in splits.combinatorial_purged(t, t, n_groups, n_test)]
    values = [1000.0 * split + test for split, test in enumerate(tests)]
    paths = splits.combine_paths(tests, values, n_groups, n_test)
    assert paths.shape == (comb(n_groups - 1, n_test - 1), n)
    assert (paths % 1000 == t).all()  # each row holds its own prediction
    assert sorted(paths.ravel()) == sorted(np.concatenate(values))  # each is used once
    for path in paths // 1000:  # one split for all rows of a group
        for block in np.array_split(path, n_groups):
            assert len(set(block)) == 1


def test_path_counts_of_the_vectors(shared_vectors):
    cases = json.loads((shared_vectors / "evaluation.json").read_text())["cpcv"]["cases"]
    for case in cases:
        assert len(splits.path_groups(case["N"], case["k"])) == case["paths"]
        assert splits.path_groups(case["N"], case["k"]).max() == case["splits"] - 1


def test_the_length_of_a_sequence_is_in_the_embargo():
    assert splits.embargo_bars(0, 96) == 96
    assert splits.embargo_bars(200, 96, 24) == 200
    # A sample at row t reads features of rows t - 4 .. t, and these reach 10 rows further back.
    t0 = np.arange(100)
    train, test = list(splits.purged_kfold(t0, t0, 4, splits.embargo_bars(0, 10, sequence=5)))[1]
    first = train[train > test[-1]][0]
    assert first - 4 - 10 == test[-1] + 1


def test_purging_starts_at_the_first_start_not_at_the_first_end():
    # The block's labels live 4..5 and 5..15. Row 3, alive 3..4, meets the block's start but not
    # its first end: a purge that begins at the test labels' ends would keep it.
    t0 = np.arange(20)
    t1 = np.where((t0 == 5) | (t0 == 6), t0 + 10, t0 + 1)
    train, test = list(splits.purged_kfold(t0, t1, 10))[2]
    assert test.tolist() == [4, 5]
    assert train.tolist() == [0, 1, 2, 16, 17, 18, 19]


def test_closed_intervals_touching_in_one_bar_are_purged():
    t0 = np.array([0, 2, 4, 6])
    t1 = np.array([2, 4, 6, 8])
    (first, _), (second, _) = splits.purged_kfold(t0, t1, 2)
    assert first.tolist() == [3]  # row 2 starts at 4, where the block ends
    assert second.tolist() == [0]  # row 1 ends at 4, where the block starts


def test_embargo_is_after_the_block_only_and_counts_from_its_last_end():
    t0 = np.arange(30)
    t1 = t0 + 2
    train, test = list(splits.purged_kfold(t0, t1, 3, embargo=4))[1]
    assert test.tolist() == list(range(10, 20))
    # ends of the block reach 21; purged 8, 9 before and 20, 21 after; embargo 22 .. 25
    assert train.tolist() == [*range(8), *range(26, 30)]


def test_malformed_intervals_and_too_few_rows_are_refused():
    with pytest.raises(ValueError, match="label 1 ends at -1"):
        list(splits.purged_kfold([0, 1, 2], [1, -1, 3], 2))
    with pytest.raises(ValueError, match="embargo = -1"):
        list(splits.purged_kfold([0, 1], [1, 2], 2, embargo=-1))
    with pytest.raises(ValueError, match="one shape"):
        list(splits.purged_kfold([0, 1], [1], 2))
    with pytest.raises(ValueError, match="n_test = 3"):
        list(splits.combinatorial_purged([0, 1, 2], [0, 1, 2], 3, 3))
    with pytest.raises(ConfigError, match=r"validation.kfold = 5: must be in 2 .. 3"):
        list(splits.purged_kfold([0, 1, 2], [1, 2, 3], 5))


@st.composite
def schedules(draw):
    """Irregular bar times and window lengths that may or may not fit."""
    n = draw(st.integers(20, 120))
    pauses = draw(st.lists(st.integers(0, 600), min_size=n, max_size=n))
    ts = 1_700_000_000_000_000_000 + np.cumsum(pauses) * MINUTE
    days = st.sampled_from([0.02, 0.25, 0.5, 1.0, 3.0, 7.5])
    scheme = draw(st.sampled_from(["rolling", "expanding"]))
    locked = draw(st.sampled_from([0.0, 0.1, 1.0, 4.0]))
    return ts, draw(days), draw(days), locked, scheme


@given(schedules())
def test_walk_forward_covers_every_later_row_once(schedule):
    ts, train, test, locked, scheme = schedule
    try:
        windows = splits.walk_forward(ts, train, test, locked, scheme)
    except ConfigError:
        tested = (ts > ts[0] + train * DAY_NS) & (ts <= ts[-1] - locked * DAY_NS)
        assert not tested.any() or locked * DAY_NS >= ts[-1] - ts[0]
        return
    begin, border = ts[0] + round(train * DAY_NS), ts[-1] - round(locked * DAY_NS)
    rows = np.concatenate([np.arange(w.test_start, w.test_stop) for w in windows])
    assert rows.tolist() == np.flatnonzero(ts > begin).tolist()
    for number, w in enumerate(windows):
        assert w.window == number
        inside = ts[w.test_start : w.test_stop]
        assert (inside > border).all() if w.segment == LOCKED else (inside <= border).all()
        assert inside[-1] - inside[0] < test * DAY_NS
        assert w.train_stop == w.test_start
        if scheme == "expanding":
            assert w.train_start == 0
        else:
            known = ts[w.train_start : w.train_stop]
            assert len(known) == 0 or inside[0] - known[0] < (train + test) * DAY_NS
    assert [w.segment for w in windows] == sorted(w.segment for w in windows)
    assert windows[0].segment == VALIDATION


def test_walk_forward_by_hand():
    ts = np.arange(1, 101) * (DAY_NS // 4)  # four bars a day, 24.75 days
    windows = splits.walk_forward(ts, 10, 5, 6, "rolling")
    assert [(w.segment, w.train_start, w.train_stop, w.test_stop) for w in windows] == [
        (0, 1, 41, 61),  # closes in (10.25 d, 15.25 d]
        (0, 21, 61, 76),  # cut short where the locked test starts, 19 d
        (1, 36, 76, 96),  # the same schedule, from the start of the locked test
        (1, 56, 96, 100),
    ]
    expanding = splits.walk_forward(ts, 10, 5, 6, "expanding")
    assert [w.train_start for w in expanding] == [0, 0, 0, 0]
    assert [w.test_start for w in expanding] == [w.test_start for w in windows]


def test_validation_windows_do_not_move_when_bars_are_appended():
    ts = np.arange(1, 2001) * (DAY_NS // 24)
    short = splits.walk_forward(ts[:1500], 20, 4, 0, "rolling")
    long = splits.walk_forward(ts, 20, 4, 0, "rolling")
    assert long[: len(short) - 1] == short[:-1]


def test_no_locked_days_makes_no_locked_window():
    ts = np.arange(1, 101) * (DAY_NS // 4)
    assert {w.segment for w in splits.walk_forward(ts, 10, 5, 0, "rolling")} == {VALIDATION}


def test_a_tiny_step_makes_one_window_per_bar():
    ts = np.arange(1, 41) * (DAY_NS // 4)
    windows = splits.walk_forward(ts, 5, 1e-15, 2, "rolling")
    assert all(w.test_stop - w.test_start == 1 for w in windows)
    assert len(windows) == 19


@pytest.mark.parametrize("n", [0, 1, 100])
def test_data_too_short_for_a_window(n):
    ts = np.arange(1, n + 1) * (DAY_NS // 4)
    with pytest.raises(ConfigError) as error:
        splits.walk_forward(ts, 30, 7, 0, "rolling")
    assert error.value.key == "validation.train_days"
    assert error.value.value == 30
    assert "less than" in error.value.legal
    assert "data.start" in error.value.remedy


def test_errors_name_the_setting_that_is_wrong():
    ts = np.arange(1, 101) * (DAY_NS // 4)
    with pytest.raises(ConfigError, match=r"validation.train_days = 20.0: .*less than 18.75"):
        splits.walk_forward(ts, 20, 5, 6, "rolling")
    with pytest.raises(ConfigError, match=r"validation.locked_days = 30.0: .*less than 24.75"):
        splits.walk_forward(ts, 10, 5, 30, "rolling")
    with pytest.raises(ConfigError, match="rolling or expanding"):
        splits.walk_forward(ts, 10, 5, 6, "sliding")
    with pytest.raises(ValueError, match="sort the bars"):
        splits.walk_forward(ts[::-1], 10, 5, 6, "rolling")


def test_a_gap_where_the_only_test_rows_would_be_is_refused():
    ts = np.concatenate([np.arange(1, 41), [400]]) * (DAY_NS // 4)
    with pytest.raises(ConfigError, match="has a gap there"):
        splits.walk_forward(ts, 30, 5, 40, "rolling")


@given(intervals(), st.integers(0, 30), st.integers(1, 40), st.integers(0, 5))
def test_purged_train_rows_end_strictly_before_the_test(labels, start, length, embargo):
    t0, t1 = labels
    t1 = np.where(t1 % 5 == 0, -1, t1)  # some labels are missing
    window = Window(0, 0, start, start + length, start + length, start + length + 3)
    expected = [
        i
        for i in range(len(t0))
        if start <= t0[i] < start + length and t0[i] <= t1[i] < window.test_start - embargo
    ]
    assert splits.purged_train_rows(t0, t1, window, embargo).tolist() == expected


def test_purged_train_rows_refuses_a_negative_embargo():
    with pytest.raises(ValueError, match="embargo = -2"):
        splits.purged_train_rows([0], [0], Window(0, 0, 0, 1, 1, 2), -2)
