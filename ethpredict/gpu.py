"""Which GPUs this machine shows, and the lease of one; no GPU library is imported here.

Snakemake counts GPUs but assigns none. A job therefore takes an advisory lock
on one device and shows only that one to the libraries that it imports later.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from pathlib import Path
from typing import IO

from ethpredict.errors import ConfigError

_DRIVER = Path("/proc/driver/nvidia/gpus")
_VISIBLE = "CUDA_VISIBLE_DEVICES"


def visible_gpus() -> list[str]:
    """Names of the GPUs that a job may use.

    Returns
    -------
    list of str
        The entries of ``CUDA_VISIBLE_DEVICES`` where it is set, else the
        ordinals of the devices that the NVIDIA driver lists, else none.
    """
    listed = os.environ.get(_VISIBLE)
    if listed is not None:
        # As in CUDA, an entry of -1 ends the list.
        entries = [item.strip() for item in listed.split(",") if item.strip()]
        return entries[: entries.index("-1")] if "-1" in entries else entries
    return [str(i) for i in range(len(list(_DRIVER.iterdir())))] if _DRIVER.is_dir() else []


def lease(wait: float = 600.0, folder: Path | None = None) -> IO[str]:
    """Take one free GPU and show only that one to this process.

    Parameters
    ----------
    wait : float
        Longest time to wait for a free device, s.
    folder : Path, optional
        Where the locks lie; a folder of the user's in the system's temporary
        folder when missing.

    Returns
    -------
    file
        The lock; the device is free again when it is closed. In a SLURM job, which
        has its device from the scheduler, nothing is locked.

    Raises
    ------
    ConfigError
        If no GPU is visible, or none becomes free in time.
    """
    names = visible_gpus()
    if not names:
        raise ConfigError(
            "device", "cuda", "auto or cpu where no GPU is visible", "Set device: cpu."
        )
    if "SLURM_JOB_ID" in os.environ:
        # The cluster has assigned the device, and renumbers it from 0 in every job.
        return open(os.devnull, encoding="utf-8")
    folder = folder or Path(tempfile.gettempdir()) / f"ethpredict-gpus-{os.getuid()}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    end = time.monotonic() + wait
    while True:
        for name in names:
            handle = open(folder / f"{name}.lock", "a", encoding="utf-8")  # noqa: SIM115 - the lease
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                handle.close()
                continue
            os.environ[_VISIBLE] = name
            return handle
        if time.monotonic() > end:
            raise ConfigError(
                "device", "cuda", f"a free one of {len(names)} GPUs within {wait:g} s",
                "Lower --resources gpu=N to the number of GPUs.",
            )  # fmt: skip
        time.sleep(0.2)
