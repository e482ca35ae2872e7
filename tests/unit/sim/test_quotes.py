"""Quotes per row against the public functions, and refusals of what cannot be quoted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ethpredict.quoting.alpha import drift_rate
from ethpredict.quoting.avellaneda_stoikov import optimal_spread, reservation_price
from ethpredict.quoting.confidence import payoff_return
from ethpredict.quoting.exact import exact_quotes
from ethpredict.quoting.glft import closed_form_quotes, gueant_quotes
from ethpredict.quoting.lattice import ERROR_BOUND
from ethpredict.quoting.sizing import bet_size, kelly_share
from ethpredict.sim import simulate_pack
from ethpredict.sim._quote_kernels import position_lots, row_distances
from ethpredict.sim.pack import simulate_run
from ethpredict.sim.quotes import Lattices, QuoteRows, quote_rows, size_rows
from ethpredict.sim.rows import market_rows, path_rows
from ethpredict.sim.run import Run


@pytest.fixture(scope="module")
def rows(make_market: Any) -> Any:
    bars, blocks, path = make_market(n=200, seed=3, flaws=False)
    market = market_rows(bars, blocks, 0, len(bars) - 1)
    return market, path_rows(path, market.close)


def distances(quotes: QuoteRows, i: int, q: float) -> tuple[float, float]:
    return row_distances(
        q,
        quotes.centre[i],
        quotes.slope[i],
        quotes.target[i],
        quotes.decay[i],
        quotes.nodes,
        quotes.corners[i],
        quotes.weights[i],
        quotes.falling[i],
    )


def quotes_of(make_member: Any, rows: Any, **changes: Any) -> QuoteRows:
    return quote_rows(Run.from_member(make_member(**changes)), *rows, Lattices())


@pytest.mark.parametrize("gamma", [1e-4, 0.01, 0.5])
def test_exact_rows_against_the_solver(gamma: float, make_member: Any, rows: Any) -> None:
    """At whole lots within the lattice's bound of exact_quotes; order size 2 in the unit."""
    path = rows[1]
    quotes = quotes_of(
        make_member, rows, quoting__gamma=gamma, quoting__order_size=2.0, quoting__zeta=gamma
    )
    for i in (0, 77, 150):
        fit = gamma * 2.0, path.sigma[i], path.A[i], path.k[i], 5
        bid, ask = exact_quotes(*fit, path.mu[i], path.xi[i], path.h_rem[i], "stationary")
        allowed = ERROR_BOUND * (1.0 + abs(path.k[i] * path.mu[i] * path.h_rem[i])) / path.k[i]
        for q in range(-5, 6):
            found = distances(quotes, i, float(q))
            if q < 5:
                assert found[0] == pytest.approx(bid[q + 5], abs=allowed)
            if q > -5:
                assert found[1] == pytest.approx(ask[q + 5], abs=allowed)


def test_exact_rows_to_a_liquidation(make_member: Any, rows: Any) -> None:
    """A finite horizon spreads the forecast move; beyond its end nothing is held."""
    market, path = rows
    quotes = quotes_of(make_member, rows, quoting__horizon=900.0)
    i = 42
    move = path.mu[i] * min(path.h_rem[i], 900.0)
    fit = 0.01, path.sigma[i], path.A[i], path.k[i], 10
    bid, ask = exact_quotes(*fit, move / 900.0, 0.0, 900.0)
    # exact_quotes would let the impact enter the end as well; the lattice ends in v = 1.
    quiet = path_rows_without_impact(path)
    quotes = quote_rows(
        Run.from_member(make_member(quoting__horizon=900.0)), market, quiet, Lattices()
    )
    allowed = ERROR_BOUND * (1.0 + abs(path.k[i] * move)) / path.k[i]
    for q in (-9, -3, 0, 4, 9):
        assert distances(quotes, i, float(q)) == pytest.approx(
            (bid[q + 10], ask[q + 10]), abs=allowed
        )


def path_rows_without_impact(path: Any) -> Any:
    return type(path)(**{**path.__dict__, "xi": np.zeros(len(path.xi))})


def test_closed_form_rows_reference(make_member: Any, rows: Any) -> None:
    """closed_form_rows and row_distances give the public closed forms (zeta: Gueant's)."""
    path = rows[1]
    quotes = quotes_of(make_member, rows, quoting__strategy="glft")
    fit = 0.01, path.sigma, path.A, path.k
    bid, ask = closed_form_quotes(*fit, 3.0, path.mu, path.xi, path.h_rem)
    still = quotes_of(
        make_member,
        rows,
        quoting__strategy="glft",
        quoting__alpha="off",
        quoting__zeta=0.0,
        quoting__order_size=2.0,
    )
    below, above = gueant_quotes(0.01, path.sigma, path.A, path.k, 3.0, 2.0, 0.0)
    for i in range(0, 200, 40):
        if abs(quotes.target[i]) < 10.0:
            assert distances(quotes, i, 3.0) == pytest.approx((bid[i], ask[i]), rel=1e-12)
        if path.xi[i] == 0.0:
            assert distances(still, i, 1.5) == pytest.approx((below[i], above[i]), rel=1e-12)


def test_avellaneda_stoikov_rows(make_member: Any, rows: Any) -> None:
    market, path = rows
    quotes = quotes_of(
        make_member,
        rows,
        quoting__strategy="avellaneda_stoikov",
        quoting__alpha="off",
        quoting__time_left=600.0,
    )
    i = 20
    price = reservation_price(market.close[i], 2.0, 0.01, path.sigma[i], 600.0)
    half = 0.5 * optimal_spread(0.01, path.sigma[i], path.k[i], 600.0)
    wanted = market.close[i] - (price - half), price + half - market.close[i]
    assert distances(quotes, i, 2.0) == pytest.approx(wanted, rel=1e-9)


