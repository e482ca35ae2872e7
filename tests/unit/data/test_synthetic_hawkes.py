"""The order flow is the Hawkes process it says it is: by theory, not by another simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from ethpredict.config.schema import leaves
from ethpredict.data.synthetic import _hawkes_kernels, flow
from ethpredict.data.synthetic.settings import read_settings
from ethpredict.data.synthetic.simulation import run_days
from ethpredict.errors import ConfigError
from tests.unit.data.synthetic_markets import settings


def _points(process: flow.Flow, seconds: float, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    most = int(2 * process.mean.sum() * seconds) + 1_000
    when, kinds = np.empty(most), np.empty(most, np.int64)
    rng = np.array([seed], np.uint64)
    n = _hawkes_kernels.hawkes(
        process.base, np.zeros(6), process.kernel, process.decay, seconds, rng, when, kinds
    )
    assert 0 < n < most
    return when[:n], kinds[:n]


def _gaps(
    when: np.ndarray, kinds: np.ndarray, process: flow.Flow, base: np.ndarray, step: float
) -> list[np.ndarray]:
    """Integrated intensity between successive points of each type; `base` stands by `step` s."""
    total = np.vstack([np.zeros(6), np.cumsum(base * step, axis=0)])
    row = (when // step).astype(np.int64)
    immigrants = total[row] + base[row] * (when - row * step)[:, None]
    excited, gone = np.zeros(6), np.zeros(6)  # now, and integrated so far
    last = 0.0
    compensator = np.empty((len(when), 6))
    for j, (now, kind) in enumerate(zip(when, kinds, strict=True)):
        faded = excited * np.exp(-process.decay * (now - last))
        gone += (excited - faded) / process.decay
        compensator[j] = immigrants[j] + gone
        excited = faded + process.branching[:, kind] * process.decay
        last = now
    return [np.diff(compensator[kinds == i, i], prepend=0.0) for i in range(6)]


@pytest.mark.parametrize("ratio", [0.0, 0.6, 0.95])
def test_the_process_is_stationary_by_construction(ratio: float) -> None:
    market = read_settings(settings(book="l2", hawkes_branching=ratio))
    process = flow.order_flow(market)
    np.testing.assert_allclose(flow.SHARES.sum(axis=1), 1.0)
    radius = np.abs(np.linalg.eigvals(process.branching)).max()
    assert radius == pytest.approx(ratio, abs=1e-12)
    assert (process.base > 0).all()
    mean = np.linalg.solve(np.eye(6) - process.branching, process.base)
    np.testing.assert_allclose(mean, process.mean, rtol=1e-10)
    assert mean[:2].sum() * 86_400 == pytest.approx(18_000)  # the rest of 20,000 are sweeps
    assert mean[2:4].sum() * 86_400 == pytest.approx(5 * 20_000)


def test_a_branching_ratio_of_one_is_refused() -> None:
    leaf = leaves()["data.synthetic.hawkes_branching"]
    assert leaf.canonical(0.95) == 0.95
    with pytest.raises(ConfigError):
        leaf.canonical(1.0)


def test_mean_intensities_and_branching_ratio_come_back() -> None:
    """Counts in long windows: mean L, covariance (I-N)^-1 diag(L) (I-N)^-T per second."""
    market = read_settings(settings(book="l2", limits_per_trade=2.0))
    process = flow.order_flow(market)
    window, windows = 250.0, 1_200
    when, kinds = _points(process, window * windows)
    counts = np.zeros((windows, 6))
    np.add.at(counts, ((when // window).astype(int), kinds), 1)
    spread = np.linalg.inv(np.eye(6) - process.branching)
    covariance = spread @ np.diag(process.mean) @ spread.T
    error = np.sqrt(np.diag(covariance) / (window * windows))
    found = counts.mean(axis=0) / window
    assert (error / process.mean < 0.03).all()
    assert (np.abs(found - process.mean) < 4 * error).all()
    # For the left eigenvector v of N: var(v'n) = v' diag(L) v / (1 - r)^2.
    values, vectors = np.linalg.eig(process.branching.T)
    v = np.real(vectors[:, np.argmax(np.real(values))])
    variance = np.var(counts @ v, ddof=1) / window
    ratio = 1 - np.sqrt(v**2 @ found / variance)
    error_of_ratio = (1 - 0.6) * np.sqrt(2 / windows) / 2
    assert abs(ratio - 0.6) < 4 * error_of_ratio
    assert error_of_ratio < 0.01


def test_rescaled_times_are_exponential() -> None:
    """Papangelou 1972: between points the integrated intensity is exponential of mean 1."""
    process = flow.order_flow(read_settings(settings(book="l2", hawkes_branching=0.8)))
    when, kinds = _points(process, 12_000.0, seed=3)
    gaps = _gaps(when, kinds, process, process.base[None, :], 12_001.0)
    for each in gaps:
        assert len(each) > 800
        assert stats.kstest(each, "expon").pvalue > 1e-3
        late, early = each[1:] - each.mean(), each[:-1] - each.mean()
        assert abs(late @ early / (early @ early)) < 4 / np.sqrt(len(each))
    # The test has power: without the excitation the same times fail.
    poisson = np.diff(when, prepend=0.0) * process.mean.sum()
    assert stats.kstest(poisson, "expon").pvalue < 1e-12


def test_the_markets_own_order_flow_is_that_process() -> None:
    """With the base rates that activity, tilt and informed traders make of it by the second."""
    market = read_settings(settings(book="l2", days=1, trades_per_day=4_000.0))
    process = flow.order_flow(market)
    day = next(run_days(market))
    assert day.book is not None
    points = day.book.points[day.book.points[:, 1] < 6]
    minute = np.arange(86_400) // 60
    move = np.sign(day.mid[minute * 60 + 59] - day.mid)
    informed = market.informed_fraction
    buys = (1 - informed) * (1 + day.state.tilt[minute]) / 2 + informed * (1 + move) / 2
    share = np.column_stack([2 * buys, 2 * (1 - buys), *[np.ones(86_400)] * 4])
    base = process.base * share * day.state.activity[minute][:, None]
    gaps = _gaps(points[:, 0] / 1e9, points[:, 1], process, base, 1.0)
    for each in gaps:
        assert len(each) > 1_000
        assert stats.kstest(each, "expon").pvalue > 1e-3
