"""The real V3 day in other clothes: order, numbers, tokens, decimals; what cannot be is named."""

from __future__ import annotations

import ast
import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ethpredict.data import chain_logs
from ethpredict.data.swap_tape import read_swaps
from ethpredict.errors import DataError

RAW = "amm/uniswap_v3_usdc_weth_0.3pct_2024-01-05.raw.csv"
SWAPS = (chain_logs.V3_SWAP, chain_logs.PANCAKE_V3_SWAP)
Logs = list[dict[str, Any]]


@pytest.fixture(scope="module")
def logs(shared_data) -> Logs:
    with (shared_data / RAW).open(newline="") as handle:
        return [row | {"topics": ast.literal_eval(row["topics"])} for row in csv.DictReader(handle)]


@pytest.fixture(scope="module")
def events(shared_data) -> pd.DataFrame:
    return read_swaps(shared_data / RAW)


def write(path: Path, logs: Logs) -> Path:
    """A csv with the columns in the order of the first log."""
    with path.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, list(logs[0]))
        writer.writeheader()
        writer.writerows(logs)
    return path


def words_of(log: dict[str, Any]) -> list[int]:
    data = log["data"][2:]
    return [int(data[at : at + 64], 16) for at in range(0, len(data), 64)]


def with_data(log: dict[str, Any], words: list[int]) -> dict[str, Any]:
    return log | {"data": "0x" + "".join(f"{word % 2**256:064x}" for word in words)}


def signed(word: int) -> int:
    return word - 2**256 if word >= 2**255 else word


def test_order_of_rows_and_columns_repeats_and_numbers_do_not_matter(
    logs, events, tmp_path
) -> None:
    rng = np.random.default_rng(0)
    mixed = [logs[k] for k in rng.permutation(len(logs))]
    other = []
    for log in [*mixed, *mixed[:20]]:
        stamp = pd.Timestamp(log["block_timestamp"], tz="UTC").timestamp()
        parts = {f"topic{k}": topic for k, topic in enumerate(log["topics"])}
        parts |= {f"topic{k}": "" for k in range(len(log["topics"]), 4)}
        numbers = {"logIndex": hex(int(log["log_index"])), "Data": log["data"].upper()}
        other.append(
            numbers | parts | {"blockTimestamp": int(stamp), "txHash": log["transaction_hash"],
                               "blockNumber": hex(int(log["block_number"])), "address": "0xAb"}
        )  # fmt: skip
    for table in (read_swaps(write(tmp_path / "csv", mixed)),
                  read_swaps(write(tmp_path / "other", other))):  # fmt: skip
        pd.testing.assert_frame_equal(table, events, check_exact=True)
    path = tmp_path / "lines"
    path.write_text("\n".join(json.dumps(log) for log in mixed))
    pd.testing.assert_frame_equal(read_swaps(path), events, check_exact=True)
    frame = pd.DataFrame(mixed).assign(topics=[str(log["topics"]) for log in mixed])
    frame = frame.astype({"block_number": "int64", "log_index": "int64"})
    frame["block_timestamp"] = pd.to_datetime(frame["block_timestamp"])
    frame.to_parquet(tmp_path / "parquet")
    pd.testing.assert_frame_equal(read_swaps(tmp_path / "parquet"), events, check_exact=True)


def test_tokens_in_the_other_order_have_the_other_signs(logs, events, tmp_path) -> None:
    """WETH / USDC as token 0 and 1: inverse prices, negative ticks, the same pool."""
    turned = []
    for log in logs:
        words, topics = words_of(log), list(log["topics"])
        if topics[0] in SWAPS:
            tick = -signed(words[4]) - 1
            assert tick < 0
            words = [words[1], words[0], 2**192 // words[2], words[3], tick]
        else:
            low, high = (signed(int(topic, 16)) for topic in topics[2:4])
            topics[2:4] = [f"0x{tick % 2**256:064x}" for tick in (-high, -low)]
            words = [*words[:-2], words[-1], words[-2]]
        turned.append(with_data(log | {"topics": topics}, words))
    found = read_swaps(write(tmp_path / "logs", turned), 18, 6, eth_is_token0=True)
    for name in events:
        if events[name].dtype == float:
            np.testing.assert_allclose(found[name], events[name], rtol=1e-13, atol=1e-18)
        else:
            assert (found[name] == events[name]).all()


def test_decimals_scale_and_other_pools_read(logs, events, tmp_path) -> None:
    path = write(tmp_path / "logs", logs)
    same = read_swaps(path, 18, 18)
    np.testing.assert_allclose(same["reserve1"], events["reserve1"] * 1e-12, rtol=1e-15)
    np.testing.assert_array_equal(same["reserve0"], events["reserve0"])
    huge = [
        with_data(log, [*words_of(log)[:3], 2**128 - 1, words_of(log)[4]])
        if log["topics"][0] in SWAPS else log
        for log in logs
    ]  # fmt: skip
    table = read_swaps(write(tmp_path / "huge", huge))
    last = table[table["kind"] == "swap"].iloc[-1]
    root = words_of(next(x for x in reversed(logs) if x["topics"][0] in SWAPS))[2] / 2**96
    assert last["reserve1"] == pytest.approx((2**128 - 1) / root / 1e6, rel=1e-12)
    pancake = [
        with_data(log | {"topics": [SWAPS[1], *log["topics"][1:]]}, [*words_of(log), 5, 6])
        if log["topics"][0] == SWAPS[0] else log
        for log in logs
    ]  # fmt: skip
    found = read_swaps(write(tmp_path / "pancake", pancake))
    pd.testing.assert_frame_equal(found, events, check_exact=True)


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        (2, 0, "sqrtPriceX96: 0 must be from 4295128739"),
        (2, 2**160 - 1, "sqrtPriceX96"),
        (3, 2**128, "must be below 2^128"),
        (4, 887_273, "tick: 887273 must be from -887272 to 887272"),
        (4, -887_273, "tick: -887273"),
    ],
)
def test_what_no_pool_can_say_is_named(logs, tmp_path, place, value, reason) -> None:
    at = next(k for k, log in enumerate(logs) if k > 100 and log["topics"][0] in SWAPS)
    words = words_of(logs[at])
    words[place] = value
    wrong = [*logs[:at], with_data(logs[at], words), *logs[at + 1 :]]
    path = write(tmp_path / "logs", wrong)
    with pytest.raises(DataError, match=re.escape(reason)) as caught:
        read_swaps(path)
    assert caught.value.row == at + 2
    assert len(read_swaps(path, quarantine=True)) == 287


def test_a_block_told_twice_is_named(logs, tmp_path) -> None:
    """Two versions of one block without a mark: the reader does not choose."""
    at = next(k for k, log in enumerate(logs) if k > 100 and log["topics"][0] in SWAPS)
    other = with_data(logs[at], [*words_of(logs[at])[:3], 77, words_of(logs[at])[4]])
    path = write(tmp_path / "logs", [*logs, other])
    with pytest.raises(DataError, match=r"with other content \(a reorganised block") as caught:
        read_swaps(path)
    assert caught.value.row == len(logs) + 2
    marked = [log | {"removed": "false"} for log in logs]
    path = write(tmp_path / "marked", [other | {"removed": "true"}, *marked])
    assert len(read_swaps(path)) == 288
