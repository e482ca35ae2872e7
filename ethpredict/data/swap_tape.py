"""Raw logs of a Uniswap V3 pool to pool events on virtual reserves."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ethpredict.data.market import POOL_EVENT_COLUMNS, QUARANTINED_COLUMNS, typed_table
from ethpredict.data.timestamps import parse_moment
from ethpredict.errors import ConfigError, DataError
from ethpredict.io.raw_table import RawTable, read_raw_table

# keccak-256 of the events' signatures.
V3_SWAP = "0xc42079f94a6350d7e6235f29174924f928cc2ac818eb64fed8004e115fbcca67"
V3_MINT = "0x7a53080ba414158be7ec69b987b5fb7d07dee101fe85488f0853ae16239d0bde"
V3_BURN = "0x0c396cd989a39f4459b5fa1aed6a9a8dcdbc45908acfd67e028cd568da98982c"
V3_COLLECT = "0x70935338e69775456a85ddef226c395fb668b63fa0115f5f20610b388e6ca9c0"
_WORDS = {V3_SWAP: 5, V3_MINT: 4, V3_BURN: 3, V3_COLLECT: 3}
_FIELDS = ("block_number", "block_timestamp", "log_index", "topics", "data")
_Q96 = 2**96
_WORD = 64
_TOPIC = re.compile("0x[0-9a-f]{64}")


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
    """Read Swap, Mint and Burn logs of one pool as a tape of pool events.

    Parameters
    ----------
    path : path-like
        csv with ``block_number``, ``block_timestamp`` (UTC), ``log_index``,
        ``topics`` (a list) and ``data`` (hex); Collect logs are left out,
        because they move no reserve that trades.
    decimals0, decimals1 : int
        Decimals of the pool's tokens (USDC / WETH by default).
    eth_is_token0 : bool
        Whether ETH is the pool's token 0.
    quarantine : bool
        Leave unreadable rows out instead of stopping at the first.

    Returns
    -------
    DataFrame
        `POOL_EVENT_COLUMNS`, token 0 = ETH; ``reserve0`` and ``reserve1`` are
        the *virtual* reserves after the event, nan before the first swap.

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
    logs, _ = pool_logs(read_raw_table(path), quarantine)
    return tape(logs, decimals0, decimals1, eth_is_token0)


def tape(logs: list[PoolLog], decimals0: int, decimals1: int, eth_is_token0: bool) -> pd.DataFrame:
    """Lay logs out as pool events; see :func:`read_swaps`."""
    for key, value in (("decimals0", decimals0), ("decimals1", decimals1)):
        if not 0 <= value <= 36:
            raise ConfigError(f"data.files.{key}", value, "0 to 36")
    scale = (10.0**decimals0, 10.0**decimals1)
    order = (0, 1) if eth_is_token0 else (1, 0)
    table: dict[str, list[Any]] = {name: [] for name in POOL_EVENT_COLUMNS}
    for log in logs:
        for name in ("block", "ts", "log_index", "kind"):
            table[name].append(getattr(log, name))
        amounts, reserves = (log.amount0, log.amount1), virtual_reserves(log)
        for token, at in enumerate(order):
            table[f"amount{token}_in"].append(max(amounts[at], 0) / scale[at])
            table[f"amount{token}_out"].append(max(-amounts[at], 0) / scale[at])
            table[f"reserve{token}"].append(reserves[at] / scale[at])
    return typed_table(POOL_EVENT_COLUMNS, table)


def virtual_reserves(log: PoolLog) -> tuple[float, float]:
    """Virtual reserves of the pool's tokens 0 and 1 after a log, smallest units; nan if unknown."""
    if log.sqrt_price_x96 is None or log.liquidity is None:
        return float("nan"), float("nan")
    return (
        log.liquidity * _Q96 / log.sqrt_price_x96,
        log.liquidity * log.sqrt_price_x96 / _Q96,
    )


def pool_logs(raw: RawTable, quarantine: bool) -> tuple[list[PoolLog], pd.DataFrame]:
    """Decode logs in the order of the chain and follow price and liquidity.

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
    names = [name.strip() for name in raw.names or ()]
    missing = [name for name in _FIELDS if name not in names]
    if missing:
        raise DataError(raw.path, 1, f"no column {', '.join(missing)}; raw logs of a pool need it")
    bad = list(raw.malformed)
    found: list[tuple[tuple[int, int], dict[str, Any]]] = []
    for at, row in enumerate(raw.rows.tolist()):
        values = {n: c[at].as_py() for n, c in zip(names, raw.columns, strict=True)}
        try:
            log = _decoded(values)
        except (ValueError, KeyError, TypeError, ConfigError) as error:
            bad.append((row, f"log {error}", raw.raw(at)))
            continue
        found.append(((log["block"], log["log_index"]), log))
    bad.sort()
    if bad and not quarantine:
        raise DataError(
            raw.path, bad[0][0], f"{bad[0][1]}; mend it or set data.on_bad_rows: quarantine"
        )
    found.sort(key=lambda item: item[0])
    columns = list(zip(*bad, strict=True)) or [(), (), ()]
    aside = typed_table(
        QUARANTINED_COLUMNS, dict(zip(QUARANTINED_COLUMNS, map(list, columns), strict=True))
    )
    return list(_followed(log for _, log in found)), aside


def _decoded(values: dict[str, Any]) -> dict[str, Any]:
    """Block, time, place, event and words of one row."""
    topics = _TOPIC.findall(str(values["topics"]).lower())
    if not topics or topics[0] not in _WORDS:
        raise ValueError(f"event: {topics[:1]} is no Swap, Mint, Burn or Collect of a V3 pool")
    data = str(values["data"]).removeprefix("0x")
    if len(data) != _WORDS[topics[0]] * _WORD:
        raise ValueError(f"data: {len(data) // 2} bytes instead of {_WORDS[topics[0]] * 32}")
    words = [int(data[at : at + _WORD], 16) for at in range(0, len(data), _WORD)]
    return {
        "block": int(values["block_number"]),
        "ts": parse_moment(str(values["block_timestamp"]), "block_timestamp"),
        "log_index": int(values["log_index"]),
        "event": topics[0],
        "topics": topics,
        "words": words,
    }


def _followed(logs: Iterable[dict[str, Any]]) -> Iterator[PoolLog]:
    """Price and liquidity after each log."""
    price: int | None = None
    liquidity: int | None = None
    tick = 0
    for log in logs:
        words = log["words"]
        where = (log["block"], log["ts"], log["log_index"])
        if log["event"] == V3_SWAP:
            price, liquidity, tick = words[2], words[3], _signed(words[4])
            amounts = _signed(words[0]), _signed(words[1])
            yield PoolLog(*where, "swap", *amounts, price, liquidity)
        elif log["event"] in (V3_MINT, V3_BURN):
            low, high = (_signed(int(topic, 16)) for topic in log["topics"][2:4])
            minted = log["event"] == V3_MINT
            amount, *tokens = words[1:] if minted else words
            sign = 1 if minted else -1
            if liquidity is not None and low <= tick < high:
                liquidity += sign * amount
            kind = "mint" if minted else "burn"
            yield PoolLog(*where, kind, sign * tokens[0], sign * tokens[1], price, liquidity)


def _signed(word: int) -> int:
    """A word of 32 bytes as two's complement."""
    return word - 2**256 if word >= 2**255 else word
