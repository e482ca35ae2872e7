"""Logs of one pool as a chain's node or an explorer exports them, in the order of the chain."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa

from ethpredict.data.market import POOL_EVENT_COLUMNS, QUARANTINED_COLUMNS, typed_table
from ethpredict.data.timestamps import NO_TIME, to_nanoseconds
from ethpredict.errors import ConfigError, DataError
from ethpredict.io.raw_table import RawTable

logger = logging.getLogger(__name__)

# keccak-256 of the events' signatures.
V3_SWAP = "0xc42079f94a6350d7e6235f29174924f928cc2ac818eb64fed8004e115fbcca67"
PANCAKE_V3_SWAP = "0x19b47279256b2a23a1665c810c8d55a1758940ee09377d4f8d26497a3577dc83"
V3_MINT = "0x7a53080ba414158be7ec69b987b5fb7d07dee101fe85488f0853ae16239d0bde"
V3_BURN = "0x0c396cd989a39f4459b5fa1aed6a9a8dcdbc45908acfd67e028cd568da98982c"
V2_SYNC = "0x1c411e9a96e071241c2f21f7726b17ae89e3cab4c78be50e062b03a9fffbbad1"
V2_SWAP = "0xd78ad95fa46c994b6551d0da85fc275fe613ce37657fb8d5e3d130840159d822"
V2_MINT = "0x4c209b5fc8ad50758f13e2e1088ba56a560dff690a1c6fef26394f4c03821c4f"
V2_BURN = "0xdccd412f0b1252819cb1fd330b93224ca42612892bb3f4f789976e6d81936496"
AERODROME_SYNC = "0xcf2aa50876cdfbb541206f89af0ee78d44a2abf8d328e37fa4917f982149848a"
AERODROME_SWAP = "0xb3e2773606abfd36b5bd91394b3a54d1398336c65005baf7bf7a05efeffaf75b"
AERODROME_BURN = "0x5d624aa9c148153ab3446c1b154f660ee7701e549fe9b62dab7171b1c80e6fa2"
# Of pairs: the event that tells the reserves, and the one that trades.
SYNCS, SWAPS = (V2_SYNC, AERODROME_SYNC), (V2_SWAP, AERODROME_SWAP)
# Words of data in the events that are read.
V3_WORDS = {V3_SWAP: 5, PANCAKE_V3_SWAP: 7, V3_MINT: 4, V3_BURN: 3}
PAIR_WORDS = {
    V2_SYNC: 2, V2_SWAP: 4, V2_MINT: 2, V2_BURN: 2,
    AERODROME_SYNC: 2, AERODROME_SWAP: 4, AERODROME_BURN: 2,
}  # fmt: skip
# Events that a pool emits as well and that move no reserve which trades.
PASSED_OVER = {
    "0x70935338e69775456a85ddef226c395fb668b63fa0115f5f20610b388e6ca9c0": "Collect",
    "0x98636036cb66a9c19a37435efc1e90142190214e8abeb821bdba3f2990dd4c95": "Initialize",
    "0xbdbdb71d7860376ba52b25a5028beea23581364a40522f6bcfb86bb1f2dca633": "Flash",
    "0x596b573906218d3411850b26a6b437d6c4522fdb43d2d2386263f86d50b8b151": "CollectProtocol",
    "0x973d8d92bb299f4af6ce49b52a8adb85ae46b9f214c4c4fc06ac77401237b133": "SetFeeProtocol",
    "0xac49e518f90a358f652e4400164f05a5d8f7e35e7747279bc3a93dbf584e125a":
        "IncreaseObservationCardinalityNext",
    "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef": "Transfer",
    "0x8c5be1e5ebec7d5bd14f71427d1e84f3dd0314c0f7b2291e5b200ac8c7c3b925": "Approval",
    "0x112c256902bf554b6ed882d2936687aaeb4225e8cd5b51303c90ca6cf43a8602": "Fees",
    "0x865ca08d59f5cb456e85cd2f7ef63664ea4f73327414e9d8152c4158b0e94645": "Claim",
}  # fmt: skip
_NAMES = {
    "block_number": ("blocknumber", "block", "evtblocknumber"),
    "block_timestamp": ("blocktimestamp", "timestamp", "ts", "blocktime", "evtblocktime"),
    "log_index": ("logindex", "evtindex", "index"),
    "topics": ("topics",),
    "data": ("data",),
    "transaction_hash": ("transactionhash", "txhash", "evttxhash"),
    "block_hash": ("blockhash",),
    "removed": ("removed",),
    "address": ("address", "contractaddress"),
    "event": ("event", "eventname"),
}
_PLACE = ("block_number", "block_timestamp", "log_index")
# Decoded columns of a pair's events, by the event's name, and the event that they stand for.
DECODED = {
    "sync": (AERODROME_SYNC, ("reserve0", "reserve1")),
    "swap": (AERODROME_SWAP, ("amount0in", "amount1in", "amount0out", "amount1out")),
    "mint": (V2_MINT, ("amount0", "amount1")),
    "burn": (AERODROME_BURN, ("amount0", "amount1")),
}
_TOPIC = re.compile("0x[0-9a-f]{64}")
_WORD = 64
_TRUE = ("true", "1", "t", "yes")


@dataclass(frozen=True)
class ChainLog:
    """One log, undecoded.

    Parameters
    ----------
    row : int
        Where it stands in its file.
    text : str
        That row as it is.
    block, ts, index : int
        Place in the chain (UTC ns).
    transaction : str
        Hash of its transaction; empty where it is not told.
    topics : tuple of str
        Event and indexed arguments, 32 bytes each, lower case hex.
    words : tuple of int
        Its data, 32 bytes each.
    """

    row: int
    text: str
    block: int
    ts: int
    index: int
    transaction: str
    topics: tuple[str, ...]
    words: tuple[int, ...]


class PoolEvent(NamedTuple):
    """One event of a pool; token 0 and 1 of the pool, smallest units."""

    block: int
    ts: int
    log_index: int
    kind: str
    paid: tuple[int, int]
    taken: tuple[int, int]
    reserves: tuple[float, float]


def event_table(
    events: Iterable[PoolEvent], decimals: tuple[int, int], eth_is_token0: bool
) -> pd.DataFrame:
    """Lay events of a pool out as `POOL_EVENT_COLUMNS`, whose token 0 is ETH, in whole tokens."""
    for token, value in enumerate(decimals):
        if not 0 <= value <= 36:
            raise ConfigError(f"data.files.decimals{token}", value, "0 to 36")
    scale = tuple(10.0**value for value in decimals)
    order = (0, 1) if eth_is_token0 else (1, 0)
    table: dict[str, list[Any]] = {name: [] for name in POOL_EVENT_COLUMNS}
    for event in events:
        for name in ("block", "ts", "log_index", "kind"):
            table[name].append(getattr(event, name))
        for token, at in enumerate(order):
            table[f"amount{token}_in"].append(event.paid[at] / scale[at])
            table[f"amount{token}_out"].append(event.taken[at] / scale[at])
            table[f"reserve{token}"].append(event.reserves[at] / scale[at])
    return typed_table(POOL_EVENT_COLUMNS, table)


def chain_logs(raw: RawTable) -> tuple[list[ChainLog], list[tuple[int, str, str]]]:
    """Logs of a pool in the order of the chain, each once; events that move nothing left out.

    Parameters
    ----------
    raw : RawTable
        With names: block number, log index and data in hex or decimal, a time (ISO 8601, or
        since 1970 in any unit), topics as a list or as ``topic0`` to ``topic3``; or the decoded
        columns of a pair's events beside ``event``.

    Returns
    -------
    logs : list of ChainLog
        Without logs that a reorganisation removed, and repeated rows.
    bad : list of (int, str, str)
        Row, reason and text of what is no log of a pool.

    Raises
    ------
    DataError
        On a missing column, or logs of several contracts.
    """
    columns = _columns(raw)
    bad = list(raw.malformed)
    found: list[ChainLog] = []
    gone: dict[tuple[str, int, int], int] = {}
    moments = _moments(columns["block_timestamp"])
    for at, row in enumerate(raw.rows.tolist()):
        values = {name: texts[at] for name, texts in columns.items()}
        text = raw.raw(at)
        try:
            log = _log(values, int(moments[at]), row, text)
            if log is None:
                continue
            if str(values.get("removed")).strip().lower() in _TRUE:
                gone[values.get("block_hash") or "", log.block, log.index] = row
                continue
        except (ValueError, TypeError) as error:
            bad.append((row, f"log {error}", text))
            continue
        found.append(log)
    if gone:
        # A node sends a log again, marked, when its block is no longer part of the chain.
        hashes = dict(zip(raw.rows.tolist(), columns.get("block_hash") or [], strict=False))
        found = [log for log in found if not _is_gone(log, hashes.get(log.row) or "", gone)]
    return _ordered(found, bad), bad


def _is_gone(log: ChainLog, block_hash: str, gone: dict[tuple[str, int, int], int]) -> bool:
    """Whether a removal names a log: by its block's hash, or else one that stands before it."""
    at = gone.get((block_hash, log.block, log.index))
    return at is not None and (block_hash != "" or log.row < at)


