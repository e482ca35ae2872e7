"""What the study-wide jobs read of a frozen plan."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ethpredict.errors import DataError
from ethpredict.sweep.ids import digest
from ethpredict.sweep.plan import Plan, read_plan

View = Callable[[Plan], dict[str, Any]]


def read_view(path: str | Path, view: View, expected: str) -> dict[str, Any]:
    """Take a view of the frozen plan.

    Parameters
    ----------
    path : path-like
        The frozen plan.
    view : callable
        A function of this module.
    expected : str
        Digest of the view when the job was planned.

    Raises
    ------
    DataError
        If the plan has been replaced by one that shows something else.
    """
    shown = view(read_plan(path))
    if digest(shown) != expected:
        raise DataError(path, None, "was replaced by another run; start the workflow again")
    return shown


def summary_view(plan: Plan) -> dict[str, Any]:
    """Trials and what ranks them: the specification of the summary."""
    return {
        "stage": "summarise",
        "study": plan.study,
        "trials": plan.trials,
        "axes": plan.axes,
        "n_trials_ever": plan.n_trials_ever,
        "objective": plan.settings["objective"],
        "top": plan.settings["top"],
    }


def top_view(plan: Plan) -> dict[str, Any]:
    """Trials, runs and where each upstream artefact stands in the job's input lists."""
    runs = plan.runs()
    fetches = sorted({run["fetch"] for run in runs})
    bars = sorted({run["bars"] for run in runs})
    packs = {
        pack: i for i, pack in enumerate(plan.holders("quote", {run["quote"] for run in runs}))
    }
    holder = {run["quote"]: plan.holders("quote", [run["quote"]])[0] for run in runs}
    return {
        "stage": "top",
        "study": plan.study,
        "trials": plan.trials,
        "runs": {
            run["id"]: {**plan.specs["simulate"][run["id"]], "fetch": run["fetch"]} for run in runs
        },
        "top": plan.settings["top"],
        "files": {
            "bars": {key: i for i, key in enumerate(bars)},
            "blocks": {key: i for i, key in enumerate(fetches)},
            "paths": {quote: packs[pack] for quote, pack in holder.items()},
        },
    }


def artefact_ids(plan: Plan) -> dict[str, list[str]]:
    """Stage to the ids of its jobs; where run times are looked up."""
    singles = {stage: sorted(ids) for stage, ids in plan.specs.items() if stage not in plan.packs}
    return singles | {stage: list(packs) for stage, packs in plan.packs.items()}
