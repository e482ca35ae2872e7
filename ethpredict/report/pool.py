"""Bribes and inclusion on pools."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from ethpredict.report.artefacts import Artefacts, Document
from ethpredict.report.grid import Grid, Head, grid, with_error
from ethpredict.report.series import error_band
from ethpredict.report.text import number, setting, short_keys, utc_day

MODE = "sim.amm.bribe.mode"
TOLD = (MODE, "sim.amm.bribe.auction", "sim.amm.bribe.percentile", "sim.amm.inclusion")
SUMS = ("n_sent", "n_not_included", "n_reverts")


def _weighted(rows: pd.DataFrame, name: str) -> float:
    """Mean over transactions of a mean over each trial's transactions."""
    known = rows[rows[name].notna() & (rows["n_sent"] > 0)]
    sent = float(known["n_sent"].sum())
    return float((known[name] * known["n_sent"]).sum()) / sent if sent > 0 else math.nan


def bribe_table(found: Artefacts) -> Grid | None:
    """What was paid for inclusion and what came of it, by pool setting.

    Parameters
    ----------
    found : Artefacts
        The study.

    Returns
    -------
    Grid or None
        One row per combination of bribe, auction, belief and swept pool settings, over the
        completed trials that share it; None where no trial traded on a pool.
    """
    table = found.trials
    if table is None or "mean_tip_gwei" not in table:
        return None
    swept = [axis["key"] for axis in found.plan.get("axes", [])]
    keys = [*TOLD, *(key for key in swept if key.startswith("sim.amm.") and key not in TOLD)]
    good = table[(table["status"] == "ok") & (table["baseline"] == "")].set_index("trial_id")
    members: dict[tuple[Any, ...], list[str]] = {}
    for trial in found.plan["trials"]:
        settings = trial["settings"]
        if settings.get("sim.venue") != "lob" and MODE in settings and trial["id"] in good.index:
            values = tuple(setting(settings.get(key)) for key in keys)
            members.setdefault(values, []).append(trial["id"])
    short = short_keys(keys)
    heads = [Head(short[key], key, "text") for key in keys]
    heads += [
        Head("Trials"),
        Head("Sent", "Transactions sent, all trials together"),
        Head("Mean tip", "gwei per unit of gas, over all transactions sent"),
        Head("Believed", "Mean chance of inclusion that the strategy believed when it sent"),
        Head("Included", "Share of the transactions sent that were included"),
        Head("Reverts", "Included, but at a price worse than the tolerance"),
        Head("Gas (USD)", "Base fees, mean per trial"),
        Head("Bribes (USD)", "Tips, mean per trial"),
        Head("Front-run", "Transactions that met the pool behind the same trade of somebody else"),
        Head("Sandwiched", "Swaps that were pushed to their minimum output"),
        Head("Sandwiches (USD)", "What that took, mean per trial"),
        Head("Net P&L", "USD per 1,000 USD at risk and day, mean over trials"),
    ]
    rows = [[*values, *_bribe_cells(good.loc[ids])] for values, ids in members.items()]
    return grid("Bribes by pool setting, validation", heads, rows) if rows else None


def _bribe_cells(rows: pd.DataFrame) -> list[str]:
    """Figures of the trials that share a pool setting."""
    sent, left_out, reverts = (float(rows[name].sum()) for name in SUMS)
    return [
        number(len(rows), "count"),
        number(sent, "count"),
        number(_weighted(rows, "mean_tip_gwei"), "fine"),
        number(_weighted(rows, "mean_chance"), "share"),
        number((sent - left_out) / sent if sent > 0 else None, "share"),
        number(reverts, "count"),
        number(rows["pnl_gas"].mean(), "usd"),
        number(rows["pnl_bribe"].mean(), "usd"),
        number(float(rows["n_front_runs"].sum()), "count"),
        number(float(rows["n_sandwiches"].sum()), "count"),
        number(rows["pnl_sandwich"].mean(), "usd"),
        number(rows["pnl_1k"].mean(), "pnl_1k"),
    ]


def _label(fit: Document, several: bool) -> str:
    """Name of one market and look-back."""
    text = f"last {setting(fit['window_days'])} d"
    return f"{text}, market {fit['fetch'][:6]}" if several else text


def _frame(fit: Document) -> pd.DataFrame:
    """Fits of one market and look-back as a table; missing values become nan."""
    names = ("ts", "a", "a_se", "s", "s_se", "n", "n_included", "reason")
    table = pd.DataFrame({name: fit[name] for name in names})
    values = ["a", "a_se", "s", "s_se"]
    return table.astype(dict.fromkeys(values, "float64"))


def inclusion_part(found: Artefacts) -> dict[str, Any] | None:
    """Fits of the inclusion curve: a table and two charts.

    Returns
    -------
    dict or None
        table (Grid), believed (bool: whether a trial trades on them), a and s (series of charts);
        None where no pool market has transactions.
    """
    fits = (found.leaderboard or {}).get("inclusion") or []
    if not fits:
        return None
    several = len({fit["fetch"] for fit in fits}) > 1
    rows, lines = [], {"a": [], "s": []}  # type: ignore[var-annotated]
    for colour, fit in enumerate(fits):
        table, name = _frame(fit), _label(fit, several)
        made = table[table["a"].notna()]
        last = made.tail(1)
        refused = table.loc[table["a"].isna(), "reason"].value_counts()
        rows.append(
            [
                name,
                f"{len(made)} of {len(table)}",
                number(table["n"].median(), "count"),
                number(table["n_included"].sum() / max(table["n"].sum(), 1), "share"),
                *(_pair(made[key].median(), made[f"{key}_se"].median()) for key in ("a", "s")),
                utc_day(last["ts"].iloc[0]) if len(last) else "",
                *(_pair(_only(last, key), _only(last, f"{key}_se")) for key in ("a", "s")),
                str(refused.index[0]) if len(refused) else "",
            ]
        )
        for key, line in lines.items():
            line.append(error_band(table, key, name, colour))
    heads = (
        Head("Transactions of", kind="text"),
        Head("Made", "Fits made of the days simulated"),
        Head("Each from", "Transactions of one fit, median"),
        Head("Included", "Share of them that were included"),
        Head("a", "Log odds of inclusion without a tip, median ± median standard error"),
        Head("s (1/gwei)", "Gain of log odds per gwei, median ± median standard error"),
        Head("Last fit", kind="text"),
        Head("a, last"),
        Head("s, last"),
        Head("Refused because", kind="wide"),
    )
    caption = "Inclusion curve 1/(1 + exp(−a − s tip)), fitted daily on earlier transactions"
    believed = any(fit["believed"] for fit in fits)
    return {"table": grid(caption, heads, rows), "believed": believed, **lines}


def _only(rows: pd.DataFrame, name: str) -> float:
    return float(rows[name].iloc[0]) if len(rows) else math.nan


def _pair(value: float, error: float) -> str:
    return with_error(number(value, "fine"), number(error, "fine"))
