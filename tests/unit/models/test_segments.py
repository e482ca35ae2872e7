"""Segments: every window once, nothing across a border."""

from __future__ import annotations

import numpy as np
import pytest

from ethpredict.models.segments import cut_sequences


@pytest.mark.parametrize("steps", [1, 4, 9])
def test_each_trainable_row_is_one_step_and_no_border_is_crossed(steps: int) -> None:
    rng = np.random.default_rng(2)
    n, length = 300, 5
    readable = rng.random(n) > 0.05
    gap = rng.random(n) < 0.03
    rows = np.flatnonzero(readable & (rng.random(n) > 0.2))
    found = cut_sequences(rows, readable, gap, length, steps)
    expected = [
        k
        for k, row in enumerate(rows)
        if row >= length - 1
        and readable[row - length + 1 : row + 1].all()
        and not gap[row - length + 2 : row + 1].any()
    ]
    carried = found.sample >= 0
    assert sorted(found.sample[carried].tolist()) == expected
    assert (rows[found.sample[carried]] == found.bars[carried]).all()
    assert found.bars.shape[1] == length + steps - 1
    for bars, sample in zip(found.bars, found.sample, strict=True):
        last = int(np.flatnonzero(sample >= 0).max())
        assert (np.diff(bars[: last + 1]) == 1).all()
        assert readable[bars].all()
        assert not gap[bars[1 : last + 1]].any()
        assert (sample[: length - 1] == -1).all()
        assert (sample >= 0).any()


def test_too_short_runs_give_nothing() -> None:
    readable = np.ones(6, dtype=bool)
    gap = np.zeros(6, dtype=bool)
    gap[3] = True
    found = cut_sequences(np.arange(6), readable, gap, 4, 3)
    assert found.bars.shape == found.sample.shape == (0, 6)
