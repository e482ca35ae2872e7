"""Nothing after t changes anything up to t, on both venues and for every strategy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from ethpredict.sim import simulate_pack
from ethpredict.sim.tape import Records

RUNS = [
    ("lob", "none"),
    ("lob", "hold"),
    ("lob", "fixed_spread"),
    ("lob", "glft"),
    ("lob", "glft_exact"),
    ("lob", "avellaneda_stoikov"),
    ("amm", "none"),
    ("amm", "hold"),
    ("amm", "glft"),
]
# Every mode that makes quotes or sizes, on the order book.
MODES = {
    "shift": {"quoting__alpha": "shift", "quoting__strategy": "glft"},
    "payoff": {"quoting__confidence": "payoff", "quoting__horizon": 1800.0},
    "linear": {"quoting__confidence": "linear", "quoting__zeta": 0.0},
    "layers": {"quoting__layers__count": 3, "quoting__layers__step_bps": 1.0},
    "volatility": {"quoting__sizing__mode": "volatility_target"},
    "kelly": {"quoting__sizing__mode": "kelly"},
    "bet": {"quoting__sizing__mode": "bet_size", "quoting__sizing__max_leverage": 0.5},
    "optimal": {
        "sim__venue": "amm",
        "sim__amm__bribe__mode": "optimal",
        "sim__amm__inclusion": "fitted",
    },
    "percentile": {"sim__venue": "amm", "sim__amm__bribe__mode": "percentile"},
    **{
        f"lp_{policy}": {
            "sim__venue": "amm",
            "sim__amm__mode": "lp",
            "sim__amm__lp__policy": policy,
            "sim__amm__noise_turnover": 200.0,
        }
        for policy in ("always", "income")
    },
    **{
        f"hybrid_{strategy}": {
            "sim__venue": "hybrid",
            "quoting__hedge": True,
            "quoting__hedge_band": 0.5,
            "quoting__strategy": strategy,
            "sim__amm__base_fee_gwei": 0.0,
            "sim__amm__inclusion_a": 3.0,
        }
        for strategy in ("glft", "glft_exact")
    },
    "target": {"quoting__inventory_target": 2.0, "quoting__inventory_timeout": 1500.0},
}


def members(make_member: Any) -> list[dict]:
    return [
        make_member(
            f"{venue}_{strategy}",
            sim__venue=venue,
            quoting__strategy=strategy,
            quoting__gamma=0.001,
        )
        for venue, strategy in RUNS
    ] + [make_member(name, quoting__gamma=0.001, **changes) for name, changes in MODES.items()]


def scrambled(frame: pd.DataFrame, t: int, rng: np.random.Generator) -> pd.DataFrame:
    """The same table with every number after row t - 1 drawn anew (times stay)."""
    changed = frame.copy()
    for name in frame.columns:
        if frame[name].dtype == np.float64:
            factor = rng.uniform(0.5, 1.5, len(frame) - t)
            changed.loc[t:, name] = frame[name].to_numpy()[t:] * factor
    if "p" in changed:
        changed["p"] = changed["p"].clip(upper=1.0)
    if "gap" in changed:
        changed.loc[t:, "gap"] = rng.random(len(frame) - t) < 0.3
    return changed


def paths_up_to(result: Any, t: int) -> pd.DataFrame:
    return result.paths[result.paths["row"] < t].reset_index(drop=True)


@pytest.mark.parametrize("t", [2, 57, 201, 299])
def test_truncation_and_scramble(
    t: int, make_market: Any, make_member: Any, make_tips: Any
) -> None:
    bars, blocks, paths = make_market(n=300, seed=9)
    paths.loc[0, ["A", "k"]] = 0.1, 0.5  # or the shortest cut is refused for want of any fit
    runs = members(make_member)
    earlier = bars.assign(ts_open=bars["ts_open"] - 86_400 * 1_000_000_000)
    tips = make_tips(pd.concat([earlier, bars])).sort_values("ts", ignore_index=True)
    known = tips[tips["ts"] <= bars["ts_close"].iloc[t - 1]]
    other_tips = tips.assign(included=tips["included"] ^ (tips.index >= len(known)))
    whole = paths_up_to(simulate_pack(bars, blocks, paths, runs, detail=True, tips=tips), t)
    early = blocks[blocks["ts"] <= bars["ts_close"].iloc[t - 1]]
    cut = simulate_pack(bars[:t], early, paths[:t], runs, detail=True, tips=known)
    pd.testing.assert_frame_equal(whole, cut.paths, check_exact=True)
    rng = np.random.default_rng(t)
    other = simulate_pack(
        scrambled(bars, t, rng),
        blocks,
        scrambled(paths, t, rng),
        runs,
        detail=True,
        tips=other_tips,
    )
    pd.testing.assert_frame_equal(whole, paths_up_to(other, t), check_exact=True)
    if t > 50:
        traded = whole.groupby("run_id")["fills"].apply(lambda x: (x != 0).any())
        assert traded.drop(["lob_none", "amm_none"]).all()


@pytest.mark.parametrize("venue", ["lob", "amm"])
def test_decision_reads_the_row_before(venue: str, make_market: Any, make_member: Any) -> None:
    """Row t's own prices and prediction move its fill, never its quote."""
    bars, blocks, paths = make_market(n=100, seed=2, flaws=False)
    run = [make_member(sim__venue=venue, quoting__gamma=0.001, sim__latency_ms=30_000)]
    whole = simulate_pack(bars, blocks, paths, run, detail=True).paths
    bars.loc[50, ["open", "high", "low", "close"]] *= 1.2
    paths.loc[50, ["sigma", "A", "k", "m"]] *= 3.0
    other = simulate_pack(bars, blocks, paths, run, detail=True).paths
    quotes = ["bid", "ask", "mu", "q_star", "reference"]
    pd.testing.assert_frame_equal(whole[quotes][:51], other[quotes][:51], check_exact=True)
    assert whole["bid"].iloc[51] != other["bid"].iloc[51]


