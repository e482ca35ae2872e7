"""Block bootstrap against theory: block lengths of AR(1), variances, coverage."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.signal import lfilter

from ethpredict.bootstrap import block_length, resampled_sums


def autoregression(rng, n, rho):
    return lfilter([1.0], [1.0, -rho], rng.normal(size=n + 200))[200:]


@pytest.mark.parametrize("rho", [0.3, 0.6, 0.8])
def test_block_length_of_an_autoregression_is_the_theoretical_one(rho):
    # AR(1): R(k) ~ rho^k, so G/g = 2 rho / (1 - rho^2), and b = (G/g)^(2/3) n^(1/3) (stationary).
    rng, n = np.random.default_rng(1), 20_000
    theory = (2 * rho / (1 - rho**2)) ** (2 / 3) * n ** (1 / 3)
    found = [block_length(autoregression(rng, n, rho)) for _ in range(8)]
    assert np.mean(found) == pytest.approx(theory, rel=0.2)


def test_circular_blocks_are_longer_by_the_known_factor():
    x = autoregression(np.random.default_rng(2), 5000, 0.5)
    assert block_length(x, "circular") == pytest.approx(1.5 ** (1 / 3) * block_length(x))


def test_block_length_of_noise_is_short_and_bounded():
    rng = np.random.default_rng(3)
    found = [block_length(rng.normal(size=2000)) for _ in range(20)]
    assert np.median(found) < 6
    walk = np.cumsum(rng.normal(size=900))
    assert block_length(walk) <= math.ceil(min(3 * math.sqrt(900), 300))
    assert block_length([1.0, 2.0]) == 1.0
    with pytest.raises(ValueError, match="kind = 'moving'"):
        block_length([1.0], "moving")


@pytest.mark.parametrize("kind", ["stationary", "circular"])
def test_a_sample_has_as_many_rows_as_the_data_and_every_row_is_as_likely(kind):
    n, draws = 37, 4000
    sums = resampled_sums(np.eye(n), 5.0, draws, np.random.default_rng(4), kind)
    np.testing.assert_allclose(sums.sum(axis=1), n)
    counts = np.rint(sums)
    np.testing.assert_allclose(sums, counts, atol=1e-9)
    # each of the n rows is expected once; their variance over draws is that of overlapping blocks
    assert np.abs(counts.mean(axis=0) - 1.0).max() < 5 * counts.std(axis=0).max() / draws**0.5


def test_blocks_hold_neighbours():
    sums = resampled_sums(np.eye(50), 10.0, 1, np.random.default_rng(5), "circular")[0]
    assert np.rint(sums).sum() == 50
    drawn = np.flatnonzero(np.rint(sums))
    runs = np.split(drawn, np.flatnonzero(np.diff(drawn) > 1) + 1)
    assert all(len(run) >= 10 or run[0] == 0 or run[-1] == 49 for run in runs)


def test_variance_of_a_mean_of_dependent_rows_where_single_rows_fail():
    rng, n, rho = np.random.default_rng(6), 4000, 0.7
    truth = 1 / (1 - rho) ** 2 / n  # long-run variance over n
    ratio = {"blocks": [], "rows": []}
    for _ in range(10):
        x = autoregression(rng, n, rho)[:, None]
        for key, length in (("blocks", block_length(x[:, 0])), ("rows", 1.0)):
            means = resampled_sums(x, length, 300, rng)[:, 0] / n
            ratio[key].append(means.var() / truth)
    assert np.mean(ratio["blocks"]) == pytest.approx(1.0, abs=0.2)
    assert np.mean(ratio["rows"]) == pytest.approx((1 - rho) / (1 + rho), abs=0.05)


def test_what_is_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"length = 0.5"):
        resampled_sums(np.ones((3, 1)), 0.5, 1, rng)
    with pytest.raises(ValueError, match="kind = 'iid'"):
        resampled_sums(np.ones((3, 1)), 1, 1, rng, "iid")
