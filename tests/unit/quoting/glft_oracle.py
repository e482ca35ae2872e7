"""Exact GLFT quotes in arithmetic of any precision, by means that share nothing with the package.

Stationary: inverse iteration in which every number is positive. Over a horizon: the exponential
of the matrix as an integral over a hyperbola in the complex plane, one tridiagonal system a node.
"""

from __future__ import annotations

import math

import mpmath
import numpy as np


def matrix(gamma, sigma, A, k, Q, mu, xi):
    """Diagonal of M and eta, in the working precision of mpmath."""
    g, s, a, decay, drift, jump = (mpmath.mpf(v) for v in (gamma, sigma, A, k, mu, xi))
    eta = a * (1 + g / decay) ** -(1 + decay / g) * mpmath.exp(-decay * jump / 2)
    alpha, beta = decay * g * s**2 / 2, decay * drift
    return [alpha * q * q - beta * q for q in range(-Q, Q + 1)], eta


def eigenvector(diagonal, eta):
    """Inverse iteration by elimination, in which every number is positive.

    For a positive v the least of ``(M v)_q / v_q`` is a lower bound of the eigenvalue
    (Collatz-Wielandt): it is the next shift. Stops when the bounds meet in every entry.
    """
    n = len(diagonal)
    v, shift = [mpmath.mpf(1)] * n, min(diagonal) - 2 * eta
    for _ in range(500):
        pivots = [diagonal[0] - shift]
        for d in diagonal[1:]:
            pivots.append(d - shift - eta * eta / pivots[-1])
        assert min(pivots) > 0
        y = [v[0]]
        for i in range(1, n):
            y.append(v[i] + eta * y[-1] / pivots[i - 1])
        v[-1] = y[-1] / pivots[-1]
        for i in range(n - 2, -1, -1):
            v[i] = (y[i] + eta * v[i + 1]) / pivots[i]
        padded = [mpmath.mpf(0), *v, mpmath.mpf(0)]
        bounds = [diagonal[i] - eta * (padded[i] + padded[i + 2]) / padded[i + 1] for i in range(n)]
        if max(bounds) - min(bounds) < mpmath.mpf(10) ** -25 * eta:
            return v
        shift = min(bounds) - mpmath.mpf(10) ** -35 * eta
    raise AssertionError("the oracle did not converge")


def oracle_quotes(v, gamma, k, xi):
    """Distances from the values of v."""
    g, decay, n = mpmath.mpf(gamma), mpmath.mpf(k), len(v)
    centre = mpmath.log(1 + g / decay) / g + mpmath.mpf(xi) / 2
    bid = [centre + mpmath.log(v[i] / v[i + 1]) / decay for i in range(n - 1)]
    ask = [centre + mpmath.log(v[i] / v[i - 1]) / decay for i in range(1, n)]
    return np.array([float(x) for x in bid]), np.array([float(x) for x in ask])


def evolved_vector(diagonal, eta, end, horizon, nodes):
    """``exp(-M horizon) end`` up to a factor, one digit of the largest entry a node.

    Weideman and Trefethen (2007), Parabolic and hyperbolic contours for computing the Bromwich
    integral, Math. Comp. 76, 1341-1356: ``z = m (1 + sin(i theta - 1.1721))``, real systems, so
    half of the nodes. The matrix is shifted by its smallest eigenvalue.
    """
    n, time = len(diagonal), mpmath.mpf(horizon)
    lowest = eigenvector(diagonal, eta)
    base = diagonal[0] - eta * lowest[1] / lowest[0]
    step, m = mpmath.mpf("1.08179214") / nodes, mpmath.mpf("4.49207528") * nodes / time
    total = [mpmath.mpf(0)] * n
    for j in range(nodes):
        place = mpmath.mpc(-mpmath.mpf("1.17210423"), (j + mpmath.mpf(1) / 2) * step)
        z = m * (1 + mpmath.sin(place))
        weight = mpmath.exp(z * time) * m * mpmath.mpc(0, 1) * mpmath.cos(place)
        pivots, y = [z + diagonal[0] - base], [mpmath.mpc(end[0])]
        for i in range(1, n):
            y.append(end[i] + eta * y[-1] / pivots[-1])
            pivots.append(z + diagonal[i] - base - eta * eta / pivots[-1])
        x = mpmath.mpc(0)
        for i in range(n - 1, -1, -1):
            x = (y[i] + eta * x) / pivots[i]
            total[i] += (weight * x).imag
    return total


def exact_reference(
    gamma, sigma, A, k, Q, mu=0.0, xi=0.0, horizon=None, terminal="liquidation", digits=60
):
    """Bid at -Q .. Q-1 and ask at -Q+1 .. Q.

    Over a horizon `digits` must exceed the decades that v spans, by which the smallest entry
    keeps the rest; the test says so where it does not.
    """
    if horizon is None:
        with mpmath.workdps(60):
            return oracle_quotes(eigenvector(*matrix(gamma, sigma, A, k, Q, mu, xi)), gamma, k, xi)
    with mpmath.workdps(int(1.3 * digits) + 30):
        diagonal, eta = matrix(gamma, sigma, A, k, Q, mu, xi)
        if terminal == "liquidation":
            impact = mpmath.mpf(k) * mpmath.mpf(xi) / 2
            end = [mpmath.exp(-impact * q * q) for q in range(-Q, Q + 1)]
        else:
            end = eigenvector(matrix(gamma, sigma, A, k, Q, 0.0, xi)[0], eta)
            largest = max(end)
            end = [value / largest for value in end]
        v = evolved_vector(diagonal, eta, end, horizon, digits)
        assert min(v) > mpmath.mpf(10) ** (15 - digits) * max(v), "more digits are needed"
        return oracle_quotes(v, gamma, k, xi)


def decades(quotes, gamma, k, xi):
    """How many decades v spans, by quotes under test: it sets the digits and nothing else."""
    height = np.cumsum(k * (math.log1p(gamma / k) / gamma + 0.5 * xi - quotes[0][:-1]))
    return int(np.ptp(np.append(0.0, height)) / math.log(10)) + 1


def relative_error(quotes, reference, k):
    """Largest error at any inventory, relative to the quote, or to 1/k where that is larger.

    A quote may pass through 0; 1/k is the distance over which fills thin out.
    """
    worst = 0.0
    for mine, exact in zip((quotes[0][:-1], quotes[1][1:]), reference, strict=True):
        assert np.isfinite(mine).all()
        worst = max(worst, float((np.abs(mine - exact) / np.maximum(np.abs(exact), 1 / k)).max()))
    return worst
