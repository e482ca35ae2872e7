"""The label stage: one row of targets, intervals and weights per bar."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ethpredict import rolling
from ethpredict.labels import _kernels, barriers
from ethpredict.labels.attribution import half_open, return_attribution
from ethpredict.labels.trend import trend_scan
from ethpredict.labels.uniqueness import average_uniqueness, concurrency
from ethpredict.rolling.cusum import cusum_marks

Floats = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]


def build(bars: pd.DataFrame, settings: Mapping[str, Any]) -> pd.DataFrame:
    """Label every event; rows that are none are missing.

    Parameters
    ----------
    bars : DataFrame of n rows
        The canonical bars table.
    settings : mapping
        ``{"labels": {clock, horizon or horizon_s, events, cusum_multiple,
        profit, stop, scale, volatility_window, vertical, tie, weights,
        horizons, trend_scan}}``.

    Returns
    -------
    DataFrame of n rows, in the bars' order
        =========== ======= =====================================================
        t0          int64   the row itself
        t1          int64   row of the first touch, -1 where missing
        label       float64 -1, 0, 1; nan where missing or a dropped tie
        ret         float64 log return to the first touch, nan likewise
        touch       int8    1 profit, -1 stop, 0 vertical, 2 dropped tie, -2 missing
        t1_horizon  int64   row of the vertical barrier, -1 where it is not reached
        ret_horizon float64 log close return to it, nan likewise
        horizon_s   float64 seconds: the horizon's length, as known at t0
        sigma_bar   float64 trailing standard deviation of one bar's log return
        weight      float64 sample weight of the touch, 0 where it has no interval
        weight_horizon      of the horizon return, over [t0, t1_horizon], likewise
        =========== ======= =====================================================

        and, for each h of ``labels.horizons``, ``t1_{h}`` (int64, -1) and
        ``ret_{h}`` (log close return over h bars); with ``labels.trend_scan``
        ``t1_trend``, ``trend_bars``, ``trend_t``, ``trend_label`` (see
        :func:`ethpredict.labels.trend_scan`).

    Notes
    -----
    ``clock: bars`` ends the horizon `horizon` bars on; ``clock: time`` at the
    first bar that closes `horizon_s` seconds or more after the entry, so that
    its end, too, is known when it comes. ``sigma_bar`` (sample standard
    deviation) and ``horizon_s`` use rows up to t0 only. Barriers are multiples
    of ``sigma_bar sqrt(H)`` (scale horizon; H = the horizon in bars, for
    ``clock: time`` the seconds over the trailing mean bar duration) or of
    ``sigma_bar`` (scale bar). ``events: cusum`` labels only the rows at which
    a symmetric CUSUM filter of log returns leaves `cusum_multiple` x
    ``sigma_bar``.

    The weight of a label counts, at each bar of its life, every event alive
    there: also those that are still open or that end without a label. Which of
    them will end that way is unknown when the label ends, so counting them is
    what keeps the weight, too, free of any bar after t1.
    """
    options = settings["labels"]
    span = _span(bars, options)
    rows = _events(span, options)
    width = span.sigma * np.sqrt(span.length) if options["scale"] == "horizon" else span.sigma
    t1, label, ret, touch, seen = barriers.touches(
        span.prices,
        rows,
        width[rows],
        (span.vertical - span.rows)[rows],
        options["profit"],
        options["stop"],
        None,
        options["tie"],
        options["vertical"],
        span.gap,
    )
    ends, returns = _kernels.horizon_targets(span.prices[3], span.gap, span.vertical)
    open_until = np.minimum(span.vertical, _kernels.borders(span.gap) - 1)[rows]
    weigh = _weigher(span, rows, width[rows], options["weights"])
    columns = {
        "t0": span.rows,
        "t1": span.scatter(rows, t1, -1),
        "label": span.scatter(rows, label, np.nan),
        "ret": span.scatter(rows, ret, np.nan),
        "touch": span.scatter(rows, touch, barriers.MISSING),
        "t1_horizon": span.scatter(rows, ends[rows], -1),
        "ret_horizon": span.scatter(rows, returns[rows], np.nan),
        "horizon_s": span.seconds,
        "sigma_bar": span.sigma,
        "weight": span.scatter(rows, weigh(t1, seen), 0.0),
        "weight_horizon": span.scatter(rows, weigh(ends[rows], open_until), 0.0),
    }
    return pd.DataFrame(columns | _extras(span, rows, options))


@dataclass(frozen=True, slots=True)
class _Span:
    """The bars' arrays and what is known at each row.

    ``vertical``: row of the vertical barrier, beyond the last bar where that
    is not reached; ``length``: the horizon in bars, as known at the row;
    ``seconds``: the same in seconds.
    """

    prices: barriers.Prices
    gap: npt.NDArray[np.bool_]
    rows: Index
    returns: Floats
    sigma: Floats
    vertical: Index
    length: Floats
    seconds: Floats

    def scatter(self, rows: Index, values: npt.NDArray[Any], missing: float) -> npt.NDArray[Any]:
        """Spread the events' values over all rows."""
        full = np.full(len(self.rows), missing, dtype=values.dtype)
        full[rows] = values
        return full


