"""The order flow's Hawkes process: who excites whom, and how fast events come on average."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ethpredict.data.synthetic.settings import DAY_SECONDS, MarketSettings

TYPES = ("buy", "sell", "bid", "ask", "cancel_bid", "cancel_ask")
# Of the excited events of each type (row), the share that each type (column) sets off.
SHARES = np.array(
    [
        [0.65, 0.10, 0.05, 0.05, 0.05, 0.10],
        [0.10, 0.65, 0.05, 0.05, 0.10, 0.05],
        [0.10, 0.25, 0.35, 0.10, 0.15, 0.05],
        [0.25, 0.10, 0.10, 0.35, 0.05, 0.15],
        [0.05, 0.20, 0.35, 0.05, 0.25, 0.10],
        [0.20, 0.05, 0.05, 0.35, 0.10, 0.25],
    ]
)


@dataclass(frozen=True)
class Flow:
    """A stationary Hawkes process with six types and one exponential decay.

    Parameters
    ----------
    mean : float64 array of shape (6,)
        Mean intensities, 1/s, in the order of `TYPES`.
    base : float64 array of shape (6,)
        Base rates, 1/s.
    branching : float64 array of shape (6, 6)
        Mean number of events of type i that one event of type j sets off directly.
    decay : float
        beta, 1/s: the intensity after an event of type j is raised by
        branching[i, j] beta exp(-beta t).
    """

    mean: np.ndarray
    base: np.ndarray
    branching: np.ndarray
    decay: float

    @property
    def kernel(self) -> np.ndarray:
        """Jump of intensity i at an event of type j, float64 array of shape (6, 6), 1/s."""
        return self.branching * self.decay


def order_flow(market: MarketSettings) -> Flow:
    """Return the order flow of a market at activity 1.

    Parameters
    ----------
    market : MarketSettings
        With an order book.

    Returns
    -------
    Flow
        Its spectral radius is ``hawkes_branching``.

    Notes
    -----
    With the wanted mean rates L and shares F (rows sum to 1) the branching
    matrix is N = r diag(L) F diag(L)^-1: similar to r F, so its spectral radius
    is r < 1 and the process is stationary. The base rates (I - N) L = (1 - r) L
    are positive whatever the rates.

    References
    ----------
    Hawkes, A. G. (1971). Spectra of some self-exciting and mutually exciting
    point processes. Biometrika 58(1), 83-90.
    """
    orders = 0.5 * market.limits_per_trade * market.trades_per_day / DAY_SECONDS
    mean = np.array([0.5 * market.touch_rate] * 2 + [orders] * 4)
    inverse = np.divide(1.0, mean, out=np.zeros(6), where=mean > 0)
    branching = market.hawkes_branching * mean[:, None] * SHARES * inverse[None, :]
    return Flow(
        mean=mean,
        base=(1.0 - market.hawkes_branching) * mean,
        branching=branching,
        decay=math.log(2.0) / market.hawkes_half_life,
    )
