"""Assignments: which value every setting takes in every trial."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

from ethpredict.config.load import Config
from ethpredict.errors import ConfigError
from ethpredict.sweep.ids import unit_draw

MOST_TRIALS = 100_000


def assignments(config: Config) -> Iterator[dict[str, Any]]:
    """Yield one full assignment of every setting per draw.

    Parameters
    ----------
    config : Config
        Settings with their axes.

    Yields
    ------
    dict
        Every key of the schema with a value. Different draws may be the same
        trial once settings that do not apply are left out.

    Raises
    ------
    ConfigError
        If a grid has a range without a step, or more than 100,000 points.

    Notes
    -----
    Random draws are keyed by (seed, axis, draw), so more trials keep the
    earlier ones. ``sweep.distinct`` maps draw i to one of n keys per stage.
    """
    if config.values["sweep.mode"] == "random":
        yield from _random(config)
        return
    grids = [axis.grid() for axis in config.axes]
    points = math.prod(len(grid) for grid in grids)
    if points > MOST_TRIALS:
        raise ConfigError(
            "sweep.mode",
            f"grid of {points:,} points",
            f"at most {MOST_TRIALS:,} points",
            "Shorten an axis or use sweep.mode random.",
        )
    for point in itertools.product(*grids):
        yield dict(config.values) | dict(
            zip((axis.key for axis in config.axes), point, strict=True)
        )


def _random(config: Config) -> Iterator[dict[str, Any]]:
    values = config.values
    seed = values["sweep.seed"]
    for i in range(values["sweep.trials"]):
        point = dict(values)
        for axis in config.axes:
            stage = axis.leaf.stage
            distinct = values.get(f"sweep.distinct.{stage}")
            draw = (
                i if distinct is None else int(unit_draw(seed, f"distinct:{stage}", i) * distinct)
            )
            point[axis.key] = axis.draw(unit_draw(seed, axis.key, draw))
        yield point
