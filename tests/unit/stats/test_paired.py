"""Errors of dependent means, and the choice of the matching baseline."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st

from ethpredict.errors import ConfigError
from ethpredict.stats import BaselineIndex, market, match_baseline, mean_error, paired_difference


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


TRIAL = {
    "data.symbol": "ETHUSDT",
    "bars.kind": "time",
    "validation.scheme": "rolling",
    "quoting.strategy": "glft",
    "quoting.alpha": "drift",
    "quoting.gamma": 0.1,
    "sim.venue": "lob",
    "sim.lob.maker_fee_bps": 1.5,
    "model.seed": 1,
}
MODELLED = {"quoting.alpha": "off", "model.level0.algo": "zero", "model.seed": 0}


def baseline(name: str, without: tuple[str, ...] = (), **change: Any) -> dict[str, Any]:
    settings = TRIAL | MODELLED | {key.replace("__", "."): value for key, value in change.items()}
    return {"id": name, "settings": {k: v for k, v in settings.items() if k not in without}}


@pytest.mark.parametrize(
    "change",
    [
        {"quoting__gamma": 0.01},
        {"sim__lob__maker_fee_bps": 2.0},
        {"sim__venue": "amm"},
        {"bars__kind": "dollar"},
        {"validation__scheme": "expanding"},
        {"data__symbol": "BTCUSDT"},
    ],
)
def test_a_baseline_at_other_settings_is_none(change: dict[str, Any]) -> None:
    other = baseline("a", **change)
    same = baseline("b")
    assert match_baseline(TRIAL, [other]) is None
    assert match_baseline(TRIAL, [other, same]) == same
    assert match_baseline(TRIAL, [same, other]) == same


def test_strategy_alpha_and_model_make_the_baseline_and_do_not_count() -> None:
    hold = baseline("h", quoting__strategy="hold", model__seed=9)
    assert match_baseline(TRIAL, [hold]) == hold


def test_settings_that_do_not_apply_to_a_baseline_do_not_count() -> None:
    nothing = baseline("n", without=("quoting.gamma", "sim.lob.maker_fee_bps"))
    assert match_baseline(TRIAL, [nothing]) == nothing
    assert match_baseline(TRIAL | {"sim.venue": "amm"}, [nothing]) is None
    spread = baseline("f", without=("quoting.gamma",), quoting__half_spread_bps=10.0)
    assert match_baseline(TRIAL, [spread]) == spread


def test_several_that_differ_in_what_the_trial_lacks_are_none_at_equal_settings() -> None:
    fixed = {key: value for key, value in TRIAL.items() if key != "quoting.gamma"}
    pair = [baseline("a"), baseline("b", quoting__gamma=0.01)]
    assert match_baseline(fixed, pair) is None
    assert match_baseline(fixed, pair[:1]) == pair[0]


def test_none_to_none() -> None:
    assert match_baseline(TRIAL, []) is None
    assert match_baseline({}, []) is None


@given(st.lists(st.tuples(*[st.sampled_from([0, 1, None])] * 4), max_size=12), st.data())
def test_the_index_finds_what_a_plain_loop_finds(rows: list[Any], data: st.DataObject) -> None:
    keys = ("sim.venue", "quoting.gamma", "bars.kind", "features.x")
    made = [{k: v for k, v in zip(keys, row, strict=True) if v is not None} for row in rows]
    kind = [{"id": str(i), "settings": settings} for i, settings in enumerate(made)]
    index = BaselineIndex(kind)
    for row in data.draw(st.lists(st.tuples(*[st.sampled_from([0, 1, None])] * 4), max_size=5)):
        settings = {k: v for k, v in zip(keys, row, strict=True) if v is not None}
        fits = [
            item
            for item in kind
            if all(
                settings[key] == item["settings"][key]
                for key in keys[:3]
                if key in settings and key in item["settings"]
            )
        ]
        assert index.match(settings) == (fits[0] if len(fits) == 1 else None)


def test_a_market_is_the_data_and_the_venue() -> None:
    assert market(TRIAL) == market(TRIAL | {"quoting.gamma": 0.5, "bars.kind": "dollar"})
    assert market(TRIAL) != market(TRIAL | {"sim.venue": "amm"})
    assert market(TRIAL) != market(TRIAL | {"data.symbol": "BTCUSDT"})
