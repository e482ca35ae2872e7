"""The locked test: what is shown, the record, contamination, and the second pass."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from ethpredict.errors import DataError
from ethpredict.stats import resimulate as module
from ethpredict.stats.reveal import packs, reveal_record, revealed_runs


def trial(name: str, baseline: str = "", seq: int = 1, venue: str = "lob") -> dict[str, Any]:
    runs = [
        {"id": f"{name}{r}", "replicate": r, "bars": "b", "fetch": "f", "quote": f"q{name}"}
        for r in (1, 0)
    ]
    return {
        "id": name,
        "name": f"t{name}",
        "baseline": baseline,
        "seq": seq,
        "settings": {"sim.venue": venue},
        "runs": runs,
        "v": venue,
    }


TRIALS = [
    trial("a"),
    trial("b", venue="amm"),
    trial("c", seq=3),
    trial("h", "hold"),
    trial("z", "hold", venue="amm"),
]
RUNS = {
    run["id"]: {
        "settings": {"sim": {"venue": item["v"], "fidelity": "bars"}},
        "upstream": {"quote": run["quote"], "bars": "b"},
        "replicate": run["replicate"],
    }
    for item in TRIALS
    for run in item["runs"]
}


def test_best_trials_come_first_then_completed_baselines() -> None:
    found = revealed_runs(TRIALS, RUNS, ["b", "a"], completed=["a", "b", "h"])
    assert [run.member["id"] for run in found] == ["b0", "b1", "a0", "a1", "h0", "h1"]
    assert [run.first for run in found] == [True, False] * 3


def test_baselines_at_other_settings_stay_locked() -> None:
    found = revealed_runs(TRIALS, RUNS, ["a"], completed=["a", "b", "h", "z"])
    assert {run.trial_id for run in found} == {"a", "h"}


def test_a_pack_never_mixes_venues() -> None:
    found = list(packs(revealed_runs(TRIALS, RUNS, ["b", "a"], ["h"])))
    venues = [{run.member["settings"]["sim"]["venue"] for run in group} for _, _, group in found]
    assert venues == [{"amm"}, {"lob"}]


def test_unknown_trial_or_run_is_refused() -> None:
    with pytest.raises(DataError, match="not in the plan"):
        revealed_runs(TRIALS, RUNS, ["x"], [])
    with pytest.raises(DataError, match="no settings"):
        revealed_runs(TRIALS, {}, ["a"], [])


def test_each_distinct_set_is_recorded_once_and_latecomers_are_marked() -> None:
    runs = revealed_runs(TRIALS[:2], RUNS, ["a"], [])
    summary, record = reveal_record(TRIALS[:2], ["a"], runs, [])
    assert record is not None
    assert (record["number"], record["ledger_seq"], summary["count"]) == (1, 1, 1)
    assert summary["contaminated"] == []

    again, nothing = reveal_record(TRIALS[:2], ["a"], runs, [record])
    assert nothing is None
    assert again == summary

    more = revealed_runs(TRIALS, RUNS, ["c", "a"], ["h"])
    later, second = reveal_record(TRIALS, ["c", "a"], more, [record])
    assert second is not None
    assert (second["number"], later["count"], later["first_seq"]) == (2, 2, 1)
    assert later["contaminated"] == ["c"]


def fake_simulate(
    bars: Any,
    blocks: Any,
    paths: Any,
    members: list[Any],
    segment: int,
    detail: bool = False,
    tips: Any = None,
    records: Any = None,
) -> SimpleNamespace:
    """Record what would be simulated."""
    rows = pd.DataFrame({"run_id": [member["id"] for member in members], "segment": segment})
    rows["quotes"] = ",".join(paths["quote_id"])
    rows["status"], rows["error"] = "ok", ""
    rows["pnl"], rows["pnl_1k"], rows["n_fills"] = 1.0, 1.0, 2.0
    return SimpleNamespace(metrics=rows, equity=rows, paths=rows if detail else None)


def test_details_on_validation_for_the_best_metrics_on_locked_for_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "simulate_pack", fake_simulate)
    runs = revealed_runs(TRIALS, RUNS, ["a", "b"], ["h"])
    found = module.resimulate(
        runs,
        bars=lambda key: pd.DataFrame({"bars": [key]}),
        blocks=lambda key: pd.DataFrame({"fetch": [key]}),
        paths=lambda key: pd.DataFrame({"quote_id": [key]}),
        tips=lambda key: pd.DataFrame({"fetch": [key]}),
        records=lambda key: None,
        replay={},
    )
    assert found.paths["run_id"].tolist() == ["a0", "b0"]
    assert set(found.paths["segment"]) == {0}
    assert found.locked["run_id"].tolist() == ["a0", "a1", "b0", "b1", "h0", "h1"]
    assert set(found.locked["segment"]) == {1}
    assert found.locked["baseline"].tolist() == [""] * 4 + ["hold"] * 2
    assert found.locked.loc[0, "quotes"] == "qa,qh"


def test_nothing_to_reveal_keeps_the_columns() -> None:
    nothing = module.resimulate([], *[None] * 6)  # type: ignore[list-item]
    assert list(nothing.locked.columns) == ["trial_id", "name", "baseline", "run_id"]
    # Text also without a row, or a reader that looks for a trial finds another type.
    assert all(dtype == "str" for dtype in [*nothing.locked.dtypes, *nothing.fidelity.dtypes])


def test_script_writes_the_record_only_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ethpredict.io.artefact import read_json, write_json, write_table
    from scripts import simulate_top

    monkeypatch.setattr(module, "simulate_pack", fake_simulate)
    study = tmp_path / "study"
    write_json({"trials": ["a"]}, study / "top.json")
    write_table(pd.DataFrame({"trial_id": ["a", "h"], "status": ["ok", "ok"]}), study / "t.parquet")
    write_json({"study": "s"}, study / "board.json")
    for name, column in (
        ("trades", "x"),
        ("funding", "x"),
        ("book", "x"),
        ("bars", "x"),
        ("blocks", "x"),
        ("tips", "x"),
        ("paths", "quote_id"),
    ):
        write_table(pd.DataFrame({column: ["qa", "qh"]}), study / f"{name}.parquet")
    inputs = SimpleNamespace(
        top=study / "top.json",
        board=study / "board.json",
        trials=study / "t.parquet",
        trades=[study / "trades.parquet"],
        funding=[study / "funding.parquet"],
        book=[study / "book.parquet"],
        pool=[study / "pool_events.parquet"],
        bars=[study / "bars.parquet"],
        blocks=[study / "blocks.parquet"],
        tips=[study / "tips.parquet"],
        paths=[study / "paths.parquet"],
    )
    top = study / "top"
    outputs = SimpleNamespace(
        paths=top / "paths.parquet",
        locked=top / "locked.parquet",
        equity=top / "locked_equity.parquet",
        fidelity=top / "fidelity.parquet",
        leaderboard=study / "leaderboard.json",
        reveal=top / "reveal.json",
    )
    files = {"bars": {"b": 0}, "blocks": {"f": 0}, "paths": {"qa": 0, "qh": 0}}
    spec = {"trials": TRIALS, "runs": RUNS, "top": 5, "files": files}
    spec |= {"objective": "pnl_1k", "replay": {}}
    for _ in range(2):
        simulate_top.main(inputs, outputs, spec)
    records = sorted((study / "reveals").iterdir())
    assert [path.name[:5] for path in records] == ["0001-"]
    assert read_json(outputs.reveal)["count"] == 1
    board = read_json(outputs.leaderboard)
    assert board["study"] == "s"
    played = [(item["trial_id"], item["fidelity"]) for item in board["bracket"]["brackets"]]
    assert played == [("a", "bars"), ("a", "trades"), ("a", "l2")]
