"""Triple-barrier labels, their closed intervals [t0, t1] and sample weights."""

from ethpredict.labels.barriers import triple_barrier
from ethpredict.labels.stage import build, summary
from ethpredict.labels.uniqueness import average_uniqueness, concurrency

__all__ = ["average_uniqueness", "build", "concurrency", "summary", "triple_barrier"]
