"""Probability of backtest overfitting, and how many trials were really different."""

from __future__ import annotations

from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from ethpredict.errors import ConfigError

CHUNK = 512
MIN_TRIALS = 2
STATISTICS = ("mean", "sharpe")

Statistic = Literal["mean", "sharpe"]


def _block_sums(x: NDArray[np.float64], n_blocks: int) -> tuple[NDArray, NDArray, int]:
    """Sums and sums of squares by block, shape (S, N), and the rows of one block."""
    length = x.shape[0] // n_blocks
    # The oldest rows that do not fill a block are left out, so that all halves are equally long.
    blocks = x[x.shape[0] - length * n_blocks :].reshape(n_blocks, length, x.shape[1])
    return blocks.sum(axis=1), (blocks**2).sum(axis=1), length


def _half(blocks: NDArray[np.float64], members: NDArray[np.int64]) -> NDArray[np.float64]:
    """Sum of the chosen blocks of each split, shape (splits, N).

    Block by block, not as a product with a 0-1 matrix: the bits of a matrix product depend on
    the threads of the linear algebra library.
    """
    found = blocks[members[:, 0]]
    for block in members.T[1:]:
        found += blocks[block]
    return found


def _sharpe(total: NDArray[np.float64], square: NDArray[np.float64], count: int) -> NDArray:
    """Mean over deviation from sums; a constant column counts as 0."""
    mean = total / count
    variance = (square - count * mean**2) / (count - 1)
    # What is left of a constant column is rounding error, not risk.
    flat = variance <= 1e-12 * square / count
    return np.where(flat, 0.0, mean / np.sqrt(np.where(flat, 1.0, variance)))


def _rank_logit(chosen: NDArray[np.float64], test: NDArray[np.float64]) -> NDArray:
    """Logit of the mean rank that each row's best of `chosen` has in `test`."""
    mine = test[np.arange(len(test)), np.argmax(chosen, axis=1)][:, None]
    rank = (test < mine).sum(axis=1) + ((test == mine).sum(axis=1) + 1) / 2
    omega = rank / (test.shape[1] + 1)
    return np.log(omega / (1.0 - omega))


