"""Settings and clients that never sleep for real."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ethpredict.data.sources.access import Access
from ethpredict.io.downloads import Downloads
from ethpredict.io.http import Client, HttpSettings

MS = {"1h": 3_600_000, "5m": 300_000, "1m": 60_000, "1d": 86_400_000}


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make_access(tmp_path: Path, clock: Clock):
    """A way to a source whose store lies in the test's folder."""

    def make(http: dict[str, Any] | None = None, **data: Any) -> Access:
        settings = {
            "symbol": "ETHUSDT",
            "interval": "1h",
            "start": "2025-01-01",
            "end": "2025-01-03",
            "max_gap": 3600.0,
            "on_bad_rows": "strict",
        }
        words = {"per_minute": 10**6, "timeout": 5.0, "attempts": 4} | (http or {})
        client = Client(HttpSettings(**words), clock.sleep, clock)
        return Access(client, Downloads(tmp_path / "downloads"), settings | data)

    return make


def left_overs(folder: Path) -> list[str]:
    """Names of temporary files and parts below a folder."""
    return sorted(p.name for p in folder.rglob("*") if p.name.endswith((".tmp", ".part", ".tag")))
