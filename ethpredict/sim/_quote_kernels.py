"""Compiled quotes: terms of every row before a run, distances of one row inside it.

Whatever the strategy, a row's quotes are `centre`, and either a slope in inventory
(closed form, Avellaneda-Stoikov, fixed spread) or a look-up in the lattice of exact ones.
"""

from __future__ import annotations

import numpy as np

from ethpredict.kernel_cache import njit
from ethpredict.quoting._kernels import share_reached, spread_terms
from ethpredict.quoting._lattice_kernels import blended_pair


@njit(cache=True, nogil=True, error_model="numpy")
def fit_terms(
    gamma: float, zeta: float, A: float, k: float, xi: float
) -> tuple[float, float, float]:
    """Terms of the closed form that change only when A, k and xi are fitted again.

    Parameters
    ----------
    gamma, zeta : float
        Aversion to inventory and to execution risk times order size, 1/USD.
    A, k, xi : float
        1/s, 1/USD, USD.

    Returns
    -------
    centre : float
        USD.
    growth : float
        Slope in inventory over sigma, sqrt(s) per lot.
    pull : float
        Rate at which inventory forgets its start over sigma, 1/(USD sqrt(s)).
    """
    c1, power = spread_terms(zeta, k)
    exponent = 0.5 * power + 0.25 * k * xi
    growth = np.sqrt(gamma / (2.0 * k * A)) * np.exp(exponent)
    pull = np.sqrt(2.0 * k * gamma * A) * np.exp(-exponent)
    return c1 + 0.5 * xi, growth, pull


@njit(cache=True, nogil=True, error_model="numpy")
def epoch_terms(
    gamma: float, zeta: float, A: np.ndarray, k: np.ndarray, xi: np.ndarray
) -> np.ndarray:
    """:func:`fit_terms` of several fits, shape (3, fits)."""
    terms = np.empty((3, len(A)))
    for e in range(len(A)):
        terms[0, e], terms[1, e], terms[2, e] = fit_terms(gamma, zeta, A[e], k[e], xi[e])
    return terms


@njit(cache=True, nogil=True, error_model="numpy")
def drift_rows(
    sigma: np.ndarray, mu: np.ndarray, h_rem: np.ndarray, timed: bool
) -> tuple[np.ndarray, np.ndarray]:
    """What every row's drift asks of an inventory, whatever the aversion to it.

    Parameters
    ----------
    sigma, mu, h_rem : ndarray, shape (n,)
        USD/sqrt(s), USD/s, s.
    timed : bool
        Whether the pace is wanted in seconds.

    Returns
    -------
    lean : ndarray, shape (n,)
        ``mu / sigma^2``, 1/USD; 0 without a drift, infinite where it costs no risk.
    pace : ndarray, shape (n,)
        ``h_rem sigma``, USD sqrt(s), or h_rem, s; infinite where `lean` is.
    """
    n = len(sigma)
    lean, pace = np.zeros(n), np.zeros(n)
    for i in range(n):
        if mu[i] != 0.0 and h_rem[i] > 0.0:
            lean[i] = mu[i] / (sigma[i] * sigma[i])
            pace[i] = h_rem[i] if timed else h_rem[i] * sigma[i]
            if np.isinf(lean[i]):
                pace[i] = np.inf
    return lean, pace


