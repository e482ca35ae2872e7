"""Digests that name artefacts, trials and packs."""

from __future__ import annotations

import hashlib
import json
from typing import Any

ID_PATTERN = "[0-9a-f]{16}"


def canonical_json(value: Any) -> str:
    """One text per value: sorted keys, no spaces, shortest floats, no nan.

    Examples
    --------
    >>> canonical_json({"b": 1.0, "a": [None, True]})
    '{"a":[null,true],"b":1.0}'
    """
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def digest(value: Any) -> str:
    """16 hex digits of SHA-256 over the canonical JSON.

    Examples
    --------
    >>> digest({"a": 1.0}) == digest({"a": 1})
    False
    """
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:16]


def unit_draw(*key: Any) -> float:
    """Uniform draw in [0, 1) that depends on the key alone, never on other draws."""
    raw = hashlib.sha256(canonical_json(list(key)).encode()).digest()
    return (int.from_bytes(raw[:8], "big") >> 11) * 2.0**-53
