"""From the accounts and the equity path of one run to its row of metrics."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ethpredict.errors import TrialError
from ethpredict.sim import _account_kernels as acc
from ethpredict.sim.kept import Kept, day_rows
from ethpredict.sim.rows import Floats, Ints, MarketRows
from ethpredict.sim.venue import Venue

# The parts that sum to `pnl`.
PNL_PARTS = (
    "pnl_spread",
    "pnl_inventory",
    "pnl_fees",
    "pnl_funding",
    "pnl_gas",
    "pnl_bribe",
    "pnl_sandwich",
    "pnl_lp_fees",
    "pnl_lp_adverse",
    "pnl_liquidation",
    "pnl_endowment",
)
METRICS = (
    "pnl",
    *PNL_PARTS,
    "pnl_1k",
    "capital",
    "posted_funds",
    "days",
    "n_fills",
    "n_buys",
    "n_sells",
    "volume_base",
    "notional",
    "turnover",
    "fill_ratio",
    "hit_ratio",
    "mean_abs_inventory",
    "time_at_limit",
    "max_drawdown",
    "time_under_water",
    "sharpe",
    "sortino",
    "calmar",
    "markout_5m",
    "n_sent",
    "n_reverts",
    "n_not_included",
    "n_front_runs",
    "n_sandwiches",
    "n_timeouts",
    "mean_tip_gwei",
    "mean_chance",
    "share_included",
    "share_constant_base_fee",
    "share_without_trades",
    "maker_fee_bps",
    "taker_fee_bps",
    "endowment_change",
    "markout_1s",
    "markout_5s",
    "markout_30s",
    "lp_time",
    "lvr",
    "lp_arbitrage_fees",
    "lp_arbitrage_profit",
    "impermanent_loss",
    "book_pnl",
    "pool_pnl",
    "n_hedges",
    "hedge_volume",
    "hedge_cost",
)
# Seconds of the markouts that need events; the one of 5 minutes stands in the accounts.
SHORT_MARKOUTS = {"markout_1s": 1.0, "markout_5s": 5.0, "markout_30s": 30.0}
IDENTITY_TOLERANCE = 1e-9
LEAST_DAYS = 30
YEAR_DAYS = 365.0


@dataclass(frozen=True)
class Outcome:
    """What a kernel leaves behind for one run.

    Parameters
    ----------
    accounts : ndarray, shape (N_ACCOUNTS,)
        See :mod:`ethpredict.sim._account_kernels`.
    equity, inventory : ndarray, shape (n,)
        After each row, before the final liquidation; USD, ETH.
    detail : ndarray, shape (N_DETAIL, n) or (N_DETAIL, 0)
        Quotes, fills, cash and targets per row.
    markouts : mapping
        Those of :data:`SHORT_MARKOUTS`, bps; empty where only bars are played.
    """

    accounts: Floats
    equity: Floats
    inventory: Floats
    detail: Floats
    markouts: Mapping[str, float] = field(default_factory=dict)

    @property
    def final(self) -> float:
        """Equity after the liquidation, USD: the total P&L."""
        return float(self.accounts[acc.CASH])


def _ratio(above: float, below: float) -> float:
    """Quotient, nan where the denominator is 0."""
    return above / below if below != 0.0 else math.nan


def pnl_parts(run_id: str, outcome: Outcome | Kept) -> dict[str, float]:
    """Signed parts of the P&L, checked against the total.

    Parameters
    ----------
    run_id : str
        For the error.
    outcome : Outcome or Kept
        The run.

    Returns
    -------
    dict
        ``pnl`` and :data:`PNL_PARTS`, USD.

    Raises
    ------
    TrialError
        If the final position could not be closed, a number is not finite, or the
        parts miss the total by more than 1e-9 of the gross notional.
    """
    accounts = outcome.accounts
    if accounts[acc.STUCK]:
        raise TrialError(
            run_id,
            "the pool holds less ETH than the final short position; raise sim.amm.liquidity "
            "or lower quoting.max_inventory",
        )
    parts = dict.fromkeys(PNL_PARTS, 0.0) | {
        "pnl_spread": float(accounts[acc.SPREAD]),
        "pnl_inventory": float(accounts[acc.INVENTORY]),
        "pnl_fees": float(accounts[acc.FEES]),
        "pnl_funding": float(accounts[acc.FUNDING]),
        "pnl_gas": float(accounts[acc.GAS]),
        "pnl_bribe": float(accounts[acc.BRIBE]),
        "pnl_sandwich": float(accounts[acc.SANDWICHED]),
        "pnl_liquidation": float(accounts[acc.LIQUIDATION]),
        "pnl_lp_fees": float(accounts[acc.LP_FEES]),
        "pnl_lp_adverse": float(accounts[acc.LP_ADVERSE]),
    }
    total = outcome.final
    miss = abs(math.fsum(parts.values()) - total)
    allowed = IDENTITY_TOLERANCE * max(1.0, float(accounts[acc.NOTIONAL]))
    if not miss <= allowed:
        raise TrialError(
            run_id,
            f"the parts of the P&L miss its total {total:g} USD by {miss:g} > {allowed:g}; "
            "the prices or sizes are too large to account for in double precision",
        )
    return {"pnl": total, **parts}


def daily_pnl(kept: Kept, market: MarketRows) -> tuple[Ints, Floats]:
    """P&L per UTC day, every day of the span.

    Parameters
    ----------
    kept : Kept
        The run.
    market : MarketRows
        Its rows.

    Returns
    -------
    days : ndarray of int64, shape (d,)
        Consecutive days since the epoch.
    pnl : ndarray, shape (d,)
        USD; the last day counts the liquidation; they sum to the total.
    """
    days, last = day_rows(market)
    level = kept.equity[kept.places(last)]
    level[-1] = kept.final
    return days, np.diff(level, prepend=0.0)


def return_ratios(returns: Floats, drawdown: float) -> dict[str, float]:
    """Annualised ratios of daily returns on fixed capital.

    Parameters
    ----------
    returns : ndarray, shape (d,)
        Daily P&L over capital.
    drawdown : float
        Largest drawdown over capital.

    Returns
    -------
    dict
        ``sharpe`` = sqrt(365) mean/sd (ddof 1), ``sortino`` with the root mean
        square of the losses, ``calmar`` = 365 mean / drawdown; nan under 30 days
        or where the denominator is 0.
    """
    if len(returns) < LEAST_DAYS:
        return {"sharpe": math.nan, "sortino": math.nan, "calmar": math.nan}
    mean, spread = float(np.mean(returns)), float(np.std(returns, ddof=1))
    below = float(np.sqrt(np.mean(np.square(np.minimum(returns, 0.0)))))
    return {
        "sharpe": math.sqrt(YEAR_DAYS) * _ratio(mean, spread),
        "sortino": math.sqrt(YEAR_DAYS) * _ratio(mean, below),
        "calmar": YEAR_DAYS * _ratio(mean, drawdown),
    }


def provider_metrics(accounts: Floats, market: MarketRows, venue: Venue) -> dict[str, float]:
    """What a liquidity provider's run shows beside its P&L; nan for every other run.

    Returns
    -------
    dict
        ``lp_time`` (share of time in the pool), ``lvr`` (loss against rebalancing that theory
        expects while in the pool: the sum of sigma_r^2/8 x V x dt, USD), ``lp_arbitrage_fees``
        and ``lp_arbitrage_profit`` (our share of both, USD; together what arbitrage took from
        our reserves; nan on a recorded pool, which does not say who is an arbitrageur),
        ``impermanent_loss`` (2 sqrt(r)/(1 + r) - 1 with r = last over first mid: shown, never
        added). On a recorded pool ``lvr`` takes each row's own squared log return for
        sigma_r^2 dt.
    """
    names = ("lp_time", "lvr", "lp_arbitrage_fees", "lp_arbitrage_profit", "impermanent_loss")
    if not venue.deposit:
        return dict.fromkeys(names, math.nan)
    ratio = float(market.close[-1] / market.close[0])
    values = (
        float(accounts[acc.LP_SECONDS]) / float(market.seconds.sum()),
        float(accounts[acc.LVR_MODEL]),
        math.nan if venue.recorded else float(accounts[acc.LP_ARBITRAGE_FEES]),
        math.nan if venue.recorded else float(accounts[acc.ARBITRAGE_PROFIT]),
        2.0 * math.sqrt(ratio) / (1.0 + ratio) - 1.0,
    )
    return dict(zip(names, values, strict=True))


def hedge_metrics(accounts: Floats, venue: Venue) -> dict[str, float]:
    """How a hybrid run's P&L splits between its legs; nan for every other run.

    Returns
    -------
    dict
        ``book_pnl`` and ``pool_pnl`` (USD; they sum to ``pnl``, each with its own inventory and
        the closing of its own leg), ``n_hedges`` (fills on the pool), ``hedge_volume`` (ETH),
        ``hedge_cost`` (USD: what they paid beyond the mid of their decision: impact, swap fee,
        gas, bribe and sandwiches).
    """
    names = ("book_pnl", "pool_pnl", "n_hedges", "hedge_volume", "hedge_cost")
    if not venue.hedges:
        return dict.fromkeys(names, math.nan)
    pool = float(accounts[acc.POOL_CASH])
    spent = (acc.POOL_SPREAD, acc.POOL_FEES, acc.GAS, acc.BRIBE, acc.SANDWICHED)
    values = (
        float(accounts[acc.CASH]) - pool,
        pool,
        float(accounts[acc.N_HEDGES]),
        float(accounts[acc.POOL_VOLUME]),
        0.0 - math.fsum(float(accounts[part]) for part in spent),
    )
    return dict(zip(names, values, strict=True))


def run_metrics(
    run_id: str, kept: Kept, market: MarketRows, max_inventory: float, venue: Venue
) -> dict[str, float]:
    """All metrics of one run.

    Parameters
    ----------
    run_id : str
        For errors.
    kept : Kept
        The run.
    market : MarketRows
        Its rows.
    max_inventory : float
        Inventory limit, ETH: the capital is this times the time-mean mid, plus a provider's
        deposit.
    venue : Venue
        What the venue asked for.

    Returns
    -------
    dict
        Every name of :data:`METRICS`.
    """
    accounts = kept.accounts
    parts = pnl_parts(run_id, kept)
    capital, days = max_inventory * market.mean_mid + venue.deposit, market.days
    span = float(market.seconds.sum())
    _, pnl = daily_pnl(kept, market)
    fills = float(accounts[acc.N_BUYS] + accounts[acc.N_SELLS])
    notional = float(accounts[acc.NOTIONAL])
    metrics = parts | {
        "pnl_1k": 1000.0 * parts["pnl"] / (capital * days),
        "capital": capital,
        "posted_funds": venue.posted_funds,
        "days": days,
        "n_fills": fills,
        "n_buys": float(accounts[acc.N_BUYS]),
        "n_sells": float(accounts[acc.N_SELLS]),
        "volume_base": float(accounts[acc.VOLUME]),
        "notional": notional,
        "turnover": notional / (capital * days),
        "fill_ratio": _ratio(float(accounts[acc.TAKEN]), float(accounts[acc.OFFERED])),
        "hit_ratio": _ratio(float(accounts[acc.WINS]), float(accounts[acc.CLOSES])),
        "mean_abs_inventory": float(accounts[acc.ABS_INVENTORY_S]) / span,
        "time_at_limit": float(accounts[acc.LIMIT_S]) / span,
        "max_drawdown": kept.largest,
        "time_under_water": kept.under_water / span,
        "markout_5m": 1e4
        * _ratio(float(accounts[acc.MARKOUT]), float(accounts[acc.MARKOUT_NOTIONAL])),
        "n_sent": float(accounts[acc.N_SENT]),
        "n_reverts": float(accounts[acc.N_REVERTS]),
        "n_not_included": float(accounts[acc.N_NOT_INCLUDED]),
        "n_front_runs": float(accounts[acc.N_FRONT_RUNS]),
        "n_sandwiches": float(accounts[acc.N_SANDWICHES]),
        "n_timeouts": float(accounts[acc.N_TIMEOUTS]),
        "mean_tip_gwei": _ratio(float(accounts[acc.TIPS]), float(accounts[acc.N_SENT])),
        "mean_chance": _ratio(float(accounts[acc.CHANCES]), float(accounts[acc.N_SENT])),
        "share_included": _ratio(
            float(accounts[acc.N_SENT] - accounts[acc.N_NOT_INCLUDED]), float(accounts[acc.N_SENT])
        ),
        "share_constant_base_fee": venue.constant_fee_share,
        "share_without_trades": venue.silent_share,
        "maker_fee_bps": venue.fees[0],
        "taker_fee_bps": venue.fees[1],
        "endowment_change": venue.endowment * float(market.close[-1] - market.close[0]),
    }
    metrics |= {name: kept.markouts.get(name, math.nan) for name in SHORT_MARKOUTS}
    metrics |= provider_metrics(accounts, market, venue) | hedge_metrics(accounts, venue)
    metrics |= return_ratios(pnl / capital, kept.largest / capital)
    return {name: metrics[name] for name in METRICS}
