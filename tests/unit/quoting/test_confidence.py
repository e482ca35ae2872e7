"""Confidence modes against expectations by simulation and their limits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpredict.errors import ConfigError
from ethpredict.quoting.confidence import confident_return, linear_return, payoff_return

M, P, SIZE = st.floats(-0.05, 0.05), st.floats(0, 1), st.floats(0, 0.05)


def test_payoff_is_the_mean_of_the_bet():
    p, gain, loss = 0.62, 0.011, 0.009
    paid = np.random.default_rng(3).random(400_000) < p
    outcome = np.where(paid, gain, -loss)
    error = outcome.std() / np.sqrt(len(outcome))
    assert abs(float(payoff_return(-0.2, p, gain, loss)) + outcome.mean()) < 4 * error


@given(M, P, SIZE, SIZE, st.floats(0, 0.99), st.sampled_from(["payoff", "linear", "none"]))
def test_odd_in_the_signal_and_monotone_in_p(m, p, gain, loss, base, mode):
    got = confident_return(mode, m, [p, min(1, p + 0.1)], gain, loss, base)
    np.testing.assert_array_equal(
        confident_return(mode, -m, [p, min(1, p + 0.1)], gain, loss, base), -got
    )
    assert abs(got[1]) >= abs(got[0]) - 1e-15
    assert (got * m >= 0).all()


@given(M, P, st.floats(0, 0.99))
def test_linear_spans_nothing_to_the_whole_prediction(m, p, base):
    got = linear_return(m, [0.0, base, p, 1.0], base)
    assert got[0] == got[1] == 0.0
    assert got[3] == pytest.approx(m)
    assert abs(got[2]) <= abs(m)
    share = max(0.0, p - base) / (1 - base)
    assert got[2] == pytest.approx(m * share)


def test_missing_stays_missing():
    for mode in ("payoff", "linear", "none"):
        assert np.isnan(confident_return(mode, np.nan, 0.7, 0.01, 0.01, 0.5))
    assert np.isnan(confident_return("payoff", 0.1, np.nan, 0.01, 0.01))


def test_illegal_values():
    with pytest.raises(ConfigError, match="payoff, linear, none"):
        confident_return("square", 0.1)
    with pytest.raises(ConfigError, match=r"confidence.p"):
        payoff_return(0.1, 1.2, 0.1, 0.1)
    with pytest.raises(ConfigError, match=r"confidence.loss"):
        payoff_return(0.1, 0.5, 0.1, -0.1)
    with pytest.raises(ConfigError, match="base_rate"):
        linear_return(0.1, 0.5, 1.0)
