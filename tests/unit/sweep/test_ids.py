"""Perturbing one setting changes exactly the ids of its stage and of what follows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ethpredict.config.load import load
from ethpredict.config.schema import leaves
from ethpredict.errors import ConfigError
from ethpredict.sweep.ids import digest
from ethpredict.sweep.trials import build_trials

# Written out by hand, so that a slip in the plan's own table is seen.
FOLLOWS = {
    "study": set(),
    "fetch": {"fetch", "bars", "features", "labels", "train", "quote", "simulate"},
    "bars": {"bars", "features", "labels", "train", "quote", "simulate"},
    "features": {"features", "train", "quote", "simulate"},
    "labels": {"labels", "train", "quote", "simulate"},
    "train": {"train", "quote", "simulate"},
    "quote": {"quote", "simulate"},
    "simulate": {"simulate"},
}
BASE = {
    "sweep.mode": "single",
    "data.files.candles": "a.csv",
    "bars.interval": "1h",
    "quoting.max_inventory": 20,
}
ARCHIVE = {"data.source": "binance_archive", "data.start": "2025-01-01", "data.end": "2025-02-01"}
# settings that make a conditional setting count
CONTEXTS = [
    {},
    {"data.source": "files"},
    ARCHIVE,
    ARCHIVE | {"data.binance.market": "cm", "data.symbol": "ETHUSD_PERP"},
    ARCHIVE | {"data.source": "binance_rest"},
    ARCHIVE | {"data.source": "hyperliquid"},
    ARCHIVE | {"data.source": "lighter"},
    ARCHIVE | {"data.extras": ["tvl"]},
    ARCHIVE | {"data.extras": ["santiment"]},
    ARCHIVE | {"data.extras": ["pool"], "data.evm.pool": f"'0x{1:040x}'"},
    {"data.synthetic.book": "l2"},
    {"bars.kind": "dollar"},
    {"bars.kind": "volume"},
    {"bars.kind": "tick"},
    {"bars.kind": "tick", "bars.threshold": "ewma"},
    {"bars.kind": "imbalance"},
    {"model.level0.algo": "xgboost"},
    {"model.level0.algo": "lstm"},
    {"model.level1.algo": "mlp"},
    {"model.level2.algo": "gru"},
    {"model.ensemble.partners": "xgboost"},
    {"sim.venue": "amm"},
    {"sim.venue": "amm", "sim.amm.mode": "lp"},
    {"sim.venue": "amm", "sim.amm.flow": "tape"},
    {"sim.venue": "amm", "sim.amm.mode": "lp", "sim.amm.flow": "tape"},
    {"sim.lob.fee_schedule": "tiers"},
    {"sim.fidelity": "l2"},
    {"sim.fidelity": "l2", "sim.lob.queue_model": "power"},
    {"quoting.strategy": "fixed_spread"},
    {"quoting.strategy": "avellaneda_stoikov"},
    {"quoting.sizing.mode": "volatility_target"},
    {"quoting.sizing.mode": "kelly"},
    {"quoting.calibration.source": "trades"},
    {"sim.venue": "amm", "sim.amm.bribe.mode": "percentile"},
    {"sim.venue": "amm", "sim.amm.chain": "op"},
    {"sim.venue": "hybrid", "quoting.hedge": True},
    {"sim.venue": "hybrid", "quoting.hedge": True, "sim.amm.flow": "tape"},
    {"features.include": ["returns", "regime", "onchain"]},
    {"labels.clock": "time"},
    {"labels.events": "cusum"},
    {"validation.cpcv.groups": 4},
]
# Legal values that the default venue does not take: refused when a study is read.
REFUSED = {"quoting.hedge"}


def ids(tmp_path: Path, settings: dict[str, Any], replicate: int = 0) -> dict[str, str]:
    """Stage ids of the only trial."""
    path = tmp_path / "study.yaml"
    path.write_text("", encoding="utf-8")
    known = {key.replace(".", "__"): value for key, value in (BASE | settings).items()}
    made = build_trials(load([path], known, {}))
    trial = next(t for t in made.trials.values() if not t["baseline"] or len(made.trials) == 1)
    run = trial["runs"][replicate]
    quote = made.specs["quote"][run["quote"]]
    train = made.specs["train"][run["model"]]
    return {
        "trial": trial["id"],
        "simulate": run["id"],
        "quote": run["quote"],
        "train": run["model"],
        "bars": quote["upstream"]["bars"],
        "fetch": run["fetch"],
        "features": train["upstream"]["features"],
        "labels": train["upstream"]["labels"],
    }


def other_value(key: str, old: Any) -> Any:
    """Another legal value of a setting."""
    leaf = leaves()[key]
    special = {
        "data.start": "2025-03-01", "data.end": "2025-06-01", "data.files.candles": "b.csv",
        "data.symbol": "BTCUSDT", "study.name": "other", "study.title": "other",
        "study.tags": {"a": "b"}, "data.interval": "15m", "bars.interval": "4h",
        "data.extras": ["funding"], "data.tvl.protocols": ["lido"],
        "data.santiment.metrics": ["mvrv_usd"], "data.tvl.chain": "Base",
        "data.evm.pool": f"'0x{2:040x}'",
        "data.santiment.slug": "bitcoin", "data.hyperliquid.coin": "BTC",
        "sim.lob.fees": [[0, 1, 5]],
        "data.orders.columns": {"price": "px"}, "data.orders.words": {"x": "executed"},
        "data.orders.day": "2025-03-01",
        "data.files.funding": ["f.csv"], "data.files.onchain_daily": ["o.csv"],
        "features.include": ["returns"],
        "labels.horizons": [6], "features.regime_methods": ["hmm"], "features.windows": [7],
        "data.max_gap": 7200, "validation.importance": ["mda"],
    }  # fmt: skip
    if key in special:
        return special[key]
    if "enum" in leaf.rule:
        return next(word for word in leaf.rule["enum"] if word != old)
    if "boolean" in leaf.types:
        return not old
    if key.endswith("url"):
        return "http://127.0.0.1:9"
    if old is None:
        return 5 if "string" not in leaf.types else "other.csv"
    low = leaf.rule.get("minimum", leaf.rule.get("exclusiveMinimum", 0))
    for candidate in (old + 1, old / 2, old * 2, old - 1, low):
        value = int(candidate) if "integer" in leaf.types else candidate
        try:
            if leaf.canonical(value) != old:
                return value
        except Exception:
            continue
    raise AssertionError(f"no other legal value for {key}")


def first_context(key: str, tmp_path: Path) -> dict[str, Any]:
    """Settings under which a setting counts."""
    for context in CONTEXTS:
        path = tmp_path / "study.yaml"
        path.write_text("", encoding="utf-8")
        known = {k.replace(".", "__"): v for k, v in (BASE | context).items()}
        from ethpredict.config.schema import applicable

        if key in applicable(load([path], known, {}).values):
            return context
    raise AssertionError(f"no context makes {key} count; add one")


VARIED = [
    key
    for key, leaf in leaves().items()
    if not key.startswith("sweep.")
    and len(leaf.rule.get("enum", (1, 2))) > 1
    and key not in REFUSED
]


@pytest.mark.parametrize("key", sorted(REFUSED))
def test_what_the_venue_does_not_take_is_refused(tmp_path: Path, key: str) -> None:
    with pytest.raises(ConfigError, match=key):
        ids(tmp_path, {key: other_value(key, leaves()[key].default)})


@pytest.mark.parametrize("key", VARIED)
def test_each_setting_changes_exactly_its_stage_and_what_follows(tmp_path: Path, key: str) -> None:
    context = first_context(key, tmp_path)
    old = ids(tmp_path, context)
    value = (BASE | context).get(key, leaves()[key].default)
    new = ids(tmp_path, context | {key: other_value(key, value)})
    changed = {stage for stage in old if old[stage] != new[stage]}
    expected = FOLLOWS[leaves()[key].stage]
    assert changed == (expected | {"trial"} if expected else set())


@pytest.mark.parametrize("key", [key for key in leaves() if key.startswith("sweep.")])
def test_how_trials_are_made_enters_no_id(tmp_path: Path, key: str) -> None:
    base = {"sweep.mode": "random", "sweep.trials": 1}
    value = base.get(key, leaves()[key].default)
    assert ids(tmp_path, base | {key: other_value(key, value)}) == ids(tmp_path, base)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("sim.amm.fee_bps", 30),
        ("model.level0.xgboost.eta", 0.3),
        ("model.seed", 99),
        ("sim.seed", 99),
    ],
)
def test_settings_that_do_not_apply_leave_the_ids(tmp_path: Path, key: str, value: Any) -> None:
    assert ids(tmp_path, {key: value}) == ids(tmp_path, {})


def test_one_and_one_point_zero_are_the_same_trial(tmp_path: Path) -> None:
    assert ids(tmp_path, {"quoting.gamma": 1}) == ids(tmp_path, {"quoting.gamma": 1.0})


def test_a_replicate_enters_where_a_seed_applies(tmp_path: Path) -> None:
    def runs(settings: dict[str, Any]) -> list[dict[str, Any]]:
        path = tmp_path / "study.yaml"
        path.write_text("", encoding="utf-8")
        known = {
            k.replace(".", "__"): v for k, v in (BASE | settings | {"sweep.replicates": 3}).items()
        }
        return next(iter(build_trials(load([path], known, {})).trials.values()))["runs"]

    assert len(runs({})) == 1  # ridge on the book draws nothing
    seeded = runs({"model.level0.algo": "xgboost"})
    assert len({run["model"] for run in seeded}) == 3
    pooled = runs({"sim.venue": "amm"})
    assert len({run["model"] for run in pooled}) == 1
    assert len({run["id"] for run in pooled}) == 3


def test_a_digest_is_sixteen_hex_digits_of_the_canonical_json() -> None:
    import hashlib

    assert digest({"b": 1.0, "a": None}) == hashlib.sha256(b'{"a":null,"b":1.0}').hexdigest()[:16]
