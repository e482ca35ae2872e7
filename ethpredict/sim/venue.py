"""What a venue asks of a run besides its settings: funds, a gas price, a fit of A and k."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ethpredict.errors import TrialError
from ethpredict.sim import _transaction_kernels as amm
from ethpredict.sim.fees import paid_fees
from ethpredict.sim.lp_settings import provides
from ethpredict.sim.rows import MarketRows, PathRows
from ethpredict.sim.run import SIGNALLED, Run

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Venue:
    """What a venue asked of one run, for its metrics.

    Parameters
    ----------
    endowment : float
        ETH needed at the start (0 on a book). It is borrowed and given back:
        `pnl_endowment` is 0, and what its price did alone is `endowment_change`.
    posted_funds : float
        Time-mean value of what stands ready, USD.
    constant_fee_share : float
        Share of the decisions priced with the constant base fee; nan without any.
    deposit : float
        Value that a liquidity provider brings, USD; 0 for everybody else.
    hedges : bool
        Whether a pool leg stands beside the book's.
    silent_share : float
        Share of the time in which the bars report volume and the replayed data has no trade;
        nan where no events are replayed.
    recorded : bool
        Whether a provider's pool is a record, in which nobody is known as an arbitrageur.
    fees : tuple of float
        Maker and taker fee of the book, bps; nan where the run cannot pay them.
    """

    endowment: float
    posted_funds: float
    constant_fee_share: float
    deposit: float = 0.0
    hedges: bool = False
    silent_share: float = math.nan
    recorded: bool = False
    fees: tuple[float, float] = (math.nan, math.nan)


def venue_of(run: Run, market: MarketRows, silent_share: float = math.nan) -> Venue:
    """What the venue of a run asks over its rows; `silent_share` see :class:`Venue`."""
    if provides(run):
        deposit = run.number("sim.amm.lp.deposit", 0.0, open_low=True)
        return Venue(
            endowment=0.5 * deposit / float(market.close[0]),
            posted_funds=0.5 * deposit * (1.0 + market.mean_mid / float(market.close[0])),
            constant_fee_share=constant_fee_share(run, market),
            deposit=deposit,
            recorded=run.driven,
        )
    return Venue(
        endowment=run.max_inventory if run.on_pool else 0.0,
        posted_funds=posted_funds(run, market),
        constant_fee_share=constant_fee_share(run, market),
        hedges=run.hedges,
        silent_share=silent_share,
        fees=paid_fees(run),
    )


def posted_funds(run: Run, market: MarketRows) -> float:
    """Time-mean value of what stands ready for a run, USD.

    On the order book the inventory limit at the mid, as for the capital. On the pool the
    endowment: the limit in ETH at the mid, and twice its value at the first mid in USD. A run
    that hedges has both.
    """
    funds = run.max_inventory * market.mean_mid * (2.0 if run.hedges else 1.0)
    if run.on_pool:
        funds += amm.ENDOWMENT_USD * run.max_inventory * float(market.close[0])
    return funds


def constant_fee_share(run: Run, market: MarketRows) -> float:
    """Share of the decisions that are priced with the constant base fee.

    Parameters
    ----------
    run : Run
        The run.
    market : MarketRows
        Its rows; every row but the last is the base of a decision.

    Returns
    -------
    float
        1 where `sim.amm.use_block_fees` is false; nan where nothing is decided: on the
        order book alone, for the strategy `none` and in a single row.
    """
    known = market.base_fee[:-1]
    if not run.on_pool or run.strategy == "none" or len(known) == 0:
        return math.nan
    if not run.get("sim.amm.use_block_fees"):
        return 1.0
    return float(np.mean(~np.isfinite(known)))


def warn_of_constant_fees(runs: Sequence[Run], shares: Mapping[str, float]) -> None:
    """Say in one line which runs wanted the blocks' base fees and did not get them all.

    Parameters
    ----------
    runs : sequence of Run
        Runs of a pack.
    shares : mapping
        Run id to :func:`constant_fee_share`, for the runs that were played.
    """
    lacking = [
        run
        for run in runs
        if shares.get(run.run_id, 0.0) > 0.0 and run.get("sim.amm.use_block_fees")
    ]
    if not lacking:
        return
    gwei = sorted({float(run.get("sim.amm.base_fee_gwei")) for run in lacking})
    _LOG.warning(
        "%d pool runs (%s first): sim.amm.use_block_fees is true, but the data's blocks do not "
        "reach all decisions: up to %.1f %% are priced with sim.amm.base_fee_gwei = %s gwei. "
        "Say so with use_block_fees: false, or give data with blocks",
        len(lacking),
        lacking[0].run_id,
        100.0 * max(shares[run.run_id] for run in lacking),
        " or ".join(f"{value:g}" for value in gwei),
    )


def warn_of_silence(shares: Mapping[str, float]) -> None:
    """Say in one line which runs replay trades that do not cover their bars.

    Parameters
    ----------
    shares : mapping
        Run id to `Venue.silent_share`, for the runs that were played.
    """
    lacking = {run_id: share for run_id, share in shares.items() if share > 0.0}
    if not lacking:
        return
    _LOG.warning(
        "%d runs (%s first) replay trades that do not cover their bars: in up to %.1f %% of the "
        "time the bars report volume and the data has no trade, so nothing can fill there "
        "(share_without_trades). Give trades of the whole span or set sim.fidelity: bars",
        len(lacking),
        next(iter(lacking)),
        100.0 * max(lacking.values()),
    )


def require_fit(run: Run, path: PathRows) -> None:
    """Refuse an order-book run whose quotes need A and k where its path has none.

    Raises
    ------
    TrialError
        If no row has both: the run would quote nothing and look like a good one.
    """
    if not run.on_book or run.strategy not in SIGNALLED:
        return
    if not path.fitted:
        raise TrialError(
            run.run_id,
            f"0 of the {len(path.A)} rows of quote {run.quote_id} have a fit of A and k: every "
            "fit had fewer would-be fills than quoting.calibration.min_fills; lengthen "
            "quoting.calibration.window_days or lower min_fills",
        )
