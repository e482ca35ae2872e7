"""Fill intensity from bars, on trailing data only.

From bars alone a fill can only be inferred: an order at distance `delta` from the
previous close fills in the bar when the bar trades strictly through it, which is the
simulator's own rule. So the deepest excursion `x` of a bar of duration `dT` is the only
observation, and with intensity ``A e^{-k delta}`` the number of prints beyond `delta` is
Poisson, which gives ``P(x <= delta) = exp(-A dT e^{-k delta})`` at every distance at
once: a Gumbel law, left-censored at the shallowest distance of interest. Its maximum
likelihood replaces a regression of ``log(-ln(1 - P))`` on a grid of distances, whose
points are nested counts of the same bars and therefore correlated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ethpredict.errors import TrialError

Array = npt.NDArray[np.float64]
NANOSECONDS = 1e9
DAY_NS = 86_400 * 10**9
SIDES = ("bid", "ask", "both")
# Share of the excursions that only say "shallower than any quote": see fit_intensity.
CENSORED_SHARE = 0.25
_NEWTON_STEPS = 100
_TOLERANCE = 1e-13


@dataclass(frozen=True)
class Intensity:
    """A fitted intensity ``A e^{-k delta}`` with standard errors.

    Attributes
    ----------
    A, A_se : float
        Intensity at distance 0, 1/s, and its standard error.
    k, k_se : float
        Decay, 1/USD, and its standard error.
    n_fills : int
        Bars (per side) that traded through the censoring distance.
    """

    A: float
    A_se: float
    k: float
    k_se: float
    n_fills: int


@dataclass(frozen=True)
class Calibration:
    """Settings of ``quoting.calibration``.

    Attributes
    ----------
    volatility_window : int
        Look-back of sigma, bars.
    window_days, refit_days : float
        Look-back of the intensity and the pause between fits, days.
    min_fills : int
        Fewer would-be fills refuse a fit.
    source : {"bars", "trades"}
        What A and k are fitted to.
    window_s, nearest_bps : float
        As in :func:`ethpredict.quoting.trade_stream.stream_fits`.
    """

    volatility_window: int
    window_days: float
    refit_days: float
    min_fills: int
    source: str = "bars"
    window_s: float = 1.0
    nearest_bps: float = 1.0


def excursions(bars: pd.DataFrame) -> tuple[Array, Array, Array]:
    """How far each bar traded beyond the previous close, on either side.

    Parameters
    ----------
    bars : DataFrame
        The `bars` table, T rows.

    Returns
    -------
    below : ndarray, shape (T,)
        Previous close less low, USD: what a bid would have had to be within.
    above : ndarray, shape (T,)
        High less previous close, USD.
    seconds : ndarray, shape (T,)
        Time from the previous close to the bar's end. All three are nan in the first
        row and across a gap.
    """
    close = bars["close"].to_numpy(np.float64)
    ts = bars["ts_close"].to_numpy(np.int64)
    below, above, seconds = (np.full(len(close), np.nan) for _ in range(3))
    if len(close) > 1:
        inside = ~bars["gap"].to_numpy(bool)[1:]
        below[1:] = np.where(inside, close[:-1] - bars["low"].to_numpy(np.float64)[1:], np.nan)
        above[1:] = np.where(inside, bars["high"].to_numpy(np.float64)[1:] - close[:-1], np.nan)
        seconds[1:] = np.where(inside, np.diff(ts) / NANOSECONDS, np.nan)
    return below, above, seconds


def _decay(depth: Array, seconds: Array, beyond: npt.NDArray[np.bool_]) -> float:
    """Root of the profile score of k; the profile log-likelihood is strictly concave.

    The score ``n (S1/S + 1/k) - sum x`` is divided by n; ``S_j = sum dT z^j e^{-k z}``.
    """
    mean = float(depth[beyond].mean())
    k = 1.0 / mean
    for _ in range(_NEWTON_STEPS):
        weight = seconds * np.exp(-k * depth)
        total = weight.sum()
        first = float((weight * depth).sum() / total)
        second = float((weight * depth * depth).sum() / total)
        score = first + 1.0 / k - mean
        step = score / (1.0 / (k * k) + second - first * first)
        # A step out of the domain is halved towards 0 instead.
        k_next = k + step if k + step > 0.0 else 0.5 * k
        if abs(k_next - k) <= _TOLERANCE * k:
            return k_next
        k = k_next
    return k


def would_be_fills(depth: Array, seconds: Array) -> tuple[Array, Array, float, int]:
    """Known excursions, the censoring distance and the number of excursions beyond it.

    Parameters
    ----------
    depth, seconds : ndarray, shape (N,)
        As in :func:`fit_intensity`.

    Returns
    -------
    depth, seconds : ndarray, shape (M,)
        Without the nan rows.
    censor : float
        The larger of 0 and the 25 % quantile of the excursions, USD.
    n_fills : int
        Excursions strictly beyond `censor`.
    """
    known = ~(np.isnan(depth) | np.isnan(seconds))
    x = depth[known]
    censor = max(0.0, float(np.quantile(x, CENSORED_SHARE))) if x.size else 0.0
    return x, seconds[known], censor, int((x > censor).sum())


def fit_intensity(
    depth: Array, seconds: Array, min_fills: int = 2, member: str = "calibration"
) -> Intensity:
    """Maximum-likelihood fit of ``A e^{-k delta}`` to the deepest excursions of bars.

    Parameters
    ----------
    depth : ndarray, shape (N,)
        Deepest excursion of each bar beyond its reference, USD; negative where the bar
        never reached it. nan rows are left out.
    seconds : ndarray, shape (N,)
        Duration of each bar, s, > 0.
    min_fills : int
        Least number of excursions beyond the censoring distance, >= 2.
    member : str
        Whose fit it is, for the message.

    Returns
    -------
    Intensity
        Estimates and standard errors from the observed Fisher information. Bars are
        taken as independent; clustered volatility makes the true errors larger.

    Raises
    ------
    TrialError
        If fewer than `min_fills` excursions are beyond the censoring distance, or all
        of them are equal.

    Notes
    -----
    The censoring distance c is the larger of 0 and the 25 % quantile of the excursions:
    quotes stand further out, and closer in, the intensity that a diffusing price makes
    bends away from the exponential. With ``z = max(x, c)`` and n excursions beyond c,
    ``log L = n log A + n log k - k sum_{x>c} x - A sum dT e^{-k z}``, so
    ``A = n / sum dT e^{-k z}`` and k is the root of a strictly monotone score.
    The correction ``Phi`` for counts against a moving mid does not apply: it belongs to
    counts of every print in a window, while here the order rests at one price for the
    bar and diffusion is part of what fills it, in the simulator too.

    References
    ----------
    Fernandez-Tapia (2015), Modeling, optimization and estimation for the on-line control
    of trading algorithms in limit-order markets, thesis, chapter 4.
    """
    x, duration, censor, n = would_be_fills(depth, seconds)
    if n < max(min_fills, 2):
        raise TrialError(
            member,
            f"{n} would-be fills in {x.size} bars are fewer than "
            f"quoting.calibration.min_fills = {min_fills}; "
            "lengthen quoting.calibration.window_days or lower min_fills",
        )
    # The depth is measured from the censoring distance c: k does not feel the shift,
    # and the intensity becomes A' = A e^{-k c}, so that no weight underflows.
    z = np.maximum(x, censor) - censor
    k = _decay(z, duration, x > censor)
    weight = duration * np.exp(-k * z)
    first, second = float((weight * z).sum()), float((weight * z * z).sum())
    shifted = n / float(weight.sum())
    # Curvature of the log-likelihood in (log A', k), and its inverse.
    i_aa, i_ak, i_kk = float(n), -shifted * first, n / (k * k) + shifted * second
    det = i_aa * i_kk - i_ak * i_ak
    v_aa, v_ak, v_kk = i_kk / det, -i_ak / det, i_aa / det
    # log A = log A' + k c
    log_a_se = float(np.sqrt(v_aa + 2.0 * censor * v_ak + censor * censor * v_kk))
    intensity = shifted * float(np.exp(k * censor))
    return Intensity(intensity, intensity * log_a_se, k, float(np.sqrt(v_kk)), n)


class WalkForward:
    """Fits of the intensity on a fixed calendar, each on the trailing window only.

    Fits happen at whole multiples of `refit_days` since the epoch (UTC); the fit of a
    moment uses the bars that closed in ``(moment - window_days, moment]``. So the fits
    depend neither on where the data begin nor on anything later.

    Parameters
    ----------
    bars : DataFrame
        The `bars` table.
    settings : Calibration
        Windows and the least number of fills.
    """

    def __init__(self, bars: pd.DataFrame, settings: Calibration) -> None:
        self._settings = settings
        self._ts = bars["ts_close"].to_numpy(np.int64)
        self._below, self._above, self._seconds = excursions(bars)
        self._period = max(1, round(settings.refit_days * DAY_NS))
        self._window = round(settings.window_days * DAY_NS)
        self._fits: dict[int, dict[str, Intensity]] = {}

    def moments(self, ts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Moment of the latest fit known at each time; shape of `ts`, UTC ns."""
        return ts // self._period * self._period

    def at(self, moment: int) -> dict[str, Intensity]:
        """Fits of one moment by side (`bid`, `ask`, `both`).

        Parameters
        ----------
        moment : int
            UTC ns, as :meth:`moments` gives.

        Returns
        -------
        dict of str to Intensity
            nan estimates and the count where the fills are too few.
        """
        if moment not in self._fits:
            low = int(np.searchsorted(self._ts, moment - self._window, side="right"))
            high = int(np.searchsorted(self._ts, moment, side="right"))
            rows = slice(low, high)
            below, above, seconds = self._below[rows], self._above[rows], self._seconds[rows]
            self._fits[moment] = {
                "bid": self._fit(below, seconds),
                "ask": self._fit(above, seconds),
                "both": self._fit(
                    np.concatenate((below, above)), np.concatenate((seconds, seconds))
                ),
            }
        return self._fits[moment]

    def _fit(self, depth: Array, seconds: Array) -> Intensity:
        try:
            return fit_intensity(depth, seconds, self._settings.min_fills)
        except TrialError:
            fills = would_be_fills(depth, seconds)[3]
            return Intensity(np.nan, np.nan, np.nan, np.nan, fills)
