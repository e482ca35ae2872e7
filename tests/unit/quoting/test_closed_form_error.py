"""Closed form against an eigenvector of the whole matrix."""

from __future__ import annotations

import numpy as np
import pytest

from ethpredict.errors import ConfigError
from ethpredict.quoting.closed_form_error import closed_form_error
from ethpredict.quoting.glft import closed_form_quotes


@pytest.mark.parametrize("zeta", [None, 0.03])
@pytest.mark.parametrize("q", [0, 4, -4])
def test_exact_side_is_the_ground_state_of_the_matrix(q: int, zeta: float | None) -> None:
    gamma, sigma, A, k, Q, xi = 0.01, 0.4, 0.02, 0.3, 5, 0.2
    z = gamma if zeta is None else zeta
    eta = A * (1 + z / k) ** -(1 + k / z) * np.exp(-k * xi / 2)
    lots = np.arange(-Q, Q + 1)
    matrix = np.diag(0.5 * k * gamma * sigma**2 * lots**2)
    matrix -= eta * (np.eye(2 * Q + 1, k=1) + np.eye(2 * Q + 1, k=-1))
    v = np.abs(np.linalg.eigh(matrix)[1][:, 0])
    c1 = np.log1p(z / k) / z + xi / 2
    found = closed_form_error(gamma, sigma, A, k, Q, q, xi, zeta)
    assert found.bid == pytest.approx(c1 + np.log(v[q + Q] / v[q + Q + 1]) / k, rel=1e-8)
    assert found.ask == pytest.approx(c1 + np.log(v[q + Q] / v[q + Q - 1]) / k, rel=1e-8)
    if zeta is None:
        bid, ask = closed_form_quotes(gamma, sigma, A, k, q, xi=xi)
        assert found.closed_bid == pytest.approx(float(bid), rel=1e-12)
        assert found.closed_ask == pytest.approx(float(ask), rel=1e-12)
    assert found.bid_error == pytest.approx((found.closed_bid - found.bid) / abs(found.bid))


def test_the_limit_itself_has_one_quote_only() -> None:
    with pytest.raises(ConfigError, match=r"within \(-5, 5\)"):
        closed_form_error(0.01, 0.4, 0.02, 0.3, 5, 5)
