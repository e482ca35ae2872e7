"""Compiled passes of a Gaussian hidden Markov model; plain references in `reference.py`."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from ethpredict.kernel_cache import njit

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

TINY = 1e-300


@njit(cache=True, nogil=True)
def densities(value: float, means: Floats, sds: Floats, out: Floats) -> float:
    """Density of each state relative to the largest; returns the log of the largest."""
    best = -math.inf
    for k in range(means.shape[0]):
        z = (value - means[k]) / sds[k]
        out[k] = -0.5 * z * z - math.log(sds[k]) - 0.5 * math.log(2.0 * math.pi)
        best = max(best, out[k])
    for k in range(means.shape[0]):
        out[k] = math.exp(out[k] - best)
    return best


@njit(cache=True, nogil=True)
def _filter_step(prior: Floats, moves: Floats, first: bool, density: Floats, out: Floats) -> float:
    """Predict, weigh by the density, normalise; returns the normaliser."""
    k_states = prior.shape[0]
    total = 0.0
    for k in range(k_states):
        predicted = 0.0
        if first:
            predicted = prior[k]
        else:
            for j in range(k_states):
                predicted += prior[j] * moves[j, k]
        out[k] = max(predicted * density[k], TINY)
        total += out[k]
    for k in range(k_states):
        out[k] /= total
    return total


@njit(cache=True, nogil=True)
def filtered(
    x: Floats, run: Counts, means: Floats, sds: Floats, moves: Floats, start: Floats, block: int
) -> Floats:
    """P(state | at most the last 2 block - 1 rows of the stretch); nan where x is missing.

    The rows of block b are read from a filter that began with block b - 1.
    """
    n, k_states = x.shape[0], means.shape[0]
    out = np.full((n, k_states), np.nan)
    density, prior, after = np.empty(k_states), np.empty(k_states), np.empty(k_states)
    for begin in range(0, n, block):
        fresh = True
        for t in range(max(begin - block, 0), min(begin + block, n)):
            if run[t] == 0:
                fresh = True
                continue
            if fresh or run[t] == 1:
                prior[:] = start
            densities(x[t], means, sds, density)
            _filter_step(prior, moves, fresh or run[t] == 1, density, after)
            prior[:] = after
            fresh = False
            if t >= begin:
                out[t] = after
    return out


@njit(cache=True, nogil=True)
def expectations(
    x: Floats, run: Counts, means: Floats, sds: Floats, moves: Floats, start: Floats
) -> tuple[Floats, Floats, float]:
    """One E step (Baum-Welch, scaled) over every stretch of training rows.

    Returns the smoothed state weights, shape (n, K), 0 outside stretches; the
    expected moves, (K, K); the log likelihood.
    """
    n, k_states = x.shape[0], means.shape[0]
    gamma, alpha = np.zeros((n, k_states)), np.zeros((n, k_states))
    scaled, density = np.zeros((n, k_states)), np.empty(k_states)
    scale = np.ones(n)
    counts = np.zeros((k_states, k_states))
    loglik = 0.0
    for t in range(n):
        if run[t] == 0:
            continue
        loglik += densities(x[t], means, sds, density)
        scaled[t] = density
        prior = start if run[t] == 1 else alpha[t - 1]
        scale[t] = _filter_step(prior, moves, run[t] == 1, density, alpha[t])
        loglik += math.log(scale[t])
    beta, older = np.ones(k_states), np.ones(k_states)
    for t in range(n - 1, -1, -1):
        if run[t] == 0:
            continue
        last = t == n - 1 or run[t + 1] != run[t] + 1
        if last:
            beta[:] = 1.0
        else:
            for j in range(k_states):
                total = 0.0
                for k in range(k_states):
                    part = moves[j, k] * scaled[t + 1, k] * beta[k] / scale[t + 1]
                    counts[j, k] += alpha[t, j] * part
                    total += part
                older[j] = total
            beta[:] = older
        for k in range(k_states):
            gamma[t, k] = alpha[t, k] * beta[k]
    return gamma, counts, loglik
