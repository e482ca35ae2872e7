"""Learning curves of the best trials' nets: loss by epoch, and how training ended."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ethpredict.report.artefacts import Artefacts, first_model_rows
from ethpredict.report.grid import Grid, Head, grid
from ethpredict.report.series import plain
from ethpredict.report.text import number

LEVELS = {0: "forecast", 1: "refinement", 2: "confidence"}
SQUARED, LOGISTIC = "squared error, variances", "log-loss, nats"


def learning_part(found: Artefacts) -> dict[str, Any] | None:
    """Charts of the best trial's nets, and a table of those of all trials that are shown.

    Parameters
    ----------
    found : Artefacts
        The study.

    Returns
    -------
    dict or None
        ``window``, ``charts`` (id, label, unit, lines: training and inner
        validation loss of the refit for the last validation window) and
        ``table``; None where the best trial's model has no net.
    """
    if found.curves is None or found.best is None:
        return None
    mine = first_model_rows(found.curves, found.best)
    if mine.empty:
        return None
    last = int(mine["window"].max())
    nets = list(mine[mine["window"] == last].groupby(["level", "algo"]))
    return {
        "window": last,
        "charts": [_chart(int(level), str(algo), rows) for (level, algo), rows in nets],
        "table": _table(found),
    }


def _unit(level: int) -> str:
    return LOGISTIC if level == 2 else SQUARED


def _chart(level: int, algo: str, rows: pd.DataFrame) -> dict[str, Any]:
    """Two lines over the epochs of one refit; the kept epoch is marked on the inner validation."""
    epochs = rows["epoch"].tolist()
    best = int(rows["epoch"].iloc[int(rows["check"].to_numpy().argmin())])
    lines = [
        {"name": "training", "x": epochs, "y": plain(rows["train"]), "colour": 1},
        {
            "name": "inner validation",
            "x": epochs,
            "y": plain(rows["check"]),
            "colour": 0,
            "mark": best,
        },
    ]
    label = f"Level {level}, {algo} ({LEVELS[level]}): best epoch {best} of {len(epochs)}"
    return {
        "id": f"chart-learning-{level}-{algo}",
        "label": label,
        "unit": _unit(level),
        "lines": lines,
    }


def _table(found: Artefacts) -> Grid:
    """One row per net of every trial that is shown, over all validation windows."""
    assert found.curves is not None
    rows = []
    for trial in found.shown:
        if trial["baseline"]:
            continue
        for (level, algo), net in first_model_rows(found.curves, trial).groupby(["level", "algo"]):
            rows.append((str(trial["name"]), f"{level}, {algo}", *_ending(int(level), net)))
    heads = (
        Head("Trial", kind="text"),
        Head("Level", kind="text"),
        Head("Windows", "Refits for validation windows"),
        Head("Epochs", "Median number of epochs trained"),
        Head("Best epoch", "Median, and range over windows, of the epoch whose weights were kept"),
        Head("Training loss", "Mean over windows at the best epoch"),
        Head("Inner validation", "Mean over windows at the best epoch"),
        Head("At the first epoch", "Inner validation loss after one epoch, mean over windows"),
        Head("Loss in", kind="text"),
    )
    return grid("How the nets learned, over all validation windows", heads, rows)


def _ending(level: int, net: pd.DataFrame) -> tuple[str, ...]:
    """Cells of one net."""
    windows = [part.reset_index(drop=True) for _, part in net.groupby("window")]
    kept = pd.DataFrame([part.loc[part["check"].idxmin()] for part in windows])
    first = pd.Series([part["check"].iloc[0] for part in windows])
    best = kept["epoch"].astype(int)
    return (
        number(len(windows), "count"),
        number(pd.Series([len(part) for part in windows]).median(), "count"),
        f"{best.median():g} ({best.min()} to {best.max()})",
        number(kept["train"].mean(), "fine"),
        number(kept["check"].mean(), "fine"),
        number(first.mean(), "fine"),
        _unit(level),
    )
