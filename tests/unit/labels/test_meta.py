"""Meta-labels by definition, one sample at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpredict.labels.meta import meta_labels

number = st.one_of(st.floats(-0.1, 0.1), st.just(math.nan), st.just(0.0))


@given(st.lists(st.tuples(number, number, st.floats(-0.01, 0.01)), max_size=30))
def test_meta_label_is_the_definition(samples):
    side, ret, cost = np.array(samples, dtype=float).reshape(-1, 3).T
    for found, s, r, c in zip(meta_labels(side, ret, cost), side, ret, cost, strict=True):
        if math.isnan(s) or math.isnan(r) or s == 0:
            assert math.isnan(found)
        else:
            assert found == float(math.copysign(1.0, s) * r > c)


def test_costs_decide_and_a_rebate_counts():
    assert meta_labels([1.0, -1.0], [0.001, 0.001], 0.0).tolist() == [1.0, 0.0]
    assert meta_labels([1.0], [0.001], 0.001).tolist() == [0.0]  # breaking even does not pay
    assert meta_labels([1.0], [0.0], -0.0001).tolist() == [1.0]


def test_shapes_that_differ_are_refused():
    with pytest.raises(ValueError, match="one shape"):
        meta_labels([1.0, 1.0], [0.1], 0.0)
    with pytest.raises(ValueError, match="one shape"):
        meta_labels([1.0], [0.1], [0.0, 0.0])
