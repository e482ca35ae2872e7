"""Members that failed for a reason of their own, to be tried again in new packs."""

from __future__ import annotations

from pathlib import Path

from ethpredict.sweep import ledger
from ethpredict.sweep.trials import PACKED

_STATUS = {
    "train": ("status.parquet", "model_id"),
    "quote": ("status.parquet", "quote_id"),
    "simulate": ("metrics.parquet", "run_id"),
}


def failed_members(results: Path, study: str) -> dict[str, frozenset[str]]:
    """Members whose newest pack says ``failed``.

    Parameters
    ----------
    results : Path
        The results folder.
    study : str
        Whose ledger counts.

    Returns
    -------
    dict
        Packed stage to member ids; packs that have not run are left out.
    """
    from ethpredict.io.artefact import read_table

    book = ledger.read(results / study / "ledger")
    found: dict[str, frozenset[str]] = {}
    for stage in PACKED:
        name, key = _STATUS[stage]
        members: set[str] = set()
        held = book.holder(stage)
        for pack in sorted(set(held.values())):
            path = results / "store" / stage / pack / name
            if path.is_file():
                table = read_table(path, [key, "status"], status="failed")
                members |= {m for m in table[key] if held.get(m) == pack}
        found[stage] = frozenset(members)
    return found
