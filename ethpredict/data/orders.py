"""Order by order: created, changed and deleted events of single resting orders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ethpredict.data.candles import to_numbers
from ethpredict.data.cause_order import causes_first
from ethpredict.data.faults import Faults
from ethpredict.data.market import ORDER_COLUMNS, typed_table
from ethpredict.data.order import longest_ordered
from ethpredict.data.order_flow import NO_ID, play_flow
from ethpredict.data.order_words import (
    FILLED,
    PLAIN,
    OrderLayout,
    actions_of,
    find_columns,
    lower_words,
    sides_of,
)
from ethpredict.data.set_aside import quarantined_rows
from ethpredict.data.timestamps import NO_TIME, parse_moment, to_nanoseconds
from ethpredict.io.raw_table import RawTable, read_raw_table

# Actions whose rows must tell an amount.
_AMOUNTS = ("changed", "reduced", "executed", "filled", "matched")
_FLOW_COLUMNS = (
    "ts", "action", "side", "price", "size", "left", "order_id", "maker", "taker", "new_id",
)  # fmt: skip
AS_USUAL = OrderLayout()


def read_orders(
    path: str | Path, quarantine: bool = False, layout: OrderLayout = AS_USUAL
) -> pd.DataFrame:
    """Read the order events of one market, order by order.

    Parameters
    ----------
    path : path-like
        csv, csv.gz, zip or parquet. Bitstamp's ``live_orders`` and feeds that tell
        additions, executions, partial cancels, replacements or matches are known by their
        names and words (docs/data.md).
    quarantine : bool
        Leave bad rows out, with a warning that counts them; see :func:`order_part`.
    layout : OrderLayout
        What the file cannot tell by itself.

    Returns
    -------
    DataFrame
        `ORDER_COLUMNS`, in the exchange's order.

    Raises
    ------
    DataError
        If the file cannot be used or, unless `quarantine`, a row is bad.
    """
    return order_part(read_raw_table(path), quarantine, layout)[0]


def order_part(
    raw: RawTable, quarantine: bool, layout: OrderLayout = AS_USUAL
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Convert raw order events.

    Parameters
    ----------
    raw : RawTable
        The rows, put in the order of their ``sequence`` where they have one.
    quarantine : bool
        Whether bad rows are set aside; otherwise the first is an error.
    layout : OrderLayout
        What the file cannot tell by itself.

    Returns
    -------
    events : DataFrame
        `ORDER_COLUMNS`.
    quarantined : DataFrame
        `QUARANTINED_COLUMNS`. Bad are: no moment, a kind or side that is
        unknown, no id, a negative price or size, a time before the one of the row
        above, and what happens to an order that does not stand. A price of 0 stays: far
        orders are printed so. Ids that are text, or longer than 18 digits, in the whole
        file are numbered from 1 in the order in which they appear. A row that
        deletes an order may leave side, price and size empty: it has those of
        the row before it of the same order.

    Raises
    ------
    DataError
        If a column is missing or, unless `quarantine`, a row is bad.
    """
    column, told = find_columns(raw, layout)
    raw, column = _in_sequence(raw, column)
    faults = Faults(len(raw.rows))
    ts = _moments(column["ts"], layout)
    faults.add(ts == NO_TIME, lambda i: f"timestamp: {column['ts'][i].as_py()!r} is no moment")
    good = np.flatnonzero(~faults.bad)
    late = np.zeros(len(ts), dtype=bool)
    late[good] = ~longest_ordered(ts[good])
    faults.add(late, lambda i: f"timestamp out of order: {ts[i]} ns")
    said = lower_words(column["kind"])
    action = actions_of(said, layout, {"maker", "taker"} <= set(column))
    faults.add(
        action.isna().to_numpy(),
        lambda i: f"kind: {said[i]!r} is not known; say what it does in data.orders.words",
    )
    table = _values(column, told, layout)
    table.insert(0, "ts", ts)
    table.insert(1, "action", action.to_numpy(object))
    empty = _name_orders(table, column, faults)
    if set(action.dropna()) <= set(PLAIN):
        events = _plain_events(table, empty, column, faults)
    else:
        events = _flow_events(table, column, faults)
    return events, quarantined_rows(raw, faults, "order", quarantine)


