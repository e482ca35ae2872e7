"""What hedging on the pool cost the trials that quote on the book, and what it bought."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from ethpredict.report.artefacts import Artefacts
from ethpredict.report.grid import Grid, Head, grid
from ethpredict.report.text import number, setting, short_keys

BAND = "quoting.hedge_band"
# Settings that an unhedged twin on the book does not have.
OWN = ("sim.venue", "sim.seed", "sim.amm.", "quoting.hedge")


def _book_side(settings: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Settings of a trial that it shares with its unhedged twin."""
    return tuple(
        (key, repr(value)) for key, value in sorted(settings.items()) if not key.startswith(OWN)
    )


def hedge_table(found: Artefacts) -> Grid | None:
    """Book and pool part of the P&L by setting, beside the same quotes without a hedge.

    Parameters
    ----------
    found : Artefacts
        The study.

    Returns
    -------
    Grid or None
        One row per combination of the band and the swept settings of quotes and pool, over the
        completed trials that share it; None where no trial hedges.
    """
    table = found.trials
    if table is None or "n_hedges" not in table:
        return None
    swept = [axis["key"] for axis in found.plan.get("axes", [])]
    keys = [key for key in swept if key.startswith(("quoting.", "sim.amm.")) and key != BAND]
    keys = [BAND, *(key for key in keys if key != "quoting.hedge")]
    good = table[(table["status"] == "ok") & (table["baseline"] == "")].set_index("trial_id")
    members: dict[tuple[str, ...], list[str]] = {}
    plain: dict[tuple[tuple[str, str], ...], str] = {}
    twins: dict[str, tuple[tuple[str, str], ...]] = {}
    for trial in found.plan["trials"]:
        settings, name = trial["settings"], trial["id"]
        if name not in good.index:
            continue
        if BAND in settings:
            values = tuple(setting(settings.get(key)) for key in keys)
            members.setdefault(values, []).append(name)
            twins[name] = _book_side(settings)
        elif settings.get("sim.venue") == "lob":
            plain[_book_side(settings)] = name
    rows = []
    for values, names in members.items():
        others = [plain[twins[name]] for name in names if twins[name] in plain]
        # A comparison with some of the trials would compare something else.
        unhedged = good.loc[others] if len(others) == len(names) else None
        rows.append([*values, *_cells(good.loc[names], unhedged)])
    short = short_keys(keys)
    heads = [Head(short[key], key, "text") for key in keys]
    return grid("Hedges on the pool, validation", [*heads, *HEADS], rows) if rows else None


HEADS = (
    Head("Trials"),
    Head("Hedges", "Fills on the pool, mean per trial"),
    Head("Hedged (ETH)", "Mean per trial"),
    Head("Cost (USD/ETH)", "Impact, swap fee, gas and bribe beyond the mid of the decision"),
    Head("Book P&L (USD)", "Of the book leg, its closing included, mean per trial"),
    Head("Pool P&L (USD)", "Of the pool leg, its closing included, mean per trial"),
    Head("Mean |q| (ETH)", "Time mean of both legs together"),
    Head("unhedged", "Mean |q| of the same quotes on the book alone, ETH"),
    Head("Net P&L", "USD per 1,000 USD at risk and day, mean over trials"),
    Head("unhedged", "Net P&L of the same quotes on the book alone"),
)


def _cells(rows: pd.DataFrame, unhedged: pd.DataFrame | None) -> list[str]:
    """Figures of the trials that share a setting."""
    volume = float(rows["hedge_volume"].sum())
    cost = float(rows["hedge_cost"].sum()) / volume if volume > 0.0 else math.nan
    cells = [
        number(len(rows), "count"),
        number(rows["n_hedges"].mean(), "count"),
        number(rows["hedge_volume"].mean(), "size"),
        number(cost, "usd"),
        number(rows["book_pnl"].mean(), "usd"),
        number(rows["pool_pnl"].mean(), "usd"),
    ]
    for name, kind in (("mean_abs_inventory", "size"), ("pnl_1k", "pnl_1k")):
        cells.append(number(rows[name].mean(), kind))
        cells.append("" if unhedged is None else number(unhedged[name].mean(), kind))
    return cells
