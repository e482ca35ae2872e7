"""What the best trial's model can do beyond its scores: calibrated confidence, useful features."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from ethpredict.report.artefacts import Artefacts, first_model_rows

MINUS = "\u2212"
MOST = 20
"""Features that are shown, the most important first."""
IMPORTANCES = {
    "mda": "MDA: R² lost when shuffled",
    "sfi": "SFI: R² alone",
    "mdi": "MDI: share of the trees' gain",
}


def best_model_scores(found: Artefacts) -> pd.DataFrame | None:
    """Scores of the best trial's first model; None while there is no best trial or no score."""
    if found.scores is None or found.best is None:
        return None
    return first_model_rows(found.scores, found.best)


def _text(value: float, form: str = "{:,.4f}") -> str:
    return "" if math.isnan(value) else form.format(value).replace("-", MINUS)


def confidence_tables(found: Artefacts) -> list[dict[str, Any]]:
    """Proper scores and reliability of level 2's out-of-sample probabilities.

    Parameters
    ----------
    found : Artefacts
        The study.

    Returns
    -------
    list of dict
        Two tables (caption, first, heads, rows); none where the best trial's
        model has no level 2.
    """
    mine = best_model_scores(found)
    if mine is None or not (mine["scheme"] == "confidence").any():
        return []
    value = mine[mine["scheme"] == "confidence"].set_index("metric")["value"]
    forecasts = {
        "level 2": ("log_loss", "brier", "ece"),
        "share that paid in training": ("prior_log_loss", "prior_brier", ""),
        "share that paid in these rows (hindsight)": ("baseline_log_loss", "baseline_brier", ""),
    }
    rows = [
        {"head": head, "cells": [_text(float(value.get(name, math.nan))) for name in names]}
        for head, names in forecasts.items()
    ]
    gain, low, high = (
        _text(float(value.get(f"log_loss_gain{end}", math.nan))) for end in ("", "_low", "_high")
    )
    if gain:
        told = "level 2 is better than the training share by (90% interval)"
        rows.append({"head": told, "cells": [f"{gain} ({low} to {high})", "", ""]})
    caption = (
        "Confidence (level 2) on the validation windows, out of sample: probability that following "
        f"the forecast pays, {value['n_rows']:,.0f} signals"
    )
    heads = ["Log-loss", "Brier score", "Calibration error (ECE)"]
    tables = [{"caption": caption, "first": "Forecast", "heads": heads, "rows": rows}]
    curve = mine[mine["scheme"] == "confidence_curve"]
    bins = curve.pivot_table(index="fold", columns="metric", values="value")
    share = bins["weight"] / bins["weight"].sum()
    lines = [
        {
            "head": _text(float(row["predicted"]), "{:.3f}"),
            "cells": [_text(float(row["observed"]), "{:.3f}"), _text(100.0 * part, "{:.1f}%")],
        }
        for (_, row), part in zip(bins.iterrows(), share, strict=True)
    ]
    heads = ["Share that paid", "Weight of the bin"]
    told = "Reliability of the confidence: calibrated where both columns agree"
    return [*tables, {"caption": told, "first": "Mean p", "heads": heads, "rows": lines}]


def importance_tables(found: Artefacts) -> list[dict[str, Any]]:
    """Importances of features and of clusters of them, largest first.

    Parameters
    ----------
    found : Artefacts
        The study.

    Returns
    -------
    list of dict
        Tables (caption, first, heads, rows); none where ``validation.importance`` is empty.
    """
    mine = best_model_scores(found)
    if mine is None:
        return []
    kinds = {kind: head for kind, head in IMPORTANCES.items() if _has(mine, kind)}
    caption = "Importance of features ± standard error over folds (MDI: over windows, in sample)"
    tables = [_ranked(mine, kinds, caption, "Feature")] if kinds else []
    if _has(mine, "clustered_mda"):
        told = "Importance of clusters of correlated features ± standard error over folds"
        heads = {"clustered_mda": "R² lost when shuffled together"}
        tables.append(_ranked(mine, heads, told, "Cluster"))
    return tables


def _has(scores: pd.DataFrame, kind: str) -> bool:
    return bool((scores["scheme"] == f"importance_{kind}").any())


def _ranked(
    scores: pd.DataFrame, kinds: dict[str, str], caption: str, first: str
) -> dict[str, Any]:
    """One row per feature, sorted by the first kind."""
    values = {
        scheme: scores[scores["scheme"] == scheme].set_index("metric")["value"]
        for kind in kinds
        for scheme in (f"importance_{kind}", f"importance_{kind}_error")
    }
    order = values[f"importance_{next(iter(kinds))}"].sort_values(ascending=False, kind="stable")
    rows = []
    for name in order.index[:MOST]:
        cells = []
        for kind in kinds:
            text = _text(float(values[f"importance_{kind}"].get(name, math.nan)))
            error = _text(float(values[f"importance_{kind}_error"].get(name, math.nan)))
            cells.append(f"{text} ± {error}" if error else text)
        rows.append({"head": name, "cells": cells})
    if len(order) > MOST:
        caption += f", the first {MOST} of {len(order)}"
    return {"caption": caption, "first": first, "heads": list(kinds.values()), "rows": rows}
