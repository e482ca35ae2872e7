"""Fits of the fill intensity by market, and the error of the closed form at them."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from ethpredict.quoting.closed_form_error import closed_form_error
from ethpredict.report.artefacts import Artefacts, Document
from ethpredict.report.grid import Grid, Head, grid, with_error
from ethpredict.report.text import MINUS, is_missing, number, setting, short_keys, signed, utc_day

CALIBRATION = "quoting.calibration."
LABELLED = ("data.", "bars.", CALIBRATION)
GLFT = ("glft_exact", "glft")
REJECTED = 0.05
TINY = 5e-5
SMALL = 1e-4
FAR = 0.8
MOST_SETS = 60


def fit_groups(found: Artefacts) -> list[Document]:
    """Quote paths with the same bars and calibration settings, whose fits are the same.

    Returns
    -------
    list of dict
        label (values of the axes that tell the groups apart), source, quotes (ids), settings (of
        the first trial), in the order of the plan; baselines are left out.
    """
    keys = [axis["key"] for axis in found.plan.get("axes", []) if axis["key"].startswith(LABELLED)]
    short = short_keys(keys)
    groups: dict[str, Document] = {}
    for trial in found.plan["trials"]:
        if trial["baseline"]:
            continue
        settings, run = trial["settings"], trial["runs"][0]
        fitted = [(key, settings[key]) for key in sorted(settings) if key.startswith(CALIBRATION)]
        group = groups.setdefault(
            repr((run.get("bars"), fitted)),
            {
                "label": ", ".join(
                    f"{short[key]} {setting(settings[key])}" for key in keys if key in settings
                )
                or "all trials",
                "source": str(settings.get(f"{CALIBRATION}source", "bars")),
                "least": settings.get(f"{CALIBRATION}min_fills"),
                "quotes": [],
            },
        )
        for member in trial["runs"]:
            if member["quote"] not in group["quotes"]:
                group["quotes"].append(member["quote"])
    return list(groups.values())


def _figure(value: float, digits: int = 4) -> str:
    """A few significant digits, which suit parameters of any size."""
    return number(float(f"{value:.{digits}g}") if math.isfinite(value) else None)


def _estimate(value: float, error: float) -> str:
    """An estimate ± its standard error, the latter with two digits."""
    return with_error(_figure(value), _figure(error, 2))


def _chance(value: Any) -> str:
    """A p-value; a tiny one is not written as 0."""
    return "< 0.0001" if not is_missing(value) and value < TINY else number(value, "fine")


def _reasons(rows: pd.DataFrame, least: Any) -> str:
    """Why fits were refused, the most frequent reason in full."""
    refused = rows[rows["A"].isna()]
    if refused.empty:
        return ""
    reasons = refused["reason"] if "reason" in refused else pd.Series("", index=refused.index)
    reasons = reasons.where(
        reasons != "",
        f"fewer than {setting(least)} would-be fills (most: {int(refused['n_fills'].max())})",
    )
    counts = reasons.value_counts()
    more = f", and {len(counts) - 1} other reasons" if len(counts) > 1 else ""
    return f"{counts.index[0]}{more}"


def fit_table(found: Artefacts) -> Grid | None:
    """Fits of both sides together: medians over the days, their errors and refusals.

    Parameters
    ----------
    found : Artefacts
        The study.

    Returns
    -------
    Grid or None
        One row per group of quote paths and side; None without fits.
    """
    if found.fits is None or found.fits.empty:
        return None
    rows = []
    for group in fit_groups(found):
        # Every path of the group has the same fits: the first that is there stands for all.
        own = next(
            (part for q in group["quotes"] if len(part := found.fits[found.fits["quote_id"] == q])),
            None,
        )
        if own is None:
            continue
        for side in ("both", "bid", "ask"):
            part = own[own["side"] == side]
            if len(part):
                rows.append(_fit_row(group, side, part))
    heads = (
        Head("Fits", "Axis values of data, bars and calibration", "text"),
        Head("Side", kind="text"),
        Head("Source", "bars only bound the fills: approximate", "text"),
        Head("Paths", "Quote paths that share the fits"),
        Head("Made", "Fits made of those tried"),
        Head("A (1/s)", "Intensity at the mid, median over fits ± median standard error"),
        Head("k (1/USD)", "Decay, median over fits ± median standard error"),
        Head("Naive A", "What the share of windows by their deepest print gives, for comparison: "
             "it misses every fill but the first of a window"),
        Head("ξ (USD)", "Impact of a fill on the mid, median over fits ± median standard error"),
        Head("Fills", "Would-be fills of one fit, median"),
        Head("χ²", "Goodness of fit, median"),
        Head("p", "Median p-value of the goodness of fit"),
        Head("Rejected", f"Share of fits with p below {REJECTED}: there the intensity is not "
             "exponential"),
        Head("Refused because", kind="wide"),
    )  # fmt: skip
    return grid("Fill intensity by market and calibration", heads, rows) if rows else None


def _fit_row(group: Document, side: str, part: pd.DataFrame) -> list[str]:
    """Cells of one group and side."""
    good = part[part["A"].notna()]

    def middle(name: str) -> float:
        return float(good[name].median()) if name in good else math.nan

    def pair(name: str) -> str:
        return _estimate(middle(name), middle(f"{name}_se"))

    tested = good["p_value"].dropna() if "p_value" in good else pd.Series(dtype=float)
    share = float((tested < REJECTED).mean()) if len(tested) else math.nan
    seen = sorted(set(part["mid_source"]) - {""}) if "mid_source" in part else []
    source = group["source"] + (f", mid of {' and '.join(seen)}" if seen else "")
    source += " (approximate)" if bool(part["approximate"].any()) else ""
    return [
        group["label"],
        side,
        source,
        number(len(group["quotes"]), "count"),
        f"{len(good)} of {len(part)}",
        pair("A"),
        pair("k"),
        _figure(float(part["A_naive"].median()) if "A_naive" in part else math.nan),
        pair("xi"),
        number(middle("n_fills"), "count"),
        number(middle("chi2"), "ratio"),
        _chance(middle("p_value")),
        number(share, "share"),
        _reasons(part, group["least"]),
    ]


def fit_list(found: Artefacts) -> Grid | None:
    """Every fit of the best trial's quote path."""
    table = found.calibration
    if table is None or table.empty:
        return None
    rows = []
    moments = table["ts"].drop_duplicates()
    daily = moments.map(utc_day).is_unique
    for fit in table.sort_values(["ts", "side"]).to_dict("records"):
        moment = utc_day(fit["ts"]) if daily else f"{pd.Timestamp(fit['ts']):%Y-%m-%d %H:%M:%S}"
        cells = [moment, fit["side"]]
        for name in ("A", "k", "xi"):
            value, error = fit.get(name, math.nan), fit.get(f"{name}_se", math.nan)
            cells.append(_estimate(value, error))
        cells.append(number(fit["n_fills"], "count"))
        cells.append(number(fit.get("chi2"), "ratio"))
        cells.append(_chance(fit.get("p_value")))
        cells.append(fit.get("reason", ""))
        rows.append(cells)
    heads = (
        Head("Day (UTC)" if daily else "Time (UTC)", kind="text"),
        Head("Side", kind="text"),
        *(Head(text) for text in ("A (1/s)", "k (1/USD)", "ξ (USD)", "Fills", "χ²", "p")),
        Head("Refused because", kind="wide"),
    )
    return grid("Every fit of the best trial's quote path, ± standard error", heads, rows)


