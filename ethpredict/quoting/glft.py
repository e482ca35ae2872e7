"""Quotes of Gueant-Lehalle-Fernandez-Tapia and of Gueant.

Everything here is vectorised: arguments broadcast against each other. Inventory
`q` is counted in lots of the order size D and `gamma` is the risk aversion
times D, except in :func:`gueant_quotes`, where D is an argument. The scalar
twins for time loops are in ``_kernels.py``.

Examples
--------
>>> bid, ask = closed_form_quotes(gamma=0.01, sigma=0.3, A=0.9, k=0.3, q=0.0)
>>> round(float(bid), 6), round(float(ask), 6)
(3.312915, 3.312915)
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ethpredict.quoting.checks import check_finite, check_positive
from ethpredict.quoting.exact import exact_quotes

Array = npt.NDArray[np.float64]
Numeric = npt.ArrayLike

__all__ = [
    "closed_form_quotes",
    "exact_quotes",
    "gueant_coefficients",
    "gueant_quotes",
    "relaxation_time",
    "target_inventory",
]


def _spread_terms(gamma: Array, k: Array) -> tuple[Array, Array]:
    """``ln(1+g/k)/g`` and ``(1+k/g) ln(1+g/k)``, with their limits at g = 0."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        # Below, k/g would overflow; the limit is exact to the last bit long before.
        still = gamma <= 1e-290 * k
        log_ratio = np.log1p(gamma / k)
        c1 = np.where(still, 1.0 / k, log_ratio / gamma)
        power = np.where(still, 1.0, (1.0 + k / gamma) * log_ratio)
    return c1, power


def _check(gamma: Numeric, sigma: Numeric, A: Numeric, k: Numeric, xi: Numeric) -> None:
    """Refuse parameters outside their ranges."""
    check_positive(("gamma", "sigma", "xi"), gamma=gamma, sigma=sigma, A=A, k=k, xi=xi)
    check_finite(gamma=gamma, sigma=sigma, A=A, k=k, xi=xi)


def relaxation_time(
    gamma: Numeric, sigma: Numeric, A: Numeric, k: Numeric, xi: Numeric = 0.0
) -> Array:
    """Time in which the optimally quoted inventory forgets its start.

    Parameters
    ----------
    gamma, sigma, A, k, xi : array_like
        As in :func:`closed_form_quotes`.

    Returns
    -------
    ndarray
        ``tau = 1/(2 sqrt(alpha eta))`` in seconds, with ``alpha = k gamma sigma^2/2`` and
        ``eta = A (1 + gamma/k)^{-(1 + k/gamma)} e^{-k xi/2}``; ``inf`` without risk aversion.

    Raises
    ------
    ConfigError
        As :func:`closed_form_quotes`.
    """
    _check(gamma, sigma, A, k, xi)
    g, s, a, decay, impact = (np.asarray(v, dtype=np.float64) for v in (gamma, sigma, A, k, xi))
    _, power = _spread_terms(g, decay)
    with np.errstate(divide="ignore"):
        rate = s * np.sqrt(2.0 * decay * g * a) * np.exp(-0.5 * power - 0.25 * decay * impact)
        return 1.0 / rate


def target_inventory(
    gamma: Numeric,
    sigma: Numeric,
    A: Numeric,
    k: Numeric,
    mu: Numeric,
    horizon: Numeric = np.inf,
    limit: Numeric = np.inf,
    xi: Numeric = 0.0,
) -> Array:
    """Inventory that the closed form aims at while a drift lasts.

    Parameters
    ----------
    gamma, sigma, A, k, xi : array_like
        As in :func:`closed_form_quotes`.
    mu : array_like
        Drift of the mid, USD/s.
    horizon : array_like
        Seconds that the drift still lasts, >= 0; ``inf`` = for ever.
    limit : array_like
        Largest absolute target in lots, >= 0.

    Returns
    -------
    ndarray
        ``mu/(gamma sigma^2) (1 - exp(-horizon/tau))`` lots, clipped to +-limit.

    Raises
    ------
    ConfigError
        As :func:`closed_form_quotes`, or if the horizon or the limit is negative.
    """
    check_positive(("horizon", "limit"), horizon=horizon, limit=limit)
    check_finite(mu=mu)
    g, s, drift, left = (np.asarray(v, dtype=np.float64) for v in (gamma, sigma, mu, horizon))
    tau = relaxation_time(g, s, A, k, xi)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(np.isinf(left), 1.0, -np.expm1(-left / tau))
        target = drift / (g * s * s) * share
        target = np.where((drift == 0.0) | (left <= 0.0), 0.0, target)
        # Without risk the target is unbounded: 0 x inf above, the limit here.
        unbounded = (g * s * s == 0.0) & (drift != 0.0) & (left > 0.0) & ~np.isnan(drift)
        target = np.where(unbounded, np.copysign(np.inf, drift), target)
    return np.clip(target, -np.asarray(limit, dtype=np.float64), limit)


