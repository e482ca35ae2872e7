"""The plan of a study: trials, specifications and packs, frozen for every child process.

plan = what the ledger already holds, plus fresh packs for members that are in
none. A value inserted in the middle of an axis therefore makes one new pack
and disturbs no other.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ethpredict.config.load import Config
from ethpredict.errors import DataError
from ethpredict.io.atomic import atomic_path
from ethpredict.sweep import ledger as ledgers
from ethpredict.sweep.ids import canonical_json, digest
from ethpredict.sweep.packs import cut
from ethpredict.sweep.trials import (
    PACKED,
    SINGLE,
    UPSTREAM,
    Spec,
    build_trials,
    schema_digest,
)

VERSION = 1
_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """Everything that rules look up; nothing in it depends on the clock or the machine.

    Parameters
    ----------
    study, title : str
        Folder name and headline.
    tags : dict
        Free text.
    config : dict
        Resolved settings as a tree, axes as given.
    axes : list of dict
        ``{key, values}`` per axis; the values that occur in the trials.
    settings : dict
        ``top``, ``rows``, ``objective``, ``replicates``, ``device``, ``http``.
    trials : list of dict
        ``{id, name, baseline, settings, runs, seq}``.
    specs : dict
        Stage to id to specification.
    packs : dict
        Packed stage to pack id to member ids, oldest pack first.
    n_trials_ever : int
        Distinct trials (no baselines) in the ledger, this plan included.
    """

    study: str
    title: str
    tags: dict[str, str]
    config: dict[str, Any]
    axes: list[dict[str, Any]]
    settings: dict[str, Any]
    trials: list[Spec]
    specs: dict[str, dict[str, Spec]]
    packs: dict[str, dict[str, list[str]]]
    n_trials_ever: int

    def spec(self, stage: str, artefact: str) -> str:
        """Canonical JSON of what one job reads: an artefact's or a pack's specification."""
        if stage in SINGLE:
            return canonical_json(self.specs[stage][artefact])
        members = [self.specs[stage][member] for member in self.packs[stage][artefact]]
        return canonical_json({"stage": stage, "id": artefact, "members": members})

    def members(self, stage: str, pack: str) -> list[Spec]:
        """Specifications of a pack's members."""
        return [self.specs[stage][member] for member in self.packs[stage][pack]]

    def holders(self, stage: str, members: Iterable[str]) -> list[str]:
        """Packs that hold the members, oldest first: where two hold one, the later counts."""
        held = self._held(stage)
        wanted = {held[member] for member in members}
        return [pack for pack in self.packs[stage] if pack in wanted]

    def _held(self, stage: str) -> dict[str, str]:
        cache: dict[str, dict[str, str]] = self.__dict__.setdefault("_cache", {})
        if stage not in cache:
            cache[stage] = {m: pack for pack, ms in self.packs[stage].items() for m in ms}
        return cache[stage]

    def runs(self) -> list[Spec]:
        """All runs of all trials."""
        return [run for trial in self.trials for run in trial["runs"]]

    def digest(self) -> str:
        """Digest of the trials and of what the summary and the report need."""
        cache: dict[str, Any] = self.__dict__.setdefault("_digest", {})
        if "value" not in cache:
            cache["value"] = digest(self._content())
        return str(cache["value"])

    def _content(self) -> dict[str, Any]:
        """Fields as JSON; packs as lists, because JSON objects are written sorted."""
        content = {item.name: getattr(self, item.name) for item in fields(self)}
        content["packs"] = {stage: list(packs.items()) for stage, packs in self.packs.items()}
        return content

    def write(self, path: Path) -> None:
        """Freeze the plan; an unchanged file is left alone."""
        text = canonical_json({"version": VERSION, **self._content()})
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            with atomic_path(path) as temporary:
                temporary.write_text(text, encoding="utf-8")


