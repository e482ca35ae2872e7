"""How much the result depends on how fills are found."""

from __future__ import annotations

from typing import Any

from ethpredict.report.artefacts import Artefacts
from ethpredict.report.grid import Head, grid
from ethpredict.report.text import number


def fidelity_part(found: Artefacts) -> dict[str, Any] | None:
    """Tables of the fidelities and of their pairs, and a warning where signs differ.

    Parameters
    ----------
    found : Artefacts
        The study.

    Returns
    -------
    dict or None
        levels, pairs (Grid) and flips (settings that earn at one fidelity and lose at another, by
        pair); None where the study has one fidelity only.
    """
    told = (found.leaderboard or {}).get("fidelity")
    if not told:
        return None
    levels = grid(
        "By how fills are found, means over completed trials on the order book",
        (
            Head("Fills from", kind="text"),
            Head("Trials"),
            Head("Net P&L", "USD per 1,000 USD at risk and day"),
            Head("Fills", "Mean number per trial"),
            Head("Markout (bps)", "Five minutes after a fill; below 0 is adverse selection"),
        ),
        [
            [
                level["value"],
                number(level["n"], "count"),
                number(level["mean"], "pnl_1k"),
                number(level["fills"], "count"),
                number(level["markout"], "bps"),
            ]
            for level in told["levels"]
        ],
    )
    pairs = grid(
        "The same settings at two fidelities",
        (
            Head("First", kind="text"),
            Head("Second", kind="text"),
            Head("Settings", "Settings that both completed"),
            Head("Net P&L, first"),
            Head("Net P&L, second"),
            Head("Sign flips", "Settings that earn at one and lose at the other"),
            Head("Rank correlation", "Spearman; whether both choose the same settings"),
        ),
        [
            [
                pair["first"],
                pair["second"],
                number(pair["n"], "count"),
                number(pair["first_mean"], "pnl_1k"),
                number(pair["second_mean"], "pnl_1k"),
                f"{pair['flips']} of {pair['n']}",
                number(pair["correlation"], "ratio"),
            ]
            for pair in told["pairs"]
        ],
    )
    flips = [
        f"{pair['flips']} of {pair['n']} settings change the sign of their P&L between "
        f"{pair['first']} and {pair['second']}"
        for pair in told["pairs"]
        if pair["flips"]
    ]
    return {"levels": levels, "pairs": pairs, "flips": flips}
