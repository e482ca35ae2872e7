"""Rows of the leaderboard and of the risk table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from ethpredict.report.artefacts import Artefacts
from ethpredict.report.series import BASELINE_NAMES, PARTS
from ethpredict.report.text import is_missing, number, setting, short_keys


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    key : str
        Column of the trial table.
    head : str
        What the reader sees.
    kind : str
        Number format of :mod:`ethpredict.report.text`; empty for text.
    help : str
        Meaning and unit.
    sort : bool
        Whether the reader may sort by it.
    """

    key: str
    head: str
    kind: str
    help: str
    sort: bool = True


RESULTS = (
    Column("pnl_1k", "Net P&L", "pnl_1k", "USD per 1,000 USD at risk and day, validation days"),
    Column("pnl_1k_se", "±\u00a0seeds", "pnl_1k", "Standard error over training replicates"),
    Column("pnl_1k_day_se", "±\u00a0days", "pnl_1k", "Standard error over days (Newey-West): what "
           "other days of the same kind might have brought"),
    Column("vs_no_signal", "vs no signal", "pnl_1k", "Mean daily difference to the no-signal "
           "baseline at equal settings, USD per 1,000 USD and day"),
    Column("sharpe", "Sharpe", "ratio", "Annualised from daily returns; needs 30 days"),
    Column("dsr", "DSR", "ratio", "Deflated Sharpe ratio: probability that the trial beats the "
           "best of as many worthless ones; variance over all completed trials"),
    Column("dsr_venue", "DSR, venue", "ratio", "The same with the variance over the completed "
           "trials of the trial's own venue and market"),
    Column("max_drawdown", "Max. drawdown", "usd", "USD, on the equity curve"),
    Column("n_fills", "Fills", "count", "Number of fills or swaps, mean over replicates"),
    Column("ic", "IC", "fine", "Rank correlation of forecast and outcome, walk-forward"),
    Column("ic_low", "IC, low", "fine", "5 % point of the IC under a block bootstrap of its rows"),
    Column("ic_high", "IC, high", "fine", "95 % point of the same"),
)  # fmt: skip
LEAD = ("pnl_1k", "pnl_1k_se", "pnl_1k_day_se", "vs_no_signal")
LOCKED = Column(
    "_locked",
    "Locked test",
    "pnl_1k",
    "USD per 1,000 USD and day on days that no choice has seen; only for the chosen trial and "
    "the baselines at its settings, and never sortable",
    sort=False,
)
RISK = (
    Column("pnl", "Net P&L (USD)", "usd", ""),
    Column("pnl_1k", "per 1,000 USD and day (USD)", "pnl_1k", ""),
    Column("capital", "Capital at risk (USD)", "whole", ""),
    Column("posted_funds", "Funds posted, mean (USD)", "whole", ""),
    Column("days", "Days", "ratio", ""),
    Column("sharpe", "Sharpe ratio (annual)", "ratio", ""),
    Column("sortino", "Sortino ratio (annual)", "ratio", ""),
    Column("calmar", "Calmar ratio", "ratio", ""),
    Column("max_drawdown", "Largest drawdown (USD)", "usd", ""),
    Column("time_under_water", "Time under water", "share", ""),
    Column("mean_abs_inventory", "Mean |inventory| (ETH)", "size", ""),
    Column("time_at_limit", "Time at the limit", "share", ""),
    Column("n_fills", "Fills", "count", ""),
    Column("n_buys", "Buys", "count", ""),
    Column("n_sells", "Sells", "count", ""),
    Column("notional", "Traded value (USD)", "whole", ""),
    Column("turnover", "Turnover (× capital)", "ratio", ""),
    Column("fill_ratio", "Fill ratio", "share", ""),
    Column("hit_ratio", "Hit ratio", "share", ""),
    Column("markout_1s", "Markout after 1 s (bps)", "bps", ""),
    Column("markout_5s", "Markout after 5 s (bps)", "bps", ""),
    Column("markout_30s", "Markout after 30 s (bps)", "bps", ""),
    Column("markout_5m", "Markout after 5 min (bps)", "bps", ""),
    Column("n_sent", "Transactions sent", "count", ""),
    Column("n_reverts", "Reverts", "count", ""),
    Column("n_not_included", "Not included", "count", ""),
    Column("n_front_runs", "Front-run", "count", ""),
    Column("n_sandwiches", "Sandwiched", "count", ""),
    Column("share_constant_base_fee", "Decisions at the constant base fee", "share", ""),
    Column("share_without_trades", "Time without the market's trades", "share", ""),
    Column("maker_fee_bps", "Maker fee paid (bps)", "bps", ""),
    Column("taker_fee_bps", "Taker fee paid (bps)", "bps", ""),
)


EMPTY = ("0", "0.00", "n/a")


