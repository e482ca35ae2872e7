"""Errors of dependent means, and the choice of the matching baseline."""

from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm

from ethpredict.errors import ConfigError
from ethpredict.stats import match_baseline, mean_error, paired_difference, same_market


@pytest.mark.parametrize("lags", [0, 1, 5])
def test_error_is_the_one_of_statsmodels(lags: int) -> None:
    rng = np.random.default_rng(lags)
    x = np.convolve(rng.normal(size=210), np.ones(4), mode="valid")
    fit = sm.OLS(x, np.ones_like(x)).fit(
        cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": True}
    )
    assert mean_error(x, lags) == pytest.approx(float(fit.bse[0]), rel=1e-12)


def test_short_or_bad_input() -> None:
    assert math.isnan(mean_error([1.0]))
    assert math.isnan(paired_difference([], []).mean)
    with pytest.raises(ConfigError):
        mean_error([1.0, 2.0], lags=-1)


def test_pairs_remove_what_both_share() -> None:
    rng = np.random.default_rng(0)
    market = rng.normal(size=400)
    gap = paired_difference(market + 0.2 + 0.1 * rng.normal(size=400), market)
    assert gap.n_obs == 400
    assert abs(gap.mean - 0.2) < 4 * gap.error < 0.1


def test_unknown_days_are_no_pairs() -> None:
    assert paired_difference([1.0, math.nan, 3.0], [0.0, 0.0, math.nan]).n_obs == 1


def test_the_same_market_comes_before_the_number_of_equal_settings() -> None:
    trial = {"data.symbol": "ETHUSDT", "quoting.gamma": 0.1, "sim.venue": "lob"}
    other = {"id": "a", "settings": trial | {"data.symbol": "BTCUSDT"}}
    same = {"id": "b", "settings": trial | {"quoting.gamma": 0.5, "model.seed": 3}}
    assert match_baseline(trial, [other, same], sorted(trial)) == same
    assert same_market(trial, same["settings"])
    assert not same_market(trial, other["settings"])
    assert not same_market(trial, trial | {"sim.venue": "amm"})


def test_ties_go_to_the_lower_id_and_none_to_none() -> None:
    pair = [{"id": key, "settings": {"a.b": 1}} for key in ("2", "1")]
    assert match_baseline({"a.b": 1}, pair, ["a.b"]) == pair[1]
    assert match_baseline({}, [], []) is None
