"""Scores of the model, quality of the data, and what made the study."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ethpredict.io.artefact import read_json
from ethpredict.report.artefacts import Artefacts, Document
from ethpredict.report.skill import best_model_scores
from ethpredict.report.text import duration, flatten, number
from ethpredict.stats.pooled import SUMS, jackknife_error, pool_folds

SCHEMES = {
    "walk_forward": "Walk-forward (causal; these predictions are simulated)",
    "purged_kfold": "Purged K-fold (not causal: models train on later data too; scores only)",
    "cpcv_path": (
        "Paths of combinatorial purged cross-validation (not causal; scores only; the paths test "
        "the same rows, so ± is too small)"
    ),
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
    "r2": ("R² against zero", 1.0, "{:,.4f}"),
    "ic": ("IC", 1.0, "{:,.4f}"),
    "hit_rate": ("Hit rate", 100.0, "{:,.1f}%"),
}
INTERVAL = "walk_forward_interval"
DROPPED = ("columns", "tables")


def _cells(folds: pd.DataFrame) -> list[str]:
    """Pooled scores ± standard error over folds; empty where there is none."""
    pooled, errors = pool_folds(folds.assign(all=0), ["all"]).iloc[0], jackknife_error(folds)
    cells = []
    for key, (_, scale, form) in SCORES.items():
        text = "" if math.isnan(pooled[key]) else form.format(scale * pooled[key])
        if text and not math.isnan(errors[key]):
            text += f" ± {form.format(scale * errors[key])}"
        cells.append(text.replace("-", "\u2212"))
    return cells


def _interval_rows(scores: pd.DataFrame) -> list[dict[str, Any]]:
    """Block-bootstrap interval of the model's pooled scores; none where it was not made."""
    part = scores[scores["scheme"] == INTERVAL].set_index("metric")["value"]
    if part.empty:
        return []
    cells = []
    for key, (_, scale, form) in SCORES.items():
        bounds = [part.get(f"{key}_{side}", math.nan) for side in ("low", "high")]
        text = " to ".join(form.format(scale * bound) for bound in bounds)
        cells.append("" if any(map(math.isnan, bounds)) else text.replace("-", "\u2212"))
    length = part.get("block_length", math.nan)
    return [{"head": f"model, 90% interval (blocks of {length:.0f} rows)", "cells": cells}]


def _folds(part: pd.DataFrame, prefix: str) -> pd.DataFrame:
    """Scores and sums of one forecast by fold; sums that all forecasts share are the model's."""
    wide = part.pivot_table(index="fold", columns="metric", values="value")
    own = {key: wide[prefix + key] for key in (*SCORES, "sse") if prefix + key in wide}
    shared = {key: wide[key] for key in SUMS if key != "sse" and key in wide}
    scored = pd.DataFrame(own, index=wide.index).dropna(how="all")
    return scored.join(pd.DataFrame(shared, index=wide.index))


def score_tables(found: Artefacts) -> list[dict[str, Any]]:
    """Scores of the best trial's model beside forecasts that need no model.

    Parameters
    ----------
    found : Artefacts
        The study.

    Returns
    -------
    list of dict
        Per scheme: caption, heads, rows of (forecast, cells); pooled over folds ± standard
        error over folds (jackknife).
    """
    mine = best_model_scores(found)
    if mine is None:
        return []
    tables = []
    for scheme, caption in SCHEMES.items():
        part = mine[mine["scheme"] == scheme]
        if part.empty:
            continue
        rows = []
        for prefix, name in FORECASTS.items():
            scored = _folds(part, prefix)
            cells = _cells(scored) if len(scored) else []
            if any(cells):
                rows.append({"head": name, "cells": cells})
            if not prefix and scheme == "walk_forward":
                rows += _interval_rows(mine)
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
            board = market_board(documents[key].get("tables", {}))
            tables.append({"group": name, "id": key + mark, "rows": rows, "board": board})
    return tables


MARKET_HEADS = (
    "rows", "from", "to", "gaps", "longest step", "repeated", "set aside", "outliers",
    "constant",
)  # fmt: skip


def market_board(tables: Mapping[str, Document]) -> dict[str, Any] | None:
    """One row per table of a market: what it holds and what it lacks.

    Parameters
    ----------
    tables : mapping of str to dict
        As :func:`ethpredict.data.table_quality.describe_tables` gives them.

    Returns
    -------
    dict or None
        ``heads`` and ``rows`` (head, cells); None where there is no table.
    """
    rows = []
    for name, told in tables.items():
        aside = number(told.get("quarantined", 0), "count")
        if not told["rows"]:
            rows.append({"head": name, "cells": ["0", "", "", "", "", "", aside, "", ""]})
            continue
        outliers = told["outliers"]
        cells = [
            number(told["rows"], "count"),
            told["period"]["start"][:16].replace("T", " "),
            told["period"]["end"][:16].replace("T", " "),
            number(told["gaps"]["count"], "count"),
            duration(told["gaps"]["longest_s"]),
            number(told["duplicates"], "count"),
            aside,
            "" if outliers is None else number(outliers, "count"),
            ", ".join(told["constant_columns"]),
        ]
        rows.append({"head": name, "cells": cells})
    return {"heads": MARKET_HEADS, "rows": rows} if rows else None


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


def devices_used(store: Path, packs: Iterable[Sequence[Any]]) -> dict[str, int]:
    """Count the saved models by the device that trained them.

    Parameters
    ----------
    store : Path
        The artefact store.
    packs : iterable of (id, members)
        Training packs of the plan.

    Returns
    -------
    dict
        Device to number of models; empty before anything has trained.
    """
    files = (p for pack, _ in packs for p in (store / "train" / pack).glob("models/*/model.json"))
    return dict(sorted(Counter(str(read_json(path)["device"]) for path in files).items()))


def provenance_document(
    plan: Document,
    quality: Mapping[str, Document],
    source: Any,
    rendered: str,
    store: str | Path = "results/store",
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
    store : path-like
        The artefact store, whose saved models say where they were trained.

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
        "device": {
            "asked for": (plan.get("settings") or {}).get("device", "auto"),
            "used by models": devices_used(Path(store), plan.get("packs", {}).get("train", [])),
        },
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
