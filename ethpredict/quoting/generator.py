"""The numbers of the GLFT matrix M, refused where double precision cannot hold them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ethpredict.errors import ConfigError
from ethpredict.quoting.checks import check_positive

Array = npt.NDArray[np.float64]
# The largest diagonal entry over eta, and eta over 1 per second: beyond, a ratio of
# neighbouring values leaves the range of doubles (1e-308 .. 1e308).
LARGEST_DIAGONAL = 1e280
LEAST_ETA, LARGEST_ETA = 1e-280, 1e280


@dataclass(frozen=True)
class Generator:
    """M on q = -Q..Q: diagonal ``alpha q^2 - beta q``, off-diagonal ``-eta``.

    Attributes
    ----------
    centre : ndarray
        ``ln(1+gamma/k)/gamma + xi/2``, USD: the part of a quote that inventory does not move.
    alpha, beta, eta : ndarray
        1/s; ``k gamma sigma^2/2``, ``k mu`` and ``A (1+gamma/k)^{-(1+k/gamma)} e^{-k xi/2}``.
    """

    centre: Array
    alpha: Array
    beta: Array
    eta: Array


def glft_generator(
    gamma: npt.ArrayLike,
    sigma: npt.ArrayLike,
    A: npt.ArrayLike,
    k: npt.ArrayLike,
    Q: int,
    mu: npt.ArrayLike = 0.0,
    xi: npt.ArrayLike = 0.0,
) -> Generator:
    """Numbers of M for parameter sets that broadcast against each other.

    Parameters
    ----------
    gamma, sigma, A, k, Q, mu, xi
        As in :func:`ethpredict.quoting.exact.exact_quotes`, arrays allowed except for Q.

    Returns
    -------
    Generator

    Raises
    ------
    ConfigError
        If a parameter is outside its range or not finite, or if the set is so extreme that
        its quotes leave double precision; the message gives the values.
    """
    check_positive(("sigma", "xi"), gamma=gamma, sigma=sigma, A=A, k=k, xi=xi)
    if isinstance(Q, bool) or int(Q) != Q or Q < 1:
        raise ConfigError("quoting.max_inventory / order_size", Q, "a whole number >= 1")
    values = (gamma, sigma, A, k, mu, xi)
    wide = np.broadcast_arrays(*(np.asarray(v, dtype=np.float64) for v in values))
    for name, value in zip(("gamma", "sigma", "A", "k", "mu", "xi"), wide, strict=True):
        if not np.isfinite(value).all():
            raise ConfigError(f"quoting.{name}", float(value[~np.isfinite(value)][0]), "finite")
    g, s, a, decay, drift, jump = wide
    with np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
        log_ratio = np.log1p(g / decay)
        centre = log_ratio / g + 0.5 * jump
        eta = a * np.exp(-(1.0 + decay / g) * log_ratio - 0.5 * decay * jump)
        alpha, beta = 0.5 * decay * g * s * s, decay * drift
        span = (alpha * Q * Q + np.abs(beta) * Q) / eta
    # Comparisons with nan are false, so nan is refused as well.
    held = np.isfinite(centre) & (eta >= LEAST_ETA) & (eta <= LARGEST_ETA)
    held &= span <= LARGEST_DIAGONAL
    if not held.all():
        place = np.unravel_index(int(np.argmin(held)), held.shape)
        shown = ", ".join(
            f"{name} = {float(value[place]):g}"
            for name, value in zip(("gamma", "sigma", "A", "k", "mu", "xi"), wide, strict=True)
        )
        raise ConfigError(
            "quoting (gamma, sigma, A, k, mu, xi)",
            f"{shown}, Q = {Q}",
            f"such that eta = A (1+gamma/k)^-(1+k/gamma) exp(-k xi/2) = {float(eta[place]):g} is "
            f"in {LEAST_ETA:g} .. {LARGEST_ETA:g} and (k gamma sigma^2 Q^2/2 + k |mu| Q)/eta = "
            f"{float(span[place]):g} is <= {LARGEST_DIAGONAL:g}",
            "Check the units (USD and seconds); lower what is extreme.",
        )
    return Generator(centre, alpha, beta, eta)
