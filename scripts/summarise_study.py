"""Summarise a study: one row per trial, ranks, baselines, the test of luck.

Parameters (a view of the frozen plan)
--------------------------------------
study, trials (id, name, baseline, settings, runs), axes, n_trials_ever, objective, top.

Inputs
------
metrics, equity, daily, scores, statuses : lists of the packs' tables, oldest pack first.
tips : list of the fetched tables of single transactions.

Outputs
-------
==================== ==============================================================
trials.parquet       one row per trial, sorted by ``trial_id``:
                     ``rank`` int32 (null unless ranked), ``name`` str, ``baseline`` str,
                     ``axis:<key>`` float64 or str, ``status`` str, ``error`` str,
                     ``n_replicates`` int32, means of all metrics (float64; ``pnl_1k`` in USD
                     per 1,000 USD and day), ``pnl_1k_se`` (over replicates), ``pnl_1k_day_se``
                     (over days), ``ic rmse r2 hit_rate`` (walk-forward, pooled over folds),
                     ``n_days`` int32, ``sharpe_daily skew kurtosis dsr dsr_venue
                     sharpe_variance_venue min_track_record``, and the difference to the
                     baselines at equal settings: ``vs_no_signal vs_do_nothing`` with ``_se``
leaderboard.json     counts, best trial, baselines, failures, axis effects, PBO, gain of
                     the signal, fidelities, fits of inclusion
top.json             {"trials": ids of the best on validation, best first}
==================== ==============================================================
"""

from ethpredict import log
from ethpredict.io.artefact import verify, write_json, write_table
from ethpredict.stats.summary import summarise_files
from ethpredict.sweep.views import read_view, summary_view


def main(inputs, outputs, spec: dict) -> None:
    """Read the packs' tables, summarise, write."""
    summary = summarise_files(spec, inputs)
    write_table(summary.trials, outputs.trials)
    write_json({"study": spec["study"], **summary.leaderboard}, outputs.leaderboard)
    write_json({"trials": summary.top}, outputs.top)


if "snakemake" in globals():
    log.setup(snakemake.log[0])
    verify(snakemake.input)
    view = read_view(snakemake.params.plan, summary_view, snakemake.params.digest)
    main(snakemake.input, snakemake.output, view)
