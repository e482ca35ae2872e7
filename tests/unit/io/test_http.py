"""The client against servers that misbehave in every known way."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ethpredict.errors import DataError
from ethpredict.io.http import Client, HttpSettings
from ethpredict.io.redact import public_url
from tests.local_server import Asked, Reply, from_files, serving


class Clock:
    def __init__(self) -> None:
        self.now, self.slept = 1_800_000_000.0, []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return Clock()


def client(clock: Clock, **words: float) -> Client:
    known = {"per_minute": 10**6, "timeout": 5.0, "attempts": 4} | words
    return Client(HttpSettings(**known), clock.sleep, clock)


def in_turn(*replies: Reply) -> Callable[[Asked], Reply]:
    """Each request gets the next reply, the last one for ever."""
    waiting = list(replies)
    return lambda _: waiting.pop(0) if len(waiting) > 1 else waiting[0]


@pytest.mark.parametrize("status", [429, 418, 503])
def test_retry_after_is_waited_for_exactly(clock: Clock, status: int) -> None:
    busy = Reply("slow down", status, {"Retry-After": "17"})
    with serving(in_turn(busy, Reply([1]))) as server:
        assert client(clock).json("GET", server.url)[1] == [1]
    assert [s for s in clock.slept if s > 1e-3] == [17.0]


def test_retry_after_may_be_a_date(clock: Clock) -> None:
    busy = Reply("", 429, {"Retry-After": "Fri, 15 Jan 2027 08:00:30 GMT"})  # 30 s after the clock
    with serving(in_turn(busy, Reply([1]))) as server:
        client(clock).json("GET", server.url)
    assert max(clock.slept) == pytest.approx(30.0, abs=0.01)


def test_a_pause_that_is_too_long_ends_the_run_at_once(clock: Clock) -> None:
    with (
        serving(lambda _: Reply("", 418, {"Retry-After": "7200"})) as server,
        pytest.raises(DataError, match=r"pause of 7200 s; run again after that"),
    ):
        client(clock).json("GET", server.url)
    assert len(server.asked) == 1


def test_errors_of_the_server_are_tried_again_with_growing_jittered_waits(clock: Clock) -> None:
    with (
        serving(lambda _: Reply("oops", 500)) as server,
        pytest.raises(DataError, match=r"HTTP 500, 4 tries; run again later"),
    ):
        client(clock).json("GET", server.url)
    assert len(server.asked) == 4
    waits = [s for s in clock.slept if s > 1e-3]
    assert len(waits) == 3
    assert all(w <= 2 * 2**i for i, w in enumerate(waits))
    assert all(w != 2 * 2**i for i, w in enumerate(waits))  # jitter


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply("<html>Sign in</html>", headers={"Content-Type": "text/html"}), "HTML page"),
        (Reply('{"a": [1, 2'), "malformed JSON .* check the base URL"),
        (Reply("expired", 401), "key is missing, wrong or expired"),
        (Reply("blocked", 403), "firewall"),
        (Reply("nothing here", 404), "check the names"),
    ],
)
def test_what_is_no_answer_is_not_tried_again(clock: Clock, reply: Reply, words: str) -> None:
    with serving(lambda _: reply) as server, pytest.raises(DataError, match=words):
        client(clock).json("GET", f"{server.url}/v3")
    assert len(server.asked) == 1


def test_a_slow_server_is_a_named_error(clock: Clock) -> None:
    hold = threading.Event()
    with serving(lambda _: Reply([1], before=lambda: hold.wait(5))) as server:
        with pytest.raises(DataError, match=r"no answer in time, 2 tries.*data.http.timeout"):
            client(clock, timeout=0.1, attempts=2).json("GET", server.url)
        hold.set()


def test_no_server_at_all_is_a_named_error(clock: Clock) -> None:
    with serving(lambda _: Reply()) as server:
        gone = server.url
    with pytest.raises(DataError, match="no connection, 2 tries"):
        client(clock, attempts=2).json("GET", gone)


def test_used_up_weight_is_paid_for_at_the_next_minute(clock: Clock) -> None:
    clock.now += 23
    full = Reply([1], headers={"X-MBX-USED-WEIGHT-1M": "5000"})
    with serving(in_turn(full, Reply([2]))) as server:
        polite = client(clock)
        polite.json("GET", server.url)
        assert clock.slept == []
        polite.json("GET", server.url)
    assert clock.slept == [pytest.approx(37.0)]


def test_requests_keep_their_distance(clock: Clock) -> None:
    with serving(lambda _: Reply([1])) as server:
        polite = client(clock, per_minute=30)
        for _ in range(3):
            polite.json("GET", server.url)
    assert clock.slept == [pytest.approx(2.0), pytest.approx(2.0)]


CONTENT = bytes(range(256)) * 400
DIGEST = hashlib.sha256(CONTENT).hexdigest()


def cutting(at: int, times: int) -> Callable[[Asked], Reply]:
    """A static server whose first answers break off."""
    plain = from_files({"/f": CONTENT})
    left = [times]

    def answer(asked: Asked) -> Reply:
        reply = plain(asked)
        if left[0]:
            left[0] -= 1
            reply.cut = at
        return reply

    return answer


def test_a_cut_download_goes_on_where_it_broke(clock: Clock, tmp_path: Path) -> None:
    with serving(cutting(40_000, 2)) as server:
        client(clock).download(f"{server.url}/f", tmp_path / "f", DIGEST)
    assert (tmp_path / "f").read_bytes() == CONTENT
    ranges = [a.headers.get("range") for a in server.asked]
    assert ranges == [None, "bytes=32768-", "bytes=65536-"]  # whole chunks of 16 KiB are kept
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


def test_the_next_run_goes_on_with_what_a_broken_one_left(clock: Clock, tmp_path: Path) -> None:
    target = tmp_path / "f"
    with serving(cutting(40_000, 1)) as server:
        with pytest.raises(DataError, match="connection was cut, 1 tries; run again later"):
            client(clock, attempts=1).download(f"{server.url}/f", target, DIGEST)
        assert not target.exists()
        client(clock, attempts=1).download(f"{server.url}/f", target, DIGEST)
    assert target.read_bytes() == CONTENT
    assert server.asked[1].headers["range"] == "bytes=32768-"


def test_a_part_of_another_version_is_not_continued(clock: Clock, tmp_path: Path) -> None:
    files = {"/f": CONTENT}
    with serving(cutting(40_000, 1)) as server, pytest.raises(DataError):
        client(clock, attempts=1).download(f"{server.url}/f", tmp_path / "f")
    files["/f"] = CONTENT[::-1]
    with serving(from_files(files)) as server:
        client(clock).download(f"{server.url}/f", tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == CONTENT[::-1]


def test_a_wrong_checksum_is_fetched_once_more_and_then_refused(
    clock: Clock, tmp_path: Path
) -> None:
    with (
        serving(from_files({"/f": CONTENT})) as server,
        pytest.raises(DataError, match=f"wrong checksum: sha256 is {DIGEST}, announced is 000"),
    ):
        client(clock).download(f"{server.url}/f", tmp_path / "f", "0" * 64)
    assert len(server.asked) == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "reply",
    [Reply("<html>", headers={"Content-Type": "text/html; charset=utf-8"}), Reply("gone", 404)],
)
def test_a_refused_download_leaves_nothing(clock: Clock, tmp_path: Path, reply: Reply) -> None:
    with serving(lambda _: reply) as server, pytest.raises(DataError):
        client(clock).download(f"{server.url}/f", tmp_path / "f")
    assert list(tmp_path.iterdir()) == []


def test_secrets_do_not_reach_messages(clock: Clock) -> None:
    with serving(lambda _: Reply("no", 401)) as server:
        url = server.url.replace("http://", "http://me:hidden1@")
        with pytest.raises(DataError) as caught:
            client(clock).json("GET", f"{url}/v3/{'hidden2' * 5}?apikey=hidden3")
    assert "hidden" not in str(caught.value)
    assert public_url("https://x.example/a/ETHUSDT-1h.zip") == "https://x.example/a/ETHUSDT-1h.zip"
