"""Blocks of an Ethereum-like chain, and the swaps of one constant-product pool."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from ethpredict.data.chain_logs import SWAPS, SYNCS, PoolEvent, event_table
from ethpredict.data.market import BLOCK_COLUMNS, POOL_EVENT_COLUMNS, typed_table
from ethpredict.data.sources.access import Access
from ethpredict.data.sources.evm_rpc import Chain
from ethpredict.data.timestamps import NS_PER_SECOND, iso
from ethpredict.errors import ConfigError, DataError
from ethpredict.io.progress import tracked
from ethpredict.io.redact import public_url

_ADDRESS = re.compile("0x[0-9a-fA-F]{40}")
_PERCENTILES = (10, 50, 90)
_FEE_BLOCKS = 100
_WEI_PER_GWEI = 1e9
_FINAL_S = 900


def fetch(
    access: Access, blocks: bool, pool: bool
) -> tuple[pd.DataFrame, pd.DataFrame, list[dict[str, Any]]]:
    """Blocks and pool events of the period.

    Parameters
    ----------
    access : Access
        The way to the node.
    blocks, pool : bool
        What is wanted; the other table stays empty.

    Returns
    -------
    blocks : DataFrame
        `BLOCK_COLUMNS`.
    events : DataFrame
        `POOL_EVENT_COLUMNS`.
    inputs : list of dict
        Name and digest of the answers.

    Raises
    ------
    ConfigError
        If there is no node or no pool's address.
    DataError
        If the period is not over and final yet, or the node's answers
        contradict each other.
    """
    chain = Chain(access)
    end = -(-access.end // NS_PER_SECOND)
    if access.client.clock() < end + _FINAL_S:
        raise DataError(
            public_url(chain.url),
            None,
            f"data.end {iso(access.end)} is not final yet; end at least 15 minutes ago",
        )
    head = chain.head()
    first = chain.first_at(-(-access.start // NS_PER_SECOND), head)
    last = chain.first_at(end, head) - 1
    if last < first:
        raise DataError(public_url(chain.url), None, "the node has no block in the period")
    block_table = _blocks(chain, first, last) if blocks else typed_table(BLOCK_COLUMNS)
    events = _events(access, chain, first, last) if pool else typed_table(POOL_EVENT_COLUMNS)
    return block_table, events, list(chain.inputs.values())


def _blocks(chain: Chain, first: int, last: int) -> pd.DataFrame:
    rows = []
    starts = range(first, last + 1, _FEE_BLOCKS)
    for low in tracked(starts, len(starts), "hundreds of blocks"):
        high = min(low + _FEE_BLOCKS - 1, last)
        headers = chain.headers(range(low, high + 1))
        fees = chain.fees(low, high, _PERCENTILES)
        for number, fee in zip(range(low, high + 1), fees, strict=True):
            header = headers[number]
            base_fee = int(header["baseFeePerGas"], 16)
            if base_fee != fee["base_fee"]:
                raise DataError(
                    public_url(chain.url),
                    None,
                    f"block {number}: base fee {base_fee} in its header, {fee['base_fee']} in the "
                    "fee history; use another node",
                )
            stamp = int(header["timestamp"], 16) * NS_PER_SECOND
            gas = [int(header[key], 16) for key in ("gasUsed", "gasLimit")]
            tips = [tip / _WEI_PER_GWEI for tip in fee["tips"]]
            rows.append([number, stamp, base_fee, *gas, *tips])
    columns = zip(*rows, strict=True)
    return typed_table(BLOCK_COLUMNS, dict(zip(BLOCK_COLUMNS, map(list, columns), strict=True)))


def _events(access: Access, chain: Chain, first: int, last: int) -> pd.DataFrame:
    evm = access.data["evm"]
    address = evm["pool"]
    if not address or not _ADDRESS.fullmatch(address):
        raise ConfigError("data.evm.pool", address, "the pool's address, 0x and 40 hex digits")
    logs = []
    starts = range(first, last + 1, evm["log_blocks"])
    for low in tracked(starts, len(starts), "ranges of logs"):
        high = min(low + evm["log_blocks"] - 1, last)
        logs += chain.logs(address, (*SYNCS, *SWAPS), low, high)
    decoded = list(pool_events(public_url(chain.url), logs))
    headers = chain.headers(event["block"] for event in decoded)
    placed = (
        PoolEvent(
            block=event["block"],
            ts=int(headers[event["block"]]["timestamp"], 16) * NS_PER_SECOND,
            log_index=event["log_index"],
            kind=event["kind"],
            paid=event["amounts"][:2],
            taken=event["amounts"][2:],
            reserves=event["reserves"],
        )
        for event in decoded
    )
    return event_table(placed, (evm["decimals0"], evm["decimals1"]), evm["eth_is_token0"])


def pool_events(where: str, logs: list[dict[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Pair the Sync and Swap logs of a Uniswap-V2, PancakeSwap or Aerodrome pool.

    Parameters
    ----------
    where : str
        Name of the node, for errors.
    logs : list of dict
        As ``eth_getLogs`` gives them; logs marked ``removed`` are left out.

    Yields
    ------
    mapping
        ``block``, ``log_index``, ``kind``, ``amounts`` (amount0In, amount1In,
        amount0Out, amount1Out) and ``reserves`` (0, 1) after the event, exact
        integers in the tokens' smallest units. ``kind`` is ``swap``, or
        ``sync`` for a change of reserves without a swap (mint, burn, skim).

    Raises
    ------
    DataError
        If a swap has no Sync before it in its transaction.

    Notes
    -----
    A pool emits Sync, with the new reserves, before the Swap. On Aerodrome
    the fee leaves the pool: reserve after = before + in - fee - out.
    """
    ordered = sorted(
        (log for log in logs if not log.get("removed")),
        key=lambda log: (int(log["blockNumber"], 16), int(log["logIndex"], 16)),
    )
    waiting: dict[str, Any] | None = None
    for log in ordered:
        topic = log["topics"][0].lower()
        words = _words(where, log)
        if topic in SYNCS:
            if waiting is not None:
                yield _event(waiting, waiting, "sync", (0, 0, 0, 0))
            waiting = {**log, "reserves": words[:2]}
        elif topic in SWAPS:
            if waiting is None or waiting["transactionHash"] != log["transactionHash"]:
                raise DataError(
                    where,
                    None,
                    f"block {int(log['blockNumber'], 16)}: a swap without the Sync that goes "
                    "before it; is data.evm.pool a V2, PancakeSwap or Aerodrome pool?",
                )
            yield _event(log, waiting, "swap", words[:4])
            waiting = None
    if waiting is not None:
        yield _event(waiting, waiting, "sync", (0, 0, 0, 0))


def _event(
    log: Mapping[str, Any], sync: Mapping[str, Any], kind: str, amounts: tuple[int, ...]
) -> Mapping[str, Any]:
    return {
        "block": int(log["blockNumber"], 16),
        "log_index": int(log["logIndex"], 16),
        "kind": kind,
        "amounts": amounts,
        "reserves": sync["reserves"],
    }


def _words(where: str, log: Mapping[str, Any]) -> tuple[int, ...]:
    """Words of 32 bytes in a log's data."""
    data = log["data"].removeprefix("0x")
    wanted = 2 if log["topics"][0].lower() in SYNCS else 4
    if len(data) != wanted * 64:
        raise DataError(where, None, f"a log with {len(data) // 2} bytes instead of {wanted * 32}")
    return tuple(int(data[at : at + 64], 16) for at in range(0, len(data), 64))
