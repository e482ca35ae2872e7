"""Inclusion of a transaction by its tip: fitted on what was sent and what was included."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit

from ethpredict.errors import ConfigError, TrialError

Array = npt.NDArray[np.float64]
_NEWTON_STEPS = 100
_TOLERANCE = 1e-12
INCLUSION_COLUMNS = {
    "ts": "int64",
    "a": "float64",
    "a_se": "float64",
    "s": "float64",
    "s_se": "float64",
    "n": "int64",
    "n_included": "int64",
    "reason": "str",
}


@dataclass(frozen=True)
class Inclusion:
    """A fitted ``p(tip) = 1/(1 + exp(-(a + s tip)))``.

    Attributes
    ----------
    a, a_se : float
        Log odds without a tip, and their standard error.
    s, s_se : float
        Gain of log odds per unit of tip (>= 0), and its standard error; s_se is nan where
        the likelihood wants a falling curve and s is held at 0.
    n, n_included : int
        Transactions, and how many of them were included.
    """

    a: float
    a_se: float
    s: float
    s_se: float
    n: int
    n_included: int


def fit_inclusion(
    tip: npt.ArrayLike,
    included: npt.ArrayLike,
    sent: npt.ArrayLike = 1,
    min_each: int = 20,
    member: str = "inclusion",
) -> Inclusion:
    """Maximum-likelihood fit of the inclusion curve.

    Parameters
    ----------
    tip : array_like, shape (N,)
        Tip of each transaction or group, any unit, finite.
    included : array_like, shape (N,)
        How many of the group were included: 0 or 1 for single transactions.
    sent : array_like, shape (N,) or scalar
        Size of each group.
    min_each : int
        Least number of included and of left-out transactions, >= 1.
    member : str
        Whose fit it is, for the message.

    Returns
    -------
    Inclusion
        With standard errors from the information. Transactions are taken as independent.

    Raises
    ------
    TrialError
        If either outcome is too rare, all tips are equal, or one tip separates the outcomes
        (then the likelihood has no maximum). The message gives the counts.
    ConfigError
        If shapes differ or a count is impossible.

    Notes
    -----
    Newton on the concave log-likelihood, in standardised tips. A bribe that lowers the odds
    is not believed: where the maximum has s < 0, it is taken on the border s = 0.

    Examples
    --------
    >>> fit = fit_inclusion(tip=[0.0, 1.0, 2.0], included=[25, 50, 75], sent=100)
    >>> round(fit.a, 4), round(fit.s, 4), fit.n_included
    (-1.0986, 1.0986, 150)
    """
    x, hit, size = np.broadcast_arrays(
        *(np.asarray(v, dtype=np.float64) for v in (tip, included, sent))
    )
    if x.ndim != 1:
        raise ConfigError("inclusion.tip", x.shape, "of one dimension")
    legal = np.isfinite(x) & (hit >= 0.0) & (hit <= size)
    if not legal.all():
        row = int(np.flatnonzero(~legal)[0])
        raise ConfigError(
            f"inclusion row {row}",
            (float(x[row]), float(hit[row]), float(size[row])),
            "a finite tip and 0 <= included <= sent",
        )
    n, n_hit = int(size.sum()), int(hit.sum())
    if min(n_hit, n - n_hit) < max(min_each, 1):
        raise TrialError(
            member,
            f"{n_hit} included and {n - n_hit} left out of {n}: each must be >= {min_each}; "
            "lengthen the window or lower min_each",
        )
    with_hit, with_miss = x[hit > 0.0], x[hit < size]
    spread = float(np.sqrt(np.average((x - np.average(x, weights=size)) ** 2, weights=size)))
    separate = with_hit.min() >= with_miss.max() or with_miss.min() >= with_hit.max()
    if spread == 0.0 or separate:
        why = "all tips are equal" if spread == 0.0 else "one tip separates included from left out"
        raise TrialError(member, f"{why} ({n_hit} of {n} included), so the slope is not determined")
    middle = float(np.average(x, weights=size))
    z = (x - middle) / spread
    level, slope = _logistic(z, hit, size)
    if slope < 0.0:
        share = n_hit / n
        a_se = 1.0 / np.sqrt(n * share * (1.0 - share))
        return Inclusion(float(np.log(share / (1.0 - share))), float(a_se), 0.0, np.nan, n, n_hit)
    p = expit(level + slope * z)
    weight = size * p * (1.0 - p)
    i_aa, i_as, i_ss = float(weight.sum()), float(weight @ z), float(weight @ (z * z))
    det = i_aa * i_ss - i_as * i_as
    v_aa, v_as, v_ss = i_ss / det, -i_as / det, i_aa / det
    shift = middle / spread
    a_var = v_aa - 2.0 * shift * v_as + shift * shift * v_ss
    return Inclusion(
        float(level - slope * shift),
        float(np.sqrt(a_var)),
        float(slope / spread),
        float(np.sqrt(v_ss) / spread),
        n,
        n_hit,
    )


def _logistic(z: Array, hit: Array, size: Array) -> tuple[float, float]:
    """Maximum of the binomial log-likelihood in (level, slope); steps that lose are halved."""
    level, slope = float(np.log(hit.sum() / (size.sum() - hit.sum()))), 0.0

    def likelihood(u: float, v: float) -> float:
        logit = u + v * z
        return float(hit @ logit - size @ np.logaddexp(0.0, logit))

    best = likelihood(level, slope)
    for _ in range(_NEWTON_STEPS):
        p = expit(level + slope * z)
        rest, weight = hit - size * p, size * p * (1.0 - p)
        g_a, g_s = float(rest.sum()), float(rest @ z)
        i_aa, i_as, i_ss = float(weight.sum()), float(weight @ z), float(weight @ (z * z))
        det = i_aa * i_ss - i_as * i_as
        up, right = (i_ss * g_a - i_as * g_s) / det, (i_aa * g_s - i_as * g_a) / det
        part = 1.0
        value = likelihood(level + up, slope + right)
        while value < best - 1e-12 * abs(best) and part > 1e-6:
            part *= 0.5
            value = likelihood(level + part * up, slope + part * right)
        level, slope, best = level + part * up, slope + part * right, value
        if max(abs(up), abs(right)) <= _TOLERANCE * (1.0 + abs(level) + abs(slope)):
            break
    return level, slope


def walk_forward_inclusion(
    ts: npt.ArrayLike,
    tip: npt.ArrayLike,
    included: npt.ArrayLike,
    at: npt.ArrayLike,
    window_s: float,
    min_each: int = 20,
) -> pd.DataFrame:
    """Fits at given moments, each on the outcomes known strictly before, in a trailing window.

    Parameters
    ----------
    ts : array_like of int, shape (N,)
        When each outcome was known, UTC ns, sorted.
    tip, included : array_like, shape (N,)
        As in :func:`fit_inclusion`.
    at : array_like of int, shape (M,)
        Moments of the fits, UTC ns.
    window_s : float
        Look-back, s, > 0.
    min_each : int
        As in :func:`fit_inclusion`.

    Returns
    -------
    DataFrame
        One row per moment: ts, a, a_se, s, s_se, n, n_included, reason. A refused fit has
        nan and its reason; otherwise the reason is empty.

    Raises
    ------
    ConfigError
        If the times are not sorted or the window is not positive.
    """
    when = np.asarray(ts, dtype=np.int64)
    x, hit = np.asarray(tip, dtype=np.float64), np.asarray(included, dtype=np.float64)
    rows = []
    for moment, low, high in _windows(when, at, window_s):
        try:
            f = fit_inclusion(x[low:high], hit[low:high], 1, min_each)
            rows.append((moment, f.a, f.a_se, f.s, f.s_se, f.n, f.n_included, ""))
        except TrialError as error:
            counts = (high - low, int(hit[low:high].sum()))
            rows.append((moment, np.nan, np.nan, np.nan, np.nan, *counts, error.reason))
    return pd.DataFrame(rows, columns=list(INCLUSION_COLUMNS)).astype(INCLUSION_COLUMNS)


def percentile_tip(
    ts: npt.ArrayLike,
    tip: npt.ArrayLike,
    included: npt.ArrayLike,
    at: npt.ArrayLike,
    window_s: float,
    percentile: float,
) -> Array:
    """Tip of the `percentile` mode: a percentile of the included tips before each moment.

    Parameters
    ----------
    ts, tip, included, at, window_s
        As in :func:`walk_forward_inclusion`; included is 0 or 1.
    percentile : float
        In [0, 100].

    Returns
    -------
    ndarray, shape (M,)
        Tip; nan where nothing was included in the window.

    Raises
    ------
    ConfigError
        If the times are not sorted, or the window or percentile is outside its range.

    Examples
    --------
    >>> percentile_tip([1, 2, 3, 4], [5.0, 1.0, 3.0, 9.0], [1, 0, 1, 1], [1, 4], 1.0, 50)
    array([nan,  4.])
    """
    if not 0.0 <= percentile <= 100.0:
        raise ConfigError("inclusion.percentile", percentile, "in [0, 100]")
    paid = np.asarray(included, dtype=np.float64) > 0.0
    when, x = np.asarray(ts, dtype=np.int64)[paid], np.asarray(tip, dtype=np.float64)[paid]
    return np.array(
        [
            np.percentile(x[low:high], percentile) if high > low else np.nan
            for _, low, high in _windows(when, at, window_s)
        ],
        dtype=np.float64,
    )


def _windows(
    when: npt.NDArray[np.int64], at: npt.ArrayLike, window_s: float
) -> list[tuple[int, int, int]]:
    """Moment and rows [low, high) with ``moment - window <= ts < moment``."""
    if np.any(when[1:] < when[:-1]):
        row = int(np.flatnonzero(when[1:] < when[:-1])[0]) + 1
        raise ConfigError("inclusion.ts", int(when[row]), f"sorted; row {row} is earlier")
    if not window_s > 0.0:
        raise ConfigError("inclusion.window_s", window_s, "> 0")
    moments = np.asarray(at, dtype=np.int64)
    low = np.searchsorted(when, moments - round(window_s * 1e9), side="left")
    high = np.searchsorted(when, moments, side="left")
    return list(zip(moments.tolist(), low.tolist(), high.tolist(), strict=True))