def read_plan(path: str | Path, expected_digest: str | None = None) -> Plan:
    """Read a frozen plan.

    Raises
    ------
    DataError
        If it is missing, of another version, or not the one that the job was
        planned with.
    """
    try:
        raw = json.loads(Path(path).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError) as error:
        raise DataError(path, None, "no frozen plan; start the workflow again") from error
    if raw.pop("version", None) != VERSION:
        raise DataError(path, None, f"is not of plan version {VERSION}; start the workflow again")
    raw["packs"] = {stage: dict(packs) for stage, packs in raw["packs"].items()}
    plan = Plan(**raw)
    if expected_digest is not None and plan.digest() != expected_digest:
        raise DataError(path, None, "was replaced by another run; start the workflow again")
    return plan


@dataclass(frozen=True)
class Draft:
    """A plan with the ledger entry that a real run will append."""

    plan: Plan
    entry: dict[str, Any] | None
    head: str


def make_plan(
    config: Config, results: Path, failed: Mapping[str, frozenset[str]] | None = None
) -> Draft:
    """Plan a study. Reads ledgers, writes nothing.

    Parameters
    ----------
    config : Config
        Checked settings.
    results : Path
        The results folder, with ledgers of this and other studies.
    failed : Mapping, optional
        Packed stage to members that are to be tried again in new packs.

    Returns
    -------
    Draft
    """
    values = config.values
    trials = build_trials(config)
    own = ledgers.read(results / values["study.name"] / "ledger")
    known = [own, *_siblings(results, values["study.name"])]
    specs, packs = _select_packs(
        trials.trials.values(), trials.specs, known, values, failed or {}, results / "store"
    )
    entry = _entry(own, trials.trials, specs, packs)
    if entry is not None:
        own.add(entry)
    plan = Plan(
        study=values["study.name"],
        title=values["study.title"] or values["study.name"],
        tags=dict(values["study.tags"]),
        config=config.nested(),
        axes=[
            {"key": axis.key, "values": _occurring(axis.key, trials.trials.values())}
            for axis in config.axes
        ],
        settings={
            "top": values["sweep.top"],
            "rows": values["report.rows"],
            "replicates": values["sweep.replicates"],
            "device": values["device"],
            "objective": "pnl_1k",
            "http": http_of(values),
        },
        trials=[
            {**trial, "seq": own.trials[key][0], "name": f"t{own.trials[key][1]:04d}"}
            for key, trial in trials.trials.items()
        ],
        specs=specs,
        packs=packs,
        n_trials_ever=sum(not baseline for _, _, baseline in own.trials.values()),
    )
    return Draft(plan, entry, "" if own.seq == 0 else own.head)


def http_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """How patient to be with remote sources: needed by a job, but no part of any id."""
    prefix = "data.http."
    return {
        key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix)
    }


def _occurring(key: str, trials: Iterable[Spec]) -> list[Any]:
    """Values of an axis among the trials, in order of first appearance."""
    found: dict[str, Any] = {}
    for trial in trials:
        if not trial["baseline"] and key in trial["settings"]:
            value = trial["settings"][key]
            found.setdefault(canonical_json(value), value)
    return list(found.values())


def _siblings(results: Path, study: str) -> list[ledgers.Ledger]:
    """Ledgers of other studies: what they made need not be made again."""
    if not results.is_dir():
        return []
    names = sorted(
        name for name in os.listdir(results)
        if name != study and (results / name / "ledger").is_dir()
    )  # fmt: skip
    found = []
    for name in names:
        try:
            found.append(ledgers.read(results / name / "ledger"))
        except DataError as error:
            _LOGGER.warning("%s; nothing of study %s is reused", error, name)
    return found


