"""The page as a whole: what it says, what it must not do, and studies that are not finished."""

from __future__ import annotations

import math
import re
from html.parser import HTMLParser
from types import SimpleNamespace

import pandas as pd
import pytest

from ethpredict.io.artefact import read_json, read_table
from ethpredict.report import build, load
from ethpredict.report.headline import luck
from tests.unit.report.study_fixture import build_study

OPTIONAL = (
    *("trials", "leaderboard", "top", "paths", "locked", "locked_equity", "equity", "daily"),
    *("scores", "calibration", "reveal", "quality", "meta", "provenance"),
)
LOADED = ("src", "srcset", "action", "data", "poster", "background", "formaction")


class Page(HTMLParser):
    """Elements, texts and tables of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def text(study: SimpleNamespace) -> str:
    return build(load(study, study.document, study.benchmarks))


def test_no_element_can_make_a_request(text: str) -> None:
    page = Page(text)
    for _, attributes in page.elements:
        assert not set(LOADED) & set(attributes)
        href = attributes.get("href")
        assert href is None or href.startswith("#") or href == "data:,"
    assert {item["href"] for item in page.all("link")} == {"data:,"}
    assert not re.search(r"https?:|url\(|@import|fetch\(|XMLHttp|import\(", text)
    policy = [item["content"] for item in page.all("meta") if item.get("http-equiv")]
    assert policy[0] is not None
    assert policy[0].startswith("default-src 'none'")


def test_ids_are_unique_and_links_meet_their_section(text: str) -> None:
    page = Page(text)
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {str(item["href"])[1:] for item in page.all("a")} <= set(ids)


def test_every_column_head_has_a_scope(text: str) -> None:
    assert all(item.get("scope") in ("col", "row") for item in Page(text).all("th"))


def test_headline_gives_the_answer_with_its_numbers(text: str, study: SimpleNamespace) -> None:
    best = read_json(study.leaderboard)["best"]
    locked = read_table(study.locked)
    made = locked.loc[locked["trial_id"] == best["trial_id"], "pnl_1k"].iloc[0]
    sentence = text[text.index('class="sentence"') :][:600].replace("\u00a0", " ")
    assert f"{best['name']}, earns {best['pnl_1k']:.3f} USD a day" in sentence
    assert f"(± {best['pnl_1k_day_se']:.3f} over days)" in sentence
    assert f"made {made:.3f}" in sentence
    assert f"Deflated Sharpe ratio {best['dsr']:.2f} over 30 trials" in text


@pytest.mark.parametrize(
    ("ratio", "overfit", "word"),
    [
        (0.97, 0.1, "Unlikely"),
        (0.7, 0.1, "Perhaps"),
        (0.2, 0.6, "Quite possibly"),
        (0.2, 0.0, "Unclear"),
        (0.97, 0.6, "Unclear"),
        (math.nan, 0.1, "Not known"),
    ],
)
def test_verdict_on_luck(study: SimpleNamespace, ratio: float, overfit: float, word: str) -> None:
    found = load(study, study.document)
    assert found.leaderboard is not None
    found.leaderboard["pbo"]["value"] = overfit
    assert luck(found, {"dsr": ratio, "n_days": 60}).value == word


def test_only_the_choice_and_baselines_show_a_locked_result(
    text: str, study: SimpleNamespace
) -> None:
    board = read_json(study.leaderboard)
    rows = re.findall(r'<tr id="trial-(\w+)".*?</tr>', text, flags=re.S)
    cells = dict(zip(rows, re.findall(r'<td class="num locked">(.*?)</td>', text), strict=True))
    shown = {key for key, value in cells.items() if value}
    assert shown == {board["best"]["trial_id"], *(row["trial_id"] for row in board["baselines"])}
    head = re.search(r'<th scope="col" class="num locked".*?</th>', text, flags=re.S)
    assert head is not None
    assert "<button" not in head[0]


def test_what_others_wrote_is_escaped(text: str) -> None:
    assert "<script>alert(1)</script>" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert text.count("</script>") == 2


def test_limit_of_rows_keeps_all_baselines(study: SimpleNamespace) -> None:
    text = build(load(study, study.document), rows=10)
    rows = re.findall(r'<tr id="trial-\w+"( class="baseline")?', text)
    assert len([row for row in rows if not row]) == 10
    assert rows.count(' class="baseline"') == 14
    assert "10 of 22 ranked trials" in text


def test_same_input_same_bytes(text: str, study: SimpleNamespace) -> None:
    assert build(load(study, study.document, study.benchmarks)) == text


def test_failed_trials_are_listed_with_their_reason(text: str) -> None:
    assert "2 trial(s) without a complete result" in text
    assert "k = -0.1: must be above 0." in text


def test_a_study_that_only_has_its_plan_is_a_page_too(study: SimpleNamespace) -> None:
    text = build(load(SimpleNamespace(), study.document))
    assert "No trial has a complete result" in text
    assert "Not there yet: trial table, leaderboard, equity" in text


@pytest.mark.parametrize(
    "name",
    [
        "trials",
        "leaderboard",
        "paths",
        "locked",
        "locked_equity",
        "equity",
        "daily",
        "scores",
        "calibration",
        "reveal",
        "quality",
        "meta",
        "provenance",
        "top",
    ],
)
def test_any_part_may_be_missing(study: SimpleNamespace, name: str) -> None:
    part = SimpleNamespace(**{key: value for key, value in vars(study).items() if key != name})
    assert "</html>" in build(load(part, study.document))


def test_paths_that_do_not_exist_count_as_missing(study: SimpleNamespace) -> None:
    part = SimpleNamespace(
        **{**vars(study), "locked": "/nowhere.parquet", "equity": ["/no.parquet"]}
    )
    found = load(part, study.document)
    assert {"locked test", "equity"} <= set(found.missing)


def test_replicates_short_spans_and_losses_read_right(tmp_path) -> None:  # type: ignore[no-untyped-def]
    inputs = build_study(tmp_path, days=12, replicates=2, fail=0)
    found = load(inputs, inputs.document)
    assert found.trials is not None
    found.trials["pnl_1k"] -= 100.0 * (found.trials["baseline"] == "")
    text = build(found)
    assert "loses" in text
    assert "No setting made money on validation." in text
    assert "only 12 days; 30 are needed" in text
    assert "Not available, because only 12 days are shared" in text
    assert "over 2 seeds" in text
    assert "Baselines of the same market that did better" in text


def test_latecomers_are_marked(study: SimpleNamespace) -> None:
    found = load(study, study.document)
    assert found.reveal is not None
    found.reveal["contaminated"] = [found.shown[0]["id"]]
    text = build(found)
    assert "Contaminated: this trial came after" in text
    assert "1 trial(s) entered the study after the locked test" in text
    assert text.count(">contaminated</span>") == 1


def test_calibration_and_scores_are_those_of_the_best_trial(study: SimpleNamespace) -> None:
    found = load(study, study.document)
    assert found.best is not None
    run = found.best["runs"][0]
    assert isinstance(found.calibration, pd.DataFrame)
    assert set(found.calibration["quote_id"]) == {run["quote"]}
    assert isinstance(found.scores, pd.DataFrame)
    assert run["model"] in set(found.scores["model_id"])
