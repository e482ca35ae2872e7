"""The trial table: ranks, replicates, failures, baselines, luck."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from ethpredict.errors import ConfigError
from ethpredict.stats import deflated_sharpe, pbo, summarise
from ethpredict.stats.runs import daily_matrix, run_table

KEY = "quoting.gamma"


def trial(
    name: str, gamma: float, baseline: str = "", replicates: int = 2, venue: str = "lob"
) -> dict[str, Any]:
    runs = [
        {"id": f"{name}{r}", "replicate": r, "model": f"m{r}", "quote": "q", "bars": "b"}
        for r in range(replicates)
    ]
    settings = {
        KEY: gamma,
        "sim.venue": venue,
        "model.level0.algo": "zero" if baseline else "ridge",
    }
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


def daily(
    runs: list[str], days: int, seed: int = 0, means: list[float] | None = None
) -> pd.DataFrame:
    tables = []
    for index, run in enumerate(runs):
        mean = 0.001 * index if means is None else means[index]
        x = np.random.default_rng([seed, index]).normal(mean, 0.01, size=days)
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


def test_of_a_run_that_two_packs_hold_the_later_counts_with_its_days() -> None:
    bad, good = metrics({"c1": None}), metrics({"c1": 2.0})
    rest = metrics({key: value for key, value in GOOD.items() if key != "c1"})
    found = summarise(PLAN, [rest, bad, good]).trials.set_index("trial_id")
    assert found.loc["c", ["status", "pnl_1k"]].tolist() == ["ok", 5.5]
    found = summarise(PLAN, [good, rest, bad]).trials.set_index("trial_id")
    assert found.loc["c", ["status", "pnl_1k"]].tolist() == ["partial", 9.0]
    runs = run_table(PLAN)
    old, new = daily(["a0"], 30), daily(["a0"], 20, seed=1)
    assert daily_matrix(runs, [old, new])["a0"].tolist() == new["per_capital"].tolist()


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


def test_deflation_is_per_day_and_with_the_whole_kurtosis() -> None:
    """The definition from the days themselves; fails on annual ratios and on excess kurtosis."""
    plan = [trial(name, 0.1, replicates=1) for name in "abc"]
    runs = [f"{name}0" for name in "abc"]
    days = daily(runs, 60, means=[0.001, 0.0015, 0.002])
    days["per_capital"] *= 1 + 3 * (days["day"] % 20 == 0)  # fat tails
    values: dict[str, float | None] = dict.fromkeys(runs, 1.0)
    table = summarise(plan, [metrics(values)], daily=[days], n_trials_ever=20).trials
    wide = days.pivot(index="day", columns="run_id", values="per_capital")[runs]

    def deflated(year: float, excess: bool) -> list[float]:
        ratios = wide.mean() / wide.std(ddof=1) * year**0.5
        normal = scipy.stats.norm
        spread = (1 - np.euler_gamma) * normal.ppf(1 - 1 / 20)
        spread += np.euler_gamma * normal.ppf(1 - 1 / (20 * math.e))
        luck = ratios.std(ddof=1) * spread
        skew, fat = scipy.stats.skew(wide), scipy.stats.kurtosis(wide, fisher=excess)
        scale = (59 / (1 - skew * ratios + (fat - 1) / 4 * ratios**2)) ** 0.5
        return normal.cdf((ratios - luck) * scale).tolist()

    found = table.set_index("trial_id").loc[list("abc"), "dsr"].tolist()
    assert found == pytest.approx(deflated(1, excess=False), abs=1e-12)
    for wrong in (deflated(365, excess=False), deflated(1, excess=True)):
        assert all(abs(a - b) > 1e-4 for a, b in zip(found, wrong, strict=True))


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
    # b and c have another gamma: a baseline at other settings is none.
    assert found.loc[["b", "c"], "no_signal_trial"].tolist() == ["", ""]
    assert found.loc[["b", "c"], "vs_no_signal"].isna().all()


GOOD_VENUE = [trial(f"g{i}", 0.1 * i, venue="lob", replicates=1) for i in range(6)]
BAD_VENUE = [trial(f"v{i}", 0.1 * i, venue="amm", replicates=1) for i in range(6)]


def two_venues(edge: float, gap: float) -> dict[str, Any]:
    """Leaderboard of a study whose second venue loses by `gap`; `edge` is the first one's mean."""
    plan = [*GOOD_VENUE, *BAD_VENUE]
    runs = [item["runs"][0]["id"] for item in plan]
    means = [edge] * 6 + [edge - gap] * 6
    days = daily(runs, 60, seed=4, means=means)
    mean = days.groupby("run_id")["per_capital"].mean()
    values: dict[str, float | None] = {run: 1000 * mean[run] for run in runs}
    return summarise(plan, [metrics(values)], daily=[days]).leaderboard


def test_a_venue_that_loses_throughout_does_not_enter_the_judgement() -> None:
    near, far = two_venues(0.004, 0.01), two_venues(0.004, 0.1)
    for found in (near, far):
        assert found["best"]["trial_id"].startswith("g")
        assert (found["pbo"]["trials"], found["pbo_pooled"]["trials"]) == (6, 12)
        assert found["n_markets"] == 2
    assert near["pbo"] == far["pbo"]
    assert near["best"]["dsr_venue"] == far["best"]["dsr_venue"] > 0.9
    assert far["best"]["dsr"] < 0.01  # the gap between the venues counts as luck
    # All of the worthless venue's trials lie below the median: pooling flatters the choice.
    assert far["pbo"]["value"] > 0.2 > far["pbo_pooled"]["value"]


