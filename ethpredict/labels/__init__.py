"""Labels, their closed intervals [t0, t1] and sample weights."""

from ethpredict.labels.attribution import return_attribution
from ethpredict.labels.balance import class_balance, time_decay
from ethpredict.labels.barriers import triple_barrier
from ethpredict.labels.bootstrap import draw_probabilities, sequential_bootstrap
from ethpredict.labels.meta import meta_labels
from ethpredict.labels.stage import build, summary
from ethpredict.labels.trend import trend_scan
from ethpredict.labels.uniqueness import average_uniqueness, concurrency

__all__ = [
    "average_uniqueness",
    "build",
    "class_balance",
    "concurrency",
    "draw_probabilities",
    "meta_labels",
    "return_attribution",
    "sequential_bootstrap",
    "summary",
    "time_decay",
    "trend_scan",
    "triple_barrier",
]
