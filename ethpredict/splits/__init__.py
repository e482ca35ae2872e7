"""Splits of labelled rows that do not leak: walk-forward, purged K-fold, combinatorial.

A label is a closed interval ``[t0, t1]`` of bar positions: it is known only
once bar ``t1`` has closed. A training row whose interval meets a test block's
interval has seen the block, so it is dropped (purging); rows just after the
block share its features and are dropped as well (embargo). Everything is
counted in bar positions, never in samples or in clock time, because labels of
different lengths end at different bars.

References
----------
Lopez de Prado (2018), Advances in Financial Machine Learning, ch. 7 and 12.
"""

from ethpredict.splits.chain import forward_chain
from ethpredict.splits.purged import (
    combinatorial_purged,
    combine_paths,
    embargo_bars,
    path_groups,
    purged_kfold,
)
from ethpredict.splits.windows import (
    DAY_NS,
    LOCKED,
    VALIDATION,
    Index,
    Window,
    purged_train_rows,
    walk_forward,
)

__all__ = [
    "DAY_NS",
    "LOCKED",
    "VALIDATION",
    "Index",
    "Window",
    "combinatorial_purged",
    "combine_paths",
    "embargo_bars",
    "forward_chain",
    "path_groups",
    "purged_kfold",
    "purged_train_rows",
    "walk_forward",
]
