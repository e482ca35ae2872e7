"""With and without the signal: paired by setting, averaged by day, errors over days."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from ethpredict.stats.signal import signal_gains


def trial(name: str, alpha: str, baseline: str = "", **more: str) -> dict[str, object]:
    settings = {"quoting.strategy": "glft", "sim.venue": "lob", "sim.fidelity": "bars"}
    return {
        "id": name,
        "baseline": baseline,
        "settings": settings | {"quoting.alpha": alpha} | more,
    }


TRIALS = [
    trial("a", "drift"),
    trial("b", "drift"),
    trial("s", "shift"),
    trial("o", "off"),
    trial("f", "drift"),
    trial("n", "off", "no_signal"),
    trial("m", "off", "no_signal"),
]


def table(days: pd.DataFrame) -> pd.DataFrame:
    partner = {"a": "n", "b": "m", "s": "n", "o": "n", "f": "n", "n": "n", "m": "m"}
    rows = []
    for name, other in partner.items():
        gap = 1000 * (days[name] - days[other])
        rows.append((name, "ok" if name != "f" else "failed", other, gap.mean(), 0.5))
    names = ["trial_id", "status", "no_signal_trial", "vs_no_signal", "vs_no_signal_se"]
    return pd.DataFrame(rows, columns=names).set_index("trial_id")


@pytest.fixture
def days() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    market = rng.normal(size=40)
    found = pd.DataFrame({n: (market + rng.normal(size=40)) / 1000 for n in "absofnm"})
    found["a"] += 0.002
    return found


def test_groups_are_means_of_paired_days_with_errors_over_days(days: pd.DataFrame) -> None:
    days.loc[3, "m"] = math.nan  # a day that one baseline lacks is left out for all
    drift, shift = signal_gains(TRIALS, table(days), days)
    assert [drift["alpha"], shift["alpha"]] == ["drift", "shift"]
    assert (drift["n_settings"], drift["n_days"], shift["n_days"]) == (2, 39, 40)
    whole = days.drop(index=3)
    gap = 500 * (whole["a"] + whole["b"] - whole["n"] - whole["m"]).to_numpy()
    lags = math.floor(4 * (39 / 100) ** (2 / 9))
    fit = sm.OLS(gap, np.ones(39)).fit(
        cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": True}
    )
    assert drift["difference"] == pytest.approx(fit.params[0], rel=1e-12)
    assert drift["error"] == pytest.approx(fit.bse[0], rel=1e-9)
    assert drift["with_signal"] - drift["without"] == pytest.approx(drift["difference"])


def test_settings_are_counted_by_their_own_errors(days: pd.DataFrame) -> None:
    rows = table(days)
    rows.loc[["a", "b"], "vs_no_signal"] = [1.2, -0.9]
    drift = signal_gains(TRIALS, rows, days)[0]
    assert (drift["n_better"], drift["n_clear_better"], drift["n_clear_worse"]) == (1, 1, 0)


def test_nothing_to_compare_is_an_empty_list(days: pd.DataFrame) -> None:
    rows = table(days).assign(no_signal_trial="")
    assert signal_gains(TRIALS, rows, days) == []
    assert signal_gains(TRIALS, table(days), pd.DataFrame()) == []
