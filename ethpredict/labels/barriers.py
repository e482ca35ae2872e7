"""Triple-barrier labels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from ethpredict.labels import _kernels
from ethpredict.labels._kernels import MISSING, PROFIT, STOP, TIE, VERTICAL

__all__ = ["MISSING", "PROFIT", "STOP", "TIE", "VERTICAL", "triple_barrier"]

Floats = npt.NDArray[np.float64]
Prices = tuple[Floats, Floats, Floats, Floats]
_TIES = {"drop": _kernels.TIE_DROP, "stop": _kernels.TIE_STOP, "profit": _kernels.TIE_PROFIT}


def triple_barrier(
    open: npt.ArrayLike,
    high: npt.ArrayLike,
    low: npt.ArrayLike,
    close: npt.ArrayLike,
    t0: npt.ArrayLike,
    sigma: npt.ArrayLike,
    horizon: int | npt.ArrayLike,
    profit: float,
    stop: float,
    side: npt.ArrayLike | None = None,
    tie: str = "drop",
    vertical: str = "zero",
    gaps: npt.ArrayLike | None = None,
) -> pd.DataFrame:
    """Which barrier the price meets first within `horizon` bars after each event.

    Parameters
    ----------
    open, high, low, close : array_like of float, shape (n,), USD, > 0
        Bars in time order.
    t0 : array_like of int, shape (m,), 0 .. n - 1
        Bar position of each event; entry at that bar's close, the path is
        bars ``t0 + 1 .. t0 + horizon``.
    sigma : array_like of float, shape (m,) or scalar, log return, > 0
        Unit of the barriers, known at the event's close. Where it is nan or
        not positive the label is missing.
    horizon : int or array_like of int, shape (m,), bars, >= 1
        Vertical barrier, for all events or for each.
    profit, stop : float, > 0
        Multiples of `sigma`; ``inf`` takes a barrier away.
    side : array_like of int, shape (m,), optional
        +1 long, -1 short, 0 no sample (missing). Without sides the profit
        barrier is above and the stop below.
    tie : {"drop", "stop", "profit"}
        When one bar touches both barriers. With sides, "drop" means the stop.
        Without sides "stop" means "down first", which biases labels downwards.
    vertical : {"zero", "sign"}
        Label at the vertical barrier: 0, or the sign of the return in the
        direction of the side.
    gaps : array_like of bool, shape (n,), optional
        True where nothing may span the border before a bar.

    Returns
    -------
    DataFrame of m rows
        ``t0`` int64; ``t1`` int64, bar of the first touch or -1; ``label``
        float64 in {-1, 0, 1}, relative to the side, nan where missing or a
        dropped tie; ``ret`` float64, log(exit / entry) of the price whatever
        the side, nan likewise; ``touch`` int8: 1 profit, -1 stop, 0 vertical,
        2 dropped tie, -2 missing.

    Raises
    ------
    ValueError
        If shapes differ, positions are out of range, or an option is unknown.

    Notes
    -----
    With ``b = 1`` (or the side), the barriers are ``entry exp(b profit sigma)``
    and ``entry exp(-b stop sigma)``; touch and label live in one return space
    (log). ``>=`` is a touch, on the high and the low. A touch exits at the
    barrier; a bar that opens at or beyond a barrier exits at its open, and
    what it does afterwards does not count. An event whose horizon runs past
    the last bar or into a gap is missing unless it touched before that: a
    touch is known when it happens, so labels with ``t1 <= T`` need no bar
    after T.

    References
    ----------
    Lopez de Prado (2018), Advances in Financial Machine Learning, ch. 3
    (there both multiples share one width, and touches are on the close).

    Examples
    --------
    >>> price = [100.0, 101.0, 103.0, 102.0]
    >>> triple_barrier(price, price, price, price, [0, 2], 0.02, 2, 1.0, 1.0)
       t0  t1  label       ret  touch
    0   0   2    1.0  0.029559      1
    1   2  -1    NaN       NaN     -2
    """
    prices = price_columns(open, high, low, close)
    bars = len(prices[3])
    events = np.ascontiguousarray(t0, dtype=np.int64)
    if any(price.shape != (bars,) for price in prices):
        raise ValueError("open, high, low and close must have one shape (n,)")
    if len(events) and not (events.min() >= 0 and events.max() < bars):
        raise ValueError(f"t0 must lie in 0 .. {bars - 1}")
    t1, label, ret, touch, _ = touches(
        prices, events, sigma, horizon, profit, stop, side, tie, vertical, gaps
    )
    return pd.DataFrame({"t0": events, "t1": t1, "label": label, "ret": ret, "touch": touch})


def price_columns(
    open: npt.ArrayLike, high: npt.ArrayLike, low: npt.ArrayLike, close: npt.ArrayLike
) -> Prices:
    """Contiguous float64 columns, as the kernels want them."""
    return (
        _fixed(open, np.float64),
        _fixed(high, np.float64),
        _fixed(low, np.float64),
        _fixed(close, np.float64),
    )


def _fixed(values: npt.ArrayLike, kind: type) -> npt.NDArray:
    """Contiguous and read-only: a kernel is compiled once, whatever the caller's arrays allow."""
    seen: npt.NDArray = np.ascontiguousarray(values, dtype=kind).view()
    seen.setflags(write=False)
    return seen


def touches(
    prices: Prices,
    t0: npt.NDArray[np.int64],
    sigma: npt.ArrayLike,
    horizon: int | npt.ArrayLike,
    profit: float,
    stop: float,
    side: npt.ArrayLike | None,
    tie: str,
    vertical: str,
    gaps: npt.ArrayLike | None,
) -> tuple[npt.NDArray, ...]:
    """Run the kernel: t1, label, ret, touch, and `seen`, the last bar that decided the event.

    ``[t0, seen]`` is the time an event is alive, also where it ends without a
    label; parameters as in :func:`triple_barrier`.
    """
    if tie not in _TIES:
        raise ValueError(f"tie = {tie!r}: must be drop, stop or profit")
    if vertical not in ("zero", "sign"):
        raise ValueError(f"vertical = {vertical!r}: must be zero or sign")
    shape = t0.shape
    reach = np.broadcast_to(np.asarray(horizon, dtype=np.int64), shape)
    if (reach < 1).any() or not (profit > 0 and stop > 0):
        raise ValueError(
            f"horizon = {horizon!r}, profit = {profit}, stop = {stop}: must be positive"
        )
    width = _fixed(np.broadcast_to(np.asarray(sigma, dtype=np.float64), shape), np.float64)
    sides, code = np.ones(shape, dtype=np.int8), _TIES[tie]
    if side is not None:
        sides = np.ascontiguousarray(
            np.broadcast_to(np.sign(np.nan_to_num(np.asarray(side, dtype=np.float64))), shape),
            dtype=np.int8,
        )
        code = _kernels.TIE_STOP if tie == "drop" else code
    gap = np.zeros(len(prices[3]), dtype=bool) if gaps is None else np.asarray(gaps, dtype=bool)
    if gap.shape != prices[3].shape:
        raise ValueError(f"gaps must have the shape of the bars, {prices[3].shape}")
    return _kernels.first_touch(
        *prices,
        _fixed(gap, np.bool_),
        t0,
        t0 + reach,
        width,
        sides,
        float(profit),
        float(stop),
        code,
        vertical == "sign",
    )
