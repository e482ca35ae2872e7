"""What the report reads; whatever a partly finished study lacks is None."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from ethpredict.io.artefact import read_json, read_members, read_table
from ethpredict.stats import match_baseline

STAGES = (
    *("fetch", "bars", "features", "labels", "train", "quote", "simulate"),
    *("summarise", "top", "report"),
)
BASELINE_ORDER = ("no_signal", "fixed_spread", "hold", "do_nothing")

Document = dict[str, Any]


@dataclass
class Artefacts:
    """Everything that the report can show.

    Attributes
    ----------
    plan : dict
        The frozen plan; the only artefact that must be there.
    trials, paths, locked, locked_equity, equity, daily, scores, calibration : DataFrame or None
        Tables, cut down to the trials that are shown.
    curves : DataFrame or None
        Learning curves of the models of the trials that are shown.
    fits, quotes : DataFrame or None
        Fits of the fill intensity and status of the quote paths of all trials but baselines.
    leaderboard, reveal, provenance : dict or None
        Documents.
    quality, bar_quality, meta, label_stats : dict
        Documents by artefact id.
    run_times : list of dict
        Per rule: jobs, seconds, longest (s), memory (MB).
    shown : list of dict
        Trials with charts: the best on validation, then the matching baselines.
    """

    plan: Document
    trials: pd.DataFrame | None = None
    leaderboard: Document | None = None
    paths: pd.DataFrame | None = None
    locked: pd.DataFrame | None = None
    locked_equity: pd.DataFrame | None = None
    equity: pd.DataFrame | None = None
    daily: pd.DataFrame | None = None
    scores: pd.DataFrame | None = None
    curves: pd.DataFrame | None = None
    calibration: pd.DataFrame | None = None
    fits: pd.DataFrame | None = None
    quotes: pd.DataFrame | None = None
    reveal: Document | None = None
    provenance: Document | None = None
    quality: dict[str, Document] = field(default_factory=dict)
    bar_quality: dict[str, Document] = field(default_factory=dict)
    meta: dict[str, Document] = field(default_factory=dict)
    label_stats: dict[str, Document] = field(default_factory=dict)
    run_times: list[Document] = field(default_factory=list)
    shown: list[Document] = field(default_factory=list)

    @property
    def best(self) -> Document | None:
        """The trial chosen on validation, as in the plan."""
        return next((trial for trial in self.shown if not trial["baseline"]), None)

    @property
    def missing(self) -> list[str]:
        """Names of the parts that are not there yet, in reading order."""
        parts: Mapping[str, Any] = {
            "trial table": self.trials,
            "leaderboard": self.leaderboard,
            "equity": self.equity,
            "paths of the best trial": self.paths,
            "locked test": self.locked,
            "model scores": self.scores,
            "calibration": self.calibration,
            "data quality": self.quality or None,
            "provenance": self.provenance,
        }
        return [name for name, value in parts.items() if value is None]

    @property
    def baselines(self) -> list[Document]:
        """The baselines that match the best trial."""
        return [trial for trial in self.shown if trial["baseline"]]


def shown_trials(plan: Document, top: Iterable[str]) -> list[Document]:
    """Trials that get charts.

    Parameters
    ----------
    plan : dict
        The frozen plan.
    top : iterable of str
        Ids of the best trials, best first.

    Returns
    -------
    list of dict
        The top trials, then the baseline of each kind at the best trial's settings; without a
        best trial the first of each kind.
    """
    by_id = {trial["id"]: trial for trial in plan["trials"]}
    best = [by_id[key] for key in top if key in by_id]
    matched = []
    for kind in BASELINE_ORDER:
        members = [trial for trial in plan["trials"] if trial["baseline"] == kind]
        partner = (
            match_baseline(best[0]["settings"], members) if best else next(iter(members), None)
        )
        if partner is not None:
            matched.append(dict(partner))
    return best + matched


def first_model_rows(table: pd.DataFrame, trial: Document) -> pd.DataFrame:
    """Rows of a table by `model_id` that belong to a trial's first model."""
    return table[table["model_id"] == trial["runs"][0]["model"]]


def _existing(inputs: object, name: str) -> list[Path]:
    """Paths of one named input that exist; a single path counts as a list of one."""
    value = getattr(inputs, name, None)
    if value is None:
        return []
    listed = [value] if isinstance(value, (str, Path)) else list(value)
    return [path for path in map(Path, listed) if path.exists()]


def _table(inputs: object, name: str, **filters: Any) -> pd.DataFrame | None:
    """Rows of all files of one input, or None where there is no file."""
    tables = [read_table(path, **filters) for path in _existing(inputs, name)]
    return pd.concat(tables, ignore_index=True) if tables else None


