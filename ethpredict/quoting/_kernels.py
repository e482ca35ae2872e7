"""Compiled scalar kernels of the quotes, to be called inside a time loop.

Unit contract of every function here: inventory `q`, `q_star` and `limit` are
counted in **lots of the order size D** (q = inventory in ETH / D), and `gamma`
is the risk aversion per USD **times D** (call with ``gamma * order_size``).
Prices and distances are USD, time is seconds, `sigma` is USD / sqrt(s), `A` is
1/s, `k` is 1/USD. The plain reference is :mod:`ethpredict.quoting.glft`; a
parity test compares both.

Kernels divide as numpy does (``error_model="numpy"``: inf or nan, no exception),
so a nan input gives nan quotes, which the simulator reads as "do not quote".
"""

from __future__ import annotations

import numpy as np

from ethpredict.kernel_cache import njit


@njit(cache=True, nogil=True, error_model="numpy")
def spread_terms(gamma: float, k: float) -> tuple[float, float]:
    """Terms of the closed form that do not depend on sigma, A and inventory.

    Parameters
    ----------
    gamma : float
        Risk aversion times order size, 1/(USD ETH) x ETH = 1/USD, >= 0.
    k : float
        Decay of the fill intensity, 1/USD, > 0.

    Returns
    -------
    c1 : float
        ``ln(1 + gamma/k) / gamma`` in USD (``1/k`` at gamma = 0).
    power : float
        ``(1 + k/gamma) ln(1 + gamma/k)``, no unit (1 at gamma = 0).
    """
    if gamma == 0.0:
        return 1.0 / k, 1.0
    log_ratio = np.log1p(gamma / k)
    return log_ratio / gamma, (1.0 + k / gamma) * log_ratio


@njit(cache=True, nogil=True, error_model="numpy")
def deltas_from_terms(
    c1: float,
    power: float,
    gamma: float,
    sigma: float,
    A: float,
    k: float,
    q: float,
    q_star: float,
    xi: float,
) -> tuple[float, float]:
    """Closed-form distances from terms that :func:`spread_terms` gave.

    Parameters
    ----------
    c1, power : float
        As returned by ``spread_terms(gamma, k)``; they change only with k.
    gamma, sigma, A, k, q, q_star, xi : float
        As in :func:`closed_form_deltas`.

    Returns
    -------
    delta_bid, delta_ask : float
        USD below and above the mid; the same bits as :func:`closed_form_deltas`.
    """
    slope = sigma * np.sqrt(gamma / (2.0 * k * A)) * np.exp(0.5 * power + 0.25 * k * xi)
    centre = c1 + 0.5 * xi
    skew = q - q_star
    return centre + (skew + 0.5) * slope, centre - (skew - 0.5) * slope


@njit(cache=True, nogil=True, error_model="numpy")
def closed_form_deltas(
    gamma: float, sigma: float, A: float, k: float, q: float, q_star: float, xi: float
) -> tuple[float, float]:
    """Distances of bid and ask from the mid, GLFT closed form with impact.

    Parameters
    ----------
    gamma : float
        Risk aversion (1/USD per ETH held) **times order size D**, 1/USD, >= 0.
    sigma : float
        Price volatility, USD / sqrt(s), >= 0.
    A : float
        Fill intensity of an order of size D at distance 0, 1/s, > 0.
    k : float
        Decay of the intensity, 1/USD, > 0.
    q : float
        Inventory in lots of D (may be fractional).
    q_star : float
        Target inventory in lots of D, see :func:`target_inventory`.
    xi : float
        Jump of the mid per fill of size D, USD, >= 0.

    Returns
    -------
    delta_bid, delta_ask : float
        USD below and above the mid. They may be negative (the quote crosses the
        mid) when |q - q_star| is large; the caller floors them and stops the
        side that would breach its limit.

    Notes
    -----
    ``delta_bid = c1 + xi/2 + (2 (q - q*) + 1)/2 B e^{k xi/4}`` and
    ``delta_ask = c1 + xi/2 - (2 (q - q*) - 1)/2 B e^{k xi/4}`` with
    ``B = sqrt(sigma^2 gamma/(2 k A) (1 + gamma/k)^{1 + k/gamma})``.
    """
    c1, power = spread_terms(gamma, k)
    return deltas_from_terms(c1, power, gamma, sigma, A, k, q, q_star, xi)


