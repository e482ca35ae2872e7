"""Plain bytes from gzip or zip; a damaged archive is a named error, never a part of its rows."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from pathlib import Path

from ethpredict.errors import DataError

_GZIP_MAGIC = b"\x1f\x8b"
_ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06")


def decompress(path: Path, content: bytes) -> bytes:
    """Unpack `content` if it is gzip or zip; anything else is returned as it is.

    Parameters
    ----------
    path : Path
        The file, for errors.
    content : bytes
        Its bytes on disk.

    Returns
    -------
    bytes
        The plain text, not empty.

    Raises
    ------
    DataError
        If the archive is truncated or damaged, or a zip holds other than one
        csv file.
    """
    if content.startswith(_GZIP_MAGIC):
        plain = _gunzip(path, content)
    elif content.startswith(_ZIP_MAGICS):
        plain = _unzip(path, content)
    else:
        plain = content
    if not plain.strip():
        raise DataError(path, None, "the file is empty")
    return plain


def _gunzip(path: Path, content: bytes) -> bytes:
    try:
        return gzip.decompress(content)
    except EOFError as error:
        raise DataError(path, None, "truncated gzip; fetch the file again") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(path, None, f"damaged gzip ({error}); fetch the file again") from error


def _unzip(path: Path, content: bytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [
                name
                for name in archive.namelist()
                if name.lower().endswith(".csv") and not name.startswith("__MACOSX/")
            ]
            if len(members) != 1:
                raise DataError(path, None, f"the zip holds {len(members)} csv files; needs one")
            return archive.read(members[0])
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise DataError(
            path, None, f"truncated or damaged zip ({error}); fetch it again"
        ) from error
    except (NotImplementedError, RuntimeError) as error:
        raise DataError(path, None, f"the zip cannot be unpacked ({error})") from error
