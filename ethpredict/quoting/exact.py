"""Exact quotes of Gueant, Lehalle and Fernandez-Tapia, stationary or over a horizon."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigvalsh_tridiagonal

from ethpredict.errors import ConfigError
from ethpredict.quoting._exact_kernels import (
    evolve_log_ratios,
    scaled_diagonal,
    stationary_log_ratios,
)
from ethpredict.quoting._kernels import spread_terms
from ethpredict.quoting.checks import check_positive
from ethpredict.quoting.stiff import evolve_stiff

Array = npt.NDArray[np.float64]
# After this many relaxation times the start is forgotten beyond double precision.
_FORGOTTEN = 80.0
# Entries times steps of the uniformization, above which the implicit solver is quicker.
_UNIFORM_WORK = 2e7
# Below this it is quicker than asking whether the start is forgotten.
_CHEAP_WORK = 2e4


def exact_quotes(
    gamma: float,
    sigma: float,
    A: float,
    k: float,
    Q: int,
    mu: float = 0.0,
    xi: float = 0.0,
    horizon: float | None = None,
    terminal: str = "liquidation",
) -> tuple[Array, Array]:
    """Optimal distances for every inventory from -Q to Q lots.

    Parameters
    ----------
    gamma : float
        Risk aversion times the order size D, 1/USD, > 0.
    sigma : float
        Price volatility, USD/sqrt(s), >= 0.
    A, k : float
        Fill intensity of an order of size D, 1/s, and its decay, 1/USD, > 0.
    Q : int
        Inventory limit, lots of D, >= 1.
    mu : float
        Drift of the mid, USD/s.
    xi : float
        Jump of the mid per fill of size D, USD, >= 0.
    horizon : float, optional
        Seconds left, >= 0. None: stationary quotes.
    terminal : {"liquidation", "stationary"}
        What holds after the horizon: liquidation at the mid (``v = exp(-k xi q^2/2)``),
        or the stationary quotes without drift, which is how a prediction that lasts for
        `horizon` seconds is quoted.

    Returns
    -------
    delta_bid, delta_ask : ndarray, shape (2Q+1,)
        Distances below and above the mid, USD, for q = -Q .. Q; nan where there is no
        quote (the bid at Q, the ask at -Q).

    Raises
    ------
    ConfigError
        If a parameter is outside its range.

    Notes
    -----
    ``delta_bid(q) = ln(1+g/k)/g + ln(v_q/v_{q+1})/k + xi/2`` with v the positive
    eigenvector of the smallest eigenvalue of M, or ``exp(-M horizon) v_T``; M has the
    diagonal ``alpha q^2 - beta q`` and the off-diagonal ``-eta``, with
    ``alpha = k g sigma^2/2``, ``beta = k mu``, ``eta = A (1+g/k)^{-(1+k/g)} e^{-k xi/2}``.
    After 80 relaxation times the stationary quotes are returned. Before, the horizon is
    crossed by uniformization (1e-14), or, where ``alpha Q^2 horizon`` would make that
    slow, by an implicit solver (1e-10 in ln v, seconds at Q = 600).

    References
    ----------
    Gueant, Lehalle, Fernandez-Tapia (2013), Dealing with the inventory risk,
    Math. Finan. Econ. 7, 477-507, https://doi.org/10.1007/s11579-012-0087-0

    Examples
    --------
    >>> bid, ask = exact_quotes(gamma=0.01, sigma=0.3, A=0.9, k=0.3, Q=30)
    >>> round(float(bid[30]), 6), bool(np.isnan(bid[60])), bool(np.isnan(ask[0]))
    (3.313045, True, True)
    """
    check_positive(("sigma", "xi"), gamma=gamma, sigma=sigma, A=A, k=k, xi=xi)
    if isinstance(Q, bool) or int(Q) != Q or Q < 1:
        raise ConfigError("quoting.max_inventory / order_size", Q, "a whole number >= 1")
    if terminal not in ("liquidation", "stationary"):
        raise ConfigError("terminal", terminal, "'liquidation' or 'stationary'")
    values = (gamma, sigma, A, k, mu, xi)
    if not all(math.isfinite(value) for value in values):
        raise ConfigError("quoting", values, "finite")
    c1, power = spread_terms(gamma, k)
    alpha, beta = 0.5 * k * gamma * sigma * sigma, k * mu
    eta = A * math.exp(-power - 0.5 * k * xi)
    logs = _log_ratios(int(Q), alpha, beta, eta, k * xi, horizon, terminal)
    centre = c1 + 0.5 * xi
    bid, ask = np.full(2 * Q + 1, np.nan), np.full(2 * Q + 1, np.nan)
    bid[:-1] = centre - logs / k
    ask[1:] = centre + logs / k
    return bid, ask


def _log_ratios(
    Q: int,
    alpha: float,
    beta: float,
    eta: float,
    impact: float,
    horizon: float | None,
    terminal: str,
) -> Array:
    """``ln(v_{q+1}/v_q)``, shape (2Q,), of the stationary or the evolved vector."""
    if horizon is None:
        return np.asarray(stationary_log_ratios(Q, alpha, beta, eta))
    check_positive(("horizon",), horizon=horizon)
    if math.isinf(horizon):
        return np.asarray(stationary_log_ratios(Q, alpha, beta, eta))
    if terminal == "stationary":
        end = stationary_log_ratios(Q, alpha, 0.0, eta)
    else:
        # ln of exp(-k xi q^2/2) at q+1 less that at q.
        end = -0.5 * impact * (2.0 * np.arange(-Q, Q) + 1.0)
    return evolved(end, alpha, beta, eta, float(horizon))


def evolved(end: Array, alpha: float, beta: float, eta: float, horizon: float) -> Array:
    """Log ratios of ``exp(-M horizon) v`` from those of v, in bounded time.

    Parameters
    ----------
    end : ndarray, shape (2Q,)
        ``ln(v_{q+1}/v_q)`` at the end of the horizon.
    alpha, beta, eta : float
        Of the matrix M, 1/s.
    horizon : float
        Seconds, >= 0, finite.

    Returns
    -------
    ndarray, shape (2Q,)
        Log ratios at the start of the horizon.
    """
    Q = len(end) // 2
    s, _ = scaled_diagonal(Q, alpha, beta, eta)
    work = 0.25 * horizon * eta * (float(s.max()) + 2.0) * len(s)
    if work <= _CHEAP_WORK:
        return np.asarray(evolve_log_ratios(end, alpha, beta, eta, horizon))
    lowest = eigvalsh_tridiagonal(s, -np.ones(2 * Q), select="i", select_range=(0, 1))
    gap = float(lowest[1] - lowest[0]) * eta
    if gap * horizon > _FORGOTTEN:
        return np.asarray(stationary_log_ratios(Q, alpha, beta, eta))
    if work > _UNIFORM_WORK:
        return evolve_stiff(end, s, horizon * eta)
    return np.asarray(evolve_log_ratios(end, alpha, beta, eta, horizon))
