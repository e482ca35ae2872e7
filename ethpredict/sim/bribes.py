"""What a pool run pays for its place in a block: base fee and tip of every row."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ethpredict.errors import TrialError
from ethpredict.quoting.inclusion import INCLUSION_COLUMNS, percentile_tip, walk_forward_inclusion
from ethpredict.sim.rows import DAY_NS, Floats, MarketRows
from ethpredict.sim.run import Run

HOUR_NS = 3_600_000_000_000
DAY_S = 86_400.0


def base_fees(run: Run, market: MarketRows) -> Floats:
    """Base fee of the block after each row's close, gwei, shape (n,).

    By the chain's own rule, in integers of wei, from the last block at each close: what
    the next block will ask is known before it. The constant of the settings where the
    data's blocks do not reach or the run does not want them.
    """
    if run.strategy == "none":
        return np.zeros(len(market.close))
    constant = run.number("sim.amm.base_fee_gwei", 0.0, 1e5)
    if not run.get("sim.amm.use_block_fees"):
        return np.full(len(market.close), constant)
    return np.where(np.isfinite(market.base_fee), market.next_base_fee(run.chain), constant)


def tip_rows(run: Run, market: MarketRows, tips: pd.DataFrame) -> tuple[Floats, Floats, Floats]:
    """Tip and believed inclusion curve of every row.

    Parameters
    ----------
    run : Run
        Its settings.
    market : MarketRows
        Its rows.
    tips : DataFrame
        Columns ts, tip_gwei, included of single transactions, sorted by ts; may be empty.

    Returns
    -------
    tip : ndarray, shape (n,)
        gwei; nan where there is none to go by, and nothing is sent.
    odds, slope : ndarray, shape (n,)
        Log odds of inclusion without a tip, and their gain per gwei; nan before the first
        fit. What was known strictly before the row's day (fit) or hour (percentile).

    Raises
    ------
    TrialError
        If the run needs transactions that the data does not have, or no fit succeeds.
    """
    n = len(market.close)
    mode = run.bribe if run.strategy != "none" else "off"
    if run.strategy == "none":
        return np.zeros(n), np.zeros(n), np.zeros(n)
    fitted = run.word("sim.amm.inclusion", ("given", "fitted")) == "fitted"
    if (mode == "percentile" or fitted) and len(tips) == 0:
        raise TrialError(
            run.run_id,
            "the market has no transactions with tips: sim.amm.bribe.mode percentile and "
            "sim.amm.inclusion fitted need them; use optimal, fixed or off, and given",
        )
    odds = np.full(n, run.number("sim.amm.inclusion_a", -100.0, 100.0))
    slope = np.full(n, run.number("sim.amm.inclusion_s", 0.0, 1e6))
    if fitted:
        odds, slope = _fitted(run, market, tips)
    if mode == "percentile":
        return _percentile(run, market, tips), odds, slope
    gwei = run.number("sim.amm.tip_gwei", 0.0, 1e5) if mode == "fixed" else 0.0
    return np.full(n, gwei), odds, slope


def inclusion_fits(run: Run, market: MarketRows, tips: pd.DataFrame) -> pd.DataFrame:
    """Daily walk-forward fits of the inclusion curve over the rows' days.

    Returns
    -------
    DataFrame
        As :func:`ethpredict.quoting.inclusion.walk_forward_inclusion`.
    """
    days = np.unique(market.ts_close // DAY_NS) * DAY_NS
    tips = tips.sort_values("ts", kind="stable")
    window = run.number("sim.amm.bribe.window_days", 0.0, 10_000.0, open_low=True) * DAY_S
    part = _before(tips, days[0] - round(window * 1e9), days[-1])
    if len(part) == 0:
        return pd.DataFrame({name: [] for name in INCLUSION_COLUMNS})
    return walk_forward_inclusion(part["ts"], part["tip_gwei"], part["included"], days, window)


def _fitted(run: Run, market: MarketRows, tips: pd.DataFrame) -> tuple[Floats, Floats]:
    """Curve of every row from the fit at the start of its day."""
    fits = inclusion_fits(run, market, tips)
    if not len(fits) or fits["a"].isna().all():
        reason = fits["reason"].iloc[-1] if len(fits) else "no transaction in any window"
        raise TrialError(
            run.run_id,
            f"no inclusion curve could be fitted in {len(fits)} windows: {reason}; lengthen "
            "sim.amm.bribe.window_days or set sim.amm.inclusion: given",
        )
    place = np.searchsorted(fits["ts"].to_numpy(np.int64), market.ts_close, side="right") - 1
    return fits["a"].to_numpy(np.float64)[place], fits["s"].to_numpy(np.float64)[place]


def _percentile(run: Run, market: MarketRows, tips: pd.DataFrame) -> Floats:
    """Percentile of the included tips in a window that ends before the row's hour."""
    share = run.number("sim.amm.bribe.percentile", 0.0, 100.0)
    window = run.number("sim.amm.bribe.window_days", 0.0, 10_000.0, open_low=True) * DAY_S
    hours, which = np.unique(market.ts_close // HOUR_NS, return_inverse=True)
    tips = tips.sort_values("ts", kind="stable")
    part = _before(tips, int(hours[0]) * HOUR_NS - round(window * 1e9), int(hours[-1]) * HOUR_NS)
    found = percentile_tip(
        part["ts"], part["tip_gwei"], part["included"], hours * HOUR_NS, window, share
    )
    if np.isnan(found).all():
        raise TrialError(
            run.run_id,
            f"no transaction was included in the {run.get('sim.amm.bribe.window_days'):g} days "
            "before any hour; lengthen sim.amm.bribe.window_days",
        )
    return np.asarray(found[which.ravel()], dtype=np.float64)


def _before(tips: pd.DataFrame, first: int, last: int) -> pd.DataFrame:
    """Transactions known in a span."""
    ts = tips["ts"].to_numpy(np.int64)
    low, high = np.searchsorted(ts, [first, last], side="left")
    return tips.iloc[low:high]
