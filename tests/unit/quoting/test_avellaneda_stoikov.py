"""The tables of 2008 and the limits of the formulas."""

from __future__ import annotations

import json
import math
import time

import numpy as np
import pytest

from ethpredict.errors import ConfigError
from ethpredict.quoting.as_experiment import run_experiment
from ethpredict.quoting.avellaneda_stoikov import optimal_spread, reservation_price


def simulate_2008(gamma: float, symmetric: bool, paths: int, seed: int):
    """The experiment of Avellaneda and Stoikov, all paths at once.

    The symmetric strategy quotes the inventory strategy's average spread around the mid.
    """
    rng = np.random.default_rng(seed)
    sigma, k, A, dt, steps = 2.0, 1.5, 140.0, 0.005, 200
    mid, cash, held = np.full(paths, 100.0), np.zeros(paths), np.zeros(paths)
    spreads = optimal_spread(gamma, sigma, k, 1.0 - dt * np.arange(steps))
    for step in range(steps):
        left = 1.0 - step * dt
        spread = spreads.mean() if symmetric else spreads[step]
        centre = mid if symmetric else reservation_price(mid, held, gamma, sigma, left)
        bid, ask = centre - spread / 2, centre + spread / 2
        u = rng.random((2, paths))
        buys = u[0] < np.minimum(1.0, A * np.exp(-k * (mid - bid)) * dt)
        sells = u[1] < np.minimum(1.0, A * np.exp(-k * (ask - mid)) * dt)
        cash += sells * ask - buys * bid
        held += buys * 1.0 - sells
        mid = mid + sigma * math.sqrt(dt) * rng.choice([-1.0, 1.0], paths)
    return spreads.mean(), cash + held * mid, held


def test_published_tables_of_2008(shared_vectors):
    data = json.loads((shared_vectors / "as2008.json").read_text())
    for gamma, rows in data["published"].items():
        for strategy, row in rows.items():
            spread, profit, held = simulate_2008(
                float(gamma), strategy == "symmetric", 8_000, seed=7
            )
            published = dict(zip(data["params"]["columns"], row, strict=True))
            # Both samples are random: 1,000 runs in the paper, 8,000 here.
            error = published["std profit"] * math.sqrt(1 / 1_000 + 1 / 8_000)
            assert abs(profit.mean() - published["profit"]) < 3 * error + 0.05
            assert profit.std() == pytest.approx(published["std profit"], rel=0.1)
            assert spread == pytest.approx(published["avg spread"], abs=0.02)
            assert abs(held.mean()) < 3 * held.std() / math.sqrt(8_000)


def test_experiment_against_the_published_tables(shared_vectors):
    """Means within 3 standard errors of the paper's 1,000 runs, deviations within 10 %."""
    data = json.loads((shared_vectors / "as2008.json").read_text())
    for gamma, rows in data["published"].items():
        for strategy, (spread, profit, profit_sd, final_q, final_q_sd) in rows.items():
            got = run_experiment(float(gamma), strategy, paths=20_000, seed=3)
            assert got.spread == pytest.approx(spread, abs=0.02)
            assert abs(got.profit - profit) < 3 * profit_sd / math.sqrt(1_000)
            assert abs(got.final_q - final_q) < 3 * final_q_sd / math.sqrt(1_000)
            assert got.profit_sd == pytest.approx(profit_sd, rel=0.1)
            assert got.final_q_sd == pytest.approx(final_q_sd, rel=0.1)


def test_experiment_equals_the_plain_loop_and_is_fast():
    for strategy in ("inventory", "symmetric"):
        start = time.process_time()
        got = run_experiment(0.1, strategy, paths=1_000, seed=5)
        assert time.process_time() - start < 5
        again = run_experiment(0.1, strategy, paths=1_000, seed=5)
        assert got == again
        _, profit, held = simulate_2008(0.1, strategy == "symmetric", 8_000, seed=11)
        error = math.sqrt(profit.var() / 8_000 + got.profit_sd**2 / 1_000)
        assert abs(got.profit - profit.mean()) < 4 * error
        assert got.final_q_sd == pytest.approx(held.std(), rel=0.1)
    with pytest.raises(ConfigError, match="inventory, symmetric"):
        run_experiment(0.1, "greedy")
    with pytest.raises(ConfigError, match="paths"):
        run_experiment(0.1, paths=1)


@pytest.mark.slow
def test_100_000_paths_in_a_minute():
    start = time.process_time()
    run_experiment(0.1, paths=100_000)
    assert time.process_time() - start < 60


def test_spread_without_risk_aversion_and_illegal_values():
    assert optimal_spread(0.0, 2.0, 1.5, 1.0) == pytest.approx(2 / 1.5)
    assert optimal_spread(1e-9, 2.0, 1.5, 1.0) == pytest.approx(2 / 1.5, rel=1e-6)
    with pytest.raises(ConfigError, match=r"quoting.time_left = -1.0"):
        reservation_price(100.0, 0.0, 0.1, 2.0, -1.0)
    with pytest.raises(ConfigError, match=r"quoting.k = 0.0"):
        optimal_spread(0.1, 2.0, 0.0, 1.0)
