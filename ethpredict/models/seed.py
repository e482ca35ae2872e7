"""Seeds that belong to a model, not to its place in a pack."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def model_seed(settings: Mapping[str, Any], replicate: int = 0) -> int:
    """Seed of one model: a digest of its own settings and its replicate.

    Parameters
    ----------
    settings : mapping
        The member's settings, canonical (one type per key).
    replicate : int, >= 0
        Which of the trial's seeds.

    Returns
    -------
    int
        In 0 .. 2**31 - 1 (libraries take signed 32 bits).

    Examples
    --------
    >>> model_seed({"a": 1, "b": 2}) == model_seed({"b": 2, "a": 1})
    True
    >>> model_seed({"a": 1}, 0) == model_seed({"a": 1}, 1)
    False
    """
    text = json.dumps([settings, replicate], sort_keys=True, separators=(",", ":"), allow_nan=False)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1
