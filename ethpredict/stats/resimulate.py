"""Second pass over the best trials: details on validation, metrics on the locked days."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ethpredict.sim import simulate_pack
from ethpredict.sim.tape import Records
from ethpredict.stats.bracket import KEY, comparison, variants
from ethpredict.stats.reveal import LOCKED, VALIDATION, RevealedRun, identify, packs

LoadTable = Callable[[str], pd.DataFrame]
LoadRecords = Callable[[str], Records | None]


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
    fidelity : DataFrame
        Metrics on validation of the first replicate of each top trial on the order book, by
        fidelity and fill rule.
    """

    paths: pd.DataFrame
    locked: pd.DataFrame
    equity: pd.DataFrame
    fidelity: pd.DataFrame


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
    records: LoadRecords,
    replay: Mapping[str, Any],
) -> Revealed:
    """Simulate the revealed runs on both segments.

    Parameters
    ----------
    runs : sequence of RevealedRun
        Top trials and baselines.
    bars, blocks, paths, tips, records : callable
        Give the table of a bars id, of a fetch id, of a quote id, of a fetch id, and the
        events of a fetch id.
    replay : mapping
        Settings below `sim.lob` for finer fidelities than a run was planned for.

    Returns
    -------
    Revealed
        Empty tables keep the identifying columns.
    """
    details, locked, equity, finer = [], [], [], []
    for bars_id, fetch_id, members in packs(runs):
        rows, chain, quotes = bars(bars_id), blocks(fetch_id), _quote_paths(members, paths)
        market: dict[str, Any] = {"tips": tips(fetch_id), "records": records(fetch_id)}
        everyone = [run.member for run in members]
        shown = [run.member for run in members if run.first and not run.baseline]
        if shown:
            result = simulate_pack(
                rows, chain, quotes, shown, segment=VALIDATION, detail=True, **market
            )
            details.append(result.paths)
        filled = market["records"].filled if market["records"] is not None else ()
        others, table = variants(members, filled, replay)
        if others:
            result = simulate_pack(rows, chain, quotes, others, segment=VALIDATION, **market)
            finer.append(comparison(result.metrics, table, members))
        result = simulate_pack(rows, chain, quotes, everyone, segment=LOCKED, **market)
        locked.append(result.metrics)
        equity.append(result.equity)
    none = pd.DataFrame(columns=KEY, dtype="str")
    fidelity = pd.concat(finer, ignore_index=True) if finer else none
    return Revealed(_join(details, runs), _join(locked, runs), _join(equity, runs), fidelity)


def _join(tables: Sequence[pd.DataFrame], runs: Sequence[RevealedRun]) -> pd.DataFrame:
    """Concatenate and identify."""
    if not tables:
        return identify(pd.DataFrame({"run_id": pd.Series(dtype="str")}), runs)
    return identify(pd.concat(tables, ignore_index=True), runs)
