"""Calibrate volatility and fill intensity and lay them beside the predictions.

Inputs
------
bars : bars.parquet
trades, book : trades.parquet and book.parquet of the market (read by members that use them)
predictions, statuses : lists of predictions.parquet and status.parquet of train packs

Outputs
-------
===================  =========================================================
paths.parquet        quote_id, row, ts (UTC ns), segment, sigma (USD/sqrt s),
                     A (1/s), k (1/USD), xi (USD), m, p, gain, loss (log
                     returns), t_pred (UTC ns), horizon_s (s)
calibration.parquet  quote_id, ts (UTC ns), side, A, A_se (1/s), k, k_se
                     (1/USD), n_fills, approximate, chi2, p_value, xi, xi_se (USD),
                     reason, A_naive (1/s), k_naive (1/USD), mid_source
status.parquet       quote_id, status, error, rows, fitted_rows, medians on validation
spec.json            the specification of the pack
===================  =========================================================
"""

import json
from functools import partial
from typing import Any

from ethpredict import log
from ethpredict.io.artefact import (
    iter_table,
    read_members,
    read_table,
    verify,
    write_json,
    write_table,
)
from ethpredict.quoting import build_paths
from ethpredict.quoting.book_mid import BOOK_MID_INPUTS


def main(inputs: Any, outputs: Any, spec: dict[str, Any]) -> None:
    """Read, call the package, write."""
    models = {member["upstream"]["train"] for member in spec["members"]}
    paths, calibration, status = build_paths(
        read_table(inputs.bars),
        read_members(inputs.predictions, "model_id", models),
        spec["members"],
        read_members(inputs.statuses, "model_id", models),
        partial(iter_table, inputs.trades, ["ts", "price", "aggressor_side"]),
        partial(iter_table, inputs.book, BOOK_MID_INPUTS),
    )
    write_table(paths, outputs.paths)
    write_table(calibration, outputs.calibration)
    write_table(status, outputs.status)
    write_json(spec, outputs.spec)


if "snakemake" in globals():
    log.setup(snakemake.log[0])
    verify(snakemake.input)
    main(snakemake.input, snakemake.output, json.loads(snakemake.params.spec))
