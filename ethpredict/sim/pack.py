"""Simulate a pack: many runs over the same bars."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ethpredict.errors import ConfigError, TrialError
from ethpredict.sim import _account_kernels as acc
from ethpredict.sim._lp_kernels import run_lp
from ethpredict.sim._maker_kernels import run_lob
from ethpredict.sim._taker_kernels import run_amm
from ethpredict.sim.bribes import base_fees, tip_rows
from ethpredict.sim.funding import funding_rates, pay_at_closes
from ethpredict.sim.hybrid import simulate_hybrid
from ethpredict.sim.kept import keep
from ethpredict.sim.lanes import play_lanes
from ethpredict.sim.lp_settings import lp_settings, provides
from ethpredict.sim.lp_tape import provide_on_tape
from ethpredict.sim.metrics import METRICS, Outcome, run_metrics
from ethpredict.sim.quotes import Lattices, quote_rows, signal_rows, size_rows
from ethpredict.sim.replay import Tapes, fidelity, simulate_replay
from ethpredict.sim.rows import (
    MarketRows,
    PathRows,
    market_rows,
    path_rows,
    segment_path,
)
from ethpredict.sim.run import Run
from ethpredict.sim.run_tables import (
    DAILY_COLUMNS,
    EQUITY_COLUMNS,
    PATH_COLUMNS,
    daily_columns,
    equity_columns,
    joined_table,
    path_columns,
)
from ethpredict.sim.settings import amm_settings, lob_settings
from ethpredict.sim.tape import Records
from ethpredict.sim.venue import require_fit, venue_of, warn_of_constant_fees, warn_of_silence

_LOG = logging.getLogger(__name__)

NO_TIPS = pd.DataFrame({"ts": [], "tip_gwei": [], "included": []})
METRIC_COLUMNS = {"run_id": "str", "status": "str", "error": "str"} | dict.fromkeys(
    METRICS, "float64"
)


@dataclass(frozen=True)
class SimResult:
    """Tables of a pack, each sorted by run_id.

    Parameters
    ----------
    metrics : DataFrame
        One row per run: run_id, status (``ok`` or ``failed``), error, and the
        float64 columns :data:`ethpredict.sim.METRICS` (nan where failed).
    equity : DataFrame
        200 points per good run: run_id, k, ts, equity (USD), inventory (ETH),
        drawdown (USD below the running peak, >= 0). The last point is after the
        liquidation.
    daily : DataFrame
        One row per good run and UTC day: run_id, day (since the epoch), pnl (USD),
        per_capital.
    paths : DataFrame or None
        With ``detail``: one row per good run and bar: run_id, row, ts, reference (mid
        at the decision), mid (at the row's close), bid, ask (live during the row),
        fills (signed ETH), inventory, cash, equity (after the row), mu (USD/s) and
        q_star (ETH) of the decision. Before the final liquidation.
    """

    metrics: pd.DataFrame
    equity: pd.DataFrame
    daily: pd.DataFrame
    paths: pd.DataFrame | None


def simulate_run(
    run: Run,
    market: MarketRows,
    path: PathRows,
    lattices: Lattices,
    detail: bool = False,
    tips: pd.DataFrame = NO_TIPS,
    tapes: Tapes | None = None,
) -> Outcome:
    """Play one run over its rows.

    Parameters
    ----------
    run : Run
        Settings.
    market, path : MarketRows, PathRows
        Its rows.
    lattices : Lattices
        Exact quotes that runs share; solved where they are missing.
    detail : bool
        Whether to keep quotes, fills and targets per row.
    tips : DataFrame
        Single transactions, see :func:`ethpredict.sim.bribes.tip_rows`.
    tapes : Tapes, optional
        The market's funding and, for fidelities other than ``bars``, its events.

    Returns
    -------
    Outcome

    Raises
    ------
    TrialError
        If a setting is out of its range, the quotes have no fit to go by, or the data has
        no events for the fidelity.
    """
    level = fidelity(run)
    n = len(market.close)
    equity, inventory = np.empty(n), np.empty(n)
    details = np.full((acc.N_DETAIL, n if detail else 0), np.nan)
    facts = tapes.records.funding if tapes and tapes.records else None
    if run.on_book:
        require_fit(run, path)
        # Sizes that cannot be are refused before their quotes are solved.
        settings = lob_settings(run, market)
        quotes = quote_rows(run, market, path, lattices)
        sizes = size_rows(run, market, path)
        if run.hedges:
            pool = (tapes or Tapes(None)).pool(run, market)
            return simulate_hybrid(run, market, quotes, sizes, settings, tips, facts, pool, detail)
        if level != "bars":
            events = tapes or Tapes(None)
            return simulate_replay(run, market, quotes, sizes, settings, events, detail)
        accounts = run_lob(
            market.close,
            market.low,
            market.high,
            market.duration,
            market.seconds,
            market.buy_volume,
            market.sell_volume,
            market.gap,
            market.future_close,
            quotes.mu,
            quotes.centre,
            quotes.slope,
            quotes.target,
            quotes.shift,
            quotes.decay,
            quotes.nodes,
            quotes.corners,
            quotes.weights,
            quotes.falling,
            *sizes,
            settings,
            equity,
            inventory,
            details,
        )
        pay_at_closes(facts, market, accounts, equity, inventory, details)
    elif provides(run):
        mu, h_rem = signal_rows(run, path, market.close)
        settings = lp_settings(run, market)
        if run.driven:
            record, fees = (tapes or Tapes(None)).states(run), base_fees(run, market)
            signal = mu, h_rem
            return provide_on_tape(run, market, path, signal, fees, record, settings, detail)
        accounts = run_lp(
            market.close,
            market.duration,
            market.seconds,
            market.gap,
            base_fees(run, market),
            path.sigma,
            mu,
            h_rem,
            market.first_row,
            settings,
            equity,
            inventory,
            details,
        )
    else:
        mu, h_rem = signal_rows(run, path, market.close)
        accounts = run_amm(
            market.open,
            market.close,
            market.duration,
            market.seconds,
            market.gap,
            market.future_open,
            base_fees(run, market),
            *tip_rows(run, market, tips),
            path.sigma,
            mu,
            h_rem,
            market.first_row,
            (tapes or Tapes(None)).pool(run, market),
            amm_settings(run, market),
            equity,
            inventory,
            details,
        )
    return Outcome(accounts, equity, inventory, details)


class _RowCache:
    """Row arrays of a pack, built once per segment span and per quote path."""

    def __init__(
        self, bars: pd.DataFrame, blocks: pd.DataFrame, paths: pd.DataFrame, segment: int
    ) -> None:
        self._bars, self._blocks, self._paths = bars, blocks, paths
        self._segment = segment
        self._market: dict[tuple[int, int], MarketRows] = {}
        self._path: dict[str, tuple[MarketRows, PathRows]] = {}

    def rows(self, quote_id: str) -> tuple[MarketRows, PathRows]:
        """Market and path of one quote."""
        if quote_id not in self._path:
            path = segment_path(self._bars, self._paths, quote_id, self._segment)
            span = int(path["row"].iloc[0]), int(path["row"].iloc[-1])
            if span not in self._market:
                self._market[span] = market_rows(self._bars, self._blocks, *span)
            market = self._market[span]
            self._path[quote_id] = market, path_rows(path, market.close)
        return self._path[quote_id]


def simulate_pack(
    bars: pd.DataFrame,
    blocks: pd.DataFrame,
    paths: pd.DataFrame,
    members: Sequence[Mapping[str, Any]],
    segment: int = 0,
    detail: bool = False,
    failed: Mapping[str, str] | None = None,
    tips: pd.DataFrame = NO_TIPS,
    records: Records | None = None,
) -> SimResult:
    """Simulate every member of a pack.

    A member's result depends on its own settings, replicate and rows only, not on
    its id, its pack-mates or their order. Inventory and capital start at zero at
    the first row of the segment.

    Parameters
    ----------
    bars : DataFrame
        The ``bars`` table that all members share.
    blocks : DataFrame
        The ``blocks`` table; may be empty.
    paths : DataFrame
        Quote paths of the members' quotes (both segments).
    members : sequence of mapping
        ``{"id", "settings": {"quoting": ..., "sim": ...}, "upstream": {"quote"},
        "replicate"}``.
    segment : int
        0 validation, 1 locked test.
    detail : bool
        Whether to return the path of every run.
    failed : mapping, optional
        Quote id to reason; runs of such a quote fail with it.
    tips : DataFrame
        The ``tips`` table (ts, tip_gwei, included); pool runs that fit or copy tips need it.
    records : Records, optional
        Funding, and for fidelities other than ``bars`` trades and book.

    Returns
    -------
    SimResult
        A :class:`TrialError` of one member is its row ``status = failed``.
    """
    lattices, tapes = Lattices(), Tapes(records)
    cache = _RowCache(bars, blocks, paths, segment)
    metrics: list[dict[str, Any]] = []
    equity, daily, details = [], [], []
    shares: dict[str, float] = {}
    silent: dict[str, float] = {}
    runs = sorted((Run.from_member(member) for member in members), key=lambda run: run.run_id)
    # Funding is paid on whole paths, which lanes do not keep.
    whole = detail or (records is not None and len(funding_rates(records.funding)) > 0)
    played = {} if whole else play_lanes(runs, cache.rows, failed or {}, lattices)
    for run in runs:
        row: dict[str, Any] = {"run_id": run.run_id, "status": "ok", "error": ""}
        try:
            if failed and run.quote_id in failed:
                raise TrialError(run.run_id, f"its quote failed: {failed[run.quote_id]}")
            market, path = cache.rows(run.quote_id)
            kept = played.get(run.run_id)
            if kept is None:
                outcome = simulate_run(run, market, path, lattices, detail, tips, tapes)
                kept = keep(
                    outcome.accounts, outcome.equity, outcome.inventory, market, outcome.markouts
                )
            venue = venue_of(run, market, tapes.silent(run, market))
            values = run_metrics(run.run_id, kept, market, run.max_inventory, venue)
        except (TrialError, ConfigError) as found:
            # A public function names the value that it refuses, but not the run.
            own = isinstance(found, TrialError)
            error = found if own else TrialError(run.run_id, str(found))
            _LOG.warning("run failed: %s", error)
            row |= {"status": "failed", "error": str(error)} | dict.fromkeys(METRICS, math.nan)
            metrics.append(row)
            continue
        metrics.append(row | values)
        shares[run.run_id] = venue.constant_fee_share
        silent[run.run_id] = venue.silent_share
        equity.append(equity_columns(run.run_id, kept, market))
        daily.append(daily_columns(run.run_id, kept, market, values["capital"]))
        if detail:
            details.append(path_columns(run.run_id, outcome, market))
    warn_of_constant_fees(runs, shares)
    warn_of_silence(silent)
    return SimResult(
        metrics=pd.DataFrame(metrics, columns=list(METRIC_COLUMNS)).astype(METRIC_COLUMNS),
        equity=joined_table(equity, EQUITY_COLUMNS),
        daily=joined_table(daily, DAILY_COLUMNS),
        paths=joined_table(details, PATH_COLUMNS) if detail else None,
    )
