"""Packs: members do not see each other; failures are rows; bad settings speak clearly."""

from __future__ import annotations

import copy
import json
import sys
from importlib import util
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ethpredict.errors import TrialError
from ethpredict.io.artefact import read_table, write_table
from ethpredict.quoting._bribe_kernels import inclusion_chance
from ethpredict.sim import simulate_pack
from ethpredict.sim.pack import NO_TIPS
from ethpredict.sim.rows import market_rows
from ethpredict.sim.run import Run
from ethpredict.sim.settings import lob_settings
from ethpredict.sim.tape import Records


def same_tables(first: Any, second: Any) -> None:
    for name in ("metrics", "equity", "daily"):
        pd.testing.assert_frame_equal(getattr(first, name), getattr(second, name), check_exact=True)


def various(make_member: Any) -> list[dict]:
    return [
        make_member(f"{venue}{i}", replicate=i % 2, sim__venue=venue, quoting__gamma=gamma)
        for venue in ("lob", "amm")
        for i, gamma in enumerate((1e-4, 1e-3, 1e-2, 1e-1))
    ]


def test_order_and_pack_mates_do_not_matter(make_market: Any, make_member: Any) -> None:
    market, runs = make_market(n=300), various(make_member)
    whole = simulate_pack(*market, runs)
    same_tables(whole, simulate_pack(*market, runs[::-1]))
    assert whole.metrics["run_id"].tolist() == sorted(run["id"] for run in runs)
    for run in runs:
        alone = simulate_pack(*market, [run]).metrics
        row = whole.metrics[whole.metrics["run_id"] == run["id"]].reset_index(drop=True)
        pd.testing.assert_frame_equal(alone, row, check_exact=True)
    assert whole.metrics["pnl"].nunique() == len(runs)


def test_detail_changes_no_result(make_market: Any, make_member: Any) -> None:
    market, runs = make_market(n=300), various(make_member)
    plain, detailed = simulate_pack(*market, runs), simulate_pack(*market, runs, detail=True)
    same_tables(plain, detailed)
    assert plain.paths is None
    assert len(detailed.paths) == 300 * len(runs)


def test_replicates_move_the_pool_only(make_market: Any, make_member: Any) -> None:
    market = make_market(n=300)
    for venue, distinct in (("lob", 1), ("amm", 3)):
        runs = [
            make_member(f"r{i}", replicate=i, sim__venue=venue, quoting__gamma=1e-3)
            for i in range(3)
        ]
        assert simulate_pack(*market, runs).metrics["pnl"].nunique() == distinct


def test_a_failed_member_is_a_row(make_market: Any, make_member: Any) -> None:
    market = make_market(n=100)
    bad = make_member("bad", sim__lob__tick_size=0.0)
    lost = make_member("lost") | {"upstream": {"quote": "q2"}}
    broken = make_member("broken") | {"upstream": {"quote": "q3"}}
    result = simulate_pack(
        *market, [bad, lost, broken, make_member("good")], failed={"q3": "too few fills"}
    )
    table = result.metrics.set_index("run_id")
    assert table["status"].to_dict() == {
        "bad": "failed",
        "broken": "failed",
        "good": "ok",
        "lost": "failed",
    }
    assert "sim.lob.tick_size = 0.0: must be a number > 0" in table.loc["bad", "error"]
    assert "no rows in the validation segment" in table.loc["lost", "error"]
    assert "too few fills" in table.loc["broken", "error"]
    assert np.isnan(table.loc["bad", "pnl"])
    assert set(result.equity["run_id"]) == set(result.daily["run_id"]) == {"good"}


def test_empty_tables_keep_their_columns(make_market: Any, make_member: Any) -> None:
    market = make_market(n=50)
    bad = simulate_pack(*market, [make_member(quoting__gamma=-1.0)], detail=True)
    good = simulate_pack(*market, [make_member()], detail=True)
    for name in ("metrics", "equity", "daily", "paths"):
        empty, full = getattr(bad, name), getattr(good, name)
        assert empty.dtypes.equals(full.dtypes), name
    assert len(bad.equity) == 0


