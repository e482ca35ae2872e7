"""Scores of the model, quality of the data, and what made the study."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ethpredict.report.artefacts import Artefacts, Document
from ethpredict.report.text import duration, flatten, number

SCHEMES = {
    "walk_forward": "Walk-forward (causal; these predictions are simulated)",
    "purged_kfold": "Purged K-fold (not causal: models train on later data too; scores only)",
}
FORECASTS = {
    "": "model",
    "baseline_zero_": "no change",
    "baseline_mean_24h_": "mean of the last 24 h",
    "baseline_drift_": "drift of the training rows",
    "placebo_": "placebo: shuffled labels",
}
SCORES = {
    "rmse": ("RMSE (bps)", 1e4, "{:,.2f}"),
    "mae": ("MAE (bps)", 1e4, "{:,.2f}"),
    "r2": ("R²", 1.0, "{:,.4f}"),
    "ic": ("IC", 1.0, "{:,.4f}"),
    "hit_rate": ("Hit rate", 100.0, "{:,.1f}%"),
}
DROPPED = ("columns",)
MIN_FOLDS = 2


def _mean_and_error(values: pd.Series, scale: float, form: str) -> str:
    """Mean over folds ± its standard error, or n/a."""
    x = scale * values.to_numpy(dtype=np.float64)
    x = x[np.isfinite(x)]
    if not x.size:
        return ""
    text = form.format(x.mean())
    if x.size >= MIN_FOLDS:
        text += f" ± {form.format(x.std(ddof=1) / math.sqrt(x.size))}"
    return text.replace("-", "\u2212")


def score_tables(found: Artefacts) -> list[dict[str, Any]]:
    """Scores of the best trial's model beside forecasts that need no model.

    Parameters
    ----------
    found : Artefacts
        The study.

    Returns
    -------
    list of dict
        Per scheme: caption, heads, rows of (forecast, cells); mean ± SE over folds.
    """
    if found.scores is None or found.best is None:
        return []
    mine = found.scores[found.scores["model_id"] == found.best["runs"][0]["model"]]
    tables = []
    for scheme, caption in SCHEMES.items():
        part = mine[mine["scheme"] == scheme]
        if part.empty:
            continue
        by_metric = dict(iter(part.groupby("metric")["value"]))
        rows = []
        for prefix, name in FORECASTS.items():
            cells = [
                _mean_and_error(by_metric[prefix + key], scale, form)
                if prefix + key in by_metric
                else ""
                for key, (_, scale, form) in SCORES.items()
            ]
            if any(cells):
                rows.append({"head": name, "cells": cells})
        folds = int(part["fold"].nunique())
        heads = [head for head, _, _ in SCORES.values()]
        tables.append({"caption": f"{caption}, {folds} folds", "heads": heads, "rows": rows})
    return tables


def quality_tables(found: Artefacts) -> list[dict[str, Any]]:
    """Quality documents of data, bars, features and labels as (key, value) tables."""
    groups = (
        ("Market data", found.quality),
        ("Bars", found.bar_quality),
        ("Features", found.meta),
        ("Labels", found.label_stats),
    )
    used = {
        run[key] for trial in found.shown[:1] for run in trial["runs"] for key in ("bars", "fetch")
    }
    tables = []
    for name, documents in groups:
        for key in sorted(documents, key=lambda item: (item not in used, item)):
            rows = _facts(documents[key])
            mark = " (best trial)" if key in used else ""
            tables.append({"group": name, "id": key + mark, "rows": rows})
    return tables


def _facts(document: Document) -> list[tuple[str, str]]:
    """Leaves of a quality document; a feature list is counted, not spelled out."""
    shown = {key: value for key, value in document.items() if key not in DROPPED}
    if "columns" in document:
        columns = document["columns"]
        shown["n_columns"] = len(columns)
        if columns and isinstance(columns[0], dict):
            blocks = pd.Series([str(column.get("block", "")) for column in columns]).value_counts()
            shown["blocks"] = [f"{block} ({blocks[block]})" for block in sorted(blocks.index)]
    return flatten(shown, form=number)


def run_time_table(found: Artefacts) -> list[dict[str, str]]:
    """Run times by rule as text, in the order of the files."""
    return [
        {
            "rule": str(entry["rule"]),
            "jobs": number(entry["jobs"], "count"),
            "seconds": duration(float(entry["seconds"])),
            "longest": duration(float(entry["longest"])),
            "memory": number(entry["memory"], "count"),
        }
        for entry in found.run_times
    ]


def provenance_document(
    plan: Document, quality: Mapping[str, Document], source: Any, rendered: str
) -> Document:
    """Say what made the study.

    Parameters
    ----------
    plan : dict
        The frozen plan.
    quality : mapping
        Quality documents of the market data, whose ``inputs`` name files and digests.
    source : module
        :mod:`ethpredict.provenance`: checkout, versions and machine.
    rendered : str
        Moment of rendering, UTC.

    Returns
    -------
    dict
        git, versions, machine, device, seeds, inputs, n_trials_ever, rendered.
    """
    settings = [trial["settings"] for trial in plan["trials"]]
    seeds: dict[str, list[Any]] = {}
    for key in sorted({key for item in settings for key in item if key.endswith("seed")}):
        seeds[key] = sorted({item[key] for item in settings if key in item})
    return {
        "git": source.checkout(),
        "versions": source.versions(),
        "machine": source.machine(),
        "device": (plan.get("settings") or {}).get("device", "auto"),
        "seeds": seeds,
        "inputs": {
            key: document.get("inputs") or "generated from the settings"
            for key, document in sorted(quality.items())
        },
        "n_trials_ever": plan.get("n_trials_ever"),
        "rendered": rendered,
    }


def provenance_parts(found: Artefacts) -> dict[str, Any]:
    """Provenance split into facts and the text of the uncommitted changes."""
    document = dict(found.provenance or {})
    diff = document.pop("diff", None)
    git = document.get("git")
    if diff is None and isinstance(git, dict) and "diff" in git:
        git = dict(git)
        diff = git.pop("diff")
        document["git"] = git
    sections = []
    plain = {}
    for key, value in document.items():
        if isinstance(value, dict) and value:
            sections.append({"name": key, "rows": flatten(value)})
        else:
            plain[key] = value
    if plain:
        sections.insert(0, {"name": "run", "rows": flatten(plain)})
    return {"sections": sections, "diff": diff or ""}
