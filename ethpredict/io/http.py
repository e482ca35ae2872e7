"""One polite HTTP client: pooled, paced, with time-outs, retries and downloads that resume."""

from __future__ import annotations

import email.utils
import hashlib
import logging
import os
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import requests
import tenacity
from requests.adapters import HTTPAdapter

from ethpredict.errors import DataError
from ethpredict.io.redact import public_url

logger = logging.getLogger(__name__)

_WEIGHT = "X-MBX-USED-WEIGHT-1M"
_BUSY = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.IM_A_TEAPOT, HTTPStatus.TOO_MANY_REQUESTS}
# A cut connection loses the chunk that it breaks off in.
_CHUNK = 1 << 14


@dataclass(frozen=True)
class HttpSettings:
    """How patient and how polite the client is.

    Parameters
    ----------
    timeout : float
        Seconds to connect, and between two packets, > 0.
    attempts : int
        Tries per request, >= 1.
    backoff : float
        Mean of the first wait, seconds; it doubles with each try.
    longest_wait : float
        Longest single wait, seconds; a server that asks for more ends the run.
    per_minute : int
        Most requests a minute, >= 1.
    weight_per_minute : int
        Request weight a minute after which the client waits for the next
        minute, compared with the server's ``X-MBX-USED-WEIGHT-1M``.
    connections : int
        Most connections at once, >= 1.
    """

    timeout: float = 30.0
    attempts: int = 6
    backoff: float = 1.0
    longest_wait: float = 300.0
    per_minute: int = 600
    weight_per_minute: int = 4800
    connections: int = 4


