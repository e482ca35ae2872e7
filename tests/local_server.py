"""An HTTP server on this machine that answers as a test tells it to."""

from __future__ import annotations

import hashlib
import io
import json
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass
class Asked:
    """One request."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass
class Reply:
    """One answer; `cut` bytes are sent before the connection breaks off."""

    body: bytes | str | list[Any] | dict[str, Any] = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    before: Callable[[], object] = lambda: None

    def content(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


@dataclass
class Server:
    """What runs: its address and what it was asked."""

    url: str
    asked: list[Asked]

    def paths(self) -> list[str]:
        return [a.path for a in self.asked]


@contextmanager
def serving(answer: Callable[[Asked], Reply]) -> Iterator[Server]:
    """Run a server in threads of this process for the length of a block."""
    asked: list[Asked] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle_any(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            text = self.rfile.read(length)
            parts = urlsplit(self.path)
            request = Asked(
                self.command,
                parts.path,
                dict(parse_qsl(parts.query)),
                {name.lower(): value for name, value in self.headers.items()},
                json.loads(text) if text else None,
            )
            asked.append(request)
            reply = answer(request)
            reply.before()
            content = reply.content()
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content if reply.cut is None else content[: reply.cut])
            self.close_connection = reply.cut is not None

        do_GET = do_POST = handle_any  # noqa: N815

        def log_message(self, *words: object) -> None:
            """Stay silent."""

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, *words: object) -> None:
            """A client that has hung up is part of the tests."""

    server = Quiet(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield Server(f"http://127.0.0.1:{server.server_port}", asked)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def from_files(files: dict[str, bytes]) -> Callable[[Asked], Reply]:
    """Answers of a static server, ranges included, by the path of the request."""

    def answer(asked: Asked) -> Reply:
        if asked.path not in files:
            return Reply("<Error>NoSuchKey</Error>", 404)
        content = files[asked.path]
        mark = {"ETag": f'"{hashlib.md5(content).hexdigest()}"'}
        wanted = asked.headers.get("range")
        if wanted is None or asked.headers.get("if-range") != mark["ETag"]:
            return Reply(content, headers=mark)
        first = int(wanted.removeprefix("bytes=").rstrip("-"))
        part = {"Content-Range": f"bytes {first}-{len(content) - 1}/{len(content)}"}
        return Reply(content[first:], 206, mark | part)

    return answer


def zipped(text: str, name: str = "a.csv") -> bytes:
    """A zip with one csv; the same bytes for the same text."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name), text)
    return buffer.getvalue()


def archived(path: str, text: str) -> dict[str, bytes]:
    """A zip and the checksum beside it, as Binance's archive has them."""
    content = zipped(text)
    name = path.rpartition("/")[2]
    check = f"{hashlib.sha256(content).hexdigest()}  {name}\n".encode()
    return {path: content, f"{path}.CHECKSUM": check}


def kline(ts_ms: int, step_ms: int, price: float = 2000.0, factor: int = 1) -> list[Any]:
    """One candle of twelve fields; `factor` 1000 gives microseconds."""
    turn = ts_ms // step_ms
    return [
        ts_ms * factor, f"{price:.2f}", f"{price + 2:.2f}", f"{price - 1:.2f}", f"{price + 1:.2f}",
        f"{5 + turn % 7}.5", (ts_ms + step_ms) * factor - 1, f"{11000 + turn % 7}.25",
        40 + turn % 5, f"{1 + turn % 3}.25", f"{5000 + turn % 3}.5", "0",
    ]  # fmt: skip
