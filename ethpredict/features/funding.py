"""Funding of the perpetual, and its mark price against the last."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ethpredict import rolling
from ethpredict.data.arrival import DAY_NS
from ethpredict.features import facts
from ethpredict.features.block import Input, Item, Market, Missing, Part, Settings


def funding(market: Market, settings: Settings) -> list[Part]:
    """Funding rate, its regime, and the basis.

    Parameters
    ----------
    market : Market
        Bars, with the facts ``funding_rate`` (share of a position, longs pay
        where positive) and ``mark_price`` (USD).
    settings : mapping
        ``regime_bins``.

    Returns
    -------
    list of Column, Input, Item or Missing
        ``funding_rate``: the newest known; ``funding_day``: sum of the rates
        of the 24 hours up to the newest known one; ``funding_age``: days since
        it arrived; the fitted ``funding_regime``: bin of ``input_funding_day``
        among the quantiles of the training rows. Missing without the fact.

        ``basis`` = ln(mark / close), with the newest known mark price; missing
        without that fact.

        No warm-up. Memory: the bars of one day, 0 for the basis, beside the
        age of the fact.
    """
    parts: list[Part] = []
    gone = facts.absent(market, "funding_rate", "funding")
    if gone:
        names = ("funding_rate", "funding_day", "funding_age", "funding_regime")
        parts += [Missing(name, gone) for name in names]
    else:
        rows = facts.named(market, "funding_rate")
        memory = facts.bars_within(market.ts_close, 1)
        rate, age = facts.joined(market, "funding_rate", rows)
        day, _ = facts.joined(market, "funding_day", day_sums(rows))
        made = {"funding_rate": rate, "funding_day": day, "funding_age": age}
        known = facts.columns_of(made, memory)
        parts += known
        if not isinstance(known[1], Missing):
            options = {"bins": int(settings["regime_bins"])}
            parts += [
                Input("input_funding_day", day, 0, memory),
                Item("funding_regime", "quantile_bins", ("input_funding_day",), options),
            ]
    gone = facts.absent(market, "mark_price", "funding")
    if gone:
        return [*parts, Missing("basis", gone)]
    mark, _ = facts.joined(market, "mark_price", facts.named(market, "mark_price"))
    return parts + facts.columns_of({"basis": rolling.log_ratio(mark, market.close)}, 0)


def day_sums(rows: pd.DataFrame) -> pd.DataFrame:
    """Sum of the rates of the 24 hours that end with each rate, known when that rate is.

    Rates that arrive later than one that describes a later moment are left out
    of the sums that they came too late for.
    """
    ts, known = rows["ts"].to_numpy(np.int64), rows["ts_known"].to_numpy(np.int64)
    values = rows["value"].to_numpy(np.float64)
    sums = np.array(
        [
            values[(ts > moment - DAY_NS) & (ts <= moment) & (known <= arrived)].sum()
            for moment, arrived in zip(ts, known, strict=True)
        ],
        dtype=np.float64,
    )
    return rows.assign(value=sums)