class _AgainError(Exception):
    """A try that may succeed later; `wait` is what the server asked for, seconds."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        self.reason, self.wait = reason, wait
        super().__init__(reason)


def never(_: requests.Response) -> bool:
    """No failed answer is handed back."""
    return False


class Client:
    """HTTP with retries; one per source, shared by its threads.

    Parameters
    ----------
    settings : HttpSettings
        Patience and pace.
    sleep, clock : callable
        Seconds to sleep; seconds since 1970. Tests replace both.
    """

    def __init__(
        self,
        settings: HttpSettings,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.settings, self.clock = settings, clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._next = 0.0
        self._session = requests.Session()
        adapter = HTTPAdapter(
            pool_connections=settings.connections, pool_maxsize=settings.connections
        )
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)
        self._session.headers["User-Agent"] = "ethpredict"

    def request(
        self,
        method: str,
        url: str,
        final: Callable[[requests.Response], bool] = never,
        **words: Any,
    ) -> requests.Response:
        """Send one request until it is answered.

        Parameters
        ----------
        method, url : str
            As usual.
        final : callable
            Whether a failed answer (status 400 and above) is handed back at
            once, because the caller knows what it means.
        **words
            As `requests.Session.request` takes them.

        Raises
        ------
        DataError
            If the server refuses, or does not answer within the attempts.
        """
        return self._retried(url, lambda: self._once(method, url, final, **words))

    def json(
        self,
        method: str,
        url: str,
        final: Callable[[requests.Response], bool] = never,
        **words: Any,
    ) -> tuple[requests.Response, Any]:
        """Send one request and read its answer as JSON.

        Raises
        ------
        DataError
            If the answer is no JSON: an HTML page of a proxy, say.
        """
        answer = self.request(method, url, final, **words)
        return answer, parsed(url, answer)

    def download(self, url: str, path: Path, sha256: str | None = None) -> None:
        """Fetch a file; a connection that breaks is taken up where it broke.

        The bytes go to a hidden ``.part`` file beside `path`. What is broken
        for good is removed; after a cut connection the part stays, so that
        the next run goes on from there. `path` appears whole or not at all.

        Parameters
        ----------
        url : str
            Address.
        path : Path
            Final name.
        sha256 : str, optional
            Digest that the file must have.

        Raises
        ------
        DataError
            If the server refuses, answers with a web page, breaks off again
            and again, or the digest is wrong twice.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.part")
        for last in (False, True):
            self._retried(url, lambda: self._continue(url, part))
            found = file_digest(part)
            if sha256 is None or found == sha256:
                _tag(part).unlink(missing_ok=True)
                os.replace(part, path)
                return
            _discard(part)
            if last:
                raise DataError(
                    public_url(url),
                    None,
                    f"wrong checksum: sha256 is {found}, announced is {sha256}; the file is being "
                    "re-issued or a proxy changes it: run again later or through another network",
                )
            logger.warning("%s: wrong checksum, fetched once more", public_url(url))

    def _retried(self, url: str, call: Callable[[], Any]) -> Any:
        settings = self.settings
        jittered = tenacity.wait_random_exponential(
            multiplier=2 * settings.backoff, max=settings.longest_wait
        )

        def wait(state: tenacity.RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            asked = error.wait if isinstance(error, _AgainError) else None
            return asked if asked is not None else jittered(state)

        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(settings.attempts),
            wait=wait,
            retry=tenacity.retry_if_exception_type(_AgainError),
            before_sleep=lambda state: logger.info(
                "%s: %s; try %d of %d follows",
                public_url(url),
                state.outcome.exception() if state.outcome else "",
                state.attempt_number + 1,
                settings.attempts,
            ),
            sleep=self._sleep,
            reraise=True,
        )
        try:
            return retrying(call)
        except _AgainError as error:
            raise DataError(
                public_url(url),
                None,
                f"{error.reason}, {settings.attempts} tries; run again later: what is fetched "
                "already stays, or raise data.http.attempts or data.http.timeout",
            ) from None

    def _once(
        self, method: str, url: str, final: Callable[[requests.Response], bool], **words: Any
    ) -> requests.Response:
        self._pace()
        try:
            answer = self._session.request(method, url, timeout=self.settings.timeout, **words)
        except (requests.ConnectionError, requests.Timeout) as error:
            raise _AgainError(_cut(error)) from None
        except (
            requests.exceptions.ChunkedEncodingError,
            requests.exceptions.ContentDecodingError,
        ) as error:
            raise _AgainError(_cut(error)) from None
        except requests.RequestException as error:
            raise DataError(
                public_url(url), None, f"no usable address ({type(error).__name__}); check the URL"
            ) from None
        self._obey(answer)
        if not final(answer):
            self._judge(url, answer)
        return answer

    def _continue(self, url: str, part: Path) -> None:
        """Fetch the rest of a part file, or all of it where it cannot be continued."""
        tag = _tag(part)
        have = part.stat().st_size if part.exists() and tag.exists() else 0
        headers = {"Accept-Encoding": "identity"}
        if have:
            headers |= {"Range": f"bytes={have}-", "If-Range": tag.read_text(encoding="utf-8")}
        try:
            answer = self._once(
                "GET",
                url,
                lambda a: a.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
                headers=headers,
                stream=True,
            )
        except DataError:
            _discard(part)
            raise
        with answer:
            if answer.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                _discard(part)
                raise _AgainError("the part fetched before no longer fits")
            if "html" in answer.headers.get("Content-Type", ""):
                _discard(part)
                raise _page(url)
            goes_on = answer.status_code == HTTPStatus.PARTIAL_CONTENT
            if goes_on and not answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
                _discard(part)
                raise _AgainError("the server sent another range than asked for")
            self._write(answer, part, "ab" if goes_on else "wb")

    def _write(self, answer: requests.Response, part: Path, mode: str) -> None:
        mark = answer.headers.get("ETag") or answer.headers.get("Last-Modified")
        with open(part, mode) as handle:
            if mark and not mark.startswith("W/"):
                _tag(part).write_text(mark, encoding="utf-8")
            else:
                _tag(part).unlink(missing_ok=True)
            try:
                for chunk in answer.iter_content(_CHUNK):
                    handle.write(chunk)
            except (requests.RequestException, OSError) as error:
                if not isinstance(error, requests.RequestException):
                    raise
                raise _AgainError(_cut(error)) from None
            handle.flush()
            os.fsync(handle.fileno())

    def _pace(self) -> None:
        """Wait for this request's turn."""
        with self._lock:
            turn = max(self._next, self.clock())
            self._next = turn + 60.0 / self.settings.per_minute
        wait = turn - self.clock()
        if wait > 0:
            self._sleep(wait)

    def _obey(self, answer: requests.Response) -> None:
        """Let the next minute begin where the server says that this one is used up."""
        used = answer.headers.get(_WEIGHT, "")
        if used.isdigit() and int(used) >= self.settings.weight_per_minute:
            minute = (self.clock() // 60 + 1) * 60
            logger.info("request weight %s used up; going on at the next minute", used)
            with self._lock:
                self._next = max(self._next, minute)

    def _judge(self, url: str, answer: requests.Response) -> None:
        status = answer.status_code
        if status < HTTPStatus.BAD_REQUEST:
            return
        where = public_url(url)
        if status in _BUSY or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            wait = self._asked(answer)
            if wait is not None and wait > self.settings.longest_wait:
                raise DataError(
                    where,
                    None,
                    f"HTTP {status}: the server asks for a pause of {wait:.0f} s; run again after "
                    "that, or raise data.http.longest_wait",
                )
            raise _AgainError(f"HTTP {status}", wait)
        said = " ".join(answer.text[:200].split())
        remedy = {
            HTTPStatus.UNAUTHORIZED: "the key is missing, wrong or expired: set a valid one",
            HTTPStatus.FORBIDDEN: "refused by a firewall, for your region or for your key",
            HTTPStatus.NOT_FOUND: "check the names and the base URL in the settings",
        }.get(HTTPStatus(status) if status in set(HTTPStatus) else HTTPStatus.OK)
        raise DataError(where, None, f"HTTP {status}: {remedy or 'check the settings'} ({said})")

    def _asked(self, answer: requests.Response) -> float | None:
        """Seconds that ``Retry-After`` asks for, as a number or a date."""
        text = answer.headers.get("Retry-After", "").strip()
        if re.fullmatch(r"\d+(\.\d+)?", text):
            return float(text)
        try:
            moment = email.utils.parsedate_to_datetime(text)
        except ValueError:
            return None
        return max(0.0, moment.timestamp() - self.clock())


def parsed(url: str, answer: requests.Response) -> Any:
    """Read an answer as JSON; a web page or broken JSON is a DataError."""
    if answer.content.lstrip()[:1] == b"<":
        raise _page(url)
    try:
        return answer.json()
    except requests.JSONDecodeError as error:
        raise DataError(
            public_url(url),
            None,
            f"malformed JSON ({error.msg} at character {error.pos}); check the base URL, then run "
            "again",
        ) from None


def file_digest(path: Path) -> str:
    """sha256 of a file, 64 hex digits."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _page(url: str) -> DataError:
    return DataError(
        public_url(url),
        None,
        "answered with an HTML page, not with data: a proxy, a firewall or a log-in page stands "
        "between, or the base URL is wrong",
    )


def _cut(error: Exception) -> str:
    """What broke, without the address that an error's own text repeats."""
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection was cut"
    return "no connection"


def _tag(part: Path) -> Path:
    """File with the server's mark of the version that a part belongs to."""
    return part.with_name(f"{part.name}.tag")


def _discard(part: Path) -> None:
    part.unlink(missing_ok=True)
    _tag(part).unlink(missing_ok=True)
