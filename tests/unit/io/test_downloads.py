"""The store of raw answers: whole or absent, asked again only while they may change."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from ethpredict.errors import DataError
from ethpredict.io.downloads import Downloads, summary

URL = "https://api.example/v1?apikey=hidden"


def asking(store: Downloads, values: list, settled: bool = True):
    """Ask one question; each time the source is reached it gives the next value."""

    def ask():
        value = values.pop(0)
        return json.dumps(value).encode(), value

    return store.answer("x", {"q": 1}, URL, lambda: 1.8e9, ask, lambda _, __: settled)


def test_a_final_answer_is_asked_for_once(tmp_path: Path) -> None:
    store = Downloads(tmp_path)
    first, kept = asking(store, [[1, 2]])
    second, again = asking(store, [])
    assert first == second == [1, 2]
    assert kept == again
    manifest = json.loads(Path(f"{kept.path}.manifest.json").read_text())
    assert manifest["rows"] == 2
    assert manifest["fetched"] == "2027-01-15T08:00:00+00:00"
    assert "hidden" not in json.dumps(manifest)


def test_an_answer_that_may_change_is_asked_again(tmp_path: Path) -> None:
    store = Downloads(tmp_path)
    assert asking(store, [[1]], settled=False)[0] == [1]
    assert asking(store, [[2]], settled=False)[0] == [2]


def test_a_damaged_answer_is_asked_again(tmp_path: Path, caplog) -> None:
    store = Downloads(tmp_path)
    kept = asking(store, [[1]])[1]
    kept.path.write_bytes(b"[1")
    assert asking(store, [[3]])[0] == [3]
    assert "changed since it was fetched" in caplog.text


def test_a_failed_question_leaves_nothing(tmp_path: Path) -> None:
    def ask():
        raise DataError("x", None, "refused")

    with pytest.raises(DataError):
        Downloads(tmp_path).answer("x", 1, URL, lambda: 1.8e9, ask, lambda _, __: True)
    assert not (tmp_path / "x").exists()


def test_two_at_once_ask_once(tmp_path: Path) -> None:
    store, values = Downloads(tmp_path), [[1]]
    got = []
    threads = [
        threading.Thread(target=lambda: got.append(asking(store, values)[0])) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [[1]] * 4


def test_the_summary_changes_with_any_answer() -> None:
    many = [{"name": str(i), "sha256": f"{i:064x}", "bytes": 2} for i in range(100)]
    other = [*many[:50], many[50] | {"sha256": "0" * 64}, *many[51:]]
    assert len(summary(many)) == 1
    assert summary(many) == summary([dict(record) for record in many])
    assert summary(many)[0]["sha256"] != summary(other)[0]["sha256"]