def _in_sequence(
    raw: RawTable, column: dict[str, pa.Array]
) -> tuple[RawTable, dict[str, pa.Array]]:
    """Rows in the order of the exchange's numbers, where every row has one."""
    if "sequence" not in column:
        return raw, column
    number = to_numbers(column["sequence"])[0]
    if not np.isfinite(number).all() or (np.diff(number) >= 0).all():
        return raw, column
    order = np.argsort(number, kind="stable")
    lines = tuple(raw.lines[i] for i in order.tolist()) if raw.lines else raw.lines
    columns = tuple(values.take(pa.array(order)) for values in raw.columns)
    sorted_ = replace(raw, columns=columns, rows=raw.rows[order], lines=lines)
    return sorted_, {role: values.take(pa.array(order)) for role, values in column.items()}


def _moments(column: pa.Array, layout: OrderLayout) -> np.ndarray:
    """Times, UTC ns; seconds since midnight where the layout names the day."""
    if layout.day is None:
        return to_nanoseconds(column)[0]
    seconds = to_numbers(column)[0]
    inside = np.isfinite(seconds) & (seconds >= 0.0) & (seconds < 172_800.0)
    ns = np.rint(np.where(inside, seconds, 0.0) * 1e9).astype(np.int64)
    midnight = parse_moment(str(layout.day), "data.orders.day")
    return np.where(inside, ns + midnight, NO_TIME)


def _values(column: dict[str, pa.Array], told: dict[str, str], layout: OrderLayout) -> pd.DataFrame:
    """Side (nan = not told), price, size and what is left, in units of the market."""
    table = pd.DataFrame({"price": to_numbers(column["price"])[0] * layout.price_unit})
    for name in ("size", "left"):
        table[name] = np.nan
        if name in column:
            table[name] = to_numbers(column[name])[0] * layout.size_unit
    if "side" in column:
        words = lower_words(column["side"])
        table["side"] = sides_of(words, layout, told["side"]).to_numpy(np.float64)
    else:
        # Without a column for it the sign of the size tells the side.
        table["side"] = np.sign(table["size"]).replace(0.0, np.nan)
        table["size"] = table["size"].abs()
    if "reason" in column:
        table.loc[lower_words(column["reason"]).isin(FILLED).to_numpy(), "left"] = 0.0
    return table


def _name_orders(table: pd.DataFrame, column: dict[str, pa.Array], faults: Faults) -> pd.DataFrame:
    """Add the numbers of the orders; return where side, price and size are empty."""
    roles = [role for role in ("order_id", "maker", "taker", "new_id") if role in column]
    text = [pc.cast(column[role], "string") for role in roles]
    numbers, named = _order_numbers(pa.concat_arrays(text))
    numbers = np.where(named, numbers, NO_ID).reshape(len(roles), -1)
    for role in ("order_id", "maker", "taker", "new_id"):
        table[role] = numbers[roles.index(role)] if role in roles else NO_ID
    own = np.where(table["action"] == "matched", table["maker"], NO_ID)
    some = (table["order_id"] != NO_ID) | (own != NO_ID)
    some |= table["action"].isin(("cleared", "ignored", "announced"))
    ids = column["order_id"]
    faults.add(~some.to_numpy(), lambda i: f"id: {ids[i].as_py()!r} is no whole number")
    empty = pd.DataFrame(index=table.index)
    for name in ("side", "price", "size"):
        empty[name] = True
        if name in column:
            given = column[name].to_pandas()
            empty[name] = given.isna() | (given.astype(str).str.strip() == "")
    return empty


