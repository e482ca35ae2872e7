"""Fill intensity ``A e^{-k delta}`` from trades, with standard errors and goodness of fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import chi2

from ethpredict.errors import ConfigError, TrialError
from ethpredict.quoting.trade_windows import NANOSECONDS, TradeWindows, observe_trades

Array = npt.NDArray[np.float64]
METHODS = ("waiting", "counts")
_NEWTON_STEPS = 200
_LEAST_DISTANCES = 3
FIT_COLUMNS = {
    "ts": "int64",
    "side": "str",
    "A": "float64",
    "A_se": "float64",
    "k": "float64",
    "k_se": "float64",
    "n_fills": "int64",
    "chi2": "float64",
    "p_value": "float64",
    "approximate": "bool",
    "reason": "str",
    "A_naive": "float64",
    "k_naive": "float64",
}


@dataclass(frozen=True)
class TradeFit:
    """A fitted intensity.

    Attributes
    ----------
    A, A_se : float
        Intensity at distance 0, 1/s, and its standard error.
    k, k_se : float
        Decay, 1/USD, and its standard error.
    n_fills : int
        Windows in which the nearest order filled.
    chi2, dof, p_value : float, int, float
        Distance of the observed from the fitted rates, its degrees of freedom and the
        chance of a larger one if the intensity is exponential.
    """

    A: float
    A_se: float
    k: float
    k_se: float
    n_fills: int
    chi2: float
    dof: int
    p_value: float


def mean_exposure(
    k: npt.ArrayLike, sigma: npt.ArrayLike, seconds: npt.ArrayLike, mu: npt.ArrayLike = 0.0
) -> Array:
    """Effective length of a window for counts against a diffusing mid.

    Parameters
    ----------
    k : array_like
        Decay, 1/USD.
    sigma : array_like
        Volatility of the mid within windows, USD/sqrt(s), >= 0.
    seconds : array_like
        Length of a window dT, s.
    mu : array_like
        Drift of the mid towards the orders, USD/s.

    Returns
    -------
    ndarray
        ``Phi = (exp(r dT) - 1)/r`` with ``r = k mu + k^2 sigma^2/2``, s; dT where r is 0. The
        expected number of prints beyond delta is ``A e^{-k delta} Phi``.

    References
    ----------
    Fernandez-Tapia (2015), thesis, chapter 4, proposition 6.
    """
    decay, vol, length, drift = (np.asarray(v, dtype=np.float64) for v in (k, sigma, seconds, mu))
    rate = decay * drift + 0.5 * (decay * vol) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(rate == 0.0, length, np.expm1(rate * length) / rate))


def bernoulli_intensity(share: npt.ArrayLike, seconds: npt.ArrayLike) -> Array:
    """Intensity from the share of windows with at least one fill: ``-ln(1 - P)/dT``.

    Where only the deepest print of a window is kept this is all that is known; the share
    itself over dT is too low by a factor that grows with A dT.

    Parameters
    ----------
    share : array_like
        P, in [0, 1).
    seconds : array_like
        Length of a window, s.

    Returns
    -------
    ndarray
        1/s.
    """
    observed, length = (np.asarray(v, dtype=np.float64) for v in (share, seconds))
    return np.asarray(-np.log1p(-observed) / length)


def deepest_print_fit(windows: TradeWindows) -> tuple[float, float]:
    """A and k by the estimator of many tutorials, to be shown beside a sound one.

    A line through the logarithms of the share of windows whose deepest print passed each
    distance, over the length of a window. A window counts once however often an order would
    have filled, so A is too low by about ``(1 - exp(-A dT))/(A dT)`` and k with it.

    Parameters
    ----------
    windows : TradeWindows
        Of one side, or pooled.

    Returns
    -------
    A, k : float
        1/s and 1/USD; nan where fewer than 2 distances were reached.
    """
    reached = windows.fills > 0
    if int(reached.sum()) < 2:
        return np.nan, np.nan
    share = windows.fills[reached] / windows.windows
    slope, level = np.polyfit(windows.deltas[reached], np.log(share / windows.seconds), 1)
    return float(np.exp(level)), float(-slope)


def fit_trades(
    windows: TradeWindows,
    method: str = "waiting",
    sigma: float = 0.0,
    min_fills: int = 50,
    member: str = "calibration",
) -> TradeFit:
    """Weighted (Poisson) fit of ``A e^{-k delta}`` to would-be fills.

    Parameters
    ----------
    windows : TradeWindows
        Of one side, or pooled.
    method : {"waiting", "counts"}
        First fills over the time that orders rested, which does not feel what happens after a
        fill; or all prints per window, whose exposure is corrected for a diffusing mid.
    sigma : float
        Volatility of the mid for ``counts``, USD/sqrt(s), >= 0.
    min_fills : int
        Fewer fills of the nearest order refuse the fit.
    member : str
        Whose fit it is, for the message.

    Returns
    -------
    TradeFit

    Raises
    ------
    TrialError
        If there are too few fills, fewer than 3 distances, or the intensity does not fall with
        distance. The message gives the counts.
    ConfigError
        If the method is unknown or sigma is negative.

    Notes
    -----
    The log-likelihood is ``sum_j n_j ln(lambda_j) - lambda_j T_j`` with
    ``lambda_j = A e^{-k delta_j}``. The same print fills every nearer order, so the n_j are
    dependent; the standard errors are therefore those of a quasi-likelihood with windows
    as independent clusters (White 1980). The goodness of fit weighs the residuals
    ``n_j - lambda_j T_j`` by the same empirical covariance, less what the two
    parameters take up: chi-squared with J - 2 degrees of freedom.
    """
    if method not in METHODS:
        raise ConfigError("calibration.method", method, "one of " + ", ".join(METHODS))
    if not sigma >= 0.0:
        raise ConfigError("calibration.sigma", sigma, ">= 0")
    delta, nearest = windows.deltas, int(windows.fills[0])
    reached = int((windows.fills > 0).sum())
    if nearest < max(min_fills, 2) or reached < _LEAST_DISTANCES:
        raise TrialError(
            member,
            f"{nearest} fills of the nearest order in {windows.windows} windows, {reached} of "
            f"{len(delta)} distances reached: must be >= {max(min_fills, 2)} fills and "
            f">= {_LEAST_DISTANCES} distances; lengthen the window, lower min_fills or bring "
            "the distances nearer",
        )
    if method == "waiting":
        hits, exposure = (windows.counts > 0).astype(np.float64), windows.first
        n, time = windows.fills.astype(np.float64), windows.waited
    else:
        hits = windows.counts.astype(np.float64)
        exposure = np.full(windows.first.shape, windows.seconds)
        n = windows.counts.sum(axis=0).astype(np.float64)
        time = np.full(len(delta), windows.windows * windows.seconds)
    k = _decay(n, time, delta)
    if not k > 0.0:
        raise TrialError(
            member,
            f"the intensity does not fall with distance (k = {k:g} from {nearest} fills in "
            f"{windows.windows} windows); widen the distances or lengthen the window",
        )
    level = float(n.sum() / (time @ np.exp(-k * delta)))
    rate = level * np.exp(-k * delta)
    design = np.column_stack((np.ones(len(delta)), -delta))
    # Windows without a fill all have the same residuals.
    residual = hits - exposure * rate
    silent = -rate * windows.seconds
    spread = residual.T @ residual
    spread += (windows.windows - len(residual)) * np.outer(silent, silent)
    inverse = np.asarray(np.linalg.inv(design.T @ (design * (rate * time)[:, None])), np.float64)
    covariance = inverse @ (design.T @ spread @ design) @ inverse
    # log A = log level - log(Phi/dT), where Phi depends on k.
    correction, slope = 0.0, 0.0
    if method == "counts" and sigma > 0.0:
        phi = mean_exposure(k * np.array([1.0, 1.0 - 1e-6, 1.0 + 1e-6]), sigma, windows.seconds)
        logs = np.log(phi / windows.seconds)
        correction, slope = float(logs[0]), float((logs[2] - logs[1]) / (2e-6 * k))
    toward = np.array([1.0, -slope])
    A = level * float(np.exp(-correction))
    statistic, dof = _goodness(n - rate * time, rate * time, design, inverse, spread)
    return TradeFit(
        A,
        A * float(np.sqrt(toward @ covariance @ toward)),
        k,
        float(np.sqrt(covariance[1, 1])),
        nearest,
        statistic,
        dof,
        float(chi2.sf(statistic, dof)) if dof else np.nan,
    )


def _decay(n: Array, time: Array, delta: Array) -> float:
    """Root of the profile score: the mean distance of the fills equals its expectation."""
    target, k = float(n @ delta / n.sum()), 0.0
    for _ in range(_NEWTON_STEPS):
        weight = time * np.exp(-k * (delta - delta[0]))
        weight /= weight.sum()
        mean = float(weight @ delta)
        step = (mean - target) / float(weight @ (delta - mean) ** 2)
        # The score flattens far out: a step may no more than double the decay's reach.
        k += float(np.clip(step, -abs(k) - 1.0 / target, abs(k) + 1.0 / target))
        if abs(step) <= 1e-13 * abs(k):
            break
    return k


def _goodness(
    residual: Array, expected: Array, design: Array, inverse: Array, spread: Array
) -> tuple[float, int]:
    """Quadratic form of the residuals in the inverse of their covariance, and its rank."""
    dof = len(residual) - design.shape[1]
    if dof < 1:
        return 0.0, 0
    keep = np.eye(len(residual)) - (expected[:, None] * design) @ inverse @ design.T
    values, vectors = np.linalg.eigh(keep @ spread @ keep.T)
    values, vectors = values[-dof:], vectors[:, -dof:]
    used = values > 1e-12 * values[-1]
    score = (vectors.T @ residual)[used]
    return float((score**2 / values[used]).sum()), int(used.sum())


def walk_forward_trades(
    trades: pd.DataFrame,
    mid_ts: npt.ArrayLike,
    mid: npt.ArrayLike,
    at: npt.ArrayLike,
    window_days: float,
    deltas: npt.ArrayLike,
    window_s: float,
    min_fills: int = 50,
    through: float = 0.0,
    max_age_s: float = np.inf,
    naive_deltas: npt.ArrayLike | None = None,
) -> pd.DataFrame:
    """Waiting-time fits at given moments, each on the trades of a trailing span.

    Parameters
    ----------
    trades : DataFrame
        Columns ts, price, aggressor_side, sorted by ts.
    mid_ts, mid, deltas, window_s, through, max_age_s
        As in :func:`ethpredict.quoting.trade_windows.observe_trades`.
    at : array_like of int, shape (M,)
        Moments of the fits, UTC ns. A fit uses the windows inside ``[at - span, at)``.
    window_days : float
        Span, days, > 0.
    min_fills : int
        As in :func:`fit_trades`.
    naive_deltas : array_like, optional
        Distances of the naive estimate; None: `deltas`.

    Returns
    -------
    DataFrame
        Three rows per moment (bid, ask, both) with the columns of ``FIT_COLUMNS``. A refused
        fit has nan and its reason. `approximate` is False: nothing is inferred from bars.
        A_naive and k_naive are those of :func:`deepest_print_fit`, for comparison.
    """
    ts = trades["ts"].to_numpy(np.int64)
    price, side = trades["price"].to_numpy(np.float64), trades["aggressor_side"].to_numpy()
    span = round(window_days * 86_400 * NANOSECONDS)
    rows = []
    for moment in np.asarray(at, dtype=np.int64).tolist():
        low, high = np.searchsorted(ts, [moment - span, moment], side="left")
        part = slice(int(low), int(high))
        shown = (ts[part], price[part], side[part], mid_ts, mid)
        rest = (window_s, moment - span, moment, through, max_age_s)
        sides = _three_sides(observe_trades(*shown, deltas, *rest))
        plain = sides
        if naive_deltas is not None and not np.array_equal(naive_deltas, deltas):
            plain = _three_sides(observe_trades(*shown, naive_deltas, *rest))
        for name, windows in sides.items():
            naive = deepest_print_fit(plain[name])
            try:
                f = fit_trades(windows, "waiting", 0.0, min_fills)
                values = (f.A, f.A_se, f.k, f.k_se, f.n_fills, f.chi2, f.p_value, False, "", *naive)
            except TrialError as error:
                nans = (np.nan,) * 4
                fills = int(windows.fills[0])
                values = (*nans, fills, np.nan, np.nan, False, error.reason, *naive)
            rows.append((moment, name, *values))
    return pd.DataFrame(rows, columns=list(FIT_COLUMNS)).astype(FIT_COLUMNS)


def _three_sides(sides: dict[str, TradeWindows]) -> dict[str, TradeWindows]:
    """Both sides, and pooled."""
    return {**sides, "both": sides["bid"].with_side(sides["ask"])}
