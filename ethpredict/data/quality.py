"""The quality report: what a source holds and what it lacks, in plain values."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd

from ethpredict.data.faults import kind_of
from ethpredict.data.timestamps import NS_PER_SECOND, iso

FIRST = 20
OUTLIER_SDS = 10.0
# Median absolute deviation to standard deviation under the normal law.
_MAD_TO_SD = 1.4826


def pauses(ts_open: np.ndarray, ts_close: np.ndarray) -> np.ndarray:
    """Pause before each row.

    Parameters
    ----------
    ts_open, ts_close : int64 array of shape (n,)
        Borders, UTC nanoseconds; `ts_close` is exclusive.

    Returns
    -------
    int64 array of shape (n,)
        Nanoseconds between the previous close and this open; 0 for row 0.
    """
    pause = np.zeros(len(ts_open), dtype=np.int64)
    pause[1:] = ts_open[1:] - ts_close[:-1]
    return pause


def outliers(close: np.ndarray, pause: np.ndarray) -> dict[str, Any]:
    """Count returns that are far outside the usual.

    Parameters
    ----------
    close : float64 array of shape (n,)
        Prices, > 0.
    pause : int64 array of shape (n,)
        Pause before each row, ns; returns over a pause are left out.

    Returns
    -------
    dict
        ``count`` of absolute log returns beyond ``limit_sds`` robust standard
        deviations (``robust_sd`` = 1.4826 x median absolute deviation; None
        where it is zero), and the ``rows`` of the first ones.
    """
    log_return = np.diff(np.log(close))
    adjacent = pause[1:] == 0
    used = log_return[adjacent]
    spread = float(np.median(np.abs(used - np.median(used)))) * _MAD_TO_SD if len(used) else 0.0
    far = np.zeros(len(close), dtype=bool)
    if spread > 0:
        far[1:] = adjacent & (np.abs(log_return) > OUTLIER_SDS * spread)
    rows = np.flatnonzero(far)
    return {
        "limit_sds": OUTLIER_SDS,
        "robust_sd": spread or None,
        "count": len(rows),
        "rows": rows[:FIRST].tolist(),
    }


def candle_quality(
    candles: pd.DataFrame, quarantined: pd.DataFrame, max_gap: float
) -> dict[str, Any]:
    """Describe candles of one length.

    Parameters
    ----------
    candles : DataFrame
        In the canonical layout, at least one row.
    quarantined : DataFrame
        Rows that were set aside.
    max_gap : float
        Longest pause that may be spanned, seconds.

    Returns
    -------
    dict
        ``rows``; ``period`` (start, end); ``gaps`` (count of pauses, missing
        candles, how many exceed max_gap, longest in seconds, the first 20);
        ``duplicates``; ``quarantined`` (rows, by_reason); ``outliers``;
        ``max_gap``.
    """
    ts_open, ts_close = candles["ts_open"].to_numpy(), candles["ts_close"].to_numpy()
    step = int(ts_close[0] - ts_open[0])
    pause = pauses(ts_open, ts_close)
    found = np.flatnonzero(pause > 0)
    reasons = Counter(kind_of(reason) for reason in quarantined["reason"])
    return {
        "rows": len(candles),
        "period": {"start": iso(ts_open[0]), "end": iso(ts_close[-1])},
        "max_gap": max_gap,
        "gaps": {
            "count": len(found),
            "over_max_gap": int((pause > round(max_gap * NS_PER_SECOND)).sum()),
            "missing_candles": int((pause // step).sum()),
            "longest_s": float(pause.max()) / NS_PER_SECOND,
            "first": [
                {
                    "from": iso(ts_close[i - 1]),
                    "to": iso(ts_open[i]),
                    "seconds": float(pause[i]) / NS_PER_SECOND,
                }
                for i in found[:FIRST]
            ],
        },
        "duplicates": reasons.get("duplicate timestamp", 0),
        "quarantined": {"rows": len(quarantined), "by_reason": dict(sorted(reasons.items()))},
        "outliers": outliers(candles["close"].to_numpy(), pause),
    }