def locked_means(found: Artefacts) -> dict[str, float]:
    """Mean locked-test objective of the chosen trial and of its baselines, by trial id.

    Baselines at other settings are left out: side by side they would say which settings do well
    on the locked days.
    """
    table = found.locked
    if table is None or "pnl_1k" not in table:
        return {}
    shown = {trial["id"] for trial in [*([found.best] if found.best else []), *found.baselines]}
    allowed = table[(table["status"] == "ok") & table["trial_id"].isin(shown)]
    means = allowed.groupby("trial_id")["pnl_1k"].mean()
    return {str(key): float(value) for key, value in means.items()}


def _axis_cells(row: dict[str, Any], keys: list[str]) -> list[dict[str, Any]]:
    """Text and sort value of the axis columns."""
    cells = []
    for key in keys:
        value = row[f"axis:{key}"]
        text = setting(value)
        numeric = isinstance(value, float) and not is_missing(value)
        cells.append({"text": text, "sort": value if numeric else text, "numeric": numeric})
    return cells


def _axes(keys: list[str], rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Heads of the axes and the values to filter by, numbers in numeric order."""
    heads = short_keys(keys)
    axes = []
    for position, key in enumerate(keys):
        values = {str(row["axes"][position]["text"]): row["axes"][position]["sort"] for row in rows}
        values.pop("", None)
        order = sorted(values, key=lambda text: (isinstance(values[text], str), values[text]))
        axes.append({"key": key, "head": heads[key], "values": order})
    return axes


def _rows(
    found: Artefacts, table: pd.DataFrame, keys: list[str], columns: list[Column]
) -> list[dict[str, Any]]:
    """Rows of the leaderboard with text and sort value of every cell."""
    locked = locked_means(found)
    contaminated = set((found.reveal or {}).get("contaminated", []))
    chosen = found.best["id"] if found.best else None
    rows = []
    for row in table.to_dict("records"):
        values = [(row.get(column.key), column.kind) for column in columns]
        trial = row["trial_id"]
        rows.append(
            {
                "id": trial,
                "name": row["name"],
                "rank": "" if is_missing(row["rank"]) else int(row["rank"]),
                "baseline": BASELINE_NAMES.get(row["baseline"], row["baseline"]),
                "best": trial == chosen,
                "contaminated": trial in contaminated,
                "axes": _axis_cells(row, keys),
                "cells": [
                    {"text": number(value, kind), "sort": "" if is_missing(value) else float(value)}
                    for value, kind in values
                ],
                "locked": number(locked[trial], "pnl_1k") if trial in locked else "",
            }
        )
    return rows


def leaderboard(found: Artefacts, limit: int = 200) -> dict[str, Any] | None:
    """Table of the best trials and all baselines.

    Parameters
    ----------
    found : Artefacts
        The study.
    limit : int
        Most ranked trials that are embedded.

    Returns
    -------
    dict or None
        axes (key, head, values), columns, lead (how many of them stand before the axes), locked
        column, rows, counts; None without a trial table. Columns without a number are left out.
    """
    trials = found.trials
    if trials is None:
        return None
    keys = [name.removeprefix("axis:") for name in trials.columns if name.startswith("axis:")]
    ranked = trials[trials["rank"].notna()].sort_values("rank")
    baselines = trials[(trials["baseline"] != "") & (trials["status"] == "ok")]
    table = pd.concat([ranked.head(limit), baselines]).sort_values(
        ["pnl_1k", "trial_id"], ascending=[False, True], kind="stable"
    )
    columns = [
        column for column in RESULTS if column.key in trials and trials[column.key].notna().any()
    ]
    rows = _rows(found, table, keys, columns)
    return {
        "axes": _axes(keys, rows),
        "columns": columns,
        "locked": LOCKED if locked_means(found) else None,
        "rows": rows,
        "n_ranked": len(ranked),
        "n_shown": min(limit, len(ranked)),
        "lead": sum(column.key in LEAD for column in columns),
    }


def side_by_side(found: Artefacts, columns: tuple[Column, ...]) -> dict[str, Any] | None:
    """Some metrics of the shown trials, one column per trial.

    Returns
    -------
    dict or None
        heads (trial names) and rows (head, cells); rows of nothing but zeros are left out.
    """
    if found.trials is None or not found.shown:
        return None
    by_id = found.trials.set_index("trial_id")
    shown = [trial for trial in found.shown if trial["id"] in by_id.index]
    rows = []
    for column in columns:
        if column.key not in by_id:
            continue
        values = [by_id.loc[trial["id"], column.key] for trial in shown]
        cells = [number(value, column.kind) for value in values]
        if all(cell in EMPTY for cell in cells):
            continue
        rows.append({"head": column.head, "cells": cells})
    heads = [
        {"name": trial["name"], "baseline": BASELINE_NAMES.get(trial["baseline"], "")}
        for trial in shown
    ]
    return {"heads": heads, "rows": rows}


def risk_table(found: Artefacts) -> dict[str, Any] | None:
    """Risk figures of the shown trials."""
    return side_by_side(found, RISK)


def parts_table(found: Artefacts) -> dict[str, Any] | None:
    """P&L parts of the shown trials; parts that are 0 for all are left out."""
    columns = tuple(Column(key, name, "usd", "") for key, name in PARTS.items())
    return side_by_side(found, (*columns, Column("pnl", "net P&L", "usd", "")))
