"""Render a report of what a study has so far; nothing that the study owns is written.

Inputs
------
None: the files that the plan names are taken where they are there.

Outputs
-------
======================= ==================================================
report/partial.html     the page, which names what is missing
======================= ==================================================

Parameters
----------
plan, digest : the frozen plan and its digest
files : every planned table by name, as in render_report and summarise_study
html : where the page goes
"""

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

from ethpredict import log, provenance
from ethpredict.io.artefact import atomic_path, read_json, write_json, write_table
from ethpredict.report import build, load
from ethpredict.report.evidence import provenance_document
from ethpredict.stats.summary import summarise_files
from ethpredict.sweep.plan import read_plan
from ethpredict.sweep.views import artefact_ids, summary_view


def main(files, html: str, spec: dict) -> None:
    """Summarise the runs that are there, build the page, write it."""
    there = {name: [p for p in paths if Path(p).is_file()] for name, paths in files.items()}
    plan = read_json(spec["plan"])
    with TemporaryDirectory() as folder:
        if there["metrics"]:
            summary = summarise_files(spec["summary"], SimpleNamespace(**there))
            there["trials"] = f"{folder}/trials.parquet"
            there["leaderboard"], there["top"] = f"{folder}/board.json", f"{folder}/top.json"
            write_table(summary.trials, there["trials"])
            write_json({"study": plan["study"], **summary.leaderboard}, there["leaderboard"])
            write_json({"trials": summary.top}, there["top"])
        found = load(SimpleNamespace(**there), plan, "results/benchmarks", spec["jobs"])
    now = datetime.now(UTC).isoformat(timespec="seconds")
    found.provenance = provenance_document(plan, found.quality, provenance, now)
    with atomic_path(html) as temporary:
        temporary.write_text(build(found, rows=spec["rows"]), encoding="utf-8")


if "snakemake" in globals():
    log.setup(snakemake.log[0])
    plan = read_plan(snakemake.params.plan, snakemake.params.digest)
    view = {"plan": snakemake.params.plan, "rows": plan.settings["rows"]}
    view |= {"summary": summary_view(plan), "jobs": artefact_ids(plan)}
    main(snakemake.params.files, snakemake.params.html, view)
