"""Volatility of the mid and its jump per fill, from trades and quotes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ethpredict.errors import ConfigError, TrialError

NANOSECONDS = 1e9


@dataclass(frozen=True)
class Estimate:
    """A figure with its standard error and the number of observations behind it.

    Attributes
    ----------
    value, se : float
        In the unit of the figure.
    n : int
        Observations.
    """

    value: float
    se: float
    n: int


def mid_sigma(
    mid_ts: npt.ArrayLike, mid: npt.ArrayLike, step_s: float, max_gap_s: float = np.inf
) -> Estimate:
    """Volatility of the mid, sampled every `step_s`.

    Parameters
    ----------
    mid_ts, mid : array_like, shape (M,)
        The mid as it was known from each moment on, sorted: UTC ns, USD.
    step_s : float
        Sampling step, s, > 0; the horizon that the quotes live at.
    max_gap_s : float
        A step across a longer silence is left out, s.

    Returns
    -------
    Estimate
        ``sqrt(sum dm^2 / sum dt)``, USD/sqrt(s), with a standard error that allows for fat
        tails (steps independent).

    Raises
    ------
    TrialError
        If fewer than 2 steps are known.
    ConfigError
        If the step is not positive.
    """
    at, middle = np.asarray(mid_ts, dtype=np.int64), np.asarray(mid, dtype=np.float64)
    if not step_s > 0.0:
        raise ConfigError("impact.step_s", step_s, "> 0")
    step = max(1, round(step_s * NANOSECONDS))
    grid = np.arange(at[0], at[-1] + 1, step) if len(at) else np.empty(0, np.int64)
    place = np.searchsorted(at, grid, side="right") - 1
    moves = np.diff(middle[place]) if len(grid) else np.empty(0)
    if len(grid) and np.isfinite(max_gap_s):
        fresh = grid - at[place] <= max_gap_s * NANOSECONDS
        moves = moves[fresh[1:] & fresh[:-1]]
    if len(moves) < 2:
        raise TrialError(
            "calibration", f"{len(moves)} steps of {step_s:g} s of the mid: must be >= 2"
        )
    squares = moves**2 / (step / NANOSECONDS)
    variance = float(squares.mean())
    error = float(squares.std(ddof=1) / np.sqrt(len(squares)))
    sigma = float(np.sqrt(variance))
    return Estimate(sigma, error / (2.0 * sigma) if sigma > 0.0 else 0.0, len(moves))


def fill_impact(
    ts: npt.ArrayLike,
    aggressor_side: npt.ArrayLike,
    mid_ts: npt.ArrayLike,
    mid: npt.ArrayLike,
    horizon_s: float,
    size: npt.ArrayLike | None = None,
    order_size: float = 1.0,
    min_trades: int = 50,
) -> Estimate:
    """Jump xi of the mid per fill, in the direction of the taker.

    Parameters
    ----------
    ts, aggressor_side : array_like, shape (N,)
        Trades, sorted: UTC ns, +1 buy or -1 sell. Pass those that would have filled the order.
    mid_ts, mid : array_like, shape (M,)
        The mid as it was known from each moment on, sorted: UTC ns, USD.
    horizon_s : float
        When the jump is read, s after the trade, > 0.
    size : array_like, shape (N,), optional
        Sizes, > 0: the jump is then taken as proportional to size (regression through 0).
        None: the mean jump per trade.
    order_size : float
        D, the size that xi is stated for; only with `size`.
    min_trades : int
        Fewer trades with a known mid before and after refuse the estimate.

    Returns
    -------
    Estimate
        xi, USD per fill of size D; may be negative by chance (then use 0). Trades whose
        horizons overlap share moves of the mid: the standard error clusters them in blocks
        of `horizon_s`.

    Raises
    ------
    TrialError
        If there are too few trades; the message gives the count.
    ConfigError
        If the horizon or a size is not positive.
    """
    when, at = np.asarray(ts, dtype=np.int64), np.asarray(mid_ts, dtype=np.int64)
    side, middle = (np.asarray(v, dtype=np.float64) for v in (aggressor_side, mid))
    if not horizon_s > 0.0:
        raise ConfigError("impact.horizon_s", horizon_s, "> 0")
    weight = np.ones(len(when)) if size is None else np.asarray(size, dtype=np.float64) / order_size
    if np.any(weight <= 0.0):
        raise ConfigError("impact.size", float(weight.min()) * order_size, "> 0")
    length = round(horizon_s * NANOSECONDS)
    # The mid strictly before the trade: the trade's own jump may carry its time stamp.
    before = np.searchsorted(at, when, side="left") - 1
    after = np.searchsorted(at, when + length, side="right") - 1
    known = (before >= 0) & (when + length <= (at[-1] if len(at) else 0))
    known[known] &= np.isfinite(middle[after[known]] - middle[before[known]])
    n = int(known.sum())
    if n < max(min_trades, 2):
        raise TrialError(
            "calibration",
            f"{n} of {len(when)} trades have a mid before them and {horizon_s:g} s after: "
            f"must be >= {max(min_trades, 2)}",
        )
    x = (side * weight)[known]
    jump = middle[after[known]] - middle[before[known]]
    xi = float(x @ jump / (x @ x))
    _, block = np.unique(when[known] // length, return_inverse=True)
    scores = np.bincount(block, x * (jump - xi * x))
    return Estimate(xi, float(np.sqrt(scores @ scores) / (x @ x)), n)
