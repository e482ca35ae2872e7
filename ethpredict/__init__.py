"""ETHPredict: the on-chain market-making experiment matrix.

Importing the package decides where numba keeps its compiled kernels: in a
folder keyed by the source of every file that uses numba, because numba's own
cache does not see that a callee in another file has changed.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

__version__ = "0.1.0"

_ROOT = Path(__file__).resolve().parent


def _kernel_cache() -> Path:
    """Folder of compiled kernels for exactly this source."""
    digest = hashlib.sha256()
    for path in sorted(_ROOT.rglob("*.py")):
        source = path.read_bytes()
        if b"numba" in source:
            digest.update(path.relative_to(_ROOT).as_posix().encode() + b"\0" + source)
    base = Path(os.environ.get("ETHPREDICT_KERNEL_CACHE") or _ROOT.parent / ".cache" / "numba")
    return base / digest.hexdigest()[:16]


os.environ["NUMBA_CACHE_DIR"] = str(_kernel_cache())
