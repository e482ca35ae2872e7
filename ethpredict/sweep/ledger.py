"""The ledger of a study: an append-only chain of what was ever planned.

Each entry ``NNNNNN-<digest>.json`` names its parent's digest. Nothing is
written while Snakemake parses; :func:`append` runs at the start of a real run,
under a lock that the run keeps.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from ethpredict.errors import DataError, EthPredictError
from ethpredict.io.atomic import atomic_path
from ethpredict.sweep.ids import canonical_json, digest
from ethpredict.sweep.trials import PACKED, SINGLE, Spec

_NAME = re.compile(r"^(\d{6})-([0-9a-f]{16})\.json$")


class LedgerError(EthPredictError):
    """The ledger changed or is held by another run."""


@dataclass
class Ledger:
    """What earlier runs of one study planned.

    Parameters
    ----------
    seq : int
        Number of entries.
    head : str
        Digest of the newest entry; empty when there is none.
    trials : dict
        Trial id to (entry number, ordinal, is baseline), first appearance.
    specs : dict
        Stage to id to specification.
    packs : dict
        Packed stage to pack id to member ids, oldest first.
    schemas : dict
        Pack id to :func:`ethpredict.sweep.trials.schema_digest` of the run that cut it.
    """

    seq: int = 0
    head: str = ""
    trials: dict[str, tuple[int, int, bool]] = field(default_factory=dict)
    specs: dict[str, dict[str, Spec]] = field(
        default_factory=lambda: {stage: {} for stage in (*SINGLE, *PACKED)}
    )
    packs: dict[str, dict[str, list[str]]] = field(
        default_factory=lambda: {stage: {} for stage in PACKED}
    )
    schemas: dict[str, str] = field(default_factory=dict)

    def add(self, entry: dict[str, Any]) -> None:
        """Take in one entry."""
        self.seq = entry["seq"]
        for trial in entry["trials"]:
            self.trials.setdefault(
                trial["id"], (self.seq, len(self.trials) + 1, bool(trial["baseline"]))
            )
        for stage, specs in entry["specs"].items():
            self.specs[stage] |= {spec["id"]: spec for spec in specs}
        for stage, packs in entry["packs"].items():
            for pack in packs:
                self.packs[stage][pack["id"]] = pack["members"]
                self.schemas[pack["id"]] = entry.get("schemas", {}).get(stage, "")

    def holder(self, stage: str) -> dict[str, str]:
        """Member id to the newest pack that holds it."""
        return {member: pack for pack, members in self.packs[stage].items() for member in members}


def read(folder: Path) -> Ledger:
    """Read and verify a ledger.

    Parameters
    ----------
    folder : Path
        ``results/<study>/ledger``; may be absent.

    Returns
    -------
    Ledger

    Raises
    ------
    DataError
        If an entry was changed, or one is missing from the chain.
    """
    ledger = Ledger()
    names = (
        sorted(name for name in os.listdir(folder) if _NAME.match(name)) if folder.is_dir() else []
    )
    for name in names:
        try:
            entry = json.loads((folder / name).read_text(encoding="utf-8"))
            seal = digest(entry)
        except ValueError:
            seal = "unreadable"
        if (
            seal == "unreadable"
            or name != f"{ledger.seq + 1:06d}-{seal}.json"
            or entry["parent"] != ledger.head
        ):
            raise DataError(
                folder / name,
                None,
                "does not continue the ledger; restore the file or remove the study's folder",
            )
        ledger.add(entry)
        ledger.head = seal
    return ledger


def lock(folder: Path) -> IO[str]:
    """Take the study's lock for as long as the returned handle lives.

    Raises
    ------
    LedgerError
        If another run holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    handle = open(folder / ".lock", "a", encoding="utf-8")  # noqa: SIM115 - held by the caller
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        handle.close()
        raise LedgerError(
            f"{folder}: another run of this study is going on; wait for it, or change study.name"
        ) from error
    return handle


def append(folder: Path, entry: dict[str, Any] | None, head: str) -> None:
    """Add an entry, if there is one, after checking that nothing moved since `head`.

    Parameters
    ----------
    folder : Path
        ``results/<study>/ledger``.
    entry : dict or None
        New trials, specifications and packs.
    head : str
        Digest of the newest entry when the plan was made.

    Raises
    ------
    LedgerError
        If another run added to the ledger in between.
    """
    if read(folder).head != head:
        raise LedgerError(f"{folder}: the ledger moved while this run was planned; start again")
    if entry is None:
        return
    with atomic_path(folder / f"{entry['seq']:06d}-{digest(entry)}.json") as temporary:
        temporary.write_text(canonical_json(entry), encoding="utf-8")
