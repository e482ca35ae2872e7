"""Label every bar with the triple barrier and its horizon return.

Inputs
------
bars : parquet
    The canonical bars table.

Outputs
-------
======= ======= ==========================================================
file    format  content
======= ======= ==========================================================
labels  parquet one row per bar: t0, t1, label, ret, touch, t1_horizon,
                ret_horizon, horizon_s (s), sigma_bar (log return), weight
stats   json    counts and shares of labels, ties and missing rows
spec    json    the specification that made this artefact
======= ======= ==========================================================
"""

import json

from ethpredict import labels, log
from ethpredict.io import artefact


def main(inputs, outputs, spec: dict) -> None:
    """Read bars, write labels."""
    table = labels.build(artefact.read_table(inputs.bars), spec["settings"])
    artefact.write_table(table, outputs.labels)
    artefact.write_json(labels.summary(table), outputs.stats)
    artefact.write_json(spec, outputs.spec)


if "snakemake" in globals():
    log.setup(snakemake.log[0])
    artefact.verify(snakemake.input)
    main(snakemake.input, snakemake.output, json.loads(snakemake.params.spec))