def _span(bars: pd.DataFrame, options: Mapping[str, Any]) -> _Span:
    """Trailing volatility and the vertical barrier of every row."""
    prices = barriers.price_columns(bars["open"], bars["high"], bars["low"], bars["close"])
    gap = np.ascontiguousarray(bars["gap"], dtype=bool)
    opened = np.ascontiguousarray(bars["ts_open"], dtype=np.int64)
    closed = np.ascontiguousarray(bars["ts_close"], dtype=np.int64)
    rows = np.arange(len(bars), dtype=np.int64)
    window = int(options["volatility_window"])
    returns = rolling.log_return(prices[3], rolling.run_lengths(prices[3], gap), 1)
    _, sigma = rolling.window_mean_sd(returns, rolling.run_lengths(returns, gap), window, ddof=1)
    duration = _kernels.mean_duration(opened, closed, gap, window)
    if options["clock"] == "time":
        seconds = np.full(len(rows), float(options["horizon_s"]))
        nanoseconds = max(round(float(options["horizon_s"]) * 1e9), 1)
        vertical = np.searchsorted(closed, closed + nanoseconds, side="left").astype(np.int64)
        length = np.divide(seconds, duration, out=np.full(len(rows), np.nan), where=duration > 0)
    else:
        horizon = int(options["horizon"])
        vertical, length = rows + horizon, np.full(len(rows), float(horizon))
        seconds = horizon * duration
    return _Span(prices, gap, rows, returns, sigma, vertical, length, seconds)


def _events(span: _Span, options: Mapping[str, Any]) -> Index:
    """Rows that are labelled."""
    if options["events"] == "every":
        return span.rows
    limits = float(options["cusum_multiple"]) * span.sigma
    return np.flatnonzero(cusum_marks(span.returns, limits))


def _weigher(
    span: _Span, rows: Index, width: Floats, kind: str
) -> Callable[[Index, Index], Floats]:
    """Weights of the events from the rows where they end and until which they are alive."""

    def weigh(t1: Index, seen: Index) -> Floats:
        if kind == "none":
            return (t1 >= 0).astype(np.float64)
        if kind == "uniqueness":
            return np.nan_to_num(
                average_uniqueness(rows, t1, concurrency(rows, seen, len(span.rows)))
            )
        alive = concurrency(*half_open(rows, seen), len(span.rows))
        return np.nan_to_num(return_attribution(span.returns, rows, t1, alive) / width)

    return weigh


def _extras(span: _Span, rows: Index, options: Mapping[str, Any]) -> dict[str, npt.NDArray[Any]]:
    """Targets at further horizons, and trends."""
    columns: dict[str, npt.NDArray[Any]] = {}
    for horizon in options["horizons"]:
        ends, returns = _kernels.horizon_targets(span.prices[3], span.gap, span.rows + int(horizon))
        columns[f"t1_{horizon}"] = span.scatter(rows, ends[rows], -1)
        columns[f"ret_{horizon}"] = span.scatter(rows, returns[rows], np.nan)
    if options["trend_scan"]:
        found = trend_scan(
            np.log(span.prices[3]), rows, (span.vertical - span.rows)[rows], gaps=span.gap
        )
        for name, column in (("t1", "t1_trend"), ("bars", "trend_bars")):
            columns[column] = span.scatter(rows, found[name].to_numpy(), -1 if name == "t1" else 0)
        columns["trend_t"] = span.scatter(rows, found["t_value"].to_numpy(), np.nan)
        columns["trend_label"] = span.scatter(rows, found["label"].to_numpy(), np.nan)
    return columns


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
