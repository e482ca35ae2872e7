"""Moving average convergence divergence."""

from __future__ import annotations

from ethpredict import rolling
from ethpredict.features.block import Column, Floats, Market, Part, Settings

FAST, SLOW, SIGNAL = 12, 26, 9


def macd(market: Market, settings: Settings) -> list[Part]:
    """MACD of the log close with the customary spans 12, 26 and 9.

    Parameters
    ----------
    market : Market
        Bars.
    settings : mapping
        Not used.

    Returns
    -------
    list of Column
        ``macd`` = EMA12 - EMA26 of ln(close), and ``macd_histogram`` = macd -
        EMA9(macd), both in log units, so that the price level does not
        matter. An EMA of span s has decay 1 - 2/(s + 1) and is cut where a
        weight has fallen to 0.1 % of the newest: 90 rows for 26, 31 for 9.
        Warm-up and memory: 89 and 119 rows.

    References
    ----------
    Appel (2005), Technical Analysis: Power Tools for Active Investors, ch. 8
    (there on prices; differences of logs are its percentage form).
    """
    line = _ema(market.log_close, market, FAST) - _ema(market.log_close, market, SLOW)
    histogram = line - _ema(line, market, SIGNAL)
    slow = rolling.exponential_window(_decay(SLOW)) - 1
    both = slow + rolling.exponential_window(_decay(SIGNAL)) - 1
    return [Column("macd", line, slow, slow), Column("macd_histogram", histogram, both, both)]


def _decay(span: int) -> float:
    return 1.0 - 2.0 / (span + 1)


def _ema(values: Floats, market: Market, span: int) -> Floats:
    run = rolling.run_lengths(values, market.gap)
    return rolling.exponential_mean(values, run, _decay(span))
