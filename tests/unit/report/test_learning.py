"""Learning curves: what is drawn, what is counted, where there is nothing."""

from __future__ import annotations

import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from ethpredict.report import build, load
from ethpredict.report.artefacts import Artefacts
from ethpredict.report.learning import learning_part

LOSSES = {
    # level, algo -> inner validation loss of two windows; the best epochs are 3 and 2, and 1 and 4
    (0, "lstm"): ([1.0, 0.98, 0.96, 0.97], [1.1, 1.02, 1.04]),
    (2, "gru"): ([0.60, 0.66], [0.69, 0.68, 0.67, 0.66, 0.7]),
}


def with_curves(found: Artefacts) -> Artefacts:
    """The study with nets in the best trial, and others in a trial that has no charts."""
    assert found.best is not None
    rows = [
        (model, window, level, algo, epoch, 1.0 / epoch, loss)
        for model in (found.best["runs"][0]["model"], "somebody else")
        for (level, algo), windows in LOSSES.items()
        for window, losses in enumerate(windows)
        for epoch, loss in enumerate(losses, start=1)
    ]
    names = ["model_id", "window", "level", "algo", "epoch", "train", "check"]
    return replace(found, curves=pd.DataFrame(rows, columns=names))


def test_curves_of_the_last_window_with_their_best_epoch(study: SimpleNamespace) -> None:
    part = learning_part(with_curves(load(study, study.document)))
    assert part is not None
    assert part["window"] == 1
    lstm, gru = part["charts"]
    assert [one["id"] for one in part["charts"]] == [
        "chart-learning-0-lstm",
        "chart-learning-2-gru",
    ]
    training, check = lstm["lines"]
    assert check["x"] == training["x"] == [1, 2, 3]
    assert check["y"] == [1.1, 1.02, 1.04]
    assert training["y"] == pytest.approx([1.0, 0.5, 1 / 3], rel=1e-5)
    assert (check["mark"], gru["lines"][1]["mark"]) == (2, 4)
    assert "mark" not in training
    assert "squared" in lstm["unit"]
    assert "log-loss" in gru["unit"]


def test_the_table_pools_all_windows(study: SimpleNamespace) -> None:
    part = learning_part(with_curves(load(study, study.document)))
    assert part is not None
    grid = part["table"]
    heads = [head.text for head in grid.heads]
    lstm = dict(zip(heads, grid.rows[0], strict=True))
    assert len({row[:2] for row in grid.rows}) == len(grid.rows)
    assert lstm["Level"] == "0, lstm"
    assert lstm["Windows"] == "2"
    assert lstm["Best epoch"] == "2.5 (2 to 3)"
    assert lstm["Inner validation"] == f"{np.mean([0.96, 1.02]):.4f}"
    assert lstm["Training loss"] == f"{np.mean([1 / 3, 1 / 2]):.4f}"
    assert lstm["At the first epoch"] == f"{np.mean([1.0, 1.1]):.4f}"


def test_the_page_draws_them_over_epochs_and_only_where_there_are_nets(
    study: SimpleNamespace,
) -> None:
    found = load(study, study.document)
    assert learning_part(found) is None
    assert "Learning curves" not in build(found)
    page = build(with_curves(found))
    figure = re.search(r'<figure class="chart" id="chart-learning-0-lstm"[^>]*>', page)
    assert figure is not None
    assert 'data-counts="epoch"' in figure.group()
    assert '"chart-learning-2-gru":[{' in page
