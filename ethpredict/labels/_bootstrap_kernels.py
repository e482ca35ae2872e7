"""Compiled sequential bootstrap; the plain reference stands in `reference.py`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ethpredict.kernel_cache import njit

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@njit(cache=True, nogil=True)
def uniqueness_if_drawn(first: int, last: int, count: Integers) -> float:
    """Mean of 1 / (count + 1) over a closed interval: its uniqueness beside the labels drawn."""
    total = 0.0
    for bar in range(first, last + 1):
        total += 1.0 / (count[bar] + 1)
    return total / (last - first + 1)


@njit(cache=True, nogil=True)
def sequential_draws(
    t0: Integers, t1: Integers, bars: int, draws: int, rng: np.random.Generator
) -> Integers:
    """Draw labels one by one with probability proportional to their uniqueness so far.

    Uniqueness only falls while labels are drawn, so the value that a label had
    when it was last looked at bounds the present one from above. A label is
    proposed in proportion to the bounds (a tree of sums) and accepted with
    present value over bound; a refusal tightens the bound. The draws have
    exactly the wanted law, and only the labels proposed are ever looked at.
    """
    labels = t0.shape[0]
    leaves = 1
    while leaves < labels:
        leaves *= 2
    sums = np.zeros(2 * leaves)
    sums[leaves : leaves + labels] = 1.0
    for node in range(leaves - 1, 0, -1):
        sums[node] = sums[2 * node] + sums[2 * node + 1]
    count = np.zeros(bars, dtype=np.int64)
    out = np.empty(draws, dtype=np.int64)
    done = 0
    while done < draws:
        target = rng.random() * sums[1]
        node = 1
        while node < leaves:
            node *= 2
            # the right half only where it holds something: rounding must not lead out of the tree
            if target >= sums[node] and sums[node + 1] > 0.0:
                target -= sums[node]
                node += 1
        label = node - leaves
        bound = sums[node]
        present = uniqueness_if_drawn(t0[label], t1[label], count)
        accepted = rng.random() * bound < present
        if accepted:
            out[done] = label
            done += 1
            for bar in range(t0[label], t1[label] + 1):
                count[bar] += 1
            present = uniqueness_if_drawn(t0[label], t1[label], count)
        sums[node] = present
        while node > 1:
            node //= 2
            sums[node] = sums[2 * node] + sums[2 * node + 1]
    return out
