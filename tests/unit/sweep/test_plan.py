"""Packs and ledger: what was planned stays, what is new is added, nothing else moves."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ethpredict.config.load import load
from ethpredict.config.schema import leaves
from ethpredict.errors import ConfigError, DataError
from ethpredict.sweep import plan, start, trials
from ethpredict.sweep.ledger import LedgerError
from ethpredict.sweep.plan import Draft, make_plan, read_plan
from ethpredict.sweep.trials import PACKED, schema_digest

STUDY = """
study: {{name: {name}}}
labels: {{horizon: {horizon}}}
model: {{level0: {{algo: [ridge], ridge: {{alpha: {alpha}}}}}}}
quoting: {{gamma: {gamma}}}
sweep: {{packs: {{simulate: {most}}}}}
"""


def drafted(root: Path, name: str = "a", gamma: str = "[0.1, 0.3]", alpha: str = "[1, 10]",
            horizon: str = "[6]", most: int = 256) -> Draft:  # fmt: skip
    """Plan a small study."""
    path = root / "study.yaml"
    path.write_text(
        STUDY.format(name=name, gamma=gamma, alpha=alpha, horizon=horizon, most=most),
        encoding="utf-8",
    )
    return make_plan(load([path], {}, {}), root / "results")


def ran(root: Path, finish: bool = True, **settings: object) -> Draft:
    """Plan a study and begin its run; its packs count as run where it finishes."""
    draft = drafted(root, **settings)  # type: ignore[arg-type]
    start.begin(draft, root / "results").close()
    for stage, packs in draft.plan.packs.items() if finish else ():
        for pack in packs:
            path = root / "results" / "store" / stage / pack / "spec.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("{}", encoding="utf-8")
    return draft


def test_a_large_sweep_that_was_cancelled_does_not_burden_a_small_one(tmp_path: Path) -> None:
    (tmp_path / "y").mkdir()
    alone = drafted(tmp_path / "y", gamma="[0.1]", alpha="[1]").plan
    ran(tmp_path, finish=False, gamma="[0.1, 0.2, 0.3]", alpha="[1, 10, 100]", horizon="[6, 12]")
    for name in ("a", "other"):
        small = drafted(tmp_path, name=name, gamma="[0.1]", alpha="[1]").plan
        assert {s: len(p) for s, p in small.packs.items()} == {
            s: len(p) for s, p in alone.packs.items()
        }
        assert small.specs == alone.specs


@pytest.mark.parametrize("name", ["a", "other"])
def test_members_planned_by_another_schema_are_not_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    """Their pack has run, and holds members that are still wanted: those get packs of their own."""
    with monkeypatch.context() as before:
        before.setattr(plan, "schema_digest", lambda stage: f"earlier {stage}")
        old = ran(tmp_path, gamma="[0.1, 0.3]", alpha="[1, 10]").plan
    new = ran(tmp_path, name=name, gamma="[0.1]", alpha="[1]").plan
    wanted = {run["id"] for run in new.runs()}
    assert wanted < {run["id"] for run in old.runs()}
    assert {m for ms in new.packs["simulate"].values() for m in ms} == wanted
    assert {spec["upstream"]["quote"] for spec in new.specs["simulate"].values()} == {
        m for ms in new.packs["quote"].values() for m in ms
    }
    assert f"simulate: {len(wanted)} results are made again in new packs" in caplog.text
    caplog.clear()
    again = drafted(tmp_path, name=name, gamma="[0.1]", alpha="[1]")
    assert again.entry is None
    assert again.plan.packs == new.packs
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("key", "stages"),
    [
        ("bars.kind", {"train", "quote", "simulate"}),
        ("model.seed", {"train", "quote", "simulate"}),
        ("quoting.gamma", {"simulate"}),
        ("report.rows", set()),
    ],
)
def test_a_rule_counts_for_the_stages_that_read_its_setting(
    monkeypatch: pytest.MonkeyPatch, key: str, stages: set[str]
) -> None:
    known, before = leaves(), {stage: schema_digest(stage) for stage in PACKED}
    reworded = replace(known[key], rule={**known[key].rule, "description": "Other words."})
    monkeypatch.setattr(trials, "leaves", lambda: known | {key: reworded})
    assert {stage: schema_digest(stage) for stage in PACKED} == before
    without = {name: leaf for name, leaf in known.items() if name != key}
    monkeypatch.setattr(trials, "leaves", lambda: without)
    assert {stage for stage in PACKED if schema_digest(stage) != before[stage]} == stages


def test_a_damaged_ledger_stops_its_own_study_only(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ran(tmp_path)
    (entry,) = (tmp_path / "results" / "a" / "ledger").glob("*.json")
    entry.write_text(entry.read_text(encoding="utf-8")[:-40], encoding="utf-8")
    drafted(tmp_path, name="b")
    assert "nothing of study a is reused" in caplog.text
    with pytest.raises(DataError, match="does not continue the ledger"):
        drafted(tmp_path)


def test_planning_writes_nothing_and_is_repeatable(tmp_path: Path) -> None:
    first, second = drafted(tmp_path), drafted(tmp_path)
    assert not (tmp_path / "results").exists()
    assert first.plan.digest() == second.plan.digest()
    assert first.entry == second.entry


def test_a_value_in_mid_axis_makes_one_new_pack_and_disturbs_none(tmp_path: Path) -> None:
    old = ran(tmp_path).plan
    new = drafted(tmp_path, gamma="[0.1, 0.2, 0.3]").plan
    assert new.packs["train"] == old.packs["train"]
    assert new.packs["quote"] == old.packs["quote"]
    fresh = set(new.packs["simulate"]) - set(old.packs["simulate"])
    assert set(old.packs["simulate"]) < set(new.packs["simulate"])
    assert len(fresh) == 1
    added = {t["id"] for t in new.trials} - {t["id"] for t in old.trials}
    # a trial per model, and the baseline without a signal at the same gamma
    assert len(new.packs["simulate"][fresh.pop()]) == len(added) == 3


def test_a_new_model_trains_alone(tmp_path: Path) -> None:
    old = ran(tmp_path).plan
    new = drafted(tmp_path, alpha="[1, 5, 10]").plan
    fresh = set(new.packs["train"]) - set(old.packs["train"])
    assert [len(new.packs["train"][pack]) for pack in fresh] == [1]
    assert new.specs["features"] == old.specs["features"]


def test_shrinking_hides_but_keeps_count_and_packs(tmp_path: Path) -> None:
    old = ran(tmp_path, gamma="[0.1, 0.3]").plan
    small = ran(tmp_path, gamma="[0.1]").plan
    assert small.packs == old.packs
    assert len(small.trials) < len(old.trials)
    assert small.n_trials_ever == old.n_trials_ever == 4
    again = drafted(tmp_path, gamma="[0.1, 0.3]")
    assert again.entry is None
    assert [t["name"] for t in again.plan.trials] == [t["name"] for t in old.trials]


def test_packs_are_cut_evenly_and_never_mix_row_arrays(tmp_path: Path) -> None:
    gamma = "{low: 0.1, high: 1.0, step: 0.1}"
    plan = drafted(tmp_path, gamma=gamma, horizon="[6, 12]", most=15).plan
    sizes = sorted(len(members) for members in plan.packs["simulate"].values())
    assert sum(sizes) == len(plan.runs())
    assert max(sizes) <= 15
    assert max(sizes) - min(sizes) <= 1
    for pack in plan.packs["train"]:
        assert len({tuple(m["upstream"].values()) for m in plan.members("train", pack)}) == 1


def test_two_studies_share_what_one_has_planned(tmp_path: Path) -> None:
    one = ran(tmp_path, name="a").plan
    two = ran(tmp_path, name="b", gamma="[0.1, 0.3, 0.5]").plan
    assert set(one.packs["train"]) <= set(two.packs["train"])
    assert set(one.packs["simulate"]) < set(two.packs["simulate"])
    # the second ledger stands alone: removing the first study changes nothing
    for path in sorted((tmp_path / "results" / "a").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    assert drafted(tmp_path, name="b", gamma="[0.1, 0.3, 0.5]").plan.packs == two.packs


def test_the_ledger_is_a_checked_chain(tmp_path: Path) -> None:
    ran(tmp_path)
    ran(tmp_path, gamma="[0.1, 0.3, 0.5]")
    entries = sorted((tmp_path / "results" / "a" / "ledger").glob("*.json"))
    assert [path.name[:6] for path in entries] == ["000001", "000002"]
    entry = json.loads(entries[0].read_text(encoding="utf-8"))
    entry["trials"].pop()
    entries[0].write_text(json.dumps(entry), encoding="utf-8")
    with pytest.raises(DataError, match="does not continue the ledger"):
        drafted(tmp_path)


def test_a_study_is_run_once_at_a_time_and_never_on_a_stale_plan(tmp_path: Path) -> None:
    stale = drafted(tmp_path, gamma="[0.1]")
    draft = drafted(tmp_path)
    lock = start.begin(draft, tmp_path / "results")
    with pytest.raises(LedgerError, match="another run"):
        start.begin(drafted(tmp_path), tmp_path / "results")
    lock.close()
    with pytest.raises(LedgerError, match="moved"):
        start.begin(stale, tmp_path / "results")


def test_a_retry_is_a_new_pack_and_the_newest_wins(tmp_path: Path) -> None:
    old = ran(tmp_path).plan
    victim = next(iter(old.packs["train"].values()))[0]
    path = tmp_path / "study.yaml"
    retried = make_plan(load([path], {}, {}), tmp_path / "results", {"train": frozenset({victim})})
    start.begin(retried, tmp_path / "results").close()
    (fresh,) = set(retried.plan.packs["train"]) - set(old.packs["train"])
    assert retried.plan.packs["train"][fresh] == [victim]
    assert fresh in drafted(tmp_path).plan.packs["train"]


def test_the_frozen_plan_is_what_children_read(tmp_path: Path) -> None:
    draft = ran(tmp_path)
    path = tmp_path / "results" / "a" / "plan.json"
    assert read_plan(path, draft.plan.digest()).packs == draft.plan.packs
    with pytest.raises(DataError, match="another run"):
        read_plan(path, "0" * 16)
    with pytest.raises(DataError, match="no frozen plan"):
        read_plan(tmp_path / "none.json")


def test_every_quote_and_venue_has_its_own_baselines(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    text = """
    sim: {venue: [lob, amm]}
    bars: {kind: [time, dollar]}
    quoting: {gamma: [0.1, 0.2]}
    labels: {horizon: [6, 12]}
    """
    path.write_text(text, encoding="utf-8")
    plan = make_plan(load([path], {}, {}), tmp_path / "results").plan
    marks = sorted(t["baseline"] for t in plan.trials if t["baseline"])
    # 2 kinds of bars x 2 venues, no_signal at each gamma; a pool has no resting quotes
    expected = ["do_nothing", "hold"] * 4 + ["no_signal"] * 8 + ["fixed_spread"] * 2
    assert marks == sorted(expected)
    assert plan.n_trials_ever == 16
    silent = [t for t in plan.trials if t["baseline"] == "no_signal"]
    assert {t["settings"]["quoting.gamma"] for t in silent} == {0.1, 0.2}
    assert {t["settings"]["labels.horizon"] for t in silent} == {12}
    assert {t["settings"]["model.level0.algo"] for t in silent} == {"zero"}


def test_what_does_not_hedge_is_on_the_book_alone(tmp_path: Path) -> None:
    """Hybrid brings hedged trials; unhedged ones and the baselines that hold are the book's."""
    path = tmp_path / "study.yaml"
    text = """
    sim: {venue: [lob, hybrid], amm: {fee_bps: [5, 30]}}
    quoting: {hedge: [true, false], hedge_band: [1, 2], strategy: [glft, fixed_spread]}
    """
    path.write_text(text, encoding="utf-8")
    trials = make_plan(load([path], {}, {}), tmp_path / "results").plan.trials
    own = [trial["settings"] for trial in trials if not trial["baseline"]]
    found = [(one["sim.venue"], one["quoting.strategy"]) for one in own]
    assert found.count(("hybrid", "glft")) == 4
    assert found.count(("lob", "glft")) == 1
    assert ("hybrid", "fixed_spread") not in found
    marks = [(t["settings"]["sim.venue"], t["baseline"]) for t in trials if t["baseline"]]
    marks += [("lob", "fixed_spread")] * found.count(("lob", "fixed_spread"))
    assert {name for venue, name in marks if venue == "hybrid"} == {"no_signal"}
    assert {"do_nothing", "hold", "fixed_spread"} <= {
        name for venue, name in marks if venue == "lob"
    }
    for one in own:
        keys = {"quoting.hedge", "quoting.hedge_band", "sim.amm.fee_bps", "sim.seed"}
        assert (keys <= set(one)) == (one["sim.venue"] == "hybrid")


@pytest.mark.parametrize("key", ["validation__locked_days", "validation__train_days"])
def test_trials_that_are_ranked_together_see_the_same_days(tmp_path: Path, key: str) -> None:
    path = tmp_path / "study.yaml"
    path.write_text("", encoding="utf-8")
    with pytest.raises(ConfigError, match="a single value"):
        load([path], {key: "[10, 20]"}, {})


def test_a_changed_library_is_worth_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ran(tmp_path)
    ran(tmp_path)
    assert caplog.text == ""
    path = tmp_path / "results" / "a" / "versions.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"numpy": "0.1"}), encoding="utf-8")
    ran(tmp_path)
    assert "numpy 0.1 -> " in caplog.text
