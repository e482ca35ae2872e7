"""The archive example runs as it stands, against servers on this machine."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ethpredict.data import fetch
from tests.conftest import ROOT
from tests.local_server import Reply, archived, from_files, kline, serving
from tests.market_servers import archive_and_llama

MINUTE, HOUR = 60_000, 3_600_000
START = 1_704_067_200_000  # 2024-01-01
DAYS = {"2024-01": 31, "2024-02": 29}


def archive() -> dict[str, bytes]:
    """Two months of candles and funding."""
    files: dict[str, bytes] = {}
    first = START
    for month, days in DAYS.items():
        rows = (kline(first + i * MINUTE, MINUTE, 2000 + i % 50) for i in range(days * 1440))
        text = "".join(",".join(map(str, row)) + "\n" for row in rows)
        files |= archived(f"/data/spot/monthly/klines/ETHUSDT/1m/ETHUSDT-1m-{month}.zip", text)
        paid = "".join(f"{first + i * 8 * HOUR},8,0.0001\n" for i in range(days * 3))
        path = f"/data/futures/um/monthly/fundingRate/ETHUSDT/ETHUSDT-fundingRate-{month}.zip"
        files |= archived(path, "calc_time,funding_interval_hours,last_funding_rate\n" + paid)
        first += days * 1440 * MINUTE
    return files


def llama() -> dict[str, bytes]:
    days = [START // 1000 + i * 86_400 for i in range(-10, 60)]
    chain = [{"date": day, "tvl": 5e10} for day in days]
    lido = {"Ethereum": {"tvl": [{"date": day, "totalLiquidityUSD": 2e10} for day in days]}}
    protocol = {"category": "Liquid Staking", "chainTvls": lido}
    return {
        "/v2/historicalChainTvl/Ethereum": json.dumps(chain).encode(),
        "/protocol/lido": json.dumps(protocol).encode(),
    }


def test_the_archive_example_fetches_its_market(tmp_path: Path) -> None:
    static, busy = from_files(archive() | llama()), [True, True]

    def answer(asked):
        if busy:  # the first request of each run is told to come back
            busy.pop()
            return Reply("slow down", 429, {"Retry-After": "0"})
        return static(asked)

    with serving(answer) as server:
        hosts = {"BINANCE_ARCHIVE": server.url, "DEFILLAMA": server.url, "NO_PROXY": "127.0.0.1"}
        call = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile")]
        call += ["-d", str(tmp_path), "--cores", "1", "--until", "fetch_data", "--configfile"]
        call += [str(ROOT / "config/examples/binance_archive.yaml")]

        def run(*words: str) -> subprocess.CompletedProcess[str]:
            kinds = {"capture_output": True, "text": True, "timeout": 300}
            said = [*call, "--config", "data__end=2024-03-01", *words]
            return subprocess.run(said, check=False, env=os.environ | hosts, **kinds)

        # One connection and one try: patience reaches the job, though it is no parameter of it.
        hasty = run("data__http__attempts=1", "data__http__connections=1")
        assert hasty.returncode != 0
        assert "HTTP 429" in hasty.stderr + _logs(tmp_path)
        busy[:] = [True]
        ran = run()
        assert ran.returncode == 0, ran.stderr
        patient = run("data__http__timeout=7", "--dry-run")
        assert re.search(r"^total +0$", patient.stdout, re.M), patient.stdout
        before = len(server.asked)
        (folder,) = (tmp_path / "results/store/fetch").iterdir()
        spec = json.loads((folder / "spec.json").read_text())
        again = fetch(spec["settings"], tmp_path / "results/downloads")
        asked = server.paths()[before:]
    candles = pd.read_parquet(folder / "candles.parquet")
    assert len(candles) == 60 * 1440
    assert (np.diff(candles["ts_open"]) == MINUTE * 10**6).all()
    assert len(pd.read_parquet(folder / "funding.parquet")) == 180
    assert set(pd.read_parquet(folder / "onchain_daily.parquet")["name"]) == {"tvl", "tvl_lido"}
    quality = json.loads((folder / "quality.json").read_text())
    assert quality["facts"]["tvl"]["missing_share"] == 0.0
    assert len(quality["inputs"]) == 6
    # Made again, only the checksums are asked for; the market is the same to the last bit.
    assert asked
    assert all(path.endswith(".CHECKSUM") for path in asked)
    pd.testing.assert_frame_equal(again.candles, candles)
    left = [p.name for p in tmp_path.rglob("*") if p.name.endswith((".tmp", ".part", ".tag"))]
    assert left == []


def _logs(folder: Path) -> str:
    """What the jobs wrote down."""
    return "".join(p.read_text(encoding="utf-8") for p in folder.glob("results/logs/fetch/*.log"))


@pytest.mark.slow
def test_the_archive_example_reaches_its_report(tmp_path: Path) -> None:
    """The whole of it as it stands: two years of minutes, funding and TVL, 48 trials."""
    with serving(archive_and_llama("2024-01-01", "2026-01-01")) as server:
        hosts = {"BINANCE_ARCHIVE": server.url, "DEFILLAMA": server.url, "NO_PROXY": "127.0.0.1"}
        call = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile")]
        call += ["-d", str(tmp_path), "--cores", "2", "--configfile"]
        call += [str(ROOT / "config/examples/binance_archive.yaml")]
        ran = subprocess.run(
            call, env=os.environ | hosts, capture_output=True, check=False, text=True, timeout=7200
        )
    assert ran.returncode == 0, ran.stderr[-4000:]
    (folder,) = (tmp_path / "results/store/fetch").iterdir()
    candles = pd.read_parquet(folder / "candles.parquet", columns=["ts_open"])
    assert len(candles) == 731 * 1440
    told = json.loads((folder / "quality.json").read_text())["tables"]
    assert told["candles"]["gaps"]["count"] == 0
    assert told["funding: funding_rate (binance)"]["rows"] == 731 * 3
    assert told["onchain_daily: tvl (defillama)"]["gaps"]["count"] == 0
    report = (tmp_path / "results/binance_archive/report/index.html").read_text(encoding="utf-8")
    assert "onchain_daily: tvl_lido (defillama)" in report
