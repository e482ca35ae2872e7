"""GPUs are counted and leased without a GPU library."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ethpredict import gpu
from ethpredict.errors import ConfigError


@pytest.fixture(autouse=True)
def _no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)


@pytest.mark.parametrize(
    ("listed", "names"),
    [("0,1", ["0", "1"]), ("", []), ("-1", []), ("2,-1,3", ["2"]),
     ("GPU-a, GPU-b", ["GPU-a", "GPU-b"])],
)  # fmt: skip
def test_the_visible_devices_are_cudas(
    monkeypatch: pytest.MonkeyPatch, listed: str, names: list[str]
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", listed)
    assert gpu.visible_gpus() == names


def test_without_the_variable_the_driver_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(gpu, "_DRIVER", tmp_path / "none")
    assert gpu.visible_gpus() == []
    for name in ("0000:01:00.0", "0000:02:00.0"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(gpu, "_DRIVER", tmp_path)
    assert gpu.visible_gpus() == ["0", "1"]


def test_two_jobs_get_two_devices_and_a_third_waits(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,7")
    first = gpu.lease(0, tmp_path)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "4"
    call = (
        "import sys, os; from pathlib import Path; from ethpredict import gpu\n"
        "held = gpu.lease(0, Path(sys.argv[1])); print(os.environ['CUDA_VISIBLE_DEVICES'])"
    )
    root = str(Path(gpu.__file__).parents[1])
    env = os.environ | {"CUDA_VISIBLE_DEVICES": "4,7", "PYTHONPATH": root}
    other = [sys.executable, "-c", call, str(tmp_path)]
    answer = subprocess.run(other, env=env, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "7"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4")
    with pytest.raises(ConfigError, match="free one"):
        gpu.lease(0, tmp_path)
    first.close()
    gpu.lease(0, tmp_path).close()


def test_cuda_without_a_device_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(ConfigError, match="no GPU is visible"):
        gpu.lease()


def test_a_cluster_job_keeps_the_device_it_was_given(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    monkeypatch.setenv("SLURM_JOB_ID", "12")
    gpu.lease(0, tmp_path).close()
    assert list(tmp_path.iterdir()) == []
