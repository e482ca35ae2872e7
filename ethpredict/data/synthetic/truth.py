"""The truths that were planted, written beside the market so that later stages can recover them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ethpredict.data.synthetic import settings as constants
from ethpredict.data.synthetic._book_kernels import REFILL_DELAY
from ethpredict.data.synthetic.blocks import tip_grid
from ethpredict.data.synthetic.book import CROWD_LIMIT, book_shape
from ethpredict.data.synthetic.flow import TYPES, order_flow
from ethpredict.data.synthetic.signal import FLOW_DECAY


def describe(
    market: constants.MarketSettings,
    sent: np.ndarray,
    included: np.ndarray,
    arbitrages: int,
    realised_r2: float,
) -> dict[str, Any]:
    """Write down what was planted.

    Parameters
    ----------
    market : MarketSettings
        The market.
    sent, included : int64 array of shape (TIP_STEPS,)
        Bids and included bids by tip step.
    arbitrages : int
        Number of the arbitrageur's swaps.
    realised_r2 : float
        Sum of squared planted drifts over the sum of squared candle returns.

    Returns
    -------
    dict
        JSON-able; docs/synthetic_market.md explains each entry.
    """
    used = np.flatnonzero(sent)
    return {
        **_book(market),
        "seed": market.seed,
        "days": market.days,
        "start_ns": market.start_ns,
        "candle_seconds": market.candle_seconds,
        "predictability": {
            "r2": market.predictability,
            "realised_r2": realised_r2,
            "horizon_candles": 1,
            "observable": "exponential mean of 2*taker_buy_volume/volume - 1 over past candles, "
            "divided by its running root mean square",
            "drift_per_unit": market.drift_per_unit,
            "flow_decay": FLOW_DECAY,
            "half_life_candles": constants.SIGNAL_HALF_LIFE,
            "scale_memory": constants.SCALE_MEMORY,
            "scale_prior_count": constants.SCALE_PRIOR_COUNT,
            "scale_prior": constants.SCALE_PRIOR,
        },
        "volatility": {
            "annual": market.annual_volatility,
            "candle_sigma": market.candle_sigma,
            "diffusive_rms_per_sqrt_s": market.sigma,
            "log_sd": [constants.SLOW_SD, constants.FAST_SD],
            "half_life_s": [constants.SLOW_HALF_LIFE, constants.FAST_HALF_LIFE],
        },
        "jumps": {
            "per_day": market.jumps_per_day,
            "sd": market.jump_sd,
            "variance_share": market.jump_variance_share,
        },
        "flow": {
            "informed_fraction": market.informed_fraction,
            "informed_seconds": constants.INFORMED_SECONDS,
            "tilt_sd": constants.FLOW_SD,
            "tilt_half_life_s": constants.FLOW_HALF_LIFE,
            "half_spread_bps": market.half_spread_bps,
            "tick": 1.0 / market.price_scale,
            "lot": 1.0 / market.size_scale,
        },
        "fill": {
            "A": market.fill_A,
            "k": market.fill_decay,
            "A_unit": "1/s",
            "k_unit": "1/USD",
            "side": "each",
        },
        "inclusion": {
            "a": market.inclusion_a,
            "s": market.inclusion_s,
            "s_unit": "1/gwei",
            "bids": {
                "tip_gwei": tip_grid(market)[used].tolist(),
                "sent": sent[used].tolist(),
                "included": included[used].tolist(),
            },
        },
        "pool": {
            "fee_bps": market.pool_fee_bps,
            "liquidity": market.pool_liquidity,
            "turnover": market.pool_turnover,
            "swap_gas": constants.SWAP_GAS,
            "arbitrages": arbitrages,
        },
        "base_fee": {
            "level_gwei": market.base_fee_gwei,
            "elasticity": constants.ELASTICITY,
            "denominator": constants.DENOMINATOR,
        },
    }


def _book(market: constants.MarketSettings) -> dict[str, Any]:
    """Truths of the order book and its flow; nothing without a book."""
    if market.book == "none":
        return {}
    shape, flow = book_shape(market), order_flow(market)
    return {
        "book": {
            "tick": 1.0 / market.book_scale,
            "lot": 1.0 / market.size_scale,
            "ladder_levels": shape.ladder,
            "reach_levels": shape.reach,
            "maker_mean_size": shape.maker_lots / market.size_scale,
            "crowd_mean_size": shape.crowd_lots / market.size_scale,
            "crowd_mean_distance_levels": shape.crowd_ticks,
            "crowd_limit": CROWD_LIMIT,
            "refill_s": REFILL_DELAY * 1e-9,
        },
        "hawkes": {
            "types": list(TYPES),
            "branching_ratio": market.hawkes_branching,
            "branching": flow.branching.tolist(),
            "base_per_s": flow.base.tolist(),
            "mean_per_s": flow.mean.tolist(),
            "decay_per_s": flow.decay,
            "half_life_s": market.hawkes_half_life,
        },
    }
