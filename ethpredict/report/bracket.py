"""How far the result depends on what fills a quote, and on how finely the market is played."""

from __future__ import annotations

from typing import Any

from ethpredict.report.artefacts import Artefacts
from ethpredict.report.text import number

FILLS = ("touch", "strict", "queue")
UNKNOWN = "\u2013"


def _cell(figure: dict[str, Any] | None) -> str:
    """Objective and fills of one variant."""
    if figure is None:
        return UNKNOWN
    if figure["status"] != "ok":
        return "failed"
    return f"{number(figure['objective'], 'pnl_1k')} ({number(figure['n_fills'], 'count')})"


def bracket_table(found: Artefacts) -> dict[str, Any] | None:
    """Bracket of every best trial, and the rank correlations between fidelities.

    Returns
    -------
    dict or None
        objective, rows (name, fidelity, cells by fill rule, flip), flips (names), ranks
        (coarse, fine, n, spearman) and errors (reasons of failed variants, each once); None
        where no best trial was played on the order book.
    """
    board = (found.leaderboard or {}).get("bracket")
    if not board or not board["brackets"]:
        return None
    rows = [
        {
            "name": item["name"],
            "fidelity": item["fidelity"],
            "cells": [_cell(item["fills"].get(fill)) for fill in FILLS],
            "flip": item["sign_flip"],
        }
        for item in board["brackets"]
    ]
    figures = [figure for item in board["brackets"] for figure in item["fills"].values()]
    reasons = {figure["error"].partition(": ")[2] for figure in figures if figure.get("error")}
    return {
        "objective": board["objective"],
        "rows": rows,
        "flips": sorted({row["name"] for row in rows if row["flip"]}),
        "ranks": [
            item | {"spearman": number(item["spearman"], "ratio")}
            for item in board["ranks"]
            if item["n"]
        ],
        "errors": sorted(reasons),
    }
