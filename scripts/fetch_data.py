"""Fetch a market into canonical tables.

Tables that are made in pieces are written first, and all others are in memory
before the first file is written: a bad input leaves no output. A rerun fetches
only what results/downloads (which is no declared output) lacks.

Inputs
------
files : list of path, optional
    Local files that the settings name; only here so that a change is seen.

Outputs
-------
================== ========= ==================================================
candles            parquet   source candles in the bar layout (UTC ns, USD, ETH)
trades             parquet   ts ns, price USD, size ETH, aggressor_side, id
book               parquet   level updates: ts, side, price, size, snapshot, id, ts_local
orders             parquet   order events: ts, kind, order_id, side, price, size
pool_events        parquet   swaps with the reserves after each
blocks             parquet   number, ts, base fee (wei), gas, tips (gwei)
tips               parquet   ts, block, tip_gwei, included: one transaction each
funding            parquet   ts, ts_known, source, name, value (share of a position)
onchain_daily      parquet   the same for daily values, known at the end of the day
quarantined        parquet   row, reason, raw: input rows that were set aside
quality            json      rows, period, gaps, faults, digests, per table
truth              json      planted truths of a synthetic market, else null
spec               json      the specification that made this
================== ========= ==================================================

Parameters
----------
spec : dict
    ``stage``, ``id`` and ``settings.data``.
"""

import json
from typing import Any

from ethpredict import log
from ethpredict.data import fetch
from ethpredict.data.market import TABLES
from ethpredict.data.table_quality import describe_tables
from ethpredict.io.artefact import write_json, write_tables


def main(inputs: Any, outputs: Any, spec: dict[str, Any]) -> None:
    """Fetch, then write every table."""
    market = fetch(spec["settings"])
    tables = {name: getattr(market, name) for name in TABLES}
    files = {name: getattr(outputs, name) for name in TABLES}
    write_tables(tables, files)
    described = describe_tables(files, spec["settings"]["data"]["max_gap"])
    write_json(market.quality | {"tables": described}, outputs.quality)
    write_json(market.truth, outputs.truth)
    write_json(spec, outputs.spec)


if "snakemake" in globals():
    log.setup(snakemake.log[0])
    main(snakemake.input, snakemake.output, json.loads(snakemake.params.spec))