def pbo_logits(
    returns: ArrayLike, n_blocks: int = 16, statistic: Statistic = "mean"
) -> NDArray[np.float64]:
    """Logits of the out-of-sample rank of the in-sample best, by CSCV.

    Parameters
    ----------
    returns : array_like, shape (T, N)
        Returns of N >= 2 trials over the same T periods; finite.
    n_blocks : int
        Even number S >= 2 of blocks; T must give every block at least 2 rows.
    statistic : {"mean", "sharpe"}
        What a trial is chosen and judged by; it must be what the search maximised.

    Returns
    -------
    ndarray, shape (C(S, S/2),)
        ln(omega / (1 - omega)) for every choice of half the blocks as in-sample, with
        omega = rank / (N + 1) of the in-sample best among all trials out of sample
        (1 = worst; ties share their mean rank).

    Raises
    ------
    ConfigError
        If the shape, a value, `n_blocks` or the statistic is out of range.

    Notes
    -----
    The search ranks by ``pnl_1k``, which for one capital is the mean daily return: hence the
    default. The paper's example chooses by Sharpe ratio. Block sums make one split cost O(S N).

    References
    ----------
    Bailey, Borwein, Lopez de Prado and Zhu (2017). The probability of backtest
    overfitting. Journal of Computational Finance 20(4). doi:10.21314/JCF.2016.322
    """
    x = np.asarray(returns, dtype=np.float64)
    if x.ndim != 2 or x.shape[1] < MIN_TRIALS:
        raise ConfigError("returns", x.shape, "an array (periods, trials) with at least 2 trials")
    if n_blocks < 2 or n_blocks % 2:
        raise ConfigError("n_blocks", n_blocks, "an even number, at least 2")
    if x.shape[0] < 2 * n_blocks:
        raise ConfigError(
            "n_blocks", n_blocks, f"at most {x.shape[0] // 2} for {x.shape[0]} periods"
        )
    if not np.isfinite(x).all():
        raise ConfigError("returns", "nan or infinite", "finite", "Keep the common periods only.")
    if statistic not in STATISTICS:
        raise ConfigError("statistic", statistic, f"one of {', '.join(STATISTICS)}")
    total, square, length = _block_sums(x, n_blocks)
    half = n_blocks // 2
    members = np.array(list(combinations(range(n_blocks), half)))
    logits = np.empty(len(members))
    count = half * length
    # In lexicographic order the complement of split i is split C - 1 - i: two for one.
    for start in range(0, len(members) // 2, CHUNK):
        rows = np.arange(start, min(start + CHUNK, len(members) // 2))
        mirrored = len(members) - 1 - rows
        first, second = (
            _half(total, members[chosen])
            if statistic == "mean"
            else _sharpe(_half(total, members[chosen]), _half(square, members[chosen]), count)
            for chosen in (rows, mirrored)
        )
        logits[rows] = _rank_logit(first, second)
        logits[mirrored] = _rank_logit(second, first)
    return logits


def pbo(returns: ArrayLike, n_blocks: int = 16, statistic: Statistic = "mean") -> float:
    """Probability of backtest overfitting by combinatorially symmetric cross-validation.

    Parameters
    ----------
    returns : array_like, shape (T, N)
        Returns of N >= 2 trials over the same T periods; finite.
    n_blocks : int
        Even number S >= 2 of blocks.
    statistic : {"mean", "sharpe"}
        What a trial is chosen and judged by.

    Returns
    -------
    float
        Share of splits whose in-sample best is not above the median out of sample. About
        0.5 on noise (one draw scatters by 0.12-0.24), 0 when one trial is better throughout.

    Raises
    ------
    ConfigError
        As :func:`pbo_logits`.

    References
    ----------
    Bailey, Borwein, Lopez de Prado and Zhu (2017). doi:10.21314/JCF.2016.322

    Examples
    --------
    >>> import numpy as np
    >>> noise = np.random.default_rng(0).normal(size=(64, 5))
    >>> pbo(noise + np.array([0, 0, 9, 0, 0]), n_blocks=8)
    0.0
    """
    # Ranks are half-integers, so omega = 1/2 gives log(1) = 0 exactly and counts as overfit.
    return float(np.mean(pbo_logits(returns, n_blocks, statistic) <= 0.0))


def correlations(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Correlation matrix of the columns, row by row: no matrix product, see :func:`_half`."""
    z = x - x.mean(axis=0)
    z /= np.sqrt((z * z).sum(axis=0))
    found = np.empty((z.shape[1], z.shape[1]))
    for i in range(z.shape[1]):
        found[i, i:] = found[i:, i] = (z[:, i : i + 1] * z[:, i:]).sum(axis=0)
    return found


def effective_trials(returns: ArrayLike, correlation: float = 0.5) -> int:
    """Count clusters of trials whose returns move together.

    Parameters
    ----------
    returns : array_like, shape (T, N)
        Returns of N trials over the same T periods; finite. Constant columns form one cluster.
    correlation : float
        Mean correlation in (0, 1) above which two clusters are one.

    Returns
    -------
    int
        Clusters of average linkage on the distance sqrt((1 - rho) / 2).

    Raises
    ------
    ConfigError
        If the shape or the correlation is out of range.

    References
    ----------
    Lopez de Prado, M. and Lewis, M. (2019). Detection of false investment strategies using
    unsupervised learning methods. Quantitative Finance 19(9). doi:10.1080/14697688.2019.1622311
    """
    x = np.asarray(returns, dtype=np.float64)
    if x.ndim != 2 or not np.isfinite(x).all():
        raise ConfigError("returns", x.shape, "a finite array (periods, trials)")
    if not 0.0 < correlation < 1.0:
        raise ConfigError("correlation", correlation, "above 0 and below 1")
    moving = np.ptp(x, axis=0) > 0
    constant = int(not moving.all())
    x = x[:, moving]
    if x.shape[1] < MIN_TRIALS:
        return x.shape[1] + constant
    distance = np.sqrt(np.clip((1.0 - correlations(x)) / 2.0, 0.0, 1.0))
    np.fill_diagonal(distance, 0.0)
    tree = linkage(squareform(distance, checks=False), method="average")
    cut = np.sqrt((1.0 - correlation) / 2.0)
    return int(fcluster(tree, cut, criterion="distance").max()) + constant
