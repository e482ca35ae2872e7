"""The lattice of exact quotes against the solver, and its symmetries."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ethpredict.errors import ConfigError
from ethpredict.quoting._evolution_kernels import evolve_many
from ethpredict.quoting._exact_kernels import evolve_log_ratios
from ethpredict.quoting._lattice_kernels import (
    STEP_A,
    STEP_T,
    STEP_X,
    blended_pair,
    fit_places,
    row_places,
)
from ethpredict.quoting.exact import evolved, exact_quotes
from ethpredict.quoting.lattice import ERROR_BOUND, Places, QuoteLattice


def log_ratios(lattice: QuoteLattice, a: float, x: float, time: float) -> np.ndarray:
    cells = lattice.cells(Places.of(a, x, time, lattice.terminal == "liquidation"))
    q = np.arange(-(lattice.nodes.shape[1] // 2), lattice.nodes.shape[1] // 2, dtype=float)
    cell = tuple(cells.corners[0].tolist()), *cells.weights[0]
    ratio = np.array([blended_pair(lattice.nodes, *cell, lots)[0] for lots in q])
    return -ratio[::-1] if x < 0.0 else ratio


def draw(rng: np.random.Generator) -> tuple[float, ...]:
    """gamma, sigma, A, k, mu, horizon over many decades; the forecast move up to about 20/k."""
    gamma, k = 10 ** rng.uniform(-4, 0), 10 ** rng.uniform(-1, 0.5)
    A, sigma, horizon = (
        10 ** rng.uniform(-4, 0),
        10 ** rng.uniform(-1.5, 0.5),
        10 ** rng.uniform(1, 5),
    )
    return gamma, sigma, A, k, rng.normal() * 10 ** rng.uniform(-2, 1) / horizon / k, horizon


@pytest.mark.parametrize("Q", [2, 10, 30])
def test_interpolation_stays_within_its_bound(Q: int) -> None:
    """Against exact_quotes at every inventory, on 60 random sets."""
    rng, lattice, worst = np.random.default_rng(Q), QuoteLattice(Q), 0.0
    for _ in range(60):
        gamma, sigma, A, k, mu, horizon = draw(rng)
        eta = A * math.exp(-(1 + k / gamma) * math.log1p(gamma / k))
        a, x = 0.5 * k * gamma * sigma**2 / eta, k * mu * horizon
        if a > 1e4:
            continue
        bid, _ = exact_quotes(gamma, sigma, A, k, Q, mu, 0.0, horizon, "stationary")
        wanted = k * (math.log1p(gamma / k) / gamma - bid[:-1])
        error = np.abs(log_ratios(lattice, a, x, eta * horizon) - wanted).max() / (1.0 + abs(x))
        worst = max(worst, error)
    assert worst <= ERROR_BOUND
    assert worst > 0.01 * ERROR_BOUND  # the bound says something


def test_liquidation_ends_flat() -> None:
    """At once after the horizon nothing is worth more than anything: log ratios 0."""
    lattice = QuoteLattice(5, "liquidation")
    assert np.abs(log_ratios(lattice, 0.5, 0.0, 1e-3)).max() < 2e-2
    wanted = evolved(np.zeros(10), 0.5, 0.2, 1.0, 4.0)
    assert log_ratios(lattice, 0.5, 0.8, 4.0) == pytest.approx(wanted, abs=2 * ERROR_BOUND)


def test_mirror_and_history() -> None:
    """-x mirrors the inventory; what was solved before changes no bit."""
    first, second = QuoteLattice(6), QuoteLattice(6)
    second.cells(Places.of([3.0, 0.01], [2.0, 0.1], [1.0, 50.0]))
    up = log_ratios(first, 0.2, 0.7, 3.0)
    assert np.array_equal(up, log_ratios(second, 0.2, 0.7, 3.0))
    assert np.array_equal(log_ratios(first, 0.2, -0.7, 3.0), -up[::-1])


def test_unknown_rows_and_refusals() -> None:
    lattice = QuoteLattice(3)
    cells = lattice.cells(Places.of([np.nan, 1.0], [0.0, np.nan], 1.0))
    assert (cells.corners == -1).all()
    assert len(lattice) == 0
    with pytest.raises(ConfigError, match="alpha/eta"):
        lattice.cells(Places.of(1e7, 0.0, 1.0))
    with pytest.raises(ConfigError, match="order_size = 1001: must be <= 1000"):
        QuoteLattice(1001)
    with pytest.raises(ConfigError, match="terminal"):
        QuoteLattice(3, "never")


def test_blended_pair_reference() -> None:
    """blended_pair against plain interpolation, also beyond the limits and with one lot."""
    rng = np.random.default_rng(5)
    for Q in (1, 2, 6):
        nodes, weights = rng.normal(size=(20, 2 * Q)), rng.random(3)
        corners = rng.integers(0, 20, 8)
        cube = nodes[corners].reshape(2, 2, 2, 2 * Q)
        for part in weights:
            cube = cube[0] + part * (cube[1] - cube[0])
        for q in (*np.arange(-Q - 2.0, Q + 2.5, 0.5), *rng.uniform(-Q, Q, 20)):
            wanted = np.interp([q, q - 1.0], np.arange(-Q, Q), cube)
            found = blended_pair(nodes, tuple(corners.tolist()), *weights, q)
            assert found == pytest.approx(wanted, abs=1e-14)


def test_places_reference() -> None:
    """A row and its fit together give ln a, asinh |x| and ln T; many runs as one by one."""
    rng = np.random.default_rng(6)
    sigma, A, k, xi = rng.uniform(0.1, 2.0, (4, 5))
    mu, left, zeta = rng.normal(size=5), rng.uniform(1.0, 900.0, 5), 0.4
    eta = A * (1.0 + zeta / k) ** -(1.0 + k / zeta) * np.exp(-0.5 * k * xi)
    fits = [np.stack(fit_places(gamma, zeta, A, k, xi, 1.0)) for gamma in (0.2, 0.02)]
    rows = row_places(sigma, k * mu * left, left, False)
    for gamma, fit in zip((0.2, 0.02), fits, strict=True):
        a = 0.5 * k * gamma * sigma**2 / eta
        assert (rows[0] + fit[0]) * STEP_A == pytest.approx(np.log(a), abs=1e-12)
        assert (rows[2] + fit[1]) * STEP_T == pytest.approx(np.log(left * eta), abs=1e-12)
    assert rows[1] * STEP_X == pytest.approx(np.abs(np.arcsinh(k * mu * left)), abs=1e-12)
    together, epoch = QuoteLattice(2), np.arange(5)
    together.solve(Places(*rows, *np.stack(fits, axis=2), epoch))
    for fit in fits:
        alone, places = QuoteLattice(2), Places(*rows, fit[0][:, None], fit[1][:, None], epoch)
        solved, count = alone.cells(places), len(together)
        among = together.cells(places)
        assert len(together) == count  # all were solved before
        assert np.array_equal(among.weights, solved.weights)
        assert np.array_equal(together.nodes[among.corners], alone.nodes[solved.corners])


def test_evolve_many_parity() -> None:
    """evolve_many is evolve_log_ratios per problem, whatever steps its neighbours need."""
    rng = np.random.default_rng(0)
    ends, out = rng.normal(size=(11, 6)), np.empty((11, 6))
    a, b = rng.uniform(0.1, 1.0, (2, 11))
    time = np.array([0.3, 90.0, 1e-3, 1.0, 7.0, 40.0, 5.0, 0.1, 250.0, 2.0, 0.0])
    evolve_many(ends, a, b, time, out)
    for i in range(11):
        assert np.array_equal(out[i], evolve_log_ratios(ends[i], a[i], b[i], 1.0, time[i]))
