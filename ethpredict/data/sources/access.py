"""What every remote source works with: the client, the download store, the period."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import requests

from ethpredict.data.timestamps import NO_TIME, NS_PER_SECOND, parse_moment, to_nanoseconds
from ethpredict.errors import ConfigError, DataError
from ethpredict.io.downloads import Downloads, Stored
from ethpredict.io.http import Client, never
from ethpredict.io.progress import tracked
from ethpredict.io.raw_table import InputFile, RawTable
from ethpredict.io.redact import public_url

Item = TypeVar("Item")
Result = TypeVar("Result")

NS_PER_MS = 1_000_000
DAY_NS = 86_400 * NS_PER_SECOND
# An answer about a window is final once the window has been over for so long.
_SETTLING_S = 60.0


@dataclass(frozen=True)
class Access:
    """A way to one source.

    Parameters
    ----------
    client : Client
        Sends requests.
    store : Downloads
        Keeps the answers.
    data : Mapping
        The section ``data`` of the settings.
    """

    client: Client
    store: Downloads
    data: Mapping[str, Any]

    @property
    def start(self) -> int:
        """First moment of the period, UTC ns, inclusive."""
        return self._moment("start")

    @property
    def end(self) -> int:
        """End of the period, UTC ns, exclusive."""
        end = self._moment("end")
        if end <= self.start:
            raise ConfigError("data.end", self.data["end"], f"after {self.data['start']}")
        return end

    def _moment(self, name: str) -> int:
        text = self.data.get(name)
        if not text:
            source = self.data["source"]
            raise ConfigError(
                f"data.{name}", text, f"a date when data.source is {source}", "Give the period."
            )
        return parse_moment(text, f"data.{name}")

    def ask(
        self,
        folder: str,
        url: str,
        settled: Callable[[Any, float], bool],
        check: Callable[[requests.Response, Any], None] | None = None,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        final: Callable[[requests.Response], bool] = never,
    ) -> tuple[Any, Stored]:
        """Ask an API one question, or take the answer from the store.

        Parameters
        ----------
        folder : str
            Folder in the store.
        url : str
            Address.
        settled : callable
            Whether (value, time of fetching in s) can no longer change.
        check : callable, optional
            Raises where an answer is none.
        params, body, headers, final
            Of the request; a body makes it a POST.
        """

        def call() -> tuple[bytes, Any]:
            method = "GET" if body is None else "POST"
            answer, value = self.client.json(
                method, url, final, params=params, json=body, headers=headers
            )
            if check is not None:
                check(answer, value)
            return answer.content, value

        question = dict(params or {}) if body is None else body
        return self.store.answer(folder, question, url, self.client.clock, call, settled)


def in_parallel(
    access: Access, call: Callable[[Item], Result], items: Sequence[Item], title: str
) -> list[Result]:
    """Work on items with as many threads as connections are allowed.

    Parameters
    ----------
    access : Access
        Its client says how many connections.
    call : callable
        Fetches what belongs to one item.
    items : sequence
        What to fetch.
    title : str
        For the progress.

    Returns
    -------
    list
        Results in the order of the items. The first failure ends the work:
        what has not begun is not begun.
    """
    with ThreadPoolExecutor(access.client.settings.connections) as pool:
        futures = [pool.submit(call, item) for item in items]
        try:
            return [future.result() for future in tracked(futures, len(futures), title)]
        finally:
            for future in futures:
                future.cancel()


def window_over(end: int) -> Callable[[Any, float], bool]:
    """Test of whether an answer about the time before `end` (UTC ns) is final."""

    def settled(_: Any, fetched: float) -> bool:
        return fetched >= end / NS_PER_SECOND + _SETTLING_S

    return settled


def windows(start: int, end: int, length: int) -> Iterator[tuple[int, int]]:
    """Cut a period on an absolute grid, so that studies share their answers.

    Examples
    --------
    >>> list(windows(5, 21, 10))
    [(0, 10), (10, 20), (20, 30)]
    """
    for low in range(start // length * length, end, length):
        yield low, low + length


def wrong_shape(url: str, wanted: str, value: Any) -> DataError:
    """Error for an answer of another shape than the source is known for."""
    return DataError(
        public_url(url),
        None,
        f"unexpected answer: {wanted} wanted, got {str(value)[:200]}; check the settings of the "
        "source and its base URL",
    )


def rows_to_raw(path: Path, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> RawTable:
    """Lay the rows of an API out as a file's would be, for the same checks.

    Parameters
    ----------
    path : Path
        Folder of the answers, for errors.
    names : sequence of str
        Canonical columns.
    rows : sequence of sequence
        Values; None where the source has none.

    Raises
    ------
    DataError
        If there is no row.
    """
    if not rows:
        raise DataError(
            path, None, "the source has no rows for this period; check symbol, start and end"
        )
    columns = tuple(
        pa.array(["" if value is None else str(value) for value in column], pa.string())
        for column in zip(*rows, strict=True)
    )
    lines = tuple(",".join(map(str, row)) for row in rows)
    numbers = np.arange(1, len(rows) + 1, dtype=np.int64)
    return RawTable(path, tuple(names), columns, numbers, (), InputFile("", "", 0), lines)


def moments(url: str, stamps: Sequence[Any]) -> np.ndarray:
    """Stamps in s, ms or us (told by magnitude), numbers or text, as UTC ns."""
    ts, _ = to_nanoseconds(pa.array([str(stamp) for stamp in stamps], pa.string()))
    if (ts == NO_TIME).any():
        bad = stamps[int(np.argmax(ts == NO_TIME))]
        raise wrong_shape(url, "stamps in 1990..2100", bad)
    return ts
