"""Train a pack of return models on shared rows.

Inputs
------
bars, features, labels : parquet
    Row-aligned tables of the earlier stages.
meta : JSON
    Feature metadata (names, memory in bars).

Outputs
-------
=============  =====================================================================
predictions    model_id, row, ts (UTC ns), segment (0 validation, 1 locked), window,
               m and m_se (log return), p, gain, loss, hold_s and horizon_s (s)
scores         model_id, scheme, fold, metric, value; nothing of the locked test
status         model_id, status, error, n_windows, n_features
curves         model_id, window, level, algo, epoch, train and check (loss)
models         folder with one folder per model (JSON, trees as UBJ)
spec           the specification of the pack
=============  =====================================================================

Parameters
----------
spec : JSON of the members with their ``model`` and ``validation`` settings.
"""

import json
from typing import Any

from ethpredict import gpu, log, models
from ethpredict.io.artefact import read_json, read_table, verify, write_json, write_table


def main(
    inputs: Any, outputs: Any, spec: dict[str, Any], device: str = "cpu", threads: int = 1
) -> None:
    """Read, train, write."""
    result = models.train_pack(
        read_table(inputs.bars),
        read_table(inputs.features),
        read_json(inputs.meta),
        read_table(inputs.labels),
        spec["members"],
        device=device,
        threads=threads,
    )
    write_table(result.predictions, outputs.predictions)
    write_table(result.scores, outputs.scores)
    write_table(result.status, outputs.status)
    write_table(result.curves, outputs.curves)
    models.save_models(result.models, outputs.models)
    write_json(spec, outputs.spec)


if "snakemake" in globals():
    log.setup(snakemake.log[0])
    verify(snakemake.input)
    device = "cuda" if snakemake.resources.get("gpu", 0) and gpu.lease() else "cpu"
    pack = json.loads(snakemake.params.spec)
    main(snakemake.input, snakemake.output, pack, device, snakemake.threads)
