"""Which column of a candle file means what."""

from __future__ import annotations

from pathlib import Path

from ethpredict.errors import DataError

# Names in order of preference: a file with a number and a text stamp is read by the number.
ALIASES: dict[str, tuple[str, ...]] = {
    "ts_open": (
        "ts_open",
        "open_time_ms",
        "timestamp_ms",
        "open_time",
        "timestamp",
        "open_time_utc",
        "datetime",
        "time",
        "date",
        "ts",
        "t",
    ),
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "c"),
    "volume": ("volume", "base_volume", "vol", "v"),
    "quote_volume": ("quote_volume", "quote_asset_volume", "quote_vol", "turnover"),
    "trades": (
        "trades",
        "num_trades",
        "number_of_trades",
        "trade_count",
        "count",
        "n",
        "sample_count",
    ),
    "taker_buy_volume": (
        "taker_buy_volume",
        "taker_buy_base_asset_volume",
        "taker_buy_base_volume",
        "taker_buy_base",
        "taker_base_volume",
    ),
}
REQUIRED = ("ts_open", "open", "high", "low", "close", "volume")
PRICES = ("open", "high", "low", "close")
OPTIONAL = ("quote_volume", "trades", "taker_buy_volume")
# Layouts of files without a header, by their number of fields.
HEADERLESS: dict[int, tuple[str, ...]] = {
    6: REQUIRED,
    12: (
        "open_time",
        "open",
        "high",
        "low",
        "close",
        "volume",
        "close_time",
        "quote_volume",
        "count",
        "taker_buy_volume",
        "taker_buy_quote_volume",
        "ignore",
    ),
}


def _normal(name: str) -> str:
    return name.strip().lower().replace(" ", "_").replace("-", "_")


def column_names(path: Path, names: tuple[str, ...] | None, n_fields: int) -> tuple[str, ...]:
    """Names of the columns, taken from the layout where the file has no header.

    Parameters
    ----------
    path : Path
        The file, for errors.
    names : tuple of str or None
        Header as written.
    n_fields : int
        Number of columns.

    Returns
    -------
    tuple of str, length `n_fields`
        Lower case, with underscores.

    Raises
    ------
    DataError
        If there is no header and no layout with so many fields, or a name
        stands twice.

    Examples
    --------
    >>> column_names(Path("x.csv"), ("Open Time", "Open"), 2)
    ('open_time', 'open')
    """
    if names is None:
        if n_fields not in HEADERLESS:
            known = " or ".join(str(n) for n in HEADERLESS)
            raise DataError(
                path,
                1,
                f"field count: {n_fields} fields without a header; candles without one have "
                f"{known}",
            )
        return HEADERLESS[n_fields]
    normal = tuple(_normal(name) for name in names)
    twice = sorted({name for name in normal if normal.count(name) > 1 and name})
    if twice:
        raise DataError(path, 1, f"column named twice: {', '.join(twice)}")
    return normal


def match_columns(path: Path, names: tuple[str, ...]) -> dict[str, int]:
    """Find the position of each canonical column.

    Parameters
    ----------
    path : Path
        The file, for errors.
    names : tuple of str
        As `column_names` returns them.

    Returns
    -------
    dict of str to int
        Canonical name to column position; optional columns only where present.

    Raises
    ------
    DataError
        If a required column is missing.

    Examples
    --------
    >>> names = ("timestamp", "open", "high", "low", "close", "volume")
    >>> match_columns(Path("x.csv"), names)["close"]
    4
    """
    found: dict[str, int] = {}
    for canonical, aliases in ALIASES.items():
        for alias in aliases:
            if alias in names:
                found[canonical] = names.index(alias)
                break
    missing = [name for name in REQUIRED if name not in found]
    if missing:
        raise DataError(
            path,
            1,
            f"no column for {', '.join(missing)}; the file has {', '.join(names)[:200]}",
        )
    return found
