"""A node that refuses wide ranges, and pools whose reserves must add up exactly."""

from __future__ import annotations

import numpy as np
import pytest

from ethpredict.data import chain_logs
from ethpredict.data.sources import evm
from ethpredict.data.timestamps import parse_moment
from ethpredict.errors import ConfigError, DataError
from tests.local_server import Asked, Reply, serving

GENESIS = parse_moment("2024-12-31 23:00") // 10**9
POOL = f"0x{7:040x}"
HEAD = 1200


class Node:
    """A chain with a block every 12 s and a pool with a swap in every 50th block."""

    def __init__(self, most: int = 10**9, aerodrome: bool = False) -> None:
        self.most = most
        self.base = {n: 10**9 + n % 7 * 10**6 for n in range(HEAD + 2)}
        self.logs = list(_swaps(aerodrome))

    def one(self, call: dict) -> dict:
        method, words = call["method"], call["params"]
        answer = {"jsonrpc": "2.0", "id": call["id"]}
        if method == "eth_blockNumber":
            return answer | {"result": hex(HEAD)}
        if method == "eth_getBlockByNumber":
            n = int(words[0], 16)
            fields = {
                "number": n, "timestamp": GENESIS + 12 * n, "baseFeePerGas": self.base[n],
                "gasUsed": 15_000_000, "gasLimit": 30_000_000,
            }  # fmt: skip
            return answer | {"result": {k: hex(v) for k, v in fields.items()}}
        if method == "eth_feeHistory":
            count, newest = int(words[0], 16), int(words[1], 16)
            first = newest - count + 1
            return answer | {
                "result": {
                    "oldestBlock": hex(first),
                    "baseFeePerGas": [hex(self.base[n]) for n in range(first, newest + 2)],
                    "gasUsedRatio": [0.5] * count,
                    "reward": [[hex(p * 10**7) for p in words[2]]] * count,
                }
            }
        wanted = words[0]
        low, high = int(wanted["fromBlock"], 16), int(wanted["toBlock"], 16)
        if high - low + 1 > self.most:
            said = {"code": -32005, "message": "query exceeds max block range"}
            return answer | {"error": said}
        inside = [log for log in self.logs if low <= int(log["blockNumber"], 16) <= high]
        return answer | {"result": [x for x in inside if x["topics"][0] in wanted["topics"][0]]}

    def __call__(self, asked: Asked) -> Reply:
        calls = asked.body
        return Reply([self.one(c) for c in calls] if isinstance(calls, list) else self.one(calls))


def _swaps(aerodrome: bool):
    """Mint, then swaps of 1 ETH for USD at the contract's own arithmetic, fee 30 bps."""
    topics = (
        (chain_logs.AERODROME_SYNC, chain_logs.AERODROME_SWAP)
        if aerodrome
        else (chain_logs.V2_SYNC, chain_logs.V2_SWAP)
    )
    x, y = 1000 * 10**18, 3_000_000 * 10**6

    def log(n: int, index: int, topic: str, words: tuple[int, ...], tx: int) -> dict:
        data = "0x" + "".join(f"{word:064x}" for word in words)
        return {
            "blockNumber": hex(n), "logIndex": hex(index), "topics": [topic], "data": data,
            "transactionHash": hex(tx), "address": POOL, "removed": False,
        }  # fmt: skip

    yield log(301, 0, topics[0], (x, y), 1)
    for n in range(350, HEAD, 50):
        sold = 10**18
        fee = sold * 30 // 10_000
        out = (sold - fee) * y // (x + sold - fee)
        x, y = x + sold - (fee if aerodrome else 0), y - out
        yield log(n, 5, topics[0], (x, y), n)
        yield log(n, 6, topics[1], (sold, 0, 0, out), n)


def access_to(make_access, url: str | None, **words):
    node = {
        "url": url, "pool": POOL, "eth_is_token0": True, "decimals0": 18, "decimals1": 6,
        "log_blocks": 2000,
    }  # fmt: skip
    period = {"start": "2025-01-01", "end": "2025-01-01 02:00"}
    return make_access(source="lighter", evm=node | words, **period)


def test_blocks_of_the_period_with_fees_and_tips(make_access) -> None:
    with serving(Node()) as server:
        access = access_to(make_access, server.url)
        blocks, events, inputs = evm.fetch(access, blocks=True, pool=False)
        asked = len(server.asked)
        again = evm.fetch(access, blocks=True, pool=False)
        assert len(server.asked) == asked + 1  # only the head
    assert events.empty
    assert blocks["number"].tolist() == list(range(300, 900))
    assert (np.diff(blocks["ts"]) == 12 * 10**9).all()
    assert blocks["ts"].iloc[0] == parse_moment("2025-01-01")
    assert blocks["base_fee_wei"].tolist() == [10**9 + n % 7 * 10**6 for n in range(300, 900)]
    assert blocks[["tip_p10", "tip_p50", "tip_p90"]].iloc[0].tolist() == [0.1, 0.5, 0.9]
    assert again[0].equals(blocks)
    assert again[2] == inputs


