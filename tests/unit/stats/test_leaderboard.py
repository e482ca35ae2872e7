"""The trial table: ranks, replicates, failures, baselines, luck."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ethpredict.errors import ConfigError
from ethpredict.stats import summarise

KEY = "quoting.gamma"


def trial(name: str, gamma: float, baseline: str = "", replicates: int = 2) -> dict[str, Any]:
    runs = [
        {"id": f"{name}{r}", "replicate": r, "model": f"m{r}", "quote": "q", "bars": "b"}
        for r in range(replicates)
    ]
    settings = {KEY: gamma, "model.level0.algo": "zero" if baseline else "ridge"}
    return {
        "id": name,
        "name": f"t{name}",
        "baseline": baseline,
        "settings": settings,
        "runs": runs,
    }


def metrics(values: dict[str, float | None]) -> pd.DataFrame:
    rows = [
        {
            "run_id": run,
            "status": "ok" if value is not None else "failed",
            "error": "" if value is not None else "k below 0",
            "pnl_1k": math.nan if value is None else value,
            "n_fills": 10.0,
        }
        for run, value in values.items()
    ]
    return pd.DataFrame(rows)


def daily(runs: list[str], days: int, seed: int = 0) -> pd.DataFrame:
    tables = []
    for index, run in enumerate(runs):
        x = np.random.default_rng([seed, index]).normal(0.001 * index, 0.01, size=days)
        day = np.arange(days, dtype=np.int32) + 20_000
        tables.append(pd.DataFrame({"run_id": run, "day": day, "pnl": x, "per_capital": x}))
    return pd.concat(tables)


PLAN = [trial("a", 0.1), trial("b", 0.2), trial("c", 0.3), trial("n", 0.1, "no_signal", 1)]
GOOD = {"a0": 1.0, "a1": 3.0, "b0": 5.0, "b1": 5.5, "c0": 9.0, "c1": None, "n0": 50.0}


def table(values: dict[str, float | None] = GOOD, **extra: Any) -> pd.DataFrame:
    found = summarise(PLAN, [metrics(values)], axes=[{"key": KEY}], **extra)
    return found.trials.set_index("trial_id")


def test_mean_and_error_over_replicates() -> None:
    found = table()
    assert found.loc["a", "pnl_1k"] == 2.0
    assert found.loc["a", "pnl_1k_se"] == pytest.approx(1.0)  # sd sqrt(2) / sqrt(2)
    assert math.isnan(found.loc["n", "pnl_1k_se"])
    assert found.loc["a", f"axis:{KEY}"] == 0.1
    assert found.index.is_monotonic_increasing


def test_neither_baselines_nor_survivors_of_failures_are_ranked() -> None:
    found = table()
    assert found["rank"].dropna().to_dict() == {"a": 2, "b": 1}
    assert found.loc["c", "status"] == "partial"
    assert found.loc["c", "error"] == "k below 0"
    summary = summarise(PLAN, [metrics(GOOD)], top=5)
    assert summary.top == ["b", "a"]
    assert [row["name"] for row in summary.leaderboard["failed"]] == ["tc"]
    assert summary.leaderboard["baselines"][0]["baseline"] == "no_signal"


def test_failed_and_missing_trials_say_why() -> None:
    found = table({"a0": None, "a1": None, "b0": 1.0, "b1": 1.0})
    assert found.loc["a", ["status", "error"]].tolist() == ["failed", "k below 0"]
    assert found.loc["c", ["status", "error"]].tolist() == ["missing", "not simulated yet"]


def test_a_good_retry_replaces_a_failure_in_any_order() -> None:
    bad, good = metrics({"c1": None}), metrics({"c1": 2.0})
    rest = metrics({key: value for key, value in GOOD.items() if key != "c1"})
    for order in ([rest, bad, good], [good, bad, rest]):
        found = summarise(PLAN, order).trials.set_index("trial_id")
        assert found.loc["c", "status"] == "ok"
        assert found.loc["c", "pnl_1k"] == 5.5


def test_ties_go_to_the_lower_id() -> None:
    found = table(dict.fromkeys(GOOD, 1.0))
    assert found["rank"].tolist()[:3] == [1, 2, 3]


def test_nothing_simulated_yet_is_no_error() -> None:
    found = summarise(PLAN, [])
    assert found.top == []
    assert found.leaderboard["best"] is None
    assert set(found.trials["status"]) == {"missing"}


def test_unknown_objective_empty_plan_and_top_are_refused() -> None:
    with pytest.raises(ConfigError, match="objective"):
        summarise(PLAN, [metrics(GOOD)], objective="profit")
    with pytest.raises(ConfigError, match="trials"):
        summarise([], [])
    with pytest.raises(ConfigError, match=r"sweep\.top"):
        summarise(PLAN, [], top=0)


def test_short_spans_have_no_deflated_sharpe_and_say_why() -> None:
    values: dict[str, float | None] = dict.fromkeys(GOOD, 1.0)
    found = summarise(PLAN, [metrics(values)], daily=[daily(list(GOOD), 29)])
    assert found.trials["dsr"].isna().all()
    assert "only 29 days" in found.leaderboard["pbo"]["reason"]
    assert math.isnan(found.leaderboard["pbo"]["value"])


def test_long_spans_have_both_and_count_every_trial() -> None:
    values: dict[str, float | None] = dict.fromkeys(GOOD, 1.0)
    few = summarise(PLAN, [metrics(values)], daily=[daily(list(GOOD), 60)])
    many = summarise(PLAN, [metrics(values)], daily=[daily(list(GOOD), 60)], n_trials_ever=500)
    first, second = (item.trials.set_index("trial_id")["dsr"] for item in (few, many))
    assert first[["a", "b", "c"]].notna().all()
    assert math.isnan(first["n"])
    assert (second[["a", "b", "c"]] < first[["a", "b", "c"]]).all()
    assert few.leaderboard["n_trials_ever"] == 3  # baselines are no trials of the search
    assert many.leaderboard["n_trials_ever"] == 500
    assert 0 <= few.leaderboard["pbo"]["value"] <= 1
    assert few.leaderboard["pbo"]["blocks"] == 12


def test_comparison_with_the_baseline_is_paired_by_day() -> None:
    days = daily(list(GOOD), 40)
    values: dict[str, float | None] = dict.fromkeys(GOOD, 1.0)
    found = summarise(PLAN, [metrics(values)], daily=[days]).trials.set_index("trial_id")
    wide = days.pivot(index="day", columns="run_id", values="per_capital")
    gap = 1000 * (wide[["a0", "a1"]].mean(axis=1) - wide["n0"]).mean()
    assert found.loc["a", "vs_no_signal"] == pytest.approx(gap)
    assert found.loc["a", "no_signal_trial"] == "n"
    assert math.isnan(found.loc["n", "vs_no_signal"])
    assert math.isnan(found.loc["a", "vs_do_nothing"])


def test_model_scores_are_walk_forward_means() -> None:
    rows = [
        ("m0", "walk_forward", 0, "ic", 0.1),
        ("m0", "walk_forward", 1, "ic", 0.3),
        ("m1", "walk_forward", 0, "ic", 0.4),
        ("m1", "purged_kfold", 0, "ic", 9.0),
        ("m1", "walk_forward", 0, "baseline_zero_rmse", 9.0),
    ]
    scores = pd.DataFrame(rows, columns=["model_id", "scheme", "fold", "metric", "value"])
    found = summarise(PLAN, [metrics(GOOD)], [scores]).trials.set_index("trial_id")
    assert found.loc["a", "ic"] == pytest.approx((0.2 + 0.4) / 2)
    assert math.isnan(found.loc["a", "rmse"])


def test_order_of_packs_changes_nothing() -> None:
    whole = metrics(GOOD)
    parts = [whole.iloc[4:], whole.iloc[:4]]
    pd.testing.assert_frame_equal(summarise(PLAN, [whole]).trials, summarise(PLAN, parts).trials)