def _select_packs(
    trials: Iterable[Spec],
    fresh: Mapping[str, Mapping[str, Spec]],
    known: list[ledgers.Ledger],
    values: Mapping[str, Any],
    failed: Mapping[str, frozenset[str]],
    store: Path,
) -> tuple[dict[str, dict[str, Spec]], dict[str, dict[str, list[str]]]]:
    """Choose a pack for every member, from simulations up to models.

    A known pack that has run may hold members that this plan does not ask for;
    what they need is taken along, since the pack's job reads it. One that has
    not run counts only if all its members are asked for: a large sweep that was
    cancelled must not burden a small one. So does one that was cut by another
    schema: today's code would run its other members on settings of that time.
    """
    specs: dict[str, dict[str, Spec]] = {stage: {} for stage in (*SINGLE, *PACKED)}
    packs: dict[str, dict[str, list[str]]] = {stage: {} for stage in PACKED}
    needed = [run["id"] for trial in trials for run in trial["runs"]]
    for stage in reversed(PACKED):
        library = {
            **{k: v for led in reversed(known) for k, v in led.specs[stage].items()},
            **fresh[stage],
        }
        retry = failed.get(stage, frozenset())
        asked = set(needed)
        schema, outdated = schema_digest(stage), set[str]()
        held: dict[str, tuple[int, str]] = {}
        for i, led in reversed(list(enumerate(known))):
            for pack, ms in led.packs[stage].items():
                ran = (store / stage / pack / "spec.json").exists()
                if asked.issuperset(ms) or (ran and led.schemas[pack] == schema):
                    held |= {m: (i, pack) for m in ms if m not in retry}
                elif ran:
                    outdated |= asked.intersection(ms)
        if lost := outdated - held.keys() - retry:
            _LOGGER.warning(
                "%s: %d results are made again in new packs: the packs that held them also hold "
                "members of settings that the schema has changed since", stage, len(lost),
            )  # fmt: skip
        chosen = {held[member] for member in needed if member in held}
        for i, led in enumerate(known):
            packs[stage] |= {
                pack: ms for pack, ms in led.packs[stage].items() if (i, pack) in chosen
            }
        loose = [library[member] for member in dict.fromkeys(needed) if member not in held]
        attempts = {
            m: sum(m in members for led in known for members in led.packs[stage].values())
            for m in retry
        }
        new = cut(stage, loose, values[f"sweep.packs.{stage}"], attempts)
        packs[stage] |= {pack: [member["id"] for member in ms] for pack, ms in sorted(new.items())}
        for members in packs[stage].values():
            specs[stage] |= {m: library[m] for m in members}
        needed = _upstream(stage, specs[stage].values())
    wanted = {
        stage: {
            s["upstream"][stage]
            for st in PACKED
            for s in specs[st].values()
            if stage in s["upstream"]
        }
        for stage in SINGLE
    }
    for stage in reversed(SINGLE):
        library = {
            **{k: v for led in reversed(known) for k, v in led.specs[stage].items()},
            **fresh[stage],
        }
        specs[stage] = {key: library[key] for key in sorted(wanted[stage])}
        for parent in UPSTREAM[stage]:
            wanted[parent] |= {spec["upstream"][parent] for spec in specs[stage].values()}
    return specs, packs


def _upstream(stage: str, members: Iterable[Spec]) -> list[str]:
    """Ids of the packed members that these members read."""
    parent = next((p for p in UPSTREAM[stage] if p in PACKED), None)
    return [] if parent is None else [member["upstream"][parent] for member in members]


def _entry(
    own: ledgers.Ledger,
    trials: Mapping[str, Spec],
    specs: Mapping[str, Mapping[str, Spec]],
    packs: Mapping[str, Mapping[str, list[str]]],
) -> dict[str, Any] | None:
    """What the ledger does not hold yet; None when it holds all."""
    new_trials = [
        {"id": key, "baseline": trial["baseline"]}
        for key, trial in trials.items() if key not in own.trials
    ]  # fmt: skip
    new_specs = {
        stage: [specs[stage][key] for key in sorted(specs[stage]) if key not in own.specs[stage]]
        for stage in specs
    }
    new_packs = {
        stage: [
            {"id": pack, "members": members}
            for pack, members in packs[stage].items() if pack not in own.packs[stage]
        ]
        for stage in packs
    }  # fmt: skip
    if not new_trials and not any(new_packs.values()) and not any(new_specs.values()):
        return None
    return {
        "version": VERSION,
        "seq": own.seq + 1,
        "parent": own.head,
        "trials": new_trials,
        "specs": new_specs,
        "packs": new_packs,
        "schemas": {stage: schema_digest(stage) for stage in PACKED},
    }
