"""Simulate the best trials again in detail, and reveal the locked test for them once.

Parameters (a view of the frozen plan)
--------------------------------------
study, trials (as in the plan), runs {run id: settings, upstream, replicate}, top,
files {"bars" | "blocks" | "paths": {id: position in the input list}}.

Inputs
------
top, trials; bars, blocks, tips, paths : lists of parquet files.

Outputs
-------
===================== =============================================================
paths.parquet         trial_id, name, baseline, run_id and the simulator's detailed rows
                      on validation, for the first replicate of each top trial
locked.parquet        trial_id, name, baseline, run_id and all metrics on the locked
                      days: top trials and the baselines at their settings
locked_equity.parquet trial_id, name, baseline, run_id, k, ts, equity, inventory, drawdown
reveal.json           trials, how often, who came later; reveals/NNNN-*.json: one a reveal
===================== =============================================================
"""

from pathlib import Path

from ethpredict import log
from ethpredict.io.artefact import read_json, read_table, verify, write_json, write_table
from ethpredict.stats.resimulate import resimulate
from ethpredict.stats.reveal import reveal_record, revealed_runs
from ethpredict.sweep.views import read_view, top_view


def main(inputs, outputs, spec: dict) -> None:
    """Choose the runs, simulate both segments, write tables and the record."""
    files, top = spec["files"], read_json(inputs.top)["trials"][: spec["top"]]
    completed = read_table(inputs.trials, ["trial_id"], status="ok")["trial_id"].tolist()
    runs = revealed_runs(spec["trials"], spec["runs"], top, completed)
    tables = resimulate(
        runs,
        bars=lambda key: read_table(inputs.bars[files["bars"][key]]),
        blocks=lambda key: read_table(inputs.blocks[files["blocks"][key]]),
        paths=lambda key: read_table(inputs.paths[files["paths"][key]], quote_id=key),
        tips=lambda key: read_table(inputs.tips[files["blocks"][key]]),
    )
    write_table(tables.paths, outputs.paths)
    write_table(tables.locked, outputs.locked)
    write_table(tables.equity, outputs.equity)
    folder = Path(outputs.reveal).parent.parent / "reveals"
    earlier = map(read_json, sorted(folder.glob("[0-9]*.json")))
    summary, record = reveal_record(spec["trials"], top, runs, list(earlier))
    if record:
        write_json(record, folder / f"{record['number']:04d}-{record['digest']}.json")
    write_json(summary, outputs.reveal)


if "snakemake" in globals():
    log.setup(snakemake.log[0])
    verify(snakemake.input)
    view = read_view(snakemake.params.plan, top_view, snakemake.params.digest)
    main(snakemake.input, snakemake.output, view)
