"""The report in a real browser: rows, sorting, filters, charts, and silence on the console."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ethpredict.report import build, load
from tests.unit.report.study_fixture import build_study

QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--window-size=1280,900",
]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("browser")
    inputs = build_study(folder)
    path = folder / "index.html"
    path.write_text(build(load(inputs, inputs.document, inputs.benchmarks)), encoding="utf-8")
    return path


def dump(page: Path, fragment: str, profile: Path) -> tuple[str, str]:
    """DOM after the page's script ran, and the browser's log."""
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("needs chromium on PATH")
    command = [
        browser,
        *QUIET,
        f"--user-data-dir={profile}",
        "--dump-dom",
        f"file://{page}{fragment}",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, done.stderr


def names(dom: str, hidden: bool = False) -> list[str]:
    """Names of the leaderboard's visible rows, top to bottom."""
    rows = re.findall(r'<tr id="trial-\w+"([^>]*)>.*?class="sticky">(t\d+)', dom, flags=re.S)
    return [name for attributes, name in rows if ("hidden" in attributes) == hidden]


def objective(dom: str) -> list[float]:
    """Net P&L of the visible rows, top to bottom."""
    rows = re.findall(
        r'<tr id="trial-\w+"([^>]*)>.*?num main" data-sort="([^"]*)"', dom, flags=re.S
    )
    return [float(value) for attributes, value in rows if "hidden" not in attributes]


def test_page_runs_without_a_word_on_the_console(page: Path, tmp_path: Path) -> None:
    dom, log = dump(page, "", tmp_path)
    assert "CONSOLE" not in log
    assert 'data-ready="true"' in dom
    assert len(names(dom)) == 22 + 22
    assert "44 of 44 rows shown" in dom
    figures = re.findall(r'<figure class="chart".*?</figure>', dom, flags=re.S)
    assert len(figures) == 16
    assert all('role="img"' in figure for figure in figures)
    assert "NaN" not in "".join(figures)
    assert "6 Jan 2025" in dom


def test_view_in_the_address_sorts_and_filters(page: Path, tmp_path: Path) -> None:
    dom, log = dump(page, "#view?sort=pnl_1k:ascending&text=ridge&baselines=0", tmp_path)
    assert "CONSOLE" not in log
    values = objective(dom)
    assert len(values) == 11  # 12 ridge trials, one of which failed
    assert values == sorted(values)
    assert re.search(r'data-key="pnl_1k"[^>]*aria-sort="ascending"', dom)
    assert "11 of 44 rows shown" in dom


def test_locked_results_cannot_be_sorted_or_searched(page: Path, tmp_path: Path) -> None:
    text = page.read_text(encoding="utf-8")
    locked = re.search(r'<td class="num locked">([^<]+)</td>', text)
    assert locked is not None
    dom, _ = dump(page, f"#view?sort=_locked:ascending&text={locked[1]}", tmp_path)
    assert "0 of 44 rows shown" in dom
    assert names(dom, hidden=True) == names(text)
