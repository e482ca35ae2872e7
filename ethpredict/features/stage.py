"""The feature stage: every chosen block on every bar."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ethpredict.errors import DataError
from ethpredict.features.block import Column, Input, Item, Market, Missing
from ethpredict.features.registry import BLOCKS

logger = logging.getLogger(__name__)


DAY_S = 86_400.0


@dataclass(frozen=True)
class FeatureSet:
    """Features of a bar set.

    Parameters
    ----------
    frame : DataFrame of n rows
        ``ts_close`` (int64, UTC nanoseconds), then one float64 column per
        feature and, last, the inputs of fitted transforms; nan in its
        warm-up, and after a gap until its look-back is whole again.
    meta : dict
        ``columns``: list of {name, block, warmup, memory} of the features,
        warmup and memory in rows; ``inputs``: the same of columns that are no
        features, only read by fitted transforms; ``fitted``: list of {name,
        block, kind, inputs, options}, what training fits per window
        (:mod:`ethpredict.features.fitted`); ``dropped``: list of {column,
        reason}.
    """

    frame: pd.DataFrame
    meta: dict[str, list[dict[str, Any]]]


def build(
    bars: pd.DataFrame, settings: Mapping[str, Any], facts: pd.DataFrame | None = None
) -> FeatureSet:
    """Compute the chosen feature blocks.

    Nothing is fitted and nothing looks ahead: the features of the first t bars
    are those of the whole run's first t rows, bit for bit. (Which columns are
    dropped for want of an input is decided on the whole of the bars.)

    Parameters
    ----------
    bars : DataFrame of n rows
        The canonical bars table.
    settings : mapping
        ``{"features": {include, windows, on_missing, …}}``; the keys of the
        blocks that are included.
    facts : DataFrame, optional
        `FACT_COLUMNS`: funding and daily facts. A bar knows those that
        arrived by its close.

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
    max_age = float(options.get("max_age_days", 0.0)) * DAY_S
    market = Market.from_bars(bars, facts, max_age)
    parts = [
        (name, part)
        for name in BLOCKS
        if name in options["include"]
        for part in BLOCKS[name](market, options)
    ]
    dropped = [_drop(name, part, options) for name, part in parts if isinstance(part, Missing)]
    made = [(name, part) for name, part in parts if isinstance(part, Column)]
    columns = [(name, part) for name, part in made if not isinstance(part, Input)]
    inputs = [(name, part) for name, part in made if isinstance(part, Input)]
    items = [
        {
            "name": part.name,
            "block": name,
            "kind": part.kind,
            "inputs": list(part.inputs),
            "options": dict(part.options),
        }
        for name, part in parts
        if isinstance(part, Item)
    ]
    if not columns and not items:
        reasons = "; ".join(f"{item['column']}: {item['reason']}" for item in dropped)
        raise DataError(
            "bars", None, f"no feature is left ({reasons}); choose other blocks in features.include"
        )
    logger.info(
        "%d features (%d to be fitted) on %d bars, %d left out",
        *(len(columns) + len(items), len(items), len(bars), len(dropped)),
    )
    values = {"ts_close": market.ts_close} | {p.name: p.values for _, p in columns + inputs}
    meta = {
        "columns": [_described(*pair) for pair in columns],
        "inputs": [_described(*pair) for pair in inputs],
        "fitted": items,
        "dropped": dropped,
    }
    return FeatureSet(pd.DataFrame(values, copy=False), meta)


def _described(block: str, column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "block": block,
        "warmup": column.warmup,
        "memory": column.memory,
    }


def _drop(block: str, part: Missing, options: Mapping[str, Any]) -> dict[str, Any]:
    """Stop or warn, as configured."""
    if options["on_missing"] == "stop":
        raise DataError(
            "bars",
            None,
            f"feature {part.name} of block {block} cannot be computed: {part.reason}; "
            f"leave {block} out of features.include or set features.on_missing: drop",
        )
    logger.warning("feature %s is left out: %s", part.name, part.reason)
    return {"column": part.name, "reason": part.reason}
