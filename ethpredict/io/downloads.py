"""Raw answers, kept as they were fetched, each with a manifest beside it."""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ethpredict.io.atomic import atomic_path
from ethpredict.io.http import file_digest
from ethpredict.io.redact import public_url

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stored:
    """One kept answer.

    Parameters
    ----------
    path : Path
        The file.
    name : str
        Its name in the store.
    sha256 : str
        Digest of its bytes.
    fetched : float
        When, seconds since 1970.
    size : int
        Bytes.
    """

    path: Path
    name: str
    sha256: str
    fetched: float
    size: int

    def record(self) -> dict[str, Any]:
        """Plain values for a result; without the clock, so that it stays the same."""
        return {"name": self.name, "sha256": self.sha256, "bytes": self.size}


def summary(records: list[dict[str, Any]], most: int = 60) -> list[dict[str, Any]]:
    """Put many records into one, so that a report stays readable.

    Parameters
    ----------
    records : list of dict
        As `Stored.record` makes them, in the order of use.
    most : int
        Up to so many stay as they are.

    Returns
    -------
    list of dict
        The records, or one with their number, the digest over all names and
        digests, and the sum of bytes. Each answer's own digest stands in its
        manifest.

    Examples
    --------
    >>> many = [{"name": str(i), "sha256": "ab", "bytes": 2} for i in range(3)]
    >>> summary(many, 3) == many
    True
    >>> [(one["name"], one["bytes"]) for one in summary(many, 2)]
    [('3 answers', 6)]
    """
    if len(records) <= most:
        return records
    whole = json.dumps([[r["name"], r["sha256"]] for r in records]).encode()
    return [
        {
            "name": f"{len(records)} answers",
            "sha256": hashlib.sha256(whole).hexdigest(),
            "bytes": sum(r["bytes"] for r in records),
        }
    ]


class Downloads:
    """Folder of raw answers that all studies share.

    Parameters
    ----------
    root : Path
        The folder; made when first needed.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def find(self, name: str) -> Stored | None:
        """Return a kept answer; None where there is none or its bytes have changed.

        Parameters
        ----------
        name : str
            Name in the store, with ``/`` between folders.
        """
        path, manifest = self.root / name, self._manifest(name)
        if not (path.is_file() and manifest.is_file()):
            return None
        known = json.loads(manifest.read_text(encoding="utf-8"))
        if file_digest(path) != known["sha256"]:
            logger.warning("%s: changed since it was fetched; fetched again", name)
            return None
        fetched = datetime.fromisoformat(known["fetched"]).timestamp()
        return Stored(path, name, known["sha256"], fetched, known["bytes"])

    def note(self, name: str, url: str, fetched: float, rows: int | None = None) -> Stored:
        """Write the manifest of a file that now lies in the store."""
        path = self.root / name
        stored = Stored(path, name, file_digest(path), fetched, path.stat().st_size)
        self._write_manifest(
            name,
            {
                "url": public_url(url),
                "fetched": datetime.fromtimestamp(fetched, UTC).isoformat(),
                "sha256": stored.sha256,
                "bytes": stored.size,
                "rows": rows,
            },
        )
        return stored

    def count(self, name: str, rows: int) -> None:
        """Add the number of rows, known once the file has been read."""
        known = json.loads(self._manifest(name).read_text(encoding="utf-8"))
        if known["rows"] != rows:
            self._write_manifest(name, known | {"rows": rows})

    def supersede(self, stored: Stored) -> None:
        """Move an answer that the source has replaced aside; it is kept."""
        old = f"{stored.name}.{stored.sha256[:8]}.old"
        stored.path.rename(self.root / old)
        self._manifest(stored.name).rename(self._manifest(old))

    @contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Let one job at a time fetch a name."""
        lock = self.root / ".locks" / hashlib.sha256(name.encode()).hexdigest()[:16]
        lock.parent.mkdir(parents=True, exist_ok=True)
        with open(lock, "w", encoding="utf-8") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def answer(
        self,
        folder: str,
        question: Any,
        url: str,
        now: Callable[[], float],
        ask: Callable[[], tuple[bytes, Any]],
        settled: Callable[[Any, float], bool],
    ) -> tuple[Any, Stored]:
        """Return the answer to one question of an API, from the store where it is final.

        Parameters
        ----------
        folder : str
            Folder in the store.
        question : JSON value
            What is asked, without secrets; its digest is the file's name.
        url : str
            Address, for the manifest.
        now : callable
            Seconds since 1970.
        ask : callable
            Fetches (raw bytes, value) and refuses what is no answer: only
            answers are kept.
        settled : callable
            Whether (value, time of fetching) can no longer change; otherwise
            the question is asked again.

        Returns
        -------
        value : JSON value
            The answer.
        stored : Stored
            Where it is kept.
        """
        text = json.dumps([public_url(url), question], sort_keys=True)
        name = f"{folder}/{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"
        with self.locked(name):
            kept = self.find(name)
            if kept is not None:
                value = json.loads(kept.path.read_bytes())
                if settled(value, kept.fetched):
                    return value, kept
            moment = now()
            content, value = ask()
            with atomic_path(self.root / name) as temporary:
                temporary.write_bytes(content)
            rows = len(value) if isinstance(value, list) else None
            return value, self.note(name, url, moment, rows)

    def _manifest(self, name: str) -> Path:
        return self.root / f"{name}.manifest.json"

    def _write_manifest(self, name: str, values: dict[str, Any]) -> None:
        with atomic_path(self._manifest(name)) as temporary:
            temporary.write_text(json.dumps(values, indent=1, sort_keys=True) + "\n", "utf-8")
