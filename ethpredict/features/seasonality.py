"""Time of day and of week."""

from __future__ import annotations

from ethpredict.features import _kernels
from ethpredict.features.block import Column, Market, Part, Settings

DAY_NS = 86_400_000_000_000


def seasonality(market: Market, settings: Settings) -> list[Part]:
    """Where in the day and in the week the bar closes (UTC), as points on a circle.

    Parameters
    ----------
    market : Market
        Bars.
    settings : mapping
        Not used.

    Returns
    -------
    list of Column
        ``hour_sin``, ``hour_cos``: angle 2 pi x share of the day, 0 at 00:00;
        ``weekday_sin``, ``weekday_cos``: angle 2 pi x share of the week, 0 at
        Monday 00:00. No warm-up, no memory.
    """
    # Day 0 of the epoch was a Thursday, three days after a Monday.
    day_sin, day_cos = _kernels.circle(market.ts_close, 0, DAY_NS)
    week_sin, week_cos = _kernels.circle(market.ts_close, 3 * DAY_NS, 7 * DAY_NS)
    return [
        Column("hour_sin", day_sin, 0, 0),
        Column("hour_cos", day_cos, 0, 0),
        Column("weekday_sin", week_sin, 0, 0),
        Column("weekday_cos", week_cos, 0, 0),
    ]
