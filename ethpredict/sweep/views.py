"""What the study-wide jobs read of a frozen plan."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ethpredict.config.schema import leaves
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
        "objective": plan.settings["objective"],
        "replay": replay_settings(plan),
        "files": {
            "bars": {key: i for i, key in enumerate(bars)},
            "blocks": {key: i for i, key in enumerate(fetches)},
            "paths": {quote: packs[pack] for quote, pack in holder.items()},
        },
    }


def replay_settings(plan: Plan) -> dict[str, Any]:
    """Settings below `sim.lob` of the finer fidelities: the study's, first of an axis, or default.

    A trial that is planned for bars has none of them, but its best are played finer as well.
    """
    first = {axis["key"]: axis["values"][0] for axis in plan.axes}
    given = plan.config.get("sim", {}).get("lob", {})
    found = {}
    for key, leaf in leaves().items():
        name = key.removeprefix("sim.lob.")
        if name != key and any(other == "sim.fidelity" for other, _ in leaf.applies):
            found[name] = first.get(key, given.get(name, leaf.default))
    return found


def artefact_ids(plan: Plan) -> dict[str, list[str]]:
    """Stage to the ids of its jobs; where run times are looked up."""
    singles = {stage: sorted(ids) for stage, ids in plan.specs.items() if stage not in plan.packs}
    return singles | {stage: list(packs) for stage, packs in plan.packs.items()}
