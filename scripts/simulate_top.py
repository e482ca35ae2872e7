"""Simulate the best trials again in detail, and reveal the locked test for them once.

Parameters (a view of the frozen plan)
--------------------------------------
study, trials, runs {run id: settings, upstream, replicate}, top, objective, replay (settings of
finer fidelities), files {"bars" | "blocks" | "paths": {id: position in the input list}}.

Inputs: top, trials, board; lists bars, blocks, tips, trades, funding, book, pool, paths.

Outputs
-------
===================== =============================================================
paths.parquet         by run: rows on validation, first replicate of each top trial
locked.parquet        by run: metrics on the locked days, with the matching baselines
locked_equity.parquet k, ts, equity, inventory, drawdown
fidelity.parquet      by run, fidelity and fill: metrics on validation
leaderboard.json      the board with `bracket`: by fill rule, sign flips, rank correlations
reveal.json           trials, how often, who came later; reveals/NNNN-*.json: one a reveal
===================== =============================================================
"""

from pathlib import Path

from ethpredict import log
from ethpredict.io.artefact import read_json, read_table, verify, write_json, write_table
from ethpredict.sim.tape import read_records
from ethpredict.stats.bracket import bracket_board
from ethpredict.stats.resimulate import resimulate
from ethpredict.stats.reveal import record_reveal, revealed_runs
from ethpredict.sweep.views import read_view, top_view


def main(inputs, outputs, spec: dict) -> None:
    """Choose the runs, simulate both segments, write tables and the record."""
    files, top = spec["files"], read_json(inputs.top)["trials"][: spec["top"]]
    completed = read_table(inputs.trials, ["trial_id"], status="ok")["trial_id"].tolist()
    runs = revealed_runs(spec["trials"], spec["runs"], top, completed)
    events, market = (inputs.trades, inputs.funding, inputs.book, inputs.pool), files["blocks"]
    tables = resimulate(
        runs,
        bars=lambda key: read_table(inputs.bars[files["bars"][key]]),
        blocks=lambda key: read_table(inputs.blocks[market[key]]),
        paths=lambda key: read_table(inputs.paths[files["paths"][key]], quote_id=key),
        tips=lambda key: read_table(inputs.tips[market[key]]),
        records=lambda key: read_records([part[market[key]] for part in events]),
        replay=spec["replay"],
    )
    for name in ("paths", "locked", "equity", "fidelity"):
        write_table(getattr(tables, name), getattr(outputs, name))
    finer = bracket_board(tables.fidelity, top, spec["objective"])
    write_json({**read_json(inputs.board), "bracket": finer}, outputs.leaderboard)
    folder = Path(outputs.reveal).parent.parent / "reveals"
    write_json(record_reveal(folder, spec["trials"], top, runs), outputs.reveal)


if "snakemake" in globals():
    log.setup(snakemake.log[0])
    verify(snakemake.input)
    view = read_view(snakemake.params.plan, top_view, snakemake.params.digest)
    main(snakemake.input, snakemake.output, view)
