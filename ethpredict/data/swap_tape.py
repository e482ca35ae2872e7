"""Raw logs of a pool to pool events: Uniswap V3 on virtual reserves, V2 and Aerodrome pairs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ethpredict.data.chain_logs import (
    PANCAKE_V3_SWAP,
    PASSED_OVER,
    V3_MINT,
    V3_SWAP,
    V3_WORDS,
    ChainLog,
    PoolEvent,
    chain_logs,
    checked,
    event_table,
    signed,
)
from ethpredict.data.pair_logs import pair_events
from ethpredict.errors import DataError
from ethpredict.io.json_table import read_objects_or_table
from ethpredict.io.raw_table import RawTable

_Q96 = 2**96
# Bounds of a V3 pool: sqrt prices of the ticks -887272 and 887272.
LEAST_ROOT, LARGEST_ROOT = 4295128739, 1461446703485210103287273052203988822378723970342
LARGEST_TICK = 887_272
LARGEST_LIQUIDITY = 2**128 - 1


@dataclass(frozen=True)
class PoolLog:
    """One log of a pool, in exact integers of the tokens' smallest units.

    Parameters
    ----------
    block, ts, log_index : int
        Where and when (UTC ns).
    kind : str
        ``swap``, ``mint`` or ``burn``.
    amount0, amount1 : int
        Into the pool where positive, out of it where negative; of a burn the
        tokens that it frees (they leave later, by a collect).
    sqrt_price_x96, liquidity : int or None
        State after the event; None where it is not known yet.
    """

    block: int
    ts: int
    log_index: int
    kind: str
    amount0: int
    amount1: int
    sqrt_price_x96: int | None
    liquidity: int | None


def read_swaps(
    path: str | Path,
    decimals0: int = 6,
    decimals1: int = 18,
    eth_is_token0: bool = False,
    quarantine: bool = False,
) -> pd.DataFrame:
    """Read the logs of one pool as a tape of pool events.

    Parameters
    ----------
    path : path-like
        csv, parquet, JSON lines or the JSON answer of ``eth_getLogs``: block number, block
        timestamp (UTC), log index, topics and data; see
        :func:`ethpredict.data.chain_logs.chain_logs`. Uniswap V3 and PancakeSwap V3 (Swap, Mint,
        Burn), or a Uniswap V2 fork or Aerodrome (Sync, Swap, Mint, Burn; also decoded).
        Collect and other logs that move no reserve which trades are left out.
    decimals0, decimals1 : int
        Decimals of the pool's tokens (USDC / WETH by default).
    eth_is_token0 : bool
        Whether ETH is the pool's token 0.
    quarantine : bool
        Leave unreadable rows out instead of stopping at the first.

    Returns
    -------
    DataFrame
        `POOL_EVENT_COLUMNS`, token 0 = ETH; ``reserve0`` and ``reserve1`` are the reserves
        after the event; for V3 the *virtual* ones, nan before the first swap.

    Raises
    ------
    DataError
        If the file cannot be used or a row is bad.

    Notes
    -----
    Within one range of ticks a V3 pool of liquidity L at sqrt price s (token 1
    per token 0) trades like a constant product on the virtual reserves
    x = L / s and y = L s. Mints and burns change L only where their range
    holds the current tick; a swap that crosses a tick changes it as well.

    References
    ----------
    Adams, Zinsmeister, Salem, Keefer, Robinson (2021), Uniswap v3 Core, sections 2 and 6.2.
    """
    raw = read_objects_or_table(path)
    return read_pool_logs(raw, quarantine, (decimals0, decimals1), eth_is_token0)[0]


def read_pool_logs(
    raw: RawTable, quarantine: bool, decimals: tuple[int, int], eth_is_token0: bool
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Pool events of one file, and its rows that were set aside; see :func:`read_swaps`."""
    logs, bad = chain_logs(raw)
    kinds = {log.topics[0] in V3_WORDS for log in logs}
    if len(kinds) > 1:
        raise DataError(
            raw.path, None, "logs of a V3 pool and of a V2 pair in one file; keep those of one"
        )
    if True in kinds or not logs:
        events = [_event(log) for log in _followed(logs, bad)]
    else:
        events = pair_events(logs, bad)
    if not events and not bad:
        raise DataError(
            raw.path,
            None,
            f"no Swap, Mint, Burn or Sync among its logs ({', '.join(PASSED_OVER.values())} tell "
            "nothing of a pool's reserves)",
        )
    return event_table(events, decimals, eth_is_token0), checked(raw, bad, len(events), quarantine)