def _plain_events(
    table: pd.DataFrame, empty: pd.DataFrame, column: dict[str, pa.Array], faults: Faults
) -> pd.DataFrame:
    """Events that say by themselves what is left of an order."""
    table["size"] = table["left"].where(table["left"].notna(), table["size"])
    empty = empty & table[["side", "price", "size"]].isna()
    known = table[["side", "price", "size"]].mask(np.repeat(faults.bad[:, None], 3, axis=1))
    gone = (table["action"] == "deleted").to_numpy()[:, None]
    filled = known.groupby(table["order_id"], sort=False).ffill()
    table[["side", "price", "size"]] = table[["side", "price", "size"]].mask(
        empty.to_numpy() & gone, filled
    )
    _check_values(table, np.ones(len(table), dtype=bool), column, faults)
    kept = table[~faults.bad].rename(columns={"action": "kind"})
    order = causes_first(
        kept["ts"].to_numpy(np.int64),
        (kept["kind"] == "created").to_numpy(),
        kept["order_id"].to_numpy(np.int64),
        kept["side"].to_numpy(np.int64),
        kept["price"].to_numpy(np.float64),
        kept["size"].to_numpy(np.float64),
    )
    return typed_table(ORDER_COLUMNS, {name: kept[name].iloc[order] for name in ORDER_COLUMNS})


def _flow_events(table: pd.DataFrame, column: dict[str, pa.Array], faults: Faults) -> pd.DataFrame:
    """Events of a file that tells what orders lose."""
    action = table["action"]
    created = (action == "created") & table["price"].notna()
    _check_values(table, created.to_numpy(), column, faults)
    missing = action.isin(_AMOUNTS) & table["size"].isna() & table["left"].isna()
    missing |= (action == "matched") & table[["size", "price"]].isna().any(axis=1)
    faults.add(missing.to_numpy(), lambda i: f"size: {action[i]} without an amount or a price")
    negative = (table[["price", "size", "left"]] < 0).any(axis=1).to_numpy()
    faults.add(negative, lambda i: "size: a negative number")
    kept = np.flatnonzero(~faults.bad)
    rows = {name: table[name].iloc[kept].tolist() for name in _FLOW_COLUMNS}
    events, reasons = play_flow(rows)
    found = {int(kept[place]): reason for place, reason in reasons.items()}
    mask = np.zeros(len(table), dtype=bool)
    mask[list(found)] = True
    faults.add(mask, lambda i: found[i])
    return events


def _check_values(
    table: pd.DataFrame, rows: np.ndarray, column: dict[str, pa.Array], faults: Faults
) -> None:
    """Fault rows of which side, price or size are no good."""
    words = lower_words(column["side"]) if "side" in column else pd.Series("", table.index)
    known = table["side"].isin((1.0, -1.0)).to_numpy()
    faults.add(
        rows & ~known,
        lambda i: f"side: {words[i]!r} is not known; say what it is in data.orders.words",
    )
    for name in ("price", "size"):
        value = table[name].to_numpy(np.float64)
        told = value
        if name == "size":
            left = table["left"].to_numpy(np.float64)
            told = np.where(np.isnan(value), left, value)
        faults.add(rows & ~(np.isfinite(told) & (told >= 0)), _negative(name, value))


def _order_numbers(ids: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Ids as whole numbers, and where there is one; a file of text ids is numbered."""
    text = pc.cast(ids, "string")
    whole = np.asarray(pc.fill_null(pc.match_substring_regex(text, r"^-?\d{1,18}$"), False))
    given = np.asarray(pc.fill_null(pc.match_substring_regex(text, r"^\S+$"), False))
    digits = np.asarray(pc.fill_null(pc.match_substring_regex(text, r"^\d+$"), False))
    if given.any() and (not whole.any() or (digits[given].all() and not whole[given].all())):
        places, _ = pd.factorize(text.to_pandas().where(given))
        return places.astype(np.int64) + 1, given
    return np.asarray(pc.cast(pc.if_else(pa.array(whole), text, "0"), "int64")), whole


def _negative(name: str, value: np.ndarray) -> Callable[[int], str]:
    return lambda i: f"{name}: {value[i]}"
