"""The page of settings is in step with the schema and leaves none out."""

from __future__ import annotations

from pathlib import Path

import pytest

from ethpredict.config import document
from ethpredict.config.schema import leaves


@pytest.fixture(scope="module")
def page() -> str:
    return document.reference()


def test_docs_in_step(root: Path, page: str) -> None:
    written = (root / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert written == page, "out of step with config/schema.yaml: run `make docs`"


def test_every_setting_has_one_row(page: str) -> None:
    rows = [line.split("`")[1] for line in page.splitlines() if line.startswith("| `")]
    assert sorted(rows) == sorted(leaves())


def test_rows_are_whole(page: str) -> None:
    for line in page.splitlines():
        if line.startswith("|"):
            assert line.replace("\\|", "").count("|") == 6, line


def test_row_says_unit_condition_and_default(page: str) -> None:
    (row,) = [line for line in page.splitlines() if line.startswith("| `quoting.gamma`")]
    leaf = leaves()["quoting.gamma"]
    assert f"`{leaf.default}`" in row
    assert leaf.legal in row
    assert "Unit: 1/USD." in row
    assert "Only with `quoting.strategy` glft_exact or glft or avellaneda_stoikov." in row
    assert "| simulate |" in row


def test_row_says_when_a_setting_does_not_count(page: str) -> None:
    (row,) = [line for line in page.splitlines() if line.startswith("| `sim.latency_ms`")]
    assert "Not with `sim.venue` lob or hybrid and `quoting.strategy` hold. |" in row


def test_setting_without_axis_is_marked(page: str) -> None:
    (row,) = [line for line in page.splitlines() if line.startswith("| `data.files.candles`")]
    assert "*No axis.*" in row