def test_future_blocks_do_not_matter(make_market: Any, make_member: Any) -> None:
    bars, blocks, paths = make_market(n=120, flaws=False)
    run = [make_member(sim__venue="amm", quoting__gamma=0.001)]
    t = 60
    whole = paths_up_to(simulate_pack(bars, blocks, paths, run, detail=True), t)
    late = blocks["ts"] > bars["ts_close"].iloc[t - 2]
    changed = blocks.assign(base_fee_wei=blocks["base_fee_wei"].where(~late, 10**15))
    other = paths_up_to(simulate_pack(bars, changed, paths, run, detail=True), t)
    pd.testing.assert_frame_equal(whole, other, check_exact=True)


def test_later_funding_does_not_matter_for_bars(make_market: Any, make_member: Any) -> None:
    """Facts and rows cut off after t, and facts after t drawn anew."""
    bars, blocks, paths = make_market(n=120, seed=4)
    runs = [
        make_member(name, sim__venue="lob", quoting__strategy=name, quoting__gamma=0.001)
        for name in ("hold", "glft")
    ]
    close, t = bars["ts_close"].to_numpy(np.int64), 70
    rng = np.random.default_rng(0)
    moments = np.sort(np.concatenate([close[::9], close[4::7] + 1, close[:1] - 1]))
    facts = pd.DataFrame(
        {"ts": moments, "name": "funding_rate", "value": rng.normal(0.0, 1e-3, len(moments))}
    )
    later = moments > close[t - 1]
    assert 3 < later.sum() < len(later) - 3
    other = facts.assign(value=facts["value"].where(~later, 0.5))
    shifted = other.assign(ts=other["ts"] + np.where(later, 1_000_000_000, 0))

    def played(n: int, known: pd.DataFrame) -> pd.DataFrame:
        records = Records(lambda: None, lambda: None, known, ())
        result = simulate_pack(bars[:n], blocks, paths[:n], runs, detail=True, records=records)
        return paths_up_to(result, t)

    whole = played(120, facts)
    without = paths_up_to(simulate_pack(bars, blocks, paths, runs, detail=True), t)
    assert (whole["cash"] != without["cash"]).any()
    pd.testing.assert_frame_equal(whole, played(t, facts[~later]), check_exact=True)
    pd.testing.assert_frame_equal(whole, played(120, shifted), check_exact=True)


def test_segments_start_from_zero(make_market: Any, make_member: Any) -> None:
    bars, blocks, paths = make_market(n=300, locked=100)
    runs = [run for run in members(make_member) if run["id"] not in ("optimal", "percentile")]
    for segment, rows in ((0, range(200)), (1, range(200, 300))):
        found = simulate_pack(bars, blocks, paths, runs, segment=segment, detail=True).paths
        first = found[found["row"] == rows[0]]
        assert len(first) == len(runs)
        assert (first[["inventory", "cash", "equity"]] == 0.0).all(axis=None)
        assert found["row"].min() == rows[0]
        assert found["row"].max() == rows[-1]