@pytest.mark.parametrize("aerodrome", [False, True])
@pytest.mark.parametrize("most", [10**9, 7])
def test_swaps_carry_the_reserves_after_them(make_access, aerodrome: bool, most: int) -> None:
    with serving(Node(most, aerodrome)) as server:
        access = access_to(make_access, server.url, log_blocks=100)
        _, events, _ = evm.fetch(access, blocks=False, pool=True)
    assert events["kind"].tolist() == ["sync"] + ["swap"] * 11
    assert events["block"].tolist() == [301, *range(350, 900, 50)]
    assert (events["ts"] == (GENESIS + 12 * events["block"]) * 10**9).all()
    before, after = events.iloc[:-1], events.iloc[1:]
    stays = 1.0 - (0.003 if aerodrome else 0.0)  # Aerodrome's fee leaves the pool
    grown = after["reserve0"].to_numpy() - before["reserve0"].to_numpy()
    assert grown == pytest.approx(stays, rel=1e-9)
    paid = before["reserve1"].to_numpy() - after["reserve1"].to_numpy()
    assert paid == pytest.approx(after["amount1_out"].to_numpy(), rel=1e-9)


def test_eth_comes_first_whatever_the_pools_order(make_access) -> None:
    with serving(Node()) as server:
        access = access_to(make_access, server.url, eth_is_token0=False, decimals0=6, decimals1=18)
        _, events, _ = evm.fetch(access, blocks=False, pool=True)
    assert (events["amount0_in"] == 0).all()
    assert (events["amount1_in"].iloc[1:] == 1e12).all()


def test_logs_that_were_reorganised_away_do_not_count() -> None:
    logs = list(_swaps(False))
    gone = [log | {"removed": True, "transactionHash": "0xff"} for log in logs[1:3]]
    assert list(evm.pool_events("x", logs + gone)) == list(evm.pool_events("x", logs))


def test_what_is_no_such_pool_is_refused() -> None:
    swaps = [log for log in _swaps(False) if log["topics"][0] == chain_logs.V2_SWAP]
    with pytest.raises(DataError, match=r"swap without the Sync.*data\.evm\.pool"):
        list(evm.pool_events("x", swaps))
    with pytest.raises(DataError, match="32 bytes instead of 64"):
        list(
            evm.pool_events(
                "x", [swaps[0] | {"topics": [chain_logs.V2_SYNC], "data": "0x" + "0" * 64}]
            )
        )


def test_one_block_that_is_too_much_is_an_error(make_access) -> None:
    with serving(Node(most=0)) as server, pytest.raises(DataError, match="block 300 alone"):
        evm.fetch(access_to(make_access, server.url), blocks=False, pool=True)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("no such method", "the node refuses: .*no such method"),
        ("rate limit exceeded", "fewer requests: .*lower data.http.per_minute"),
        ("range too large", "the node refuses: .*range too large"),  # no request for logs
    ],
)
def test_another_refusal_is_not_halved(make_access, said: str, words: str) -> None:
    refusal = {"jsonrpc": "2.0", "id": 1, "error": {"code": -32601, "message": said}}
    with serving(lambda _: Reply(refusal)) as server:
        with pytest.raises(DataError, match=words):
            evm.fetch(access_to(make_access, server.url), blocks=True, pool=False)
        assert len(server.asked) == 1


def test_fees_that_contradict_the_headers_are_refused(make_access) -> None:
    node = Node()
    honest = node.one

    def lying(call: dict) -> dict:
        if call["method"] == "eth_feeHistory":
            answer = honest(call)
            answer["result"]["baseFeePerGas"][3] = "0x1"
            return answer
        return honest(call)

    node.one = lying
    with serving(node) as server, pytest.raises(DataError, match=r"block 303: base fee .* use ano"):
        evm.fetch(access_to(make_access, server.url), blocks=True, pool=False)


def test_a_period_that_may_still_change_is_refused(make_access, clock) -> None:
    clock.now = parse_moment("2025-01-01 02:05") / 1e9
    with pytest.raises(DataError, match="not final yet; end at least 15 minutes ago"):
        evm.fetch(access_to(make_access, "http://127.0.0.1:9"), blocks=True, pool=False)


def test_the_address_may_come_from_the_environment(make_access, monkeypatch, tmp_path) -> None:
    monkeypatch.delenv("EVM_RPC_URL", raising=False)
    with pytest.raises(ConfigError, match="EVM_RPC_URL"):
        evm.fetch(access_to(make_access, None), blocks=True, pool=False)
    with serving(Node()) as server:
        monkeypatch.setenv("EVM_RPC_URL", f"{server.url}/v3/{'secret' * 6}")
        evm.fetch(access_to(make_access, None), blocks=True, pool=False)
    assert not any("secret" in p.read_text() for p in (tmp_path / "downloads").rglob("*.json"))
