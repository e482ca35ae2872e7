"""Simulate the runs of a pack on the validation segment.

Inputs
------
bars : bars.parquet
blocks, tips : blocks.parquet and tips.parquet of the market
events : funding, trades, book or pool_events.parquet of the market, as the runs need them
paths, statuses : lists of paths.parquet and status.parquet of quote packs

Outputs
-------
===============  =============================================================
metrics.parquet  run_id, status (ok, failed), error, and the float64 metrics of
                 docs/simulation.md (USD, ETH, days, shares); sorted by run_id
equity.parquet   run_id, k (0..199), ts (UTC ns), equity (USD), inventory (ETH),
                 drawdown (USD, >= 0)
daily.parquet    run_id, day (days since 1970-01-01), pnl (USD), per_capital
spec.json        the specification of the pack
===============  =============================================================
"""

import json
from typing import Any

from ethpredict import log
from ethpredict.io.artefact import read_members, read_table, verify, write_json, write_table
from ethpredict.sim import simulate_pack
from ethpredict.sim.tape import read_records


def main(inputs: Any, outputs: Any, spec: dict[str, Any]) -> None:
    """Read, call the package, write."""
    quotes = {member["upstream"]["quote"] for member in spec["members"]}
    status = read_members(inputs.statuses, "quote_id", quotes)
    bad = status[status["status"] != "ok"]
    result = simulate_pack(
        read_table(inputs.bars),
        read_table(inputs.blocks),
        read_members(inputs.paths, "quote_id", quotes, segment=0),
        spec["members"],
        records=read_records(inputs.events),
        failed=dict(zip(bad["quote_id"], bad["error"], strict=True)),
        tips=read_table(inputs.tips, ["ts", "tip_gwei", "included"]),
    )
    write_table(result.metrics, outputs.metrics)
    write_table(result.equity, outputs.equity)
    write_table(result.daily, outputs.daily)
    write_json(spec, outputs.spec)


if "snakemake" in globals():
    log.setup(snakemake.log[0])
    verify(snakemake.input)
    main(snakemake.input, snakemake.output, json.loads(snakemake.params.spec))
