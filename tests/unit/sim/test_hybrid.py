"""The hybrid venue: quotes on the book, hedges on the pool."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ethpredict.errors import TrialError
from ethpredict.quoting.glft import exact_quotes
from ethpredict.quoting.lattice import Places
from ethpredict.sim import _account_kernels as acc
from ethpredict.sim import _transaction_kernels as amm
from ethpredict.sim import reference_hybrid, simulate_pack
from ethpredict.sim._hedge_kernels import value_change
from ethpredict.sim._hybrid_kernels import choose_hedge
from ethpredict.sim.bribes import base_fees, tip_rows
from ethpredict.sim.hybrid import hedge_band
from ethpredict.sim.metrics import METRICS, PNL_PARTS
from ethpredict.sim.pack import NO_TIPS, simulate_run
from ethpredict.sim.quotes import Lattices, quote_rows, size_rows
from ethpredict.sim.rows import MarketRows, PathRows, market_rows, path_rows
from ethpredict.sim.run import Run
from ethpredict.sim.settings import amm_settings, lob_settings
from ethpredict.sim.tape import Records

HYBRID = {"sim__venue": "hybrid", "quoting__hedge": True}
# Inventory worth hedging, and a hedge that is always included and costs no gas.
KEEN = {"quoting__gamma": 0.02, "quoting__hedge_band": 0.5}
FREE = {
    "sim__amm__use_block_fees": False,
    "sim__amm__base_fee_gwei": 0.0,
    "sim__amm__tip_gwei": 0.0,
    "sim__amm__inclusion_a": 100.0,
}
CASES: list[dict[str, Any]] = [
    {},
    {"quoting__strategy": "glft", "quoting__gamma": 0.1, "sim__amm__fee_bps": 1},
    {"quoting__strategy": "avellaneda_stoikov", "quoting__alpha": "shift"},
    {"quoting__layers__count": 3, "quoting__sizing__mode": "volatility_target"},
    {"quoting__inventory_target": -2.3, "quoting__inventory_timeout": 2000.0},
    {
        "sim__amm__bribe__mode": "optimal",
        "sim__amm__bribe__auction": "all_pay",
        "sim__amm__frontrun_probability": 0.05,
        "sim__amm__slippage_bps": 4.0,
        "sim__amm__sandwich_probability": 0.1,
    },
    {"sim__amm__chain": "op", "sim__amm__data_fee_gwei": 900.0, "quoting__order_size": 2.5},
    {
        "sim__amm__bribe__mode": "percentile",
        "sim__latency_ms": 30_000,
    },
]


def rows_of(market: Any) -> tuple[MarketRows, PathRows]:
    bars, blocks, path = market
    rows = market_rows(bars, blocks, 0, len(bars) - 1)
    return rows, path_rows(path, rows.close)


@pytest.mark.parametrize("changes", CASES)
def test_hybrid_parity(changes: dict, make_market: Any, make_member: Any, make_tips: Any) -> None:
    """run_hybrid (with choose_hedge, best_hedge, order_value, value_change, add_leg)."""
    market = make_market(n=300, seed=len(changes))
    rows, path = rows_of(market)
    tips = make_tips(market[0])
    run = Run.from_member(make_member(replicate=1, **(HYBRID | KEEN | changes)))
    fast = simulate_run(run, rows, path, Lattices(), detail=True, tips=tips)
    slow = reference_hybrid.run_hybrid(
        rows,
        quote_rows(run, rows, path, Lattices()),
        size_rows(run, rows, path),
        base_fees(run, rows),
        tip_rows(run, rows, tips),
        hedge_band(run),
        (lob_settings(run, rows), amm_settings(run, rows)),
    )
    for name in ("accounts", "equity", "inventory", "detail"):
        assert np.array_equal(getattr(fast, name), getattr(slow, name), equal_nan=True), name
    assert fast.accounts[acc.N_HEDGES] > 0.0
    assert fast.accounts[acc.TAKEN] > 0.0


def play(market: Any, *members: dict[str, Any], **tables: Any) -> Any:
    bars, blocks, paths = market
    return simulate_pack(bars, blocks, paths, members, detail=True, **tables)


@pytest.mark.parametrize(
    "off", [{"quoting__hedge_band": 1e6}, {"sim__amm__fee_bps": 300, "quoting__hedge_band": 0.0}]
)
def test_without_a_hedge_it_is_the_book(off: dict, make_market: Any, make_member: Any) -> None:
    """A band that is never left, or a fee that no hedge is worth: the bytes of `lob`."""
    shared = {"quoting__gamma": 0.01, "quoting__strategy": "glft"}
    market = make_market(n=400, seed=11)
    found = play(
        market, make_member("book", **shared), make_member("both", **(HYBRID | shared | off))
    )
    book, both = (found.paths[found.paths["run_id"] == name] for name in ("book", "both"))
    same = [name for name in found.paths if name != "run_id"]
    assert book[same].to_numpy().tobytes() == both[same].to_numpy().tobytes()
    rows = found.metrics.set_index("run_id")
    own = {"posted_funds", "share_constant_base_fee", "endowment_change", "book_pnl", "pool_pnl"}
    own |= {"n_hedges", "hedge_volume", "hedge_cost"}
    for name in set(METRICS) - own:
        first, second = rows.loc["book", name], rows.loc["both", name]
        assert first == second or (math.isnan(first) and math.isnan(second)), name
    assert rows.loc["both", ["n_sent", "n_hedges", "hedge_volume", "hedge_cost"]].eq(0.0).all()
    assert rows.loc["both", "book_pnl"] == rows.loc["book", "pnl"]
    assert math.isnan(rows.loc["book", "pool_pnl"])


def test_parts_and_legs_sum(make_market: Any, make_member: Any) -> None:
    """Over seeds and settings: parts = total = book + pool, and the limit holds."""
    worst = 0.0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        drawn = {
            "quoting__gamma": float(10 ** rng.uniform(-3, -1)),
            "quoting__hedge_band": float(rng.uniform(0, 2)),
            "quoting__strategy": ("glft", "glft_exact", "avellaneda_stoikov")[seed % 3],
            "sim__amm__fee_bps": int(rng.integers(0, 8)),
            "sim__amm__bribe__auction": ("first_price", "all_pay", "builder_tip")[seed % 3],
            "sim__amm__sandwich_probability": float(rng.uniform(0, 0.3)),
            "sim__amm__slippage_bps": float(rng.uniform(0.5, 10)),
            "sim__lob__maker_fee_bps": float(rng.uniform(-1, 2)),
        }
        market = make_market(n=300, seed=seed)
        found = play(market, make_member(replicate=seed, **(HYBRID | drawn)))
        row = found.metrics.iloc[0]
        assert row["status"] == "ok", row["error"]
        scale = max(1.0, row["notional"])
        worst = max(worst, abs(math.fsum(row[list(PNL_PARTS)]) - row["pnl"]) / scale)
        assert row["book_pnl"] + row["pool_pnl"] == pytest.approx(row["pnl"], abs=1e-9 * scale)
        assert found.paths["inventory"].abs().max() <= 10.0 + 1e-9
        assert row["n_sent"] == row["n_not_included"] + row["n_reverts"] + row["n_hedges"]
        assert row["n_fills"] > row["n_hedges"]
    assert worst <= 1e-9


def test_hedges_shrink_the_inventory_and_cost(make_market: Any, make_member: Any) -> None:
    """The smaller the band, the smaller the mean inventory and the more is hedged."""
    market = make_market(n=600, seed=3, flaws=False)
    bands = [0.5, 2.0, 5.0, 1e6]
    keen = HYBRID | FREE | {"quoting__gamma": 0.02, "quoting__strategy": "glft"}
    runs = [
        make_member(f"r{k}", **(keen | {"quoting__hedge_band": band}))
        for k, band in enumerate(bands)
    ]
    rows = play(market, *runs).metrics.sort_values("run_id")
    assert (np.diff(rows["mean_abs_inventory"]) > 0.0).all()
    assert (np.diff(rows["hedge_volume"]) < 0.0).all()
    assert rows["hedge_cost"].iloc[0] > 0.0


def one_hedge(make_market: Any, make_member: Any) -> tuple[Any, dict[str, Any]]:
    """Four rows: one bid fills on the book, and a pool that nobody touches still asks 3,000."""
    bars, blocks, paths = make_market(n=4, flaws=False, with_blocks=False)
    bars[["open", "high", "low", "close"]] = np.array(
        [[3000.0] * 4, [3000.0, 3000.0, 2980.0, 2990.0], [2990.0] * 4, [2990.0] * 4]
    )
    bars["volume"], bars["taker_buy_volume"] = 1000.0, 500.0
    paths = paths.assign(sigma=0.5, A=0.2, k=0.5, xi=0.0, m=0.0)
    member = make_member(
        **HYBRID,
        **(FREE | {"sim__amm__base_fee_gwei": 2.0, "sim__amm__tip_gwei": 1.0}),
        quoting__strategy="glft",
        quoting__alpha="off",
        quoting__gamma=0.02,
        quoting__hedge_band=0.5,
        sim__amm__noise_turnover=0.0,
        sim__amm__arbitrage_probability=0.0,
        sim__amm__liquidity=6e6,
        sim__amm__fee_bps=5,
    )
    return (bars, blocks, paths), member


def test_one_hedge_by_hand(make_market: Any, make_member: Any) -> None:
    """Every cost of both legs, worked out from the formulas."""
    market, member = one_hedge(make_market, make_member)
    found = play(market, member)
    row, path = found.metrics.iloc[0], found.paths
    gamma, k, A, sigma = 0.02, 0.5, 0.2, 0.5
    power = (1 + gamma / k) ** (1 + k / gamma)
    centre = math.log1p(gamma / k) / gamma
    slope = math.sqrt(sigma**2 * gamma / (2 * k * A) * power)
    bid = math.floor((3000.0 - centre - slope / 2) / 0.1) * 0.1
    assert path["bid"].iloc[1] == pytest.approx(bid)
    assert list(path["fills"]) == [0.0, 1.0, -1.0, 0.0]
    reserve0, reserve1, keep = 1000.0, 3e6, 1 - 5e-4
    received = keep * reserve1 / (reserve0 + keep)
    after0, after1 = reserve0 + 1.0, reserve1 - received
    paid_back = after1 / ((after0 - 1.0) * keep)
    gas = 120_000 * 1e-9 * 2990.0
    maker, taker = 1.5e-4 * bid, 4.5e-4 * 2990.0
    book = 2990.0 - bid - maker - taker
    pool = received - 3 * gas - paid_back - 3 * gas
    assert row["n_hedges"] == row["hedge_volume"] == 1.0
    assert row["book_pnl"] == pytest.approx(book, abs=1e-9)
    assert row["pool_pnl"] == pytest.approx(pool, abs=1e-9)
    assert row["hedge_cost"] == pytest.approx(2990.0 - received + 3 * gas, abs=1e-9)
    assert row["pnl_gas"] == pytest.approx(-2 * gas, abs=1e-9)
    assert row["pnl_bribe"] == pytest.approx(-gas, abs=1e-9)
    fee_value = 5e-4 * 2990.0
    assert row["pnl_fees"] == pytest.approx(-maker - fee_value, abs=1e-9)


def test_the_hedge_is_the_best_of_all_lots() -> None:
    """choose_hedge against every number of lots, theta from the closed form's quadratic."""
    rng = np.random.default_rng(2)
    settings = np.zeros(amm.N_AMM_SETTINGS)
    settings[amm.P_FEE] = 5e-4
    for _ in range(40):
        slope, target, q = rng.uniform(0.2, 4.0), 0.0, float(rng.integers(-10, 11))
        mid, pool_price = 3000.0, 3000.0 * (1 + rng.normal(0, 5e-4))
        reserve0 = 1000.0
        reserve1 = reserve0 * pool_price
        none = np.empty((0, 0)), np.zeros(8, np.int64), np.zeros(3), np.bool_(False)
        terms = 1.0, slope, target, 0.5, *none
        lots, surplus = choose_hedge(
            target - q, mid, reserve0, reserve1, 1e9, 1e9, q, 1.0, 0.01, terms, settings
        )
        best, gains = 0, [0.0]
        for n in range(1, round(abs(q) * 100) + 1):
            a = -math.copysign(n * 0.01, q)
            held = q + a
            # theta is linear between whole orders: chords of -slope q^2/2
            low = math.floor(held)
            chord = [-0.5 * slope * x * x for x in (low, low + 1)]
            theta = chord[0] + (held - low) * (chord[1] - chord[0])
            net = -a * (1 - 5e-4)
            cost = (
                a * reserve1 / ((reserve0 - a) * (1 - 5e-4))
                if a > 0
                else -net * reserve1 / (reserve0 + net)
            )
            gains.append(a * mid - cost + theta + 0.5 * slope * q * q)
            best = n if gains[-1] > gains[best] else best
        assert 0 <= best - abs(lots) <= 1  # rounded down to whole lots
        assert surplus == pytest.approx(gains[abs(lots)], abs=1e-6)


