"""The label stage: one row of targets, intervals and weights per bar."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ethpredict import rolling
from ethpredict.labels import _kernels, barriers
from ethpredict.labels.uniqueness import average_uniqueness, concurrency


def build(bars: pd.DataFrame, settings: Mapping[str, Any]) -> pd.DataFrame:
    """Label every bar.

    Parameters
    ----------
    bars : DataFrame of n rows
        The canonical bars table.
    settings : mapping
        ``{"labels": {horizon, profit, stop, scale, volatility_window,
        vertical, tie, weights}}``.

    Returns
    -------
    DataFrame of n rows, in the bars' order
        =========== ======= =====================================================
        t0          int64   the row itself
        t1          int64   row of the first touch, -1 where missing
        label       float64 -1, 0, 1; nan where missing or a dropped tie
        ret         float64 log return to the first touch, nan likewise
        touch       int8    1 profit, -1 stop, 0 vertical, 2 dropped tie, -2 missing
        t1_horizon  int64   row t0 + horizon, -1 past the data or across a gap
        ret_horizon float64 log close return to it, nan likewise
        horizon_s   float64 seconds: horizon x trailing mean bar duration
        sigma_bar   float64 trailing standard deviation of one bar's log return
        weight      float64 sample weight of the touch, 0 where it has no interval
        weight_horizon      of the horizon return, over [t0, t1_horizon], likewise
        =========== ======= =====================================================

    Notes
    -----
    ``sigma_bar`` (sample standard deviation) and ``horizon_s`` use rows up to
    t0 only. Barriers are multiples of ``sigma_bar sqrt(horizon)`` (scale
    horizon) or of ``sigma_bar`` (scale bar).

    The uniqueness weight of a label counts, at each bar of its life, every
    event alive there: also those that are still open or that end without a
    label. Which of them will end that way is unknown when the label ends, so
    counting them is what keeps the weight, too, free of any bar after t1.
    """
    options = settings["labels"]
    prices = barriers.price_columns(bars["open"], bars["high"], bars["low"], bars["close"])
    gap = np.ascontiguousarray(bars["gap"], dtype=bool)
    rows = np.arange(len(bars), dtype=np.int64)
    window, horizon = int(options["volatility_window"]), int(options["horizon"])
    returns = rolling.log_return(prices[3], rolling.run_lengths(prices[3], gap), 1)
    _, sigma = rolling.window_mean_sd(returns, rolling.run_lengths(returns, gap), window, ddof=1)
    width = sigma * np.sqrt(horizon) if options["scale"] == "horizon" else sigma
    t1, label, ret, touch, seen = barriers.touches(
        prices,
        rows,
        width,
        horizon,
        options["profit"],
        options["stop"],
        None,
        options["tie"],
        options["vertical"],
        gap,
    )
    t1_horizon, ret_horizon = _kernels.horizon_targets(prices[3], gap, horizon)
    duration = _kernels.mean_duration(
        np.ascontiguousarray(bars["ts_open"], dtype=np.int64),
        np.ascontiguousarray(bars["ts_close"], dtype=np.int64),
        gap,
        window,
    )
    if options["weights"] == "uniqueness":
        weight = _uniqueness(rows, t1, seen)
        weight_horizon = _uniqueness(rows, t1_horizon, _open_until(gap, horizon))
    else:
        weight = (t1 >= 0).astype(np.float64)
        weight_horizon = (t1_horizon >= 0).astype(np.float64)
    return pd.DataFrame(
        {
            "t0": rows,
            "t1": t1,
            "label": label,
            "ret": ret,
            "touch": touch,
            "t1_horizon": t1_horizon,
            "ret_horizon": ret_horizon,
            "horizon_s": horizon * duration,
            "sigma_bar": sigma,
            "weight": weight,
            "weight_horizon": weight_horizon,
        }
    )


def _uniqueness(
    rows: npt.NDArray[np.int64], t1: npt.NDArray[np.int64], seen: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Average uniqueness of the labels that end; ``seen`` is how long each event was alive."""
    return np.nan_to_num(average_uniqueness(rows, t1, concurrency(rows, seen, len(rows))))


def _open_until(gap: npt.NDArray[np.bool_], horizon: int) -> npt.NDArray[np.int64]:
    """Last row at which each horizon is alive: its end, the row before a gap, or the data's end."""
    n = len(gap)
    rows = np.arange(n, dtype=np.int64)
    border = np.append(np.where(gap, rows, n), n)[1:]
    next_border = np.minimum.accumulate(border[::-1])[::-1] if n else border
    return np.minimum(rows + horizon, next_border - 1)


def summary(labels: pd.DataFrame) -> dict[str, float | int]:
    """Counts and shares for the report.

    Parameters
    ----------
    labels : DataFrame
        From :func:`build`.

    Returns
    -------
    dict
        ``rows``, ``labelled``, ``missing`` and ``dropped_ties``
        (counts); ``share_up``, ``share_zero``, ``share_down`` of the labelled,
        ``share_dropped_ties`` of the rows whose path ended; ``mean_hold``
        (bars) and ``mean_weight`` of the labelled. nan where there are none.
    """
    label = labels["label"].to_numpy()
    known = np.isfinite(label)
    ended = labels["t1"].to_numpy() >= 0
    dropped = labels["touch"].to_numpy() == barriers.TIE
    hold = (labels["t1"] - labels["t0"]).to_numpy()

    def share(part: np.ndarray, whole: np.ndarray) -> float:
        return float(part.sum() / whole.sum()) if whole.any() else float("nan")

    return {
        "rows": len(labels),
        "labelled": int(known.sum()),
        "missing": int((~ended).sum()),
        "dropped_ties": int(dropped.sum()),
        "share_dropped_ties": share(dropped, ended),
        "share_up": share(label == 1, known),
        "share_zero": share(label == 0, known),
        "share_down": share(label == -1, known),
        "mean_hold": float(hold[known].mean()) if known.any() else float("nan"),
        "mean_weight": float(labels["weight"].to_numpy()[known].mean())
        if known.any()
        else float("nan"),
    }
