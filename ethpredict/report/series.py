"""Chart data: time series and intervals, as plain lists for the page's script."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ethpredict.report.artefacts import Artefacts, Document

POINTS = 600
WINDOW = 96
NS = 1_000_000_000
BASELINE_NAMES = {
    "no_signal": "no signal",
    "fixed_spread": "fixed spread",
    "hold": "hold",
    "do_nothing": "do nothing",
}
PARTS = {
    "pnl_spread": "spread captured",
    "pnl_inventory": "inventory",
    "pnl_lp_fees": "LP fees",
    "pnl_lp_adverse": "LP adverse selection",
    "pnl_fees": "fees and rebates",
    "pnl_funding": "funding",
    "pnl_gas": "gas",
    "pnl_bribe": "bribes",
    "pnl_sandwich": "sandwiches",
    "pnl_liquidation": "closing the position",
    "pnl_endowment": "endowment",
}


def plain(values: ArrayLike, digits: int = 6) -> list[float | None]:
    """Floats rounded to significant digits; what is not finite becomes None."""
    x = np.asarray(values, dtype=np.float64)
    return [float(f"{v:.{digits}g}") if math.isfinite(v) else None for v in x]


def seconds(ts: ArrayLike) -> list[int]:
    """Whole seconds since 1970 of nanosecond time stamps."""
    return (np.asarray(ts, dtype=np.int64) // NS).tolist()


def title(trial: Document) -> str:
    """Name of a trial in a legend."""
    kind = trial["baseline"]
    return f"baseline: {BASELINE_NAMES.get(kind, kind)}" if kind else str(trial["name"])


def _line(trial: Document, ts: ArrayLike, y: ArrayLike, order: int) -> Document:
    """One series of a line chart; baselines are drawn dashed and grey."""
    return {
        "name": title(trial),
        "x": seconds(ts),
        "y": plain(y),
        "baseline": bool(trial["baseline"]),
        "colour": order,
    }


def curves(found: Artefacts, table: pd.DataFrame | None, column: str, scale: float = 1.0) -> list:
    """Lines of one equity column for the shown trials (first replicate).

    Parameters
    ----------
    found : Artefacts
        The study.
    table : DataFrame or None
        Equity table with run_id, ts and the column.
    column : str
        ``equity``, ``inventory`` or ``drawdown``.
    scale : float
        Factor on the values.

    Returns
    -------
    list of dict
        Series in the order of the shown trials.
    """
    if table is None:
        return []
    groups = dict(iter(table.groupby("run_id", sort=False)))
    order = {True: 0, False: 0}
    lines = []
    for trial in found.shown:
        rows = groups.get(trial["runs"][0]["id"])
        if rows is None:
            continue
        is_baseline = bool(trial["baseline"])
        rows = rows.drop_duplicates("k").sort_values("k")
        y = scale * rows[column].to_numpy()
        lines.append(_line(trial, rows["ts"].to_numpy(), y, order[is_baseline]))
        order[is_baseline] += 1
    return lines


def bucketed(ts: ArrayLike, y: ArrayLike, points: int = POINTS) -> Document:
    """Thin a long series: mean, least and largest value of equally many rows each.

    Parameters
    ----------
    ts, y : array_like, shape (T,)
        Time stamps in ns and values.
    points : int
        Most points that stay.

    Returns
    -------
    dict
        x (s), y (mean), low, high.
    """
    stamps, values = np.asarray(ts, dtype=np.int64), np.asarray(y, dtype=np.float64)
    if stamps.size == 0:
        return {"x": [], "y": [], "low": [], "high": []}
    step = math.ceil(stamps.size / points)
    frame = pd.DataFrame({"bucket": np.arange(stamps.size) // step, "y": values})
    grouped = frame.groupby("bucket")["y"]
    return {
        "x": seconds(stamps[::step]),
        "y": plain(grouped.mean()),
        "low": plain(grouped.min()),
        "high": plain(grouped.max()),
    }


def inventory_chart(found: Artefacts) -> list[Document]:
    """Inventory of the best trial with the range within each bucket."""
    if found.paths is None or found.best is None or "inventory" not in found.paths:
        return []
    series = bucketed(found.paths["ts"], found.paths["inventory"])
    return [{"name": f"inventory of {found.best['name']}", "colour": 0, **series}]


def quote_charts(found: Artefacts) -> tuple[list[Document], list[Document]]:
    """Distances of the quotes from the mid over the whole span, and a close-up of the busiest rows.

    Returns
    -------
    distances : list of dict
        Bid and ask distance in bps of the mid, bucketed.
    closeup : list of dict
        Mid, bid and ask as lines over consecutive rows, fills as points.
    """
    rows = found.paths
    if (
        rows is None
        or not {"mid", "reference", "bid", "ask", "fills"} <= set(rows.columns)
        or rows.empty
    ):
        return [], []
    mid = rows["reference"].to_numpy()
    distances = []
    for colour, (side, sign) in enumerate((("bid", -1.0), ("ask", 1.0))):
        gap = 1e4 * sign * (rows[side].to_numpy() - mid) / mid
        if np.isfinite(gap).any():
            series = bucketed(rows["ts"], gap)
            distances.append({"name": f"{side} distance", "colour": colour, **series})
    return distances, _closeup(rows)


def _fills(rows: pd.DataFrame) -> dict[str, np.ndarray]:
    """Filled base size per row and side."""
    signed = np.nan_to_num(rows["fills"].to_numpy(dtype=np.float64))
    return {"bought": np.maximum(signed, 0.0), "sold": np.maximum(-signed, 0.0)}


def _closeup(rows: pd.DataFrame) -> list[Document]:
    """Consecutive rows with the most fills: mid, live quotes, and fills."""
    fills = _fills(rows)
    busy = (fills["bought"] > 0) | (fills["sold"] > 0)
    span = min(WINDOW, len(rows))
    counts = np.convolve(busy, np.ones(span), mode="valid")
    start = int(np.argmax(counts))
    window = slice(start, start + span)
    part = rows.iloc[window]
    x = seconds(part["ts"])
    lines: list[Document] = [
        {
            "name": name,
            "x": x,
            "y": plain(part[name], 8),
            "colour": colour,
            "thin": True,
            "neutral": name == "mid",
        }
        for colour, name in ((2, "mid"), (0, "bid"), (1, "ask"))
        if part[name].notna().any()
    ]
    for name, colour in (("bought", 0), ("sold", 1)):
        hit = fills[name][window] > 0
        if hit.any():
            y = np.where(hit, part["mid"].to_numpy(), np.nan)
            lines.append({"name": name, "x": x, "y": plain(y, 8), "colour": colour, "points": name})
    return lines


def waterfall(row: Document | None) -> list[Document]:
    """Signed parts of the P&L and their sum; parts that are 0 are left out."""
    if row is None:
        return []
    bars, level = [], 0.0
    for key, name in PARTS.items():
        value = row.get(key)
        if value is None or not math.isfinite(value) or value == 0.0:
            continue
        bars.append({"name": name, "from": level, "to": level + value, "value": value})
        level += value
    total = row.get("pnl")
    if bars and total is not None and math.isfinite(total):
        bars.append({"name": "net P&L", "from": 0.0, "to": total, "value": total, "total": True})
    return bars


def calibration_charts(found: Artefacts) -> dict[str, list[Document]]:
    """A and k of the best trial's fill intensity by side, with one standard error."""
    table = found.calibration
    if table is None or table.empty:
        return {"A": [], "k": []}
    charts: dict[str, list[Document]] = {}
    for name in ("A", "k"):
        charts[name] = [
            error_band(table[table["side"] == side].sort_values("ts"), name, side, colour)
            for colour, side in enumerate(("bid", "ask", "both"))
            if (table["side"] == side).any()
        ]
    return charts


