"""Statistics of a study: Sharpe ratios, overfitting, comparison with baselines, leaderboard."""

from ethpredict.stats.effects import axis_effects
from ethpredict.stats.leaderboard import Summary, rank_trials, summarise
from ethpredict.stats.overfit import effective_trials, pbo, pbo_logits
from ethpredict.stats.paired import (
    BaselineIndex,
    Difference,
    market,
    match_baseline,
    mean_error,
    paired_difference,
)
from ethpredict.stats.pooled import pool_folds
from ethpredict.stats.sharpe import (
    ReturnMoments,
    deflated_sharpe,
    expected_max_sharpe,
    min_track_record,
    probabilistic_sharpe,
    return_moments,
)

__all__ = [
    "BaselineIndex",
    "Difference",
    "ReturnMoments",
    "Summary",
    "axis_effects",
    "deflated_sharpe",
    "effective_trials",
    "expected_max_sharpe",
    "market",
    "match_baseline",
    "mean_error",
    "min_track_record",
    "paired_difference",
    "pbo",
    "pbo_logits",
    "pool_folds",
    "probabilistic_sharpe",
    "rank_trials",
    "return_moments",
    "summarise",
]