def checked(
    raw: RawTable, bad: list[tuple[int, str, str]], count: int, quarantine: bool
) -> pd.DataFrame:
    """Stop at the first bad row, or lay all of them out (`QUARANTINED_COLUMNS`).

    Parameters
    ----------
    raw : RawTable
        The file.
    bad : list of (int, str, str)
        Row, reason, text.
    count : int
        Events that could be read.
    quarantine : bool
        Whether bad rows are set aside.
    """
    bad = sorted(bad)
    if bad and not quarantine:
        more = f" ({len(bad)} bad rows in all)" if len(bad) > 1 else ""
        raise DataError(
            raw.path, bad[0][0], f"{bad[0][1]}{more}; mend it or set data.on_bad_rows: quarantine"
        )
    if bad and not count:
        raise DataError(raw.path, bad[0][0], f"no usable row; the first: {bad[0][1]}")
    if bad:
        logger.warning("%s: %d bad rows set aside", raw.path.name, len(bad))
    columns = list(zip(*bad, strict=True)) or [(), (), ()]
    return typed_table(
        QUARANTINED_COLUMNS, dict(zip(QUARANTINED_COLUMNS, map(list, columns), strict=True))
    )


def signed(word: int) -> int:
    """A word of 32 bytes as two's complement.

    Examples
    --------
    >>> signed(2**256 - 5), signed(7)
    (-5, 7)
    """
    return word - 2**256 if word >= 2**255 else word


