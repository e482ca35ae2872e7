"""Local files of trades: which column means what, whoever wrote the file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ethpredict.data.captures import read_capture
from ethpredict.data.market import TRADE_COLUMNS, typed_table
from ethpredict.data.named_columns import names_of
from ethpredict.data.trade_table import AGGREGATED, SINGLE, UNKNOWN, TradePart, trade_part
from ethpredict.errors import DataError
from ethpredict.io.raw_table import RawTable, read_raw_table

_ALIASES = {
    "ts": (
        "ts",
        "exchange_timestamp",
        "timestamp_ms",
        "timestamp",
        "datetime",
        "time",
        "transact_time",
    ),
    "price": ("price", "px"),
    "size": ("size", "quantity", "qty", "amount", "volume", "sz"),
    "id": ("id", "trade_id", "agg_trade_id", "tid"),
}
# Who was the maker, as a flag, or what the taker did, as a word.
_MAKER_FLAGS = {"buyer_is_maker": False, "is_buyer_maker": False, "buyer_maker": False}
_MAKER_FLAGS |= {"isbuyermaker": False, "is_maker_ask": True}
_SIDES = ("aggressor_side", "side", "taker_side")
_SELLS = ("sell", "ask", "a", "s", "-1")
_BUYS = ("buy", "bid", "b", "1")
_NORMAL = {"id": 0, "price": 1, "size": 2, "ts": 3, "buyer_is_maker": 4}


def read_trades(
    path: str | Path, quarantine: bool = False, contract_size: float | None = None
) -> TradePart:
    """Read trades from a table or a raw capture.

    Parameters
    ----------
    path : path-like
        A table with a header (time, price, size; id and side where it has
        them), a file of Binance's archive (with or without a header), or a
        capture (:func:`ethpredict.data.captures.read_capture`).
    quarantine : bool
        Whether bad rows are set aside.
    contract_size : float, optional
        USD per contract where sizes are numbers of contracts.

    Returns
    -------
    TradePart
        Where the file has no id the row's number stands; where it does not
        tell the taker's side, ``aggressor_side`` is 0: nothing is guessed.

    Raises
    ------
    DataError
        If the file cannot be used or, unless `quarantine`, a row is bad.
    """
    if is_capture(path):
        found = read_capture(path, contract_size, quarantine)
        trades = typed_table(TRADE_COLUMNS, dict(found.trades[list(TRADE_COLUMNS)]))
        return TradePart(trades, found.quarantined)
    raw = read_raw_table(path)
    if raw.names is None or _archived(raw):
        return trade_part(raw, _archive_layout(raw), quarantine, contract_size)
    return trade_part(_normal(raw), _NORMAL, quarantine, contract_size, by_id=False)


def is_capture(path: str | Path) -> bool:
    """Whether a file begins like a raw capture: a stamp, a blank, an object."""
    from ethpredict.io.lines import numbered_lines

    try:
        _, line = next(iter(numbered_lines(path)))
    except DataError:
        return False
    stamp, _, text = line.partition(" ")
    return stamp.isdigit() and text.startswith("{")


def _archived(raw: RawTable) -> bool:
    return {"agg_trade_id", "transact_time"} <= set(names_of(raw))


def _archive_layout(raw: RawTable) -> dict[str, int]:
    """Aggregated trades have the maker's flag in the seventh field, single ones in the sixth."""
    for layout in (AGGREGATED, SINGLE):
        at = layout["buyer_is_maker"]
        if at < len(raw.columns):
            words = pc.utf8_lower(pc.cast(raw.columns[at].slice(0, 10), pa.string()))
            if pc.all(pc.is_in(words, pa.array(["true", "false"]))).as_py():
                return layout
    raise DataError(
        raw.path,
        1,
        "no trades as Binance's archive has them; give the file a header (ts, price, size)",
    )


def _normal(raw: RawTable) -> RawTable:
    """The same rows with the five fields in one order."""
    names = names_of(raw)
    column: dict[str, pa.Array] = {}
    for wanted, known in _ALIASES.items():
        found = [name for name in known if name in names]
        if found:
            column[wanted] = raw.columns[names.index(found[0])]
        elif wanted == "id":
            column["id"] = pa.array(range(1, len(raw.rows) + 1), pa.int64())
        else:
            raise DataError(raw.path, 1, f"no column {' or '.join(known)}; trades need one")
    column["buyer_is_maker"] = _flag(raw, names)
    return replace(raw, names=tuple(_NORMAL), columns=tuple(column[name] for name in _NORMAL))


def _flag(raw: RawTable, names: list[str]) -> pa.Array:
    """Text true where the taker sold, false where he bought, else as it stands."""
    for name, turned in _MAKER_FLAGS.items():
        if name in names:
            text = _lower(raw.columns[names.index(name)])
            return _swapped(text) if turned else text
    for name in _SIDES:
        if name in names:
            text = _lower(raw.columns[names.index(name)])
            sold = pc.is_in(text, pa.array(_SELLS))
            bought = pc.is_in(text, pa.array(_BUYS))
            return pc.if_else(sold, "true", pc.if_else(bought, "false", text))
    return pa.array([UNKNOWN] * len(raw.rows), pa.string())


def _lower(column: pa.Array) -> pa.Array:
    return pc.utf8_lower(pc.utf8_trim_whitespace(pc.cast(column, pa.string())))


def _swapped(text: pa.Array) -> pa.Array:
    """True for false: an ask that was the maker means that the taker bought."""
    yes, no = pc.equal(text, "true"), pc.equal(text, "false")
    return pc.if_else(yes, "false", pc.if_else(no, "true", text))


def candles_from_trades(trades: pd.DataFrame, step: int) -> pd.DataFrame:
    """Candles of one length from trades; an interval without a trade has none.

    Parameters
    ----------
    trades : DataFrame
        `TRADE_COLUMNS`, at least one row, sorted by ``ts``.
    step : int
        Length of a candle, ns, > 0.

    Returns
    -------
    DataFrame
        The columns of a candle without ``gap``; ``taker_buy_volume`` is nan
        where a trade does not tell its side. The last candle is left out
        unless a later trade shows that it was over; so is the first, unless
        it is the only one, because it may have begun before the file.
    """
    opened = trades["ts"] // step * step
    value = trades["price"] * trades["size"]
    bought = trades["size"].where(trades["aggressor_side"] > 0, 0.0)
    bought = bought.where(trades["aggressor_side"] != 0)
    table = trades.assign(value=value, bought=bought).groupby(opened, sort=True)
    made = table["price"].agg(open="first", high="max", low="min", close="last")
    made["volume"], made["quote_volume"] = table["size"].sum(), table["value"].sum()
    made["trades"] = table["price"].size().astype("float64")
    made["taker_buy_volume"] = table["bought"].agg(lambda column: column.sum(skipna=False))
    made = made.iloc[1:-1] if len(made) > 2 else made
    made.insert(0, "ts_open", made.index.to_numpy())
    made.insert(1, "ts_close", made["ts_open"] + step)
    return made.reset_index(drop=True)
