"""From a prediction to a drift that ends."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpredict.errors import ConfigError
from ethpredict.quoting import _kernels
from ethpredict.quoting.alpha import drift_rate, remaining_seconds
from ethpredict.quoting.glft import closed_form_quotes, exact_quotes
from ethpredict.quoting.tables import exact_tables


@given(st.floats(1, 1e5), st.floats(-0.1, 0.1), st.floats(0, 1e-3), st.floats(1, 1e5))
def test_drift_equals_the_kernel(mid, m, sigma_r, horizon):
    got = float(drift_rate(mid, m, sigma_r, horizon))
    assert got == pytest.approx(_kernels.drift(mid, m, sigma_r, horizon), rel=1e-12, abs=1e-300)


def test_a_prediction_ages():
    second = 10**9
    left = remaining_seconds(np.array([0, 40, 60, 90]) * second, 0, 60.0)
    assert left.tolist() == [60.0, 20.0, 0.0, 0.0]
    assert np.isnan(remaining_seconds(0, 0, np.nan))


def test_drift_moves_quotes_by_less_than_the_whole_forecast():
    """The exact quotes with a drift lie between those without and those fully shifted."""
    mid, horizon = 3000.0, 300.0
    mu = drift_rate(mid, 5e-4, 0.0, horizon)
    left = remaining_seconds(60 * 10**9, 0, horizon)
    plain = exact_quotes(0.01, 0.3, 0.9, 0.3, 20)[0][20]
    drifting = exact_tables(0.01, 0.3, 0.9, 0.3, 20, mu, 0.0, left).quotes(0, 0)[0]
    shift = float(mu * left)
    assert shift == pytest.approx(mid * math.expm1(5e-4) * 240 / 300)
    assert plain - shift < drifting < plain
    closed = float(closed_form_quotes(0.01, 0.3, 0.9, 0.3, 0.0, mu, 0.0, left)[0])
    assert drifting == pytest.approx(closed, rel=1e-3)


def test_missing_and_illegal():
    assert np.isnan(drift_rate(3000.0, np.nan, 0.0, 60.0))
    with pytest.raises(ConfigError, match="horizon_s"):
        drift_rate(3000.0, 0.1, 0.0, 0.0)