def test_variance_within_the_venue_is_that_of_its_trials_and_n_is_all_trials() -> None:
    plan = [*GOOD_VENUE, *BAD_VENUE]
    runs = [item["runs"][0]["id"] for item in plan]
    days = daily(runs, 60, seed=4)
    values: dict[str, float | None] = dict.fromkeys(runs, 1.0)
    found = summarise(plan, [metrics(values)], daily=[days], n_trials_ever=40)
    table = found.trials.set_index("trial_id")
    for members in (GOOD_VENUE, BAD_VENUE):
        ids = [item["id"] for item in members]
        variance = table.loc[ids, "sharpe_daily"].var(ddof=1)
        assert table.loc[ids, "sharpe_variance_venue"].tolist() == pytest.approx([variance] * 6)
        row = table.loc[ids[2]]
        assert row["dsr_venue"] == pytest.approx(
            deflated_sharpe(row["sharpe_daily"], 60, row["skew"], row["kurtosis"], 40, variance)
        )
        assert row["dsr_venue"] != pytest.approx(row["dsr"], rel=1e-3)


def test_one_venue_is_the_pool_and_a_lone_trial_there_has_no_variance() -> None:
    values: dict[str, float | None] = dict.fromkeys(GOOD, 1.0)
    found = summarise(PLAN, [metrics(values)], daily=[daily(list(GOOD), 60)])
    assert found.leaderboard["pbo"] == found.leaderboard["pbo_pooled"]
    assert found.leaderboard["best"]["dsr_venue"] == found.leaderboard["best"]["dsr"]
    lone = [*GOOD_VENUE, BAD_VENUE[0]]
    runs = [item["runs"][0]["id"] for item in lone]
    scattered = summarise(
        lone, [metrics(dict.fromkeys(runs, 1.0))], daily=[daily(runs, 60)]
    ).trials.set_index("trial_id")
    assert math.isnan(scattered.loc["v0", "dsr_venue"])
    assert math.isfinite(scattered.loc["v0", "dsr"])


def test_overfitting_is_judged_by_the_mean_that_the_search_maximises() -> None:
    days = daily(list(GOOD), 60)
    days["per_capital"] *= days["run_id"].map({"a0": 1, "a1": 1, "b0": 30, "b1": 30}).fillna(5)
    values: dict[str, float | None] = dict.fromkeys(GOOD, 1.0)
    board = summarise(PLAN, [metrics(values)], daily=[days]).leaderboard
    wide = days.pivot(index="day", columns="run_id", values="per_capital")
    x = np.column_stack([wide[[f"{name}0", f"{name}1"]].mean(axis=1) for name in "abc"])
    assert board["pbo"]["value"] == pbo(x, 12, "mean") != pbo(x, 12, "sharpe")


def test_model_scores_are_pooled_over_walk_forward_folds() -> None:
    rows = [
        (model, "walk_forward", fold, metric, value)
        for model, fold, values in [
            ("m0", 0, {"ic": 0.1, "n_rows": 100, "weight": 50, "sse": 1.0, "sse_zero": 2.0}),
            ("m0", 1, {"ic": 0.4, "n_rows": 300, "weight": 30, "sse": 4.0, "sse_zero": 4.0}),
            ("m1", 0, {"ic": 0.4, "n_rows": 10, "weight": 10, "sse": 3.0, "sse_zero": 2.0}),
        ]
        for metric, value in values.items()
    ]
    rows += [
        ("m1", "purged_kfold", 0, "ic", 9.0),
        ("m1", "walk_forward", 0, "baseline_zero_rmse", 9.0),
        ("m1", "walk_forward", 0, "r2", 9.0),
        ("m0", "walk_forward_interval", -1, "ic_low", -0.1),
        ("m1", "walk_forward_interval", -1, "ic_low", 0.2),
        ("m1", "walk_forward_interval", -1, "ic_high", 0.5),
    ]
    scores = pd.DataFrame(rows, columns=["model_id", "scheme", "fold", "metric", "value"])
    found = summarise(PLAN, [metrics(GOOD)], [scores]).trials.set_index("trial_id")
    assert found.loc["a", "ic"] == pytest.approx(((0.1 * 100 + 0.4 * 300) / 400 + 0.4) / 2)
    assert found.loc["a", "r2"] == pytest.approx(((1 - 5 / 6) + (1 - 3 / 2)) / 2)
    assert found.loc["a", "rmse"] == pytest.approx(((5 / 80) ** 0.5 + 0.3**0.5) / 2)
    assert math.isnan(found.loc["a", "hit_rate"])
    assert found.loc["a", "ic_low"] == pytest.approx(0.05)
    assert found.loc["a", "ic_high"] == 0.5


def test_order_of_packs_changes_nothing() -> None:
    whole = metrics(GOOD)
    parts = [whole.iloc[4:], whole.iloc[:4]]
    pd.testing.assert_frame_equal(summarise(PLAN, [whole]).trials, summarise(PLAN, parts).trials)
