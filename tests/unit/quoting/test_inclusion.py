"""Inclusion curves: recovery of planted ones, causality, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import expit

from ethpredict.errors import ConfigError, TrialError
from ethpredict.quoting.inclusion import fit_inclusion, percentile_tip, walk_forward_inclusion


def pairs(seed, n, a, s):
    rng = np.random.default_rng(seed)
    tip = rng.lognormal(0.3, 0.7, n)
    return tip, (rng.random(n) < expit(a + s * tip)).astype(float)


@settings(max_examples=15)
@given(st.integers(0, 10**6), st.floats(-3, 1), st.floats(0.3, 3))
def test_planted_curve_is_recovered(seed, a, s):
    tip, included = pairs(seed, 20_000, a, s)
    fit = fit_inclusion(tip, included)
    assert abs(fit.a - a) < 5 * fit.a_se
    assert abs(fit.s - s) < 5 * fit.s_se
    assert 0 < fit.s_se < 0.15 * (1 + s)


def test_standard_errors_are_those_of_repeated_samples():
    fits = [fit_inclusion(*pairs(seed, 1000, -1.0, 1.5)) for seed in range(300)]
    for name in ("a", "s"):
        estimates = np.array([getattr(f, name) for f in fits])
        stated = np.mean([getattr(f, f"{name}_se") for f in fits])
        assert estimates.std() == pytest.approx(stated, rel=0.12)
        planted = {"a": -1.0, "s": 1.5}[name]
        assert abs(estimates.mean() - planted) < 4 * stated / np.sqrt(300) + 0.02


def test_against_a_general_optimiser_and_groups():
    tip, included = pairs(1, 3000, -2.0, 1.0)
    tip = np.round(tip, 1)

    def loss(x):
        logit = x[0] + x[1] * tip
        return np.logaddexp(0, logit).sum() - included @ logit

    found = minimize(loss, [0.0, 0.0], method="BFGS", options={"gtol": 1e-6})
    fit = fit_inclusion(tip, included)
    assert [fit.a, fit.s] == pytest.approx(found.x, abs=1e-5)
    # Curvature of the loss by central differences.
    h, steps = 1e-3, np.eye(2) * 1e-3
    hessian = [
        [
            (loss(found.x + u + v) - loss(found.x + u - v) - loss(found.x - u + v))
            + loss(found.x - u - v)
            for u in steps
        ]
        for v in steps
    ]
    errors = np.sqrt(np.diag(np.linalg.inv(np.array(hessian) / (4 * h * h))))
    assert [fit.a_se, fit.s_se] == pytest.approx(errors, rel=1e-3)
    levels, group = np.unique(tip, return_inverse=True)
    grouped = fit_inclusion(levels, np.bincount(group, included), np.bincount(group))
    assert [grouped.a, grouped.s] == pytest.approx([fit.a, fit.s], abs=1e-10)
    assert (grouped.n, grouped.n_included) == (3000, int(included.sum()))
    # Units: gwei to wei.
    wei = fit_inclusion(tip * 1e9, included)
    assert wei.s * 1e9 == pytest.approx(fit.s, rel=1e-9)
    assert wei.a_se == pytest.approx(fit.a_se, rel=1e-9)


def test_a_falling_curve_is_held_flat():
    fit = fit_inclusion([0.0, 1.0, 2.0], [75, 50, 25], 100)
    assert (fit.a, fit.s) == (0.0, 0.0)
    assert np.isnan(fit.s_se)


@pytest.mark.parametrize(
    ("tip", "included", "message"),
    [
        ([1.0] * 60, [1, 0] * 30, "all tips are equal"),
        (np.arange(60.0), np.arange(60) > 29, "separates"),
        (np.arange(60.0), np.arange(60) > 55, "4 included and 56 left out of 60"),
    ],
)
def test_refusals_give_counts(tip, included, message):
    with pytest.raises(TrialError, match=message):
        fit_inclusion(tip, included)


def test_illegal_rows():
    with pytest.raises(ConfigError, match="row 1"):
        fit_inclusion([0.0, 1.0], [1, 3], 2)
    with pytest.raises(ConfigError, match="one dimension"):
        fit_inclusion([[0.0], [1.0]], 1)


def test_walk_forward_uses_only_what_was_known():
    second = 10**9
    tip, included = pairs(7, 6000, -1.0, 1.2)
    ts = np.arange(6000) * second
    at = np.array([10, 3000, 5000]) * second
    table = walk_forward_inclusion(ts, tip, included, at, 2000.0)
    assert table["n"].tolist() == [10, 2000, 2000]
    assert "left out of 10" in table["reason"][0]
    assert np.isnan(table["a"][0])
    direct = fit_inclusion(tip[1000:3000], included[1000:3000])
    assert table["s"][1] == direct.s
    later = np.where(ts >= at[1], 1 - included, included)
    again = walk_forward_inclusion(ts, np.where(ts >= at[1], 99.0, tip), later, at[:2], 2000.0)
    np.testing.assert_array_equal(again["s"], table["s"][:2])
    with pytest.raises(ConfigError, match="sorted"):
        walk_forward_inclusion(ts[::-1], tip, included, at, 10.0)
    with pytest.raises(ConfigError, match="window_s"):
        walk_forward_inclusion(ts, tip, included, at, 0.0)


def test_percentile_of_included_tips_before_the_block():
    rng = np.random.default_rng(2)
    ts, tip = np.sort(rng.integers(0, 1000, 400)), rng.random(400)
    included = rng.random(400) < 0.5
    at = np.array([0, 100, 500, 1000])
    got = percentile_tip(ts, tip, included, at, 100e-9, 75.0)
    for moment, value in zip(at, got, strict=True):
        inside = tip[(ts >= moment - 100) & (ts < moment) & included]
        assert value == np.percentile(inside, 75) if inside.size else np.isnan(value)
    with pytest.raises(ConfigError, match="percentile"):
        percentile_tip(ts, tip, included, at, 1.0, 101.0)
