"""The tables of 2008 and the limits of the formulas."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from ethpredict.errors import ConfigError
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


def test_spread_without_risk_aversion_and_illegal_values():
    assert optimal_spread(0.0, 2.0, 1.5, 1.0) == pytest.approx(2 / 1.5)
    assert optimal_spread(1e-9, 2.0, 1.5, 1.0) == pytest.approx(2 / 1.5, rel=1e-6)
    with pytest.raises(ConfigError, match=r"quoting.time_left = -1.0"):
        reservation_price(100.0, 0.0, 0.1, 2.0, -1.0)
    with pytest.raises(ConfigError, match=r"quoting.k = 0.0"):
        optimal_spread(0.1, 2.0, 0.0, 1.0)
