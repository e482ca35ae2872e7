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
candles, trades, book, orders, pool_events, blocks, tips, funding, onchain_daily : parquet
    Canonical tables, as docs/data.md lists them (UTC ns, USD, ETH).
quarantined : parquet
    Input rows that were set aside.
quality : json
    Rows, period, gaps, faults, digests, per table.
truth, spec : json
    Planted truths of a synthetic market, else null; the specification.

Parameters
----------
spec : dict
    ``stage``, ``id`` and ``settings.data``.

Resources
---------
http : str
    ``data.http`` as JSON: no parameter, because the data do not depend on it.
"""

import json
from typing import Any

from ethpredict import log
from ethpredict.data import fetch
from ethpredict.data.market import TABLES
from ethpredict.data.table_quality import describe_tables
from ethpredict.io.artefact import write_json, write_tables


def main(inputs: Any, outputs: Any, spec: dict[str, Any], http: dict[str, Any]) -> None:
    """Fetch, then write every table."""
    market = fetch({"data": spec["settings"]["data"] | {"http": http}})
    tables = {name: getattr(market, name) for name in TABLES}
    files = {name: getattr(outputs, name) for name in TABLES}
    write_tables(tables, files)
    described = describe_tables(files, spec["settings"]["data"]["max_gap"])
    write_json(market.quality | {"tables": described}, outputs.quality)
    write_json(market.truth, outputs.truth)
    write_json(spec, outputs.spec)


if "snakemake" in globals():
    log.setup(snakemake.log[0])
    http = json.loads(snakemake.resources.http)
    main(snakemake.input, snakemake.output, json.loads(snakemake.params.spec), http)
