"""What a fill on the order book costs: one pair of rates, or tiers by traded volume."""

from __future__ import annotations

import math

from ethpredict.errors import TrialError
from ethpredict.sim.run import Run

Tier = tuple[float, float, float]
LOWEST_MAKER, HIGHEST = -100.0, 1000.0
# Volume over 14 days (USD) beyond which a tier begins, maker and taker fee (bps): base rates of
# Hyperliquid's perpetuals, without discounts for staking and without its maker programme.
# https://hyperliquid.gitbook.io/hyperliquid-docs/trading/fees
HYPERLIQUID: tuple[Tier, ...] = (
    (0.0, 1.5, 4.5),
    (5e6, 1.2, 4.0),
    (25e6, 0.8, 3.5),
    (100e6, 0.4, 3.0),
    (500e6, 0.0, 2.8),
    (2e9, 0.0, 2.6),
    (7e9, 0.0, 2.4),
)
SCHEDULES = ("flat", "tiers", "hyperliquid")


def fee_tier(run: Run) -> Tier:
    """Tier of a run on a schedule of tiers.

    The account's volume is given and stays: what the run itself trades moves no tier.

    Returns
    -------
    volume, maker, taker : float
        Where the tier begins (USD), and its fees, bps; a negative maker fee is a rebate.

    Raises
    ------
    TrialError
        If a row of `sim.lob.fees` is no tier, or they do not begin at 0 and rise.
    """
    schedule = run.word("sim.lob.fee_schedule", SCHEDULES)
    volume = run.number("sim.lob.account_volume", 0.0, 1e15)
    tiers = HYPERLIQUID if schedule == "hyperliquid" else _own_tiers(run)
    # As venues put it, a tier is for more than the volume at which it begins.
    return [tier for tier in tiers if tier[0] == 0.0 or volume > tier[0]][-1]


def _own_tiers(run: Run) -> tuple[Tier, ...]:
    """Rows of `sim.lob.fees`, checked."""
    rows = run.get("sim.lob.fees")
    key, tiers = "sim.lob.fees", []
    for row in rows:
        if len(row) != 3 or not all(math.isfinite(value) for value in row):
            raise TrialError(run.run_id, f"{key}: {row!r} must be [volume, maker bps, taker bps]")
        volume, maker, taker = (float(value) for value in row)
        if not (LOWEST_MAKER <= maker <= HIGHEST and 0.0 <= taker <= HIGHEST):
            raise TrialError(
                run.run_id,
                f"{key}: {row!r} must have a maker fee from -100 to 1000 and a taker fee from 0 "
                "to 1000 bps",
            )
        tiers.append((volume, maker, taker))
    volumes = [tier[0] for tier in tiers]
    if not tiers or volumes[0] != 0.0 or volumes != sorted(set(volumes)):
        raise TrialError(
            run.run_id,
            f"{key}: the volumes {volumes} must begin at 0 and rise; fees need at least one tier",
        )
    return tuple(tiers)


def taker_bps(run: Run) -> float:
    """Taker fee of a run on the book, bps.

    Raises
    ------
    TrialError
        If it is out of its range.
    """
    if run.word("sim.lob.fee_schedule", SCHEDULES) == "flat":
        return run.number("sim.lob.taker_fee_bps", 0.0, HIGHEST)
    return fee_tier(run)[2]


def maker_bps(run: Run) -> float:
    """Maker fee of a run on the book, bps; negative is a rebate.

    Raises
    ------
    TrialError
        If it is out of its range.
    """
    if run.word("sim.lob.fee_schedule", SCHEDULES) == "flat":
        return run.number("sim.lob.maker_fee_bps", LOWEST_MAKER, HIGHEST)
    return fee_tier(run)[1]


def paid_fees(run: Run) -> tuple[float, float]:
    """Maker and taker fee that a run pays, bps; nan where it cannot: off the book, or idle."""
    if not run.on_book or run.strategy == "none":
        return math.nan, math.nan
    maker = math.nan if run.strategy == "hold" else maker_bps(run)
    return maker, taker_bps(run)
