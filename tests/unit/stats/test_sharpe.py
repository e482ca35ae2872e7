"""Sharpe ratios against the published example, simulation and scipy's moments."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ethpredict.errors import ConfigError
from ethpredict.stats import (
    deflated_sharpe,
    expected_max_sharpe,
    min_track_record,
    probabilistic_sharpe,
    return_moments,
)


def test_published_example_of_the_deflated_sharpe_ratio(shared_vectors: Path) -> None:
    paper = json.loads((shared_vectors / "evaluation.json").read_text())["dsr_paper"]
    per_year = paper["periods"]
    for case in paper["cases"]:
        variance = paper["var_sr_annual"] / per_year
        found = deflated_sharpe(
            paper["sr_annual"] / math.sqrt(per_year),
            paper["T"],
            case.get("skew", paper["skew"]),
            case.get("kurtosis", paper["kurtosis"]),
            case["N"],
            variance,
        )
        assert found == pytest.approx(case["dsr"], abs=1e-12)
        if "sr0_daily" in case:
            assert expected_max_sharpe(case["N"], variance) == pytest.approx(
                case["sr0_daily"], abs=1e-12
            )


def test_moments_are_those_of_scipy() -> None:
    x = np.random.default_rng(0).standard_t(5, size=400) / 100 + 0.002
    found = return_moments(x)
    assert found.n_obs == 400
    assert found.sharpe == pytest.approx(x.mean() / x.std(ddof=1), rel=1e-12)
    assert found.skew == pytest.approx(stats.skew(x), rel=1e-12)
    assert found.kurtosis == pytest.approx(stats.kurtosis(x, fisher=False), rel=1e-12)


def test_moments_leave_out_nan_and_refuse_constants() -> None:
    assert return_moments([0.1, math.nan, 0.3]).n_obs == 2
    assert math.isnan(return_moments([0.1, 0.1, 0.1]).sharpe)
    assert math.isnan(return_moments([0.1]).sharpe)


def test_expected_maximum_is_that_of_simulated_noise() -> None:
    draws = np.random.default_rng(1).normal(size=(20_000, 50)).max(axis=1) * 0.1
    error = draws.std() / math.sqrt(len(draws))
    # The closed form is an approximation, good to about one per cent at N = 50.
    assert expected_max_sharpe(50, 0.01) == pytest.approx(
        draws.mean(), abs=0.01 * 0.225 + 4 * error
    )


def test_one_trial_has_nothing_to_deflate() -> None:
    assert expected_max_sharpe(1, 4.0) == 0.0
    assert deflated_sharpe(0.1, 100, 0.2, 4.0, 1, 4.0) == probabilistic_sharpe(0.1, 100, 0.2, 4.0)


@given(st.floats(0.01, 0.5), st.floats(-1, 1), st.floats(0, 5), st.floats(0.6, 0.99))
def test_track_record_is_where_the_probability_reaches_the_level(
    sharpe: float, skew: float, excess: float, level: float
) -> None:
    kurtosis = 1 + skew**2 + excess + 0.1
    needed = min_track_record(sharpe, skew, kurtosis, confidence=level)
    n = math.ceil(needed)
    if n >= 3:
        assert probabilistic_sharpe(sharpe, n, skew, kurtosis) >= level - 1e-12
        assert probabilistic_sharpe(sharpe, n - 1, skew, kurtosis) <= level + 1e-12


def test_no_track_record_makes_a_loss_significant() -> None:
    assert min_track_record(-0.1, 0.0, 3.0) == math.inf


@pytest.mark.parametrize(
    ("call", "key"),
    [
        (lambda: probabilistic_sharpe(0.1, 1, 0, 3), "n_obs"),
        (lambda: probabilistic_sharpe(1.0, 10, 3.0, 1.0), "kurtosis"),
        (lambda: expected_max_sharpe(0, 1.0), "n_trials"),
        (lambda: expected_max_sharpe(3, -1.0), "sharpe_variance"),
        (lambda: min_track_record(0.1, 0, 3, confidence=0.5), "confidence"),
    ],
)
def test_out_of_range_is_refused(call, key) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ConfigError) as caught:
        call()
    assert caught.value.key == key


def test_missing_moments_give_a_missing_probability() -> None:
    assert math.isnan(probabilistic_sharpe(math.nan, 40, 0, 3))
    assert math.isnan(min_track_record(math.nan, 0, 3))
