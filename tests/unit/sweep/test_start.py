"""What the Snakefile calls: drafts, frozen plans for children, retries, views of a plan."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest

from ethpredict.errors import ConfigError
from ethpredict.io.artefact import write_table
from ethpredict.sweep import start
from ethpredict.sweep.views import artefact_ids, summary_view, top_view


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A YAML in the folder in which snakemake runs."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "study.yaml"
    path.write_text("study: {name: s}\nquoting: {gamma: [0.1, 0.2]}\n", encoding="utf-8")
    return path


def begin(study: Path, **cli: object) -> start.Draft:
    """Draft a study and begin its run."""
    made = start.draft([study], cli, Path("results"))
    start.begin(made, Path("results")).close()
    return made


def test_children_read_the_plan_that_the_main_process_froze(study: Path) -> None:
    made = begin(study)
    name, path = start.child_argument(made.plan).split("=")
    assert start.read_frozen({name: path}).digest() == made.plan.digest()
    with pytest.raises(ConfigError, match="given by the main process"):
        start.read_frozen({})


def test_overrides_change_settings_and_reserved_words_do_not(study: Path) -> None:
    cli = {"quoting__gamma": "0.5", "retry_failed": "false", start.PLAN_KEY: "x"}
    made = start.draft([study], cli, Path("results"))
    assert made.plan.config["quoting"]["gamma"] == 0.5
    assert made.plan.axes == []
    with pytest.raises(ConfigError, match="true or false"):
        start.draft([study], {"retry_failed": "perhaps"}, Path("results"))


def test_a_missing_candle_file_stops_the_draft(study: Path) -> None:
    text = "data: {source: files, files: {candles: 'x-{symbol}.csv'}}\n"
    study.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"x-ETHUSDT\.csv"):
        start.draft([study], {}, Path("results"))
    Path("x-ETHUSDT.csv").touch()
    (spec,) = start.draft([study], {}, Path("results")).plan.specs["fetch"].values()
    assert start.local_files(spec) == ["x-ETHUSDT.csv"]


def test_failed_members_are_packed_again_and_only_they(study: Path) -> None:
    old = begin(study).plan
    (pack,) = old.packs["simulate"]
    members = old.packs["simulate"][pack]
    states = ["failed" if i == 1 else "ok" for i in range(len(members))]
    write_table(
        pd.DataFrame({"run_id": members, "status": states}),
        Path("results/store/simulate") / pack / "metrics.parquet",
    )
    new = begin(study, retry_failed=True).plan
    (fresh,) = set(new.packs["simulate"]) - {pack}
    assert new.packs["simulate"][fresh] == [members[1]]
    # the newer pack stands last, so that its result counts
    assert list(new.packs["simulate"]) == [pack, fresh]
    assert new.holders("simulate", [members[1]]) == [fresh]


def test_views_hold_what_study_wide_jobs_read(study: Path) -> None:
    plan = begin(study).plan
    assert [trial["id"] for trial in summary_view(plan)["trials"]] == [t["id"] for t in plan.trials]
    top = top_view(plan)
    assert set(top["runs"]) == {run["id"] for run in plan.runs()}
    assert set(top["files"]["paths"].values()) == set(range(len(plan.packs["quote"])))
    ids = artefact_ids(plan)
    assert ids["simulate"] == list(plan.packs["simulate"])
    assert ids["bars"] == sorted(plan.specs["bars"])


def test_scripts_import_the_package_from_beside_the_workflow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    start.import_from("/here")
    assert os.environ["PYTHONPATH"] == os.pathsep.join(["/here", "/elsewhere"])
    monkeypatch.delenv("PYTHONPATH")
    start.import_from("/here")
    assert os.environ["PYTHONPATH"] == "/here"
