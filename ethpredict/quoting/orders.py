"""From distances to orders: spread limits, layers, ticks, post-only, one-sided at the limit."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ethpredict.errors import ConfigError
from ethpredict.quoting.checks import check_positive

Array = npt.NDArray[np.float64]
Ticks = npt.NDArray[np.int64]
# A price that is on the grid but for floating point stays there.
_GUARD, _GUARD_RELATIVE = 1e-9, 1e-15
_LARGEST_TICK = 1e12


def _floor(price: Array, tick: float) -> Array:
    ticks = price / tick
    return np.asarray(np.floor(ticks + _GUARD + _GUARD_RELATIVE * ticks))


def _ceil(price: Array, tick: float) -> Array:
    ticks = price / tick
    return np.asarray(np.ceil(ticks - _GUARD - _GUARD_RELATIVE * ticks))


def bounded_distances(
    delta_bid: npt.ArrayLike,
    delta_ask: npt.ArrayLike,
    least: npt.ArrayLike = 0.0,
    most: npt.ArrayLike = np.inf,
) -> tuple[Array, Array]:
    """Distances held between a least and a largest half spread.

    Parameters
    ----------
    delta_bid, delta_ask : array_like
        Wanted distances from the mid, USD; nan = no quote.
    least, most : array_like
        Smallest and largest half spread, USD, 0 <= least <= most.

    Returns
    -------
    delta_bid, delta_ask : ndarray
        USD; nan stays nan.

    Raises
    ------
    ConfigError
        If the bounds are negative or crossed.
    """
    low, high = np.asarray(least, dtype=np.float64), np.asarray(most, dtype=np.float64)
    check_positive(
        ("min_half_spread", "max_half_spread"), min_half_spread=low, max_half_spread=high
    )
    if np.any(low > high):
        raise ConfigError("quoting.min_half_spread", float(np.max(low)), "<= max_half_spread")
    bid, ask = (np.clip(np.asarray(d, dtype=np.float64), low, high) for d in (delta_bid, delta_ask))
    return np.asarray(bid), np.asarray(ask)


def order_ticks(
    mid: npt.ArrayLike,
    delta_bid: npt.ArrayLike,
    delta_ask: npt.ArrayLike,
    q: npt.ArrayLike,
    limit: float,
    tick: float,
    layers: int = 1,
    layer_step: float = 0.0,
    best_bid: npt.ArrayLike | None = None,
    best_ask: npt.ArrayLike | None = None,
) -> tuple[Ticks, Ticks]:
    """Prices in ticks of the orders to place, one row per moment.

    Parameters
    ----------
    mid : array_like, shape (T,)
        Reference mid, USD.
    delta_bid, delta_ask : array_like, shape (T,)
        Distances of the first layer, USD; nan = no quote on that side.
    q : array_like, shape (T,)
        Inventory, lots.
    limit : float
        Inventory limit, lots, >= 0. Layer i (from 1) of a side is placed only if i lots more
        on that side stay within it.
    tick : float
        Price step, USD, > 0.
    layers : int
        Orders of one lot per side, >= 1.
    layer_step : float
        Distance from layer to layer, USD, >= 0; at least one tick is kept.
    best_bid, best_ask : array_like, shape (T,), optional
        Best prices of the book, USD: a bid stays below the best ask and an ask above the best
        bid (post-only). None: they stay strictly on their side of the mid.

    Returns
    -------
    bid, ask : ndarray of int64, shape (T, layers)
        Ticks, rounded away from the mid; 0 where there is no order.

    Raises
    ------
    ConfigError
        If a setting is outside its range.

    Examples
    --------
    >>> bid, ask = order_ticks([100.03], [0.05], [0.05], [0.5], limit=2, tick=0.1, layers=2)
    >>> bid.tolist(), ask.tolist()
    ([[999, 0]], [[1001, 1002]])
    """
    check_positive(("limit", "layer_step"), limit=limit, tick=tick, layer_step=layer_step)
    if isinstance(layers, bool) or int(layers) != layers or layers < 1:
        raise ConfigError("quoting.layers", layers, "a whole number >= 1")
    middle, below, above, held = np.broadcast_arrays(
        *(np.atleast_1d(np.asarray(v, np.float64)) for v in (mid, delta_bid, delta_ask, q))
    )
    highest_bid = _ceil(middle if best_ask is None else np.asarray(best_ask, float), tick) - 1.0
    lowest_ask = _floor(middle if best_bid is None else np.asarray(best_bid, float), tick) + 1.0
    whole, per_tick = middle / tick, 1.0 / tick
    guard = _GUARD + _GUARD_RELATIVE * whole
    bids, asks = np.zeros((2, len(middle), int(layers)), dtype=np.int64)
    for i in range(int(layers)):
        bid = np.floor((whole + guard) - (below + i * layer_step) * per_tick)
        ask = np.ceil((whole - guard) + (above + i * layer_step) * per_tick)
        bid, ask = np.minimum(bid, highest_bid), np.maximum(ask, lowest_ask)
        with np.errstate(invalid="ignore"):
            buys = (bid >= 1.0) & (bid <= _LARGEST_TICK) & (held + (i + 1) <= limit)
            sells = (ask >= 1.0) & (ask <= _LARGEST_TICK) & (held - (i + 1) >= -limit)
        bids[buys, i], asks[sells, i] = bid[buys], ask[sells]
        highest_bid, lowest_ask = bid - 1.0, ask + 1.0
    return bids, asks
