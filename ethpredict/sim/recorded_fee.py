"""The fee that recorded swaps paid, told by the reserves around them, against the setting."""

from __future__ import annotations

import logging

import numpy as np

from ethpredict.errors import TrialError
from ethpredict.sim.pool_tape import PoolTape
from ethpredict.sim.run import BPS, Run

_LOG = logging.getLogger(__name__)

# How far the fee that the swaps paid may be from the setting: a share of it, and bps.
FEE_SLACK, FEE_SLACK_BPS = 0.05, 0.05
# Inputs below this share of the reserve are dust: rounding hides their fee.
DUST = 1e-9
# Reserves after a swap agree with what it paid to this share of it.
WHOLE_INPUT = 1e-3


def without_syncs(tape: PoolTape) -> PoolTape:
    """Leave out syncs that the swap after them, in the same block, tells again.

    The state before such a swap is then the one before its sync.
    """
    swap = tape.paid0 + tape.paid1 > 0.0
    again = (tape.ts[1:] == tape.ts[:-1]) & swap[1:] & ~swap[:-1]
    again &= (tape.reserve0[1:] == tape.reserve0[:-1]) & (tape.reserve1[1:] == tape.reserve1[:-1])
    keep = np.append(~again, True)
    columns = tape.ts, tape.reserve0, tape.reserve1, tape.paid0, tape.paid1
    return PoolTape(*(column[keep] for column in columns))


def recorded_fee(tape: PoolTape, keep: bool) -> tuple[float, int]:
    """Median fee that the recorded swaps paid, told by the reserves.

    Parameters
    ----------
    tape : PoolTape
        The record.
    keep : bool
        Whether its reserves take the fee in (then the product grows by it) or not (then less
        than the input arrives).

    Returns
    -------
    fee : float
        Share of the input; nan where no swap tells it.
    count : int
        Swaps that tell it: of one token, not dust, with the state before them, and within one
        range of concentrated liquidity.
    """
    before = np.stack([tape.reserve0[:-1], tape.reserve1[:-1]])
    after = np.stack([tape.reserve0[1:], tape.reserve1[1:]])
    paid = np.stack([tape.paid0[1:], tape.paid1[1:]])
    into = (paid[1] > 0.0).astype(np.int64)[None]
    one = (paid > 0.0).sum(axis=0) == 1
    r_in, got, amount = (np.take_along_axis(x, into, 0)[0] for x in (before, after, paid))
    growth = after.prod(axis=0) / before.prod(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        if keep:
            told = one & (np.abs(got - r_in - amount) <= WHOLE_INPUT * amount)
            fee = 1.0 - ((r_in + amount) / growth - r_in) / amount
        else:
            told = one & (np.abs(growth - 1.0) <= np.minimum(1e-6, WHOLE_INPUT * amount / r_in))
            fee = 1.0 - (got - r_in) / amount
    told &= amount > DUST * r_in
    if not told.any():
        return float("nan"), 0
    return float(np.median(fee[told])), int(told.sum())


def fits(found: float, fee: float) -> bool:
    """Whether a recorded fee is that of the setting."""
    return abs(found - fee) <= FEE_SLACK * fee + FEE_SLACK_BPS * BPS


def warn_of_fee(fee: float, tape: PoolTape) -> None:
    """Say that a taker's fee is not what the recorded swaps paid.

    Parameters
    ----------
    fee : float
        The setting, share of the input.
    tape : PoolTape
        The record; nothing is said where its swaps do not tell their fee.
    """
    tape = without_syncs(tape)
    told = [value for value, count in (recorded_fee(tape, keep) for keep in (True, False)) if count]
    if told and not any(fits(value, fee) for value in told):
        _LOG.warning(
            "sim.amm.fee_bps = %g, but the recorded swaps paid %.3g bps: set fee_bps to the "
            "recorded pool's, or runs trade there at a fee that nobody had",
            fee / BPS,
            max(told) / BPS,
        )


def check_fee(run: Run, tape: PoolTape, fee: float, keep: bool) -> None:
    """Refuse a record whose swaps paid another fee than the setting, or put it elsewhere.

    Raises
    ------
    TrialError
        If there is no swap, or the median of the swaps' fees is another.
    """
    if not (tape.paid0 + tape.paid1 > 0.0).any():
        raise TrialError(
            run.run_id,
            "sim.amm.mode = 'lp' on a recorded pool earns from its swaps, and pool_events has "
            "none with an amount paid in; syncs alone tell no fee: give the Swap logs as well",
        )
    found, count = recorded_fee(tape, keep)
    if count and fits(found, fee):
        return
    other, others = recorded_fee(tape, not keep)
    if not count and not others:
        _LOG.warning("%s: no recorded swap tells its fee; fee_bps is taken as it is", run.run_id)
        return
    names = ("reserves", "vault") if keep else ("vault", "reserves")
    told = " and ".join(
        f"{value / BPS:.3g} bps (median of {number}) with sim.amm.lp.fees: {name}"
        for name, value, number in zip(names, (found, other), (count, others), strict=True)
        if number
    )
    raise TrialError(
        run.run_id,
        f"sim.amm.fee_bps = {fee / BPS:g} with sim.amm.lp.fees: {names[0]} does not fit the "
        f"record: its swaps paid {told}; concentrated liquidity and Aerodrome need vault, "
        "Uniswap V2 and its forks reserves",
    )
