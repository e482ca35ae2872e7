"""Means by axis value."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from ethpredict.stats import axis_effects


def board(**columns: list) -> pd.DataFrame:  # type: ignore[type-arg]
    n = len(columns["pnl_1k"])
    frame = pd.DataFrame({"baseline": [""] * n, "status": ["ok"] * n})
    return frame.assign(**columns)


def test_means_errors_and_counts() -> None:
    table = board(pnl_1k=[1.0, 3.0, 10.0, 99.0], **{"axis:a.b": ["x", "x", "y", "x"]})
    table.loc[3, "baseline"] = "hold"
    (effect,) = axis_effects(table)
    assert effect["key"] == "a.b"
    first, second = effect["levels"]
    assert (first["value"], first["n"], first["mean"], first["best"]) == ("x", 2, 2.0, 3.0)
    assert first["error"] == pytest.approx(1.0)
    assert math.isnan(second["error"])


def test_numbers_come_in_numeric_order_and_where_an_axis_does_not_apply_counts_nowhere() -> None:
    table = board(pnl_1k=[1.0, 2.0, 3.0, 4.0], **{"axis:g": [10.0, 2.0, np.nan, 0.5]})
    assert [level["value"] for level in axis_effects(table)[0]["levels"]] == ["0.5", "2", "10"]


def test_long_axes_are_binned() -> None:
    values = np.linspace(0, 1, 40)
    table = board(pnl_1k=list(values), **{"axis:g": list(values)})
    levels = axis_effects(table)[0]["levels"]
    assert [level["n"] for level in levels] == [8] * 5
    assert all(a["mean"] < b["mean"] for a, b in pairwise(levels))


def test_gain_is_the_mean_difference_to_the_baselines_at_equal_settings() -> None:
    columns = {"axis:g": ["x", "x", "y"], "vs_no_signal": [0.5, 1.5, np.nan]}
    first, second = axis_effects(board(pnl_1k=[1.0, 2.0, 3.0], **columns))[0]["levels"]
    assert first["gain"] == 1.0
    assert math.isnan(second["gain"])
