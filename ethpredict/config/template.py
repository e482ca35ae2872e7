"""Environment variables and templates inside YAML values, resolved before anything else.

``${NAME}`` and ``${NAME:-default}`` take environment variables; ``{{ … }}`` is
a sandboxed Jinja2 expression over ``env``, ``git_sha`` and ``timestamp``.
An undefined name is an error, and so is a variable that looks like a secret:
fetchers read keys from the environment themselves, so no secret enters a file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import StrictUndefined, TemplateError, meta
from jinja2.sandbox import SandboxedEnvironment

from ethpredict.errors import ConfigError

TIMESTAMP_VARIABLE = "ETHPREDICT_TIMESTAMP"
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_SECRET = re.compile(
    r"(?i)(secret|token|pass|credential|private|mnemonic|seed_?phrase|bearer|auth(?!or)|api_?key"
    r"|access_?key|(^|_)(key|pat|pk|dsn|url|uri)$)"
)
_JINJA = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
_JINJA.globals.clear()  # `lipsum`, `cycler` and the like have no place in a setting
del _JINJA.filters["random"]  # another value at every parse


def looks_secret(name: str) -> bool:
    """Whether an environment variable's name says that its value is a secret.

    Examples
    --------
    >>> looks_secret("SANTIMENT_API_KEY"), looks_secret("DATA_DIR")
    (True, False)

    Notes
    -----
    Addresses count as well: those of nodes and databases carry their key.
    """
    return _SECRET.search(name) is not None


@dataclass(frozen=True)
class Context:
    """What values may refer to.

    Parameters
    ----------
    env : Mapping
        Environment variables.
    git_sha : callable
        Gives the commit; called only when a template asks.
    """

    env: Mapping[str, str]
    git_sha: Callable[[], str]


class _Env:
    """``env.NAME`` in templates; refuses secrets, fails on unknown names."""

    def __init__(self, key: str, env: Mapping[str, str]) -> None:
        self._key, self._values = key, env

    def __getitem__(self, name: str) -> str:
        return _variable(self._key, name, None, self._values)


def _variable(key: str, name: str, default: str | None, env: Mapping[str, str]) -> str:
    if looks_secret(name):
        raise ConfigError(
            key,
            f"${{{name}}}",
            "free of secrets",
            "Leave it out: fetchers read their keys from the environment.",
        )
    if name in env and (env[name] or default is None):
        return env[name]
    if default is None:
        raise ConfigError(
            key,
            f"${{{name}}}",
            "a set environment variable",
            f"Set it or write ${{{name}:-default}}.",
        )
    return default


def resolve(key: str, text: str, context: Context) -> tuple[str, bool]:
    """Resolve one scalar.

    Parameters
    ----------
    key : str
        Dotted key, for messages.
    text : str
        The scalar as written.
    context : Context
        Where values come from.

    Returns
    -------
    (str, bool)
        The resolved text, and whether it depends on the moment of the run
        (clock or commit).

    Raises
    ------
    ConfigError
        On an undefined name, a secret, or a broken template.
    """
    text = _VARIABLE.sub(lambda m: _variable(key, m[1], m[2], context.env), text)
    if "{{" not in text and "{%" not in text:
        return text, False
    try:
        names = meta.find_undeclared_variables(_JINJA.parse(text))
        values: dict[str, Any] = {"env": _Env(key, context.env)}
        if "timestamp" in names:
            values["timestamp"] = _timestamp(key, context.env)
        if "git_sha" in names:
            values["git_sha"] = context.git_sha()
        return _JINJA.from_string(text).render(values), bool(names & {"timestamp", "git_sha"})
    except (TemplateError, ArithmeticError, TypeError, ValueError) as error:
        raise ConfigError(
            key, text, "a template over env, git_sha and timestamp", f"Jinja2 says: {error}."
        ) from error


def _timestamp(key: str, env: Mapping[str, str]) -> str:
    """The moment that run.py fixed; plain Snakemake has none, as children would get another."""
    if TIMESTAMP_VARIABLE not in env:
        raise ConfigError(
            key,
            "{{ timestamp }}",
            "fixed once for the whole run",
            "Start with `python run.py run`, which fixes the moment, or write a fixed name.",
        )
    return env[TIMESTAMP_VARIABLE]
