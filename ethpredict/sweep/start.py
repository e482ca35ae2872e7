"""The few calls that the Snakefile makes: draft a plan, begin a run, read a frozen plan."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from ethpredict.config.load import load
from ethpredict.errors import ConfigError
from ethpredict.io.atomic import atomic_path
from ethpredict.provenance import versions
from ethpredict.sweep import ledger
from ethpredict.sweep.plan import Draft, Plan, make_plan, read_plan
from ethpredict.sweep.retry import failed_members
from ethpredict.sweep.trials import Spec

_LOGGER = logging.getLogger(__name__)

PLAN_KEY = "ethpredict_plan"
RETRY_KEY = "retry_failed"


def draft(files: Sequence[str | Path], cli: Mapping[str, Any], results: Path) -> Draft:
    """Plan a study from YAML files and ``--config`` overrides; writes nothing.

    Parameters
    ----------
    files : sequence of path-like
        YAML files, later ones override.
    cli : Mapping
        What ``--config`` gave: settings, and ``retry_failed``.
    results : Path
        The results folder.

    Raises
    ------
    ConfigError
        On a bad setting or a missing local file.
    """
    overrides = {key: value for key, value in cli.items() if key not in (PLAN_KEY, RETRY_KEY)}
    config = load(files, overrides)
    retry = _flag(RETRY_KEY, cli.get(RETRY_KEY, False))
    failed = failed_members(results, config.values["study.name"]) if retry else {}
    made = make_plan(config, results, failed)
    for spec in made.plan.specs["fetch"].values():
        for key, path in named_files(spec):
            if "{" in path or "}" in path:
                raise ConfigError(
                    key,
                    path,
                    "a path whose only braces are {symbol}",
                    "Rename the file.",
                )
            if not Path(path).is_file():
                raise ConfigError(
                    key,
                    path,
                    "an existing file",
                    "The path is relative to the folder in which snakemake runs.",
                )
    return made


def _flag(key: str, value: object) -> bool:
    if str(value).lower() in ("true", "1", "yes"):
        return True
    if str(value).lower() in ("false", "0", "no"):
        return False
    raise ConfigError(key, value, "true or false")


def import_from(folder: str) -> None:
    """Let the scripts' processes, too, take the package from beside the workflow.

    Without it an installed copy of another checkout would compute what this
    one has planned.
    """
    later = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([folder, later] if later else [folder])


def local_files(spec: Spec) -> list[str]:
    """Files on disk that a fetch specification reads."""
    return [path for _, path in named_files(spec)]


def named_files(spec: Spec) -> list[tuple[str, str]]:
    """Setting and path of every file that a fetch specification reads."""
    found = []
    for name, given in sorted(spec["settings"]["data"].get("files", {}).items()):
        paths = given if isinstance(given, list) else [given]
        found += [(f"data.files.{name}", path) for path in paths if isinstance(path, str)]
    return found


def begin(made: Draft, results: Path) -> IO[str]:
    """Lock the study, extend its ledger and freeze the plan.

    Returns
    -------
    file
        The lock; the run keeps it open.

    Raises
    ------
    LedgerError
        If another run holds the study or has changed its ledger.
    """
    folder = results / made.plan.study
    handle = ledger.lock(folder)
    ledger.append(folder / "ledger", made.entry, made.head)
    made.plan.write(folder / "plan.json")
    _record_versions(folder / "versions.json")
    return handle


def _record_versions(path: Path) -> None:
    """Keep the library versions of the newest run; a change is worth a warning."""
    now = versions()
    if path.exists():
        old = json.loads(path.read_text(encoding="utf-8"))
        changed = [
            f"{name} {old.get(name)} -> {now.get(name)}"
            for name in sorted(old | now)
            if old.get(name) != now.get(name)
        ]
        if changed:
            _LOGGER.warning(
                "library versions have changed since this study's last run (%s): results made by "
                "the old ones are kept; remove results/store to make all of them again",
                ", ".join(changed),
            )
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(now, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def child_argument(plan: Plan) -> str:
    """``key=value`` that tells child processes where the frozen plan lies."""
    return f"{PLAN_KEY}=results/{plan.study}/plan.json"


def read_frozen(cli: Mapping[str, Any]) -> Plan:
    """Read the plan that the main process froze.

    Raises
    ------
    ConfigError
        If the main process did not say where it lies.
    """
    if PLAN_KEY not in cli:
        raise ConfigError(
            PLAN_KEY, None, "given by the main process", "Start the workflow, not a job."
        )
    return read_plan(str(cli[PLAN_KEY]))
