"""PBO against its definition written out, and on noise and skill."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import rankdata

from ethpredict.errors import ConfigError
from ethpredict.stats import effective_trials, pbo, pbo_logits


def by_definition(x: np.ndarray, n_blocks: int) -> list[float]:
    """CSCV split by split, from the returns themselves."""
    length = len(x) // n_blocks
    blocks = np.split(x[len(x) - length * n_blocks :], n_blocks)
    found = []
    for chosen in combinations(range(n_blocks), n_blocks // 2):
        inside = np.concatenate([blocks[i] for i in chosen])
        outside = np.concatenate([b for i, b in enumerate(blocks) if i not in chosen])
        sharpe = [half.mean(axis=0) / half.std(axis=0, ddof=1) for half in (inside, outside)]
        best = int(np.argmax(sharpe[0]))
        omega = rankdata(sharpe[1])[best] / (x.shape[1] + 1)
        found.append(float(np.log(omega / (1 - omega))))
    return found


@pytest.mark.parametrize(("shape", "n_blocks"), [((40, 5), 4), ((67, 8), 6), ((64, 11), 8)])
def test_logits_follow_the_definition(shape: tuple[int, int], n_blocks: int) -> None:
    x = np.random.default_rng(shape[0]).normal(0.001, 0.01, size=shape)
    assert pbo_logits(x, n_blocks) == pytest.approx(by_definition(x, n_blocks), abs=1e-9)


def test_noise_is_overfit_half_of_the_time() -> None:
    found = [pbo(np.random.default_rng(s).normal(size=(64, 20)), 8) for s in range(150)]
    error = np.std(found) / np.sqrt(len(found))
    assert abs(np.mean(found) - 0.5) < 4 * error
    assert 0.1 < np.std(found) < 0.3  # one draw says little


def test_a_trial_that_is_always_better_is_never_overfit() -> None:
    x = np.random.default_rng(0).normal(size=(80, 9))
    x[:, 4] += 5.0
    assert pbo(x, 8) == 0.0


def test_what_wins_one_half_and_loses_the_other_is_always_overfit() -> None:
    x = np.zeros((8, 2))
    x[:4, 0], x[4:, 0] = [1.0, 1.1, 1.0, 1.1], [-1.0, -1.1, -1.0, -1.1]
    x[:, 1] = -x[:, 0]
    assert pbo(x, 2) == 1.0


def test_constant_trials_count_as_sharpe_zero() -> None:
    x = np.random.default_rng(2).normal(size=(40, 3))
    x[:, 1] = 0.1 + 0.2
    assert np.isfinite(pbo_logits(x, 4)).all()


def test_order_of_trials_does_not_matter() -> None:
    x = np.random.default_rng(3).normal(size=(48, 7))
    assert pbo(x, 6) == pbo(x[:, ::-1], 6)


@pytest.mark.parametrize(
    ("x", "n_blocks"),
    [
        (np.zeros((20, 1)), 4),
        (np.zeros(20), 4),
        (np.zeros((20, 3)), 5),
        (np.zeros((20, 3)), 0),
        (np.zeros((20, 3)), 12),
        (np.full((20, 3), np.nan), 4),
    ],
)
def test_out_of_range_is_refused(x: np.ndarray, n_blocks: int) -> None:
    with pytest.raises(ConfigError):
        pbo(x, n_blocks)


def test_copies_of_few_ideas_count_as_few() -> None:
    rng = np.random.default_rng(4)
    ideas = rng.normal(size=(300, 4))
    copies = np.repeat(ideas, 5, axis=1) + 0.3 * rng.normal(size=(300, 20))
    assert effective_trials(copies) == 4
    assert effective_trials(np.column_stack([copies, np.zeros(300)])) == 5
    assert effective_trials(rng.normal(size=(300, 12))) == 12
    assert effective_trials(np.zeros((10, 3))) == 1


def test_clustering_refuses_bad_input() -> None:
    with pytest.raises(ConfigError):
        effective_trials(np.full((4, 2), np.nan))
    with pytest.raises(ConfigError):
        effective_trials(np.zeros((4, 2)), correlation=1.0)
