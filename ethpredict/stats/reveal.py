"""The locked test: which runs are shown, and the record that they were.

The locked days belong to no objective. Every look at them is a record that stays, and a trial
that was thought up after the first look is marked contaminated.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ethpredict.errors import DataError
from ethpredict.io.artefact import read_json, write_json
from ethpredict.stats.paired import BaselineIndex

VALIDATION, LOCKED = 0, 1


@dataclass(frozen=True)
class RevealedRun:
    """One run to simulate again.

    Attributes
    ----------
    trial_id, name, baseline : str
        The trial it belongs to.
    member : dict
        Member of a simulate pack: id, settings, upstream, replicate.
    bars, fetch : str
        Ids of the bars and of the market.
    first : bool
        Whether it is the trial's first replicate.
    """

    trial_id: str
    name: str
    baseline: str
    member: dict[str, Any]
    bars: str
    fetch: str
    first: bool


def revealed_runs(
    trials: Sequence[Mapping[str, Any]],
    runs: Mapping[str, Mapping[str, Any]],
    top: Sequence[str],
    completed: Sequence[str],
) -> list[RevealedRun]:
    """Runs of the best trials and of the baselines at their settings.

    What the locked days show of other baselines would say how other settings do on them.

    Parameters
    ----------
    trials : sequence of mapping
        Trials of the plan.
    runs : mapping
        Run id to settings, upstream and replicate.
    top : sequence of str
        Ids of the best trials on validation, best first.
    completed : sequence of str
        Ids of the trials whose runs all succeeded.

    Returns
    -------
    list of RevealedRun
        Best trials first, in their order; then completed baselines by id.

    Raises
    ------
    DataError
        If a top trial or one of its runs is not in the plan.
    """
    by_id = {trial["id"]: trial for trial in trials}
    for trial_id in top:
        if trial_id not in by_id:
            raise DataError(
                "top.json", None, f"trial {trial_id} is not in the plan; summarise again"
            )
    partners = {
        partner["id"]
        for kind in sorted({trial["baseline"] for trial in trials} - {""})
        for index in [BaselineIndex([item for item in trials if item["baseline"] == kind])]
        for trial_id in top
        if (partner := index.match(by_id[trial_id]["settings"])) is not None
    }
    found = []
    for trial_id in [*top, *sorted(partners & set(completed))]:
        trial = by_id[trial_id]
        ordered = sorted(trial["runs"], key=lambda run: (run["replicate"], run["id"]))
        for position, run in enumerate(ordered):
            if run["id"] not in runs:
                raise DataError("plan.json", None, f"run {run['id']} has no settings; plan again")
            member = {"id": run["id"], **runs[run["id"]]}
            found.append(
                RevealedRun(
                    trial_id,
                    trial["name"],
                    trial["baseline"],
                    member,
                    run["bars"],
                    run["fetch"],
                    position == 0,
                )
            )
    return found


def packs(runs: Sequence[RevealedRun]) -> Iterator[tuple[str, str, list[RevealedRun]]]:
    """Group runs that may share one call of the simulator: same rows, venue and fidelity.

    Yields
    ------
    bars, fetch : str
        Ids.
    members : list of RevealedRun
        Sorted by run id; groups come in a fixed order.
    """
    groups: dict[tuple[str, str, str, str], dict[str, RevealedRun]] = {}
    for run in runs:
        sim = run.member["settings"]["sim"]
        key = (run.bars, run.fetch, str(sim["venue"]), str(sim.get("fidelity", "bars")))
        groups.setdefault(key, {}).setdefault(run.member["id"], run)
    for key in sorted(groups):
        yield key[0], key[1], [groups[key][run] for run in sorted(groups[key])]


def identify(table: pd.DataFrame, runs: Sequence[RevealedRun]) -> pd.DataFrame:
    """Put trial_id, name and baseline before a table of runs; a shared run counts for each trial.

    Parameters
    ----------
    table : DataFrame
        With ``run_id``.
    runs : sequence of RevealedRun
        The runs.

    Returns
    -------
    DataFrame
        Sorted by trial_id, run_id; the order within a run is kept.
    """
    owners = pd.DataFrame(
        [(run.trial_id, run.name, run.baseline, run.member["id"]) for run in runs],
        columns=["trial_id", "name", "baseline", "run_id"],
        dtype="str",
    )
    joined = owners.merge(table, on="run_id", how="inner")
    return joined.sort_values(["trial_id", "run_id"], kind="stable").reset_index(drop=True)


def reveal_record(
    trials: Sequence[Mapping[str, Any]],
    revealed: Sequence[str],
    runs: Sequence[RevealedRun],
    earlier: Sequence[Mapping[str, Any]],
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Say what was revealed, and the record to add if this set was not seen before.

    Parameters
    ----------
    trials : sequence of mapping
        Trials of the plan with ``seq``, the ledger's number when they first appeared.
    revealed : sequence of str
        Ids of the best trials on validation.
    runs : sequence of RevealedRun
        All runs of the reveal.
    earlier : sequence of mapping
        Records of earlier reveals, oldest first.

    Returns
    -------
    summary : dict
        trials, names, ledger_seq, count (reveals so far, this one included), first_seq (the
        ledger's number at the first reveal) and contaminated (ids of trials that came later).
    record : dict or None
        The new record ``{number, digest, trials, runs, ledger_seq}``; None if there is one.
    """
    by_id = {trial["id"]: trial for trial in trials}
    run_ids = sorted({run.member["id"] for run in runs})
    digest = hashlib.sha256("\n".join([*sorted(revealed), "", *run_ids]).encode()).hexdigest()[:16]
    latest = max((int(trial.get("seq", 0)) for trial in trials), default=0)
    record = None
    if digest not in {item["digest"] for item in earlier}:
        record = {
            "number": 1 + max((int(item["number"]) for item in earlier), default=0),
            "digest": digest,
            "trials": sorted(revealed),
            "runs": run_ids,
            "ledger_seq": latest,
        }
    history = [*earlier, *([record] if record else [])]
    first = min(int(item["ledger_seq"]) for item in history)
    summary = {
        "trials": list(revealed),
        "names": [by_id[key]["name"] for key in revealed],
        "ledger_seq": latest,
        "count": len(history),
        "first_seq": first,
        "contaminated": sorted(
            key for key, trial in by_id.items() if int(trial.get("seq", 0)) > first
        ),
    }
    return summary, record


def record_reveal(
    folder: Path,
    trials: Sequence[Mapping[str, Any]],
    revealed: Sequence[str],
    runs: Sequence[RevealedRun],
) -> dict[str, Any]:
    """Write the record of this reveal beside the earlier ones, unless it is there already.

    Parameters
    ----------
    folder : Path
        With one ``NNNN-<digest>.json`` a reveal.
    trials, revealed, runs
        As for :func:`reveal_record`.

    Returns
    -------
    dict
        The summary of :func:`reveal_record`.
    """
    earlier = [read_json(path) for path in sorted(folder.glob("[0-9]*.json"))]
    summary, record = reveal_record(trials, revealed, runs, earlier)
    if record:
        write_json(record, folder / f"{record['number']:04d}-{record['digest']}.json")
    return summary
