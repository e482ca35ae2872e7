"""JSON-RPC of an Ethereum-like chain: blocks by time, fees, headers and logs."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import requests

from ethpredict.data.sources.access import Access, wrong_shape
from ethpredict.errors import ConfigError, DataError
from ethpredict.io.redact import public_url

URL = "EVM_RPC_URL"
_LOGS = "logs"
_BATCH = 100
# Older blocks are not reorganised away.
_FINAL_S = 900
_MAX_BIT = 40
_TOO_MUCH = re.compile(
    r"range|limit|too (many|large|much)|exceed|more than|response size|timed? ?out", re.IGNORECASE
)
_TOO_FAST = re.compile(r"rate.?limit|too many requests|quota|credits", re.IGNORECASE)
_SAYS_IN_BODY = {requests.codes.bad_request, requests.codes.request_entity_too_large}

Header = dict[str, Any]


class TooMuchError(Exception):
    """A request for more logs than the node gives at once."""


class Chain:
    """Questions to one node; answers about old blocks come from the store.

    Parameters
    ----------
    access : Access
        The way to it; ``data.evm.url``, else the environment variable
        ``EVM_RPC_URL``, is the address.
    """

    def __init__(self, access: Access) -> None:
        self._access = access
        self.url = str(access.data["evm"]["url"] or os.environ.get(URL) or "")
        if not self.url:
            raise ConfigError(
                "data.evm.url",
                None,
                "the address of a node when data.extras has blocks or pool",
                f"An address that holds a key belongs into the environment variable {URL}.",
            )
        self.inputs: dict[str, dict[str, Any]] = {}

    def head(self) -> int:
        """Number of the newest block."""
        return _number(self._ask("head", "eth_blockNumber", [], _never))

    def header(self, number: int) -> Header:
        """One block's header."""
        return self.headers([number])[number]

    def headers(self, numbers: Iterable[int]) -> dict[int, Header]:
        """Headers by number, asked for in batches."""
        wanted = sorted(set(numbers))
        found: dict[int, Header] = {}
        for at in range(0, len(wanted), _BATCH):
            batch = wanted[at : at + _BATCH]
            calls = [_call(i, "eth_getBlockByNumber", [hex(n), False]) for i, n in enumerate(batch)]
            answers = self._post("headers", calls, _old_headers)
            try:
                by_id = {answer["id"]: answer["result"] for answer in answers}
                found |= {n: by_id[i] for i, n in enumerate(batch)}
                if any(_number(found[n]["number"]) != n for n in batch):
                    raise KeyError("number")
            except (KeyError, TypeError, ValueError):
                raise wrong_shape(self.url, f"headers of {len(batch)} blocks", answers) from None
        return found

    def first_at(self, seconds: int, head: int) -> int:
        """Number of the first block at or after a moment.

        Parameters
        ----------
        seconds : int
            Seconds since 1970.
        head : int
            Number of the newest block.

        Notes
        -----
        Bit by bit from the highest, so that later runs probe the same blocks
        and find them in the store.
        """
        last_before = -1
        for bit in reversed(range(_MAX_BIT)):
            probe = last_before + (1 << bit)
            if probe <= head and _number(self.header(probe)["timestamp"]) < seconds:
                last_before = probe
        return last_before + 1

    def fees(self, first: int, last: int, percentiles: Sequence[int]) -> list[dict[str, Any]]:
        """Base fee and tips of blocks first..last, at most 1024.

        Returns
        -------
        list of dict
            ``base_fee`` (wei) and ``tips`` (wei, per percentile).
        """
        count = last - first + 1
        found = self._ask(
            "fees", "eth_feeHistory", [hex(count), hex(last), list(percentiles)], _always
        )
        try:
            if _number(found["oldestBlock"]) != first or len(found["reward"]) != count:
                raise KeyError("oldestBlock")
            base = [_number(fee) for fee in found["baseFeePerGas"]]
            return [
                {"base_fee": fee, "tips": [_number(tip) for tip in tips]}
                for fee, tips in zip(base[:count], found["reward"], strict=True)
            ]
        except (KeyError, TypeError, ValueError):
            raise wrong_shape(self.url, f"the fees of {count} blocks", found) from None

    def logs(self, address: str, topics: Sequence[str], first: int, last: int) -> list[Header]:
        """Logs of one contract in blocks first..last, in halves where the node gives fewer.

        Raises
        ------
        DataError
            If even one block is too much, or the node refuses for another
            reason.
        """
        wanted = {
            "fromBlock": hex(first),
            "toBlock": hex(last),
            "address": address,
            "topics": [list(topics)],
        }
        try:
            found = self._ask(_LOGS, "eth_getLogs", [wanted], _always)
        except TooMuchError as error:
            if first == last:
                raise DataError(
                    public_url(self.url),
                    None,
                    f"block {first} alone is too much for the node ({error}); use another node",
                ) from None
            middle = (first + last) // 2
            return [
                *self.logs(address, topics, first, middle),
                *self.logs(address, topics, middle + 1, last),
            ]
        if not isinstance(found, list):
            raise wrong_shape(self.url, "a list of logs", found)
        return found

    def _ask(
        self, folder: str, method: str, words: list[Any], settled: Callable[[Any, float], bool]
    ) -> Any:
        return self._post(folder, _call(1, method, words), settled)["result"]

    def _post(self, folder: str, body: Any, settled: Callable[[Any, float], bool]) -> Any:
        def final(answer: requests.Response) -> bool:
            if answer.status_code in _SAYS_IN_BODY:
                raise self._refused(folder, answer.text[:200])
            return False

        def check(_: requests.Response, value: Any) -> None:
            for answer in value if isinstance(value, list) else [value]:
                if not isinstance(answer, dict):
                    raise wrong_shape(self.url, "a JSON-RPC answer", value)
                if answer.get("error"):
                    raise self._refused(folder, str(answer["error"]))
                if answer.get("result") is None:
                    raise wrong_shape(self.url, "a result", answer)

        value, kept = self._access.ask(
            f"evm/{folder}", self.url, settled, check, body=body, final=final
        )
        if settled is not _never:
            self.inputs[kept.name] = kept.record()
        return value

    def _refused(self, folder: str, said: str) -> Exception:
        if _TOO_FAST.search(said):
            return DataError(
                public_url(self.url),
                None,
                f"the node allows fewer requests: {said}; lower data.http.per_minute and run "
                "again: what is fetched already stays",
            )
        if folder == _LOGS and _TOO_MUCH.search(said):
            return TooMuchError(said)
        return DataError(
            public_url(self.url), None, f"the node refuses: {said}; check data.evm and the node"
        )


def _call(number: int, method: str, words: list[Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": words}


def _number(text: Any) -> int:
    return int(text, 16)


def _never(_: Any, __: float) -> bool:
    return False


def _always(_: Any, __: float) -> bool:
    """What is asked about old blocks only does not change."""
    return True


def _old_headers(value: Any, fetched: float) -> bool:
    return all(_number(item["result"]["timestamp"]) < fetched - _FINAL_S for item in value)
