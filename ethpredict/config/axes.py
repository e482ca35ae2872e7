"""Axes: settings with several values, as a list, a range, or a grid of lists."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ethpredict.config.schema import Leaf
from ethpredict.errors import ConfigError

MOST_POINTS = 100_000
_RANGE = {"low", "high", "log", "step"}


@dataclass(frozen=True)
class Axis:
    """One setting that varies between trials.

    Parameters
    ----------
    leaf : Leaf
        The setting.
    values : tuple
        Canonical values of a list axis; empty for a range.
    low, high : float
        Bounds of a range, both included.
    log : bool
        Whether a range is uniform in the logarithm.
    step : float or None
        Distance of neighbours (their ratio when `log`); None = continuous.
    """

    leaf: Leaf
    values: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    step: float | None = None

    @property
    def key(self) -> str:
        """Dotted key of the setting."""
        return self.leaf.key

    def anchor(self) -> Any:
        """Value that stands for the axis where one is needed, whatever the order of its values.

        The schema's default where it is one of them, else the least.
        """
        if not self.values:
            return self.leaf.canonical(self.low)
        if self.leaf.default in self.values:
            return self.leaf.default
        numbers = all(isinstance(value, (int, float)) for value in self.values)
        return min(self.values, key=None if numbers else repr)

    def given(self) -> Any:
        """The axis as the YAML gives it."""
        if self.values:
            return {"grid": list(self.values)} if "array" in self.leaf.types else list(self.values)
        return {"low": self.low, "high": self.high, "log": self.log, "step": self.step}

    def grid(self) -> tuple[Any, ...]:
        """Every value.

        Raises
        ------
        ConfigError
            For a range without a step.
        """
        if self.values:
            return self.values
        if self.step is None:
            raise ConfigError(
                self.key,
                self.given(),
                "a list, or a range with a step, in sweep.mode grid",
                "Add `step`, or set sweep.mode to random.",
            )
        return tuple(self._at(i) for i in range(self.points()))

    def draw(self, u: float) -> Any:
        """Value at quantile `u` in [0, 1)."""
        if self.values:
            return self.values[int(u * len(self.values))]
        if self.step is not None:
            return self._at(int(u * self.points()))
        if "integer" in self.leaf.types:
            if self.log:
                value = math.exp(math.log(self.low) + u * math.log((self.high + 1) / self.low))
                return self.leaf.canonical(min(int(value), int(self.high)))
            return self.leaf.canonical(
                int(self.low) + int(u * (int(self.high) - int(self.low) + 1))
            )
        if self.log:
            return self.leaf.canonical(
                math.exp(math.log(self.low) + u * math.log(self.high / self.low))
            )
        return self.leaf.canonical(self.low + u * (self.high - self.low))

    def points(self) -> int:
        """Number of points of a range with a step."""
        assert self.step is not None
        span = (
            math.log(self.high / self.low) / math.log(self.step)
            if self.log
            else (self.high - self.low) / self.step
        )
        return int(span + 1e-9) + 1

    def _at(self, i: int) -> Any:
        assert self.step is not None
        value = self.low * self.step**i if self.log else self.low + i * self.step
        # 0.1 + 2 * 0.1 is 0.30000000000000004; twelve digits are what was meant
        value = float(f"{value:.12g}")
        return self.leaf.canonical(round(value) if "integer" in self.leaf.types else value)


def parse_axis(leaf: Leaf, raw: Any) -> Axis | None:
    """Read a raw YAML value as an axis.

    Parameters
    ----------
    leaf : Leaf
        The setting.
    raw : object
        Its value in the YAML.

    Returns
    -------
    Axis or None
        None when the value is a plain one.

    Raises
    ------
    ConfigError
        On an empty list, a bad range, or an axis where none is allowed.
    """
    if "object" in leaf.types:
        return None
    if "array" in leaf.types:
        if not (
            isinstance(raw, Mapping) and set(raw) == {"grid"} and isinstance(raw["grid"], list)
        ):
            return None
        return _listed(leaf, raw["grid"])
    if isinstance(raw, list):
        return _listed(leaf, raw)
    if isinstance(raw, Mapping):
        return _range(leaf, raw)
    return None


def _allowed(leaf: Leaf, raw: Any) -> None:
    if not leaf.axis:
        raise ConfigError(leaf.key, raw, f"a single value ({leaf.legal})", "It cannot be an axis.")


def _listed(leaf: Leaf, raw: list[Any]) -> Axis:
    _allowed(leaf, raw)
    if not raw:
        raise ConfigError(leaf.key, raw, f"a list of at least one value, each {leaf.legal}")
    values: list[Any] = []
    for item in raw:
        value = leaf.canonical(item)
        if value not in values:
            values.append(value)
    return Axis(leaf, tuple(values))


def _range(leaf: Leaf, raw: Mapping[str, Any]) -> Axis:
    legal = "a value, a list, or a range {low, high, log, step}"
    if not set(raw) <= _RANGE or not {"low", "high"} <= set(raw):
        raise ConfigError(leaf.key, dict(raw), legal)
    _allowed(leaf, dict(raw))
    if not {"number", "integer"} & set(leaf.types):
        raise ConfigError(leaf.key, dict(raw), f"a value or a list, each {leaf.legal}")
    low, high = leaf.canonical(raw["low"]), leaf.canonical(raw["high"])
    log, step = raw.get("log", False), raw.get("step")
    if not isinstance(log, bool):
        raise ConfigError(f"{leaf.key}.log", log, "true or false")
    if low is None or high is None or not low < high or (log and low <= 0):
        raise ConfigError(
            leaf.key,
            dict(raw),
            "a range with low < high" + (" and low > 0, as log is true" if log else ""),
        )
    least = 1.0 if log else 0.0
    number = isinstance(step, (int, float)) and not isinstance(step, bool)
    if step is not None and not (number and math.isfinite(step) and step > least):
        legal = f"a finite number > {least:g}" + (" (a ratio)" if log else "")
        raise ConfigError(f"{leaf.key}.step", step, legal)
    axis = Axis(leaf, (), float(low), float(high), log, None if step is None else float(step))
    if axis.step is not None and axis.points() > MOST_POINTS:
        raise ConfigError(
            f"{leaf.key}.step", step, f"wide enough for at most {MOST_POINTS:,} points"
        )
    return axis
