"""Reservation price and spread of Avellaneda and Stoikov (2008).

Arguments broadcast against each other. The baseline of the field: no inventory limit
and a horizon at which everything is liquidated at the mid.

Examples
--------
>>> float(reservation_price(mid=100.0, q=1.0, gamma=0.1, sigma=2.0, time_left=1.0))
99.6
>>> round(float(optimal_spread(gamma=0.1, sigma=2.0, k=1.5, time_left=0.0)), 6)
1.29077
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ethpredict.quoting.checks import check_positive

Array = npt.NDArray[np.float64]


def reservation_price(
    mid: npt.ArrayLike,
    q: npt.ArrayLike,
    gamma: npt.ArrayLike,
    sigma: npt.ArrayLike,
    time_left: npt.ArrayLike,
) -> Array:
    """Avellaneda-Stoikov indifference price ``mid - q gamma sigma^2 (T - t)``.

    Parameters
    ----------
    mid : array_like
        Mid price, USD.
    q : array_like
        Inventory (lots of D with gamma D, or units with gamma).
    gamma, sigma : array_like
        Risk aversion and price volatility (USD/sqrt(s)), >= 0.
    time_left : array_like
        ``T - t``, s, >= 0.

    Returns
    -------
    ndarray
        USD.

    References
    ----------
    Avellaneda, Stoikov (2008), High-frequency trading in a limit order book,
    Quantitative Finance 8, 217-224, https://doi.org/10.1080/14697680701381228
    """
    check_positive(("gamma", "sigma", "time_left"), gamma=gamma, sigma=sigma, time_left=time_left)
    s, held, g, vol, left = (
        np.asarray(v, dtype=np.float64) for v in (mid, q, gamma, sigma, time_left)
    )
    return np.asarray(s - held * g * vol * vol * left)


def optimal_spread(
    gamma: npt.ArrayLike, sigma: npt.ArrayLike, k: npt.ArrayLike, time_left: npt.ArrayLike
) -> Array:
    """Avellaneda-Stoikov total spread ``gamma sigma^2 (T-t) + (2/gamma) ln(1 + gamma/k)``.

    Parameters
    ----------
    gamma, sigma, time_left : array_like
        As in :func:`reservation_price`.
    k : array_like
        Decay of the fill intensity, 1/USD, > 0.

    Returns
    -------
    ndarray
        Distance from bid to ask, USD; they stand symmetrically around the reservation price.
    """
    check_positive(
        ("gamma", "sigma", "time_left"), gamma=gamma, sigma=sigma, k=k, time_left=time_left
    )
    g, vol, decay, left = (np.asarray(v, dtype=np.float64) for v in (gamma, sigma, k, time_left))
    with np.errstate(divide="ignore", invalid="ignore"):
        c1 = np.where(g == 0.0, 1.0 / decay, np.log1p(g / decay) / g)
    return np.asarray(g * vol * vol * left + 2.0 * c1)
