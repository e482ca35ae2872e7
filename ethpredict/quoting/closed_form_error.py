"""How far the closed form is from the exact quotes at one set of parameters."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ethpredict.errors import ConfigError
from ethpredict.quoting._exact_kernels import stationary_log_ratios
from ethpredict.quoting._kernels import spread_terms
from ethpredict.quoting.checks import check_positive


@dataclass(frozen=True)
class Distances:
    """Exact and closed-form distances at one inventory.

    Attributes
    ----------
    q : int
        Inventory, lots.
    bid, ask : float
        Exact distances below and above the mid, USD.
    closed_bid, closed_ask : float
        Those of the closed form, USD.
    """

    q: int
    bid: float
    ask: float
    closed_bid: float
    closed_ask: float

    @property
    def bid_error(self) -> float:
        """Closed form less exact over the size of the exact distance, bid."""
        return _relative(self.closed_bid, self.bid)

    @property
    def ask_error(self) -> float:
        """Closed form less exact over the size of the exact distance, ask."""
        return _relative(self.closed_ask, self.ask)


def _relative(closed: float, exact: float) -> float:
    """Relative difference; nan where the exact distance is 0."""
    return (closed - exact) / abs(exact) if exact != 0.0 else math.nan


def closed_form_error(
    gamma: float,
    sigma: float,
    A: float,
    k: float,
    Q: int,
    q: int,
    xi: float = 0.0,
    zeta: float | None = None,
) -> Distances:
    """Compare the stationary quotes of both solutions, without drift.

    Parameters
    ----------
    gamma : float
        Risk aversion times the order size, 1/USD, > 0.
    sigma : float
        Price volatility, USD/sqrt(s), > 0.
    A, k : float
        Fill intensity, 1/s, and its decay, 1/USD, > 0.
    Q : int
        Inventory limit, lots, >= 1.
    q : int
        Inventory, lots, within (-Q, Q): at the limit one side has no quote.
    xi : float
        Jump of the mid per fill, USD, >= 0.
    zeta : float, optional
        Aversion to execution risk times the order size, 1/USD, >= 0; None: gamma.

    Returns
    -------
    Distances

    Raises
    ------
    ConfigError
        If a parameter is outside its range.

    References
    ----------
    Gueant, Lehalle, Fernandez-Tapia (2013), https://doi.org/10.1007/s11579-012-0087-0;
    Gueant (2017), https://doi.org/10.1080/1350486X.2017.1342552

    Examples
    --------
    >>> near = closed_form_error(gamma=0.01, sigma=0.3, A=0.9, k=0.3, Q=30, q=0)
    >>> round(near.bid, 6), round(near.closed_bid, 6), round(100 * near.bid_error, 4)
    (3.313045, 3.312915, -0.0039)
    """
    aversion = gamma if zeta is None else zeta
    check_positive(("xi", "zeta"), gamma=gamma, sigma=sigma, A=A, k=k, xi=xi, zeta=aversion)
    if not -Q < q < Q:
        raise ConfigError("q", q, f"within (-{Q}, {Q})", "At the limit one side has no quote.")
    c1, power = spread_terms(aversion, k)
    alpha = 0.5 * k * gamma * sigma * sigma
    eta = A * math.exp(-power - 0.5 * k * xi)
    logs = stationary_log_ratios(Q, alpha, 0.0, eta)
    centre = c1 + 0.5 * xi
    slope = sigma * math.sqrt(gamma / (2.0 * k * A)) * math.exp(0.5 * power + 0.25 * k * xi)
    return Distances(
        q,
        centre - float(logs[q + Q]) / k,
        centre + float(logs[q + Q - 1]) / k,
        centre + (q + 0.5) * slope,
        centre - (q - 0.5) * slope,
    )
