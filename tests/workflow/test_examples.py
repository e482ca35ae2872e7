"""The examples run to their report on real files; the embedded default runs as it stands."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import ROOT

EXAMPLES = [
    ("examples/eth_1h_real.yaml", "klines/ETHUSDT-1h-2024-2025.csv"),
    ("examples/eth_5m_real.yaml", "lighter/candles_ETH_perp_5m_20260328_20260628.csv"),
]


def run(folder: Path, config: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a study of the config folder."""
    call = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "-d", str(folder)]
    call += ["--configfile", str(ROOT / "config" / config), "--cores", "2"]
    return subprocess.run(
        call, env=os.environ | env, capture_output=True, check=False, text=True, timeout=900
    )


@pytest.mark.slow
@pytest.mark.parametrize(("config", "file"), EXAMPLES)
def test_an_example_runs_to_its_report(
    tmp_path: Path, shared_data: Path, config: str, file: str
) -> None:
    answer = run(tmp_path, config, CANDLES=str(shared_data / file))
    assert answer.returncode == 0, answer.stderr
    name = Path(config).stem
    assert (tmp_path / "results" / name / "report" / "index.html").is_file()
    trials = pd.read_parquet(tmp_path / "results" / name / "trials.parquet")
    assert (trials["status"] == "ok").all()
    assert len(trials) == 70
    parts = trials.filter(regex="^pnl_(?!1k)").sum(axis=1)
    assert (parts - trials["pnl"]).abs().max() < 1e-6


@pytest.mark.slow
def test_a_capture_calibrates_its_quotes(tmp_path: Path, shared_data: Path) -> None:
    """Book and trades of one raw file: A, k and xi with standard errors, in the report as well."""
    capture = shared_data / "l2_capture" / "binance_spot_ethusdt_20240808.gz"
    answer = run(tmp_path, "examples/binance_capture.yaml", CAPTURE=str(capture))
    assert answer.returncode == 0, answer.stderr
    store = tmp_path / "results" / "store" / "quote"
    fits = pd.concat([pd.read_parquet(path) for path in store.glob("*/calibration.parquet")])
    pooled = fits[fits["side"] == "both"]
    assert len(pooled) >= 3
    assert (fits["mid_source"] == "book").all()
    assert not fits["approximate"].any()
    assert pooled["A"].between(0.1, 0.5).all()
    assert pooled["k"].between(2.0, 6.0).all()
    for name in ("A", "k", "xi"):
        assert (pooled[f"{name}_se"] > 0.0).all()
        assert (pooled[f"{name}_se"] < 0.35 * pooled[name]).all()
    trials = pd.read_parquet(tmp_path / "results" / "binance_capture" / "trials.parquet")
    assert (trials["status"] == "ok").all()
    report = tmp_path / "results" / "binance_capture" / "report" / "index.html"
    shown = report.read_text(encoding="utf-8")
    assert "trades, mid of book" in shown
    assert "Naive A" in shown


@pytest.mark.slow
def test_a_recorded_pool_runs_to_the_report(tmp_path: Path, shared_data: Path) -> None:
    """Swap logs through the whole workflow: trades on the recorded reserves, parts that sum."""
    logs = shared_data / "amm/uniswap_v3_usdc_weth_0.3pct_2024-01-05.raw.csv"
    candles = shared_data / "klines/ETHUSDT-1h-2024-2025.csv"
    answer = run(tmp_path, "examples/pool_tape.yaml", CANDLES=str(candles), POOL=str(logs))
    assert answer.returncode == 0, answer.stderr
    study = tmp_path / "results" / "pool_tape"
    trials = pd.read_parquet(study / "trials.parquet")
    assert (trials["status"] == "ok").all(), trials["error"].tolist()
    assert (trials["n_fills"] > 0).any()
    parts = trials.filter(regex="^pnl_(?!1k)").sum(axis=1)
    assert (parts - trials["pnl"]).abs().max() < 1e-6
    events = pd.read_parquet(next((tmp_path / "results/store/fetch").glob("*/pool_events.parquet")))
    shown = pd.read_parquet(study / "top" / "paths.parquet")
    row = shown[shown["bid"].notna()].iloc[-1]
    at = int(events["ts"].searchsorted(row["ts"] - 3600 * 10**9, side="right")) - 1
    price = events["reserve1"].iloc[at] / events["reserve0"].iloc[at]
    assert abs(row["bid"] / (price * 0.997) - 1.0) < 1e-12


@pytest.mark.slow
def test_the_hybrid_example_hedges(tmp_path: Path) -> None:
    answer = run(tmp_path, "examples/hybrid.yaml")
    assert answer.returncode == 0, answer.stderr
    trials = pd.read_parquet(tmp_path / "results" / "hybrid" / "trials.parquet")
    assert (trials["status"] == "ok").all()
    hedged = trials[trials["axis:sim.venue"] == "hybrid"]
    assert hedged["n_hedges"].sum() > 100
    assert trials.loc[trials["axis:sim.venue"] == "lob", "pool_pnl"].isna().all()
    legs = hedged["book_pnl"] + hedged["pool_pnl"]
    assert (legs - hedged["pnl"]).abs().max() < 1e-6
    page = (tmp_path / "results" / "hybrid" / "report" / "index.html").read_text(encoding="utf-8")
    assert "Hedges on the pool, validation" in page


@pytest.mark.slow
def test_the_embedded_default_runs_to_its_report(tmp_path: Path) -> None:
    answer = run(tmp_path, "config.yaml")
    assert answer.returncode == 0, answer.stderr
    trials = pd.read_parquet(tmp_path / "results" / "demo" / "trials.parquet")
    assert (trials["baseline"] == "").sum() == 48
    assert (trials["status"] == "ok").all()
    # planted skill is found: the models' information coefficient is positive
    models = trials[(trials["baseline"] == "")].groupby("axis:model.level0.algo")["ic"].mean()
    assert (models > 0.02).all()
