"""Cut a market into bars.

Inputs
------
candles, trades : parquet
    Tables of the fetch stage.
quality : json
    Its quality report, for ``max_gap`` (seconds).

Outputs
-------
================== ========= ==================================================
bars               parquet   ts_open, ts_close (UTC ns), open, high, low, close
                             (USD), volume (ETH), quote_volume (USD), trades,
                             taker_buy_volume (ETH), gap
gaps               parquet   ts_from, ts_to (UTC ns), seconds
quality            json      source, rows, period, gaps, tails, volume
spec               json      the specification that made this
================== ========= ==================================================

Parameters
----------
spec : dict
    ``stage``, ``id``, ``settings.bars`` and the id of the fetch stage.
"""

import json
from typing import Any

from ethpredict import log
from ethpredict.bars import build
from ethpredict.io.artefact import read_json, read_table, verify, write_json, write_table


def main(inputs: Any, outputs: Any, spec: dict[str, Any]) -> None:
    """Read the market, cut it, write the bars."""
    max_gap = read_json(inputs.quality)["max_gap"]
    made = build(read_table(inputs.candles), read_table(inputs.trades), spec["settings"], max_gap)
    write_table(made.bars, outputs.bars)
    write_table(made.gaps, outputs.gaps)
    write_json(made.quality, outputs.quality)
    write_json(spec, outputs.spec)


if "snakemake" in globals():
    log.setup(snakemake.log[0])
    verify(snakemake.input)
    main(snakemake.input, snakemake.output, json.loads(snakemake.params.spec))
