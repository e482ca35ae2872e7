"""Hidden Markov model by definition: sums over all paths, what the kernels must agree with."""

from __future__ import annotations

from itertools import product

import numpy as np

from ethpredict.features.fitted.base import Floats


def path_weights(
    x: Floats, means: Floats, sds: Floats, moves: Floats, start: Floats
) -> list[tuple[tuple[int, ...], float]]:
    """Joint density of the observations and each path of states; for a few rows only."""
    density = np.exp(-0.5 * ((x[:, None] - means) / sds) ** 2) / (sds * np.sqrt(2.0 * np.pi))
    found = []
    for path in product(range(len(means)), repeat=len(x)):
        weight = start[path[0]] * density[0, path[0]]
        for t in range(1, len(x)):
            weight *= moves[path[t - 1], path[t]] * density[t, path[t]]
        found.append((path, float(weight)))
    return found


def filtered_last(x: Floats, means: Floats, sds: Floats, moves: Floats, start: Floats) -> Floats:
    """P(last state | x) from all paths."""
    out = np.zeros(len(means))
    for path, weight in path_weights(x, means, sds, moves, start):
        out[path[-1]] += weight
    return out / out.sum()


def expectations(
    x: Floats, means: Floats, sds: Floats, moves: Floats, start: Floats
) -> tuple[Floats, Floats, float]:
    """Smoothed state weights, expected moves and log likelihood from all paths."""
    gamma, counts, total = np.zeros((len(x), len(means))), np.zeros_like(moves), 0.0
    for path, weight in path_weights(x, means, sds, moves, start):
        total += weight
        for t, state in enumerate(path):
            gamma[t, state] += weight
            if t:
                counts[path[t - 1], state] += weight
    return gamma / total, counts / total, float(np.log(total))
