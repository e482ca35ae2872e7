"""Return attribution, time decay and class balance by definition."""

from __future__ import annotations

import resource

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpredict.errors import ConfigError
from ethpredict.labels import (
    class_balance,
    concurrency,
    reference,
    return_attribution,
    time_decay,
)


@given(st.integers(0, 2**32 - 1), st.integers(0, 40))
def test_attribution_is_the_plain_reference(seed, m):
    rng = np.random.default_rng(seed)
    returns = rng.normal(0, 0.01, 60)
    returns[rng.random(60) < 0.05] = np.nan
    t0 = np.sort(rng.integers(0, 50, m))
    t1 = np.where(rng.random(m) < 0.1, -1, t0 + rng.integers(0, 10, m))
    found = return_attribution(returns, t0, t1)
    np.testing.assert_allclose(
        found, reference.return_attribution(returns, t0, t1), rtol=1e-12, atol=1e-16
    )


def test_the_entry_bar_belongs_to_nobody():
    # A label from bar 1 to bar 2 earns bar 2's return only; with bar 1 it would be 0.05 + 0.01.
    assert return_attribution([0.0, 0.05, 0.01], [1], [2]).tolist() == [0.01]
    # Two labels that meet in one bar: there the first ends and the second has not begun to earn.
    found = return_attribution([0.0, 0.02, 0.04], [0, 1], [1, 2])
    np.testing.assert_allclose(found, [0.02, 0.04], rtol=1e-12)


def test_signs_cancel_within_a_label_and_not_between_labels():
    returns = [0.0, 0.03, -0.03, -0.02]
    np.testing.assert_allclose(return_attribution(returns, [0, 2], [2, 3]), [0.0, 0.02])


def test_counts_do_not_overflow_and_no_matrix_is_built():
    # 100,000 labels over 200,000 bars: a matrix of them would hold 2e10 cells; int16 counts wrap.
    n = 100_000
    t0 = np.zeros(n, dtype=np.int64)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    count = concurrency(t0, t0 + 199_999, 200_000)
    assert count.min() == count.max() == n
    returns = np.full(200_000, 1e-3)
    found = return_attribution(returns, t0, t0 + 199_999)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000  # KiB
    np.testing.assert_allclose(found, 199_999 * 1e-3 / n, rtol=1e-12)


def _decay_of_the_book(weights, last):
    """Lopez de Prado (2018), snippet 4.11, as printed."""
    cumulated = np.cumsum(weights)
    slope = (1.0 - last if last >= 0 else 1.0 / (last + 1)) / cumulated[-1]
    const = 1.0 - slope * cumulated[-1]
    found = const + slope * cumulated
    return np.where(found < 0, 0.0, found)


@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=50), st.floats(-0.99, 1))
def test_time_decay_is_that_of_the_book(weights, oldest):
    found = time_decay(weights, oldest)
    np.testing.assert_allclose(found, _decay_of_the_book(np.array(weights), oldest), atol=1e-11)
    assert found[-1] == pytest.approx(1.0)
    assert np.all(np.diff(found) >= 0)


def test_no_decay_and_what_is_refused():
    assert time_decay([0.2, 0.5], 1.0).tolist() == [1.0, 1.0]
    assert time_decay([], 0.5).tolist() == []
    for oldest in (-1.0, 1.1):
        with pytest.raises(ConfigError, match=r"model.weights.time_decay"):
            time_decay([1.0], oldest)


@given(st.integers(0, 2**32 - 1), st.integers(1, 60))
def test_balanced_classes_have_equal_totals(seed, n):
    rng = np.random.default_rng(seed)
    classes, weight = rng.integers(-1, 2, n), rng.uniform(0.1, 1, n)
    balanced = weight * class_balance(classes, weight)
    totals = [balanced[classes == one].sum() for one in np.unique(classes)]
    np.testing.assert_allclose(totals, weight.sum() / len(totals))


def test_a_class_without_weight_takes_no_part():
    assert class_balance([1, -1, 0], [2.0, 1.0, 0.0]).tolist() == [0.75, 1.5, 0.0]
