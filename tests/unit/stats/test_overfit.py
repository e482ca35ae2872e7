"""PBO against its definition written out, and on noise and skill."""

from __future__ import annotations

import ast
import time
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import rankdata

from ethpredict import stats
from ethpredict.errors import ConfigError
from ethpredict.stats import effective_trials, pbo, pbo_logits
from ethpredict.stats.overfit import Statistic, correlations


def by_definition(x: np.ndarray, n_blocks: int, statistic: str) -> list[float]:
    """CSCV split by split, from the returns themselves."""
    length = len(x) // n_blocks
    blocks = np.split(x[len(x) - length * n_blocks :], n_blocks)
    found = []
    for chosen in combinations(range(n_blocks), n_blocks // 2):
        inside = np.concatenate([blocks[i] for i in chosen])
        outside = np.concatenate([b for i, b in enumerate(blocks) if i not in chosen])
        worth = [half.mean(axis=0) for half in (inside, outside)]
        if statistic == "sharpe":
            worth = [half.mean(axis=0) / half.std(axis=0, ddof=1) for half in (inside, outside)]
        best = int(np.argmax(worth[0]))
        omega = rankdata(worth[1])[best] / (x.shape[1] + 1)
        found.append(float(np.log(omega / (1 - omega))))
    return found


@pytest.mark.parametrize("statistic", ["mean", "sharpe"])
@pytest.mark.parametrize(("shape", "n_blocks"), [((40, 5), 4), ((67, 8), 6), ((64, 11), 8)])
def test_logits_follow_the_definition(
    shape: tuple[int, int], n_blocks: int, statistic: Statistic
) -> None:
    rng = np.random.default_rng(shape[0])
    x = rng.normal(0.001, 0.01, size=shape) * rng.uniform(0.2, 5.0, size=shape[1])
    expected = by_definition(x, n_blocks, statistic)
    assert pbo_logits(x, n_blocks, statistic) == pytest.approx(expected, abs=1e-9)


def test_the_choice_is_by_the_mean_unless_said_otherwise() -> None:
    """A steady small gain wins by Sharpe ratio, a large scattered one by mean."""
    x = np.random.default_rng(5).normal(size=(64, 12))
    x[:, 0] = 1.0 + 1e-3 * x[:, 0]  # the best Sharpe ratio throughout
    x[:, 1] = 9.0 + x[:, 1]  # the best mean on each half, and on the other
    x[:32, 2], x[32:, 2] = 40.0, -40.0  # the best mean on the halves that hold the first part
    assert pbo(x, 8, "sharpe") == 0.0
    assert pbo(x, 8) == pbo(x, 8, "mean") > 0.1


@pytest.mark.parametrize("statistic", ["mean", "sharpe"])
def test_noise_is_overfit_half_of_the_time(statistic: Statistic) -> None:
    found = [pbo(np.random.default_rng(s).normal(size=(64, 20)), 8, statistic) for s in range(150)]
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
    assert pbo(x, 2) == pbo(x, 2, "sharpe") == 1.0


def test_constant_trials_count_as_sharpe_zero() -> None:
    x = np.random.default_rng(2).normal(size=(40, 3))
    x[:, 1] = 0.1 + 0.2
    assert np.isfinite(pbo_logits(x, 4, "sharpe")).all()


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


def test_an_unknown_statistic_is_refused() -> None:
    with pytest.raises(ConfigError, match="'median': must be one of mean, sharpe"):
        pbo(np.zeros((20, 3)), 4, "median")  # type: ignore[arg-type]


def test_a_thousand_trials_take_seconds() -> None:
    x = np.random.default_rng(6).normal(size=(60, 1_000))
    start = time.process_time()
    pbo(x, 16)
    assert time.process_time() - start < 5.0


def test_no_figure_comes_from_the_linear_algebra_library() -> None:
    """Its bits depend on the number of threads: no product of matrices in the statistics."""
    products = {"dot", "matmul", "inner", "vdot", "tensordot", "einsum", "corrcoef", "cov", "corr"}
    found = []
    for path in sorted(Path(stats.__file__).parent.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            matrix = isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult)
            named = isinstance(node, ast.Attribute) and node.attr in (*products, "linalg")
            if matrix or named:
                found.append(f"{path.name}:{node.lineno}")
    assert found == []


def test_clusters_follow_the_correlations_of_numpy() -> None:
    x = np.random.default_rng(7).normal(size=(50, 9)).cumsum(axis=1)
    assert correlations(x) == pytest.approx(np.corrcoef(x.T), abs=1e-12)


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