@njit(cache=True, nogil=True, error_model="numpy")
def relaxation_rate(gamma: float, sigma: float, A: float, k: float, xi: float) -> float:
    """Rate 1/tau at which inventory forgets its start, 1/s.

    Parameters
    ----------
    gamma, sigma, A, k, xi : float
        As in :func:`closed_form_deltas`.

    Returns
    -------
    float
        ``2 sqrt(alpha eta)`` with ``alpha = k gamma sigma^2/2`` and
        ``eta = A (1 + gamma/k)^{-(1 + k/gamma)} e^{-k xi/2}``.
    """
    power = spread_terms(gamma, k)[1]
    return sigma * np.sqrt(2.0 * k * gamma * A) * np.exp(-0.5 * power - 0.25 * k * xi)


LONGEST = 40.0
# Of 2 odd(y) and even(y) in the [5/5] Pade approximant of exp(y), even +- odd.
ODD_1, ODD_2, EVEN_1, EVEN_2 = 1.0 / 36.0, 1.0 / 15120.0, 1.0 / 9.0, 1.0 / 1008.0


@njit(cache=True, nogil=True, error_model="numpy")
def share_reached(x: float) -> float:
    """``1 - exp(-x)`` without a branch, so that a loop over it becomes vector instructions.

    Parameters
    ----------
    x : float
        Time over time constant, >= 0, also inf; nan gives nan.

    Returns
    -------
    float
        Within 1e-14 of the exact value, relatively, also for the smallest x.

    Notes
    -----
    The [5/5] Pade approximant at y = x/16, then ``1 - exp(-2y) = u (2 - u)`` four times:
    nothing cancels. Beyond 40 the result rounds to 1.
    """
    y = 0.0625 * (LONGEST if x > LONGEST else x)
    square = y * y
    odd = y * (1.0 + square * (ODD_1 + square * ODD_2))
    even = 1.0 + square * (EVEN_1 + square * EVEN_2)
    u = odd / (even + 0.5 * odd)
    u = u * (2.0 - u)
    u = u * (2.0 - u)
    u = u * (2.0 - u)
    return u * (2.0 - u)


@njit(cache=True, nogil=True, error_model="numpy")
def target_inventory(
    gamma: float,
    sigma: float,
    A: float,
    k: float,
    mu: float,
    h_rem: float,
    limit: float,
    xi: float = 0.0,
) -> float:
    """Inventory that the closed form aims at while a drift lasts.

    Parameters
    ----------
    gamma, sigma, A, k, xi : float
        As in :func:`closed_form_deltas` (gamma **times order size D**).
    mu : float
        Drift of the mid, USD / s (see :func:`drift`).
    h_rem : float
        Seconds that the drift still lasts, >= 0; ``inf`` = for ever.
    limit : float
        Largest absolute target, lots of D, >= 0.

    Returns
    -------
    float
        ``mu/(gamma sigma^2) (1 - exp(-h_rem/tau))`` lots, clipped to
        ``[-limit, limit]``, ``tau = 1/(2 sqrt(alpha eta))``; exactly 0 where mu
        or h_rem is 0; nan where an input is nan.
    """
    if np.isnan(mu):
        return np.nan
    if mu == 0.0 or h_rem <= 0.0:
        return 0.0
    variance = gamma * sigma * sigma
    if variance == 0.0:
        return np.copysign(limit, mu)
    share = share_reached(h_rem * relaxation_rate(gamma, sigma, A, k, xi))
    target = mu / variance * share
    if target > limit:
        return limit
    if target < -limit:
        return -limit
    return target


@njit(cache=True, nogil=True, error_model="numpy")
def drift(mid: float, m: float, sigma_r: float, horizon_s: float) -> float:
    """Price drift that a predicted log return stands for, USD / s.

    Parameters
    ----------
    mid : float
        Mid price, USD, > 0.
    m : float
        Predicted log return over the horizon.
    sigma_r : float
        Volatility of log returns, 1/sqrt(s) (price sigma / mid), >= 0.
    horizon_s : float
        Horizon of the prediction, s, > 0.

    Returns
    -------
    float
        ``mid expm1(m + sigma_r^2 h/2) / h``: the mean of a log-normal price, so a
        zero prediction of the *log* return still carries the convexity term.
    """
    return mid * np.expm1(m + 0.5 * sigma_r * sigma_r * horizon_s) / horizon_s
