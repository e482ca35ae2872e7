"""Block bootstrap of sums over dependent rows, with an automatic block length.

Errors of forecasts are dependent: labels of H bars overlap, volatility clusters.
Drawing single rows would give intervals that are too short; blocks keep the
dependence within their length.

References
----------
Politis, D. N. and Romano, J. P. (1994). The stationary bootstrap. JASA 89(428).
doi:10.1080/01621459.1994.10476870
Politis, D. N. and White, H. (2004). Automatic block-length selection for the dependent bootstrap.
Econometric Reviews 23(1). doi:10.1081/ETR-120028836; corrected in Patton, Politis and White (2009),
Econometric Reviews 28(4). doi:10.1080/07474930802459016
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
KINDS = ("stationary", "circular")


def block_length(x: npt.ArrayLike, kind: str = "stationary") -> float:
    """Block length that minimises the error of the bootstrap variance of a mean.

    Parameters
    ----------
    x : array_like of float, shape (n,)
        One series in time order, finite.
    kind : {"stationary", "circular"}
        Random lengths with this mean, or blocks of this length.

    Returns
    -------
    float
        At least 1, at most ``min(3 sqrt(n), n / 3)``; 1 for fewer than 10 rows or a constant.

    Notes
    -----
    ``b = (2 G^2 / D)^(1/3) n^(1/3)`` with ``G = sum lambda(k/M) |k| R(k)`` and
    ``D = 2 g^2`` (stationary) or ``4/3 g^2`` (circular), ``g = sum lambda(k/M)
    R(k)``, R the autocovariance and lambda the flat-top window. M is twice the
    first lag after which ``max(5, log10 n)`` autocorrelations in a row stay
    below ``2 sqrt(log10 n / n)``.

    Examples
    --------
    >>> block_length(np.tile([1.0, -1.0], 50)) > 1
    True
    >>> block_length(np.ones(50))
    1.0
    """
    if kind not in KINDS:
        raise ValueError(f"kind = {kind!r}: must be one of {', '.join(KINDS)}")
    values = np.asarray(x, dtype=np.float64)
    n = len(values)
    if n < 10 or np.ptp(values) == 0.0:
        return 1.0
    centred = values - values.mean()
    run = max(5, int(math.log10(n)))
    longest = min(math.ceil(math.sqrt(n)) + run, n - 1)
    covariance = np.array(
        [(centred[lag:] * centred[: n - lag]).sum() / n for lag in range(longest + 1)]
    )
    small = np.abs(covariance[1:] / covariance[0]) < 2.0 * math.sqrt(math.log10(n) / n)
    quiet = [lag for lag in range(longest - run + 1) if small[lag : lag + run].all()]
    width = min(2 * max(quiet[0], 1), longest) if quiet else longest
    lags = np.arange(1, width + 1)
    window = np.where(lags <= width / 2, 1.0, 2.0 * (1.0 - lags / width))
    bend = 2.0 * (window * lags * covariance[1 : width + 1]).sum()
    level = covariance[0] + 2.0 * (window * covariance[1 : width + 1]).sum()
    if level == 0.0:
        return 1.0
    scale = 2.0 if kind == "stationary" else 4.0 / 3.0
    length = (2.0 * bend**2 / (scale * level**2)) ** (1 / 3) * n ** (1 / 3)
    return float(min(max(length, 1.0), math.ceil(min(3.0 * math.sqrt(n), n / 3.0))))


def resampled_sums(
    terms: npt.ArrayLike,
    length: float,
    draws: int,
    rng: np.random.Generator,
    kind: str = "stationary",
) -> Floats:
    """Column sums over bootstrap samples of the rows.

    Parameters
    ----------
    terms : array_like of float, shape (n, k)
        Rows in time order.
    length : float, rows, >= 1
        Mean block length (stationary), or block length, rounded (circular).
    draws : int, >= 1
        Bootstrap samples, each of n rows.
    rng : numpy.random.Generator
        Source of the draws.
    kind : {"stationary", "circular"}
        Geometric or fixed block lengths; the rows are a circle in both.

    Returns
    -------
    ndarray of float64, shape (draws, k)
        A statistic that is a function of sums needs nothing else: a block is a
        difference of two running sums, so a sample costs O(n / length).
    """
    if kind not in KINDS:
        raise ValueError(f"kind = {kind!r}: must be one of {', '.join(KINDS)}")
    values = np.asarray(terms, dtype=np.float64)
    n = len(values)
    if length < 1 or n < 1:
        raise ValueError(f"length = {length}, rows = {n}: must be at least 1")
    running = np.zeros((2 * n + 1, values.shape[1]))
    np.cumsum(np.concatenate([values, values]), axis=0, out=running[1:])
    found = np.empty((draws, values.shape[1]))
    for draw in range(draws):
        sizes = _sizes(n, length, rng, kind)
        starts = rng.integers(0, n, len(sizes))
        blocks = running.take(starts + sizes, axis=0)
        blocks -= running.take(starts, axis=0)
        found[draw] = blocks.sum(axis=0)
    return found


def _sizes(n: int, length: float, rng: np.random.Generator, kind: str) -> npt.NDArray[np.int64]:
    """Block lengths that add up to n; the last one is cut."""
    if kind == "circular":
        size = min(max(round(length), 1), n)
        sizes = np.full(-(-n // size), size, dtype=np.int64)
    else:
        sizes = rng.geometric(1.0 / length, size=math.ceil(n / length) + 8)
        while sizes.sum() < n:
            sizes = np.concatenate([sizes, rng.geometric(1.0 / length, size=len(sizes))])
    ends = np.cumsum(sizes)
    last = int(np.searchsorted(ends, n))  # the block that reaches the end
    sizes = sizes[: last + 1]
    sizes[last] -= ends[last] - n
    return sizes
