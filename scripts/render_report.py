"""Render the HTML report of a study, finished or not.

Parameters (a view of the frozen plan)
--------------------------------------
plan (its path), rows (ranked trials that the leaderboard embeds), benchmarks (folder of
benchmark files) and jobs (stage to the ids of the study's jobs).

Inputs
------
Each may be absent: trials, leaderboard, top, paths, locked, locked_equity, reveal; lists equity,
daily, scores, curves, calibration, quotes (status of quote), quality (of fetch), bar_quality, meta
(of features), label_stats.

Outputs
-------
============ ===================================================================
html         one self-contained page; no request leaves it
provenance   JSON: git (sha, dirty, diff), versions, machine, device, seeds,
             inputs (name to sha256), rendered (UTC)
============ ===================================================================
"""

from datetime import UTC, datetime

from ethpredict import log, provenance
from ethpredict.io.artefact import atomic_path, read_json, verify, write_json
from ethpredict.report import build, load
from ethpredict.report.evidence import provenance_document
from ethpredict.sweep.plan import read_plan
from ethpredict.sweep.views import artefact_ids


def main(inputs, outputs, spec: dict) -> None:
    """Record what made the study, read what is there, build the page, write it."""
    plan = read_json(spec["plan"])
    found = load(inputs, plan, spec.get("benchmarks"), spec.get("jobs"))
    found.provenance = provenance_document(
        plan, found.quality, provenance, datetime.now(UTC).isoformat(timespec="seconds")
    )
    write_json(found.provenance, outputs.provenance)
    with atomic_path(outputs.html) as temporary:
        temporary.write_text(build(found, rows=spec["rows"]), encoding="utf-8")


if "snakemake" in globals():
    log.setup(snakemake.log[0])
    verify(snakemake.input)
    plan = read_plan(snakemake.params.plan, snakemake.params.digest)
    view = {"plan": snakemake.params.plan, "rows": plan.settings["rows"]}
    jobs = artefact_ids(plan) | {"summarise": [plan.study], "top": [plan.study]}
    view |= {"benchmarks": "results/benchmarks", "jobs": jobs}
    main(snakemake.input, snakemake.output, view)
