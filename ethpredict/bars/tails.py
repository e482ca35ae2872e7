"""What no bar holds: the partial bars at a gap and at either end of the data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ethpredict.data.market import typed_table
from ethpredict.data.timestamps import iso

TAIL_COLUMNS: dict[str, str] = {
    "ts_from": "int64",
    "ts_to": "int64",
    "rows": "int64",
    "volume": "float64",
    "quote_volume": "float64",
    "reason": "str",
}
_FIRST = 20


def tail_table(**columns: Any) -> pd.DataFrame:
    """Build the table of partial bars.

    Parameters
    ----------
    **columns : array of shape (g,)
        `TAIL_COLUMNS`: first and last moment (UTC ns), rows of the source,
        volume (ETH), quote volume (USD) and reason (``start``, ``gap`` or
        ``end``).

    Returns
    -------
    DataFrame of shape (g, 6)
        In time order.
    """
    return typed_table(TAIL_COLUMNS, columns)


def tail_quality(tails: pd.DataFrame) -> dict[str, Any]:
    """Describe the partial bars in plain values.

    Parameters
    ----------
    tails : DataFrame of shape (g, 6)
        As `tail_table` builds it.

    Returns
    -------
    dict
        ``count``, ``rows``, ``volume``, ``by_reason`` and the ``first`` 20.
    """
    return {
        "count": len(tails),
        "rows": int(tails["rows"].sum()),
        "volume": float(np.sum(tails["volume"].to_numpy())),
        "by_reason": {
            reason: int(count) for reason, count in sorted(tails["reason"].value_counts().items())
        },
        "first": [
            {"from": iso(row["ts_from"]), "to": iso(row["ts_to"])}
            | {"rows": row["rows"], "reason": row["reason"]}
            for row in tails.head(_FIRST).to_dict("records")
        ],
    }
