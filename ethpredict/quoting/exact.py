"""Exact quotes of Gueant, Lehalle and Fernandez-Tapia, stationary or over a horizon."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigvalsh_tridiagonal
from scipy.special import logsumexp

from ethpredict.errors import ConfigError
from ethpredict.quoting._exact_kernels import (
    evolve_log_ratios,
    scaled_diagonal,
    stationary_log_ratios,
)
from ethpredict.quoting.checks import check_positive
from ethpredict.quoting.generator import glft_generator
from ethpredict.quoting.stiff import evolve_stiff

Array = npt.NDArray[np.float64]
# ln of the share of the start that may be left when it is held to be forgotten.
_FORGOTTEN = -40.0
# Error of an eigenvalue over the largest entry of the matrix.
_GAP_ERROR = 1e-14
# ln of the largest ratio of neighbouring values that is carried over a horizon, and the
# shortest horizon (times eta) at which a larger one does not matter.
_STEEPEST, _LEAST_TIME = 690.0, 1e-270
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
        If a parameter is outside its range, or the set so extreme that ratios of
        neighbouring values leave double precision; the message gives the legal range.

    Notes
    -----
    ``delta_bid(q) = ln(1+g/k)/g + ln(v_q/v_{q+1})/k + xi/2`` with v the positive
    eigenvector of the smallest eigenvalue of M, or ``exp(-M horizon) v_T``; M has the
    diagonal ``alpha q^2 - beta q`` and the off-diagonal ``-eta``, with
    ``alpha = k g sigma^2/2``, ``beta = k mu``, ``eta = A (1+g/k)^{-(1+k/g)} e^{-k xi/2}``.
    Where the start is forgotten at every q the stationary quotes are returned. Before, the
    horizon is crossed by uniformization (1e-14), or, where ``alpha Q^2 horizon`` would make
    that slow, by an implicit solver (1e-10 in ln v, seconds at Q = 600).

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
    m = glft_generator(gamma, sigma, A, k, Q, mu, xi)
    if terminal not in ("liquidation", "stationary"):
        raise ConfigError("terminal", terminal, "'liquidation' or 'stationary'")
    alpha, beta, eta = float(m.alpha), float(m.beta), float(m.eta)
    logs = _log_ratios(int(Q), alpha, beta, eta, k * xi, horizon, terminal)
    bid, ask = np.full(2 * Q + 1, np.nan), np.full(2 * Q + 1, np.nan)
    bid[:-1] = m.centre - logs / k
    ask[1:] = m.centre + logs / k
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
    if math.isnan(horizon):
        raise ConfigError("quoting.horizon", horizon, ">= 0 seconds, or None")
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
    if horizon == 0.0:
        return end.copy()
    steepest = float(np.abs(end).max())
    if steepest > _STEEPEST:
        if horizon * eta < _LEAST_TIME:
            raise ConfigError(
                "quoting.horizon",
                horizon,
                f"0, or >= {_LEAST_TIME / eta:g} s where neighbouring values at its end differ by "
                f"a factor of exp({steepest:.0f})",
                "Lower xi or Q.",
            )
        # A steeper end is forgotten at once: its neighbour flows in at rate eta.
        end = np.clip(end, -_STEEPEST, _STEEPEST)
    s, _ = scaled_diagonal(Q, alpha, beta, eta)
    work = 0.25 * horizon * eta * (float(s.max()) + 2.0) * len(s)
    if work <= _CHEAP_WORK:
        return np.asarray(evolve_log_ratios(end, alpha, beta, eta, horizon))
    final = np.asarray(stationary_log_ratios(Q, alpha, beta, eta))
    if _start_left(s, final, end, horizon * eta) < _FORGOTTEN:
        return final
    if work <= _UNIFORM_WORK:
        return np.asarray(evolve_log_ratios(end, alpha, beta, eta, horizon))
    # A steep end relaxes within the shortest time of M, in few steps of the uniformization.
    short = min(horizon, 1.0 / ((float(s.max()) + 2.0) * eta))
    calm = np.asarray(evolve_log_ratios(end, alpha, beta, eta, short))
    return evolve_stiff(calm, s, (horizon - short) * eta)


def _start_left(s: Array, final: Array, start: Array, time: float) -> float:
    """Bound of ln of the relative error, at any q, of taking the stationary vector f.

    With ``v(time) = sum_i c_i e^{-lambda_i time} f_i`` the vector v/(c_0 f_0) differs from 1
    at q by no more than ``e^{-gap time} |v(0)| / (c_0 f_0(q))``: a start far from f, or a
    tail of f, takes longer.
    """
    n = len(s)
    lowest = eigvalsh_tridiagonal(s, -np.ones(n - 1), select="i", select_range=(0, 1))
    gap = float(lowest[1] - lowest[0]) - _GAP_ERROR * float(s.max())
    f = np.concatenate(([0.0], np.cumsum(final)))
    v = np.concatenate(([0.0], np.cumsum(start)))
    f -= 0.5 * logsumexp(2.0 * f)
    return float(0.5 * logsumexp(2.0 * v) - logsumexp(f + v) - f.min() - gap * time)