def _event(log: PoolLog) -> PoolEvent:
    """A V3 log on virtual reserves."""
    amounts = log.amount0, log.amount1
    return PoolEvent(
        log.block,
        log.ts,
        log.log_index,
        log.kind,
        (max(amounts[0], 0), max(amounts[1], 0)),
        (max(-amounts[0], 0), max(-amounts[1], 0)),
        virtual_reserves(log),
    )


def tape(logs: list[PoolLog], decimals0: int, decimals1: int, eth_is_token0: bool) -> pd.DataFrame:
    """Lay V3 logs out as pool events; see :func:`read_swaps`."""
    return event_table(map(_event, logs), (decimals0, decimals1), eth_is_token0)


def virtual_reserves(log: PoolLog) -> tuple[float, float]:
    """Virtual reserves of the pool's tokens 0 and 1 after a log, smallest units; nan if unknown."""
    if log.sqrt_price_x96 is None or log.liquidity is None:
        return float("nan"), float("nan")
    return (
        log.liquidity * _Q96 / log.sqrt_price_x96,
        log.liquidity * log.sqrt_price_x96 / _Q96,
    )


def pool_logs(raw: RawTable, quarantine: bool) -> tuple[list[PoolLog], pd.DataFrame]:
    """Decode V3 logs in the order of the chain and follow price and liquidity.

    Parameters
    ----------
    raw : RawTable
        With a header; see :func:`read_swaps`.
    quarantine : bool
        Whether rows that cannot be decoded are set aside.

    Returns
    -------
    logs : list of PoolLog
        Swaps, mints and burns, oldest first.
    quarantined : DataFrame
        `QUARANTINED_COLUMNS`.

    Raises
    ------
    DataError
        On a missing column or, unless `quarantine`, a row that is no log.
    """
    logs, bad = chain_logs(raw)
    followed = list(_followed(logs, bad))
    return followed, checked(raw, bad, len(followed), quarantine)


def _followed(logs: Iterable[ChainLog], bad: list[tuple[int, str, str]]) -> Iterator[PoolLog]:
    """Price and liquidity after each log; what no V3 pool can emit goes to the bad rows."""
    price: int | None = None
    liquidity: int | None = None
    tick = 0
    for log in logs:
        words = log.words
        where = (log.block, log.ts, log.index)
        if log.topics[0] in (V3_SWAP, PANCAKE_V3_SWAP):
            fault = _fault(words)
            if fault:
                bad.append((log.row, f"log {fault}", log.text))
                continue
            price, liquidity, tick = words[2], words[3], signed(words[4])
            amounts = signed(words[0]), signed(words[1])
            yield PoolLog(*where, "swap", *amounts, price, liquidity)
            continue
        if len(log.topics) < 4:
            bad.append((log.row, "log topics: a Mint or Burn of a V3 pool has four", log.text))
            continue
        low, high = (signed(int(topic, 16)) for topic in log.topics[2:4])
        minted = log.topics[0] == V3_MINT
        amount, *tokens = words[1:] if minted else words
        sign = 1 if minted else -1
        if liquidity is not None and low <= tick < high:
            liquidity += sign * amount
        if liquidity is not None and liquidity < 0:
            bad.append(
                (log.row, "log liquidity: a burn of more than is there; logs are missing", log.text)
            )
            liquidity -= sign * amount
            continue
        kind = "mint" if minted else "burn"
        yield PoolLog(*where, kind, sign * tokens[0], sign * tokens[1], price, liquidity)


def _fault(words: tuple[int, ...]) -> str | None:
    """What no Swap of a V3 pool can say."""
    tick = signed(words[4])
    if not LEAST_ROOT <= words[2] <= LARGEST_ROOT:
        return f"sqrtPriceX96: {words[2]} must be from {LEAST_ROOT} to {LARGEST_ROOT}"
    if words[3] > LARGEST_LIQUIDITY:
        return f"liquidity: {words[3]} must be below 2^128"
    if abs(tick) > LARGEST_TICK:
        return f"tick: {tick} must be from -{LARGEST_TICK} to {LARGEST_TICK}"
    if signed(words[0]) < 0 and signed(words[1]) < 0:
        return "amounts: a swap that pays nothing in"
    return None