def _columns(raw: RawTable) -> dict[str, list[Any]]:
    """Texts of the columns that are known, by their canonical names."""
    names = [re.sub("[^a-z0-9]", "", str(name).lower()) for name in raw.names or ()]
    found = {}
    for canonical, known in _NAMES.items():
        at = next((names.index(name) for name in known if name in names), None)
        if at is not None:
            found[canonical] = raw.columns[at].cast(pa.string()).to_pylist()
    if "topics" not in found and "topic0" in names:
        parts = [
            raw.columns[names.index(f"topic{k}")].cast(pa.string()).to_pylist()
            for k in range(4)
            if f"topic{k}" in names
        ]
        found["topics"] = [" ".join(filter(None, row)) for row in zip(*parts, strict=True)]
    decoded = {name for _, wanted in DECODED.values() for name in wanted}
    if "event" in found and "reserve0" in names and "data" not in found:
        for name in decoded & set(names):
            found[name] = raw.columns[names.index(name)].cast(pa.string()).to_pylist()
        wanted: tuple[str, ...] = _PLACE
    else:
        found.pop("event", None)
        wanted = (*_PLACE, "topics", "data")
    missing = [name for name in wanted if name not in found]
    if missing:
        raise DataError(raw.path, 1, f"no column {', '.join(missing)}; raw logs of a pool need it")
    owners = {str(owner).strip().lower() for owner in found.get("address", ()) if owner}
    if len(owners) > 1:
        raise DataError(
            raw.path,
            None,
            f"logs of {len(owners)} contracts ({', '.join(sorted(owners)[:3])}); keep those of "
            "one pool",
        )
    return found