def error_band(rows: pd.DataFrame, key: str, name: str, colour: int) -> Document:
    """One fitted parameter over time, column `key`, with a band of one standard error."""
    value, error = rows[key].to_numpy(), rows[f"{key}_se"].to_numpy()
    return {
        "name": name,
        "x": seconds(rows["ts"]),
        "y": plain(value),
        "low": plain(value - error),
        "high": plain(value + error),
        "colour": colour,
    }


def effect_charts(effects: Sequence[Document]) -> list[Document]:
    """Axis effects with at least two values that have results."""
    return [effect for effect in effects if len(effect["levels"]) > 1]


def payload(found: Artefacts) -> dict[str, Any]:
    """All chart data of the page, by the id of the element they are drawn in."""
    board = found.leaderboard or {}
    distances, closeup = quote_charts(found)
    fitted = calibration_charts(found)
    return {
        "chart-equity": curves(found, found.equity, "equity"),
        "chart-drawdown": curves(found, found.equity, "drawdown", -1.0),
        "chart-locked": [
            line
            for line in curves(found, found.locked_equity, "equity")
            if line["baseline"] or (found.best and line["name"] == found.best["name"])
        ],
        "chart-inventory": inventory_chart(found),
        "chart-distances": distances,
        "chart-closeup": closeup,
        "chart-parts": waterfall(board.get("best")),
        "chart-A": fitted["A"],
        "chart-k": fitted["k"],
        "effects": effect_charts(board.get("effects", [])),
    }
