"""The specification of one trial without a study, for :mod:`ethpredict.adaptor`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ethpredict.config.load import load
from ethpredict.sweep.plan import http_of
from ethpredict.sweep.trials import Spec, build_trials


def load_specs(*paths: str | Path, **overrides: Any) -> dict[str, Spec]:
    """Settings of one trial by stage, checked against the schema.

    Parameters
    ----------
    *paths : path-like
        YAML files; none takes the defaults.
    **overrides
        Single settings; ``model__level0__algo="lstm"`` sets model.level0.algo.

    Returns
    -------
    dict
        Stage to its specification. Where the files hold axes, those of the
        first trial.

    Raises
    ------
    ConfigError
        If a setting is not known, out of range or in contradiction.
    """
    config = load(paths, overrides)
    made = build_trials(config)
    run = next(iter(made.trials.values()))["runs"][0]
    simulate = made.specs["simulate"][run["id"]]
    quote = made.specs["quote"][run["quote"]]
    train = made.specs["train"][run["model"]]
    found = {"simulate": simulate, "quote": quote, "train": train}
    found["bars"] = made.specs["bars"][quote["upstream"]["bars"]]
    for stage in ("features", "labels"):
        found[stage] = made.specs[stage][train["upstream"][stage]]
    fetch = made.specs["fetch"][run["fetch"]]
    patient = fetch["settings"]["data"] | {"http": http_of(config.values)}
    found["fetch"] = fetch | {"settings": {"data": patient}}
    return found