BAD = [
    ("lob", "quoting.gamma", 0.0),
    ("lob", "quoting.gamma", float("nan")),
    ("lob", "quoting.gamma", "high"),
    ("lob", "quoting.order_size", 0.001),
    ("lob", "quoting.order_size", 11.0),
    ("lob", "quoting.max_inventory", -1.0),
    ("lob", "quoting.max_inventory", 5000.0),
    ("lob", "quoting.max_inventory", 1e308),
    ("lob", "quoting.max_inventory", 10**400),
    ("lob", "quoting.confidence", []),
    ("lob", "quoting.layers.count", 1.5),
    ("lob", "quoting.min_half_spread_bps", -0.1),
    ("lob", "quoting.strategy", "guess"),
    ("lob", "quoting.alpha", True),
    ("lob", "sim.venue", "dark"),
    ("lob", "sim.latency_ms", -1),
    ("lob", "sim.lob.tick_size", 0.0),
    ("lob", "sim.lob.tick_size", 1e-12),
    ("lob", "sim.lob.tick_size", 4000.0),
    ("lob", "sim.lob.lot_size", 0.0),
    ("lob", "sim.lob.lot_size", 1e-320),
    ("lob", "sim.lob.lot_size", 1e308),
    ("lob", "sim.lob.penetration_ticks", 0),
    ("lob", "sim.lob.penetration_ticks", 1.5),
    ("lob", "sim.lob.participation", 1.5),
    ("lob", "sim.lob.maker_fee_bps", -101),
    ("lob", "sim.lob.taker_fee_bps", -1),
    ("amm", "quoting.strategy", "fixed_spread"),
    ("amm", "sim.latency_ms", -1),
    ("amm", "sim.amm.fee_bps", -1),
    ("amm", "sim.amm.fee_bps", 301),
    ("amm", "sim.amm.liquidity", 0.0),
    ("amm", "sim.amm.noise_turnover", -0.1),
    ("amm", "sim.amm.block_time", 0),
    ("amm", "sim.amm.arbitrage_probability", 1.1),
    ("amm", "sim.amm.gas_units", 20_000),
    ("amm", "sim.amm.gas_units", 30_000.5),
    ("amm", "sim.amm.base_fee_gwei", -1.0),
    ("amm", "sim.amm.tip_gwei", -1.0),
    ("amm", "sim.amm.inclusion_s", -1.0),
    ("amm", "sim.amm.slippage_bps", 10_001),
    ("amm", "sim.amm.revert_probability", 2),
    ("amm", "sim.amm.risk_horizon", 0),
    ("amm", "sim.amm.min_trade", -1),
    ("amm", "sim.seed", -1),
    ("amm", "sim.seed", 0.5),
]


@pytest.mark.parametrize(("venue", "key", "value"), BAD)
def test_bad_settings_name_key_value_and_range(
    venue: str, key: str, value: Any, make_market: Any, make_member: Any
) -> None:
    member = copy.deepcopy(make_member(sim__venue=venue))
    node = member["settings"]
    *folders, name = key.split(".")
    for folder in folders:
        node = node[folder]
    node[name] = value
    row = simulate_pack(*make_market(n=20), [member]).metrics.iloc[0]
    assert row["status"] == "failed"
    assert key in row["error"]
    assert "must" in row["error"] or "need" in row["error"]


def test_missing_setting_and_shallow_pool(make_market: Any, make_member: Any) -> None:
    member = make_member()
    del member["settings"]["sim"]["lob"]["tick_size"]
    shallow = make_member("shallow", sim__venue="amm", sim__amm__liquidity=1e5)
    table = simulate_pack(*make_market(n=20), [member, shallow]).metrics.set_index("run_id")
    assert "sim.lob.tick_size is missing" in table.loc["r", "error"]
    assert "raise sim.amm.liquidity" in table.loc["shallow", "error"]


def test_broken_paths_are_refused(make_market: Any, make_member: Any) -> None:
    bars, blocks, paths = make_market(n=60)
    cases = {
        "must follow each other": paths.drop(index=30),
        "made from other bars": paths.assign(ts=paths["ts"] + 1),
        "within the 60 bars": paths.assign(row=paths["row"] + 5),
    }
    for message, broken in cases.items():
        row = simulate_pack(bars, blocks, broken, [make_member()]).metrics.iloc[0]
        assert message in row["error"]
    row = simulate_pack(bars, blocks, paths, [make_member()], segment=1).metrics.iloc[0]
    assert "no rows in the locked segment" in row["error"]


