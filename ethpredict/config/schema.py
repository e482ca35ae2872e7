"""The schema as flat leaves: the only source of defaults, types, ranges and stages."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from ethpredict.errors import ConfigError

SCHEMA_PATH = Path(__file__).resolve().parents[2] / "config" / "schema.yaml"
STAGES = ("fetch", "bars", "features", "labels", "train", "quote", "simulate")


@dataclass(frozen=True)
class Leaf:
    """One setting of the schema.

    Parameters
    ----------
    key : str
        Dotted path.
    rule : Mapping
        Its JSON Schema, extension keywords included.
    stage : str
        Stage whose id the value enters, or ``study``.
    applies : tuple of (str, tuple)
        Conditions (other key, allowed values) that must all hold.
    unless : tuple of (str, tuple)
        Conditions that must not all hold at once; none if empty.
    """

    key: str
    rule: Mapping[str, Any]
    stage: str
    applies: tuple[tuple[str, tuple[Any, ...]], ...]
    unless: tuple[tuple[str, tuple[Any, ...]], ...] = ()

    @property
    def default(self) -> Any:
        """Value when the YAML is silent."""
        return self.rule["default"]

    @property
    def axis(self) -> bool:
        """Whether a list or range of values makes trials."""
        return bool(self.rule.get("x-axis", True))

    @property
    def types(self) -> tuple[str, ...]:
        """Allowed JSON types."""
        kind = self.rule["type"]
        return (kind,) if isinstance(kind, str) else tuple(kind)

    @property
    def legal(self) -> str:
        """Legal values in words."""
        return describe(self.rule)

    def canonical(self, value: Any) -> Any:
        """Check a value and bring it to the one form that enters ids.

        Raises
        ------
        ConfigError
            If the value breaks the schema.
        """
        value = _coerce(value, self.types)
        whole = not isinstance(value, float) or math.isfinite(value)
        if isinstance(value, str) and "pattern" in self.rule:
            whole = not value.endswith("\n")  # `$` would let it pass
        if not whole or not _validator(self.key).is_valid(value):
            raise ConfigError(self.key, value, self.legal, self.remedy(value))
        return value

    def remedy(self, value: Any) -> str:
        """Nearest legal word of an enumeration, if there is one."""
        words = [
            str(word) for word in self.rule.get("enum", self.rule.get("items", {}).get("enum", ()))
        ]
        wrong = next((v for v in value if v not in words), "") if isinstance(value, list) else value
        near = difflib.get_close_matches(str(wrong).lower(), words, n=1)
        return f"Did you mean {near[0]!r}?" if near else ""


def _coerce(value: Any, types: tuple[str, ...]) -> Any:
    """1 becomes 1.0 for numbers and 5.0 becomes 5 for integers; -0.0 becomes 0.0."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    if "number" in types:
        try:
            return float(value) + 0.0
        except OverflowError:
            return value
    if "integer" in types and isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def describe(rule: Mapping[str, Any]) -> str:
    """Legal values of a schema rule in words, for messages and documentation.

    Examples
    --------
    >>> describe({"type": "number", "exclusiveMinimum": 0, "maximum": 1})
    'a number > 0 and <= 1'
    """
    if "enum" in rule:
        return "one of " + ", ".join(str(item) for item in rule["enum"])
    kinds = [rule["type"]] if isinstance(rule["type"], str) else list(rule["type"])
    names = {"null": "null", "array": "a list", "object": "a mapping", "integer": "an integer"}
    text = " or ".join(names.get(kind, f"a {kind}") for kind in kinds)
    signs = (
        ("minimum", ">="),
        ("exclusiveMinimum", ">"),
        ("maximum", "<="),
        ("exclusiveMaximum", "<"),
    )
    bounds = [f"{sign} {_figure(rule[word])}" for word, sign in signs if word in rule]
    if bounds:
        text += " " + " and ".join(bounds)
    if "pattern" in rule:
        text += f" that matches {rule['pattern']}"
    if "object" in kinds and "additionalProperties" in rule:
        keys, values = rule.get("propertyNames", {}), rule["additionalProperties"]
        text += f" of names ({describe(keys)})" if keys else " of names"
        text += f" to {describe(values) if 'enum' in values else values['type'] + ' values'}"
    if "maxLength" in rule:
        text += f" of at most {rule['maxLength']} characters"
    if "items" in rule:
        text += f" of {describe(rule['items'])}"
        text += f" (at least {rule['minItems']})" if "minItems" in rule else ""
        text += " without repeats" if rule.get("uniqueItems") else ""
    return text


