"""Quote paths: layout, causality, refusals and the script around them."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from ethpredict.data.market import empty_book, empty_trades
from ethpredict.io.artefact import read_json, read_table, write_table
from ethpredict.quoting import build_paths
from ethpredict.quoting.calibration import DAY_NS, Calibration, WalkForward
from ethpredict.quoting.paths import CALIBRATION_COLUMNS, PATH_COLUMNS
from ethpredict.quoting.volatility import price_sigma

SETTINGS = {"volatility_window": 20, "window_days": 2.0, "refit_days": 0.5, "min_fills": 20}


@pytest.fixture(scope="module")
def bars():
    rng = np.random.default_rng(4)
    n = 1600
    close = 3000 * np.exp(np.cumsum(rng.normal(0, 1e-3, n)))
    previous = np.concatenate(([3000.0], close[:-1]))
    depth = rng.exponential(2.0, (2, n))
    ts = np.arange(1, n + 1, dtype=np.int64) * 300 * 10**9
    ts[900:] += DAY_NS // 4
    gap = np.zeros(n, bool)
    gap[900] = True
    return pd.DataFrame(
        {
            "ts_open": ts - 300 * 10**9,
            "ts_close": ts,
            "open": previous,
            "high": np.maximum(close, previous) + depth[0],
            "low": np.minimum(close, previous) - depth[1],
            "close": close,
            "volume": 1.0,
            "gap": gap,
        }
    )


def predict(bars, model, first=600, seed=0):
    rows = np.arange(first, len(bars))
    rng = np.random.default_rng(seed)
    draws = rng.normal(0, 1e-3, (len(bars), 4))[rows]
    return pd.DataFrame(
        {
            "model_id": model,
            "row": rows,
            "ts": bars["ts_close"].to_numpy()[rows],
            "segment": np.where(rows < 1300, 0, 1).astype(np.int8),
            "m": draws[:, 0],
            "p": draws[:, 1],
            "gain": draws[:, 2],
            "loss": draws[:, 3],
            "horizon_s": 3600.0,
        }
    )


def member(name, model="m1", **changes):
    return {
        "id": name,
        "settings": {"quoting": {"calibration": {**SETTINGS, **changes}}},
        "upstream": {"bars": "b", "train": model},
    }


def test_layout_and_values(bars):
    predictions = pd.concat([predict(bars, "m2", seed=1), predict(bars, "m1")])
    members = [member("qb", "m2"), member("qa", "m1"), member("qc", "m1", volatility_window=50)]
    paths, calibration, status = build_paths(bars, predictions, members)
    assert list(paths.columns) == list(PATH_COLUMNS)
    assert list(calibration.columns) == list(CALIBRATION_COLUMNS)
    assert {n: str(t) for n, t in paths.dtypes.items()} == PATH_COLUMNS
    assert list(status["quote_id"]) == ["qa", "qb", "qc"]
    assert (status["status"] == "ok").all()
    assert paths[["quote_id", "row"]].apply(tuple, axis=1).is_monotonic_increasing
    assert len(paths) == 3 * 1000
    qa = paths[paths["quote_id"] == "qa"].reset_index(drop=True)
    np.testing.assert_array_equal(qa["sigma"], price_sigma(bars, 20)[600:])
    np.testing.assert_array_equal(qa["m"], predict(bars, "m1")["m"])
    np.testing.assert_array_equal(qa["t_pred"], qa["ts"])
    assert (paths["xi"] == 0.0).all()
    walk = WalkForward(bars, Calibration(**SETTINGS))
    for row in (0, 1, 400, 999):
        fit = walk.at(int(walk.moments(np.array([qa["ts"][row]]))[0]))["both"]
        assert (qa["A"][row], qa["k"][row]) == (fit.A, fit.k)
    mine = calibration[calibration["quote_id"] == "qa"]
    assert set(mine["side"]) == {"bid", "ask", "both"}
    assert mine["approximate"].all()
    assert (mine["A_se"] > 0).all()
    # Equal settings share their fits; sigma is undefined after the gap until it is whole.
    np.testing.assert_array_equal(qa["A"], paths.loc[paths["quote_id"] == "qb", "A"])
    assert np.isnan(qa["sigma"][300:320]).all()
    assert np.isfinite(qa["sigma"][320:]).all()


@pytest.mark.parametrize("cut", [1000, 1153, 1400])
def test_nothing_reads_the_future(bars, cut):
    """Rows up to `cut` keep their bits when later rows are removed or scrambled."""
    whole = build_paths(bars, predict(bars, "m1"), [member("q")])[0]
    kept = whole[whole["row"] < cut]
    short = bars.iloc[:cut]
    truncated = build_paths(short, predict(bars, "m1").query("row < @cut"), [member("q")])[0]
    pd.testing.assert_frame_equal(truncated, kept, check_exact=True)
    scrambled = bars.copy()
    rng = np.random.default_rng(9)
    for name in ("high", "low", "close"):
        scrambled.loc[cut:, name] = rng.uniform(1.0, 9.0, len(bars) - cut)
    again = build_paths(scrambled, predict(bars, "m1"), [member("q")])[0]
    pd.testing.assert_frame_equal(again[again["row"] < cut], kept, check_exact=True)


def test_rows_before_the_first_fit_are_nan(bars):
    paths = build_paths(bars, predict(bars, "m1", first=0), [member("q", refit_days=1.0)])[0]
    early = paths["ts"] < DAY_NS
    assert np.isnan(paths.loc[early, ["A", "k"]]).all().all()
    assert np.isfinite(paths.loc[~early, ["A", "k"]]).all().all()


def test_refusals_are_rows_and_do_not_stop_the_pack(bars):
    members = [
        member("ok"),
        member("short", volatility_window=5000),
        member("orphan", "unknown"),
        member("broken", "bad"),
    ]
    statuses = pd.DataFrame(
        {"model_id": ["m1", "bad"], "status": ["ok", "failed"], "error": ["", "too few rows"]}
    )
    paths, calibration, status = build_paths(bars, predict(bars, "m1"), members, statuses)
    errors = dict(zip(status["quote_id"], status["error"], strict=True))
    assert set(paths["quote_id"]) == set(calibration["quote_id"]) == {"ok"}
    assert errors["ok"] == ""
    assert "5000 returns" in errors["short"]
    assert "unknown has no predictions" in errors["orphan"]
    assert "bad failed: too few rows" in errors["broken"]


def test_a_path_without_any_fit_stays(bars, caplog):
    """A pool never reads A and k, so their lack is said and left to the simulator."""
    members = [member("few", min_fills=100_000), member("ok")]
    paths, calibration, status = build_paths(bars, predict(bars, "m1"), members)
    assert status["status"].tolist() == ["ok", "ok"]
    assert status["error"].tolist() == ["", ""]
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("quote few: no fit of A and k in 8 windows of 2 d: at most 8")
    assert "min_fills = 100000" in line
    few, good = (paths[paths["quote_id"] == name].reset_index(drop=True) for name in ("few", "ok"))
    assert few[["A", "k"]].isna().all(axis=None)
    others = [name for name in PATH_COLUMNS if name not in ("quote_id", "A", "k")]
    pd.testing.assert_frame_equal(few[others], good[others], check_exact=True)
    refused = calibration[calibration["quote_id"] == "few"]
    assert refused["A"].isna().all()
    assert (refused["n_fills"] > 0).all()


def test_no_member_succeeds(bars):
    paths, calibration, status = build_paths(bars, predict(bars, "m1"), [member("x", "y")])
    assert len(paths) == len(calibration) == 0
    assert list(paths.columns) == list(PATH_COLUMNS)
    assert list(status["status"]) == ["failed"]


def test_script_writes_the_same_bytes_twice(bars, tmp_path, root):
    source = (root / "scripts" / "calibrate_quotes.py").read_text(encoding="utf-8")
    script: dict = {}
    exec(compile(source, "calibrate_quotes.py", "exec"), script)
    write_table(bars, tmp_path / "bars.parquet")
    write_table(empty_trades(), tmp_path / "trades.parquet")
    write_table(empty_book(), tmp_path / "book.parquet")
    for name in ("m1", "m2"):
        write_table(predict(bars, name), tmp_path / f"{name}.parquet")
        status = pd.DataFrame({"model_id": [name], "status": ["ok"], "error": [""]})
        write_table(status, tmp_path / f"{name}_status.parquet")
    spec = {"stage": "quote", "id": "pack", "members": [member("q1"), member("q2", "m2")]}
    contents = []
    for folder in ("one", "two"):
        inputs = SimpleNamespace(
            bars=str(tmp_path / "bars.parquet"),
            trades=str(tmp_path / "trades.parquet"),
            book=str(tmp_path / "book.parquet"),
            predictions=[str(tmp_path / f"{name}.parquet") for name in ("m1", "m2")],
            statuses=[str(tmp_path / f"{name}_status.parquet") for name in ("m1", "m2")],
        )
        names = {"paths": "parquet", "calibration": "parquet", "status": "parquet", "spec": "json"}
        files = {name: tmp_path / folder / f"{name}.{end}" for name, end in names.items()}
        script["main"](inputs, SimpleNamespace(**{n: str(f) for n, f in files.items()}), spec)
        contents.append([file.read_bytes() for file in files.values()])
    assert contents[0] == contents[1]
    assert read_json(tmp_path / "one" / "spec.json") == json.loads(json.dumps(spec))
    assert list(read_table(tmp_path / "one" / "status.parquet")["status"]) == ["ok", "ok"]
    assert len(read_table(tmp_path / "one" / "paths.parquet", quote_id=["q2"])) == 1000


def test_a_market_without_trades_refuses_what_needs_them(bars):
    wanted = member("q")
    wanted["settings"]["quoting"]["calibration"]["source"] = "trades"
    _, fits, status = build_paths(bars, predict(bars, "m1"), [wanted, member("r")])
    assert status["status"].tolist() == ["failed", "ok"]
    assert "the market has no trades" in status["error"].iloc[0]
    assert set(fits["quote_id"]) == {"r"}
