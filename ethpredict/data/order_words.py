"""Names and words of order files: which column is what, and what a row does.

Exchanges tell the same few things with other words. An *action* is what a row does to
the book; :mod:`ethpredict.data.order_flow` plays them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ethpredict.errors import ConfigError, DataError
from ethpredict.io.raw_table import RawTable

# What a row may do. The first three tell what is left of an order, the others what was lost.
PLAIN = ("created", "changed", "deleted")
ACTIONS = (
    *PLAIN, "reduced", "executed", "filled", "matched", "replaced", "cleared", "announced",
    "ignored",
)  # fmt: skip
_WORDS = {
    **dict.fromkeys(
        ("create", "add", "added", "new", "open", "insert", "placed", "snapshot", "partial"),
        "created",
    ),
    **dict.fromkeys(
        ("change", "update", "updated", "modify", "modified", "amend", "reduced"), "changed"
    ),
    **dict.fromkeys(
        ("delete", "remove", "removed", "cancel", "canceled", "cancelled", "done"), "deleted"
    ),
    **dict.fromkeys(("reduce", "decrease", "partial_cancel", "cancel_partial"), "reduced"),
    **dict.fromkeys(
        ("execute", "execution", "exec", "fill", "partial_fill", "partially_filled", "trade"),
        "executed",
    ),
    **dict.fromkeys(("match", "last_match"), "matched"),
    **dict.fromkeys(("replace", "cancel_replace"), "replaced"),
    **dict.fromkeys(("clear", "reset"), "cleared"),
    **dict.fromkeys(("received", "accepted"), "announced"),
    **dict.fromkeys(("activate", "heartbeat", "subscriptions", "halt", "status"), "ignored"),
    **{action: action for action in ACTIONS if action != "filled"},
}
_WORDS["filled"] = "executed"
# Letters of NASDAQ's ITCH, of market-by-order feeds, and LOBSTER's numbers.
_ITCH = dict.fromkeys("bhijklnpqrsvwy", "ignored") | {
    "a": "created", "f": "created", "e": "executed", "c": "executed", "x": "reduced",
    "d": "deleted", "u": "replaced",
}  # fmt: skip
_MBO = {
    "a": "created", "m": "changed", "c": "reduced", "r": "cleared", "t": "ignored", "f": "filled",
    "n": "ignored",
}  # fmt: skip
_LOBSTER = {
    "1": "created", "2": "reduced", "3": "deleted", "4": "executed", "5": "ignored",
    "6": "ignored", "7": "ignored",
}  # fmt: skip
_LOBSTER_COLUMNS = ("ts", "kind", "order_id", "size", "price", "side")

ALIASES = {
    "ts": (
        "exchange_timestamp", "microtimestamp", "exchange_time", "ts_event", "ts", "timestamp",
        "time", "datetime", "event_time", "transact_time", "time_exchange",
    ),
    "kind": (
        "action", "kind", "event", "event_type", "update_type", "message_type", "msg_type", "type",
    ),
    "order_id": ("id", "order_id", "orderid", "order_ref", "order_reference", "reference", "ref"),
    "side": ("direction", "side", "order_type", "buy_sell", "is_buy", "is_bid"),
    "price": ("price", "limit_price", "order_price", "px"),
    "size": ("volume", "size", "amount", "quantity", "qty", "order_qty", "shares"),
    "left": (
        "remaining_size", "remaining", "new_size", "leaves_qty", "remaining_qty",
        "remaining_quantity", "remaining_base_amount",
    ),
    "maker": ("maker_order_id", "maker_id", "maker"),
    "taker": ("taker_order_id", "taker_id", "taker"),
    "new_id": ("new_order_id", "new_order_ref", "new_reference", "new_id"),
    "reason": ("reason", "cancel_reason"),
    "sequence": ("sequence", "sequence_number", "seq", "seq_num", "seqnum"),
}  # fmt: skip
_NEEDED = ("ts", "kind", "order_id", "price", "size")
_SIDES = {
    **dict.fromkeys(("bid", "buy", "b", "buyer", "true", "1"), 1),
    **dict.fromkeys(("ask", "sell", "a", "s", "seller", "offer", "false", "-1"), -1),
}
FILLED = ("filled", "fill", "executed", "traded")


@dataclass(frozen=True)
class OrderLayout:
    """What a reader cannot know of an order file by itself.

    Parameters
    ----------
    columns : Mapping
        Role (a key of `ALIASES`) to the column's name, or to its number from 1 in a file
        without a header. A role that is not named is found by its usual names.
    words : Mapping
        A word of the file to an action (`ACTIONS`), or to ``bid`` or ``ask``.
    price_unit, size_unit : float
        What a price or a size of 1 in the file is, USD and ETH, > 0.
    day : str or None
        The day, where times are seconds since its midnight (UTC).

    Raises
    ------
    ConfigError
        If a role or an action is not known, or a unit is not > 0.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    price_unit: float = 1.0
    size_unit: float = 1.0
    day: str | None = None

    def __post_init__(self) -> None:
        for role in self.columns:
            if role not in ALIASES:
                raise ConfigError("data.orders.columns", role, f"one of {', '.join(ALIASES)}")
        for word in self.words.values():
            if word not in (*ACTIONS, "bid", "ask"):
                raise ConfigError(
                    "data.orders.words", word, f"one of {', '.join(ACTIONS)}, bid, ask"
                )
        for name in ("price_unit", "size_unit"):
            if not (np.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise ConfigError(f"data.orders.{name}", getattr(self, name), "a number > 0")


def _plain_name(name: str) -> str:
    """A name or word as it is compared: lower case, what joins its parts written as ``_``."""
    short = re.sub(r"^(-?\d+)\.0$", r"\1", name.strip().lower())
    return re.sub(r"(?<=\w)[ .\-]+(?=\w)", "_", short)


def find_columns(raw: RawTable, layout: OrderLayout) -> tuple[dict[str, pa.Array], dict[str, str]]:
    """Columns by role, and what each is called.

    Raises
    ------
    DataError
        If a column that order events need is not there.
    """
    names = [_plain_name(name) for name in raw.names or ()]
    if raw.names is None:
        names = [str(number + 1) for number in range(len(raw.columns))]
    known = {role: list(found) for role, found in ALIASES.items()}
    if raw.names is None and not layout.columns and len(raw.columns) == len(_LOBSTER_COLUMNS):
        known |= {role: [str(n + 1)] for n, role in enumerate(_LOBSTER_COLUMNS)}
    for role, name in layout.columns.items():
        if _plain_name(name) not in names:
            raise DataError(
                raw.path, 1, f"no column {name!r} (data.orders.columns.{role}); the file has "
                f"{', '.join(names)}",
            )  # fmt: skip
        known[role] = [_plain_name(name)]
    column, told = {}, {}
    for role, wanted in known.items():
        found = [name for name in wanted if name in names]
        if found:
            column[role], told[role] = raw.columns[names.index(found[0])], found[0]
    more = [raw.columns[names.index(name)] for name in known["left"] if name in names]
    if len(more) > 1:
        # One file may tell it under one name in one kind of row and under another in others.
        text = [pc.utf8_trim_whitespace(pc.cast(values, "string")) for values in more]
        empty = pa.scalar(None, pa.string())
        column["left"] = pc.coalesce(*(pc.if_else(pc.equal(v, ""), empty, v) for v in text))
    if "size" not in column and "left" in column:
        column["size"], told["size"] = column["left"], told["left"]
    if "order_id" not in column and "maker" in column:
        column["order_id"], told["order_id"] = column["maker"], told["maker"]
    for role in _NEEDED:
        if role not in column:
            raise DataError(
                raw.path, 1,
                f"no column {' or '.join(known[role])}; order events need it, or name the file's "
                f"own in data.orders.columns.{role}",
            )  # fmt: skip
    return column, told


def lower_words(column: pa.Array) -> pd.Series:
    """Words of a column as they are compared."""
    text = column.to_pandas()
    plain = {word: _plain_name(str(word)) for word in pd.unique(text)}
    return text.map(plain).fillna("nan").astype(str)


def actions_of(said: pd.Series, layout: OrderLayout, has_taker: bool) -> pd.Series:
    """What each row does; missing where its word is not known.

    Parameters
    ----------
    said : Series of str
        The rows' words, of :func:`lower_words`.
    layout : OrderLayout
        Its words go before all others.
    has_taker : bool
        Whether rows name both orders of a trade.
    """
    own = {_plain_name(word): action for word, action in layout.words.items()}
    words = set(said.unique()) - set(own)
    known = _WORDS | ({"trade": "matched", "fill": "matched"} if has_taker else {})
    if words and words <= set(_LOBSTER):
        known = _LOBSTER
    elif words and all(len(word) == 1 for word in words):
        known = _ITCH if words & set("edxu") or not words <= set(_MBO) else _MBO
    return said.map(known | {word: own[word] for word in own if own[word] in ACTIONS})


def sides_of(words: pd.Series, layout: OrderLayout, name: str) -> pd.Series:
    """+1 (bid), -1 (ask), missing where the word is not known.

    The codes 0 and 1 are buy and sell (Bitstamp's ``order_type``), 1 and 2 too (FIX), 1 and
    -1 are.
    """
    own = {_plain_name(word): side for word, side in layout.words.items() if side in ("bid", "ask")}
    known = dict(_SIDES)
    seen = set(words.unique())
    if "0" in seen or name == "order_type":
        known |= {"0": 1, "1": -1}
    elif "2" in seen:
        known |= {"1": 1, "2": -1}
    return words.map(known | {word: 1 if side == "bid" else -1 for word, side in own.items()})
