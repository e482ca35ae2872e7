"""Local files of a chain: blocks with their base fees, events and states of a pool."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ethpredict.data.market import (
    BLOCK_COLUMNS,
    POOL_EVENT_COLUMNS,
    typed_table,
)
from ethpredict.data.named_columns import Column, names_of, read_columns
from ethpredict.data.swap_tape import read_pool_logs
from ethpredict.errors import DataError
from ethpredict.io.raw_table import RawTable

_WEI_PER_GWEI = 10**9
_TIPS = {
    name: Column((name,), low=0.0, empty=True, default=np.nan)
    for name in ("tip_p10", "tip_p50", "tip_p90")
}
_GAS = {name: Column((name,), "whole", default=0) for name in ("gas_used", "gas_limit")}


def block_part(raw: RawTable, quarantine: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read blocks: number, time and base fee; gas and tips where the file has them.

    Parameters
    ----------
    raw : RawTable
        ``number`` or ``block_number``; ``ts``, ``timestamp`` or
        ``timestamp_s``; ``base_fee_wei`` (whole) or ``base_fee_gwei``.
    quarantine : bool
        Whether bad rows are set aside.

    Returns
    -------
    blocks : DataFrame
        `BLOCK_COLUMNS`; gas is 0 and tips are nan where they are not told.
    quarantined : DataFrame
        `QUARANTINED_COLUMNS`.

    Raises
    ------
    DataError
        If a column is missing or, unless `quarantine`, a row is bad.
    """
    columns = {
        "ts": Column(("ts", "timestamp", "timestamp_s", "block_timestamp"), "ts"),
        "number": Column(("number", "block_number"), "whole"),
        **_GAS,
        **_TIPS,
    }
    exact = "base_fee_wei" in names_of(raw)
    columns["fee"] = (
        Column(("base_fee_wei",), "whole") if exact else Column(("base_fee_gwei",), low=0.0)
    )
    values, aside = read_columns(raw, columns, "block", quarantine)
    fee = values.pop("fee")
    values["base_fee_wei"] = fee if exact else np.rint(fee * _WEI_PER_GWEI).astype(np.int64)
    return typed_table(BLOCK_COLUMNS, values), aside


def pool_part(
    raw: RawTable, quarantine: bool, decimals: tuple[int, int], eth_is_token0: bool
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read pool events: canonical ones, or raw logs of a V3 pool or of a V2 or Aerodrome pair.

    Parameters
    ----------
    raw : RawTable
        `POOL_EVENT_COLUMNS`, or see :func:`ethpredict.data.swap_tape.read_swaps`.
    quarantine : bool
        Whether bad rows are set aside.
    decimals : (int, int)
        Decimals of the pool's tokens 0 and 1, for raw logs.
    eth_is_token0 : bool
        Whether ETH is the pool's token 0, for raw logs.
    """
    if not set(POOL_EVENT_COLUMNS) <= set(names_of(raw)):
        return read_pool_logs(raw, quarantine, decimals, eth_is_token0)
    columns = {name: Column((name,), low=0.0) for name in POOL_EVENT_COLUMNS}
    columns |= {name: Column((name,), "whole") for name in ("block", "log_index")}
    columns |= {"ts": Column(("ts",), "ts"), "kind": Column(("kind",), "text")}
    columns |= {name: Column((name,), low=0.0, empty=True) for name in ("reserve0", "reserve1")}
    values, aside = read_columns(raw, columns, "pool event", quarantine)
    return typed_table(POOL_EVENT_COLUMNS, values), aside


@dataclass(frozen=True)
class PoolState:
    """Reserves of a constant-product pool at one block, exact.

    Parameters
    ----------
    address : str
        Of the pool.
    block : int
        At whose end the reserves stand.
    reserves : (int, int)
        Smallest units of tokens 0 and 1.
    symbols : (str, str)
        Of the tokens.
    decimals : (int, int)
        Of the tokens.
    fee_bps : int
        Taken from what goes in, basis points.
    """

    address: str
    block: int
    reserves: tuple[int, int]
    symbols: tuple[str, str]
    decimals: tuple[int, int]
    fee_bps: int


def read_pool_state(path: str | Path) -> PoolState:
    """Read the state of a pool from JSON (``pool``, ``block``, ``token0``, ``reserves_token0``…).

    Raises
    ------
    DataError
        If the file is no such JSON, or the fee is no whole number of basis points.
    """
    found = read_object(path)
    try:
        tokens = [found["token0"], found["token1"]]
        fee = found["fee_numer"] * 10_000
        if fee % found["fee_denom"]:
            raise DataError(path, None, f"fee {found['fee_numer']}/{found['fee_denom']}")
        return PoolState(
            str(found["pool"]),
            int(found["block"]),
            (int(found["reserves_token0"]), int(found["reserves_token1"])),
            (tokens[0]["symbol"], tokens[1]["symbol"]),
            (int(tokens[0]["decimals"]), int(tokens[1]["decimals"])),
            fee // found["fee_denom"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            path, None, f"no state of a pool: {type(error).__name__} {error}"
        ) from error


def state_event(state: PoolState, ts: int, eth_is_token0: bool) -> pd.DataFrame:
    """Lay a state out as a pool event of kind ``sync``; `ts` is the time of its block, UTC ns."""
    order = (0, 1) if eth_is_token0 else (1, 0)
    amounts = {key: [0.0] for key in ("amount0_in", "amount1_in", "amount0_out", "amount1_out")}
    reserves = {
        f"reserve{token}": [state.reserves[at] / 10.0 ** state.decimals[at]]
        for token, at in enumerate(order)
    }
    where = {"block": [state.block], "ts": [ts], "log_index": [0], "kind": ["sync"]}
    return typed_table(POOL_EVENT_COLUMNS, where | amounts | reserves)


def read_object(path: str | Path) -> dict[str, Any]:
    """Read a JSON object from a file; anything else is a DataError."""
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DataError(path, None, "no such file") from error
    except ValueError as error:
        raise DataError(path, None, f"malformed JSON ({error})") from error
    if not isinstance(found, dict):
        raise DataError(path, None, "a JSON object wanted")
    return found
