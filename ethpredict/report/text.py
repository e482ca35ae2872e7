"""Numbers, dates and settings as people read them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

MISSING = "n/a"
MINUS = "\u2212"
KINDS = {
    "pnl_1k": "{:,.3f}",
    "usd": "{:,.2f}",
    "ratio": "{:,.2f}",
    "fine": "{:,.4f}",
    "share": "{:.1%}",
    "days": "{:,.1f}",
    "count": "{:,.0f}",
    "size": "{:,.2f}",
    "bps": "{:,.2f}",
    "whole": "{:,.0f}",
}


def is_missing(value: Any) -> bool:
    """Whether a value is None, nan, NA or infinite."""
    if value is None or value is pd.NA:
        return True
    return isinstance(value, float) and not math.isfinite(value)


def as_float(value: Any) -> float:
    """Give a float that is nan where the value is missing."""
    return math.nan if is_missing(value) else float(value)


def number(value: Any, kind: str = "general") -> str:
    """Write a number with thousands separators and a true minus sign.

    Parameters
    ----------
    value : float or None
        The number.
    kind : str
        A key of ``KINDS``, or ``general`` for six significant digits.

    Returns
    -------
    str
        ``n/a`` where the number is missing.

    Examples
    --------
    >>> number(1234.5, "usd"), number(None), number(0.031, "share"), number(2592000)
    ('1,234.50', 'n/a', '3.1%', '2,592,000')
    """
    if is_missing(value):
        return MISSING
    general = "{:,.0f}" if float(value).is_integer() else "{:,.6g}"
    text = KINDS.get(kind, general).format(float(value))
    if text.startswith("-"):
        # A rounded zero has no sign.
        text = MINUS + text[1:] if any(digit in text for digit in "123456789") else text[1:]
    return text


def signed(value: Any, kind: str = "pnl_1k") -> str:
    """Write a number with its sign in front, also when it is positive."""
    text = number(value, kind)
    return f"+{text}" if not is_missing(value) and value > 0 else text


def setting(value: Any) -> str:
    """Write a setting's value: text bare, numbers short, lists as JSON.

    Examples
    --------
    >>> setting(0.01), setting("glft"), setting([1, 2]), setting(True)
    ('0.01', 'glft', '[1, 2]', 'true')
    """
    if is_missing(value):
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, (bool, list, dict)):
        return json.dumps(value)
    return f"{float(value):.10g}"


def short_keys(keys: list[str]) -> dict[str, str]:
    """Shortest unique endings of dotted keys, for column heads.

    Examples
    --------
    >>> short_keys(["bars.kind", "model.level0.algo", "data.kind"])
    {'bars.kind': 'bars.kind', 'model.level0.algo': 'algo', 'data.kind': 'data.kind'}
    """
    found = {}
    for key in keys:
        parts = key.split(".")
        for length in range(1, len(parts) + 1):
            ending = ".".join(parts[-length:])
            if sum(("." + other).endswith("." + ending) for other in keys) == 1:
                break
        found[key] = ending
    return found


def utc_day(ts: Any) -> str:
    """UTC date of a nanosecond time stamp.

    Examples
    --------
    >>> utc_day(1735689600000000000)
    '2025-01-01'
    """
    return str(pd.Timestamp(int(ts), unit="ns").date())


def duration(seconds: float) -> str:
    """Write a length of time in seconds, minutes or hours.

    Examples
    --------
    >>> duration(4.25), duration(200), duration(7300)
    ('4.2 s', '3 min 20 s', '2 h 1 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{int(seconds // 60)} min {int(seconds % 60)} s"
    return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60)} min"


def flatten(
    value: Any, prefix: str = "", form: Callable[[float], str] = setting
) -> list[tuple[str, str]]:
    """Leaves of a nested document as (dotted key, text), in key order; short lists on one line.

    Parameters
    ----------
    value : object
        A document of JSON.
    prefix : str
        Dotted key of the document itself.
    form : callable
        Writes a number.

    Examples
    --------
    >>> flatten({"b": {"c": 1.5}, "a": ["x", "y"]})
    [('a', 'x, y'), ('b.c', '1.5')]
    """

    def text(item: Any) -> str:
        if isinstance(item, (int, float)) and not isinstance(item, bool):
            return form(item)
        return "none" if item is None else setting(item)

    if isinstance(value, Mapping) and value:
        rows = []
        for key in sorted(value):
            rows += flatten(value[key], f"{prefix}.{key}" if prefix else str(key), form)
        return rows
    if isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value):
        rows = []
        for position, item in enumerate(value, start=1):
            rows += flatten(item, f"{prefix}.{position}", form)
        return rows
    if isinstance(value, (list, Mapping)):
        return [(prefix, ", ".join(map(text, value)) or "none")]
    return [(prefix, text(value))]
