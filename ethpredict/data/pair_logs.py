"""Logs of a Uniswap V2 fork or an Aerodrome pool: every Swap held against its Sync, exactly."""

from __future__ import annotations

from ethpredict.data.chain_logs import (
    AERODROME_BURN,
    SWAPS,
    SYNCS,
    V2_BURN,
    V2_MINT,
    V2_SWAP,
    V2_SYNC,
    ChainLog,
    PoolEvent,
)

_KINDS = {V2_MINT: "mint", V2_BURN: "burn", AERODROME_BURN: "burn"}
# Reserves of a Uniswap V2 pair are uint112, sums of them stay below 2^256.
_V2_LIMIT = 2**112
# Largest fee of an Aerodrome pool, in basis points of the input.
_MOST_BPS = 300

Reserves = tuple[int, int]


def pair_events(logs: list[ChainLog], bad: list[tuple[int, str, str]]) -> list[PoolEvent]:
    """Events of a pair, each with the reserves after it.

    Parameters
    ----------
    logs : list of ChainLog
        Sync, Swap, Mint and Burn of one pair in the order of the chain.
    bad : list of (int, str, str)
        Rows that are no such log; what contradicts itself is added: a Swap, Mint or Burn without
        its Sync, reserves that do not follow from the swap, a product that falls.

    Returns
    -------
    list of PoolEvent
        Swaps, mints and burns; ``sync`` for reserves that changed without one of them, and
        where a swap does not fit its Sync.

    Notes
    -----
    A pair emits Sync with its new reserves, then Swap (or Mint, or Burn), in one transaction. On
    a Uniswap V2 fork the reserves after are those before + in - out; on Aerodrome the fee has
    left them as well. In both x y never falls in a swap (not so on Aerodrome's stable pools,
    which keep x^3 y + y^3 x): checked in whole numbers wherever the reserves before are known.
    """
    events: list[PoolEvent] = []
    before: Reserves | None = None
    waiting: ChainLog | None = None
    for log in logs:
        topic = log.topics[0]
        if topic in SYNCS:
            if waiting is not None:
                before = _settle(waiting, events)
            waiting = log
            fault = _impossible(log)
            if fault:
                bad.append((log.row, f"log {fault}", log.text))
                waiting = before = None
            continue
        if waiting is None or not _together(waiting, log):
            bad.append(
                (log.row, "log order: no Sync before it in its transaction; it goes with a Swap, "
                 "Mint or Burn and tells the reserves", log.text)
            )  # fmt: skip
            continue
        after = waiting.words[0], waiting.words[1]
        if topic in SWAPS:
            fault = _unlike(before, after, log) if before else _nothing(log)
            if fault:
                bad.append((log.row, f"log {fault}", log.text))
                before = _settle(waiting, events)
            else:
                paid, taken = (log.words[0], log.words[1]), (log.words[2], log.words[3])
                events.append(_event(log, "swap", paid, taken, after))
        else:
            amounts, none = (log.words[0], log.words[1]), (0, 0)
            paid, taken = (amounts, none) if _KINDS[topic] == "mint" else (none, amounts)
            events.append(_event(log, _KINDS[topic], paid, taken, after))
        before, waiting = after, None
    if waiting is not None:
        _settle(waiting, events)
    return events


def _event(
    log: ChainLog, kind: str, paid: Reserves, taken: Reserves, reserves: Reserves
) -> PoolEvent:
    return PoolEvent(log.block, log.ts, log.index, kind, paid, taken, reserves)


def _settle(sync: ChainLog, events: list[PoolEvent]) -> Reserves:
    """Keep a Sync that stands alone: a donation, a skim, or an event that was left out."""
    reserves = sync.words[0], sync.words[1]
    events.append(_event(sync, "sync", (0, 0), (0, 0), reserves))
    return reserves


def _together(sync: ChainLog, log: ChainLog) -> bool:
    """Whether a log belongs to the Sync before it."""
    return sync.block == log.block and sync.transaction == log.transaction


def _impossible(sync: ChainLog) -> str | None:
    """What no Sync can say."""
    if min(sync.words) == 0 and max(sync.words) > 0:
        return f"reserves: {sync.words[0]} and {sync.words[1]}: one token alone"
    if sync.topics[0] == V2_SYNC and max(sync.words) >= _V2_LIMIT:
        return f"reserves: {max(sync.words)} must be below 2^112"
    return None


def _nothing(swap: ChainLog) -> str | None:
    """What no Swap can say."""
    if sum(swap.words[:2]) == 0 or sum(swap.words[2:]) == 0:
        return "amounts: a swap that pays nothing in or takes nothing out"
    return None


def _unlike(before: Reserves, after: Reserves, swap: ChainLog) -> str | None:
    """How a swap contradicts the reserves around it."""
    if _nothing(swap):
        return _nothing(swap)
    product = before[0] * before[1], after[0] * after[1]
    for token in range(2):
        paid, taken = swap.words[token], swap.words[2 + token]
        left = before[token] + paid - taken - after[token]
        most = 0 if swap.topics[0] == V2_SWAP else paid * _MOST_BPS // 10_000
        if not 0 <= left <= most:
            return (
                f"reserves: {before[token]} of token {token} before + {paid} in - {taken} out, and "
                f"its Sync says {after[token]}: logs are missing before it, or a number is wrong"
            )
    if product[1] < product[0]:
        return f"product: reserve0 x reserve1 falls from {product[0]} to {product[1]} in a swap"
    return None
