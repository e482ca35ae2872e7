"""The sequential bootstrap has exactly the law of the definition."""

from __future__ import annotations

import json
import resource

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpredict.labels import (
    average_uniqueness,
    draw_probabilities,
    reference,
    sequential_bootstrap,
)

T0, T1 = np.array([0, 2, 4]), np.array([2, 3, 5])


def test_published_probabilities(shared_vectors):
    case = json.loads((shared_vectors / "labels.json").read_text())["seq_bootstrap"]
    alive = np.array(case["ind_mat"])
    t0 = alive.argmax(axis=0)
    t1 = len(alive) - 1 - alive[::-1].argmax(axis=0)
    assert np.allclose(draw_probabilities(t0, t1, []), 1 / 3, atol=1e-15)
    found = draw_probabilities(t0, t1, [1])
    np.testing.assert_allclose(found, case["prob_after_drawing_label2"], atol=1e-12)


def test_the_books_example_in_a_clone_alone():
    np.testing.assert_allclose(draw_probabilities(T0, T1, [1]), [5 / 14, 3 / 14, 6 / 14])


def test_draws_have_the_law_of_the_reference():
    """All 27 sequences of three draws: observed frequencies against exact probabilities."""
    exact = {}
    for a in range(3):
        for b in range(3):
            for c in range(3):
                p = draw_probabilities(T0, T1, [])[a] * draw_probabilities(T0, T1, [a])[b]
                exact[a, b, c] = p * draw_probabilities(T0, T1, [a, b])[c]
    assert sum(exact.values()) == pytest.approx(1.0)
    rng = np.random.default_rng(3)
    n = 30_000
    seen = dict.fromkeys(exact, 0)
    for _ in range(n):
        seen[tuple(sequential_bootstrap(T0, T1, rng).tolist())] += 1
    chi2 = sum((seen[key] - n * p) ** 2 / (n * p) for key, p in exact.items())
    assert chi2 < 54.05  # 99.9 % point of chi-square with 26 degrees of freedom


@given(st.integers(0, 2**32 - 1), st.integers(1, 25))
def test_probabilities_are_those_of_the_indicator_matrix(seed, m):
    rng = np.random.default_rng(seed)
    t0 = rng.integers(0, 40, m)
    t1 = t0 + rng.integers(0, 12, m)
    drawn = reference.sequential_draws(t0, t1, int(rng.integers(0, 6)), rng)
    bars = np.arange(60)[:, None]
    alive = (t0 <= bars) & (bars <= t1)
    unique = [
        np.mean([1 / (alive[bar, drawn].sum() + 1) for bar in range(t0[i], t1[i] + 1)])
        for i in range(m)
    ]
    found = draw_probabilities(t0, t1, drawn)
    np.testing.assert_allclose(found, np.array(unique) / np.sum(unique), rtol=1e-12)


def test_samples_are_as_unique_as_the_references_and_more_than_random_ones():
    """The book's experiment: 10 labels of up to 5 bars among 100 bars."""
    rng = np.random.default_rng(5)
    found = {"fast": [], "plain": [], "random": []}
    for _ in range(400):
        t0 = rng.integers(0, 100, 10)
        t1 = t0 + rng.integers(1, 5, 10)
        samples = {
            "fast": sequential_bootstrap(t0, t1, rng),
            "plain": reference.sequential_draws(t0, t1, 10, rng),
            "random": rng.integers(0, 10, 10),
        }
        for key, sample in samples.items():
            found[key].append(average_uniqueness(t0[sample], t1[sample]).mean())
    mean = {key: np.mean(values) for key, values in found.items()}
    error = np.sqrt((np.var(found["fast"]) + np.var(found["plain"])) / 400)
    assert abs(mean["fast"] - mean["plain"]) < 4 * error
    assert mean["fast"] > mean["random"] + 4 * error


def test_many_labels_need_no_matrix():
    # A matrix of 60,000 bars by 50,000 labels would hold 3e9 cells.
    rng = np.random.default_rng(1)
    t0 = np.sort(rng.integers(0, 60_000, 50_000))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    drawn = sequential_bootstrap(t0, t0 + 20, rng)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000  # KiB
    assert drawn.shape == (50_000,)
    assert drawn.min() >= 0
    assert drawn.max() < 50_000
    assert len(np.unique(drawn)) > 0.6 * 50_000


def test_same_seed_same_draws_and_what_is_refused():
    one = sequential_bootstrap(T0, T1, np.random.default_rng(7), 50)
    assert one.tolist() == sequential_bootstrap(T0, T1, np.random.default_rng(7), 50).tolist()
    assert sequential_bootstrap([], [], np.random.default_rng(7)).tolist() == []
    with pytest.raises(ValueError, match="0 <= t0 <= t1"):
        sequential_bootstrap([3], [2], np.random.default_rng(7))
    with pytest.raises(ValueError, match="no label"):
        sequential_bootstrap([], [], np.random.default_rng(7), 2)
