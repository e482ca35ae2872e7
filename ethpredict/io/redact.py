"""Addresses without their secrets, for messages and manifests."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

_SECRET_NAME = re.compile(r"key|token|secret|signature|password|auth", re.IGNORECASE)
# A path segment this long without a dot is a key (Infura and Alchemy put theirs there).
_SECRET_SEGMENT = re.compile(r"^(?!0x)[A-Za-z0-9_-]{28,}$")


def public_url(url: str) -> str:
    """Return the address without what may be secret.

    Examples
    --------
    >>> public_url("https://me:pw@rpc.example/v3/0123456789abcdef0123456789abcdef?apikey=1&a=2")
    'https://rpc.example/v3/***?apikey=***&a=2'
    """
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    path = "/".join("***" if _SECRET_SEGMENT.match(s) else s for s in parts.path.split("/"))
    query = [(k, "***" if _SECRET_NAME.search(k) else v) for k, v in parse_qsl(parts.query, True)]
    return urlunsplit((parts.scheme, host, path, urlencode(query, safe="*:,"), ""))
