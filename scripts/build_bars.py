"""Cut a market into bars; trades are read a row group at a time.

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
quality            json      kind, source, rows, period, bars a day, duration,
                             threshold, gaps, tails, volume
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
from ethpredict.data.market import Chunks
from ethpredict.io.artefact import (
    iter_table,
    read_json,
    read_table,
    verify,
    write_json,
    write_table,
)

TRADES = ["ts", "price", "size", "aggressor_side"]


def main(inputs: Any, outputs: Any, spec: dict[str, Any]) -> None:
    """Stream the market through the cutter, write the bars."""
    max_gap = read_json(inputs.quality)["max_gap"]
    trades = Chunks(lambda: iter_table(inputs.trades, TRADES))
    made = build(read_table(inputs.candles), trades, spec["settings"], max_gap)
    write_table(made.bars, outputs.bars)
    write_table(made.gaps, outputs.gaps)
    write_json(made.quality, outputs.quality)
    write_json(spec, outputs.spec)


if "snakemake" in globals():
    log.setup(snakemake.log[0])
    verify(snakemake.input)
    main(snakemake.input, snakemake.output, json.loads(snakemake.params.spec))
