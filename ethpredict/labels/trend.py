"""Trend-scanning labels: the direction of the clearest line after each event."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from ethpredict.labels import _kernels, _trend_kernels


def trend_scan(
    log_close: npt.ArrayLike,
    t0: npt.ArrayLike,
    horizon: int | npt.ArrayLike,
    shortest: int = 3,
    gaps: npt.ArrayLike | None = None,
) -> pd.DataFrame:
    """Fit a line from each event to every later bar and keep the one with the largest abs(t).

    Parameters
    ----------
    log_close : array_like of float, shape (n,)
        Log closes.
    t0 : array_like of int, shape (m,), 0 .. n - 1
        Events.
    horizon : int or array_like of int, shape (m,), bars
        Longest line; at least `shortest`, else the event is missing.
    shortest : int, bars, >= 2
        Shortest line: bars ``t0 .. t0 + shortest``.
    gaps : array_like of bool, shape (n,), optional
        True where nothing may span the border before a bar.

    Returns
    -------
    DataFrame of m rows
        ``t0``; ``t1`` int64 = t0 + horizon, -1 where missing; ``bars`` int64,
        length of the line (0 where missing); ``t_value`` float64 of its slope;
        ``label`` float64, the sign of the slope; nan where missing.

    Notes
    -----
    Every line up to the horizon competes, so the label is known only when the
    last of them is: ``t1`` is the end of the horizon, **not** the end of the
    line that won. Purging by the latter, as is common, leaks. An event whose
    horizon runs past the data or into a gap is missing.

    References
    ----------
    Lopez de Prado, M. (2020). Machine Learning for Asset Managers, section 5.4.
    doi:10.1017/9781108883658

    Examples
    --------
    >>> trend_scan([0.0, 0.1, 0.2, 0.31, 0.1], [0, 1], 3).round(2)
       t0  t1  bars  t_value  label
    0   0   3     3    59.47    1.0
    1   1   4     3     0.20    1.0
    """
    prices = np.ascontiguousarray(log_close, dtype=np.float64)
    events = np.ascontiguousarray(t0, dtype=np.int64)
    if shortest < 2:
        raise ValueError(f"shortest = {shortest}: must be at least 2, or no line has scatter")
    if len(events) and not (events.min() >= 0 and events.max() < len(prices)):
        raise ValueError(f"t0 must lie in 0 .. {len(prices) - 1}")
    gap = np.zeros(len(prices), dtype=bool) if gaps is None else np.asarray(gaps, dtype=bool)
    end = events + np.asarray(horizon, dtype=np.int64)
    whole = (end < _kernels.borders(gap)[events]) & (end - events >= shortest)
    lengths, values = _trend_kernels.scan_trends(
        prices, events, np.where(whole, end, events), shortest
    )
    found = np.isfinite(values)
    return pd.DataFrame(
        {
            "t0": events,
            "t1": np.where(found, end, -1),
            "bars": np.where(found, lengths, 0),
            "t_value": values,
            "label": np.sign(values),
        }
    )