def test_shift_moves_the_reference_only(make_member: Any, rows: Any) -> None:
    path = rows[1]
    shifted = quotes_of(make_member, rows, quoting__alpha="shift")
    still = quotes_of(make_member, rows, quoting__alpha="off")
    assert np.array_equal(shifted.shift, path.mu * path.h_rem)
    assert np.array_equal(shifted.weights, still.weights)
    assert not still.shift.any()


def test_payoff_enters_the_drift(make_member: Any, rows: Any) -> None:
    market, path = rows
    quotes = quotes_of(make_member, rows, quoting__confidence="payoff")
    m = payoff_return(path.m, path.p, path.gain, path.loss)
    mu = drift_rate(market.close, m, path.sigma / market.close, path.horizon_s)
    assert np.allclose(quotes.mu, np.where(m == 0.0, 0.0, mu), rtol=1e-12)
    assert 0 < np.count_nonzero(quotes.mu == 0.0) < 200


def test_sizes_against_the_public_functions(make_member: Any, rows: Any) -> None:
    market, path = rows
    kelly = Run.from_member(make_member(quoting__sizing__mode="kelly"))
    share = kelly_share(path.p, path.gain, path.loss, 0.5)
    assert np.allclose(size_rows(kelly, *rows)[1], share / market.close)
    bet = Run.from_member(make_member(quoting__sizing__mode="bet_size"))
    assert np.allclose(size_rows(bet, *rows)[0], 10.0 * np.maximum(bet_size(path.p), 0.0))
    assert position_lots(1000, 0.01, 500.0, 0.0, 0.004, np.inf, 100.0) == 200
    assert position_lots(1000, 0.01, 500.0, np.nan, 0.0, np.inf, 100.0) == 0
    assert position_lots(1000, 0.01, 500.0, np.inf, 0.0, 0.3, 100.0) == 150
    assert position_lots(1000, 0.01, -1.0, np.inf, 0.0, 0.3, 100.0) == 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"quoting__confidence": "payoff"}, "quoting.confidence = 'payoff' needs p"),
        ({"quoting__confidence": "linear"}, "quoting.confidence = 'linear' needs p"),
        ({"quoting__sizing__mode": "kelly"}, "quoting.sizing.mode = 'kelly' needs p"),
        ({"quoting__sizing__mode": "bet_size"}, "quoting.sizing.mode = 'bet_size' needs p"),
        ({"quoting__inventory_target": 11.0}, "quoting.inventory_target = 11.0"),
        ({"quoting__max_half_spread_bps": 0.5}, "quoting.min_half_spread_bps = 1"),
        ({"quoting__layers__count": 0}, "quoting.layers.count = 0"),
        ({"quoting__sizing__max_leverage": -1.0}, "quoting.sizing.max_leverage = -1.0"),
        ({"quoting__alpha": "sideways"}, "quoting.alpha = 'sideways'"),
        ({"quoting__gamma": 1e3, "quoting__order_size": 10.0}, "alpha/eta"),
    ],
)
def test_refusals(changes: dict, words: str, make_market: Any, make_member: Any) -> None:
    bars, blocks, path = make_market(n=60, flaws=False)
    path = path.assign(p=np.nan, gain=np.nan, loss=np.nan, base_rate=np.nan)
    metrics = simulate_pack(bars, blocks, path, [make_member(**changes)]).metrics.iloc[0]
    assert metrics["status"] == "failed"
    assert words in metrics["error"]


def test_lattice_is_shared_and_leaves_results_alone(make_member: Any, rows: Any) -> None:
    """A run among others and alone: the same bits."""
    run = Run.from_member(make_member())
    shared = Lattices()
    for gamma in (0.5, 0.001):
        simulate_run(Run.from_member(make_member(quoting__gamma=gamma)), *rows, shared)
    alone = simulate_run(run, *rows, Lattices())
    assert np.array_equal(simulate_run(run, *rows, shared).equity, alone.equity)


@pytest.mark.parametrize("strategy", ["glft", "glft_exact", "avellaneda_stoikov"])
def test_quotes_are_those_of_the_orders_that_are_traded(
    strategy: str, make_market: Any, make_member: Any
) -> None:
    """Sizes are cut down to whole lots before anything is made of them, the lattice too."""
    cut = {"quoting__order_size": 0.05, "quoting__max_inventory": 0.5}
    uncut = {"quoting__order_size": 0.099, "quoting__max_inventory": 0.549}
    common = {"quoting__strategy": strategy, "sim__lob__lot_size": 0.05, "sim__venue": "lob"}
    runs = [
        make_member(f"{name}{steep}", quoting__gamma=steep, **common, **sizes)
        for steep in (1.0, 0.01)
        for name, sizes in (("cut", cut), ("uncut", uncut))
    ]
    for detail in (True, False):
        found = simulate_pack(*make_market(n=120, seed=3), runs, detail=detail)
        pnl = found.metrics.set_index("run_id")["pnl"]
        assert (found.metrics["n_fills"] > 0.0).all()
        for steep in (1.0, 0.01):
            assert pnl[f"cut{steep}"] == pnl[f"uncut{steep}"]
    assert pnl["cut1.0"] != pnl["cut0.01"]