def _sets(found: Artefacts) -> list[Document]:
    """Distinct parameter sets of the GLFT trials on the book, at the medians of their paths."""
    if found.quotes is None:
        return []
    medians = found.quotes.drop_duplicates("quote_id", keep="last").set_index("quote_id")
    group_of = {q: g for g in fit_groups(found) for q in g["quotes"]}
    sets: dict[str, Document] = {}
    for trial in found.plan["trials"]:
        settings, quote = trial["settings"], trial["runs"][0]["quote"]
        strategy, venue = settings.get("quoting.strategy"), settings.get("sim.venue")
        if (
            trial["baseline"]
            or strategy not in GLFT
            or venue == "amm"
            or quote not in medians.index
        ):
            continue
        row = medians.loc[quote]
        size = float(settings["quoting.order_size"])
        zeta = settings.get("quoting.zeta")
        asked = {
            "label": group_of[quote]["label"],
            "gamma": float(settings["quoting.gamma"]),
            "size": size,
            "Q": math.ceil(float(settings["quoting.max_inventory"]) / size - 1e-9),
            "zeta": None if zeta is None else float(zeta) * size,
        }
        # Models do not change sigma, A and k: the paths of a group differ in their rows only.
        if row["status"] == "ok" and math.isfinite(row["A"]):
            fit = {name: float(row[name]) for name in ("sigma", "A", "k", "xi")}
            sets.setdefault(repr(asked), asked | fit)
    return list(sets.values())


def closed_form_table(found: Artefacts) -> tuple[Grid, int] | None:
    """Closed form against the exact table at the medians of each path.

    Returns
    -------
    (Grid, int) or None
        At q = 0 and at 0.8 Q, and the number of sets in all; None without a set.
    """
    sets = _sets(found)
    rows = []
    for one in sets[:MOST_SETS]:
        fit = {name: one[name] for name in ("sigma", "A", "k", "xi")}
        fixed = {"gamma": one["gamma"] * one["size"], "Q": one["Q"], "zeta": one["zeta"]}
        far = min(round(FAR * one["Q"]), one["Q"] - 1)
        centre = closed_form_error(**fixed, **fit, q=0)
        edge = closed_form_error(**fixed, **fit, q=far)
        rows.append(
            [
                one["label"],
                setting(one["gamma"]),
                *(_figure(fit[name]) for name in ("A", "k", "sigma", "xi")),
                *_distance(centre.bid, centre.bid_error),
                f"{far} of {one['Q']}",
                *_distance(edge.bid, edge.bid_error),
                *_distance(edge.ask, edge.ask_error),
            ]
        )
    heads = [Head("Set", "Axis values of data, bars and calibration", "text")]
    heads += [Head("γ (1/USD)"), Head("A (1/s)"), Head("k (1/USD)"), Head("σ (USD/√s)")]
    error = "Closed form less exact, over the exact distance"
    heads += [
        Head("ξ (USD)"),
        Head("δ at q = 0", "Exact distance from the mid on either side, USD"),
        Head("error", error),
        Head("q of Q", "Inventory, 0.8 of the limit, in lots"),
        Head("δ bid at q", "Exact distance of the bid, USD"),
        Head("error", error),
        Head("δ ask at q", "Exact distance of the ask, USD"),
        Head("error", error),
    ]
    caption = "Exact distances from the mid (USD, stationary, no drift) and the closed form's error"
    return (grid(caption, heads, rows), len(sets)) if rows else None


def _distance(exact: float, error: float) -> list[str]:
    """Exact distance and the relative error of the closed form in per cent."""
    if math.isnan(error):
        shown = "n/a"
    elif abs(error) < SMALL:
        shown = f"{100.0 * error:.1e}%".replace("-", MINUS)
    else:
        shown = f"{signed(100.0 * error, 'ratio')}%"
    return [number(exact, "fine"), shown]
