"""The numerical experiment of Avellaneda and Stoikov (2008), section 3.3, for comparison."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ethpredict.errors import ConfigError
from ethpredict.quoting.avellaneda_stoikov import optimal_spread, reservation_price
from ethpredict.quoting.checks import check_positive

STRATEGIES = ("inventory", "symmetric")


@dataclass(frozen=True)
class ExperimentResult:
    """Averages over the paths: the columns of the paper's tables 1-3.

    Attributes
    ----------
    spread : float
        Mean distance from bid to ask over time and paths, price units.
    profit, profit_sd : float
        Mean and standard deviation of the final wealth ``cash + q S``.
    final_q, final_q_sd : float
        Mean and standard deviation of the final inventory.
    """

    spread: float
    profit: float
    profit_sd: float
    final_q: float
    final_q_sd: float


def run_experiment(
    gamma: float,
    strategy: str = "inventory",
    paths: int = 1000,
    seed: int = 0,
    mid: float = 100.0,
    sigma: float = 2.0,
    A: float = 140.0,
    k: float = 1.5,
    horizon: float = 1.0,
    dt: float = 0.005,
) -> ExperimentResult:
    """Simulate the paper's market maker on many paths at once.

    Parameters
    ----------
    gamma : float
        Risk aversion, > 0.
    strategy : {"inventory", "symmetric"}
        Quotes around the reservation price, or around the mid with the average spread of
        the former, held constant.
    paths : int
        Number of paths, >= 2.
    seed : int
        Seed of the draws.
    mid, sigma, A, k, horizon, dt : float
        Start of the mid, its volatility, fill intensity and decay, length and step; the
        defaults are the paper's.

    Returns
    -------
    ExperimentResult

    Raises
    ------
    ConfigError
        If a parameter is outside its range.

    Notes
    -----
    In each step quotes are set from the state at t; both sides fill independently with
    probability ``min(1, A e^{-k delta} dt)``; then the mid moves by ``+-sigma sqrt(dt)``.
    A path takes about 12 us, all paths side by side.

    References
    ----------
    Avellaneda, Stoikov (2008), High-frequency trading in a limit order book,
    Quantitative Finance 8, 217-224, https://doi.org/10.1080/14697680701381228
    """
    check_positive(
        ("sigma",), gamma=gamma, sigma=sigma, A=A, k=k, horizon=horizon, dt=dt, paths=paths
    )
    if strategy not in STRATEGIES:
        raise ConfigError("as_experiment.strategy", strategy, "one of " + ", ".join(STRATEGIES))
    if paths < 2:
        raise ConfigError("as_experiment.paths", paths, ">= 2")
    rng = np.random.default_rng(seed)
    price, cash, held = np.full(paths, mid), np.zeros(paths), np.zeros(paths)
    left = horizon - dt * np.arange(round(horizon / dt))
    spreads = optimal_spread(gamma, sigma, k, left)
    average = float(spreads.mean())
    for time_left, wide in zip(left, spreads, strict=True):
        if strategy == "symmetric":
            centre, spread = price, average
        else:
            centre = reservation_price(price, held, gamma, sigma, time_left)
            spread = float(wide)
        bid, ask = centre - 0.5 * spread, centre + 0.5 * spread
        bought = rng.random(paths) < A * np.exp(-k * (price - bid)) * dt
        sold = rng.random(paths) < A * np.exp(-k * (ask - price)) * dt
        cash += np.where(sold, ask, 0.0) - np.where(bought, bid, 0.0)
        held += bought.astype(np.float64) - sold
        up = rng.integers(0, 2, paths, dtype=np.int8)
        price = price + sigma * np.sqrt(dt) * (2.0 * up - 1.0)
    wealth = cash + held * price
    return ExperimentResult(
        average,
        float(wealth.mean()),
        float(wealth.std(ddof=1)),
        float(held.mean()),
        float(held.std(ddof=1)),
    )
