"""Chart data: thinning, waterfall, quotes."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from ethpredict.report import load
from ethpredict.report.series import (
    bucketed,
    inventory_chart,
    payload,
    plain,
    quote_charts,
    waterfall,
)


def test_thinning_keeps_the_extremes() -> None:
    y = np.random.default_rng(0).normal(size=10_001)
    found = bucketed(np.arange(10_001) * 10**9, y, points=100)
    assert len(found["x"]) == len(found["y"]) <= 100
    assert max(found["high"]) == pytest.approx(y.max(), rel=1e-5)
    assert min(found["low"]) == pytest.approx(y.min(), rel=1e-5)
    assert found["x"][1] - found["x"][0] == 101


def test_short_and_empty_series_stay_as_they_are() -> None:
    assert bucketed([0, 10**9], [1.0, 2.0])["y"] == [1.0, 2.0]
    assert bucketed([], [])["x"] == []


def test_missing_values_are_null() -> None:
    assert plain([1.23456789, np.nan, -np.inf]) == [1.23457, None, None]


def test_waterfall_ends_at_the_total() -> None:
    row = {"pnl_spread": 10.0, "pnl_fees": -4.0, "pnl_gas": 0.0, "pnl_bribe": None, "pnl": 6.0}
    bars = waterfall(row)
    assert [bar["name"] for bar in bars] == ["spread captured", "fees and rebates", "net P&L"]
    assert bars[-2]["to"] == bars[-1]["to"] == 6.0
    assert waterfall(None) == []


def test_quotes_are_measured_from_the_mid_they_were_set_on(study: SimpleNamespace) -> None:
    found = load(study, study.document)
    assert found.paths is not None
    distances, closeup = quote_charts(found)
    assert [line["name"] for line in distances] == ["bid distance", "ask distance"]
    rows = found.paths
    expected = 1e4 * (rows["ask"] / rows["reference"] - 1)
    assert max(v for v in distances[1]["high"] if v is not None) == pytest.approx(
        expected.max(), rel=1e-4
    )
    assert {line["name"] for line in closeup} == {"mid", "bid", "ask", "bought", "sold"}
    assert all(len(line["x"]) == 96 for line in closeup)


def test_a_pool_has_no_quotes_to_draw(study: SimpleNamespace) -> None:
    found = load(study, study.document)
    assert found.paths is not None
    found.paths[["bid", "ask"]] = np.nan
    distances, closeup = quote_charts(found)
    assert distances == []
    assert "bid" not in {line["name"] for line in closeup}
    found.paths = None
    assert (quote_charts(found), inventory_chart(found)) == (([], []), [])


def test_locked_curves_show_the_choice_and_baselines_only(study: SimpleNamespace) -> None:
    found = load(study, study.document)
    charts = payload(found)
    assert len([line for line in charts["chart-equity"] if not line["baseline"]]) == 5
    chosen = [line["name"] for line in charts["chart-locked"] if not line["baseline"]]
    assert found.best is not None
    assert chosen == [found.best["name"]]
    assert max(max(line["y"]) for line in charts["chart-drawdown"]) <= 0
