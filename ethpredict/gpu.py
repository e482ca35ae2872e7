"""Which GPUs this machine shows, found without importing a GPU library."""

from __future__ import annotations

import os
from pathlib import Path

_DRIVER = Path("/proc/driver/nvidia/gpus")


def visible_gpus() -> int:
    """Number of GPUs that a job may use.

    Returns
    -------
    int
        The length of ``CUDA_VISIBLE_DEVICES`` where it is set, else the number
        of devices that the NVIDIA driver lists, else 0.
    """
    listed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if listed is not None:
        return len([item for item in listed.split(",") if item.strip() not in ("", "-1")])
    return len(list(_DRIVER.iterdir())) if _DRIVER.is_dir() else 0
