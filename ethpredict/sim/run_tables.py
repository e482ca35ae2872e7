"""Tables of many runs: equity, daily P&L, whole paths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ethpredict.sim import _account_kernels as acc
from ethpredict.sim.kept import EQUITY_POINTS, Kept, equity_rows
from ethpredict.sim.metrics import Outcome, daily_pnl
from ethpredict.sim.rows import MarketRows

EQUITY_COLUMNS = {
    "run_id": "str",
    "k": "int32",
    "ts": "int64",
    "equity": "float64",
    "inventory": "float64",
    "drawdown": "float64",
}
DAILY_COLUMNS = {"run_id": "str", "day": "int32", "pnl": "float64", "per_capital": "float64"}
PATH_COLUMNS = {
    "run_id": "str",
    "row": "int64",
    "ts": "int64",
    "reference": "float64",
    "mid": "float64",
    "bid": "float64",
    "ask": "float64",
    "fills": "float64",
    "inventory": "float64",
    "cash": "float64",
    "equity": "float64",
    "mu": "float64",
    "q_star": "float64",
}

Columns = dict[str, Any]


def joined_table(parts: Sequence[Columns], columns: Mapping[str, str]) -> pd.DataFrame:
    """One table of many runs' columns; the run_id of a part stands on all its rows."""
    joined: Columns = {}
    for name, kind in columns.items():
        if name == "run_id":
            lengths = [len(part["ts" if "ts" in columns else "day"]) for part in parts]
            values = np.repeat(np.array([part[name] for part in parts], dtype=object), lengths)
        else:
            values = np.concatenate([part[name] for part in parts] or [np.empty(0)])
        joined[name] = pd.Series(values, dtype=kind)
    return pd.DataFrame(joined)


def equity_columns(run_id: str, kept: Kept, market: MarketRows) -> Columns:
    """200 equally spaced rows; the last is after the liquidation."""
    at = equity_rows(market)
    places = kept.places(at)
    equity, inventory = kept.equity[places], kept.inventory[places]
    equity[-1], inventory[-1] = kept.final, 0.0
    return {
        "run_id": run_id,
        "k": np.arange(EQUITY_POINTS),
        "ts": market.ts_close[at],
        "equity": equity,
        "inventory": inventory,
        "drawdown": kept.below[places],
    }


def daily_columns(run_id: str, kept: Kept, market: MarketRows, capital: float) -> Columns:
    """Every UTC day of the span."""
    days, pnl = daily_pnl(kept, market)
    return {"run_id": run_id, "day": days, "pnl": pnl, "per_capital": pnl / capital}


def path_columns(run_id: str, outcome: Outcome, market: MarketRows) -> Columns:
    """Every row of one run."""
    detail = outcome.detail
    return {
        "run_id": run_id,
        "row": market.first_row + np.arange(len(market.close)),
        "ts": market.ts_close,
        "reference": np.concatenate([market.close[:1], market.close[:-1]]),
        "mid": market.close,
        "bid": detail[acc.D_BID],
        "ask": detail[acc.D_ASK],
        "fills": detail[acc.D_FILL],
        "inventory": outcome.inventory,
        "cash": detail[acc.D_CASH],
        "equity": outcome.equity,
        "mu": detail[acc.D_MU],
        "q_star": detail[acc.D_TARGET],
    }