def closed_form_quotes(
    gamma: Numeric,
    sigma: Numeric,
    A: Numeric,
    k: Numeric,
    q: Numeric,
    mu: Numeric = 0.0,
    xi: Numeric = 0.0,
    horizon: Numeric | None = None,
) -> tuple[Array, Array]:
    """Closed-form approximation of the stationary GLFT quotes.

    Parameters
    ----------
    gamma : array_like
        Risk aversion times the order size D, 1/USD, >= 0.
    sigma : array_like
        Price volatility, USD/sqrt(s), >= 0.
    A : array_like
        Fill intensity at distance 0 of an order of size D, 1/s, > 0.
    k : array_like
        Decay of the intensity with distance, 1/USD, > 0.
    q : array_like
        Inventory in lots of D.
    mu : array_like
        Drift of the mid, USD/s.
    xi : array_like
        Jump of the mid per fill of size D, USD, >= 0.
    horizon : array_like, optional
        Seconds that the drift still lasts. None: for ever, ``q* = mu/(gamma sigma^2)``.

    Returns
    -------
    delta_bid, delta_ask : ndarray
        Distances below and above the mid, USD; broadcast shape of the arguments.
        Negative when the inventory is far from its target.

    Raises
    ------
    ConfigError
        If gamma, sigma, xi or the horizon is negative, A or k is not positive, or a parameter
        (other than the horizon) is infinite. nan gives nan.

    Notes
    -----
    ``c1 = ln(1+gamma/k)/gamma``, ``B = sqrt(sigma^2 gamma/(2 k A) (1+gamma/k)^{1+k/gamma})``,
    ``delta_bid = c1 + xi/2 + (2 (q-q*) + 1)/2 B e^{k xi/4}`` and
    ``delta_ask = c1 + xi/2 - (2 (q-q*) - 1)/2 B e^{k xi/4}``: inventory and drift move
    the centre and never widen both sides. The error against the exact solution depends on
    the parameters: below 1e-4 near q = q* at common settings, large near the limit.

    References
    ----------
    Gueant, Lehalle, Fernandez-Tapia (2013), Dealing with the inventory risk,
    Math. Finan. Econ. 7, 477-507, https://doi.org/10.1007/s11579-012-0087-0
    """
    _check(gamma, sigma, A, k, xi)
    check_finite(q=q)
    g, s, a, decay, lots, impact = (
        np.asarray(v, dtype=np.float64) for v in (gamma, sigma, A, k, q, xi)
    )
    left = np.inf if horizon is None else horizon
    target = target_inventory(g, s, a, decay, mu, left, np.inf, impact)
    c1, power = _spread_terms(g, decay)
    slope = s * np.sqrt(g / (2.0 * decay * a)) * np.exp(0.5 * power + 0.25 * decay * impact)
    centre, skew = c1 + 0.5 * impact, lots - target
    bid, ask = np.broadcast_arrays(centre + (skew + 0.5) * slope, centre - (skew - 0.5) * slope)
    return bid.copy(), ask.copy()


def gueant_coefficients(
    gamma: Numeric,
    sigma: Numeric,
    A: Numeric,
    k: Numeric,
    order_size: Numeric = 1.0,
    zeta: Numeric | None = None,
) -> tuple[Array, Array]:
    """Coefficients c1, c2 of Gueant's closed form with order size and execution risk.

    Parameters
    ----------
    gamma : array_like
        Absolute risk aversion (not multiplied by D), > 0.
    sigma : array_like
        Price volatility, USD/sqrt(s); it does not enter the coefficients and only
        sets the broadcast shape.
    A, k : array_like
        Fill intensity, 1/s, and its decay, 1/USD, > 0.
    order_size : array_like
        Order size D, > 0.
    zeta : array_like, optional
        Aversion to execution risk, >= 0. None: zeta = gamma (exponential utility);
        0: risk-neutral in execution.

    Returns
    -------
    c1 : ndarray
        ``ln(1 + zeta D/k)/(zeta D)``, USD; limit ``1/k``.
    c2 : ndarray
        ``sqrt(gamma/(2 A D k) (1 + zeta D/k)^{k/(zeta D) + 1})``, sqrt(s) per unit of
        inventory; limit ``sqrt(gamma e/(2 A D k))``.
    """
    execution = gamma if zeta is None else zeta
    check_positive(("zeta", "sigma"), gamma=gamma, sigma=sigma, A=A, k=k, zeta=execution)
    check_finite(gamma=gamma, sigma=sigma, A=A, k=k, zeta=execution, order_size=order_size)
    check_positive(order_size=order_size)
    g, a, decay, size, risk = (
        np.asarray(v, dtype=np.float64) for v in (gamma, A, k, order_size, execution)
    )
    c1, power = _spread_terms(risk * size, decay)
    c2 = np.sqrt(g / (2.0 * a * size * decay)) * np.exp(0.5 * power)
    shape = np.broadcast_shapes(c1.shape, c2.shape, np.shape(sigma))
    return np.broadcast_to(c1, shape).copy(), np.broadcast_to(c2, shape).copy()


def gueant_quotes(
    gamma: Numeric,
    sigma: Numeric,
    A: Numeric,
    k: Numeric,
    q: Numeric,
    order_size: Numeric = 1.0,
    zeta: Numeric | None = None,
) -> tuple[Array, Array]:
    """Gueant's closed form: ``delta = c1 + (D/2) sigma c2 +- q sigma c2``.

    Parameters
    ----------
    gamma, sigma, A, k, order_size, zeta : array_like
        As in :func:`gueant_coefficients`.
    q : array_like
        Inventory in units of the asset (not in lots).

    Returns
    -------
    delta_bid, delta_ask : ndarray
        Distances below and above the mid, USD.

    References
    ----------
    Gueant (2017), Optimal market making, Applied Mathematical Finance 24, 112-154,
    https://doi.org/10.1080/1350486X.2017.1342552
    """
    c1, c2 = gueant_coefficients(gamma, sigma, A, k, order_size, zeta)
    step = np.asarray(sigma, dtype=np.float64) * c2
    half = c1 + 0.5 * np.asarray(order_size, dtype=np.float64) * step
    skew = np.asarray(q, dtype=np.float64) * step
    return half + skew, half - skew