def _figure(bound: float) -> str:
    """Whole numbers in full, others in six digits."""
    return f"{bound:.0f}" if float(bound).is_integer() and abs(bound) < 1e12 else f"{bound:g}"


@lru_cache(maxsize=1)
def tree() -> dict[str, Any]:
    """The whole schema as read from its file."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same, ten times faster
    schema: dict[str, Any] = yaml.load(SCHEMA_PATH.read_text(encoding="utf-8"), Loader=loader)
    return schema


Rules = dict[str, tuple[Any, ...]]


@lru_cache(maxsize=1)
def leaves() -> dict[str, Leaf]:
    """All settings by dotted key, in the schema's order."""
    found: dict[str, Leaf] = {}

    def walk(node: Mapping[str, Any], path: str, applies: Rules, unless: Rules) -> None:
        for name, rule in node["properties"].items():
            key = f"{path}.{name}" if path else name
            own = applies | {k: tuple(v) for k, v in rule.get("x-applies", {}).items()}
            # A section's exception holds for all that is in it; a leaf's own takes its place.
            spared = {k: tuple(v) for k, v in rule.get("x-unless", {}).items()} or unless
            if "properties" in rule:
                walk(rule, key, own, spared)
            else:
                found[key] = Leaf(
                    key, rule, rule["x-stage"], tuple(own.items()), tuple(spared.items())
                )

    walk(tree(), "", {}, {})
    return found


@cache
def _validator(key: str) -> Draft202012Validator:
    return Draft202012Validator(leaves()[key].rule)


def nearest_key(key: str) -> str:
    """Remedy for a key that the schema does not know."""
    sections = {known.rsplit(".", 1)[0] for known in leaves() if "." in known}
    near = difflib.get_close_matches(key, [*leaves(), *sorted(sections)], n=1, cutoff=0.5)
    if not near:
        last = key.rsplit(".", 1)[-1]
        near = [
            k
            for k in leaves()
            if difflib.SequenceMatcher(None, k.rsplit(".", 1)[-1], last).ratio() > 0.75
        ][:1]
    return f"Did you mean {near[0]!r}?" if near else "See docs/configuration.md."


def _meets(value: Any, allowed: tuple[Any, ...]) -> bool:
    """Whether a value, or one item of a list, is among the allowed ones."""
    return any(item in allowed for item in value) if isinstance(value, list) else value in allowed


def applicable(values: Mapping[str, Any]) -> dict[str, Any]:
    """Keep the settings whose conditions hold.

    Parameters
    ----------
    values : Mapping
        A value for every key of the schema.

    Returns
    -------
    dict
        Key to value in the schema's order; a setting counts only while every
        setting that it depends on counts and holds an allowed value.
    """
    controls = tuple(str(values[key]) for key in _controls())
    if controls not in _COUNTED:
        _COUNTED[controls] = _counted(values)
    return {key: values[key] for key in _COUNTED[controls]}


# What counts depends on few settings, and a sweep asks for every trial.
_COUNTED: dict[tuple[str, ...], tuple[str, ...]] = {}


@lru_cache(maxsize=1)
def _controls() -> tuple[str, ...]:
    """Settings that others depend on."""
    return tuple(
        dict.fromkeys(
            other for leaf in leaves().values() for other, _ in (*leaf.applies, *leaf.unless)
        )
    )


def _counted(values: Mapping[str, Any]) -> tuple[str, ...]:
    rules = leaves()

    def counts(key: str) -> bool:
        unless = rules[key].unless
        if unless and all(_meets(values[other], barred) for other, barred in unless):
            return False
        return all(
            counts(other) and _meets(values[other], allowed)
            for other, allowed in rules[key].applies
        )

    return tuple(key for key in rules if counts(key))
