"""Rows that cannot be used: the first is an error, or all are set aside as they stand."""

from __future__ import annotations

import logging

import pandas as pd

from ethpredict.data.faults import Faults
from ethpredict.data.market import QUARANTINED_COLUMNS, typed_table
from ethpredict.errors import DataError
from ethpredict.io.raw_table import RawTable

logger = logging.getLogger(__name__)


def quarantined_rows(raw: RawTable, faults: Faults, what: str, quarantine: bool) -> pd.DataFrame:
    """Lay out the bad rows of one raw table.

    Parameters
    ----------
    raw : RawTable
        The rows as they stand; its malformed lines are bad as well.
    faults : Faults
        Why rows are bad.
    what : str
        What a row is, for example ``trade``; the reasons begin with it.
    quarantine : bool
        Whether bad rows are set aside.

    Returns
    -------
    DataFrame
        `QUARANTINED_COLUMNS`, in the order of the file.

    Raises
    ------
    DataError
        At the first bad row, unless `quarantine`; if no row is good, always.
    """
    found = list(raw.malformed)
    found += [(int(raw.rows[i]), why, raw.raw(i)) for i, why in faults.reasons.items()]
    found.sort()
    if found and not quarantine:
        row, reason, _ = found[0]
        more = f" ({len(found)} bad rows in all)" if len(found) > 1 else ""
        raise DataError(
            raw.path, row, f"{reason}{more}; mend it or set data.on_bad_rows: quarantine"
        )
    if found and faults.bad.all():
        raise DataError(raw.path, found[0][0], f"no usable row; the first: {found[0][1]}")
    if found:
        logger.warning("%s: %d bad rows set aside", raw.path.name, len(found))
    return typed_table(
        QUARANTINED_COLUMNS,
        {
            "row": [row for row, _, _ in found],
            "reason": [f"{what} {why} [{raw.path.name}]" for _, why, _ in found],
            "raw": [text for _, _, text in found],
        },
    )
