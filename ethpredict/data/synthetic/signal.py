"""The planted signal: the expected return of the next candle from past candles alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ethpredict.data.synthetic._kernels import signal_path
from ethpredict.data.synthetic.settings import (
    SCALE_MEMORY,
    SCALE_PRIOR,
    SCALE_PRIOR_COUNT,
    SIGNAL_HALF_LIFE,
)

FLOW_DECAY = float(np.exp2(-1.0 / SIGNAL_HALF_LIFE))


def planted_signal(candles: pd.DataFrame) -> np.ndarray:
    """Rebuild the standardised signal from a market's candles, from its first one on.

    Parameters
    ----------
    candles : DataFrame of n rows
        `CANDLE_COLUMNS`; ``volume`` and ``taker_buy_volume`` are used.

    Returns
    -------
    float64 array of shape (n,)
        Signal known at ``ts_open`` of each row: about mean 0 and mean square 1.

    Notes
    -----
    With the taker imbalance I = 2 taker_buy_volume/volume - 1 (0 in an empty
    candle), u_t = rho u_{t-1} + (1 - rho) I_t, the scale q is the running mean
    of u^2 (over the last `SCALE_MEMORY` candles, exponentially) and the signal
    before candle t+1 is u_t/sqrt(q_t).
    """
    volume = candles["volume"].to_numpy()
    bought = candles["taker_buy_volume"].to_numpy()
    imbalance = np.zeros(len(candles))
    np.divide(2.0 * bought, volume, out=imbalance, where=volume > 0)
    imbalance[volume > 0] -= 1.0
    out = np.empty(len(candles))
    signal_path(imbalance, FLOW_DECAY, SCALE_MEMORY, SCALE_PRIOR_COUNT, SCALE_PRIOR**2, out)
    return out


def planted_drift(candles: pd.DataFrame, truth: Mapping[str, Any]) -> np.ndarray:
    """Rebuild the expected log return of each candle given the past.

    Parameters
    ----------
    candles : DataFrame of n rows
        All candles of a synthetic market from its first one on.
    truth : mapping
        `Market.truth`.

    Returns
    -------
    float64 array of shape (n,)
        Expected log return of row t given the rows before it.
    """
    return truth["predictability"]["drift_per_unit"] * planted_signal(candles)
