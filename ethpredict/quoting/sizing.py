"""How large a position or an order may be.

Sizes are ETH, money is USD. Arguments broadcast against each other; nan in, nan out.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from ethpredict.errors import ConfigError
from ethpredict.quoting.checks import check_positive

Array = npt.NDArray[np.float64]


def _floats(*values: npt.ArrayLike) -> list[Array]:
    return [np.asarray(v, dtype=np.float64) for v in values]


def volatility_target_size(
    capital: npt.ArrayLike, target: npt.ArrayLike, sigma: npt.ArrayLike, seconds: npt.ArrayLike
) -> Array:
    """Size whose P&L has a chosen volatility: ``capital target / (sigma sqrt(seconds))``.

    Parameters
    ----------
    capital : array_like
        USD, >= 0.
    target : array_like
        Standard deviation of the P&L over `seconds`, as a share of capital, >= 0.
    sigma : array_like
        Volatility of the price, USD/sqrt(s), >= 0; 0 gives ``inf``: limit it.
    seconds : array_like
        Period that the target is stated for, s, > 0.

    Returns
    -------
    ndarray
        ETH.

    Raises
    ------
    ConfigError
        If an argument is outside its range.

    Examples
    --------
    >>> float(volatility_target_size(capital=30_000, target=0.01, sigma=0.5, seconds=3600))
    10.0
    """
    check_positive(
        ("capital", "target", "sigma"),
        capital=capital,
        target=target,
        sigma=sigma,
        seconds=seconds,
    )
    money, share, vol, period = _floats(capital, target, sigma, seconds)
    with np.errstate(divide="ignore", invalid="ignore"):
        size = money * share / (vol * np.sqrt(period))
    return np.where(money * share == 0.0, 0.0, size)


def kelly_share(
    p: npt.ArrayLike, gain: npt.ArrayLike, loss: npt.ArrayLike, fraction: npt.ArrayLike = 1.0
) -> Array:
    """Fraction of the Kelly share of capital for a bet with two outcomes.

    Parameters
    ----------
    p : array_like
        Probability of the gain, in [0, 1].
    gain, loss : array_like
        Return of the stake in either case, as shares, > 0.
    fraction : array_like
        Part of the growth-optimal share, in [0, 1]; a half is common, because p is estimated.

    Returns
    -------
    ndarray
        Stake over capital, >= 0; 0 where the bet loses on average. May exceed 1.

    Raises
    ------
    ConfigError
        If an argument is outside its range.

    Notes
    -----
    ``f* = p/loss - (1-p)/gain`` maximises ``p ln(1 + f gain) + (1-p) ln(1 - f loss)``.

    References
    ----------
    Kelly (1956), A new interpretation of information rate, Bell System Technical Journal 35.
    """
    check_positive(("fraction",), gain=gain, loss=loss, fraction=fraction)
    chance, win, lose, part = _floats(p, gain, loss, fraction)
    for name, value in (("p", chance), ("fraction", part)):
        bad = (value < 0.0) | (value > 1.0)
        if np.any(bad):
            raise ConfigError(f"sizing.{name}", float(value[bad].ravel()[0]), "in [0, 1]")
    return np.asarray(part * np.maximum(0.0, chance / lose - (1.0 - chance) / win))


def kelly_drift_share(
    drift: npt.ArrayLike, sigma: npt.ArrayLike, fraction: npt.ArrayLike = 1.0
) -> Array:
    """Kelly share for a log-normal price: ``fraction drift / sigma^2``, signed.

    Parameters
    ----------
    drift : array_like
        Expected return per second (of the price, not of its log).
    sigma : array_like
        Volatility of returns, 1/sqrt(s), > 0.
    fraction : array_like
        In [0, 1].

    Returns
    -------
    ndarray
        Position over capital.

    Raises
    ------
    ConfigError
        If sigma or the fraction is outside its range.
    """
    check_positive(("fraction",), sigma=sigma, fraction=fraction)
    mean, vol, part = _floats(drift, sigma, fraction)
    if np.any(part > 1.0):
        raise ConfigError("sizing.fraction", float(part[part > 1.0].ravel()[0]), "in [0, 1]")
    return np.asarray(part * mean / (vol * vol))


def bet_size(p: npt.ArrayLike) -> Array:
    """Share of the largest bet for a probability: ``2 Phi(z) - 1``.

    Parameters
    ----------
    p : array_like
        Probability that the side is right, in [0, 1].

    Returns
    -------
    ndarray
        In [-1, 1]: negative where the other side is likelier.

    Raises
    ------
    ConfigError
        If p is outside [0, 1].

    Notes
    -----
    ``z = (p - 1/2)/sqrt(p (1-p))``.

    References
    ----------
    Lopez de Prado (2018), Advances in Financial Machine Learning, section 10.3.

    Examples
    --------
    >>> bet_size([0.5, 0.75, 1.0]).round(4)
    array([0.    , 0.4363, 1.    ])
    """
    (chance,) = _floats(p)
    bad = (chance < 0.0) | (chance > 1.0)
    if np.any(bad):
        raise ConfigError("sizing.p", float(chance[bad].ravel()[0]), "in [0, 1]")
    with np.errstate(divide="ignore"):
        z = (chance - 0.5) / np.sqrt(chance * (1.0 - chance))
    return np.asarray(2.0 * ndtr(z) - 1.0)


def limited_lots(
    size: npt.ArrayLike,
    mid: npt.ArrayLike,
    capital: npt.ArrayLike,
    lot: float,
    max_leverage: float = np.inf,
    max_size: float = np.inf,
) -> npt.NDArray[np.int64]:
    """Signed size in whole lots within the limits of leverage, capital and size.

    Parameters
    ----------
    size : array_like
        Wanted size, ETH, signed; ``inf`` is cut to the limits.
    mid : array_like
        USD, > 0.
    capital : array_like
        USD; at 0 or below nothing is allowed.
    lot : float
        Size step, ETH, > 0.
    max_leverage : float
        Largest ``|size| mid / capital``, >= 0.
    max_size : float
        Largest ``|size|``, ETH, >= 0.

    Returns
    -------
    ndarray of int64
        Lots, rounded towards 0; 0 where an argument is nan.

    Raises
    ------
    ConfigError
        If an argument is outside its range, or no limit bounds an infinite size.

    Examples
    --------
    >>> limited_lots([5.0, -0.129, 5.0], 3000.0, [30_000, 30_000, 0], 0.01, max_leverage=0.3)
    array([300, -12,   0])
    """
    check_positive(
        ("max_leverage", "max_size"), mid=mid, lot=lot, max_leverage=max_leverage, max_size=max_size
    )
    wanted, price, money = _floats(size, mid, capital)
    with np.errstate(invalid="ignore"):
        by_capital = np.where(money > 0.0, max_leverage * money / price, 0.0)
        most = np.minimum(by_capital, max_size)
        # A size that is whole but for floating point stays whole.
        lots = np.floor(np.minimum(np.abs(wanted), most) / lot * (1.0 + 1e-12) + 1e-9)
    lots = np.where(np.isnan(wanted) | np.isnan(price) | np.isnan(money), 0.0, lots)
    if np.any(lots > 2.0**53):
        raise ConfigError("sizing.size", float(np.max(lots)) * lot, "bounded by a limit")
    return np.asarray(np.copysign(lots, wanted), dtype=np.int64)