def _members(inputs: object, name: str, key: str, ids: list[str]) -> pd.DataFrame | None:
    """Rows of some members; of a retried one the later pack counts. None without files or ids."""
    paths = _existing(inputs, name)
    return read_members(paths, key, ids) if paths and ids else None


def _document(inputs: object, name: str) -> Document | None:
    """One JSON document, or None."""
    paths = _existing(inputs, name)
    return read_json(paths[0]) if paths else None


def _documents(inputs: object, name: str) -> dict[str, Document]:
    """JSON documents by the id of their artefact, which is their folder's name."""
    return {path.parent.name: read_json(path) for path in _existing(inputs, name)}


def run_times(
    folder: Path | None, jobs: Mapping[str, Iterable[str]] | None = None
) -> list[Document]:
    """Sum the benchmark files by rule.

    Parameters
    ----------
    folder : Path or None
        Folder with ``<stage>/<job>.tsv``, each with a head line.
    jobs : mapping, optional
        Stage to the names of the jobs that count; by default all do. In stages that are not
        named none does.

    Returns
    -------
    list of dict
        rule, jobs, seconds, longest (s) and memory (largest resident size, MB), by stage,
        in the order of the workflow.
    """
    found: dict[str, Document] = {}
    for path in sorted(folder.rglob("*.tsv")) if folder and folder.is_dir() else []:
        rule = path.parent.name
        if jobs is not None and path.stem not in set(jobs.get(rule, ())):
            continue
        with open(path, encoding="utf-8", newline="") as handle:
            lines = list(csv.DictReader(handle, delimiter="\t"))
        for line in lines:
            seconds, memory = _float(line.get("s")), _float(line.get("max_rss"))
            entry = found.setdefault(
                rule, {"rule": rule, "jobs": 0, "seconds": 0.0, "longest": 0.0, "memory": 0.0}
            )
            entry["jobs"] += 1
            entry["seconds"] += seconds
            entry["longest"] = max(entry["longest"], seconds)
            entry["memory"] = max(entry["memory"], memory)
    order = {stage: position for position, stage in enumerate(STAGES)}
    return sorted(found.values(), key=lambda entry: order.get(entry["rule"], len(order)))


def _float(text: str | None) -> float:
    """Number of a benchmark cell; Snakemake writes ``-`` or ``NA`` where it has none."""
    try:
        return float(text or 0.0)
    except ValueError:
        return 0.0


def load(
    inputs: object,
    plan: Document,
    benchmarks: str | Path | None = None,
    jobs: Mapping[str, Iterable[str]] | None = None,
) -> Artefacts:
    """Read what there is of a study.

    Parameters
    ----------
    inputs : object
        Attributes trials, leaderboard, top, paths, locked, locked_equity, equity, daily,
        scores, curves, calibration, quotes, reveal, provenance, quality, bar_quality, meta,
        label_stats: a path or a list of paths. Any attribute or file may be absent.
    plan : dict
        The frozen plan.
    benchmarks : path-like, optional
        Folder of Snakemake's benchmark files.
    jobs : mapping, optional
        As :func:`run_times`.

    Returns
    -------
    Artefacts
        With the names of what is missing.

    Raises
    ------
    DataError
        If a file is broken.
    """
    top = _document(inputs, "top") or {"trials": []}
    shown = shown_trials(plan, top["trials"])
    runs = [trial["runs"][0]["id"] for trial in shown]
    best = next((trial for trial in shown if not trial["baseline"]), None)
    quotes = [best["runs"][0]["quote"]] if best else []
    every = sorted({r["quote"] for t in plan["trials"] if not t["baseline"] for r in t["runs"]})
    models = sorted({trial["runs"][0]["model"] for trial in shown})
    return Artefacts(
        plan=plan,
        trials=_table(inputs, "trials"),
        leaderboard=_document(inputs, "leaderboard"),
        paths=_table(inputs, "paths", trial_id=best["id"]) if best else None,
        locked=_table(inputs, "locked"),
        locked_equity=_table(inputs, "locked_equity", trial_id=[t["id"] for t in shown]),
        equity=_members(inputs, "equity", "run_id", runs),
        daily=_members(inputs, "daily", "run_id", runs),
        scores=_members(inputs, "scores", "model_id", models),
        curves=_members(inputs, "curves", "model_id", models),
        calibration=_members(inputs, "calibration", "quote_id", quotes),
        fits=_members(inputs, "calibration", "quote_id", every),
        quotes=_members(inputs, "quotes", "quote_id", every),
        reveal=_document(inputs, "reveal"),
        provenance=_document(inputs, "provenance"),
        quality=_documents(inputs, "quality"),
        bar_quality=_documents(inputs, "bar_quality"),
        meta=_documents(inputs, "meta"),
        label_stats=_documents(inputs, "label_stats"),
        run_times=run_times(Path(benchmarks) if benchmarks else None, jobs),
        shown=shown,
    )
