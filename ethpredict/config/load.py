"""Read one YAML (with overlays and overrides) into checked settings and axes."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ethpredict.config import template
from ethpredict.config.axes import Axis, parse_axis
from ethpredict.config.checks import check_study
from ethpredict.config.schema import applicable, leaves, nearest_key, tree
from ethpredict.errors import ConfigError


@dataclass(frozen=True)
class Config:
    """Checked settings of a study.

    Parameters
    ----------
    values : Mapping
        Every key of the schema with its canonical value; the one that stands
        for the axis where the setting is an axis.
    axes : tuple of Axis
        Settings with several values, in the schema's order.
    """

    values: Mapping[str, Any]
    axes: tuple[Axis, ...]

    def nested(self) -> dict[str, Any]:
        """Resolved settings as a tree, axes as they were given: what the report shows."""
        shown = {axis.key: axis.given() for axis in self.axes}
        return nest(applicable(self.values) | shown)


def nest(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Turn dotted keys into a tree.

    Examples
    --------
    >>> nest({"a.b": 1, "a.c": 2})
    {'a': {'b': 1, 'c': 2}}
    """
    root: dict[str, Any] = {}
    for key, value in flat.items():
        *path, last = key.split(".")
        node = root
        for part in path:
            node = node.setdefault(part, {})
        node[last] = value
    return root


class _Loader(yaml.SafeLoader):
    """YAML with plain decimal numbers; only true and false are booleans, dates are text."""


_OTHER = tuple(f"tag:yaml.org,2002:{kind}" for kind in ("bool", "timestamp", "int", "float"))
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in pairs if tag not in _OTHER]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|false|False)$"), list("tTfF")
)
# YAML 1.1 takes 1e-3 for a word, 010 for eight and 1:30 for ninety; researchers do not.
_DIGITS = list("-+.0123456789")
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"^[-+]?(?:0|[1-9][0-9_]*)$"), _DIGITS
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"^(?:[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
    ),
    _DIGITS,
)


def _git_sha() -> str:
    answer = subprocess.run(
        ["git", "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=False
    )
    if answer.returncode:
        raise ConfigError("{{ git_sha }}", None, "used in a git checkout", "Write a fixed name.")
    return answer.stdout.strip()


def load(
    paths: Sequence[str | Path],
    overrides: Mapping[str, Any] | None = None,
    env: Mapping[str, str] | None = None,
) -> Config:
    """Load, resolve and check a study.

    Parameters
    ----------
    paths : sequence of path-like
        YAML files; a later file overrides single settings of an earlier one.
    overrides : Mapping, optional
        Settings on top of the files, as Snakemake's ``--config`` gives them:
        ``quoting__gamma`` stands for ``quoting.gamma``, text is read as YAML.
    env : Mapping, optional
        Environment for templates; the process's own when missing.

    Returns
    -------
    Config

    Raises
    ------
    ConfigError
        On a mistyped key, a wrong type, a value out of range, an undefined
        template name, or settings that contradict each other.
    """
    context = template.Context(os.environ if env is None else env, _git_sha)
    raw: dict[str, Any] = {}
    for path in paths:
        raw |= _flatten(_read(Path(path), context), tree(), "")
    for key, value in (overrides or {}).items():
        raw |= _flatten(nest({key.replace("__", "."): _typed(value)}), tree(), "")
    values: dict[str, Any] = {}
    axes: list[Axis] = []
    for key, leaf in leaves().items():
        axis = parse_axis(leaf, raw[key]) if key in raw else None
        if axis is not None:
            axes.append(axis)
            values[key] = axis.anchor()
        else:
            values[key] = leaf.canonical(raw.get(key, leaf.default))
    config = Config(values, tuple(axes))
    check_study(config.values, config.axes)
    return config


def _typed(value: Any) -> Any:
    """Give the words of a command line the types that YAML would give them."""
    if isinstance(value, Mapping):
        return {key: _typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_typed(item) for item in value]
    if isinstance(value, str) and value:
        return yaml.load(value, Loader=_Loader)
    return value


def _read(path: Path, context: template.Context) -> Any:
    """Parse a YAML file with its templates resolved scalar by scalar."""
    try:
        loader = _Loader(path.read_text(encoding="utf-8"))
        node = loader.get_single_node()
        if node is None:
            return {}
        _resolve(node, "", context, loader)
        return loader.construct_document(node)
    except FileNotFoundError as error:
        raise ConfigError("--configfile", str(path), "an existing YAML file") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        text = " ".join(str(error).split())
        raise ConfigError(
            str(path), text, "valid YAML", 'Quote values that hold {{ … }}: "{{ env.NAME }}".'
        ) from error


def _resolve(node: yaml.Node, key: str, context: template.Context, loader: _Loader) -> None:
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for name, value in node.value:
            line = name.start_mark.line + 1
            if not isinstance(name, yaml.ScalarNode):
                raise ConfigError(
                    key or "the file",
                    f"line {line}",
                    "a mapping of words",
                    'Quote values that hold {{ … }}: "{{ env.NAME }}".',
                )
            if name.value in seen:
                path = f"{key}.{name.value}".strip(".")
                raise ConfigError(path, f"line {line}", "given once", "It stands higher up, too.")
            seen.add(name.value)
            _resolve(value, f"{key}.{name.value}".strip("."), context, loader)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _resolve(value, key, context, loader)
    elif isinstance(node, yaml.ScalarNode):
        text, momentary = template.resolve(key, node.value, context)
        if momentary and not _names_only(key):
            raise ConfigError(
                key,
                node.value,
                "the same at every run, because it enters a stage id",
                "timestamp and git_sha may only name a study, its title or a tag.",
            )
        if text != node.value:
            node.value = text
            rule = leaves().get(key)
            # a number that a variable brings stays a number, also where YAML needs quotes
            if node.style is None or (rule is not None and "string" not in rule.types):
                node.tag = loader.resolve(yaml.ScalarNode, text, (True, False))


def _names_only(key: str) -> bool:
    rules = leaves()
    return any(
        rule.rule.get("x-clock", False) and (key == known or key.startswith(f"{known}."))
        for known, rule in rules.items()
    )


def _flatten(node: Any, rule: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Dotted keys of a YAML tree; a key that the schema lacks is refused."""
    if "properties" not in rule:
        return {key: node}
    if node is None:
        return {}
    if not isinstance(node, Mapping):
        raise ConfigError(key or "the file", node, "a mapping of " + ", ".join(rule["properties"]))
    flat: dict[str, Any] = {}
    for name, value in node.items():
        path = f"{key}.{name}" if key else str(name)
        if name not in rule["properties"]:
            raise ConfigError(path, value, "a known key", nearest_key(path))
        flat |= _flatten(value, rule["properties"][name], path)
    return flat
