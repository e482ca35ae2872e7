"""Funding of a perpetual future where only bars are played."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ethpredict.sim import _account_kernels as acc
from ethpredict.sim.rows import Floats, MarketRows

NAME = "funding_rate"


def funding_rates(facts: pd.DataFrame | None) -> pd.DataFrame:
    """Rows of the funding rate among the facts of a market, by time; empty without any."""
    if facts is None:
        return pd.DataFrame({"ts": np.empty(0, np.int64), "value": np.empty(0)})
    return facts.loc[facts["name"] == NAME, ["ts", "value"]].sort_values("ts", kind="stable")


def pay_at_closes(
    facts: pd.DataFrame | None,
    market: MarketRows,
    accounts: Floats,
    equity: Floats,
    inventory: Floats,
    detail: Floats,
) -> None:
    """Pay each funding on the position and the mid of the last close at or before it.

    Longs pay where the rate is positive. Sizes that follow the capital do not see it.

    Parameters
    ----------
    facts : DataFrame or None
        Facts of the market.
    market : MarketRows
        The rows.
    accounts : ndarray, shape (N_ACCOUNTS,)
        After the liquidation; changed in place.
    equity, inventory : ndarray, shape (n,)
        After each row; the equity is changed in place.
    detail : ndarray, shape (N_DETAIL, n) or (N_DETAIL, 0)
        The cash is changed in place where there is one.
    """
    rates = funding_rates(facts)
    ts, value = rates["ts"].to_numpy(np.int64), rates["value"].to_numpy(np.float64)
    inside = (ts >= market.ts_close[0]) & (ts <= market.ts_close[-1]) & np.isfinite(value)
    ts, value = ts[inside], value[inside]
    if not len(ts):
        return
    before = np.searchsorted(market.ts_close, ts, side="right") - 1
    paid = inventory[before] * market.close[before] * value
    per_row = np.zeros(len(equity))
    np.add.at(per_row, np.searchsorted(market.ts_close, ts), paid)
    so_far = np.cumsum(per_row)
    equity -= so_far
    if detail.shape[1]:
        detail[acc.D_CASH] -= so_far
    accounts[acc.FUNDING] -= so_far[-1]
    accounts[acc.CASH] -= so_far[-1]
