"""Logs of V2 and Aerodrome pairs, made with the exact engine: read, paired, checked."""

from __future__ import annotations

import csv
import gzip
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ethpredict.data import chain_logs
from ethpredict.data.files import read_market
from ethpredict.data.swap_tape import read_swaps
from ethpredict.errors import DataError
from ethpredict.sim.amm import aerodrome_swap, uniswap_v2_swap
from ethpredict.sim.pool_tape import pool_tape
from ethpredict.sim.recorded_fee import recorded_fee

MASK = 2**64 - 1
POOL = "0x92363F9817f92a7ae0592A4cb29959A88d885cc8"
START = 1_704_412_800


def keccak256(message: bytes) -> str:
    """Keccak-f[1600] by its definition: rate 1088, the padding of before SHA-3."""
    padded = bytearray(message) + b"\x01" + bytes(-(len(message) + 1) % 136)
    padded[-1] |= 0x80
    lanes = [[0] * 5 for _ in range(5)]

    def turned(lane: int, by: int) -> int:
        by %= 64
        return ((lane << by) | (lane >> (64 - by))) & MASK

    for block in range(0, len(padded), 136):
        for k in range(17):
            at = block + 8 * k
            lanes[k % 5][k // 5] ^= int.from_bytes(padded[at : at + 8], "little")
        feedback = 1
        for _ in range(24):
            sums = [row[0] ^ row[1] ^ row[2] ^ row[3] ^ row[4] for row in lanes]
            mixed = [sums[x - 1] ^ turned(sums[(x + 1) % 5], 1) for x in range(5)]
            lanes = [[lane ^ mixed[x] for lane in lanes[x]] for x in range(5)]
            x, y, current = 1, 0, lanes[1][0]
            for step in range(24):
                x, y = y, (2 * x + 3 * y) % 5
                current, lanes[x][y] = lanes[x][y], turned(current, (step + 1) * (step + 2) // 2)
            for y in range(5):
                row = [lanes[x][y] for x in range(5)]
                for x in range(5):
                    lanes[x][y] = row[x] ^ (~row[(x + 1) % 5] & MASK & row[(x + 2) % 5])
            for j in range(7):
                feedback = ((feedback << 1) ^ ((feedback >> 7) * 0x71)) % 256
                if feedback & 2:
                    lanes[0][0] ^= 1 << ((1 << j) - 1)
    return "0x" + b"".join(lanes[k][0].to_bytes(8, "little") for k in range(4)).hex()


def test_topics_are_the_hashes_of_the_signatures() -> None:
    assert keccak256(b"") == "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    for name, signature in {
        "V2_SYNC": "Sync(uint112,uint112)",
        "V2_SWAP": "Swap(address,uint256,uint256,uint256,uint256,address)",
        "V2_MINT": "Mint(address,uint256,uint256)",
        "V2_BURN": "Burn(address,uint256,uint256,address)",
        "AERODROME_SYNC": "Sync(uint256,uint256)",
        "AERODROME_SWAP": "Swap(address,address,uint256,uint256,uint256,uint256)",
        "AERODROME_BURN": "Burn(address,address,uint256,uint256)",
        "V3_SWAP": "Swap(address,address,int256,int256,uint160,uint128,int24)",
        "PANCAKE_V3_SWAP":
            "Swap(address,address,int256,int256,uint160,uint128,int24,uint128,uint128)",
        "V3_MINT": "Mint(address,address,int24,int24,uint128,uint256,uint256)",
        "V3_BURN": "Burn(address,int24,int24,uint128,uint256,uint256)",
    }.items():  # fmt: skip
        assert keccak256(signature.encode()) == getattr(chain_logs, name), name
    passed = {
        "Collect(address,address,int24,int24,uint128,uint128)", "Initialize(uint160,int24)",
        "Flash(address,address,uint256,uint256,uint256,uint256)",
        "CollectProtocol(address,address,uint128,uint128)",
        "SetFeeProtocol(uint8,uint8,uint8,uint8)",
        "IncreaseObservationCardinalityNext(uint16,uint16)",
        "Transfer(address,address,uint256)", "Approval(address,address,uint256)",
        "Fees(address,uint256,uint256)", "Claim(address,address,uint256,uint256)",
    }  # fmt: skip
    assert {keccak256(text.encode()): text.partition("(")[0] for text in passed} == (
        chain_logs.PASSED_OVER
    )


def pair_chain(aerodrome: bool, count: int = 60, seed: int = 1) -> list[dict[str, Any]]:
    """A WETH / USDC pair (18 and 6 decimals) whose every number is the contract's."""
    rng = np.random.default_rng(seed)
    reserves = [1_000 * 10**18, 2_300_000 * 10**6]
    events: list[dict[str, Any]] = []
    for number in range(count):
        into = int(rng.integers(2))
        kind = "swap" if number % 10 else ("mint", "burn", "sync")[number // 10 % 3]
        words = [0, 0]
        if kind == "swap":
            amount = int(rng.uniform(1e-5, 5e-3) * reserves[into])
            swap = aerodrome_swap if aerodrome else uniswap_v2_swap
            done = swap(amount, reserves[into], reserves[1 - into], 30 if aerodrome else 25)
            words = [0, 0, 0, 0]
            words[into], words[3 - into] = amount, done.amount_out
            reserves[into], reserves[1 - into] = done.reserve_in, done.reserve_out
        elif kind == "mint":
            words = [reserve // 50 for reserve in reserves]
            reserves = [r + w for r, w in zip(reserves, words, strict=True)]
        elif kind == "burn":
            words = [reserve // 70 for reserve in reserves]
            reserves = [r - w for r, w in zip(reserves, words, strict=True)]
        else:
            reserves = [reserves[0] + 12_345, reserves[1]]
        events.append({"kind": kind, "words": words, "reserves": list(reserves), "n": number})
    return events


def exported(events: list[dict[str, Any]], aerodrome: bool) -> list[dict[str, Any]]:
    """As `eth_getLogs` answers: a Transfer that nobody asked for, Sync, then the event."""
    name = "AERODROME" if aerodrome else "V2"
    topics = {kind: getattr(chain_logs, f"{name}_{kind.upper()}") for kind in ("sync", "swap")}
    topics |= {"mint": chain_logs.V2_MINT, "burn": getattr(chain_logs, f"{name}_BURN")}
    transfer = next(k for k, v in chain_logs.PASSED_OVER.items() if v == "Transfer")
    logs = []
    for event in events:
        at = {
            "address": POOL,
            "blockNumber": hex(900 + event["n"] // 2),
            "blockTimestamp": hex(START + event["n"] // 2 * 2),
            "transactionHash": f"0x{event['n']:064x}",
        }
        parts = [(transfer, [7]), (topics["sync"], event["reserves"])]
        parts += [(topics[event["kind"]], event["words"])] if event["kind"] != "sync" else []
        for k, (topic, words) in enumerate(parts):
            data = "0x" + "".join(f"{word:064x}" for word in words)
            index = hex(event["n"] % 2 * 10 + k)
            logs.append(at | {"logIndex": index, "topics": [topic, "0x" + 64 * "1"], "data": data})
    return logs


def wanted(events: list[dict[str, Any]]) -> pd.DataFrame:
    """What the table must say, ETH first, in whole tokens."""
    rows = []
    for event in events:
        amounts = (event["words"] + [0, 0])[:4] if event["kind"] == "swap" else [0, 0, 0, 0]
        if event["kind"] == "mint":
            amounts = [*event["words"], 0, 0]
        if event["kind"] == "burn":
            amounts = [0, 0, *event["words"]]
        scaled = [value / (1e18, 1e6)[k % 2] for k, value in enumerate(amounts)]
        scaled += [event["reserves"][0] / 1e18, event["reserves"][1] / 1e6]
        rows.append([900 + event["n"] // 2, event["kind"], *scaled])
    names = ["block", "kind", "amount0_in", "amount1_in", "amount0_out", "amount1_out"]
    return pd.DataFrame(rows, columns=[*names, "reserve0", "reserve1"])


def as_lines(path: Path, logs: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(log) + "\n" for log in logs))


def as_answer(path: Path, logs: list[dict[str, Any]]) -> None:
    answer = {"jsonrpc": "2.0", "id": 1, "result": logs}
    path.write_bytes(gzip.compress(json.dumps(answer).encode()))


def as_csv(path: Path, logs: list[dict[str, Any]]) -> None:
    """Decimal numbers, ISO times, one column a topic, another order of columns."""
    with path.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["data", "topic0", "topic1", "log_index", "tx_hash", "Block_Number",
                         "block_time"])  # fmt: skip
        for log in logs:
            time = pd.Timestamp(int(log["blockTimestamp"], 16), unit="s").isoformat()
            numbers = int(log["logIndex"], 16), log["transactionHash"], int(log["blockNumber"], 16)
            writer.writerow([log["data"], *log["topics"], *numbers, time])


@pytest.mark.parametrize("aerodrome", [False, True])
@pytest.mark.parametrize("write", [as_lines, as_answer, as_csv])
def test_every_export_gives_the_contracts_numbers(tmp_path, aerodrome, write) -> None:
    events = pair_chain(aerodrome)
    logs = exported(events, aerodrome)
    rng = np.random.default_rng(3)
    shuffled = [logs[k] for k in rng.permutation(len(logs))]
    write(tmp_path / "logs", [*shuffled, *shuffled[:5]])  # in any order, some twice
    table = read_swaps(tmp_path / "logs", 18, 6, eth_is_token0=True)
    names = list(wanted(events))
    pd.testing.assert_frame_equal(table[names], wanted(events), check_exact=True)
    assert table["ts"].iloc[-1] == (START + 58) * 10**9
    fee, count = recorded_fee(pool_tape("r", table), keep=not aerodrome)
    assert fee == pytest.approx(0.003 if aerodrome else 0.0025, rel=1e-3)
    assert count > 40


def decoded(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As an explorer's decoded tables, joined: one row a log, empty where it has no such field."""
    names = {"sync": ["reserve0", "reserve1"], "mint": ["amount0", "amount1"],
             "swap": ["amount0In", "amount1In", "amount0Out", "amount1Out"]}  # fmt: skip
    names["burn"] = names["mint"]
    rows = []
    for event in events:
        parts = [("Sync", event["reserves"])]
        parts += [(event["kind"].title(), event["words"])] if event["kind"] != "sync" else []
        for k, (kind, words) in enumerate(parts):
            row = {"evt_block_number": 900 + event["n"] // 2, "event": kind,
                   "evt_block_time": START + event["n"] // 2 * 2, "evt_tx_hash": event["n"],
                   "evt_index": event["n"] % 2 * 10 + k}  # fmt: skip
            rows.append(row | dict(zip(names[kind.lower()], map(str, words), strict=True)))
    return rows


@pytest.mark.parametrize("aerodrome", [False, True])
def test_decoded_columns_say_the_same(tmp_path, aerodrome) -> None:
    events = pair_chain(aerodrome)
    pd.DataFrame(decoded(events)).to_csv(tmp_path / "logs.csv", index=False)
    table = read_swaps(tmp_path / "logs.csv", 18, 6, eth_is_token0=True)
    names = list(wanted(events))
    pd.testing.assert_frame_equal(table[names], wanted(events), check_exact=True)
    turned = read_swaps(tmp_path / "logs.csv", 18, 6, eth_is_token0=False)
    np.testing.assert_array_equal(turned["reserve0"], table["reserve1"])
    np.testing.assert_array_equal(turned["amount1_in"], table["amount0_in"])


def with_words(log: dict[str, Any], **changes: int) -> dict[str, Any]:
    """A log with other words of data: `w0=...`."""
    data = log["data"][2:]
    words = [int(data[at : at + 64], 16) for at in range(0, len(data), 64)]
    for name, value in changes.items():
        words[int(name[1:])] = value
    return log | {"data": "0x" + "".join(f"{word:064x}" for word in words)}


def test_what_contradicts_itself_is_named_or_set_aside(tmp_path) -> None:
    events = pair_chain(False)
    logs = exported(events, False)
    swap = next(
        k for k, log in enumerate(logs) if k > 20 and log["topics"][0] == chain_logs.V2_SWAP
    )
    number = int(logs[swap]["transactionHash"], 16)
    before, after = events[number - 1]["reserves"], events[number]["reserves"]
    into = 0 if events[number]["words"][0] else 1
    worse = [*after]
    worse[1 - into] -= before[1 - into] // 100  # the pool gave one per cent more away
    out = f"w{3 - into}"
    more = events[number]["words"][3 - into] + before[1 - into] // 100
    cases = {
        "product: reserve0 x reserve1 falls from": {
            swap - 1: with_words(logs[swap - 1], w0=worse[0], w1=worse[1]),
            swap: with_words(logs[swap], **{out: more}),
        },
        f"of token {1 - into} before": {swap: with_words(logs[swap], **{out: more})},
        "no Sync before it in its transaction": {swap - 1: None},
        "pays nothing in or takes nothing out": {swap: with_words(logs[swap], w0=0, w1=0)},
        "must be below 2\\^112": {swap - 1: with_words(logs[swap - 1], w0=2**112)},
        "one token alone": {swap - 1: with_words(logs[swap - 1], w0=0)},
        "bytes instead of 128": {swap: logs[swap] | {"data": logs[swap]["data"][:-2]}},
        "data: invalid literal": {swap: logs[swap] | {"data": logs[swap]["data"][:-1] + "g"}},
        "is no Swap, Mint, Burn or Collect": {swap: logs[swap] | {"topics": ["0x" + 64 * "a"]}},
        "blocknumber|block_number: invalid": {swap: logs[swap] | {"blockNumber": "latest"}},
        "block_timestamp: 'soon'": {swap: logs[swap] | {"blockTimestamp": "soon"}},
        "log time: block": {swap: logs[swap] | {"blockTimestamp": hex(START - 50)}},
        "stands in row .* with other content": {
            swap + 1: logs[swap] | {"data": logs[swap - 1]["data"] * 2}
        },
    }  # fmt: skip
    for words, changes in cases.items():
        wrong = [changes.get(k, log) for k, log in enumerate(logs)]
        if "other content" in words:
            wrong = [*logs, with_words(logs[swap], w0=5, w1=5)]
        as_lines(tmp_path / "logs", [log for log in wrong if log])
        with pytest.raises(DataError) as caught:
            read_swaps(tmp_path / "logs", 18, 6, eth_is_token0=True)
        assert re.search(words, caught.value.reason), (words, caught.value.reason)
        assert "data.on_bad_rows: quarantine" in caught.value.reason
        near = (len(wrong),) if "other content" in words else range(swap - 1, swap + 3)
        assert caught.value.row in near
        table = read_swaps(tmp_path / "logs", 18, 6, eth_is_token0=True, quarantine=True)
        assert len(events) - 2 <= len(table) <= len(events) + 1
    # The state that the Sync told stays; the swap that does not fit it does not.
    as_lines(tmp_path / "logs", [cases_log(logs, cases, k) for k in range(len(logs))])
    table = read_swaps(tmp_path / "logs", 18, 6, eth_is_token0=True, quarantine=True)
    assert table["kind"].iloc[number] == "sync"
    assert table["reserve0"].iloc[number] == after[0] / 1e18


def cases_log(logs: list[dict], cases: dict, k: int) -> dict:
    """The chain with the swap that says more than its Sync."""
    name = next(name for name in cases if name.startswith("of token"))
    return cases[name].get(k, logs[k])


def test_logs_that_a_reorganisation_removed_are_left_out(tmp_path) -> None:
    """A log, its removal, and the one of the final chain at the same place."""
    events = pair_chain(False)
    logs = [log | {"blockHash": "0xaa", "removed": False} for log in exported(events, False)]
    last = int(logs[-1]["blockNumber"], 16)
    lost = [log for log in logs if int(log["blockNumber"], 16) == last]
    other = [with_words(log, w0=9) if log["topics"][0] == chain_logs.V2_SWAP else log
             for log in lost]  # fmt: skip
    for hashes in (True, False):
        gone = [log | {"blockHash": "0xbb"} for log in other]
        stream = [*logs[: -len(lost)], *gone, *[log | {"removed": True} for log in gone], *lost]
        if not hashes:
            stream = [{k: v for k, v in log.items() if k != "blockHash"} for log in stream]
        as_lines(tmp_path / "logs", stream)
        table = read_swaps(tmp_path / "logs", 18, 6, eth_is_token0=True)
        names = list(wanted(events))
        pd.testing.assert_frame_equal(table[names], wanted(events), check_exact=True)


def test_files_that_are_no_logs_of_one_pool(tmp_path) -> None:
    logs = exported(pair_chain(False), False)
    path = tmp_path / "logs"
    v3 = logs[1] | {"topics": [chain_logs.V3_SWAP], "data": "0x" + 320 * "0"}
    for text, words in (
        ("", "the file is empty"),
        ("[]", "holds no rows"),
        ('[{"a": 1', "malformed JSON"),
        ('{"jsonrpc": "2.0", "result": []}', "holds no rows"),
        (json.dumps(logs[:1]), "no Swap, Mint, Burn or Sync among its logs"),
        (json.dumps([logs[1], logs[2] | {"address": "0x1"}]), "logs of 2 contracts"),
        (json.dumps([logs[1], v3 | {"blockNumber": "0x1"}]), "V3 pool and of a V2 pair"),
        (json.dumps([{"blockNumber": "0x1", "logIndex": "0x0"}]),
         "no column block_timestamp, topics, data"),
        ("block_number,log_index\n", "a header but no rows"),
    ):  # fmt: skip
        path.write_text(text)
        with pytest.raises(DataError, match=words):
            read_swaps(path)
    path.write_text(json.dumps(logs[1]) + "\nnot json\n" + json.dumps(logs[2]) + "\n")
    with pytest.raises(DataError, match="malformed JSON") as caught:
        read_swaps(path, 18, 6, True)
    assert caught.value.row == 2
    assert len(read_swaps(path, 18, 6, True, quarantine=True)) == 1


def test_a_market_reads_them_where_it_names_them(tmp_path) -> None:
    """`data.files.pool_events` tells the kind by its columns and topics."""
    events = pair_chain(False)
    as_lines(tmp_path / "logs.jsonl", exported(events, False))
    first = START - START % 60
    rows = [[(first + 60 * k) * 1000, 2300, 2301, 2299, 2300, 1] for k in range(3)]
    pd.DataFrame(rows, columns=["ts_open", "open", "high", "low", "close", "volume"]).to_csv(
        tmp_path / "candles.csv", index=False
    )
    files = {"candles": str(tmp_path / "candles.csv"), "decimals0": 18, "decimals1": 6,
             "pool_events": str(tmp_path / "logs.jsonl"), "eth_is_token0": True}  # fmt: skip
    data = {"symbol": "ETHUSDT", "interval": "1m", "start": None, "end": None, "max_gap": 3600,
            "on_bad_rows": "strict", "files": files}  # fmt: skip
    market = read_market({"data": data})
    names = list(wanted(events))
    pd.testing.assert_frame_equal(market.pool_events[names], wanted(events), check_exact=True)
