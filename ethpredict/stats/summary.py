"""Summarise a study from the tables of its packs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from ethpredict.io.artefact import read_members, read_table
from ethpredict.stats.leaderboard import Summary, summarise


def summarise_files(view: Mapping[str, Any], inputs: Any) -> Summary:
    """Read what the packs wrote and summarise it.

    Parameters
    ----------
    view : Mapping
        ``trials``, ``axes``, ``n_trials_ever``, ``objective`` and ``top`` of the plan.
    inputs : object
        Attributes ``metrics``, ``daily`` and ``scores``: lists of parquet files, oldest pack
        first; of a member that two packs hold, the later one counts. ``scores`` may be empty.
        ``tips``, where there: files of single transactions in folders named by fetch id.

    Returns
    -------
    Summary
    """
    runs = [run for trial in view["trials"] for run in trial["runs"]]
    names, models = {run["id"] for run in runs}, {run["model"] for run in runs}
    sent = {Path(path).parent.name: path for path in getattr(inputs, "tips", ())}

    def tips(fetch: str) -> pd.DataFrame | None:
        """Transactions of one market, read when a pool asks for them."""
        if fetch not in sent:
            return None
        return read_table(sent[fetch], ["ts", "tip_gwei", "included"])

    return summarise(
        view["trials"],
        metrics=[read_members(inputs.metrics, "run_id", names)],
        scores=[read_members(inputs.scores, "model_id", models)] if inputs.scores else [],
        daily=[read_members(inputs.daily, "run_id", names)],
        axes=view["axes"],
        n_trials_ever=view["n_trials_ever"],
        objective=view["objective"],
        top=view["top"],
        tips=tips,
    )
