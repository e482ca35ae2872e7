"""Lines of a text file, plain or gzip, one at a time and each with its number."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path

from ethpredict.errors import DataError

_GZIP_MAGIC = b"\x1f\x8b"


def numbered_lines(path: str | Path) -> Iterator[tuple[int, str]]:
    """Read a file line by line, so that it may be larger than memory.

    Parameters
    ----------
    path : path-like
        Text in UTF-8, plain or gzip; the content decides, not the name.

    Yields
    ------
    int
        1-based number of the line.
    str
        The line without its end; empty lines too.

    Raises
    ------
    DataError
        If the file is missing, unreadable or empty, or the gzip is truncated
        or damaged: then after the lines that stand before the damage.
    """
    path = Path(path)
    number = 0
    try:
        with open(path, "rb") as handle:
            packed = handle.read(2) == _GZIP_MAGIC
            handle.seek(0)
            plain = gzip.GzipFile(fileobj=handle) if packed else handle
            text = io.TextIOWrapper(plain, "utf-8-sig", errors="replace")
            for number, line in enumerate(text, 1):
                yield number, line.rstrip("\r\n")
    except FileNotFoundError as error:
        raise DataError(
            path, None, "no such file; a path is relative to the working folder"
        ) from error
    except EOFError as error:
        raise DataError(path, number + 1, "truncated gzip; fetch the file again") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(
            path, number + 1, f"damaged gzip ({error}); fetch the file again"
        ) from error
    except OSError as error:
        raise DataError(path, None, f"cannot be read ({error.strerror})") from error
    if not number:
        raise DataError(path, None, "the file is empty")
