"""The feature stage: every chosen block on every bar."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt
import pandas as pd

from ethpredict.errors import DataError
from ethpredict.features.block import Column, Market
from ethpredict.features.registry import BLOCKS

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class FeatureSet:
    """Features of a bar set.

    Parameters
    ----------
    frame : DataFrame of n rows
        ``ts_close`` (int64, UTC nanoseconds), then one float64 column per
        feature; nan in its warm-up, and after a gap until its look-back is
        whole again.
    meta : dict
        ``columns``: list of {name, block, warmup, memory} in the frame's
        order, warmup and memory in rows; ``dropped``: list of {column,
        reason}.
    """

    frame: pd.DataFrame
    meta: dict[str, list[dict[str, Any]]]


def build(bars: pd.DataFrame, settings: Mapping[str, Any]) -> FeatureSet:
    """Compute the chosen feature blocks.

    Nothing is fitted and nothing looks ahead: the features of the first t bars
    are those of the whole run's first t rows, bit for bit. (Which columns are
    dropped for want of an input is decided on the whole of the bars.)

    Parameters
    ----------
    bars : DataFrame of n rows
        The canonical bars table.
    settings : mapping
        ``{"features": {include, windows, on_missing, rsi_window, fracdiff_d,
        fracdiff_tau, entropy_window, cusum_multiple}}``.

    Returns
    -------
    FeatureSet
        Blocks in the registry's order, whatever the order of ``include``.

    Raises
    ------
    DataError
        If an input is missing and ``on_missing`` is stop, or if no column is
        left.
    """
    options = settings["features"]
    market = Market.from_bars(bars)
    values: dict[str, npt.NDArray[Any]] = {"ts_close": market.ts_close}
    columns: list[dict[str, Any]] = []
    dropped: list[dict[str, Any]] = []
    for name in (block for block in BLOCKS if block in options["include"]):
        for part in BLOCKS[name](market, options):
            if isinstance(part, Column):
                values[part.name] = part.values
                columns.append(
                    {
                        "name": part.name,
                        "block": name,
                        "warmup": part.warmup,
                        "memory": part.memory,
                    }
                )
                continue
            if options["on_missing"] == "stop":
                raise DataError(
                    "bars",
                    None,
                    f"feature {part.name} of block {name} cannot be computed: {part.reason}; "
                    f"leave {name} out of features.include or set features.on_missing: drop",
                )
            logger.warning("feature %s is left out: %s", part.name, part.reason)
            dropped.append({"column": part.name, "reason": part.reason})
    if not columns:
        reasons = "; ".join(f"{item['column']}: {item['reason']}" for item in dropped)
        raise DataError(
            "bars", None, f"no feature is left ({reasons}); choose other blocks in features.include"
        )
    logger.info("%d features on %d bars, %d left out", len(columns), len(bars), len(dropped))
    return FeatureSet(pd.DataFrame(values), {"columns": columns, "dropped": dropped})