def _moments(texts: list[Any]) -> Any:
    """UTC ns of block times; hex is seconds."""
    plain = []
    for value in texts:
        text = "" if value is None else str(value).strip()
        is_hex = re.fullmatch("0[xX][0-9a-fA-F]{1,16}", text)
        plain.append(str(int(text, 16)) if is_hex else text)
    return to_nanoseconds(pa.array(plain, pa.string()))[0]


def _log(values: dict[str, Any], ts: int, row: int, text: str) -> ChainLog | None:
    """One row; None for an event that moves nothing."""
    if ts == NO_TIME:
        raise ValueError(
            f"block_timestamp: {values['block_timestamp']!r} is no moment of 1990..2100"
        )
    if "topics" in values:
        topics = tuple(_TOPIC.findall(str(values["topics"]).lower()))
        if topics and topics[0] in PASSED_OVER:
            return None
        count = (V3_WORDS | PAIR_WORDS).get(topics[0] if topics else "")
        if count is None:
            raise ValueError(
                f"event: {list(topics[:1])} is no Swap, Mint, Burn or Collect of a V3 pool and no "
                "Sync, Swap, Mint or Burn of a V2 or Aerodrome pool"
            )
        words = _words(str(values["data"]), count)
    else:
        event = str(values["event"]).strip().lower()
        if event not in DECODED:
            raise ValueError(f"event: {values['event']!r} is none of {', '.join(DECODED)}")
        topic, names = DECODED[event]
        topics = (topic,)
        words = tuple(_amount(name, values.get(name)) for name in names)
    return ChainLog(
        row=row,
        text=text,
        block=_place("block_number", values["block_number"]),
        ts=ts,
        index=_place("log_index", values["log_index"]),
        transaction=str(values.get("transaction_hash") or "").strip().lower(),
        topics=topics,
        words=words,
    )


def _words(text: str, count: int) -> tuple[int, ...]:
    """Data of a log."""
    data = text.strip().removeprefix("0x").removeprefix("0X")
    if len(data) != count * _WORD:
        raise ValueError(f"data: {len(data) // 2} bytes instead of {count * 32}")
    words = (f"0x{data[at : at + _WORD]}" for at in range(0, len(data), _WORD))
    return tuple(_number("data", word) for word in words)


def _number(name: str, value: Any) -> int:
    """A whole number, hex with 0x or decimal."""
    text = "" if value is None else str(value).strip()
    try:
        return int(text, 16 if text.lower().startswith("0x") else 10)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def _place(name: str, value: Any) -> int:
    """Number of a block or of a log."""
    number = _number(name, value)
    if not 0 <= number < 2**63:
        raise ValueError(f"{name}: {number} must be from 0 to 2^63 - 1")
    return number


def _amount(name: str, value: Any) -> int:
    """An amount of a decoded event, smallest units."""
    number = _number(name, value)
    if not 0 <= number < 2**256:
        raise ValueError(f"{name}: {number} must be from 0 to 2^256 - 1")
    return number


def _ordered(found: list[ChainLog], bad: list[tuple[int, str, str]]) -> list[ChainLog]:
    """Sort by place; repeated rows once, and what contradicts the chain's order among the bad."""
    kept: list[ChainLog] = []
    repeated = 0
    for log in sorted(found, key=lambda log: (log.block, log.index, log.row)):
        last = kept[-1] if kept else None
        if last and (last.block, last.index) == (log.block, log.index):
            if (last.topics, last.words, last.ts) == (log.topics, log.words, log.ts):
                repeated += 1
                continue
            bad.append(
                (
                    log.row,
                    f"log twice: block {log.block}, log {log.index} stands in row {last.row} with "
                    "other content (a reorganised block?); keep the one of the final chain",
                    log.text,
                )
            )
        elif last and (log.ts < last.ts or (log.block == last.block and log.ts != last.ts)):
            bad.append(
                (
                    log.row,
                    f"log time: block {log.block} at {log.ts} ns follows block {last.block} (row "
                    f"{last.row}) at {last.ts} ns",
                    log.text,
                )
            )
        else:
            kept.append(log)
    if repeated:
        logger.info("%d repeated logs left out", repeated)
    return kept
