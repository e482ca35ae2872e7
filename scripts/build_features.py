"""Compute the chosen feature blocks on every bar.

Inputs
------
bars : parquet
    The canonical bars table.

Outputs
-------
======== ======= ===========================================================
file     format  content
======== ======= ===========================================================
features parquet ts_close (int64, UTC nanoseconds), one float64 column per
                 feature; nan until its look-back is whole
meta     json    columns: name, block, warmup (rows), memory (rows);
                 dropped: column, reason
spec     json    the specification that made this artefact
======== ======= ===========================================================
"""

import json

from ethpredict import features, log
from ethpredict.io import artefact


def main(inputs, outputs, spec: dict) -> None:
    """Read bars, write features."""
    result = features.build(artefact.read_table(inputs.bars), spec["settings"])
    artefact.write_table(result.frame, outputs.features)
    artefact.write_json(result.meta, outputs.meta)
    artefact.write_json(spec, outputs.spec)


if "snakemake" in globals():
    log.setup(snakemake.log[0])
    artefact.verify(snakemake.input)
    main(snakemake.input, snakemake.output, json.loads(snakemake.params.spec))
