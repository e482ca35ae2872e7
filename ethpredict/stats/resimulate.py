"""Second pass over the best trials: details on validation, metrics on the locked days."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from ethpredict.sim import simulate_pack
from ethpredict.stats.reveal import LOCKED, VALIDATION, RevealedRun, identify, packs

LoadTable = Callable[[str], pd.DataFrame]


@dataclass(frozen=True)
class Revealed:
    """Tables of a reveal, each led by trial_id, name, baseline, run_id.

    Attributes
    ----------
    paths : DataFrame
        Detailed rows on validation, first replicate of each top trial.
    locked : DataFrame
        Metrics on the locked days.
    equity : DataFrame
        200-point equity on the locked days.
    """

    paths: pd.DataFrame
    locked: pd.DataFrame
    equity: pd.DataFrame


def _quote_paths(members: Sequence[RevealedRun], load: LoadTable) -> pd.DataFrame:
    """Quote paths of the members, each read once."""
    ids = sorted({str(run.member["upstream"]["quote"]) for run in members})
    return pd.concat([load(key) for key in ids], ignore_index=True)


def resimulate(
    runs: Sequence[RevealedRun],
    bars: LoadTable,
    blocks: LoadTable,
    paths: LoadTable,
    tips: LoadTable,
) -> Revealed:
    """Simulate the revealed runs on both segments.

    Parameters
    ----------
    runs : sequence of RevealedRun
        Top trials and baselines.
    bars, blocks, paths, tips : callable
        Give the table of a bars id, of a fetch id, of a quote id, and of a fetch id.

    Returns
    -------
    Revealed
        Empty tables keep the identifying columns.
    """
    details, locked, equity = [], [], []
    for bars_id, fetch_id, members in packs(runs):
        rows, chain, quotes = bars(bars_id), blocks(fetch_id), _quote_paths(members, paths)
        sent = tips(fetch_id)
        everyone = [run.member for run in members]
        shown = [run.member for run in members if run.first and not run.baseline]
        if shown:
            result = simulate_pack(
                rows, chain, quotes, shown, segment=VALIDATION, detail=True, tips=sent
            )
            details.append(result.paths)
        result = simulate_pack(rows, chain, quotes, everyone, segment=LOCKED, tips=sent)
        locked.append(result.metrics)
        equity.append(result.equity)
    return Revealed(*(_join(tables, runs) for tables in (details, locked, equity)))


def _join(tables: Sequence[pd.DataFrame], runs: Sequence[RevealedRun]) -> pd.DataFrame:
    """Concatenate and identify."""
    if not tables:
        return identify(pd.DataFrame({"run_id": pd.Series(dtype=object)}), runs)
    return identify(pd.concat(tables, ignore_index=True), runs)
