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
from ethpredict.report.headline import headline, luck
from tests.unit.report.study_fixture import build_study, trials

OPTIONAL = (
    *("trials", "leaderboard", "top", "paths", "locked", "locked_equity", "equity", "daily"),
    *("scores", "calibration", "quotes", "reveal", "quality", "meta", "provenance"),
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


def test_markouts_that_are_known_are_shown(text: str) -> None:
    assert "Markout after 1 s (bps)" in text
    assert "Markout after 5 min (bps)" not in text  # no trial has one


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
    assert f"Deflated Sharpe ratio {best['dsr_venue']:.2f} over 30 trials" in text
    assert f"All venues and markets pooled: {best['dsr']:.2f} and" in text


def test_without_the_signal_means_the_same_gamma(study: SimpleNamespace) -> None:
    found = load(study, study.document)
    assert found.best is not None
    (partner,) = [trial for trial in found.baselines if trial["baseline"] == "no_signal"]
    assert partner["settings"]["quoting.gamma"] == found.best["settings"]["quoting.gamma"]
    (card,) = [item for item in headline(found)["cards"] if item.label == "Without the signal"]
    assert f"USD a day for {partner['name']}, at equal settings" in card.note
    study.document["trials"] = [
        trial for trial in study.document["trials"] if trial["id"] != partner["id"]
    ]
    try:
        kinds = [trial["baseline"] for trial in load(study, study.document).baselines]
    finally:
        study.document["trials"] = trials()
    assert kinds == ["fixed_spread", "hold", "do_nothing"]


@pytest.mark.parametrize(
    ("ratio", "overfit", "word"),
    [
        (0.97, 0.1, "Unlikely"),
        (0.97, math.nan, "Unlikely"),
        (0.97, 0.6, "Perhaps"),
        (0.7, 0.1, "Perhaps"),
        (0.7, 0.6, "Quite possibly"),
        (0.2, 0.0, "Perhaps"),
        (0.2, 0.6, "Quite possibly"),
        (math.nan, 0.1, "Not known"),
    ],
)
def test_verdict_on_luck(study: SimpleNamespace, ratio: float, overfit: float, word: str) -> None:
    found = load(study, study.document)
    assert found.leaderboard is not None
    found.leaderboard["pbo"]["value"] = overfit
    card = luck(found, {"dsr_venue": ratio, "n_days": 60, "pnl_1k": 1.0})
    assert card.value == word
    if word != "Not known":
        assert luck(found, {"dsr_venue": ratio, "n_days": 60, "pnl_1k": -1.0}).value == "No gain"


@pytest.mark.parametrize(("pooled", "chance"), [(0.01, 0.0), (0.01, 0.9), (0.99, 0.9)])
def test_pooled_figures_stand_beside_and_do_not_judge(
    study: SimpleNamespace, pooled: float, chance: float
) -> None:
    found = load(study, study.document)
    assert found.leaderboard is not None
    found.leaderboard["pbo"]["value"] = 0.05
    found.leaderboard["pbo_pooled"]["value"] = chance
    card = luck(found, {"dsr_venue": 0.97, "dsr": pooled, "n_days": 60, "pnl_1k": 1.0})
    assert card.value == "Unlikely"
    assert f"pooled: {pooled:.2f} and {chance:.1%}" in card.note
    found.leaderboard["n_markets"] = 1
    assert "pooled" not in luck(found, {"dsr_venue": 0.97, "n_days": 60, "pnl_1k": 1.0}).note


def test_metrics_of_other_versions_are_shown_where_there_are_any(study: SimpleNamespace) -> None:
    heads = ("Funds posted, mean (USD)", "Decisions at the constant base fee")
    found = load(study, study.document)
    assert not any(head in build(found) for head in heads)
    assert found.trials is not None
    found.trials["posted_funds"] = 61_234.0
    found.trials["share_constant_base_fee"] = 0.25
    text = build(found)
    assert all(head in text for head in heads)
    assert "61,234" in text
    assert "25.0%" in text


def test_what_is_not_modelled_is_said(text: str) -> None:
    limits = text[text.index('id="methods"') :]
    assert "Where the data has funding rates" in limits


def test_only_the_choice_and_its_baselines_show_a_locked_result(
    text: str, study: SimpleNamespace
) -> None:
    found = load(study, study.document)
    assert found.best is not None
    rows = re.findall(r'<tr id="trial-(\w+)".*?</tr>', text, flags=re.S)
    cells = dict(zip(rows, re.findall(r'<td class="num locked">(.*?)</td>', text), strict=True))
    shown = {key for key, value in cells.items() if value}
    assert shown == {found.best["id"], *(trial["id"] for trial in found.baselines)}
    assert len(shown) == 5
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
    assert rows.count(' class="baseline"') == 22
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
        "quotes",
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
    assert "Baselines at equal settings that did better" in text


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
