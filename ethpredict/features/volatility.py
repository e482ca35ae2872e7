"""Volatility of one bar, from closes and from ranges."""

from __future__ import annotations

import math

import numpy as np

from ethpredict import rolling
from ethpredict.features.block import Column, Floats, Market, Part, Settings


def volatility(market: Market, settings: Settings) -> list[Part]:
    """Four estimators of the standard deviation of one bar's log return.

    Parameters
    ----------
    market : Market
        Bars.
    settings : mapping
        ``windows`` (bars).

    Returns
    -------
    list of Column
        For each window w, in log return per bar:

        ``volatility_sd_{w}``: sample standard deviation of w log returns.
        Warm-up and memory: w rows.

        ``volatility_parkinson_{w}``: sqrt(mean(ln(high/low)^2) / (4 ln 2)).

        ``volatility_garman_klass_{w}``: sqrt(mean(ln(high/low)^2 / 2
        - (2 ln 2 - 1) ln(close/open)^2)). Warm-up and memory of both: w - 1 rows.

        ``volatility_yang_zhang_{w}``: sqrt(V_o + k V_c + (1 - k) V_rs): V_o and
        V_c are the sample variances of ln(open / previous close) and
        ln(close/open), V_rs the mean of ln(high/close) ln(high/open) +
        ln(low/close) ln(low/open), k = 0.34 / (1.34 + (w+1)/(w-1)). Warm-up
        and memory: w rows.

    References
    ----------
    Parkinson (1980), doi:10.1086/296071. Garman and Klass (1980),
    doi:10.1086/296072, the practical estimator. Yang and Zhang (2000),
    doi:10.1086/209650. Rogers and Satchell (1991), doi:10.1214/aoap/1177005835.
    """
    span = rolling.log_ratio(market.high, market.low)
    body = rolling.log_ratio(market.close, market.open)
    parkinson = span * span / (4.0 * math.log(2.0))
    garman_klass = 0.5 * span * span - (2.0 * math.log(2.0) - 1.0) * body * body
    columns: list[Part] = []
    for window in settings["windows"]:
        _, sd = rolling.window_mean_sd(market.returns, market.returns_run, window, ddof=1)
        columns += [
            Column(f"volatility_sd_{window}", sd, window, window),
            _range_based("parkinson", parkinson, market, window),
            _range_based("garman_klass", garman_klass, market, window),
            _yang_zhang(body, market, window),
        ]
    return columns


def _range_based(name: str, variance: Floats, market: Market, window: int) -> Column:
    total = market.window_sum(variance, window)
    # A bar whose open or close lies outside its range could make the mean negative.
    values = np.sqrt(np.maximum(total, 0.0) / window)
    return Column(f"volatility_{name}_{window}", values, window - 1, window - 1)


def _yang_zhang(body: Floats, market: Market, window: int) -> Column:
    previous = np.concatenate([np.full(min(1, len(body)), np.nan), market.close[:-1]])
    overnight = rolling.log_ratio(market.open, np.where(market.gap, np.nan, previous))
    rogers_satchell = rolling.log_ratio(market.high, market.close) * rolling.log_ratio(
        market.high, market.open
    ) + rolling.log_ratio(market.low, market.close) * rolling.log_ratio(market.low, market.open)
    run = rolling.run_lengths(overnight, market.gap)
    _, open_sd = rolling.window_mean_sd(overnight, run, window, ddof=1)
    run = rolling.run_lengths(body, market.gap)
    _, close_sd = rolling.window_mean_sd(body, run, window, ddof=1)
    run = rolling.run_lengths(rogers_satchell, market.gap)
    drift_free = rolling.window_sum(rogers_satchell, run, window) / window
    k = 0.34 / (1.34 + (window + 1) / (window - 1))
    variance = open_sd * open_sd + k * close_sd * close_sd + (1.0 - k) * drift_free
    # A bar whose open or close lies outside its range could make it negative.
    values = np.sqrt(np.maximum(variance, 0.0))
    return Column(f"volatility_yang_zhang_{window}", values, window, window)