def test_settings_that_do_not_apply_are_not_needed(make_market: Any) -> None:
    rows = market_rows(*make_market(n=20)[:2], 0, 19)
    lean = {"quoting": {"strategy": "none", "max_inventory": 1.0}, "sim": {"venue": "lob"}}
    assert lob_settings(Run("r", "q", lean), rows).sum() == 5.0
    with pytest.raises(TrialError, match="fee_schedule is missing"):
        lob_settings(
            Run("r", "q", {**lean, "quoting": lean["quoting"] | {"strategy": "hold"}}), rows
        )


def test_inclusion_chance() -> None:
    assert inclusion_chance(-1.0, 1.5, 1.0) == pytest.approx(1 / (1 + np.exp(-0.5)))
    assert inclusion_chance(100.0, 1e6, 1e5) == 1.0
    assert 0.0 < inclusion_chance(-100.0, 0.0, 0.0) < 1e-40


@pytest.fixture
def script(root: Path) -> Any:
    spec = util.spec_from_file_location("simulate_trials", root / "scripts/simulate_trials.py")
    module = util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_script_writes_the_same_bytes_twice(
    script: Any, tmp_path: Path, make_market: Any, make_member: Any
) -> None:
    bars, blocks, paths = make_market(n=120, locked=30)
    tables = {
        "bars": bars,
        "blocks": blocks,
        "tips": NO_TIPS,
        "one": paths,
        "two": paths.assign(quote_id="other"),
        "status": pd.DataFrame(
            {"quote_id": ["q", "bad"], "status": ["ok", "failed"], "error": ["", "no fit"]}
        ),
    }
    for name, table in tables.items():
        write_table(table, tmp_path / f"{name}.parquet")
    inputs = SimpleNamespace(
        bars=tmp_path / "bars.parquet",
        blocks=tmp_path / "blocks.parquet",
        tips=tmp_path / "tips.parquet",
        events=[],
        paths=[tmp_path / "one.parquet", tmp_path / "two.parquet"],
        statuses=str(tmp_path / "status.parquet"),
    )
    failing = make_member("x") | {"upstream": {"quote": "bad"}}
    spec = {"stage": "simulate", "id": "p", "members": [*various(make_member), failing]}
    written = []
    for folder in ("a", "b"):
        names = ("metrics", "equity", "daily")
        outputs = SimpleNamespace(
            **{name: tmp_path / folder / f"{name}.parquet" for name in names},
            spec=tmp_path / folder / "spec.json",
        )
        script.main(inputs, outputs, spec)
        written.append({path.name: path.read_bytes() for path in (tmp_path / folder).iterdir()})
    assert written[0] == written[1]
    metrics = read_table(tmp_path / "a/metrics.parquet")
    assert metrics["status"].tolist() == ["ok"] * 8 + ["failed"]
    assert "no fit" in metrics["error"].iloc[-1]
    assert metrics["days"].iloc[0] == pytest.approx(
        (bars["ts_close"][89] - bars["ts_open"][0]) / 86_400e9
    )
    assert json.loads(written[0]["spec.json"])["id"] == "p"


def test_funding_is_paid_on_the_position_at_the_last_close(make_market, make_member) -> None:
    """Three payments by hand: before the position, at a close, and between two closes."""
    bars, blocks, path = make_market(n=40, flaws=False)
    close = bars["ts_close"].to_numpy()
    moments = [close[0] - 1, close[10], close[20] + 5_000_000_000]
    facts = pd.DataFrame({"ts": moments, "name": "funding_rate", "value": [0.5, 1e-3, -2e-3]})
    records = Records(lambda: None, lambda: None, facts, ())
    member = make_member("h", sim__venue="lob", quoting__strategy="hold")
    played = [
        simulate_pack(bars, blocks, path, [member], detail=True, records=given)
        for given in (None, records)
    ]
    (plain, paid) = (result.metrics.iloc[0] for result in played)
    held = played[0].paths["inventory"].to_numpy()
    assert held[10] > 0
    mid = bars["close"].to_numpy()
    wanted = -(held[10] * mid[10] * 1e-3 - held[20] * mid[20] * 2e-3)
    assert paid["pnl_funding"] == pytest.approx(wanted, rel=1e-12)
    assert paid["pnl"] - plain["pnl"] == pytest.approx(wanted, rel=1e-9)
    gap = played[1].paths["equity"] - played[0].paths["equity"]
    assert gap[9] == 0
    assert gap[10] == pytest.approx(-held[10] * mid[10] * 1e-3)
    assert gap[21] == pytest.approx(wanted)
    alone = simulate_pack(bars, blocks, path, [member], records=records).metrics
    assert alone["pnl"].iloc[0] == paid["pnl"]
