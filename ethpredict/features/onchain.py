"""Growth of the chain's use, of development and of attention."""

from __future__ import annotations

from ethpredict.features import facts
from ethpredict.features.block import Floats, Market, Missing, Part, Settings

FACTS = {
    "active_addresses": "daily_active_addresses",
    "dev_activity": "dev_activity",
    "social_dominance": "social_dominance_total",
}
DAYS = (1, 7)


def onchain(market: Market, settings: Settings) -> list[Part]:
    """Changes of active addresses, development activity and social dominance.

    Parameters
    ----------
    market : Market
        Bars, with daily facts.
    settings : mapping
        Not used.

    Returns
    -------
    list of Column or Missing
        For each of ``active_addresses``, ``dev_activity`` and
        ``social_dominance`` (per cent of mentions): ``{fact}_change_1d`` and
        ``{fact}_change_7d``, the change of ln(1 + value) of the newest known
        day against the day 1 and 7 days before; ``{fact}_age``, days since
        the newest value arrived. Missing without the fact. No warm-up;
        memory: the bars of the days that a change spans and of the day that
        it describes (2 and 8 days; a fact older than that has its age beside it).

    Notes
    -----
    A daily value is known at the end of its day, never earlier. Where it is
    older than ``max_age_days`` the change is missing; where a day is missing,
    so is each change that needs it: nothing is filled.

    References
    ----------
    Liu and Tsyvinski (2021), doi:10.1093/rfs/hhaa113 (growth of active
    addresses and attention as predictors of returns).
    """
    parts: list[Part] = []
    for name, fact in FACTS.items():
        gone = facts.absent(market, fact, "santiment")
        rows = facts.named(market, fact)
        for days in DAYS:
            column = f"{name}_change_{days}d"
            if gone:
                parts.append(Missing(column, gone))
                continue
            change, _ = facts.joined(market, column, facts.growth(rows, days))
            memory = facts.bars_within(market.ts_close, days + 1)
            parts += facts.columns_of({column: change}, memory)
        if not gone:
            parts += facts.columns_of({f"{name}_age": _age(market, fact)}, 0)
    return parts


def _age(market: Market, fact: str) -> Floats:
    return facts.joined(market, fact, facts.named(market, fact))[1]
