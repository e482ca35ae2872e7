"""Trials, their runs, and the specification of every artefact they need.

An id is a digest over a stage's own settings and its upstream ids, so that
siblings are independent: a label setting does not touch features. A replicate
enters an id exactly where a seed of that stage applies.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ethpredict.config.checks import check_trial
from ethpredict.config.load import Config, nest
from ethpredict.config.schema import applicable, leaves
from ethpredict.sweep.ids import digest
from ethpredict.sweep.space import assignments

Spec = dict[str, Any]

SINGLE = ("fetch", "bars", "features", "labels")
PACKED = ("train", "quote", "simulate")
UPSTREAM = {
    "fetch": (),
    "bars": ("fetch",),
    "features": ("bars",),
    "labels": ("bars",),
    "train": ("features", "labels"),
    "quote": ("bars", "train"),
    "simulate": ("bars", "quote"),
}
SEEDS = {"train": "model.seed", "simulate": "sim.seed"}
MODELLED = ("features", "labels", "train")
BASELINES: dict[str, dict[str, Any]] = {
    "do_nothing": {"quoting.strategy": "none"},
    "hold": {"quoting.strategy": "hold"},
    "fixed_spread": {"quoting.strategy": "fixed_spread"},
    "no_signal": {"quoting.alpha": "off"},
}
SIGNALLED = ("glft_exact", "glft", "avellaneda_stoikov")


@dataclass
class Trials:
    """All trials of a study with what they need.

    Parameters
    ----------
    trials : dict
        Trial id to ``{id, baseline, settings, runs}``, in first-seen order.
    specs : dict
        Stage to id to specification ``{stage, id, settings, upstream}`` (for
        packed stages also ``replicate``).
    """

    trials: dict[str, Spec] = field(default_factory=dict)
    specs: dict[str, dict[str, Spec]] = field(
        default_factory=lambda: {stage: {} for stage in (*SINGLE, *PACKED)}
    )
    _known: dict[tuple[Any, ...], str] = field(default_factory=dict, repr=False)

    def identify(
        self, stage: str, settings: Mapping[str, Any], upstream: dict[str, str], replicate: int
    ) -> str:
        """Id of one artefact; its specification is kept."""
        known = (stage, repr(settings), *upstream.values(), replicate)
        if known not in self._known:
            spec: Spec = {"stage": stage, "settings": nest(settings), "upstream": upstream}
            if stage in PACKED:
                spec["replicate"] = replicate
            spec["id"] = self._known[known] = digest(spec)
            self.specs[stage].setdefault(spec["id"], spec)
        return self._known[known]


def schema_digest(stage: str) -> str:
    """Digest of the rules of every setting that a stage's jobs read, their own and upstream.

    Members that were planned by other rules may lack a setting, or hold one that is gone.
    """
    read = {stage}
    for later in reversed(UPSTREAM):
        read.update(UPSTREAM[later] if later in read else ())
    words = ("title", "description")
    return digest(
        [
            [key, leaf.applies, leaf.unless, {k: v for k, v in leaf.rule.items() if k not in words}]
            for key, leaf in sorted(leaves().items())
            if leaf.stage in read
        ]
    )


def build_trials(config: Config) -> Trials:
    """Expand a study into trials, runs and specifications.

    Parameters
    ----------
    config : Config
        Settings with axes.

    Returns
    -------
    Trials
        Distinct trials; draws that are the same trial are merged.

    Raises
    ------
    ConfigError
        If the settings of a trial contradict each other.
    """
    found = Trials()
    replicates = config.values["sweep.replicates"]
    # A baseline has no model: whatever shapes one stands at its first value.
    shaping = {
        key: config.values[key]
        for key, leaf in leaves().items()
        if leaf.stage in MODELLED and not key.startswith("validation.")
    }
    points = [_same_rule(values) for values in assignments(config)]
    for values in points:
        _add(found, applicable(values), "", replicates)
    for values in points:
        for name, change in _baselines(values):
            changed = values | shaping | {"model.level0.algo": "zero"} | change
            settings = applicable(_same_rule(changed))
            _add(found, settings, name, replicates)
    return found


def _same_rule(values: Mapping[str, Any]) -> dict[str, Any]:
    """Settings under which a point is one trial with those that play alike.

    On a pool the exact quotes and their closed form are one rebalancing rule. On the hybrid venue
    what does not hedge is on the book alone.
    """
    if values["sim.venue"] == "amm" and values["quoting.strategy"] == "glft":
        return {**values, "quoting.strategy": "glft_exact"}
    hedged = values["quoting.hedge"] and values["quoting.strategy"] in SIGNALLED
    if values["sim.venue"] == "hybrid" and not hedged:
        return {**values, "sim.venue": "lob"}
    return dict(values)


def _baselines(values: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What each baseline of a point changes; no signal keeps the strategy where it has one."""
    for name, fixed in BASELINES.items():
        if name == "fixed_spread" and values["sim.venue"] == "amm":
            continue  # a pool has no resting quotes
        change = dict(fixed)
        if name == "no_signal" and values["quoting.strategy"] not in SIGNALLED:
            change["quoting.strategy"] = SIGNALLED[0]
        if values["quoting.sizing.mode"] in ("kelly", "bet_size"):
            change["quoting.sizing.mode"] = "fixed"  # a baseline has no probability
        yield name, change


def _add(found: Trials, settings: Mapping[str, Any], baseline: str, replicates: int) -> None:
    check_trial(settings)
    rules = leaves()
    entered = {key: value for key, value in settings.items() if rules[key].stage != "study"}
    trial_id = digest({"trial": entered})
    if trial_id in found.trials:
        found.trials[trial_id]["baseline"] = found.trials[trial_id]["baseline"] or baseline
        return
    by_stage: dict[str, dict[str, Any]] = {stage: {} for stage in UPSTREAM}
    for key, value in entered.items():
        by_stage[rules[key].stage][key] = value
    for key, given in by_stage["fetch"].items():
        if key.startswith("data.files."):
            by_stage["fetch"][key] = _filled(given, settings["data.symbol"])
    runs: dict[str, Spec] = {}
    for replicate in range(replicates):
        ids = _specify(found, by_stage, replicate)
        runs.setdefault(
            ids["simulate"],
            {
                "id": ids["simulate"],
                "replicate": replicate,
                "model": ids["train"],
                **{stage: ids[stage] for stage in ("quote", "bars", "fetch")},
            },
        )
    found.trials[trial_id] = {
        "id": trial_id,
        "baseline": baseline,
        "settings": dict(entered),
        "runs": list(runs.values()),
    }


def _specify(
    found: Trials, by_stage: Mapping[str, Mapping[str, Any]], replicate: int
) -> dict[str, str]:
    """Ids of one run's artefacts, stage by stage; their specifications are kept."""
    ids: dict[str, str] = {}
    for stage, parents in UPSTREAM.items():
        settings = by_stage[stage]
        drawn = replicate if SEEDS.get(stage) in settings else 0
        upstream = {parent: ids[parent] for parent in parents}
        ids[stage] = found.identify(stage, settings, upstream, drawn)
    return ids


def _filled(given: Any, symbol: str) -> Any:
    """A path, or paths, with the symbol in place of {symbol}."""
    if isinstance(given, list):
        return [_filled(item, symbol) for item in given]
    return given.replace("{symbol}", symbol) if isinstance(given, str) else given
