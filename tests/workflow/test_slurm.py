"""config/test.yaml to its report on a real, throw-away SLURM."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster(root: Path) -> Iterator[dict[str, str]]:
    """Environment in which sbatch works: two nodes on loopback, no accounting database."""
    scripts = root.parent / "shared" / "slurm"
    if not (scripts / "slurm_up.sh").is_file():
        pytest.skip("needs ../shared/slurm, which is not beside this checkout")
    if os.environ.get("ETHPREDICT_SLURM") != "1":
        pytest.skip("starts a SLURM on this machine; ETHPREDICT_SLURM=1 allows it")
    if os.getuid() != 0:
        pytest.skip("starting a SLURM needs root")
    folder = tempfile.mkdtemp(prefix="slurm")  # short: it holds a socket
    ports = {"PORT_BASE": str(27000 + os.getpid() % 900 * 5)}
    try:
        subprocess.run([scripts / "slurm_up.sh", folder], env=os.environ | ports, check=True)
        yield os.environ | {
            "SLURM_CONF": f"{folder}/slurm.conf",
            "PATH": f"{folder}/bin:{os.environ['PATH']}",
        }
    finally:
        subprocess.run([scripts / "slurm_down.sh", folder], check=False)
        shutil.rmtree(folder, ignore_errors=True)


def snakemake(root: Path, folder: Path, environment: dict[str, str], *arguments: str) -> str:
    """What Snakemake says; a failure shows it."""
    study = ["-s", root / "Snakefile", "-d", folder, "--configfile", root / "config/test.yaml"]
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", *study, *arguments],
        cwd=root,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    return done.stdout


def test_report_on_slurm(cluster: dict[str, str], root: Path, tmp_path: Path) -> None:
    said = snakemake(root, tmp_path, cluster, "--workflow-profile", "profiles/slurm")
    assert (tmp_path / "results" / "test" / "report" / "index.html").stat().st_size > 10_000
    assert "Nothing to be done" in snakemake(root, tmp_path, cluster, "--dry-run")

    log = Path(cluster["SLURM_CONF"]).parent / "log" / "jobcomp.txt"
    states = re.findall(r"JobState=(\w+)", log.read_text())
    assert set(states) == {"COMPLETED"}
    assert len(states) == len(re.findall(r"with SLURM jobid", said)) > 5

    queue = subprocess.run(
        ["squeue", "-h", "-t", "PD,R"], env=cluster, capture_output=True, check=True
    )
    assert queue.stdout == b""