def test_theta_is_that_of_the_exact_quotes() -> None:
    """value_change over the lattice is (1/k) times ln v of the matrix, summed from the quotes."""
    gamma, sigma, A, k, Q = 0.02, 0.4, 0.15, 0.6, 10
    bid, _ = exact_quotes(gamma, sigma, A, k, Q)
    centre = math.log1p(gamma / k) / gamma
    rise = np.concatenate([[0.0], np.cumsum(centre - bid[:-1])])
    lattice = Lattices().get(Q, "stationary")
    alpha = 0.5 * k * gamma * sigma**2
    eta = A * (1 + gamma / k) ** -(1 + k / gamma)
    cells = lattice.cells(Places.of(alpha / eta, 0.0, 0.0))
    terms = centre, 0.0, 0.0, k, lattice.nodes, cells.corners[0], cells.weights[0], False
    for start, traded in ((-7.0, 5.0), (6.0, -6.0), (2.5, -1.25), (-3.25, 0.5)):
        ends = np.interp([start, start + traded], np.arange(-Q, Q + 1), rise)
        assert value_change(start, traded, terms) == pytest.approx(ends[1] - ends[0], rel=2e-2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"quoting__hedge": False}, "quoting.hedge = False: must be true with sim.venue hybrid"),
        ({"quoting__hedge_band": -1.0}, "quoting.hedge_band = -1"),
        ({"sim__amm__liquidity": 60_000.0}, "a quarter of the pool's"),
        ({"sim__amm__fee_bps": 301}, "sim.amm.fee_bps = 301"),
        ({"sim__fidelity": "l2"}, "must be bars with sim.venue hybrid"),
        ({"sim__amm__bribe__mode": "percentile"}, "no transactions with tips"),
    ],
)
def test_refused(changes: dict, message: str, make_market: Any, make_member: Any) -> None:
    market = make_market(n=40, flaws=False)
    rows, path = rows_of(market)
    member = make_member(**HYBRID)
    for key, value in changes.items():
        *parents, last = key.split("__")
        node = member["settings"]
        for parent in parents:
            node = node[parent]
        node[last] = value
    with pytest.raises(TrialError, match=message):
        simulate_run(Run.from_member(member), rows, path, Lattices(), tips=NO_TIPS)


def test_funding_is_paid_on_the_book_leg(make_market: Any, make_member: Any) -> None:
    """Hedged or not, the perpetual of the one-hedge example stays long one ETH."""
    market, member = one_hedge(make_market, make_member)
    closes = market[0]["ts_close"].iloc[1:]
    facts = pd.DataFrame({"ts": closes, "name": "funding_rate", "value": 1e-4})
    kept = Records(pd.DataFrame, pd.DataFrame, facts)
    found = play(market, member, records=kept)
    plain = play(market, member)
    paid = 3 * 2990.0 * 1e-4
    assert found.metrics["pnl_funding"].iloc[0] == pytest.approx(-paid, abs=1e-9)
    for leg, cost in (("book_pnl", paid), ("pool_pnl", 0.0)):
        gap = plain.metrics[leg].iloc[0] - found.metrics[leg].iloc[0]
        assert gap == pytest.approx(cost, abs=1e-9)
