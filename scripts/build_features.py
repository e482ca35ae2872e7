"""Compute the chosen feature blocks on every bar.

Inputs
------
bars : parquet
    The canonical bars table.
funding, onchain_daily : parquet
    Facts, each with the moment it became known.

Outputs
-------
======== ======= ===========================================================
file     format  content
======== ======= ===========================================================
features parquet ts_close (int64, UTC nanoseconds), one float64 column per
                 feature and per input of a fitted transform; nan until its
                 look-back is whole
meta     json    columns and inputs: name, block, warmup (rows), memory
                 (rows); fitted: name, block, kind, inputs, options; dropped:
                 column, reason
spec     json    the specification that made this artefact
======== ======= ===========================================================
"""

import json

import pandas as pd

from ethpredict import features, log
from ethpredict.io import artefact


def main(inputs, outputs, spec: dict) -> None:
    """Read bars and facts, write features."""
    facts = [artefact.read_table(path) for path in (inputs.funding, inputs.onchain_daily)]
    bars = artefact.read_table(inputs.bars)
    result = features.build(bars, spec["settings"], pd.concat(facts, ignore_index=True))
    artefact.write_table(result.frame, outputs.features)
    artefact.write_json(result.meta, outputs.meta)
    artefact.write_json(spec, outputs.spec)


if "snakemake" in globals():
    log.setup(snakemake.log[0])
    artefact.verify(snakemake.input)
    main(snakemake.input, snakemake.output, json.loads(snakemake.params.spec))