@njit(cache=True, nogil=True, error_model="numpy")
def closed_form_rows(
    gamma: float,
    zeta: float,
    sigma: np.ndarray,
    A: np.ndarray,
    k: np.ndarray,
    xi: np.ndarray,
    mu: np.ndarray,
    h_rem: np.ndarray,
    limit: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Centre, slope and target of the closed form per row.

    Parameters
    ----------
    gamma, zeta : float
        Aversion to inventory and to execution risk times order size, 1/USD.
    sigma, A, k, xi, mu, h_rem : ndarray, shape (n,)
        USD/sqrt(s), 1/s, 1/USD, USD, USD/s, s.
    limit : float
        Largest absolute target, lots of the order size.

    Returns
    -------
    centre, slope : ndarray, shape (n,)
        ``delta_bid = centre + (q - target + 1/2) slope``,
        ``delta_ask = centre - (q - target - 1/2) slope``, USD.
    target : ndarray, shape (n,)
        Lots; 0 where there is no drift.
    """
    n = len(sigma)
    centre, slope, target = np.empty(n), np.empty(n), np.zeros(n)
    lean, pace = drift_rows(sigma, mu, h_rem, False)
    reach = 1.0 / gamma
    known_A, known_k, known_xi = np.nan, np.nan, np.nan
    middle, growth, pull = np.nan, np.nan, np.nan
    for i in range(n):
        if A[i] != known_A or k[i] != known_k or xi[i] != known_xi:
            known_A, known_k, known_xi = A[i], k[i], xi[i]
            middle, growth, pull = fit_terms(gamma, zeta, known_A, known_k, known_xi)
        centre[i] = middle
        slope[i] = sigma[i] * growth
        if lean[i] != 0.0:
            wanted = lean[i] * reach * share_reached(pace[i] * pull)
            target[i] = min(max(wanted, -limit), limit)
    return centre, slope, target


@njit(cache=True, nogil=True, error_model="numpy")
def row_distances(
    q: float,
    centre: float,
    slope: float,
    target: float,
    decay: float,
    nodes: np.ndarray,
    corners: np.ndarray,
    weights: np.ndarray,
    falling: bool,
) -> tuple[float, float]:
    """Distances of bid and ask at one inventory.

    Parameters
    ----------
    q : float
        Inventory less its target setting, lots.
    centre, slope, target, decay : float
        Of the row: USD, USD per lot, lots, 1/USD.
    nodes, corners, weights, falling
        Of the row in the lattice; without nodes the slope counts.

    Returns
    -------
    delta_bid, delta_ask : float
        USD; nan where the row is not known.
    """
    if np.isnan(centre) or len(nodes) == 0:
        skew = q - target
        return centre + (skew + 0.5) * slope, centre - (skew - 0.5) * slope
    if corners[0] < 0:
        return np.nan, np.nan
    around = (
        corners[0], corners[1], corners[2], corners[3],
        corners[4], corners[5], corners[6], corners[7],
    )  # fmt: skip
    above, below = blended_pair(
        nodes, around, weights[0], weights[1], weights[2], -q if falling else q
    )
    if falling:
        return centre + below / decay, centre - above / decay
    return centre - above / decay, centre + below / decay


@njit(cache=True, nogil=True, error_model="numpy")
def bounded_distance(delta: float, least: float, most: float) -> float:
    """Distance held between a least and a largest half spread, USD; nan stays nan."""
    if np.isnan(delta):
        return delta
    return min(max(delta, least), most)


@njit(cache=True, nogil=True, error_model="numpy")
def position_lots(
    max_lots: int,
    lot: float,
    money: float,
    base: float,
    per_usd: float,
    leverage: float,
    mid: float,
) -> int:
    """Largest position on either side, lots.

    Parameters
    ----------
    max_lots : int
        Inventory limit, lots.
    lot : float
        Size step, ETH.
    money : float
        Capital with all gains and losses so far, USD; at 0 or below nothing is opened.
    base, per_usd : float
        Size of the row: ``base + per_usd money``, ETH; nan = no size, nothing is opened.
    leverage : float
        Largest ``|q| mid / money``; inf = no such limit.
    mid : float
        USD.
    """
    size = base
    if per_usd != 0.0:
        size = base + per_usd * max(money, 0.0)
    if leverage < np.inf:
        size = min(size, leverage * max(money, 0.0) / mid)
    if size >= max_lots * lot:
        return max_lots
    # The comparison is false where the size is nan.
    return int(size / lot + 1e-9) if size > 0.0 else 0
